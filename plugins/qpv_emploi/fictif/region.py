"""All that the files of one fictional region are drawn from, each part made once and only if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qpv_emploi.fictif import contrats
from qpv_emploi.fictif.contrats import Contrat
from qpv_emploi.fictif.generation_2024 import Quartiers2024, dessiner_2024, quartiers_2024
from qpv_emploi.fictif.geometrie import Contours, dessiner
from qpv_emploi.fictif.territoire import Commune, Territoire

SANS_EPCI, LIBELLE_SANS_EPCI = "ZZZZZZZZZ", "Sans objet"


@dataclass(frozen=True)
class Region:
    """A territory, its outlines, its two generations of QPV and of contracts."""

    territoire: Territoire

    @cached_property
    def contours(self) -> Contours:
        return dessiner(self.territoire)

    @cached_property
    def quartiers_2024(self) -> Quartiers2024:
        return quartiers_2024(self.territoire)

    @cached_property
    def formes_2024(self) -> NDArray[np.object_]:
        """Outlines of the QPV 2024, Lambert-93."""
        return dessiner_2024(self.territoire, self.contours, self.quartiers_2024)

    @cached_property
    def contrats_2015(self) -> list[Contrat]:
        return contrats.contrats_2015(self.territoire, self.contours.centres)

    @cached_property
    def contrats_2024(self) -> list[Contrat]:
        return contrats.contrats_2024(self.territoire, self.contours.centres)

    @cached_property
    def _contrats_par_porteur(self) -> dict[str, Contrat]:
        return {contrat.codgeo: contrat for contrat in self.contrats_2024}

    def contrat_2024_de(self, commune: Commune) -> Contrat:
        """The contract of 2024 of a commune with a QPV: its own, else that of its EPCI."""
        propre = self._contrats_par_porteur.get(commune.code)
        return propre or self._contrats_par_porteur[self.territoire.epci[commune.epci].siren]

    def epci_de(self, commune: Commune) -> tuple[str, str]:
        """SIREN and name of the EPCI of a commune, « Sans objet » outside any."""
        if commune.epci < 0:
            return SANS_EPCI, LIBELLE_SANS_EPCI
        epci = self.territoire.epci[commune.epci]
        return epci.siren, epci.libelle

    def departement_de(self, commune: Commune) -> tuple[str, str]:
        """Code and name of the département of a commune."""
        departement = self.territoire.departements[commune.departement]
        return departement.code, departement.nom.libelle

"""Contrats de ville of the two generations, and their GeoJSON files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qpv_emploi.fictif import codes
from qpv_emploi.fictif.alea import Reels, flux
from qpv_emploi.fictif.ecriture_geojson import Entite, collection
from qpv_emploi.fictif.territoire import Territoire

# With 95 EPCI at most, contracts stay below one hundred.
_COMMUNES_SIGNATAIRES_MAX = 4


@dataclass(frozen=True)
class Contrat:
    """One feature: a contract in one département; ``point`` is None for a null geometry."""

    codgeo: str
    code: str
    libelle: str
    departement: str
    population: int
    point: tuple[float, float] | None


def contrats_2015(territoire: Territoire, centres: Reels) -> list[Contrat]:
    """Contracts of 2015-2023: one per EPCI with a QPV, under the SIREN of 2014-15.

    A contract over two départements is written once in each, with the same code and point (like ``CV043``).
    ``pop`` is the population of 2018 of the QPV of the contract, each QPV counted once, with its first EPCI.
    """
    membres = _qpv_par_epci(territoire, seulement_principal=True)
    resultat = []
    for rang, epci in enumerate(sorted(membres)):
        identite = territoire.epci[epci]
        point = _barycentre(centres, membres[epci])
        par_departement: dict[int, int] = defaultdict(int)
        for qpv in membres[epci]:
            par_departement[int(territoire.qpv.departement[qpv])] += int(territoire.qpv.pop_2018[qpv])
        for departement, population in sorted(par_departement.items()):
            code = territoire.departements[departement].code
            resultat.append(
                Contrat(
                    codgeo=identite.siren_2015,
                    code=codes.code_contrat_2015(rang),
                    libelle=f"{code} - {identite.libelle}",
                    departement=code,
                    population=population,
                    point=point,
                )
            )
    return resultat


def contrats_2024(territoire: Territoire, centres: Reels) -> list[Contrat]:
    """Contracts of 2024-2030: one per EPCI, but for one small EPCI whose communes sign for themselves.

    Every commune of a QPV has a contract, its own or that of its EPCI. ``pop`` is counted
    several times, as in the real file, and one geometry is null.
    """
    membres = _qpv_par_epci(territoire, seulement_principal=False)
    alea = flux(territoire.graine, "contrats 2024")
    par_commune = epci_sans_contrat(territoire)
    rangs: dict[int, int] = defaultdict(int)
    resultat: list[Contrat] = []

    def ajouter(codgeo: str, nom: str, departement: int, qpv: list[int]) -> None:
        rangs[departement] += 1
        code = territoire.departements[departement].code
        lettre = str(alea.choice(["M", "I", "N"], p=[0.8, 0.12, 0.08]))
        doublons = sum(len(territoire.qpv.communes[q]) * int(territoire.qpv.pop_2018[q]) for q in qpv)
        resultat.append(
            Contrat(
                codgeo=codgeo,
                code=codes.code_contrat_2024(code, rangs[departement], lettre),
                libelle=f"{code} - {nom}",
                departement=code,
                population=doublons,
                point=None if len(resultat) == 1 else _barycentre(centres, qpv),
            )
        )

    for epci in sorted(membres):
        qpv = membres[epci]
        if epci != par_commune:
            siege = min(territoire.qpv.departement[q] for q in qpv)
            ajouter(territoire.epci[epci].siren, territoire.epci[epci].libelle, int(siege), qpv)
            continue
        for commune, siens in sorted(_qpv_par_commune(territoire, epci, qpv).items()):
            identite = territoire.communes[commune]
            ajouter(identite.code, identite.nom.libelle, identite.departement, siens)
    return resultat


def ecrire_contrats(chemin: Path, contrats: list[Contrat]) -> None:
    """Write the FeatureCollection of the contracts."""
    chemin.write_bytes(collection("geom_cv_ctr", (_entite(contrat) for contrat in contrats)))


def _entite(contrat: Contrat) -> Entite:
    champs = {
        "codgeo": contrat.codgeo,
        "code_cv": contrat.code,
        "lib_cv": contrat.libelle,
        "insee_dep": contrat.departement,
        "pop": float(contrat.population),
    }
    return champs, None if contrat.point is None else {"type": "Point", "coordinates": contrat.point}


def _qpv_par_epci(territoire: Territoire, *, seulement_principal: bool) -> dict[int, list[int]]:
    """QPV of each EPCI that has one: by main commune only, or by any of its communes."""
    membres: dict[int, list[int]] = defaultdict(list)
    for qpv, intercommunalites in enumerate(territoire.qpv.epci):
        for epci in intercommunalites[:1] if seulement_principal else intercommunalites:
            membres[epci].append(qpv)
    return membres


def _qpv_par_commune(territoire: Territoire, epci: int, qpv: list[int]) -> dict[int, list[int]]:
    """QPV of each commune of an EPCI that has one."""
    par_commune: dict[int, list[int]] = defaultdict(list)
    for rang in qpv:
        for commune in territoire.qpv.communes[rang]:
            if territoire.communes[commune].epci == epci:
                par_commune[commune].append(rang)
    return par_commune


def epci_sans_contrat(territoire: Territoire) -> int | None:
    """The EPCI whose communes sign the contract of 2024 themselves; None if they would be too many.

    It is the one with the fewest communes with a QPV, never the métropole.
    """
    membres = _qpv_par_epci(territoire, seulement_principal=False)
    nombres = {
        epci: len(_qpv_par_commune(territoire, epci, qpv)) for epci, qpv in membres.items() if epci != 0
    }
    choisi = min(nombres, key=lambda epci: (nombres[epci], -epci), default=None)
    return choisi if choisi is None or nombres[choisi] <= _COMMUNES_SIGNATAIRES_MAX else None


def _barycentre(centres: Reels, qpv: list[int]) -> tuple[float, float]:
    """Mean of the centres, longitude and latitude in degrees."""
    longitude, latitude = np.round(centres[qpv].mean(axis=0), 9).tolist()
    return longitude, latitude

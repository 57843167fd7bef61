"""Unemployment rates as the reception writes them from the BDM: one row per département and quarter."""

from __future__ import annotations

import csv
from pathlib import Path

from qpv_emploi.fictif.alea import flux
from qpv_emploi.fictif.region import Region

_PREMIERE_ANNEE = 2015
_COLONNES = (
    *("IDBANK", "FREQ", "INDICATEUR", "NATURE", "REF_AREA", "UNIT_MEASURE", "CORRECTION", "TITLE_FR"),
    *("LAST_UPDATE", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"),
)


def ecrire_taux_bdm(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Series of the départements, newest quarter first as the service gives them (SOURCES 9.2, names of the
    attributes inferred)."""
    alea = flux(region.territoire.graine, "taux bdm")
    annee, dernier = int(millesime[:4]), int(millesime[5:])
    trimestres = [
        (a, t)
        for a in range(annee, _PREMIERE_ANNEE - 1, -1)
        for t in (4, 3, 2, 1)
        if (a, t) <= (annee, dernier)
    ]
    chemin = dossier / f"taux_chomage_bdm_{millesime}.csv"
    with chemin.open("w", encoding="utf-8", newline="") as flot:
        sortie = csv.writer(flot, delimiter=";", lineterminator="\r\n")
        sortie.writerow(_COLONNES)
        for rang, departement in enumerate(region.territoire.departements):
            valeurs = alea.normal(9.0, 0.8, len(trimestres)).round(1)
            serie = (
                *(f"99000000{rang}", "T", "TAUX_CHOMAGE_LOCALISE", "PROPORTION", f"D{departement.code}"),
                *("POURCENT", "CVS", f"Taux de chômage localisé - {departement.nom.libelle} (fictif)"),
                "2022-03-18",
            )
            for (a, t), valeur in zip(trimestres, valeurs, strict=True):
                sortie.writerow((*serie, f"{a}-Q{t}", valeur, "A"))
    return [chemin]

"""Localised unemployment rates: départements and region (XLS), zones d'emploi (XLSX)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xlsxwriter
import xlwt

from qpv_emploi.fictif.alea import Reels, flux
from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.noms import majuscules_sans_accent
from qpv_emploi.fictif.region import Region

_CREE_LE = datetime(2023, 12, 20, tzinfo=UTC)
_NOTES = (
    "",
    "Données CVS, en moyenne trimestrielle (en %). ",
    "Champ : région fictive 99, données imaginaires",
    "Source : un programme, aucune enquête.",
)
_Ligne = tuple[Sequence[str | int], Reels]


def ecrire_chomage_departements(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Series from 1982 on: some codes are numbers, two rows of the sheet Région share 00 (SOURCES 3.2)."""
    trimestres = _trimestres(1982, millesime)
    alea = flux(region.territoire.graine, "chomage departements")
    departements: list[_Ligne] = []
    for rang, departement in enumerate(region.territoire.departements):
        nom = majuscules_sans_accent(departement.nom.libelle)
        # One code in three is a text, and one name in two ends with a space, in the real sheet too.
        code = departement.code if rang % 3 == 2 else int(departement.code)
        departements.append(((code, nom + " " * (rang % 2)), _serie(alea, len(trimestres), 9.0)))
    # Overseas départements came in 2014: the whole of France starts there.
    entiere = _serie(alea, len(trimestres), 8.2)
    entiere[: trimestres.index((2014, 1))] = np.nan
    regions: list[_Ligne] = [
        (("00", "FRANCE (HORS MAYOTTE)"), entiere),
        (("00", "FRANCE METROPOLITAINE"), _serie(alea, len(trimestres), 8.0)),
        (
            (REGION_FICTIVE, majuscules_sans_accent(NOM_REGION_FICTIVE)),
            _serie(alea, len(trimestres), 9.0),
        ),
    ]
    classeur = xlwt.Workbook(encoding="utf-8")
    classeur.add_sheet("Sources_et_méthodes").write(0, 0, "Région fictive 99 : données imaginaires")
    for nom_feuille, lignes in (("Département", departements), ("Région", regions)):
        feuille = classeur.add_sheet(nom_feuille)
        feuille.write(0, 0, "Estimations de taux de chômage localisé : comparaisons")
        feuille.write(1, 0, "(en%)")
        for colonne, texte in enumerate(["Code", "Libellé", *(f"T{t}_{a}" for a, t in trimestres)]):
            feuille.write(3, colonne, texte)
        for rang, (codes, serie) in enumerate(lignes, 4):
            for colonne, valeur in enumerate([*codes, *serie.tolist()]):
                if valeur == valeur:
                    feuille.write(rang, colonne, valeur)
        for rang, note in enumerate(_NOTES, 4 + len(lignes)):
            feuille.write(rang, 0, note)
    chemin = dossier / f"sl_etc_{millesime}.xls"
    classeur.save(str(chemin))
    return [chemin]


def ecrire_chomage_zones(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Series from 2003 on: the interregional zone has region 00 and a regional part (SOURCES 3.3)."""
    trimestres = _trimestres(2003, millesime)
    alea = flux(region.territoire.graine, "chomage zones")
    zones: list[_Ligne] = []
    parties: list[_Ligne] = []
    for zone in sorted(region.territoire.zones, key=lambda zone: zone.code):
        serie = _serie(alea, len(trimestres), 9.0)
        if not zone.partie:
            zones.append(((zone.code, zone.libelle, REGION_FICTIVE, NOM_REGION_FICTIVE.upper()), serie))
            continue
        zones.append(((zone.code, zone.libelle, "00", "INTERRÉGIONAL "), serie))
        # 0054-32 of the table of zones is 3254 here: region, then the last two digits.
        code = REGION_FICTIVE + zone.code[2:]
        parties.append(((code, f"{zone.libelle} - partie {NOM_REGION_FICTIVE}"), np.round(serie + 0.2, 1)))
    annee, numero = millesime[:4], millesime[5:]
    chemin = dossier / f"chomage-zone-t1-2003-t{numero}-{annee}.xlsx"
    periodes = [f"{a}-T{t}" for a, t in trimestres]
    with xlsxwriter.Workbook(str(chemin), {"in_memory": True}) as classeur:
        classeur.set_properties({"title": "", "author": "Région fictive 99", "created": _CREE_LE})
        classeur.add_worksheet("Documentation").write_string(0, 0, "Région fictive 99 : données imaginaires")
        for nom, entete, debut, lignes in (
            ("txcho_ze", ["ZE2020", "LIBZE2020", "REG", "LIBREG"], 5, zones),
            ("txcho_parties reg", ["ZER2020", "LIBZER2020"], 7, parties),
        ):
            feuille = classeur.add_worksheet(nom)
            feuille.write_string(0, 0, "Taux de chômage localisés par zone d'emploi (en %)")
            feuille.write_string(1, 0, "Source : région fictive 99, données imaginaires")
            feuille.write_row(debut, 0, [*entete, *periodes])
            for rang, (codes, serie) in enumerate(lignes, debut + 1):
                feuille.write_row(rang, 0, [*codes, *serie.tolist()])
    return [chemin]


def _trimestres(depuis: int, millesime: str) -> list[tuple[int, int]]:
    """Quarters (year, 1 to 4) from the first of a year to that of the vintage (``2021T4``)."""
    dernier = (int(millesime[:4]), int(millesime[5:]))
    tous = [(annee, t) for annee in range(depuis, dernier[0] + 1) for t in (1, 2, 3, 4)]
    return [trimestre for trimestre in tous if trimestre <= dernier]


def _serie(alea: np.random.Generator, nombre: int, niveau: float) -> Reels:
    """A slow wave around a level, in % with one decimal."""
    phase, base = alea.uniform(0, 6.28), niveau + alea.normal(0.0, 1.2)
    vagues = 1.2 * np.sin(phase + np.arange(nombre) / 9) + alea.normal(0.0, 0.15, nombre)
    serie: Reels = np.round(np.clip(base + vagues, 2.0, 25.0), 1)
    return serie

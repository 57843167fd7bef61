"""Estimations démographiques of the census of 2010, by QPV 2015 and by region of 2010 (XLS)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xlwt

from qpv_emploi.fictif.alea import Reels, choisir, flux
from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.region import Region

# Measures of the real header, in its order (SOURCES 2.4).
_INDICES = ("ind_jeune", "h_ind_jeune", "f_ind_jeune", "fr_ind_jeune", "et_ind_jeune")
_AGES = {"0a14": 24.0, "15a24": 15.0, "25a59": 45.0, "60a74": 10.0, "75etplus": 6.0}
_EMPLOI = (
    "tx_f", "tx_f_et", "tx_tot_et", "tx_tot_empl", "tx_tot_eprec", "tx_f_empl", "tx_f_eprec", "tx_et_empl",
    "tx_et_eprec",
)  # fmt: skip
_DIPLOMES = {"infbac": 75.0, "diplbac": 13.0, "diplbac2": 12.0}
_SUITE = (
    "tx_tot_scol", "tx_f_scol", "tx_et_scol", "tx_tot_men1", "tx_tot_men1_60a74", "tx_tot_men1_75etplus",
    "tx_tot_fam_mono", "tx_tot_men6", "tx_f_men1", "tx_f_men1_60a74", "tx_f_men1_75etplus", "tx_f_fam_mono",
    "tx_et_men", "tx_et_men1", "tx_et_men1_60a74", "tx_et_men1_75etplus", "tx_et_fam_mono", "tx_l_2piec",
    "tx_l_5piec", "tx_l_vacant", "l_nbpers", "tx_nblog_20l",
)  # fmt: skip
_GROUPES = ("tot", "f", "et")
_NIVEAUX = {"ind_jeune": 2.1, "l_nbpers": 2.3, "tx_f": 52.0, "tx_tot_empl": 47.0, "tx_f_empl": 42.0}
_TAILLES = ("1.    - de 1999", "2. 2000 à  3999", "3. 4000 à 4999", "4. 5000 à 10000", "5.   + de 10000")
_BORNES = (2_000, 4_000, 5_000, 10_000)
# The real sheet has 1,292 rows; a cell by cell writer would be slow far beyond.
_LIGNES_MAX = 2_000
_ENTETE, _PREMIERE = 5, 7


def ecrire_estimations(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Sheets Regions (with the national total), Quartiers and Documentation; missing cells are empty."""
    territoire = region.territoire
    qpv = territoire.qpv
    nombre = min(len(qpv), _LIGNES_MAX)
    colonnes = _mesures(region, nombre)
    classeur = xlwt.Workbook(encoding="utf-8")
    regions = classeur.add_sheet("Regions")
    _titres(regions, "Données par région", ["", "reg", *colonnes], "Nom de la région")
    moyennes = [float(np.round(np.nanmean(valeurs), 1)) for valeurs in colonnes.values()]
    for rang, (nom, code) in enumerate(
        (
            ("Ensemble des QP de la France métropolitaine", ""),
            (f"Ensemble des QP de la région {NOM_REGION_FICTIVE}", REGION_FICTIVE),
        )
    ):
        _ligne(regions, _PREMIERE + rang, [nom, code, *moyennes])
    quartiers = classeur.add_sheet("Quartiers")
    entete = ["NOM_QP", "qp", "listcom", "reg", "niv", *colonnes]
    _titres(quartiers, "Données par quartier", entete, "Nom du quartier")
    textes = [valeurs.tolist() for valeurs in colonnes.values()]
    for rang in range(nombre):
        communes = ", ".join(territoire.noms_des_communes(qpv.communes[rang]))
        taille = _TAILLES[sum(int(qpv.pop_2013[rang]) >= borne for borne in _BORNES)]
        debut = [qpv.libelles[rang], qpv.codes[rang], communes, REGION_FICTIVE, taille]
        _ligne(quartiers, _PREMIERE + rang, [*debut, *(valeurs[rang] for valeurs in textes)])
    classeur.add_sheet("Documentation").write(0, 0, "Région fictive 99 : données imaginaires")
    chemin = dossier / f"demographie_{millesime}_qpv.xls"
    classeur.save(str(chemin))
    return [chemin]


def _titres(feuille: xlwt.Worksheet, sous_titre: str, entete: list[str], premier: str) -> None:
    """Titles, the codes on row 6 and the labels on row 7."""
    feuille.write(0, 0, "Estimations démographiques, région fictive 99 : données imaginaires")
    feuille.write(1, 0, sous_titre)
    _ligne(feuille, _ENTETE, entete)
    _ligne(feuille, _ENTETE + 1, [premier, *(f"Libellé de {nom}" if nom else "" for nom in entete[1:])])


def _ligne(feuille: xlwt.Worksheet, rang: int, valeurs: Sequence[str | float]) -> None:
    for colonne, valeur in enumerate(valeurs):
        if valeur != "" and valeur == valeur:
            feuille.write(rang, colonne, valeur)


def _mesures(region: Region, nombre: int) -> dict[str, Reels]:
    """Rates in % with one decimal; ages and diplomas sum to 100 for the whole population."""
    alea = flux(region.territoire.graine, "estimations 2010")
    difficulte = region.territoire.qpv.difficulte[:nombre]
    colonnes: dict[str, Reels] = {nom: _autour(alea, 2.1, nombre) for nom in _INDICES}
    for groupe in _GROUPES:
        colonnes |= _partition(alea, f"tx_{groupe}_", _AGES, nombre)
    colonnes |= {nom: _autour(alea, _NIVEAUX.get(nom, 20.0), nombre) for nom in _EMPLOI}
    colonnes["tx_tot_empl"] = np.round(np.clip(47 - 5 * difficulte, 15, 80), 1)
    for groupe in _GROUPES:
        colonnes |= _partition(alea, f"tx_{groupe}_", _DIPLOMES, nombre)
    colonnes |= {nom: _autour(alea, _NIVEAUX.get(nom, 25.0), nombre) for nom in _SUITE}
    for nom in ("fr_ind_jeune", "tx_et_75etplus", "tx_et_scol", "tx_et_men1_75etplus"):
        colonnes[nom][choisir(alea, np.ones(nombre, dtype=np.bool_), 0.3)] = np.nan
    return colonnes


def _autour(alea: np.random.Generator, niveau: float, nombre: int) -> Reels:
    valeurs: Reels = np.round(np.clip(niveau * np.exp(alea.normal(0.0, 0.15, nombre)), 0.1, 95.0), 1)
    return valeurs


def _partition(
    alea: np.random.Generator, prefixe: str, poids: dict[str, float], nombre: int
) -> dict[str, Reels]:
    """Shares that sum to 100 %, up to the rounding of each one."""
    parts = alea.dirichlet([1.5 * valeur for valeur in poids.values()], nombre) * 100
    return {f"{prefixe}{nom}": np.round(parts[:, rang], 1) for rang, nom in enumerate(poids)}

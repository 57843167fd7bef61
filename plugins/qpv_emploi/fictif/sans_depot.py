"""Fictional files of the datasets whose real file is not held: QPV 2024, census by commune, Sirene.

The names of the archives, the shape (one row per QPV, a notice beside the data, a Parquet of every
establishment) and the secrecy regimes are those that SOURCES 9.1, 9.3 and DOMAIN 7.1 report. The names of the
measures of the QPV 2024 files were never seen: they are invented here like their values, and no reader may
rely on them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qpv_emploi.fictif.alea import Entiers, Reels, arrondir, choisir, flux
from qpv_emploi.fictif.region import Region
from qpv_emploi.fictif.secret import VIDE

# Amplitude of the noise put on counts; INSEE's is not established (DOMAIN 7.1).
AMPLITUDE = 5
_DATE_ZIP = (2025, 1, 1, 0, 0, 0)
_SEXES = ("", "H", "F")
_AGES = (("1564", 1.0), ("1524", 0.2), ("2554", 0.6), ("5564", 0.2))
_HORS_QPV = ("HZ", "CSZ")

_Mesure = Entiers | Sequence[str]


def ecrire_defm(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Job seekers by QPV 2024: every cell published, each with its own noise, so that no sum is exact."""
    quartiers = region.quartiers_2024
    alea = flux(region.territoire.graine, "defm 2024", int(millesime))
    total = arrondir(quartiers.population * alea.uniform(0.12, 0.2, len(quartiers)))
    femmes = alea.binomial(total, 0.48)
    jeunes = alea.binomial(total, 0.16)
    mesures = {"ABC": total, "ABC_F": femmes, "ABC_H": total - femmes, "ABC_25": jeunes}
    mesures["A"] = alea.binomial(total, 0.7)
    bruitees = {nom: _bruiter(alea, valeurs) for nom, valeurs in mesures.items()}
    chemin = dossier / f"DEFM{millesime}_QP24_csv.zip"
    _archive(chemin, f"DEFM{millesime}_QP24", _csv(quartiers.codes, quartiers.libelles, bruitees))
    return [chemin]


def ecrire_filosofi_qpv(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Incomes and poverty by QPV 2024: a rate is blank where too few households are behind it."""
    quartiers = region.quartiers_2024
    alea = flux(region.territoire.graine, "filosofi 2024", int(millesime))
    difficulte = quartiers.difficulte
    mediane = arrondir(14_500 - 900 * difficulte + alea.normal(0, 200, len(quartiers)), minimum=9_000)
    pauvrete = np.rint(10 * np.clip(43 + 6 * difficulte, 20, 75)).astype(np.int64)
    pauvrete[choisir(alea, np.ones(len(quartiers), bool), 0.05)] = VIDE
    mesures: dict[str, _Mesure] = {
        f"DISP_MED_A{millesime[2:]}": mediane,
        f"DISP_TP60_A{millesime[2:]}": [_dixiemes(int(valeur)) for valeur in pauvrete],
    }
    chemin = dossier / f"revenus_pauvrete_{millesime}_qp24_v2_csv.zip"
    _archive(chemin, f"revenus_{millesime}_qp24", _csv(quartiers.codes, quartiers.libelles, mesures))
    return [chemin]


def ecrire_cnaf(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Caf recipients by QPV 2024, as a bare CSV: recipients, persons covered, minimum income."""
    quartiers = region.quartiers_2024
    alea = flux(region.territoire.graine, "cnaf 2024", int(millesime))
    allocataires = arrondir(quartiers.population * 0.33)
    mesures = {
        "ALLOCATAIRES": allocataires,
        "PERSONNES_COUVERTES": arrondir(allocataires * 2.3),
        "RSA_SOCLE": alea.binomial(allocataires, 0.3),
    }
    bruitees = {nom: _bruiter(alea, valeurs) for nom, valeurs in mesures.items()}
    chemin = dossier / f"beneficiaires_CAF_31-12-{millesime}_QP24.csv"
    chemin.write_bytes(_csv(quartiers.codes, quartiers.libelles, bruitees).encode())
    return [chemin]


def ecrire_recensement(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Active population by commune: the census of the vintage and the two before, weighted counts.

    Principal (P) and complementary (C) tables, as in the real base: most columns are of no use here.
    """
    communes = region.territoire.communes
    alea = flux(region.territoire.graine, "base communale", int(millesime))
    population = np.array([commune.pop_2018 for commune in communes], np.float64)
    mesures: dict[str, _Mesure] = {}
    for recul in (0, 6, 11):
        annee = f"{int(millesime) - recul:04d}"[2:]
        niveau = population * 0.62 * (1 - 0.004 * recul)
        for nom, valeurs in _activite(alea, niveau).items():
            mesures[f"P{annee}_{nom}"] = _decimaux(valeurs)
        mesures[f"P{annee}_EMPLT"] = _decimaux(niveau * 0.55)
        mesures[f"C{annee}_ACTOCC1564_CS1"] = _decimaux(niveau * 0.01)
    codes = [commune.code for commune in communes]
    noms = [commune.nom.libelle for commune in communes]
    base = f"base-cc-emploi-pop-active-{millesime}"
    chemin = dossier / f"{base}_csv.zip"
    _archive(chemin, base, _csv(codes, noms, mesures))
    return [chemin]


def ecrire_sirene(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """Establishments of the region, a third of them in a QPV 2024, in the columns of the national Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    codes = region.quartiers_2024.codes
    alea = flux(region.territoire.graine, "sirene", int(millesime[:4]))
    nombre = 30 * len(codes)
    quartier = alea.integers(len(codes), size=nombre)
    dedans = alea.random(nombre) < 1 / 3
    projets, communes = region.quartiers_2024.projets, region.territoire.communes
    commune = [communes[projets[q].communes[0]].code for q in quartier]
    longitude, latitude = alea.uniform(-1.0, 0.5, nombre), alea.uniform(46.0, 47.0, nombre)
    hors = alea.choice(_HORS_QPV, nombre)
    table = pa.table(
        {
            # No SIRET begins with four zeros.
            "siret": [f"0000{rang:010d}" for rang in range(1, nombre + 1)],
            "x": arrondir(longitude * 80_000 + 500_000).astype(np.float64),
            "y": arrondir(latitude * 110_000).astype(np.float64),
            "qualite_xy": alea.choice(["11", "12", "21"], nombre),
            "epsg": np.full(nombre, "2154"),
            "plg_qp24": [codes[q] if d else h for q, d, h in zip(quartier, dedans, hors, strict=True)],
            "plg_iris": np.full(nombre, "0101"),
            "plg_code_commune": commune,
            "qualite_qp24": alea.choice(["1", "2"], nombre),
            "x_longitude": longitude.round(6),
            "y_latitude": latitude.round(6),
        }
    )
    chemin = dossier / "GeolocalisationEtablissement_Sirene.parquet"
    pq.write_table(table, chemin, row_group_size=4096)
    return [chemin]


def _activite(alea: np.random.Generator, niveau: Reels) -> dict[str, Reels]:
    """Population of 15-64 by sex and age, and its part at work or seeking work."""
    colonnes: dict[str, Reels] = {}
    for age, poids in _AGES:
        for sexe in _SEXES:
            effectif = niveau * poids * (0.5 if sexe else 1.0)
            actifs = effectif * alea.uniform(0.65, 0.8, niveau.size)
            chomeurs = actifs * alea.uniform(0.05, 0.25, niveau.size)
            colonnes[f"{sexe or 'POP'}{age}"] = effectif
            colonnes[f"{sexe}ACT{age}"] = actifs
            colonnes[f"{sexe}ACTOCC{age}"] = actifs - chomeurs
            colonnes[f"{sexe}CHOM{age}"] = chomeurs
    return colonnes


def _bruiter(alea: np.random.Generator, valeurs: Entiers) -> Entiers:
    """Counts as the cell key method publishes them: never below 0."""
    bruit = alea.integers(-AMPLITUDE, AMPLITUDE + 1, valeurs.size)
    bruitees: Entiers = np.maximum(valeurs + bruit, 0)
    return bruitees


def _dixiemes(valeur: int) -> str:
    return "" if valeur == VIDE else f"{valeur // 10},{valeur % 10}"


def _decimaux(valeurs: Reels) -> list[str]:
    # Weighted counts are published with many decimals, and a point.
    return [f"{valeur:.6f}" for valeur in valeurs]


def _csv(codes: Sequence[str], noms: Sequence[str], mesures: Mapping[str, _Mesure]) -> str:
    colonnes: list[_Mesure] = [codes, noms, *mesures.values()]
    lignes = [";".join(map(str, rang)) for rang in zip(*colonnes, strict=True)]
    return "\r\n".join([";".join(["CODGEO", "LIBGEO", *mesures]), *lignes, ""])


def _archive(chemin: Path, nom: str, donnees: str) -> None:
    """The data and its notice in one ZIP."""
    notice = "COD_VAR;LIB_VAR\r\nCODGEO;Code\r\n"
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        for membre, contenu in ((f"{nom}.csv", donnees), (f"meta_{nom}.csv", notice)):
            info = zipfile.ZipInfo(membre, date_time=_DATE_ZIP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            archive.writestr(info, contenu.encode(), compresslevel=6)
    chemin.write_bytes(tampon.getvalue())

"""Comparators of incomes (Filosofi): region, départements, EPCI, France, and communes from 2018 on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qpv_emploi.fictif.alea import Entiers, Reels, flux
from qpv_emploi.fictif.codes import NOM_REGION_FICTIVE, REGION_FICTIVE
from qpv_emploi.fictif.ecriture_csv import ecrire_table
from qpv_emploi.fictif.region import Region

_DECILES = ("D1", "D2", "D3", "D4", "D6", "D7", "D8", "D9")
# Deciles of a log-normal distribution around the median.
_ECARTS = (-0.62, -0.40, -0.24, -0.11, 0.12, 0.26, 0.43, 0.68)
_PARTS = ("PACT", "PTSA", "PCHO", "PBEN", "PPEN", "PPAT", "PPSOC", "PPFAM", "PPMINI", "PPLOGT", "PIMPOT")
# First vintage with a file of communes, and with one of metropolitan France (SOURCES 3.1).
_AVEC_COMMUNES, _AVEC_METROPOLE = 2018, 2017
_SANS_NOM_2017 = 69
# Below this population only counts and median are written, and the smallest commune has no row.
_DETAIL_COMMUNE = 8_000


def ecrire_filosofi(dossier: Path, region: Region, millesime: str) -> list[Path]:
    """One file per kind of zone, spelt like an Excel copy without thousands mark (SOURCES 3.1)."""
    annee = int(millesime)
    territoire = region.territoire
    communes = territoire.communes
    population = np.array([commune.pop_2018 for commune in communes], dtype=np.int64)
    epci = np.array([commune.epci for commune in communes])
    departement = np.array([commune.departement for commune in communes])
    zones: dict[str, tuple[list[str], list[str], Sequence[int]]] = {
        "REG": ([REGION_FICTIVE], [NOM_REGION_FICTIVE], [int(population.sum())]),
        "DEP": (
            [d.code for d in territoire.departements],
            [d.nom.libelle for d in territoire.departements],
            [int(population[departement == rang].sum()) for rang in range(len(territoire.departements))],
        ),
        # The métropole keeps the SIREN of 2015 in these files, as Lille does.
        "EPCI": (
            [e.siren_2015 for e in territoire.epci],
            [e.libelle for e in territoire.epci],
            [int(population[epci == rang].sum()) for rang in range(len(territoire.epci))],
        ),
    }
    if annee >= _AVEC_METROPOLE:
        zones["METROPOLE"] = (["1"], ["France métropolitaine"], [int(population.sum()) * 12])
    if annee >= _AVEC_COMMUNES:
        petite = int(np.argmin(population))
        gardees = [rang for rang in range(len(communes)) if rang != petite or len(communes) < 2]
        zones["COM"] = (
            [communes[rang].code for rang in gardees],
            [communes[rang].nom.libelle for rang in gardees],
            [int(population[rang]) for rang in gardees],
        )
    return [
        _ecrire_zone(dossier / f"FILO{annee}_DISP_{zone}.csv", territoire.graine, annee, zone, contenu)
        for zone, contenu in zones.items()
    ]


def _ecrire_zone(
    chemin: Path, graine: int, annee: int, zone: str, contenu: tuple[list[str], list[str], Sequence[int]]
) -> Path:
    codes, libelles, effectifs = contenu
    aa = f"{annee % 100:02d}"
    personnes = np.array(effectifs, dtype=np.int64)
    colonnes = _colonnes(flux(graine, f"filosofi {zone}", annee), annee, personnes)
    if zone == "COM":
        for nom, textes in colonnes.items():
            if nom not in ("NBMEN", "NBPERS", "NBUC", "Q2"):
                colonnes[nom] = [
                    t if p >= _DETAIL_COMMUNE else "" for t, p in zip(textes, effectifs, strict=True)
                ]
    ordre = sorted(range(len(codes)), key=codes.__getitem__)
    entete = ["CODGEO", "LIBGEO", *(_nom_date(nom, aa) for nom in colonnes)]
    vides = [""] * (_SANS_NOM_2017 if annee == 2017 else 0)
    lignes = ([codes[i], libelles[i], *(t[i] for t in colonnes.values()), *vides] for i in ordre)
    ecrire_table(
        chemin,
        ";".join(entete + vides),
        lignes,
        separateur=";",
        fin="\r\n",
        encodage="utf-8-sig",
        fin_derniere=False,
    )
    return chemin


def _nom_date(nom: str, aa: str) -> str:
    """Every column carries the year but two: ``Q217``, ``S80S2017``, ``RD``."""
    return nom if nom in ("RD", "Q3_Q1") else f"{nom}{aa}"


def _colonnes(alea: np.random.Generator, annee: int, personnes: Entiers) -> dict[str, list[str]]:
    """Texts of the columns, in the order of the real header of the year."""
    nombre = personnes.size
    mediane = 20_500 * np.exp(0.013 * (annee - 2017) + alea.normal(0.0, 0.05, nombre))
    deciles = {
        nom: _dizaines(mediane * np.exp(ecart + alea.normal(0.0, 0.01, nombre)))
        for nom, ecart in zip(_DECILES, _ECARTS, strict=True)
    }
    q2, q1, q3 = _dizaines(mediane), _dizaines(mediane * 0.72), _dizaines(mediane * 1.36)
    colonnes = {
        "NBMEN": [str(v) for v in (personnes / 2.3).astype(np.int64).tolist()],
        "NBPERS": [str(v) for v in personnes.tolist()],
        "NBUC": _decimales(personnes / 1.53, 1),
        "Q1": _entiers(q1),
        "Q2": _entiers(q2),
        "Q3": _entiers(q3),
        "Q3_Q1": _entiers(q3 - q1),
        **{nom: _entiers(valeurs) for nom, valeurs in deciles.items()},
        "RD": _decimales(deciles["D9"] / deciles["D1"], 1),
        "S80S20": _decimales(4.0 + alea.normal(0.0, 0.4, nombre), 3),
        "GI": _decimales(np.clip(0.27 + alea.normal(0.0, 0.02, nombre), 0.15, 0.5), 3),
    }
    parts = _composition(alea, nombre)
    noms = _PARTS
    if annee <= 2015:
        # The order of 2015; in 2014 one column holds wages and unemployment benefits together.
        noms = ("PACT", "PCHO", "PTSA", *_PARTS[3:])
    return {**colonnes, **{nom: _decimales(parts[nom], 1) for nom in noms}}


def _composition(alea: np.random.Generator, nombre: int) -> dict[str, Reels]:
    """Shares of disposable income, in %: PACT, PPEN, PPAT, PPSOC and PIMPOT (negative) sum to 100."""
    parts: dict[str, Reels] = {
        "PPAT": np.round(np.maximum(11 + alea.normal(0.0, 1.5, nombre), 2.0), 1),
        "PCHO": np.round(3.1 + alea.normal(0.0, 0.3, nombre), 1),
        "PBEN": np.round(5.0 + alea.normal(0.0, 0.4, nombre), 1),
        "PPEN": np.round(29 + alea.normal(0.0, 2.0, nombre), 1),
        "PPFAM": np.round(2.5 + alea.normal(0.0, 0.2, nombre), 1),
        "PPMINI": np.round(3.0 + alea.normal(0.0, 0.3, nombre), 1),
        "PPLOGT": np.round(1.7 + alea.normal(0.0, 0.2, nombre), 1),
        "PIMPOT": np.round(-15.5 + alea.normal(0.0, 0.8, nombre), 1),
    }
    parts["PPSOC"] = np.round(parts["PPFAM"] + parts["PPMINI"] + parts["PPLOGT"], 1)
    # Wages, far from zero, take what is left: a small share that closed the sum could turn negative.
    parts["PACT"] = np.round(100 - parts["PPEN"] - parts["PPAT"] - parts["PPSOC"] - parts["PIMPOT"], 1)
    parts["PTSA"] = np.round(parts["PACT"] - parts["PCHO"] - parts["PBEN"], 1)
    return parts


def _dizaines(valeurs: Reels) -> Entiers:
    return (np.rint(valeurs / 10) * 10).astype(np.int64)


def _entiers(valeurs: Entiers) -> list[str]:
    return [str(valeur) for valeur in valeurs.tolist()]


def _decimales(valeurs: Reels, decimales: int) -> list[str]:
    return [f"{valeur:.{decimales}f}".replace(".", ",") for valeur in valeurs.tolist()]

"""What the three statistical bases share: census years, notes, rates, and the national row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qpv_emploi.fictif.alea import Booleens, Entiers, Reels, choisir
from qpv_emploi.fictif.ecriture_csv import Valeur
from qpv_emploi.fictif.schemas import Schema
from qpv_emploi.fictif.secret import VIDE, Colonnes

TEXTES = frozenset(["CODGEO", "LIBGEO", "LIB_COM"])


@dataclass(frozen=True)
class Base:
    """Figures of one base and year.

    Attributes:
        publiees: columns as published, ``VIDE`` where secrecy blanks a cell; rates in tenths.
        completes: the same before any blank; never written, but for the national row.
    """

    publiees: Colonnes
    completes: Colonnes


def recensement(annee: int) -> int:
    """Census behind the rates of a base: 2010 to base 2018, then N-4 (the real year is unknown)."""
    return 2010 if annee <= 2018 else annee - 4


def millesime_population(annee: int) -> int:
    """Census behind the municipal population: 2013 to base 2020, 2018 from base 2021 on (SOURCES 1.4)."""
    return 2013 if annee <= 2020 else 2018


def dixiemes(valeurs: Reels, minimum: float, maximum: float) -> Entiers:
    """Tenths of the values once bounded, in units of the values."""
    return np.rint(np.clip(valeurs, minimum, maximum) * 10).astype(np.int64)


def notes(alea: np.random.Generator, nombre: int, part: float, codes: list[int]) -> Entiers:
    """Block notes: 0 nearly everywhere, one of the codes where the whole block is blank."""
    bloc = choisir(alea, np.ones(nombre, dtype=np.bool_), part)
    return np.where(bloc, alea.choice(np.array(codes, dtype=np.int64), size=nombre), 0)


def completer_notes(alea: np.random.Generator, origine: Entiers, part: float, code: int) -> Entiers:
    """The notes of a dependent block: those of the first one, plus a few more of its own."""
    return np.where(choisir(alea, origine == 0, part), code, origine)


def au_hasard(alea: np.random.Generator, nombre: int, part: float) -> Booleens:
    """A share of the rows, at least one once there are ten."""
    return choisir(alea, np.ones(nombre, dtype=np.bool_), part)


def ensemble(
    schema: Schema, base: Base, poids: Entiers, sans: frozenset[str] = frozenset()
) -> dict[str, Valeur]:
    """The national row: sums of counts before secrecy, means of rates weighted by population.

    Counts of Pôle emploi, Cnaf, Cnam and ASP go up to the next hundred, so that the row is never below the
    sum of the published cells; ``POP_MUN`` is exact; notes, labels and the columns of ``sans`` are blank;
    rates and amounts in euros are means.
    """
    ligne: dict[str, Valeur] = {"CODGEO": "Ensemble"}
    if "LIBGEO" in schema.colonnes:
        ligne["LIBGEO"] = "Ensemble des QPV"
    for nom in schema.colonnes:
        if nom in TEXTES or nom in sans or nom.startswith("NOTE_"):
            continue
        valeurs = base.completes[nom]
        connues = valeurs != VIDE
        if nom in schema.taux or nom.startswith(("DISP_", "DECUC_")):
            ligne[nom] = int(np.rint(np.average(valeurs[connues], weights=poids[connues])))
        elif nom == "POP_MUN":
            ligne[nom] = int(valeurs.sum())
        else:
            ligne[nom] = -(-int(valeurs[connues].sum()) // 100) * 100
    return ligne

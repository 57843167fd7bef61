"""Figures of the base Revenus: incomes of N-4 (Filosofi), health cover (Cnam), benefits (Cnaf)."""

from __future__ import annotations

import numpy as np

from qpv_emploi.fictif import secret
from qpv_emploi.fictif.alea import Entiers, Reels, arrondir, choisir, flux
from qpv_emploi.fictif.demographie import allocations
from qpv_emploi.fictif.secret import Colonnes
from qpv_emploi.fictif.territoire import Territoire
from qpv_emploi.fictif.valeurs import Base, au_hasard, completer_notes, dixiemes

# Columns that the national row leaves blank: the whole Filosofi block in base 2017, its rates in base 2019.
_ENSEMBLE_VIDE_2019 = frozenset(["PMIMP", "PART_CHOMPRINC", "BREV", "TP60"])
_FILOSOFI = ("DISP_", "DECUC_", "PACT", "PPEN", "PPSOC", "PIMPOT", "PPAT")


def revenus(territoire: Territoire, annee: int) -> Base:
    """Figures of base N. ``A`` and ``NOTE_CNAF`` equal those of Démographie N."""
    cnaf = allocations(territoire, annee)
    completes = {**_filosofi(territoire, annee), **_cnam(territoire, annee), **cnaf.completes}
    publiees = {**completes, **cnaf.publiees}
    alea = flux(territoire.graine, "revn secret", annee)
    publiees["NOTE_CNAM"] = completer_notes(alea, np.zeros_like(publiees["A"]), 0.03, 5)
    secret.effacer(publiees, ["CCMUC", "C", "CC2S"], publiees["NOTE_CNAM"] != 0)
    secret.effacer_petits(publiees, ["CCMUC", "C", "CC2S"])
    _secret_filosofi(alea, publiees)
    return Base(publiees, completes)


def colonnes_vides_de_l_ensemble(annee: int, colonnes: tuple[str, ...]) -> frozenset[str]:
    """Columns blank in the national row of a base."""
    if annee >= 2019:
        return _ENSEMBLE_VIDE_2019
    return _ENSEMBLE_VIDE_2019 | {nom for nom in colonnes if nom.startswith(_FILOSOFI)}


def _filosofi(territoire: Territoire, annee: int) -> Colonnes:
    """Amounts in euros a year per consumption unit, shares and rates in %.

    From base 2021 on amounts are rounded to 10 euros, and the ratios are computed before that rounding.
    """
    qpv = territoire.qpv
    nombre = len(qpv)
    alea = flux(territoire.graine, "filosofi", annee)

    def bruit(ecart: float) -> Reels:
        return np.exp(alea.normal(0.0, ecart, nombre))

    mediane = 13_300 * np.exp(0.011 * (annee - 2017) - 0.062 * qpv.difficulte) * bruit(0.02)
    disponible = {
        "DISP_Q2": mediane,
        "DISP_D1": mediane * 0.605 * bruit(0.015),
        "DISP_Q1": mediane * 0.768 * bruit(0.01),
        "DISP_Q3": mediane * 1.31 * bruit(0.015),
        "DISP_D9": mediane * 1.64 * bruit(0.025),
    }
    declare_q2 = mediane * 0.745 * np.exp(-0.07 * qpv.difficulte) * bruit(0.02)
    declare_q1 = declare_q2 * np.clip(
        0.49 - 0.08 * qpv.difficulte + alea.normal(0.0, 0.03, nombre), 0.12, 0.75
    )
    declare_d1 = np.clip(500 - 1_300 * qpv.difficulte + alea.normal(0.0, 500, nombre), 0, 0.7 * declare_q1)
    declare = {
        "DECUC_Q2": declare_q2,
        "DECUC_Q1": declare_q1,
        "DECUC_Q3": declare_q2 * 1.61 * bruit(0.02),
        "DECUC_D1": declare_d1,
        "DECUC_D9": declare_q2 * 2.22 * bruit(0.03),
    }
    pas = 10 if annee >= 2021 else 1
    colonnes: Colonnes = {nom: arrondir(v / pas) * pas for nom, v in {**disponible, **declare}.items()}
    colonnes["DISP_D1D9"] = dixiemes(disponible["DISP_D9"] / disponible["DISP_D1"], 1, 50)
    rapport = dixiemes(declare["DECUC_D9"] / np.maximum(declare_d1, 1.0), 1, 99_999)
    colonnes["DECUC_D1D9"] = np.where(colonnes["DECUC_D1"] == 0, secret.VIDE, rapport)

    pauvrete = 42.5 + 7.2 * qpv.difficulte + alea.normal(0.0, 1.2, nombre)
    colonnes["TP60"] = dixiemes(pauvrete, 18, 82)
    colonnes["BREV"] = dixiemes(pauvrete + 18 + alea.normal(0.0, 1.5, nombre), 30, 90)
    colonnes["PMIMP"] = dixiemes(24.5 - 4.5 * qpv.difficulte + alea.normal(0.0, 1.5, nombre), 8, 58)
    colonnes["PART_CHOMPRINC"] = dixiemes(8.6 + alea.normal(0.0, 1.6, nombre), 5, 20)
    return {**colonnes, **_composition(alea, qpv.difficulte)}


def _composition(alea: np.random.Generator, difficulte: Reels) -> dict[str, Entiers]:
    """Composition of disposable income in tenths of %: sums to 100, taxes negative."""
    nombre = difficulte.size
    colonnes = {
        "PPEN": dixiemes(23 + alea.normal(0.0, 5.0, nombre), 6, 45),
        "PPSOC": dixiemes(22.5 + 4.5 * difficulte + alea.normal(0.0, 1.5, nombre), 6, 55),
        "PIMPOT": -dixiemes(8.8 - 1.3 * difficulte + alea.normal(0.0, 0.8, nombre), 1.5, 17),
        "PPAT": dixiemes(3.0 + np.abs(alea.normal(0.0, 1.2, nombre)), 0.8, 12),
    }
    colonnes["PACT"] = 1_000 - (colonnes["PPEN"] + colonnes["PPSOC"] + colonnes["PIMPOT"] + colonnes["PPAT"])
    return colonnes


def _cnam(territoire: Territoire, annee: int) -> Colonnes:
    """Persons known to the Cnam, and those with complementary health cover."""
    qpv = territoire.qpv
    alea = flux(territoire.graine, "cnam", annee)
    couverts = arrondir(qpv.pop_2018 * 0.94 * np.exp(alea.normal(0.0, 0.03, len(qpv))), minimum=100)
    part = np.clip(0.27 + 0.05 * qpv.difficulte, 0.05, 0.6)
    complementaire = alea.binomial(couverts, part)
    return {"C": couverts, "CC2S": complementaire, "CCMUC": alea.binomial(complementaire, 0.9)}


def _secret_filosofi(alea: np.random.Generator, colonnes: Colonnes) -> None:
    """Isolated blanks; ``NOTE_FILO`` 1 blanks nothing by itself, and medians are always published."""
    nombre = colonnes["A"].size
    tous = np.ones(nombre, dtype=np.bool_)
    colonnes["NOTE_FILO"] = choisir(alea, tous, 0.02).astype(np.int64)
    secret.effacer(colonnes, ["PMIMP"], au_hasard(alea, nombre, 0.15))
    secret.effacer(colonnes, ["PART_CHOMPRINC"], au_hasard(alea, nombre, 0.55))
    secret.effacer(colonnes, ["BREV"], au_hasard(alea, nombre, 0.007))

"""Figures of the base Démographie: population, census structure, recipients of the Caf."""

from __future__ import annotations

import numpy as np

from qpv_emploi.fictif import schemas, secret
from qpv_emploi.fictif.alea import arrondir, flux, partager
from qpv_emploi.fictif.secret import Colonnes
from qpv_emploi.fictif.territoire import Territoire
from qpv_emploi.fictif.valeurs import Base, au_hasard, dixiemes, millesime_population, notes, recensement

_PART_NOTES = 0.015
_ALLOCATAIRES = ["A", "APRES50", "APRES100", "ARSA", "ARSAS", "APPA", "AAAH"]
# Share of QPV whose census cell is blank, by column (real shares of base 2019, rounded).
_VIDES_RP = {
    "TX_F_0A24": 0.05, "TX_TOT_60ETPLUS": 0.15, "TX_F_60ETPLUS": 0.25, "TX_TOT_MEN6": 0.42,
    "TX_TOT_ET": 0.16, "TX_F_ET": 0.2,
}  # fmt: skip


def demographie(territoire: Territoire, annee: int) -> Base:
    """Figures of base N: populations of census 2013 or 2018, census rates, Caf at 31 December N-1."""
    cnaf = allocations(territoire, annee)
    completes = {**_populations(territoire, annee), **_structure(territoire, annee), **cnaf.completes}
    publiees = {**completes, **cnaf.publiees}
    _secret_recensement(territoire, annee, publiees)
    return Base(publiees, completes)


def _populations(territoire: Territoire, annee: int) -> Colonnes:
    qpv = territoire.qpv
    if millesime_population(annee) == 2013:
        return {"POP_MUN": qpv.pop_2013, "POP_COM_QP": qpv.pop_com_qp_2013, "POP_COM": qpv.pop_com_2013}
    return {"POP_MUN": qpv.pop_2018, "POP_COM_QP": qpv.pop_com_qp_2018, "POP_COM": qpv.pop_com_2018}


def _structure(territoire: Territoire, annee: int) -> Colonnes:
    """Census rates (in %), and the youth index (ratio)."""
    qpv = territoire.qpv
    nombre = len(qpv)
    alea = flux(territoire.graine, "recensement structure", recensement(annee))
    jeunes = 38.8 + 2.5 * qpv.difficulte + alea.normal(0.0, 2.5, nombre)
    aines = 17.5 - 2.5 * qpv.difficulte + alea.normal(0.0, 2.5, nombre)
    etrangers = 100 * qpv.part_etrangers + alea.normal(0.0, 0.8, nombre)
    colonnes: Colonnes = {
        "TX_F": dixiemes(52.5 + alea.normal(0.0, 1.8, nombre), 35, 65),
        "TX_TOT_0A24": dixiemes(jeunes, 18, 62),
        "TX_F_0A24": dixiemes(jeunes - 2.6 + alea.normal(0.0, 0.8, nombre), 16, 60),
        "TX_TOT_60ETPLUS": dixiemes(aines, 5, 45),
        "TX_F_60ETPLUS": dixiemes(aines + 2.2 + alea.normal(0.0, 0.9, nombre), 5, 50),
        "TX_TOT_MEN1": dixiemes(36.5 + alea.normal(0.0, 8.0, nombre), 9, 85),
        "TX_TOT_MEN6": dixiemes(5.4 + 1.2 * qpv.difficulte + alea.normal(0.0, 1.5, nombre), 0.2, 20),
        "TX_TOT_ET": dixiemes(etrangers, 0.1, 60),
        "TX_F_ET": dixiemes(etrangers - 0.8 + alea.normal(0.0, 0.6, nombre), 0.1, 60),
    }
    # People under 20 are about five sixths of those under 25.
    colonnes["IND_JEUNE"] = dixiemes(0.83 * colonnes["TX_TOT_0A24"] / colonnes["TX_TOT_60ETPLUS"], 0.1, 20)
    return colonnes


def allocations(territoire: Territoire, annee: int) -> Base:
    """The Caf block of base N, shared by Démographie and Revenus: recipients, persons covered, children."""
    qpv = territoire.qpv
    alea = flux(territoire.graine, "cnaf", annee)
    tendance = float(np.exp(0.015 * np.tanh((annee - 2018) / 4)))
    bruit = np.exp(0.12 * qpv.difficulte + alea.normal(0.0, 0.03, len(qpv)))
    total = arrondir(qpv.pop_2013 * 0.315 * tendance * bruit, minimum=80)
    parents, isoles, couples, familles = partager(alea, total, [0.22, 0.46, 0.07, 0.25])
    enfants = arrondir(
        (1.9 * parents + 2.25 * familles) * np.exp(alea.normal(0.0, 0.03, len(qpv))), minimum=60
    )
    revenu_50 = alea.binomial(total, 0.42)
    rsa = alea.binomial(total, 0.375)
    completes: Colonnes = {
        "A": total, "AM": parents, "AI": isoles, "ACSSENF": couples, "ACAVENF": familles,
        "AC3ENF": alea.binomial(familles, 0.4), "ENF": enfants,
        # Recipients, their partners, the children, and a few other persons in charge.
        "PERCOU": total + couples + familles + enfants + alea.binomial(total, 0.01),
        "A_NETUD_24": alea.binomial(total, 0.06), "A_ETUD": alea.binomial(total, qpv.part_etudiants),
        "APRES50": revenu_50, "APRES100": alea.binomial(revenu_50, 0.62),
        "ARSA": rsa, "ARSAS": alea.binomial(rsa, 0.8),
        "APPA": alea.binomial(total, 0.26), "AAAH": alea.binomial(total, 0.115),
    }  # fmt: skip
    completes.update(
        zip(schemas.ENFANTS, partager(alea, enfants, [0.16, 0.16, 0.26, 0.18, 0.13, 0.11]), strict=True)
    )
    publiees = dict(completes)
    secret_alea = flux(territoire.graine, "cnaf secret", annee)
    publiees["NOTE_CNAF"] = notes(secret_alea, len(qpv), _PART_NOTES, [3, 4, 5])
    secret.effacer(publiees, completes, publiees["NOTE_CNAF"] != 0)
    secret.proteger_partition(publiees, schemas.FAMILLES)
    secret.proteger_partition(publiees, schemas.ENFANTS)
    secret.effacer(publiees, ["AC3ENF"], publiees["ACAVENF"] == secret.VIDE)
    secret.effacer_petits(publiees, completes)
    return Base(publiees, completes)


def _secret_recensement(territoire: Territoire, annee: int, colonnes: Colonnes) -> None:
    """Blank census cells, the same for the same census; the whole block under ``NOTE_RP`` 6 from 2021 on."""
    nombre = len(territoire.qpv)
    annee_rp = recensement(annee)
    alea = flux(territoire.graine, "recensement structure secret", annee_rp)
    # True zeros, from census 2011 on only.
    zero = au_hasard(alea, nombre, 0.005) & (annee_rp > 2010)
    colonnes["TX_TOT_MEN6"] = np.where(zero, 0, colonnes["TX_TOT_MEN6"])
    for nom, part in _VIDES_RP.items():
        secret.effacer(colonnes, [nom], au_hasard(alea, nombre, part) & ~zero)
    secret.effacer(colonnes, ["IND_JEUNE"], colonnes["TX_TOT_60ETPLUS"] == secret.VIDE)
    colonnes["NOTE_RP"] = np.zeros(nombre, dtype=np.int64)
    if annee >= 2021:
        bloc = au_hasard(flux(territoire.graine, "note rp", annee), nombre, 0.01)
        colonnes["NOTE_RP"] = np.where(bloc, 6, 0)
        secret.effacer(colonnes, schemas.RECENSEMENT_DEMO, bloc)

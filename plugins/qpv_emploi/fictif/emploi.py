"""Figures of the base Insertion professionnelle: job seekers, subsidised contracts, employment rates.

Orders of magnitude follow the real bases (medians 2021: ABC 329 for 2,060 inhabitants, A 228, CA 9); the
identities of SOURCES 2.1 hold on complete rows, and what is not an identity there is not one here: education,
nationality and qualification leave out a few unknowns.
"""

from __future__ import annotations

import numpy as np

from qpv_emploi.fictif import schemas, secret
from qpv_emploi.fictif.alea import Booleens, Entiers, Reels, arrondir, choisir, flux, partager
from qpv_emploi.fictif.secret import Colonnes
from qpv_emploi.fictif.territoire import Territoire
from qpv_emploi.fictif.valeurs import Base, au_hasard, completer_notes, dixiemes, notes, recensement

_PART_NOTES = 0.015
_PART_ABC_VIDE = 0.02
_PART_SEXE_VIDE = 0.09
_SEXES = ("F", "H")
_T4 = ("ABC_F", "ABC_H", "A_F", "A_H")
_DEFM = [
    *["ABCDE", "ABCDE_F", "ABCDE_H", "ABC", "ABC_F", "ABC_H", "ABC_RSA", "ABC_RSA_F", "ABC_RSA_H"],
    *["A", "A_F", "A_H", "ABC_FR", "ABC_E", schemas.IPRO_NOUVELLE],
    *schemas.AGES, *schemas.QUALIFICATIONS,
    *[f"{nom}{suffixe}" for nom in schemas.FORMATIONS + schemas.ANCIENNETES for suffixe in ("", "_F", "_H")],
]  # fmt: skip
_DEFM_DETAIL = [nom for nom in _DEFM if not nom.startswith("ABCDE")]
_DEFM_PAR_SEXE = [nom for nom in _DEFM_DETAIL if nom.endswith(("_F", "_H"))]
_EVOLUTIONS = ["EVOL_ABC_T4", "EVOL_A_T4", *schemas.EVOLUTIONS_F_H]


def insertion_professionnelle(territoire: Territoire, annee: int) -> Base:
    """Figures of base N: stocks at 31 December N-1, rates of the census behind the base."""
    completes = {
        **_taux(territoire, annee),
        **_demandeurs(territoire, annee),
        **_quatrieme_trimestre(territoire, annee),
        **_contrats_aides(territoire, annee),
    }
    publiees = dict(completes)
    alea = flux(territoire.graine, "ipro secret", annee)
    _notes(alea, publiees)
    _secret_demandeurs(alea, publiees)
    _secret_contrats(alea, publiees)
    _secret_taux(territoire, annee, publiees)
    return Base(publiees, completes)


def _conjoncture(annee: int) -> float:
    """Level of unemployment of a year, around 1."""
    return 1 + 0.05 * float(np.sin((annee - 2014) / 2.2))


def _stocks(territoire: Territoire, annee: int) -> Colonnes:
    """Job seekers of categories ABCDE, ABC and A by sex."""
    qpv = territoire.qpv
    alea = flux(territoire.graine, "defm", annee)
    taux = 0.176 * np.exp(0.14 * qpv.difficulte + alea.normal(0.0, 0.03, len(qpv))) * _conjoncture(annee)
    total = arrondir(qpv.pop_2013 * taux, minimum=60)
    femmes = alea.binomial(total, 0.478)
    colonnes: Colonnes = {"ABCDE": total, "ABCDE_F": femmes, "ABCDE_H": total - femmes}
    for sexe, part_abc, part_a in (("F", 0.91, 0.68), ("H", 0.92, 0.71)):
        colonnes[f"ABC_{sexe}"] = alea.binomial(colonnes[f"ABCDE_{sexe}"], part_abc)
        colonnes[f"A_{sexe}"] = alea.binomial(colonnes[f"ABC_{sexe}"], part_a)
    for categorie in ("ABC", "A"):
        colonnes[categorie] = colonnes[f"{categorie}_F"] + colonnes[f"{categorie}_H"]
    return colonnes


def _demandeurs(territoire: Territoire, annee: int) -> Colonnes:
    """The stocks and all their breakdowns."""
    qpv = territoire.qpv
    colonnes = _stocks(territoire, annee)
    alea = flux(territoire.graine, "defm detail", annee)
    total = colonnes["ABC"]
    colonnes.update(zip(schemas.AGES, partager(alea, total, [0.16, 0.61, 0.23]), strict=True))

    # Unknown education: most rows have some before base 2020, one row in five after.
    inconnu = 0.006 if annee < 2020 else 0.0015
    for sexe, formation, anciennete in (
        ("F", [0.26, 0.36, 0.21, 0.17], [0.35, 0.17, 0.20, 0.28]),
        ("H", [0.29, 0.39, 0.19, 0.13], [0.36, 0.17, 0.19, 0.28]),
    ):
        effectif = colonnes[f"ABC_{sexe}"]
        parts = partager(alea, effectif - alea.binomial(effectif, inconnu), formation)
        colonnes.update((f"{nom}_{sexe}", part) for nom, part in zip(schemas.FORMATIONS, parts, strict=True))
        parts = partager(alea, effectif, anciennete)
        colonnes.update((f"{nom}_{sexe}", part) for nom, part in zip(schemas.ANCIENNETES, parts, strict=True))
        colonnes[f"ABC_RSA_{sexe}"] = alea.binomial(effectif, 0.33)
    for nom in (*schemas.FORMATIONS, *schemas.ANCIENNETES, "ABC_RSA"):
        colonnes[nom] = colonnes[f"{nom}_F"] + colonnes[f"{nom}_H"]

    connus = total - alea.binomial(total, 0.002)
    colonnes["ABC_E"] = alea.binomial(connus, qpv.part_etrangers * 1.15)
    colonnes["ABC_FR"] = connus - colonnes["ABC_E"]
    qualifies = total - alea.binomial(total, 0.004)
    parts = partager(alea, qualifies, [0.15, 0.14, 0.28, 0.38, 0.05])
    colonnes.update(zip(schemas.QUALIFICATIONS, parts, strict=True))
    colonnes[schemas.IPRO_NOUVELLE] = alea.binomial(total, 0.12)
    return colonnes


def _t4(territoire: Territoire, annee: int) -> Colonnes:
    """Fourth-quarter measure of base N: close to the December stock, and not equal to it."""
    stocks = _stocks(territoire, annee)
    alea = flux(territoire.graine, "defm t4", annee)
    mesures: Colonnes = {
        nom: arrondir(np.exp(alea.normal(0.0, 0.015, len(territoire.qpv))) * stocks[nom], minimum=1)
        for nom in _T4
    }
    mesures["ABC"] = mesures["ABC_F"] + mesures["ABC_H"]
    mesures["A"] = mesures["A_F"] + mesures["A_H"]
    return mesures


def _quatrieme_trimestre(territoire: Territoire, annee: int) -> Colonnes:
    """Fourth quarters N and N-1 of category A, and yearly changes in %."""
    actuel, precedent = _t4(territoire, annee), _t4(territoire, annee - 1)
    colonnes: Colonnes = {"A_N_T4": actuel["A"], "A_N1_T4": precedent["A"]}
    for categorie in ("ABC", "A"):
        for suffixe in ("", "_F", "_H"):
            nom = categorie + suffixe
            colonnes[f"EVOL_{nom}_T4"] = dixiemes(_evolution(actuel[nom], precedent[nom]), -100, 900)
    return colonnes


def _evolution(actuel: Entiers, precedent: Entiers) -> Reels:
    """Change in %, 0 where there is nothing to compare with."""
    return np.where(precedent > 0, 100.0 * (actuel / np.maximum(precedent, 1) - 1), 0.0)


def _beneficiaires(territoire: Territoire, annee: int) -> Entiers:
    """Subsidised contracts: the programme shrinks after base 2017."""
    qpv = territoire.qpv
    niveau = {2018: 0.70, 2019: 0.40, 2020: 0.24}.get(annee, 1.0 if annee <= 2017 else 0.21)
    alea = flux(territoire.graine, "contrats aides", annee)
    bruit = np.exp(0.2 * qpv.difficulte + alea.normal(0.0, 0.25, len(qpv)))
    return arrondir(qpv.pop_2013 * 0.0135 * niveau * bruit)


def _contrats_aides(territoire: Territoire, annee: int) -> Colonnes:
    """Subsidised contracts and their breakdowns; every partition sums to its total."""
    total = _beneficiaires(territoire, annee)
    precedent = _beneficiaires(territoire, annee - 1)
    alea = flux(territoire.graine, "contrats aides detail", annee)
    eav = alea.binomial(total, 0.27)
    cui = total - eav
    cie = alea.binomial(cui, 0.25)
    starter = alea.binomial(cie, 0.45)
    cui_f, eav_f = alea.binomial(cui, 0.66), alea.binomial(eav, 0.52)
    colonnes: Colonnes = {
        "CA": total, "CUI": cui, "EAV": eav, "CIE": cie, "CAE": cui - cie,
        "CIE_S": starter, "CIE_HS": cie - starter,
        "CUI_F": cui_f, "CUI_H": cui - cui_f, "EAV_F": eav_f, "EAV_H": eav - eav_f,
        "CA_F": cui_f + eav_f, "CA_H": total - cui_f - eav_f,
        "CA_N_E": total, "CA_N1_E": precedent,
        schemas.EVOL_CA: dixiemes(_evolution(total, precedent), -100, 900),
    }  # fmt: skip
    for noms, effectif, poids in (
        (schemas.CUI_AGES, cui, [0.18, 0.60, 0.22]),
        (schemas.CUI_FORMATIONS, cui, [0.24, 0.36, 0.22, 0.18]),
        (schemas.EAV_FORMATIONS, eav, [0.22, 0.30, 0.48]),
    ):
        colonnes.update(zip(noms, partager(alea, effectif, poids), strict=True))
    return colonnes


def _taux(territoire: Territoire, annee: int) -> Colonnes:
    """Employment rates and shares of insecure jobs, of the census behind the base (in %)."""
    qpv = territoire.qpv
    nombre = len(qpv)
    alea = flux(territoire.graine, "recensement emploi", recensement(annee))
    emploi = 45.5 - 6.0 * qpv.difficulte + alea.normal(0.0, 1.2, nombre)
    precaire = 24.0 + 2.5 * qpv.difficulte + alea.normal(0.0, 2.5, nombre)
    colonnes: Colonnes = {}
    for mesure, niveau, ecart_f, ecart_et in (("EMPL", emploi, -4.5, -6.0), ("EPREC", precaire, 1.2, 6.0)):
        colonnes[f"TX_TOT_{mesure}"] = dixiemes(niveau, 6, 90)
        colonnes[f"TX_F_{mesure}"] = dixiemes(niveau + ecart_f + alea.normal(0.0, 1.5, nombre), 5, 90)
        colonnes[f"TX_ET_{mesure}"] = dixiemes(niveau + ecart_et + alea.normal(0.0, 5.0, nombre), 5, 100)
    for groupe in ("TOT", "F", "ET"):
        # « À durée limitée » follows « précaires » under a slightly wider definition.
        colonnes[f"TX_{groupe}_EDLIM"] = np.minimum(colonnes[f"TX_{groupe}_EPREC"] + 8, 1000)
    return colonnes


def _notes(alea: np.random.Generator, colonnes: Colonnes) -> None:
    """Block flags: those of job seekers also hold for contracts, and each yearly change has some more."""
    nombre = colonnes["ABC"].size
    colonnes["NOTE_PE"] = notes(alea, nombre, _PART_NOTES, [3, 5])
    colonnes["NOTE_PE_T"] = completer_notes(alea, colonnes["NOTE_PE"], 0.02, 4)
    colonnes["NOTE_ASP"] = completer_notes(alea, colonnes["NOTE_PE"], 0.005, 4)
    colonnes["NOTE_ASP_E"] = completer_notes(alea, colonnes["NOTE_ASP"], 0.025, 4)


def _secret_demandeurs(alea: np.random.Generator, colonnes: Colonnes) -> None:
    bloc = colonnes["NOTE_PE"] != 0
    # ABC and all its details blank although ABCDE and the note say nothing of it.
    abc_vide = choisir(alea, ~bloc, _PART_ABC_VIDE)
    sexe_vide = choisir(alea, ~bloc & ~abc_vide, _PART_SEXE_VIDE)
    secret.effacer(colonnes, _DEFM, bloc)
    secret.effacer(colonnes, _DEFM_DETAIL, abc_vide)
    secret.effacer(colonnes, _DEFM_PAR_SEXE, sexe_vide)

    secret.effacer_ensemble(colonnes, ["ABCDE_F", "ABCDE_H"])
    for nom in ("ABC", "A", "ABC_RSA"):
        secret.effacer_ensemble(colonnes, [f"{nom}_F", f"{nom}_H"])
    secret.effacer_ensemble(colonnes, ["ABC_FR", "ABC_E"])
    for noms in (schemas.AGES, schemas.FORMATIONS, schemas.QUALIFICATIONS, schemas.ANCIENNETES):
        secret.proteger_partition(colonnes, noms)
    for noms in (schemas.FORMATIONS, schemas.ANCIENNETES):
        for nom in noms:
            # A split is never published without its total, nor where one sex is too small.
            secret.effacer(colonnes, [f"{nom}_F", f"{nom}_H"], colonnes[nom] == secret.VIDE)
        secret.proteger_croisement(colonnes, [(f"{nom}_F", f"{nom}_H") for nom in noms])
    secret.effacer_petits(colonnes, _DEFM)

    comparable = colonnes["NOTE_PE_T"] != 0
    sans_abc = colonnes["ABC"] == secret.VIDE
    secret.effacer(colonnes, ["A_N_T4", "A_N1_T4", *_EVOLUTIONS], comparable | sans_abc)
    sans_sexe: Booleens = (colonnes["ABC_F"] == secret.VIDE) | choisir(alea, ~sans_abc, 0.05)
    secret.effacer(colonnes, schemas.EVOLUTIONS_F_H, sans_sexe)


def _secret_contrats(alea: np.random.Generator, colonnes: Colonnes) -> None:
    """Contracts are few: most breakdowns are blank, level after level."""
    secret.effacer(colonnes, schemas.CONTRATS_AIDES, colonnes["NOTE_ASP"] != 0)
    secret.effacer_petits(colonnes, ["CA"])
    _suivre(colonnes, "CA", ["CUI", "EAV", "CA_F", "CA_H"])
    secret.effacer_ensemble(colonnes, ["CUI", "EAV"])
    secret.effacer_ensemble(colonnes, ["CA_F", "CA_H"])
    _suivre(colonnes, "CUI", ["CIE", "CAE", *schemas.CUI_AGES, *schemas.CUI_FORMATIONS, *schemas.PAR_SEXE])
    _suivre(colonnes, "EAV", schemas.EAV_FORMATIONS)
    _suivre(colonnes, "CA_F", schemas.PAR_SEXE)
    secret.effacer_ensemble(colonnes, ["CIE", "CAE"])
    _suivre(colonnes, "CIE", ["CIE_HS", "CIE_S"])
    secret.effacer_ensemble(colonnes, ["CIE_HS", "CIE_S"])
    secret.effacer_ensemble(colonnes, schemas.PAR_SEXE)
    for noms in (schemas.CUI_AGES, schemas.CUI_FORMATIONS, schemas.EAV_FORMATIONS):
        secret.proteger_partition(colonnes, noms)

    evolution = ["CA_N_E", "CA_N1_E"]
    secret.effacer(colonnes, evolution, colonnes["NOTE_ASP_E"] != 0)
    secret.effacer_ensemble(colonnes, evolution)
    # Some changes are blank although both ends are published.
    sans = (colonnes["CA_N_E"] == secret.VIDE) | au_hasard(alea, colonnes["CA"].size, 0.04)
    secret.effacer(colonnes, [schemas.EVOL_CA], sans)


def _suivre(colonnes: Colonnes, total: str, details: list[str]) -> None:
    """Blank the details where the total is blank."""
    secret.effacer(colonnes, details, colonnes[total] == secret.VIDE)


def _secret_taux(territoire: Territoire, annee: int, colonnes: Colonnes) -> None:
    """Rates blanked cell by cell, the same ones for one census; a few true zeros after census 2010."""
    annee_rp = recensement(annee)
    alea = flux(territoire.graine, "recensement emploi secret", annee_rp)
    nombre = len(territoire.qpv)
    for mesure, part_et, part_tot, part_f in (("EMPL", 0.25, 0.0, 0.01), ("EPREC", 0.45, 0.06, 0.2)):
        zero = au_hasard(alea, nombre, 0.01) & (annee_rp > 2010)
        vide_et = au_hasard(alea, nombre, part_et) & ~zero
        vide_f = au_hasard(alea, nombre, part_f)
        vide_tot = au_hasard(alea, nombre, part_tot) & (part_tot > 0)
        for indicateur in (mesure, "EDLIM") if mesure == "EPREC" else (mesure,):
            colonnes[f"TX_ET_{indicateur}"] = np.where(zero, 0, colonnes[f"TX_ET_{indicateur}"])
            secret.effacer(colonnes, [f"TX_ET_{indicateur}"], vide_et)
            secret.effacer(colonnes, [f"TX_F_{indicateur}"], vide_f)
            secret.effacer(colonnes, [f"TX_TOT_{indicateur}"], vide_tot)

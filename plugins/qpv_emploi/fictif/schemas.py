"""Columns and dialects of the statistical bases, vintage by vintage, as the real files show them.

Column names and orders are those of the header lines of the depot; number styles were recomputed column by
column (SOURCES 1.2, 2.1 to 2.3). A vintage that is not in the depot takes the nearest known schema, with the
drift documented in ``ipro`` and ``demo``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Trailing space included: the real header has it.
EVOL_CA = "EVOL_CA_N_E "


@dataclass(frozen=True)
class Dialecte:
    """How a CSV is spelt. Separator ``;``, decimal comma and CRLF are common to all.

    Attributes:
        bom: UTF-8 byte order mark.
        milliers: U+202F between thousands of integers (never in decimals).
        sans_nom: number of unnamed, always empty trailing columns.
        derniere_fin: the last line is terminated.
        guillemets: header names and text fields are double-quoted.
    """

    bom: bool
    milliers: bool
    sans_nom: int
    derniere_fin: bool
    guillemets: bool = False


def excel(sans_nom: int) -> Dialecte:
    """A copy re-saved from Excel."""
    return Dialecte(bom=True, milliers=True, sans_nom=sans_nom, derniere_fin=False)


NATIF = Dialecte(bom=False, milliers=False, sans_nom=0, derniere_fin=True)
NATIF_GUILLEMETS = Dialecte(bom=False, milliers=False, sans_nom=0, derniere_fin=True, guillemets=True)


@dataclass(frozen=True)
class Schema:
    """One file: its name, columns, dialect and number styles.

    Attributes:
        taux: columns with one decimal; the others are integers or text.
        taux_fixes: those that always show it (``53,0``); the rest write a whole rate bare (``53``).
        ensemble: a national total row comes first.
    """

    fichier: str
    colonnes: tuple[str, ...]
    dialecte: Dialecte
    taux_fixes: frozenset[str]
    ensemble: bool

    @property
    def taux(self) -> frozenset[str]:
        return frozenset(nom for nom in self.colonnes if _est_un_taux(nom))


_AUTRES_TAUX = frozenset(
    [
        *["IND_JEUNE", "PMIMP", "PART_CHOMPRINC", "BREV", "TP60", "DECUC_D1D9", "DISP_D1D9"],
        *["PACT", "PPEN", "PPSOC", "PIMPOT", "PPAT"],
    ]
)


def _est_un_taux(nom: str) -> bool:
    return nom.startswith(("TX_", "EVOL_")) or nom in _AUTRES_TAUX


def _croiser(racines: Iterable[str], suffixe: str) -> list[str]:
    return [racine + suffixe for racine in racines]


FORMATIONS = ["ABC_INFCAPBEP", "ABC_CAPBEP", "ABC_BAC", "ABC_SUPBAC"]
QUALIFICATIONS = ["ABC_QAL1", "ABC_QAL2", "ABC_QAL3", "ABC_QAL4", "ABC_QAL5"]
ANCIENNETES = ["ABC_DUR1", "ABC_DUR2", "ABC_DUR3", "ABC_DUR4"]
AGES = ["ABC_25", "ABC_2649", "ABC_50"]
CUI_AGES = ["CUI_25", "CUI_26A49", "CUI_50"]
CUI_FORMATIONS = ["CUI_INFCAP", "CUI_CAP", "CUI_BAC", "CUI_SUPBAC"]
EAV_FORMATIONS = ["EAV_INFCAP", "EAV_CAP", "EAV_SUPCAP"]
PAR_SEXE = ["CUI_F", "EAV_F", "CUI_H", "EAV_H"]
EVOLUTIONS_F_H = ["EVOL_ABC_F_T4", "EVOL_ABC_H_T4", "EVOL_A_F_T4", "EVOL_A_H_T4"]

_IDENTITE = ["CODGEO", "LIBGEO"]
_EMPLOI = ["TX_TOT_EMPL", "TX_F_EMPL", "TX_ET_EMPL"]
_EPREC = ["TX_TOT_EPREC", "TX_F_EPREC", "TX_ET_EPREC"]
_EDLIM = ["TX_TOT_EDLIM", "TX_F_EDLIM", "TX_ET_EDLIM"]
CONTRATS_AIDES = [
    *["CA", "CUI", "CIE", "CIE_HS", "CIE_S", "CAE", "EAV"],
    *["CA_F", "CUI_F", "EAV_F", "CA_H", "CUI_H", "EAV_H"],
    *CUI_AGES, *CUI_FORMATIONS, *EAV_FORMATIONS,
]  # fmt: skip
_STOCKS = [
    *["ABCDE", "ABCDE_F", "ABCDE_H", "ABC", "ABC_F", "ABC_H", "ABC_RSA", "ABC_RSA_F", "ABC_RSA_H"],
    *["A", "A_F", "A_H"], *AGES, "ABC_FR", "ABC_E",
    *FORMATIONS, *_croiser(FORMATIONS, "_F"), *_croiser(FORMATIONS, "_H"),
]  # fmt: skip
_DUREES = [*ANCIENNETES, *_croiser(ANCIENNETES, "_F"), *_croiser(ANCIENNETES, "_H")]

IPRO_2017 = (
    *_IDENTITE, *_EMPLOI, *_EPREC, *CONTRATS_AIDES, "NOTE_ASP",
    *_STOCKS, *QUALIFICATIONS, *_DUREES, "NOTE_PE", "A_N_T4", "A_N1_T4", "NOTE_PE_T",
)  # fmt: skip
IPRO_2018 = (
    *_IDENTITE, *_EMPLOI, *_EPREC, *CONTRATS_AIDES, "NOTE_ASP", "CA_N_E", "CA_N1_E", "NOTE_ASP_E",
    *_STOCKS, *QUALIFICATIONS, *_DUREES, "NOTE_PE", "A_N_T4", "A_N1_T4", "NOTE_PE_T",
)  # fmt: skip
_IPRO_FIN = (
    "CA", "NOTE_ASP", EVOL_CA, "NOTE_ASP_E", *_STOCKS, *_DUREES, "NOTE_PE",
    *["EVOL_ABC_T4", "EVOL_ABC_F_T4", "EVOL_ABC_H_T4", "EVOL_A_T4", "EVOL_A_F_T4", "EVOL_A_H_T4"],
    "NOTE_PE_T",
)  # fmt: skip
IPRO_2020 = (*_IDENTITE, *_EMPLOI, *_EPREC, *_IPRO_FIN)
IPRO_2021 = (*_IDENTITE, *_EMPLOI, *_EDLIM, *_IPRO_FIN)
# Vintages after the last known one drop a usual variable and bring a new one.
IPRO_ABANDONNEE, IPRO_NOUVELLE = "ABC_DUR4_H", "ABC_INNOV"

RECENSEMENT_DEMO = [
    *["TX_F", "TX_TOT_0A24", "TX_F_0A24", "TX_TOT_60ETPLUS", "TX_F_60ETPLUS", "IND_JEUNE"],
    *["TX_TOT_MEN1", "TX_TOT_MEN6", "TX_TOT_ET", "TX_F_ET"],
]  # fmt: skip
FAMILLES = ["AM", "AI", "ACSSENF", "ACAVENF"]
ENFANTS = ["ENF_2", "ENF_3_5", "ENF_6_10", "ENF_11_14", "ENF_15_17", "ENF_18_24"]
CNAF_DEMO = ["A", "PERCOU", *FAMILLES, "AC3ENF", "A_NETUD_24", "A_ETUD", "ENF", *ENFANTS]
_POPULATIONS = ["POP_MUN", "POP_COM_QP", "POP_COM"]
DEMO_2017 = (*_IDENTITE, *_POPULATIONS, "LIB_COM", *RECENSEMENT_DEMO, *CNAF_DEMO, "NOTE_CNAF")
DEMO_2019 = tuple(nom for nom in DEMO_2017 if nom != "LIBGEO")
DEMO_2021 = (*_IDENTITE, *_POPULATIONS, "LIB_COM", *RECENSEMENT_DEMO, "NOTE_RP", *CNAF_DEMO, "NOTE_CNAF")
DEMO_SUITE = tuple(nom for nom in DEMO_2021 if nom not in ("LIBGEO", "LIB_COM"))

DISPONIBLE = ["DISP_Q2", "DISP_Q1", "DISP_Q3", "DISP_D1", "DISP_D9"]
DECLARE = ["DECUC_Q2", "DECUC_Q1", "DECUC_Q3", "DECUC_D1", "DECUC_D9"]
COMPOSITION = ["PACT", "PPEN", "PPSOC", "PIMPOT", "PPAT"]
_DECUC = ["DECUC_Q2", "DECUC_Q1", "DECUC_Q3", "BREV", "DECUC_D1", "DECUC_D9"]
_DISP = ["DISP_Q2", "DISP_Q1", "DISP_Q3", "TP60", "DISP_D1", "DISP_D9"]
REVN_2017 = (
    *_IDENTITE, "PMIMP", "PART_CHOMPRINC", *_DECUC, *_DISP, *COMPOSITION, "CCMUC", "NOTE_CNAM",
    "A", "APRES50", "APRES100", "ARSA", "ARSAS", "AAAH", "NOTE_CNAF",
)  # fmt: skip
REVN_2019 = (
    *_IDENTITE, "PMIMP", "PART_CHOMPRINC", *_DECUC, *_DISP, *COMPOSITION, "NOTE_FILO", "CCMUC", "NOTE_CNAM",
    "A", "APRES50", "APRES100", "APPA", "ARSAS", "AAAH", "NOTE_CNAF",
)  # fmt: skip
REVN_2021 = (
    *_IDENTITE, "PMIMP", *_DECUC, "DECUC_D1D9", *_DISP, "DISP_D1D9", *COMPOSITION, "NOTE_FILO",
    "C", "CC2S", "NOTE_CNAM", "A", "APPA", "ARSAS", "AAAH", "NOTE_CNAF",
)  # fmt: skip


def connu(annee: int, connus: Iterable[int]) -> int:
    """The known vintage whose schema a year takes: the nearest, the earlier one at equal distance."""
    return min(connus, key=lambda n: (abs(n - annee), n))


def ipro(annee: int) -> Schema:
    """Insertion professionnelle, base N.

    Bases before 2020 take the schema of 2017 or 2018, with the row ``Ensemble``. Bases after 2021 drop
    ``ABC_DUR4_H`` and add ``ABC_INNOV``, a count below ``ABC``, before ``NOTE_PE``: a missing usual variable
    and an unmapped one, for the gates to find.
    """
    modele = connu(annee, (2017, 2018) if annee < 2020 else (2020, 2021))
    colonnes = {2017: IPRO_2017, 2018: IPRO_2018, 2020: IPRO_2020, 2021: IPRO_2021}[modele]
    if annee > 2021:
        sans = [nom for nom in colonnes if nom != IPRO_ABANDONNEE]
        sans.insert(sans.index("NOTE_PE"), IPRO_NOUVELLE)
        colonnes = tuple(sans)
    fixes = frozenset(nom for nom in colonnes if _est_un_taux(nom)) if annee > 2020 else frozenset()
    return Schema(
        fichier=f"IPRO_{annee}.csv",
        colonnes=colonnes,
        dialecte=excel({2017: 174, 2018: 171, 2020: 165, 2021: 165}[modele]),
        taux_fixes=fixes,
        ensemble=annee < 2020,
    )


def demo(annee: int) -> Schema:
    """Démographie, base N.

    2017 and 2018 are Excel copies under a native name, 2019 and 2020 native without ``LIBGEO``, 2021 an Excel
    copy. Bases after 2021 are native with double-quoted strings, without ``LIBGEO`` nor ``LIB_COM``, as the
    native CSV of base 2021 is said to be (SOURCES 2.2).
    """
    natif = f"data_DEMO_{annee}_V1_QP.csv"
    taux = frozenset(RECENSEMENT_DEMO)
    if annee > 2021:
        return Schema(natif, DEMO_SUITE, NATIF_GUILLEMETS, frozenset(), ensemble=False)
    if annee == 2021:
        return Schema(
            f"DEMO_{annee}.csv", DEMO_2021, excel(157), taux - {"TX_TOT_ET", "TX_F_ET"}, ensemble=False
        )
    if annee >= 2019:
        return Schema(natif, DEMO_2019, NATIF, frozenset(), ensemble=annee == 2019)
    if annee == 2018:
        return Schema(natif, DEMO_2017, excel(164), taux - {"TX_TOT_ET", "TX_F_ET"}, ensemble=True)
    return Schema(natif, DEMO_2017, excel(206), taux, ensemble=True)


def revn(annee: int) -> Schema:
    """Revenus, base N: nearest known schema; 993 unnamed columns in base 2021 only, 225 in later ones."""
    modele = connu(annee, (2017, 2019, 2021))
    colonnes = {2017: REVN_2017, 2019: REVN_2019, 2021: REVN_2021}[modele]
    nus = {"PMIMP", "PART_CHOMPRINC"} | ({"BREV"} if modele == 2017 else set())
    sans_nom = {2017: 226, 2019: 225, 2021: 993 if annee == 2021 else 225}[modele]
    return Schema(
        fichier=f"REVN_{annee}.csv",
        colonnes=colonnes,
        dialecte=excel(sans_nom),
        taux_fixes=frozenset(nom for nom in colonnes if _est_un_taux(nom)) - nus,
        ensemble=modele < 2021,
    )

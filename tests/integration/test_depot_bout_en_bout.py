"""From the real files to the published warehouse: the figures of SOURCES.md, « Check values »."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Lock
from qpv_emploi.entrepot import current_release, list_releases
from qpv_emploi.pipeline import RunReport
from qpv_emploi.settings import Settings

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]

IPRO, DEMO, REVN = "insertion_professionnelle", "demographie_qpv", "revenus_qpv"


def _one(lire: Requete, sql: str, *parametres: object) -> Any:
    ((valeur,),) = lire(sql, *parametres)
    return valeur


def _figures(jeu: str, millesime: str, noms: str, sommes: str, vides: str) -> list[tuple[Any, ...]]:
    """One case per variable: sum of the non-blank cells of the 199 QPV, number of blanks."""
    colonnes = zip(noms.split(), sommes.split(), vides.split(), strict=True)
    return [(jeu, millesime, nom, float(somme), int(vide)) for nom, somme, vide in colonnes]


STOCKS = "ABCDE ABC ABC_F ABC_H A ABC_25 ABC_2649 ABC_50 ABC_RSA ABC_DUR4 CA"
POPULATION = "POP_MUN A PERCOU ENF A_ETUD"
SOMMES = [
    *_figures(
        IPRO, "2017", STOCKS,
        "120803 106912 46727 59260 76851 20324 65456 21132 37786 30917 10928", "3 3 7 7 3 3 3 3 3 3 4",
    ),
    *_figures(
        IPRO, "2018", STOCKS,
        "125792 114311 50827 61870 81069 20670 70584 23057 39559 30930 6835", "2 2 11 11 2 2 2 2 2 2 3",
    ),
    *_figures(
        IPRO, "2020", STOCKS,
        "116855 104970 46937 56250 72455 18463 63846 22661 39042 31662 1931", "4 4 14 14 4 4 4 4 4 4 66",
    ),
    *_figures(
        IPRO, "2021", STOCKS,
        "117827 106457 47229 57111 73503 18690 64543 23224 42475 32197 1491", "2 2 13 13 2 2 2 2 2 2 85",
    ),
    *_figures(DEMO, "2017", POPULATION, "667970 200474 483844 212910 6593", "0 1 1 1 134"),
    *_figures(DEMO, "2018", POPULATION, "667970 207292 485785 208199 6666", "0 6 6 6 139"),
    *_figures(DEMO, "2019", POPULATION, "667970 211238 492414 209932 6957", "0 4 4 4 139"),
    *_figures(DEMO, "2020", POPULATION, "667970 214275 493173 207929 7687", "0 6 6 6 143"),
    *_figures(DEMO, "2021", POPULATION, "653409 220751 497649 206010 7612", "0 5 5 5 141"),
    *_figures(REVN, "2017", "A ARSAS AAAH CCMUC", "200474 69477 22221 194016", "1 1 1 6"),
    *_figures(REVN, "2019", "A ARSAS AAAH CCMUC", "211238 66227 23683 200848", "4 4 4 6"),
    *_figures(REVN, "2021", "A ARSAS AAAH C CC2S", "220751 64916 25711 612436 204309", "5 5 5 5 5"),
    # Sums of a column of rates: they check the reading, they are not statistics.
    *_figures(IPRO, "2017", "TX_TOT_EMPL", "8450.4", "0"),
    *_figures(IPRO, "2018", "TX_TOT_EMPL", "8450.4", "0"),
    *_figures(IPRO, "2020", "TX_TOT_EMPL", "7968.2", "0"),
    *_figures(IPRO, "2021", "TX_TOT_EMPL", "8023", "0"),
    *_figures(DEMO, "2017", "TX_F", "10513.8", "0"),
    *_figures(DEMO, "2018", "TX_F", "10513.8", "0"),
    *_figures(DEMO, "2019", "TX_F", "10565.1", "0"),
    *_figures(DEMO, "2020", "TX_F", "10540.3", "0"),
    *_figures(DEMO, "2021", "TX_F", "10528.2", "0"),
    *_figures(REVN, "2017", "TP60", "8818.5", "0"),
    *_figures(REVN, "2019", "TP60", "8933", "0"),
    *_figures(REVN, "2021", "TP60", "8700.6", "0"),
    *_figures("population_qpv", "2013", "population_municipale_2013", "667970", "0"),
]  # fmt: skip

VIDES = [
    *((IPRO, m, "TX_F_EMPL", 0) for m in ("2017", "2018", "2020", "2021")),
    *((IPRO, m, "TX_ET_EMPL", n) for m, n in (("2017", 83), ("2018", 83), ("2020", 61), ("2021", 59))),
    *((DEMO, str(m), "TX_TOT_ET", n) for m, n in zip(range(2017, 2022), (37, 37, 48, 47, 46), strict=True)),
    *((DEMO, str(m), "TX_TOT_MEN6", n) for m, n in zip(range(2017, 2022), (75, 75, 87, 83, 86), strict=True)),
    *((REVN, m, "PMIMP", n) for m, n in (("2017", 13), ("2019", 27), ("2021", 53))),
]

BORNES = [
    (IPRO, "2017", "TX_TOT_EMPL", 21, 60.7),
    (IPRO, "2018", "TX_TOT_EMPL", 21, 60.7),
    (IPRO, "2020", "TX_TOT_EMPL", 20.7, 53.4),
    (IPRO, "2021", "TX_TOT_EMPL", 21.4, 54.4),
    (REVN, "2017", "DISP_Q2", 10277, 14665),
    (REVN, "2019", "DISP_Q2", 10357, 14895),
    (REVN, "2021", "DISP_Q2", 11220, 15550),
    (REVN, "2017", "TP60", 30.3, 65.6),
    (REVN, "2019", "TP60", 30.1, 70),
    (REVN, "2021", "TP60", 29.1, 64),
]

QP059001 = [
    (IPRO, "2017", {"ABCDE": 193, "ABC": 158, "A": 99, "TX_TOT_EMPL": 44.4}),
    (IPRO, "2018", {"ABCDE": 177, "ABC": 144, "A": 92, "TX_TOT_EMPL": 44.4}),
    (IPRO, "2020", {"ABCDE": 162, "ABC": 130, "A": 79, "TX_TOT_EMPL": 43.9}),
    (IPRO, "2021", {"ABCDE": 146, "ABC": 124, "A": 80, "TX_TOT_EMPL": 43.9}),
    (REVN, "2017", {"DISP_Q2": 13906, "TP60": 36.1, "DECUC_Q2": 11672}),
    (REVN, "2019", {"DISP_Q2": 14613, "TP60": 35.7, "DECUC_Q2": 12204}),
    (REVN, "2021", {"DISP_Q2": 15550, "TP60": 30, "DECUC_Q2": 13230}),
]

# Date of the stock -> vintage that publishes it, sum over the QPV, QPV whose value is withheld.
DEFM_ABC = [
    (date(2016, 12, 31), "2017", 106912, ["QP059016", "QP059017", "QP062044"]),
    (date(2017, 12, 31), "2018", 114311, ["QP059017", "QP059061"]),
    (date(2019, 12, 31), "2020", 104970, ["QP059017", "QP059045", "QP059077", "QP062036"]),
    (date(2020, 12, 31), "2021", 106457, ["QP059077", "QP062036"]),
]

RECENSEMENT_2010 = (date(2008, 1, 1), date(2012, 12, 31))
RECENSEMENT_2013 = (date(2011, 1, 1), date(2015, 12, 31))
RECENSEMENT_2018 = (date(2016, 1, 1), date(2020, 12, 31))
INCONNUE = (None, None)
# SOURCES, « Period semantics »: dataset, vintage, variable, first and last day measured.
PERIODES = [
    *((IPRO, m, v, (date(int(m) - 1, 12, 31),) * 2) for m in ("2017", "2018", "2020", "2021")
      for v in ("ABCDE", "ABC", "A", "CA")),
    (IPRO, "2018", "A_N_T4", (date(2017, 10, 1), date(2017, 12, 31))),
    (IPRO, "2018", "A_N1_T4", (date(2016, 10, 1), date(2016, 12, 31))),
    *((IPRO, m, "TX_TOT_EMPL", RECENSEMENT_2010) for m in ("2017", "2018")),
    *((IPRO, m, "TX_TOT_EMPL", INCONNUE) for m in ("2020", "2021")),
    *((DEMO, m, "TX_F", RECENSEMENT_2010) for m in ("2017", "2018")),
    *((DEMO, m, "TX_F", INCONNUE) for m in ("2019", "2020", "2021")),
    *((DEMO, m, "POP_MUN", RECENSEMENT_2013) for m in ("2017", "2018", "2019", "2020")),
    (DEMO, "2021", "POP_MUN", RECENSEMENT_2018),
    *((DEMO, str(m), "A", (date(m - 1, 12, 31),) * 2) for m in range(2017, 2022)),
    *((REVN, str(m), "A", (date(m - 1, 12, 31),) * 2) for m in (2017, 2019, 2021)),
    *((REVN, str(m), v, (date(m - 4, 1, 1), date(m - 4, 12, 31))) for m in (2017, 2019, 2021)
      for v in ("DISP_Q2", "TP60", "PACT")),
    (REVN, "2019", "CCMUC", INCONNUE),
    ("population_qpv", "2013", "population_municipale_2013", RECENSEMENT_2013),
]  # fmt: skip

CLES = {
    "dim_territoire": ["cle_territoire"],
    "dim_qpv": ["code_qpv", "generation"],
    "dim_contrat_ville": ["code_contrat", "generation"],
    "dim_indicateur": ["code_indicateur"],
    "dim_ventilation": ["cle_ventilation"],
    "dim_periode": ["cle_periode"],
    "dim_statut": ["code_statut"],
    "dim_jeu_source": ["producteur", "jeu", "millesime"],
    "dim_correction": ["code_correction", "millesime"],
    "dim_rupture_serie": ["code_indicateur", "rupture_le"],
    "pont_qpv_commune": ["cle_territoire_qpv", "cle_territoire_commune"],
    "pont_qpv_epci": ["cle_territoire_qpv", "cle_territoire_epci"],
    "pont_qpv_contrat": ["cle_territoire_qpv", "cle_territoire_contrat"],
    "pont_qpv_zone": ["cle_territoire_qpv", "code_comparateur", "cle_territoire_zone"],
    "pont_qpv_generation": ["code_qpv_2015", "code_qpv_2024"],
    "pont_epci_succession": ["siren_avant", "siren_apres"],
    "pont_contrat_succession": ["code_contrat_avant", "code_contrat_apres"],
    "dim_comparateur": ["code_comparateur"],
    "dim_qpv_libelle": ["code_qpv", "libelle_qpv"],
    "fct_observation": [
        *("code_indicateur", "cle_territoire", "cle_periode", "cle_ventilation", "cle_jeu_source"),
        "connu_du",
    ],
    "mart_diagnostic_qpv": ["cle_territoire", "code_indicateur", "cle_ventilation"],
    "mart_trajectoire": [
        *("cle_territoire", "cle_territoire_t0", "generation", "code_indicateur", "cle_ventilation"),
        *("cle_periode_t0", "cle_periode_t", "code_comparateur", "cle_territoire_zone"),
    ],
    "mart_ecart_zone": [
        *("cle_territoire", "generation", "code_indicateur", "code_comparateur", "cle_territoire_zone"),
        *("cle_periode", "cle_ventilation"),
    ],
    "mart_agregat_qpv": [
        *("cle_territoire", "generation", "code_indicateur", "cle_ventilation", "cle_periode"),
        "cle_jeu_source",
    ],
    "fct_disponibilite": ["code_indicateur", "cle_territoire", "cle_periode", "cle_ventilation"],
    "mart_disponibilite": ["cle_territoire", "generation", "code_indicateur"],
    "mart_fiche_contrat_ville": ["code_contrat", "generation", "bloc", "code_ligne", "cle_territoire_ligne"],
    "mart_tracabilite": ["cle_trace", "role"],
    "fct_cible": ["code_cible"],
    "dim_dispositif": ["code_dispositif", "valide_du"],
    "pont_dispositif_filiation": ["code_avant", "code_apres", "nature"],
    "dim_acteur": ["code_acteur"],
    "dim_part_parite": ["code_parite"],
    "dim_perimetre": ["cle_territoire"],
    "dim_question_evaluative": ["code_question"],
    "fct_fait_documentaire": ["code_fait"],
    "dim_groupe_contradiction": ["code_groupe"],
    "pont_groupe_contradiction": ["code_groupe", "nature_ligne", "code_ligne"],
    "fct_beneficiaires": [
        *("code_dispositif", "cle_territoire", "cle_periode", "population", "cle_ventilation", "type_flux"),
        *("regle_localisation", "code_serie", "cle_jeu_source", "connu_du"),
    ],
    "fct_beneficiaires_territoire": [
        *("code_dispositif", "cle_territoire", "cle_periode", "type_flux", "regle_localisation"),
    ],
    "fct_couverture": ["code_dispositif", "cle_territoire", "debut", "fin"],
    "fct_moyens": ["cle_moyen"],
    "fct_saisie_locale": ["cle_saisie"],
    "mart_ciblage_droit_commun": ["cle_ligne"],
    "mart_contradictions": ["code_groupe", "nature_ligne", "code_ligne"],
    "mart_couverture_dispositif": ["code_dispositif", "cle_territoire", "debut", "fin"],
    "mart_moyens_specifiques": ["cle_territoire", "annee", "type_moyen"],
    "mart_objectif_national": ["code_indicateur", "code_fait_t0", "code_fait_t"],
    "mart_suivi_cibles": ["cle_ligne"],
    "vue_observation": ["cle_observation"],
}
# What the partners declare: the real dépôt holds no form.
SANS_LIGNE = {"fct_saisie_locale"}


# --- what the run says of itself ----------------------------------------------------------------------------


def test_every_file_of_the_catalogue_is_accepted(entrepot_32: tuple[Settings, RunReport]) -> None:
    reglages, rapport = entrepot_32
    assert rapport.release is not None
    # A dataset of the catalogue without any file is absent, without vintage.
    tenues = [issue for issue in rapport.outcomes if issue.millesime]
    assert {issue.issue for issue in tenues} == {Issue.NOUVEAU}, [
        issue.raison for issue in tenues if issue.issue is not Issue.NOUVEAU
    ]
    catalogue = load_catalogue(reglages.dbt_dir)
    # A vintage that the catalogue does not describe yet may bring columns of its own.
    decrites = [i for i in tenues if i.millesime in catalogue.dataset(i.producteur, i.jeu).millesimes]
    assert len(decrites) >= 8
    assert [issue.colonnes_inconnues for issue in decrites if issue.colonnes_inconnues] == []
    assert rapport.avertissements == ()
    verrou = Lock(reglages.paths.verrou).read()
    assert {(i.producteur, i.jeu, i.millesime) for i in tenues} == set(verrou)


def test_a_region_more_costs_no_reception(
    entrepot_32: tuple[Settings, RunReport], entrepot_11: tuple[Settings, RunReport]
) -> None:
    reglages, rapport = entrepot_11
    assert {issue.issue for issue in rapport.outcomes if issue.millesime} == {Issue.INCHANGE}
    courante = current_release(reglages.paths)
    assert courante is not None
    assert courante.region == "11"
    assert [release.region for release in list_releases(reglages.paths)] == ["32", "11"]


# --- territories --------------------------------------------------------------------------------------------


def test_qpv_of_the_region(sql_32: Requete) -> None:
    comptes = sql_32("select generation, code_departement, count(*) from dim_qpv group by all order by all")
    assert comptes == [
        *(("2015", "02", 17), ("2015", "59", 91), ("2015", "60", 18), ("2015", "62", 64), ("2015", "80", 9)),
        *(("2024", "02", 17), ("2024", "59", 94), ("2024", "60", 19), ("2024", "62", 64), ("2024", "80", 10)),
    ]
    assert sql_32("select distinct code_region, est_fictif from dim_qpv") == [("32", False)]


def test_surfaces_and_repaired_outlines(sql_32: Requete) -> None:
    ((total, petit, grand),) = sql_32(
        "select sum(surface_ha), arg_min(code_qpv, surface_ha), arg_max(code_qpv, surface_ha) from dim_qpv "
        "where generation = '2015'"
    )
    assert total / 100 == pytest.approx(84.56, abs=0.005)
    assert (petit, grand) == ("QP059029", "QP059082")
    tailles = dict(
        sql_32("select code_qpv, surface_ha from dim_qpv where code_qpv in ('QP059029', 'QP059082')")
    )
    assert tailles["QP059029"] == pytest.approx(4.7, abs=0.05)
    assert tailles["QP059082"] == pytest.approx(671, abs=0.5)
    repares = sql_32("select code_qpv from dim_qpv where est_geometrie_reparee order by 1")
    assert [code for (code,) in repares] == [
        *("QP059030", "QP059067", "QP060001", "QP062003", "QP062006", "QP062034", "QP062035", "QP062044"),
        *("QP062054", "QP062058"),
    ]


@pytest.mark.parametrize(
    ("generation", "qpv", "multi_communes", "multi_epci", "communes", "epci"),
    # SOURCES 1.1, 4.1, 5 and DOMAIN, « Relations are n:m »; the pairs of 2015 are counted in the file.
    [("2015", 199, 53, 10, 276, 43), ("2024", 204, 55, 8, 286, 39)],
)
def test_communes_and_epci_of_the_qpv(
    sql_32: Requete, generation: str, qpv: int, multi_communes: int, multi_epci: int, communes: int, epci: int
) -> None:
    assert sql_32(
        "select count(*), count_if(est_multi_commune), count_if(est_multi_epci), max(nb_communes) "
        "from dim_qpv where generation = ?",
        generation,
    ) == [(qpv, multi_communes, multi_epci, 5)]
    assert sql_32(
        "select count(*), count(distinct code_qpv) from pont_qpv_commune where generation = ?", generation
    ) == [(communes, qpv)]
    assert sql_32(
        "select count(*), count(distinct code_qpv), count(distinct siren_epci) from pont_qpv_epci "
        "where generation = ?",
        generation,
    ) == [(qpv + multi_epci, qpv, epci)]
    # Only a single link is the main one, and only it has a share.
    for pont in ("pont_qpv_commune", "pont_qpv_epci", "pont_qpv_contrat"):
        assert (
            sql_32(
                f"select code_qpv from {pont} group by code_qpv, generation "
                "having (count(*) = 1) <> coalesce(bool_and(est_principal), false) "
                "or (count(*) = 1) <> coalesce(sum(part_population) = 100, false)"
            )
            == []
        )


@pytest.mark.parametrize(
    ("type_territoire", "millesime_geo", "nombre"),
    [
        ("region", "2024", 1),
        ("departement", "2024", 5),
        # COG 2024, TYPECOM = COM and REG = 32; EPCI and zones d'emploi with a commune of the region.
        ("commune", "2024", 3788),
        ("epci", "2023", 92),
        ("zone_emploi", "2023", 24),
        ("unite_urbaine", "2020", 220),
        ("partie_regionale_zone_emploi", "2023", 2),
        ("france_metropolitaine", None, 1),
        ("france", None, 1),
        ("qpv", None, 403),
        ("contrat_ville", None, 82),
    ],
)
def test_territories(sql_32: Requete, type_territoire: str, millesime_geo: str | None, nombre: int) -> None:
    assert (
        _one(
            sql_32,
            "select count(*) from dim_territoire "
            "where type_territoire = ? and millesime_geo is not distinct from ?",
            type_territoire,
            millesime_geo,
        )
        == nombre
    )


def test_a_zone_that_crosses_the_border_has_no_region(sql_32: Requete) -> None:
    sans = sql_32(
        "select code_territoire from dim_territoire "
        "where type_territoire = 'zone_emploi' and code_region is null order by 1"
    )
    assert sans == [("0054",), ("0058",)]
    assert _one(
        sql_32, "select libelle_territoire from dim_territoire where cle_territoire = 'epci:200093201:2023'"
    ) == ("Métropole Européenne de Lille")


@pytest.mark.parametrize(
    ("generation", "comptes", "communaux"),
    [
        ("2015", {"02": 8, "59": 13, "60": 9, "62": 11, "80": 2}, []),
        ("2024", {"02": 7, "59": 13, "60": 8, "62": 9, "80": 2}, ["59139", "59249", "59452", "59481"]),
    ],
)
def test_contracts(sql_32: Requete, generation: str, comptes: dict[str, int], communaux: list[str]) -> None:
    trouves = sql_32(
        "select code_departement, count(*) from dim_contrat_ville where generation = ? group by all",
        generation,
    )
    assert dict(trouves) == comptes
    porteurs = sql_32(
        "select code_commune_porteur from dim_contrat_ville "
        "where generation = ? and niveau_porteur = 'commune' order by 1",
        generation,
    )
    assert [code for (code,) in porteurs] == communaux


@pytest.mark.parametrize(
    ("generation", "comptes"),
    [
        ("2015", [("epci", 209, 199, 43)]),
        # Four communes hold the contract of their one QPV; every other QPV has that of its EPCI.
        ("2024", [("commune", 4, 4, 4), ("epci", 208, 200, 35)]),
    ],
)
def test_every_qpv_has_a_contract(
    sql_32: Requete, generation: str, comptes: list[tuple[str, int, int, int]]
) -> None:
    assert (
        sql_32(
            "select mode_rattachement, count(*), count(distinct code_qpv), count(distinct code_contrat) "
            "from pont_qpv_contrat where generation = ? group by all order by all",
            generation,
        )
        == comptes
    )


@pytest.mark.parametrize("generation", ["2015", "2024"])
def test_a_qpv_shared_between_two_contracts_is_flagged(sql_32: Requete, generation: str) -> None:
    partages = sql_32(
        "select code_qpv, count(*) as nb from pont_qpv_contrat where generation = ? "
        "group by code_qpv having count(*) > 1",
        generation,
    )
    assert {nb for _, nb in partages} == {2}
    signales = sql_32(
        "select distinct code_qpv from pont_qpv_contrat where est_partage and generation = ?", generation
    )
    assert {code for code, _ in partages} == {code for (code,) in signales}
    multi_epci = sql_32("select code_qpv from dim_qpv where est_multi_epci and generation = ?", generation)
    assert {code for code, _ in partages} == {code for (code,) in multi_epci}
    # Nothing published shares its population between the two.
    assert sql_32(
        "select distinct est_partage, part_population, est_principal from pont_qpv_contrat order by 1"
    ) == [(False, 100.0, True), (True, None, None)]


@pytest.mark.parametrize(("millesime", "population"), [("2015", 653409), ("2024", 1460615)])
def test_population_written_by_the_contracts(
    entrepot_32: tuple[Settings, RunReport], sql_32: Requete, millesime: str, population: int
) -> None:
    """Read in bronze: the 2024 edition counts it twice, so that the warehouse publishes neither."""
    paths = entrepot_32[0].paths
    (fichier,) = Lock(paths.verrou).read()["sig_ville", "contrats_ville", millesime].fichiers
    table = pq.read_table(paths.root / fichier.bronze["sig_ville__contrats_ville"])
    lignes = table.select(["insee_dep", "pop__valeur"]).to_pylist()
    departements = {"02", "59", "60", "62", "80"}
    assert sum(x["pop__valeur"] for x in lignes if x["insee_dep"] in departements) == population
    if millesime == "2015":
        assert population == _one(
            sql_32,
            "select sum(valeur) from vue_observation where code_variable = 'POP_MUN' and millesime = '2021'",
        )


# --- figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jeu", "millesime", "variable", "somme", "vides"), SOMMES, ids=lambda v: str(v).replace(".0", "")
)
def test_sums_and_blanks(
    sql_32: Requete, jeu: str, millesime: str, variable: str, somme: float, vides: int
) -> None:
    ((lignes, total, manquants),) = sql_32(
        "select count(*), sum(valeur), count(*) - count(valeur) from vue_observation "
        "where type_territoire = 'qpv' and jeu = ? and millesime = ? and code_variable = ?",
        jeu,
        millesime,
        variable,
    )
    assert lignes == 199
    assert total == pytest.approx(somme, abs=1e-6)
    assert manquants == vides


@pytest.mark.parametrize(("jeu", "millesime", "variable", "vides"), VIDES)
def test_blanks(sql_32: Requete, jeu: str, millesime: str, variable: str, vides: int) -> None:
    assert sql_32(
        "select count(*), count(*) - count(valeur) from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = ?",
        jeu,
        millesime,
        variable,
    ) == [(199, vides)]


@pytest.mark.parametrize(("jeu", "millesime", "variable", "minimum", "maximum"), BORNES)
def test_extremes(
    sql_32: Requete, jeu: str, millesime: str, variable: str, minimum: float, maximum: float
) -> None:
    assert sql_32(
        "select min(valeur), max(valeur), count(valeur) from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = ?",
        jeu,
        millesime,
        variable,
    ) == [(minimum, maximum, 199)]


@pytest.mark.parametrize(("jeu", "millesime", "valeurs"), QP059001)
def test_figures_of_one_neighbourhood(
    sql_32: Requete, jeu: str, millesime: str, valeurs: dict[str, float]
) -> None:
    lues = sql_32(
        "select code_variable, valeur from vue_observation "
        "where code_territoire = 'QP059001' and jeu = ? and millesime = ?",
        jeu,
        millesime,
    )
    assert {variable: dict(lues)[variable] for variable in valeurs} == valeurs


@pytest.mark.parametrize(("le", "millesime", "somme", "retenus"), DEFM_ABC)
def test_job_seekers_at_their_date(
    sql_32: Requete, le: date, millesime: str, somme: int, retenus: list[str]
) -> None:
    """A withheld neighbourhood is a row without value, with a missing status and its reason."""
    lignes = sql_32(
        "select code_territoire, valeur, code_statut, motif, millesime from vue_observation "
        "where code_indicateur = 'DE.NB.DEFM.ABC' and cle_ventilation = 'TOTAL' and debut = ? and fin = ? "
        "order by 1",
        le,
        le,
    )
    assert len(lignes) == 199
    assert {ligne[4] for ligne in lignes} == {millesime}
    assert sum(valeur for _, valeur, *_ in lignes if valeur is not None) == somme
    absents = [(code, statut, motif) for code, valeur, statut, motif, _ in lignes if valeur is None]
    assert [code for code, _, _ in absents] == retenus
    manquants = {code for (code,) in sql_32(
        "select code_statut from dim_statut where compte_comme_manquant like 'oui%'"
    )}  # fmt: skip
    assert {statut for _, statut, _ in absents} <= manquants
    assert all(motif.strip() for _, _, motif in absents)


def test_job_seekers_by_departement(sql_32: Requete) -> None:
    assert dict(
        sql_32(
            "select code_departement, sum(valeur) from vue_observation "
            "where jeu = ? and millesime = '2021' and code_variable = 'ABC' group by all",
            IPRO,
        )
    ) == {"02": 7127, "59": 61168, "60": 10098, "62": 21817, "80": 6247}


def test_population_by_departement(sql_32: Requete) -> None:
    assert dict(
        sql_32(
            "select code_departement, sum(valeur) from vue_observation where jeu = 'population_qpv' "
            "group by all"
        )
    ) == {"02": 38182, "59": 365812, "60": 67335, "62": 158649, "80": 37992}


def test_region_11_equals_the_figures_that_the_drees_published(sql_11: Requete) -> None:
    """Two independent publications of the same stock agree to the unit: the period rule is the right one."""
    assert sql_11("select distinct code_region from dim_qpv") == [("11",)]
    lues = sql_11(
        "select code_variable, sum(valeur), sum(case when code_departement = '93' then valeur end) "
        "from vue_observation where jeu = ? and fin = date '2020-12-31' and code_variable in ('ABC', 'A') "
        "and cle_ventilation = 'TOTAL' group by all",
        IPRO,
    )
    sommes = {variable: (region, departement) for variable, region, departement in lues}
    assert sommes["ABC"] == (204930, 79262)
    assert sommes["A"][0] == 148904


@pytest.mark.parametrize(("millesime", "nombre"), [("2017", 67), ("2019", 95), ("2021", 90)])
def test_a_true_zero_stays_a_zero(sql_32: Requete, millesime: str, nombre: int) -> None:
    assert sql_32(
        "select count(*), min(code_statut), max(code_statut), count(motif) from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = 'DECUC_D1' and valeur = 0",
        REVN,
        millesime,
    ) == [(nombre, "OK", "OK", 0)]


def test_a_ratio_to_zero_is_without_object(sql_32: Requete) -> None:
    assert sql_32(
        "select r.code_statut, count(*) from vue_observation as r inner join vue_observation as d "
        "using (code_territoire, jeu, millesime) where r.code_variable = 'DECUC_D1D9' "
        "and r.colonne_numero is not null and d.code_variable = 'DECUC_D1' and d.valeur = 0 group by all"
    ) == [("NA", 90)]


@pytest.mark.parametrize("millesime", ["2017", "2019", "2021"])
def test_income_shares_make_a_hundred(sql_32: Requete, millesime: str) -> None:
    ((nombre, ecart),) = sql_32(
        "select count(*), max(abs(total - 100)) from (select code_territoire, sum(valeur) as total "
        "from vue_observation where jeu = ? and millesime = ? "
        "and code_variable in ('PACT', 'PPEN', 'PPAT', 'PPSOC', 'PIMPOT') "
        "group by code_territoire having count(valeur) = 5)",
        REVN,
        millesime,
    )
    assert nombre > 190
    assert ecart <= 0.05 + 1e-9


@pytest.mark.parametrize("millesime", ["2017", "2018", "2019", "2020"])
def test_population_of_the_base_is_that_of_2013(sql_32: Requete, millesime: str) -> None:
    assert sql_32(
        "select count(*), count(*) filter (a.valeur = b.valeur and a.cle_periode = b.cle_periode) "
        "from vue_observation as a inner join vue_observation as b using (code_territoire) "
        "where a.jeu = ? and a.millesime = ? and a.code_variable = 'POP_MUN' and b.jeu = 'population_qpv'",
        DEMO,
        millesime,
    ) == [(199, 199)]


@pytest.mark.parametrize(("jeu", "millesime", "variable", "bornes"), PERIODES)
def test_period_measured(
    sql_32: Requete, jeu: str, millesime: str, variable: str, bornes: tuple[date | None, date | None]
) -> None:
    (ligne,) = sql_32(
        "select distinct debut, fin, libelle_periode, evidence_periode from vue_observation "
        "where jeu = ? and millesime = ? and code_variable = ?",
        jeu,
        millesime,
        variable,
    )
    assert ligne[:2] == bornes
    inconnue = bornes == INCONNUE
    assert ligne[2].startswith("période non documentée") is inconnue
    assert (ligne[3] == "inconnu") is inconnue


# --- rules that hold everywhere -----------------------------------------------------------------------------


def test_the_keys_cover_every_published_relation(sql_32: Requete) -> None:
    publiees = sql_32("select table_name from information_schema.tables where table_schema = 'main'")
    assert {nom for (nom,) in publiees} == set(CLES)


@pytest.mark.parametrize("relation", sorted(CLES))
def test_no_duplicated_key(sql_32: Requete, relation: str) -> None:
    cle = ", ".join(CLES[relation])
    ((lignes, cles),) = sql_32(
        f"select count(*), (select count(*) from (select distinct {cle} from {relation})) from {relation}"
    )
    assert lignes == cles
    assert (lignes > 0) is (relation not in SANS_LIGNE)


@pytest.mark.parametrize(
    ("relation", "valeur", "motif"),
    [
        ("fct_observation", "valeur", "motif"),
        ("mart_diagnostic_qpv", "valeur", "motif"),
        ("mart_trajectoire", "trajectoire", "motif_non_comparable"),
    ],
)
def test_absence_is_a_value(sql_32: Requete, relation: str, valeur: str, motif: str) -> None:
    """No empty value without a reason and a status that says it is missing; no reason beside a value."""
    assert (
        sql_32(
            f"select o.code_statut, count(*) from {relation} as o "
            "left join dim_statut as s using (code_statut) "
            f"where ({valeur} is null) <> (coalesce(trim({motif}), '') <> '') or s.code_statut is null "
            f"or ({valeur} is null) <> (s.compte_comme_manquant like 'oui%' or s.code_statut = 'NA') "
            "group by all"
        )
        == []
    )
    assert _one(sql_32, f"select count(*) from {relation} where {valeur} is null") > 0


def test_the_diagnostic_holds_every_question_once(sql_32: Requete) -> None:
    questions = "select distinct cle_territoire, code_indicateur, cle_ventilation from"
    # The zones of comparison have observations too, and no diagnostic of their own.
    des_qpv = f"({questions} fct_observation where connu_au is null and cle_territoire like 'qpv:%')"
    assert sql_32(f"{des_qpv} except ({questions} mart_diagnostic_qpv)") == []
    assert sql_32(f"({questions} mart_diagnostic_qpv) except {des_qpv}") == []


# --- from a figure back to the file -------------------------------------------------------------------------


# The dépôt, opened without any code of ours: by line and column, as a person would.


@cache
def _sha256(chemin: Path) -> str:
    return hashlib.sha256(chemin.read_bytes()).hexdigest()


@cache
def _rows(chemin: Path) -> list[list[Any]]:
    """Cells of each physical line of a CSV, or of each row of a sheet, from the first."""
    if chemin.suffix == ".csv":
        lignes = chemin.read_bytes().decode("utf-8-sig").split("\n")
        return [next(csv.reader(io.StringIO(ligne), delimiter=";"), []) for ligne in lignes]
    classeur = CalamineWorkbook.from_path(chemin)
    # The estimations of 2010 begin with their sheet of regions.
    feuille = "Quartiers" if "Quartiers" in classeur.sheet_names else classeur.sheet_names[0]
    return classeur.get_sheet_by_name(feuille).to_python(skip_empty_area=False)


@cache
def _headings(chemin: Path, colonne: int) -> list[str]:
    """Texts above the data in one column."""
    rangs = _rows(chemin)[:12]
    return [str(rang[colonne - 1]).strip() for rang in rangs if len(rang) >= colonne]


def _number(texte: str) -> float:
    return float(texte.replace("\u202f", "").replace("\u00a0", "").replace(",", "."))


def _check_trace(depot: Path, figure: tuple[Any, ...]) -> None:
    code_qpv, valeur, producteur, jeu, millesime, fichier, empreinte, ligne, colonne, numero, texte = figure
    chemin = depot / producteur / jeu / millesime / fichier
    assert _sha256(chemin) == empreinte, figure
    rang = _rows(chemin)[ligne - 1]
    assert code_qpv in rang[:2], figure
    if numero is None:
        # An absent variable: there is no cell to show.
        assert valeur is None, figure
        return
    assert colonne in _headings(chemin, numero), figure
    brut = rang[numero - 1]
    if isinstance(brut, str):
        assert texte == brut, figure
    else:
        assert _number(texte) == brut, figure
    assert (valeur == _number(texte)) if texte.strip() else (valeur is None), figure


def test_every_figure_of_the_diagnostic_leads_to_its_cell(sql_32: Requete, depot_reel: Path) -> None:
    """One query per figure is one row here: file, hash, line and column; then the file opened there."""
    figures = sql_32(
        "select d.code_qpv, d.valeur, t.producteur, t.jeu, t.millesime, t.fichier, t.empreinte_sha256, "
        "t.ligne_source, t.colonne_source, t.colonne_numero, t.valeur_texte_source "
        "from mart_diagnostic_qpv as d left join mart_tracabilite as t using (cle_trace)"
    )
    assert len(figures) == _one(sql_32, "select count(*) from mart_diagnostic_qpv")
    assert len({figure[0] for figure in figures}) == 199
    for figure in figures:
        _check_trace(depot_reel, figure)


@pytest.mark.parametrize("jeu", [IPRO, DEMO, REVN, "population_qpv", "estimations_demographiques_qpv"])
def test_every_observation_leads_to_its_cell(sql_32: Requete, depot_reel: Path, jeu: str) -> None:
    """CSV of both dialects and XLS; an absent variable is absent from the header of its file indeed."""
    observations = sql_32(
        "select code_territoire, valeur, producteur, jeu, millesime, fichier, empreinte_sha256, "
        "ligne_source, colonne_source, colonne_numero, valeur_texte_source, code_variable "
        "from vue_observation where jeu = ?",
        jeu,
    )
    assert observations
    for *figure, variable in observations:
        _check_trace(depot_reel, tuple(figure))
        if figure[9] is None:
            entete = _rows(depot_reel.joinpath(*figure[2:6]))[0]
            assert variable not in {nom.strip() for nom in entete}


def test_every_trajectory_leads_to_its_two_cells(sql_32: Requete) -> None:
    assert (
        sql_32(
            "select t.comparable, count(*) from mart_trajectoire as t "
            "left join mart_tracabilite as debut "
            "on t.cle_trace = debut.cle_trace and debut.role = 'valeur_t0' "
            "left join mart_tracabilite as fin on t.cle_trace = fin.cle_trace and fin.role = 'valeur_t' "
            # Neighbourhoods taken together are traced one by one, through their sum.
            "where t.type_territoire = 'qpv' and (debut.cle_trace is null or fin.cle_trace is null "
            "or debut.valeur is distinct from t.valeur_t0 or fin.valeur is distinct from t.valeur_t "
            "or (t.comparable and t.trajectoire <> fin.valeur - debut.valeur)) group by all"
        )
        == []
    )


def test_raw_files_of_the_release_are_kept(entrepot_32: tuple[Settings, RunReport], sql_32: Requete) -> None:
    """The hash written beside a figure finds the very bytes in the raw store."""
    empreintes = {e for (e,) in sql_32("select distinct empreinte_sha256 from fct_observation")}
    gardees = {
        hashlib.sha256(chemin.read_bytes()).hexdigest()
        for chemin in entrepot_32[0].paths.brut.rglob("*")
        if chemin.is_file()
    }
    assert empreintes <= gardees

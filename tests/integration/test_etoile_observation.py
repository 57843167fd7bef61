"""Observations of every level on the real dépôt: check values of SOURCES 13, and what may not be confused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.depot

Requete = Callable[..., list[Any]]

MEDIANE = "PAU.REVENU_MEDIAN_DISP.FILO.UC"
CHOMAGE = "EMP.TX_CHOMAGE.LOCALISE.ACTIFS"
QPV_2015 = "like 'qpv:QP%'"


def values(sql: Requete, indicateur: str, periode: str, jeu: str, niveau: str) -> dict[str, float]:
    """Values of an indicator by code of territory, for one level."""
    rows = sql(
        "select territoire.code_territoire, observation.valeur from fct_observation as observation "
        "inner join dim_territoire as territoire using (cle_territoire) "
        "where code_indicateur = ? and cle_periode = ? and cle_jeu_source = ? and type_territoire = ? "
        "and cle_ventilation = 'TOTAL' and connu_au is null",
        *(indicateur, periode, jeu, niveau),
    )
    assert len(rows) == len(dict(rows))
    return dict(rows)


@pytest.mark.parametrize(
    ("annee", "metropole", "region", "departements", "mel"),
    [
        ("2017", 21110, 19520, (19100, 19490, 21500, 18610, 19720), 20140),
        ("2018", 21730, 20110, (19690, 20040, 22150, 19200, 20320), 20690),
        ("2019", 21930, 20360, (19880, 20290, 22250, 19560, 20540), 20940),
    ],
)
def test_median_income_of_the_zones(
    sql_32: Requete, annee: str, metropole: int, region: int, departements: tuple[int, ...], mel: int
) -> None:
    def medianes(niveau: str) -> dict[str, float]:
        return values(sql_32, MEDIANE, f"ANNEE:{annee}", f"insee:filosofi:{annee}", niveau)

    assert medianes("france_metropolitaine") == {"france_metropolitaine": metropole}
    assert medianes("region") == {"32": region}
    assert medianes("departement") == dict(zip(("02", "59", "60", "62", "80"), departements, strict=True))
    # The file keeps the former SIREN of the métropole.
    assert medianes("epci")["245900410"] == mel


@pytest.mark.parametrize(("annee", "lille"), [("2018", 19320), ("2019", 19580)])
def test_median_income_of_the_communes_that_hold_a_qpv(sql_32: Requete, annee: str, lille: int) -> None:
    medianes = values(sql_32, MEDIANE, f"ANNEE:{annee}", f"insee:filosofi:{annee}", "commune")
    assert medianes["59350"] == lille
    ((nombre,),) = sql_32("select count(distinct code_commune) from pont_qpv_commune")
    assert 150 < len(medianes) <= nombre


def test_a_base_meets_the_filosofi_of_its_incomes(sql_32: Requete) -> None:
    """Bases Revenus 2019 and 2021 hold the incomes of 2015 and 2017 (SOURCES 1.4)."""
    rows = sql_32(
        "select cle_jeu_source, count(*) from fct_observation where code_indicateur = ? "
        "and cle_periode in ('ANNEE:2015', 'ANNEE:2017') and cle_territoire " + QPV_2015 + " group by 1",
        MEDIANE,
    )
    assert dict(rows) == {"insee:revenus_qpv:2019": 199, "insee:revenus_qpv:2021": 199}


def test_a_blank_of_filosofi_is_not_called_a_secret(sql_32: Requete) -> None:
    """No text says why the deciles of a commune are blank: not disseminated, reason not established."""
    rows = sql_32(
        "select distinct code_statut, valeur is null, motif is null from fct_observation "
        "where cle_jeu_source like 'insee:filosofi:%' order by 1"
    )
    assert rows == [("ND", True, False), ("OK", False, True)]


def test_localised_unemployment(sql_32: Requete) -> None:
    jeu, trimestre = "insee:chomage_localise_departement:2021T4", "TRIM:2021-T4"
    niveaux = ("departement", "region", "france", "france_metropolitaine")
    lus = {niveau: values(sql_32, CHOMAGE, trimestre, jeu, niveau) for niveau in niveaux}
    assert lus["departement"] == {"02": 10.8, "59": 9.4, "60": 7.4, "62": 8.3, "80": 8.5}
    assert lus["region"] == {"32": 8.9}
    # Two rows of the file bear the code 00: each keeps its own figure.
    assert lus["france"] == {"france": 7.4}
    assert lus["france_metropolitaine"] == {"france_metropolitaine": 7.2}

    jeu, trimestre = "insee:chomage_localise_zone_emploi:2023T3", "TRIM:2023-T3"
    zones = values(sql_32, CHOMAGE, trimestre, jeu, "zone_emploi")
    assert len(zones) == 24
    assert {code: zones[code] for code in ("3216", "3217", "3215", "0054", "0058")} == {
        **{"3216": 7.2, "3217": 12.4, "3215": 10.6},
        **{"0054": 7.8, "0058": 6.8},
    }
    parties = values(sql_32, CHOMAGE, trimestre, jeu, "partie_regionale_zone_emploi")
    assert sorted(parties.values()) == [7.6, 7.8]


def test_quarters_are_periods_of_three_months(sql_32: Requete) -> None:
    rows = sql_32(
        "select cle_periode, cast(debut as varchar), cast(fin as varchar), libelle_periode from dim_periode "
        "where cle_periode in ('TRIM:1982-T1', 'TRIM:2023-T3', 'TRIM:2021-T4') order by 1"
    )
    assert rows == [
        ("TRIM:1982-T1", "1982-01-01", "1982-03-31", "1er trimestre 1982"),
        ("TRIM:2021-T4", "2021-10-01", "2021-12-31", "4e trimestre 2021"),
        ("TRIM:2023-T3", "2023-07-01", "2023-09-30", "3e trimestre 2023"),
    ]
    ((mois, premier, dernier),) = sql_32(
        "select libelle_periode, cast(debut as varchar), cast(fin as varchar) from dim_periode "
        "where cle_periode = 'MOIS:2022-02'"
    )
    assert (mois, premier, dernier) == ("février 2022", "2022-02-01", "2022-02-28")


def test_jobseekers_of_the_communes_of_aisne(sql_32: Requete) -> None:
    rows = sql_32(
        "select territoire.code_territoire, valeur, borne_basse, borne_haute, code_statut, cle_periode "
        "from fct_observation inner join dim_territoire as territoire using (cle_territoire) "
        "where code_indicateur = 'DE.NB.DEFM_COMMUNE_T4.ABC'"
    )
    assert len(rows) == 117
    assert sum(row[1] for row in rows) == 6675
    assert {row[4:] for row in rows} == {("OK", "TRIM:2024-T4")}
    par_code = {row[0]: row[1:4] for row in rows}
    assert par_code["02095"] == (785, 782.5, 787.5)
    # A published 0 is a real one, rounded: its interval does not go below.
    assert par_code["02122"] == (0, 0, 2.5)


def test_jobseekers_of_december_and_of_the_fourth_quarter_never_share_a_code(sql_32: Requete) -> None:
    rows = sql_32(
        "select distinct code_indicateur, split_part(cle_periode, ':', 1) from fct_observation "
        "where code_indicateur like 'DE.NB.%' order by 1"
    )
    assert rows == [
        *[(f"DE.NB.DEFM.{categorie}", "INSTANT") for categorie in ("A", "ABC", "ABCDE")],
        ("DE.NB.DEFM_COMMUNE_T4.ABC", "TRIM"),
        ("DE.NB.DEFM_T4.A", "TRIM"),
    ]


def test_precarious_and_limited_contracts_are_two_indicators(sql_32: Requete) -> None:
    """SOURCES 2.1: bases up to 2020 and from 2021, two labels whose continuity nothing documents."""
    rows = sql_32(
        "select code_indicateur, min(substr(cle_jeu_source, length(cle_jeu_source) - 3)), "
        "max(substr(cle_jeu_source, length(cle_jeu_source) - 3)) from fct_observation "
        "where code_variable like '%EDLIM' or lower(code_variable) like '%eprec' group by 1 order by 1"
    )
    assert rows == [
        ("EMP.PART_EMPLOI_DUREE_LIMITEE.RP.EMPLOIS", "2021", "2021"),
        ("EMP.PART_EMPLOI_PRECAIRE.RP.EMPLOIS", "2010", "2020"),
    ]
    ((exclu,),) = sql_32(
        "select non_compare_avec from dim_indicateur "
        "where code_indicateur = 'EMP.PART_EMPLOI_DUREE_LIMITEE.RP.EMPLOIS'"
    )
    assert exclu == "EMP.PART_EMPLOI_PRECAIRE.RP.EMPLOIS"


def test_census_2010_says_the_same_from_two_files(sql_32: Requete) -> None:
    """Employment rates of bases 2017 and 2018 are those of the estimation: the same number twice."""
    ((effectif, somme, differents),) = sql_32(
        "with taux as (select cle_territoire, cle_jeu_source, valeur from fct_observation "
        "where code_indicateur = 'EMP.TX_EMPLOI.RP.15_64' and cle_ventilation = 'TOTAL' "
        "and cle_periode = 'FEN5:2010') "
        "select count(*) filter (cle_jeu_source like '%estimations%'), "
        "sum(valeur) filter (cle_jeu_source like '%estimations%'), "
        "(select count(*) from (select cle_territoire from taux group by 1 "
        "having count(distinct valeur) > 1)) from taux"
    )
    assert (effectif, round(somme, 1), differents) == (199, 8450.4, 0)


def test_what_was_known_before_is_still_there(sql_32: Requete) -> None:
    """The four files of the QPV 2015 give the rows they gave before any other level came."""
    rows = sql_32(
        "select split_part(cle_jeu_source, ':', 2), count(*) from fct_observation where "
        "split_part(cle_jeu_source, ':', 2) in "
        "('insertion_professionnelle', 'demographie_qpv', 'revenus_qpv', 'population_qpv') group by 1"
    )
    assert dict(rows) == {
        "insertion_professionnelle": 64476,
        "demographie_qpv": 28855,
        "revenus_qpv": 16119,
        "population_qpv": 199,
    }


def test_every_level_has_observations(sql_32: Requete) -> None:
    rows = sql_32(
        "select distinct type_territoire from fct_observation "
        "inner join dim_territoire using (cle_territoire)"
    )
    assert {niveau for (niveau,) in rows} == {
        *("qpv", "commune", "epci", "departement", "region", "zone_emploi"),
        *("partie_regionale_zone_emploi", "france", "france_metropolitaine"),
    }


def test_a_vintage_published_on_a_known_day_says_it(sql_32: Requete) -> None:
    rows = sql_32(
        "select distinct cle_jeu_source, cast(publie_le as varchar) from fct_observation "
        "where publie_le is not null"
    )
    assert rows == [("insee:insertion_professionnelle:2018", "2018-11-21")]
    ((incoherents,),) = sql_32("select count(*) from fct_observation where connu_au is not null")
    assert incoherents == 0


def test_a_dataset_says_its_year_its_geography_and_its_periods(sql_32: Requete) -> None:
    rows = sql_32(
        "select jeu, annee_base, millesime_geo, methode_secret from dim_jeu_source where cle_jeu_source in "
        "('insee:chomage_localise_zone_emploi:2023T3', 'insee:epci:2023', 'insee:revenus_qpv:2021') "
        "order by 1"
    )
    assert rows == [
        ("chomage_localise_zone_emploi", 2023, "2020", "aucune"),
        ("epci", 2023, "2023", "aucune"),
        ("revenus_qpv", 2021, None, "masquage"),
    ]
    ((regle,),) = sql_32(
        "select regle_periode from dim_jeu_source where cle_jeu_source = 'insee:revenus_qpv:2021'"
    )
    assert "Revenus et pauvreté : revenus de N-4" in regle

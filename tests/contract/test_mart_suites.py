"""Suites of the published relations: each rule holds on a sound warehouse and fails on a broken one."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.qualite import Controle
from qpv_emploi.qualite.marts import judge_warehouse
from qpv_emploi.qualite.suites import mart_suites
from qpv_emploi.settings import Settings

REGLAGES = Settings()
SUITES = {suite.suite: suite for suite in mart_suites(REGLAGES.expectations_dir)}

# A warehouse of two neighbourhoods: a published count, a withheld one, a trajectory and a refused one.
ENTREPOT = """
create table dim_qpv as select * from (values
  ('qpv:QP991001:2015', 'QP991001', '2015', 'Les Pins', '991'),
  ('qpv:QP02A002:2015', 'QP02A002', '2015', 'Le Port', '2A'),
  ('qpv:QN99101M:2024', 'QN99101M', '2024', 'Les Pins', '991')
) t(cle_territoire, code_qpv, generation, libelle_qpv, code_departement);

create table dim_periode as select * from (values
  ('i16', date '2016-12-31', date '2016-12-31'),
  ('i20', date '2020-12-31', date '2020-12-31'),
  ('inc', null, null)
) t(cle_periode, debut, fin);

create table fct_observation as select * from (values
  ('o1', 100.0, 'OK', null, repeat('a', 64), 2, 3),
  ('o2', 80.0, 'OK', null, repeat('b', 64), 2, 3),
  ('o3', null, 'SECRET', 'cellule retenue', repeat('b', 64), 3, 3)
) t(cle_observation, valeur, code_statut, motif, empreinte_sha256, ligne_source, colonne_numero);

create table mart_diagnostic_qpv as select * from (values
  ('d1', 'qpv:QP991001:2015', 'QP991001', '2015', 'ABC', 'TOTAL', 80.0, 'OK', '31 décembre 2020', 'o2'),
  ('d2', 'qpv:QP02A002:2015', 'QP02A002', '2015', 'ABC', 'TOTAL', 100.0, 'OK', '31 décembre 2016', 'o1'),
  ('d3', 'qpv:QN99101M:2024', 'QN99101M', '2024', 'ABC', 'TOTAL', 80.0, 'OK', '31 décembre 2020', 'o2')
) t(cle_trace, cle_territoire, code_qpv, generation, code_indicateur, cle_ventilation, valeur, code_statut,
    libelle_periode, cle_observation);

create table mart_trajectoire as select * from (values
  ('t1', 'i16', 'i20', 100.0, 80.0, -20.0, true, null),
  ('t2', 'i16', 'i20', 100.0, null, null, false, 'valeur d''arrivée absente (statut SECRET)'),
  ('t3', 'i16', 'inc', 100.0, 80.0, null, false, 'période non documentée')
) t(cle_trace, cle_periode_t0, cle_periode_t, valeur_t0, valeur_t, trajectoire, comparable,
    motif_non_comparable);

create table mart_disponibilite as select * from (values
  ('cv:1', 'ABC', 'j:2021', 2, 2, 1, 1, 0, 0, 50::double),
  ('cv:1', 'TX', 'j:2021', 2, 0, 0, 0, 0, 0, null)
) t(cle_territoire, code_indicateur, cle_jeu_source, nb_qpv, cellules_attendues, cellules_connues,
    cellules_secret, cellules_non_diffusees, cellules_non_collectees, taux_renseignement);

create table mart_tracabilite as
select chiffre.cle_trace, chiffre.role, 'f.csv' as fichier, o.empreinte_sha256, o.ligne_source,
       o.colonne_numero, o.valeur
from (values ('d1', 'valeur', 'o2'), ('d2', 'valeur', 'o1'), ('d3', 'valeur', 'o2'),
             ('t1', 'valeur_t0', 'o1'), ('t1', 'valeur_t', 'o2'),
             ('t2', 'valeur_t0', 'o1'), ('t2', 'valeur_t', 'o3'),
             ('t3', 'valeur_t0', 'o1'), ('t3', 'valeur_t', 'o2')
) chiffre(cle_trace, role, cle_observation)
inner join fct_observation as o on chiffre.cle_observation = o.cle_observation;
"""

Ecart = tuple[str, str]
NON_NUL = "expect_column_values_to_not_be_null"
NUL = "expect_column_values_to_be_null"
UNIQUE = "expect_column_values_to_be_unique"
CLE = "expect_compound_columns_to_be_unique"
ENTRE = "expect_column_values_to_be_between"
LIGNES = "expect_table_row_count_to_be_between"
FORME = "expect_column_values_to_match_regex"
PARMI = "expect_column_values_to_be_in_set"

# Suite -> (damage, controls that must fail and no other). A damage on a table of its own suite only.
DEGATS: dict[str, list[tuple[str, set[Ecart]]]] = {
    "dim_qpv": [
        ("delete from dim_qpv", {(LIGNES, "")}),
        ("insert into dim_qpv select * from dim_qpv limit 1", {(CLE, "code_qpv, generation")}),
        ("update dim_qpv set code_qpv = null where code_departement = '2A'", {(NON_NUL, "code_qpv")}),
        ("update dim_qpv set generation = null where code_departement = '2A'", {(NON_NUL, "generation")}),
        ("update dim_qpv set generation = '2030' where code_departement = '2A'", {(PARMI, "generation")}),
        ("update dim_qpv set code_qpv = 'QP99101' where code_qpv = 'QP991001'", {(FORME, "code_qpv")}),
        ("update dim_qpv set code_qpv = 'QP991001' where generation = '2024'", {(FORME, "code_qpv")}),
        ("update dim_qpv set libelle_qpv = null where code_departement = '2A'", {(NON_NUL, "libelle_qpv")}),
        ("update dim_qpv set code_departement = null", {(NON_NUL, "code_departement")}),
    ],
    "fct_observation": [
        ("delete from fct_observation", {(LIGNES, "")}),
        ("insert into fct_observation select * from fct_observation limit 1", {(UNIQUE, "cle_observation")}),
        (
            "update fct_observation set cle_observation = null where cle_observation = 'o1'",
            {(NON_NUL, "cle_observation")},
        ),
        ("update fct_observation set code_statut = null where valeur = 80", {(NON_NUL, "code_statut")}),
        ("update fct_observation set empreinte_sha256 = null", {(NON_NUL, "empreinte_sha256")}),
        ("update fct_observation set ligne_source = null", {(NON_NUL, "ligne_source")}),
        ("update fct_observation set code_statut = 'INCONNU' where valeur = 80", {(PARMI, "code_statut")}),
        ("update fct_observation set valeur = null where valeur = 80", {(NON_NUL, "valeur")}),
        ("update fct_observation set motif = 'x' where valeur = 80", {(NUL, "motif")}),
        # A withheld cell read as zero: the error that the whole warehouse is built to avoid.
        ("update fct_observation set valeur = 0 where code_statut = 'SECRET'", {(NUL, "valeur")}),
        ("update fct_observation set motif = null", {(NON_NUL, "motif")}),
    ],
    "mart_diagnostic_qpv": [
        (
            "insert into mart_diagnostic_qpv select * replace ('d9' as cle_trace) from mart_diagnostic_qpv "
            "limit 1",
            {(CLE, "code_qpv, generation, code_indicateur, cle_ventilation")},
        ),
        ("update mart_diagnostic_qpv set cle_trace = 'd1'", {(UNIQUE, "cle_trace")}),
        *(
            (
                f"update mart_diagnostic_qpv set {colonne} = null where cle_trace = 'd1'",
                {(NON_NUL, colonne)},
            )
            for colonne in (
                *("cle_trace", "code_qpv", "code_indicateur", "cle_ventilation", "code_statut"),
                "libelle_periode",
            )
        ),
        (
            "update mart_diagnostic_qpv set valeur = null",
            {("expect_column_unique_value_count_to_be_between", "valeur")},
        ),
    ],
    "mart_diagnostic_qpv__quartiers": [
        ("update mart_diagnostic_qpv set valeur = null where cle_trace = 'd2'", {(ENTRE, "valeurs_connues")}),
        ("delete from mart_diagnostic_qpv where cle_trace = 'd2'", {(ENTRE, "valeurs_connues")}),
    ],
    "mart_trajectoire": [
        ("insert into mart_trajectoire select * from mart_trajectoire limit 1", {(UNIQUE, "cle_trace")}),
        (
            "update mart_trajectoire set comparable = false, motif_non_comparable = 'x' "
            "where cle_trace = 't1'",
            {(NUL, "trajectoire")},
        ),
        (
            "update mart_trajectoire set motif_non_comparable = null where cle_trace = 't2'",
            {(NON_NUL, "motif_non_comparable")},
        ),
        ("update mart_trajectoire set trajectoire = null", {(NON_NUL, "trajectoire")}),
        (
            "update mart_trajectoire set motif_non_comparable = 'x' where cle_trace = 't1'",
            {(NUL, "motif_non_comparable")},
        ),
        (
            "update mart_trajectoire set cle_periode_t = 'i16' where cle_trace = 't1'",
            {("expect_column_values_to_not_be_in_set", "fenetres")},
        ),
        (
            "update mart_trajectoire set cle_periode_t = 'inc' where cle_trace = 't1'",
            {("expect_column_values_to_not_be_in_set", "fenetres")},
        ),
        (
            "update mart_trajectoire set trajectoire = 20 where cle_trace = 't1'",
            {("identite:trajectoire_est_un_ecart", "trajectoire = ecart")},
        ),
    ],
    "mart_disponibilite": [
        (
            "insert into mart_disponibilite select * from mart_disponibilite limit 1",
            {(CLE, "cle_territoire, code_indicateur, cle_jeu_source")},
        ),
        ("update mart_disponibilite set taux_renseignement = 100.5", {(ENTRE, "taux_renseignement")}),
        ("update mart_disponibilite set taux_renseignement = -1", {(ENTRE, "taux_renseignement")}),
        ("update mart_disponibilite set nb_qpv = 0", {(ENTRE, "nb_qpv")}),
        (
            "update mart_disponibilite set cellules_secret = 2 where code_indicateur = 'ABC'",
            {
                (
                    "identite:cellules_attendues",
                    "cellules_attendues ≥ cellules_connues + cellules_secret + cellules_non_diffusees"
                    " + cellules_non_collectees",
                )
            },
        ),
    ],
    "mart_tracabilite": [
        (
            "delete from mart_tracabilite where cle_trace = 'd1'",
            {("expect_column_pair_values_to_be_equal", "traces, traces_attendues")},
        ),
        (
            "delete from mart_tracabilite where cle_trace = 't2' and role = 'valeur_t'",
            {("expect_column_pair_values_to_be_equal", "traces, traces_attendues")},
        ),
        *(
            (
                f"update mart_tracabilite set {colonne} = {valeur} where cle_trace = 'd2'",
                {(ENTRE, "traces_incompletes")},
            )
            for colonne, valeur in (
                ("fichier", "''"),
                ("fichier", "null"),
                ("empreinte_sha256", "'abc'"),
                ("ligne_source", "null"),
                ("colonne_numero", "null"),
            )
        ),
        (
            "update mart_tracabilite set valeur = 81 where cle_trace = 'd1'",
            {("identite:valeur_tracee", "valeur = valeur_tracee")},
        ),
        (
            "update mart_tracabilite set valeur = 81 where cle_trace = 't1' and role = 'valeur_t'",
            {("identite:valeur_tracee", "valeur = valeur_tracee")},
        ),
    ],
}


@pytest.fixture
def entrepot() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connexion:
        connexion.execute(ENTREPOT)
        yield connexion


@pytest.fixture
def dossier(tmp_path: Path) -> Path:
    (tmp_path / "marts").mkdir()
    return tmp_path


def _only(suite: str, dossier: Path) -> Path:
    shutil.copy(REGLAGES.expectations_dir / "marts" / f"{suite}.yml", dossier / "marts")
    return dossier


def _short(controle: Controle, suite: str) -> Ecart:
    return controle.nom, controle.colonne.removeprefix(SUITES[suite].relation).removeprefix(".")


def test_each_suite_has_its_damages() -> None:
    assert set(DEGATS) == set(SUITES)


def test_a_sound_warehouse_passes(entrepot: duckdb.DuckDBPyConnection) -> None:
    controles = judge_warehouse(entrepot, REGLAGES.expectations_dir)
    assert [c.ligne() for c in controles if c.reussi is not True] == []


@pytest.mark.parametrize("suite", sorted(DEGATS))
def test_every_rule_fails_on_bad_data(suite: str, entrepot: duckdb.DuckDBPyConnection, dossier: Path) -> None:
    """Each damage makes exactly its controls fail, and no control is left that nothing makes fail."""
    _only(suite, dossier)
    vus: set[int] = set()
    for sql, attendus in DEGATS[suite]:
        entrepot.execute("begin")
        entrepot.execute(sql)
        controles = judge_warehouse(entrepot, dossier)
        entrepot.execute("rollback")
        echecs = {rang: controle for rang, controle in enumerate(controles) if controle.reussi is not True}
        assert {_short(c, suite) for c in echecs.values()} == attendus, sql
        assert len(echecs) == len(attendus), sql
        assert all(c.est_bloquant for c in echecs.values()) or suite == "mart_diagnostic_qpv__quartiers", sql
        vus |= set(echecs)
    jamais = [c.ligne() for rang, c in enumerate(controles) if rang not in vus]
    assert jamais == []


def test_a_neighbourhood_without_figure_is_a_warning_that_names_it(
    entrepot: duckdb.DuckDBPyConnection, dossier: Path
) -> None:
    entrepot.execute("delete from mart_diagnostic_qpv where code_qpv = 'QP02A002'")
    (controle,) = judge_warehouse(entrepot, _only("mart_diagnostic_qpv__quartiers", dossier))
    assert controle.est_avertissement
    assert "QP02A002" in controle.exemples[0]


@pytest.mark.parametrize("suite", ["mart_trajectoire", "mart_tracabilite", "mart_disponibilite"])
def test_a_first_vintage_has_no_trajectory_and_passes(
    suite: str, entrepot: duckdb.DuckDBPyConnection, dossier: Path
) -> None:
    entrepot.execute("delete from mart_trajectoire")
    entrepot.execute("delete from mart_tracabilite where cle_trace like 't%'")
    controles = judge_warehouse(entrepot, _only(suite, dossier))
    assert [c.ligne() for c in controles if c.reussi is not True] == []


def test_statuses_of_the_suite_are_those_of_the_seed() -> None:
    """Every status falls under the rule of published values or under the rule of missing ones."""
    with (REGLAGES.dbt_dir / "seeds" / "statut.csv").open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    publies = {ligne["code"] for ligne in lignes if ligne["compte_comme_manquant"] == "non"} - {"NA"}
    manquants = {ligne["code"] for ligne in lignes if ligne["compte_comme_manquant"].startswith("oui")}
    attentes = SUITES["fct_observation"].attentes
    (parmi,) = (a for a in attentes if a.type == PARMI)
    assert set(parmi.arguments["value_set"]) == {ligne["code"] for ligne in lignes}
    filtres = {
        (a.type, a.colonnes.noms[0]): set(a.si.motif.split("|")) for a in attentes if a.si and a.colonnes
    }
    assert filtres[NON_NUL, "valeur"] == filtres[NUL, "motif"] == publies
    assert filtres[NUL, "valeur"] == manquants | {"NA"}
    assert filtres[NON_NUL, "motif"] == {ligne["code"] for ligne in lignes} - publies

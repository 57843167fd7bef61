"""Gate 2 on a tiny warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite import Controle
from qpv_emploi.qualite.marts import judge_warehouse

SUITE = """
suite: mart_essai
description: essai
relation: mart_essai
cle: [code_zone, periode]
identites:
  - {nom: par_sexe, total: total, parties: [femmes, hommes]}
attentes:
  - type: expect_column_values_to_be_between
    colonnes: {noms: [taux]}
    arguments: {min_value: 0, max_value: 100}
    severite: critical
    note: part en %
  - type: expect_compound_columns_to_be_unique
    arguments: {column_list: [code_zone, periode]}
    severite: critical
    note: grain du mart
  - type: expect_table_row_count_to_be_between
    arguments: {min_value: 2}
    severite: warning
    note: jamais vide
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connexion:
        connexion.execute(
            "create table mart_essai as select * from (values"
            " ('QP059001', date '2020-12-31', 44.4::decimal(9,1), 10, 4, 6),"
            " ('QP059002', date '2020-12-31', null, 12, null, 6))"
            " t(code_zone, periode, taux, total, femmes, hommes)"
        )
        yield connexion


def _judge(connection: duckdb.DuckDBPyConnection, dossier: Path, suite: str = SUITE) -> dict[str, Controle]:
    (dossier / "marts").mkdir(exist_ok=True)
    (dossier / "marts" / "mart_essai.yml").write_text(suite, encoding="utf-8")
    return {c.nom: c for c in judge_warehouse(connection, dossier)}


def test_a_good_warehouse_passes(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    controles = _judge(connection, tmp_path)
    assert len(controles) == 4
    assert {c.reussi for c in controles.values()} == {True}


@pytest.mark.parametrize(
    ("sql", "nom", "exemple"),
    [
        (
            "update mart_essai set taux = 130 where code_zone = 'QP059002'",
            "expect_column_values_to_be_between",
            "taux : 130",
        ),
        ("update mart_essai set femmes = 5", "identite:par_sexe", "total = femmes + hommes : écart -1"),
        (
            "insert into mart_essai select * from mart_essai",
            "expect_compound_columns_to_be_unique",
            "code_zone = « QP059001 »",
        ),
    ],
)
def test_a_broken_contract_is_named_with_its_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str, nom: str, exemple: str
) -> None:
    connection.execute(sql)
    controle = _judge(connection, tmp_path)[nom]
    assert controle.est_bloquant
    assert controle.colonne.startswith("mart_essai.")
    assert any(exemple in e for e in controle.exemples)
    assert controle.exemples[0].startswith("code_zone = « QP05900")


def test_an_expectation_on_the_table_says_what_it_observed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.execute("delete from mart_essai where taux is null")
    controle = _judge(connection, tmp_path)["expect_table_row_count_to_be_between"]
    assert controle.est_avertissement
    assert "observé : 1" in controle.message


def test_a_missing_relation_or_column_fails(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute("alter table mart_essai drop column femmes")
    controles = _judge(connection, tmp_path)
    assert controles["identite:par_sexe"].est_bloquant
    assert "femmes absente(s)" in controles["identite:par_sexe"].message
    connection.execute("drop table mart_essai")
    (controle,) = _judge(connection, tmp_path).values()
    assert controle.est_bloquant
    assert "mart_essai n'existe pas dans l'entrepôt construit" in controle.message


def test_a_pattern_that_no_published_column_matches_fails(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    suite = SUITE.replace("{noms: [taux]}", "{motif: '^part_'}")
    assert _judge(connection, tmp_path, suite)["expect_column_values_to_be_between"].est_bloquant


def test_a_query_narrows_what_is_judged(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute("update mart_essai set taux = 130 where code_zone = 'QP059002'")
    suite = SUITE + "requete: select * from mart_essai where code_zone = 'QP059001'\n"
    controles = _judge(connection, tmp_path, suite)
    assert controles["expect_column_values_to_be_between"].reussi is True
    assert controles["expect_table_row_count_to_be_between"].reussi is False


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        (SUITE + "requete: select nulle_part from mart_essai\n", "requête refusée par DuckDB"),
        (SUITE.replace("cle: [code_zone,", "cle: [code_qpv,"), "la clé nomme code_qpv"),
        (SUITE.replace("relation: mart_essai", "relation: 'a; drop table b'"), "relation"),
    ],
)
def test_a_faulty_suite_is_an_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, suite: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        _judge(connection, tmp_path, suite)


def test_no_suite_means_no_control(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert judge_warehouse(connection, tmp_path) == ()

"""A release in PostgreSQL: the same rows, switched at once, read by a role that can do nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import errors
from tests.diffusion import HOSTILE, write_release
from tests.postgres import PostgresServer
from typer.testing import CliRunner

from qpv_emploi import cli
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.publication.postgres import PostgresReport, publish_to_postgres
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.enable_socket]

FIRST, SECOND, THIRD = "20250102T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb", "20270102T000000Z-cccccccc"
SEVEN = ["update fct_observation set valeur = 7 where cle_observation = 'o1'"]
# A key said twice: PostgreSQL refuses it in the middle of the load.
TWICE = ["insert into mart_essai select * from mart_essai where cle_ligne = 'l00'"]
# Not null only for the dictionary, which the base does not check.
HOLE = ["insert into dim_jeu_source (cle_jeu_source) values ('c:d:e')"]


def ask(dsn: str, query: str, *values: object) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query, values or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def load(
    dsn: str, folder: Path, identifiant: str, changes: Sequence[str] = (), **given: Any
) -> PostgresReport:
    release = folder / identifiant
    if not release.exists():
        write_release(folder, identifiant=identifiant, changes=changes)
    return publish_to_postgres(release, dsn, **given)


def served(dsn: str, schema: str = "qpv") -> str:
    ((version,),) = ask(dsn, f"select version from {schema}.version_publiee")
    return str(version)


def test_the_rows_are_those_of_the_release(base_postgres: str, tmp_path: Path) -> None:
    told: list[str] = []
    made = load(
        base_postgres,
        tmp_path,
        FIRST,
        progress=lambda label, done, total: told.append(f"{label} {done}/{total}"),
    )
    assert (made.identifiant, made.schema, made.role, made.est_nouvelle) == (
        FIRST,
        "qpv",
        "qpv_lecture",
        True,
    )
    assert told[-1] == f"vue_essai {len(made.comptes)}/{len(made.comptes)}"
    with duckdb.connect(str(tmp_path / FIRST / "entrepot.duckdb"), read_only=True) as source:
        for name in ("mart_essai", "fct_observation", "dim_perimetre", "dim_statut", "vue_essai"):
            columns = [
                column
                for (column,) in ask(
                    base_postgres,
                    "select column_name from information_schema.columns where table_schema = 'qpv' "
                    "and table_name = %s and column_name <> 'est_fictif' order by ordinal_position",
                    name,
                )
            ]
            shown = ", ".join(columns)
            expected = source.execute(f"select {shown} from {name}").fetchall()
            # Same values, same types of Python, and in the order of the release.
            assert ask(base_postgres, f"select {shown} from qpv.{name}") == expected, name
            assert made.comptes[name] == len(expected) > 0
    texts = {text for (text,) in ask(base_postgres, "select texte from qpv.mart_essai")}
    assert {*HOSTILE, None} == texts


def test_a_text_that_looks_like_a_null_stays_a_text(base_postgres: str, tmp_path: Path) -> None:
    strange = [r"update mart_essai set texte = '\N' where cle_ligne = 'l00'",
               r"update mart_essai set texte = '\.' where cle_ligne = 'l01'"]  # fmt: skip
    load(base_postgres, tmp_path, FIRST, strange)
    rows = ask(
        base_postgres, "select texte from qpv.mart_essai where cle_ligne in ('l00', 'l01') order by cle_ligne"
    )
    assert rows == [(r"\N",), (r"\.",)]


def test_types_are_faithful(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    rows = ask(
        base_postgres,
        "select column_name, data_type, is_nullable from information_schema.columns "
        "where table_schema = 'qpv' and table_name in ('mart_essai', 'dim_perimetre')",
    )
    types = {name: (kind, nullable == "YES") for name, kind, nullable in rows}
    assert types["valeur"] == ("double precision", True)
    assert types["nb_lignes"] == ("integer", True)
    assert types["est_vrai"] == ("boolean", True)
    assert types["vu_le"] == ("date", True)
    assert types["code_departement"] == ("text", False)
    assert types["geometrie_wkb"] == ("bytea", False)
    assert types["est_fictif"] == ("boolean", False)


def test_only_what_is_marked_leaves(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    rows = ask(
        base_postgres,
        "select table_name, column_name from information_schema.columns where table_schema = 'qpv'",
    )
    tables = {table for table, _ in rows}
    assert {"mart_essai", "vue_essai", "version_publiee"} <= tables
    assert not tables & {"mart_interne", "mart_non_declare", "noeud"}
    assert "note_interne" not in {column for _, column in rows}


def test_tables_and_columns_are_described(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    ((schema,),) = ask(base_postgres, "select obj_description('qpv'::regnamespace, 'pg_namespace')")
    assert FIRST in schema
    assert ask(base_postgres, "select obj_description('qpv.mart_essai'::regclass)") == [
        ("Table mart_essai.",)
    ]
    silent = ask(
        base_postgres,
        "select c.relname, a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid "
        "where c.relnamespace = 'qpv'::regnamespace and c.relkind = 'r' and a.attnum > 0 "
        "and coalesce(col_description(c.oid, a.attnum), '') = ''",
    )
    assert silent == []


def test_keys_and_indexes(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    definitions = {
        definition.split(" ON ")[1]
        for (definition,) in ask(base_postgres, "select indexdef from pg_indexes where schemaname = 'qpv'")
    }
    assert "qpv.mart_essai USING btree (cle_ligne)" in definitions
    assert "qpv.fct_observation USING btree (cle_territoire)" in definitions
    primary = ask(
        base_postgres,
        "select count(*) from pg_constraint where connamespace = 'qpv'::regnamespace and contype = 'p'",
    )
    assert primary[0][0] >= 5


def test_a_second_time_changes_nothing(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    state = (
        "select xmin::text, oid, relname from pg_class where relnamespace = 'qpv'::regnamespace order by oid"
    )
    before = ask(base_postgres, state)
    again = load(base_postgres, tmp_path, FIRST)
    assert not again.est_nouvelle
    assert again.comptes == {}
    assert ask(base_postgres, state) == before
    assert load(base_postgres, tmp_path, FIRST, force=True).est_nouvelle
    assert ask(base_postgres, state) != before


def test_the_replaced_release_stays_one_more_time(base_postgres: str, tmp_path: Path) -> None:
    value = "select valeur from {}.fct_observation where cle_observation = 'o1'"
    load(base_postgres, tmp_path, FIRST)
    load(base_postgres, tmp_path, SECOND, SEVEN)
    assert (served(base_postgres), served(base_postgres, "qpv_precedent")) == (SECOND, FIRST)
    assert ask(base_postgres, value.format("qpv")) == [(7.0,)]
    assert ask(base_postgres, value.format("qpv_precedent")) == [(10.0,)]
    load(base_postgres, tmp_path, THIRD)
    assert (served(base_postgres), served(base_postgres, "qpv_precedent")) == (THIRD, SECOND)
    schemas = ask(
        base_postgres, "select nspname from pg_namespace where nspname like 'qpv%' order by nspname"
    )
    assert schemas == [("qpv",), ("qpv_precedent",)]


@pytest.mark.parametrize("fault", [TWICE, HOLE])
def test_a_failure_leaves_the_served_release(base_postgres: str, tmp_path: Path, fault: list[str]) -> None:
    load(base_postgres, tmp_path, FIRST)
    load(base_postgres, tmp_path, SECOND, SEVEN)
    if fault is HOLE:
        # The table of the release lets a null through, its dictionary does not.
        fault = ["create or replace table dim_jeu_source as select * from dim_jeu_source", *HOLE]
    with pytest.raises(
        QPVError, match=r"PostgreSQL \(127\.0\.0\.1/essai_.*le schéma qpv n'a pas changé"
    ) as seen:
        load(base_postgres, tmp_path, THIRD, fault)
    assert "\n" not in str(seen.value)
    assert (served(base_postgres), served(base_postgres, "qpv_precedent")) == (SECOND, FIRST)
    schemas = ask(base_postgres, "select count(*) from pg_namespace where nspname like 'qpv%'")
    assert schemas == [(2,)]


def test_a_reader_is_neither_stopped_nor_shown_half_a_release(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    with psycopg.connect(base_postgres) as reader:
        reader.execute("set transaction isolation level repeatable read")
        assert reader.execute("select count(*) from qpv.dim_statut").fetchall() == [(3,)]
        load(base_postgres, tmp_path, SECOND, SEVEN)
        # The transaction that began before still reads what it was reading.
        assert reader.execute("select count(*) from qpv_precedent.fct_observation").fetchall()
    assert served(base_postgres) == SECOND


def test_the_reading_role_reads_and_does_nothing_else(
    base_postgres: str, serveur_postgres: PostgresServer, tmp_path: Path
) -> None:
    load(base_postgres, tmp_path, FIRST)
    load(base_postgres, tmp_path, SECOND)
    ask(base_postgres, "drop role if exists lectrice")
    ask(base_postgres, "create role lectrice login password 'essai' in role qpv_lecture")
    name = dict(part.split("=") for part in base_postgres.split())["dbname"]
    reader = serveur_postgres.dsn(name, "lectrice", "essai")
    assert ask(reader, "select count(*) from qpv.dim_statut") == [(3,)]
    assert ask(reader, "select count(*) from qpv_precedent.dim_statut") == [(3,)]
    for forbidden in (
        "delete from qpv.dim_statut",
        "insert into qpv.version_publiee values ('x', '32', false, '', '')",
        "create table qpv.a_moi (i integer)",
        "drop table qpv.dim_statut",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            ask(reader, forbidden)


def test_without_the_right_to_create_the_role_it_says_what_to_do(
    base_postgres: str, serveur_postgres: PostgresServer, tmp_path: Path
) -> None:
    name = dict(part.split("=") for part in base_postgres.split())["dbname"]
    ask(base_postgres, "drop role if exists chargeur")
    ask(base_postgres, "create role chargeur login password 'essai'")
    ask(base_postgres, f"grant create on database {name} to chargeur")
    with pytest.raises(QPVError, match="par un administrateur : create role autre_lecture nologin"):
        load(serveur_postgres.dsn(name, "chargeur", "essai"), tmp_path, FIRST, schema="autre")
    assert ask(base_postgres, "select 1 from pg_namespace where nspname like 'autre%'") == []


def test_a_view_of_somebody_is_named_before_it_is_lost(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    ask(base_postgres, "create schema bi")
    ask(base_postgres, "create view bi.v as select cle_ligne from qpv.mart_essai")
    assert load(base_postgres, tmp_path, SECOND).vues_anciennes == ("bi.v",)
    with pytest.raises(QPVError, match=r"des vues le lisent encore : bi\.v"):
        load(base_postgres, tmp_path, THIRD)
    assert served(base_postgres) == SECOND
    ask(base_postgres, "create or replace view bi.v as select cle_ligne from qpv.mart_essai")
    assert load(base_postgres, tmp_path, THIRD).vues_anciennes == ("bi.v",)


@pytest.mark.parametrize("schema", ["qpv", "qpv_precedent"])
def test_a_schema_of_somebody_else_is_left_alone(base_postgres: str, tmp_path: Path, schema: str) -> None:
    ask(base_postgres, f"create schema {schema}")
    ask(base_postgres, f"create table {schema}.a_eux (i integer)")
    with pytest.raises(QPVError, match=f"le schéma {schema} existe et ne vient pas de `qpv publish`"):
        load(base_postgres, tmp_path, FIRST)
    assert ask(base_postgres, f"select count(*) from {schema}.a_eux") == [(0,)]


def test_fictional_and_real_data_never_take_each_other_s_place(base_postgres: str, tmp_path: Path) -> None:
    load(base_postgres, tmp_path, FIRST)
    invented = write_release(tmp_path, identifiant=SECOND, region="99", est_fictif=True)
    with pytest.raises(QPVError, match="sert des données réelles : il ne recevra pas de données fictives"):
        publish_to_postgres(invented, base_postgres)
    assert served(base_postgres) == FIRST
    publish_to_postgres(invented, base_postgres, schema="essai")
    ((said,),) = ask(base_postgres, "select obj_description('essai'::regnamespace, 'pg_namespace')")
    assert said.startswith("DONNÉES FICTIVES")
    assert ask(base_postgres, "select distinct est_fictif from essai.mart_essai") == [(True,)]


def test_no_message_shows_the_password(base_postgres: str, tmp_path: Path) -> None:
    write_release(tmp_path, identifiant=FIRST)
    for dsn in (
        "host=127.0.0.1 port=1 user=u password=tressecret",
        "postgresql://u:tressecret@[::1",
        "tressecret",
    ):
        with pytest.raises(QPVError) as seen:
            publish_to_postgres(tmp_path / FIRST, dsn)
        assert "tressecret" not in str(seen.value)
    assert "tressecret" not in repr(Settings(postgres="password=tressecret"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["QPV", "a b", "x;drop", "", "é", "pg catalog"])
def test_the_name_of_a_schema_is_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="nom de schéma refusé"):
        publish_to_postgres(tmp_path, "host=127.0.0.1", schema=name)


def test_a_type_without_equivalent_is_refused(base_postgres: str, tmp_path: Path) -> None:
    odd = ["alter table mart_essai alter texte type varchar[] using [texte]"]
    with pytest.raises(QPVError, match=r"mart_essai\.texte : type VARCHAR\[\] sans équivalent"):
        load(base_postgres, tmp_path, FIRST, odd)
    assert ask(base_postgres, "select 1 from pg_namespace where nspname like 'qpv%'") == []


def test_command(base_postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QPV_DATA_DIR", "QPV_DEPOT", "QPV_REGION", "QPV_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(data_dir=tmp_path / "data")
    write_release(settings.paths.versions, identifiant=FIRST)
    switch(settings.paths, settings.paths.versions / FIRST)
    # What is at stake here is not the files.
    monkeypatch.setattr("qpv_emploi.diffusion.publish_all", lambda *a, **k: _made(settings))
    order = ["publish", "--data-dir", str(settings.data_dir)]
    alone = CliRunner().invoke(cli.app, order)
    assert alone.exit_code == 0, alone.output
    assert "PostgreSQL" not in alone.output
    run = CliRunner().invoke(cli.app, [*order, "--postgres", base_postgres, "--schema", "emploi"])
    assert run.exit_code == 0, run.output
    assert "PostgreSQL, schéma emploi, lecture par le rôle emploi_lecture" in run.output
    assert served(base_postgres, "emploi") == FIRST
    monkeypatch.setenv("QPV_POSTGRES", base_postgres)
    monkeypatch.setenv("QPV_POSTGRES_SCHEMA", "emploi")
    assert "déjà là" in CliRunner().invoke(cli.app, order).output
    monkeypatch.setenv("QPV_POSTGRES", "host=127.0.0.1 port=1 password=tressecret")
    down = CliRunner().invoke(cli.app, order)
    assert down.exit_code == 1
    assert "tressecret" not in down.output


def _made(settings: Settings) -> Any:
    from qpv_emploi.publication.tout import Publication

    return Publication(FIRST, settings.paths.publications / FIRST, True)

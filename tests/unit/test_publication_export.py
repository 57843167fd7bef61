"""Files of a release: the database keeps its documentation, the CSV suits the French Excel, bytes repeat."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.publication import published_relations, write_release_files

# Offset and value of the storage version in a DuckDB file: 64 is what 0.9 to 1.1 write, and all 1.x read.
VERSION_AT, VERSION = 12, 64


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("travail") / "entrepot.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in (
            "create table dim_qpv (code_qpv varchar not null, departement varchar, taux double, "
            "part decimal(6, 2), habitants integer, ouvert_le date, note varchar)",
            "insert into dim_qpv values ('QP002001', '02', 12.5, 3.25, 1508, date '2015-01-01', "
            "'a;b \"c\"'), ('QP02A001', '2A', null, null, null, null, null), "
            "('QP059001', '59', -0.5, 100.00, 0, date '2016-06-30', 'é')",
            "comment on table dim_qpv is 'Un quartier par ligne.'",
            "comment on column dim_qpv.code_qpv is 'Code du quartier : QP + 6 signes.'",
            "create table mart_tracabilite as select code_qpv, i as ligne from dim_qpv, range(3) t(i)",
            "create view vue_observation as "
            "select code_qpv, taux from entrepot.main.dim_qpv where taux is not null",
            "comment on view vue_observation is 'Les taux connus.'",
            "create schema audit",
            "create table audit.noeud as select 'dim_qpv' as nom",
            "create schema intermediate",
            "create table intermediate.int_qpv as select * from dim_qpv",
            "create schema bronze",
            "create view bronze.base as select * from intermediate.int_qpv",
        ):
            connection.execute(statement)
    return path


@pytest.fixture(scope="module")
def release(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("version")
    counts = write_release_files(source, folder)
    assert counts == {"dim_qpv": 3, "mart_tracabilite": 9, "vue_observation": 2}
    return folder


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_published_layers_only(release: Path) -> None:
    query = "select distinct schema_name from duckdb_tables() order by 1"
    assert ask(release / "entrepot.duckdb", query) == [("audit",), ("main",)]


def test_the_source_is_left_as_it_was(source: Path, release: Path) -> None:
    schemas = "select distinct schema_name from duckdb_tables() order by 1"
    assert ask(source, schemas) == [("audit",), ("intermediate",), ("main",)]
    assert ask(source, "select count(*) from bronze.base") == [(3,)]
    assert [path.name for path in source.parent.iterdir()] == ["entrepot.duckdb"]


def test_comments_and_constraints_survive(release: Path) -> None:
    path = release / "entrepot.duckdb"
    assert ask(path, "select comment from duckdb_tables() where table_name = 'dim_qpv'") == [
        ("Un quartier par ligne.",)
    ]
    columns = (
        "select comment, is_nullable from duckdb_columns() where column_name = 'code_qpv' and table_name"
    )
    assert ask(path, f"{columns} = 'dim_qpv'") == [("Code du quartier : QP + 6 signes.", False)]
    assert ask(path, "select comment from duckdb_views() where view_name = 'vue_observation'") == [
        ("Les taux connus.",)
    ]


def test_views_answer_wherever_the_file_lies(release: Path, tmp_path: Path) -> None:
    moved = tmp_path / "entrepot.duckdb"
    moved.write_bytes((release / "entrepot.duckdb").read_bytes())
    assert ask(moved, "select code_qpv from vue_observation order by 1") == [("QP002001",), ("QP059001",)]


def test_every_1x_client_reads_the_file(release: Path) -> None:
    header = (release / "entrepot.duckdb").read_bytes()[:24]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[VERSION_AT : VERSION_AT + 8], "little") == VERSION


def test_relations_are_those_of_main(source: Path) -> None:
    with duckdb.connect(str(source), read_only=True) as connection:
        assert published_relations(connection) == ["dim_qpv", "mart_tracabilite", "vue_observation"]


def test_files_of_a_release(release: Path) -> None:
    # A view only repeats the tables; the trace is too long for a spreadsheet.
    assert sorted(path.name for path in (release / "parquet").iterdir()) == [
        "dim_qpv.parquet",
        "mart_tracabilite.parquet",
    ]
    assert [path.name for path in (release / "csv").iterdir()] == ["dim_qpv.csv"]


def test_csv_for_the_french_excel(release: Path) -> None:
    octets = (release / "csv" / "dim_qpv.csv").read_bytes()
    assert octets.startswith(b"\xef\xbb\xbfcode_qpv;departement;")
    rows = list(csv.reader(io.StringIO(octets.decode("utf-8-sig")), delimiter=";"))
    assert rows[1:] == [
        ["QP002001", "02", "12,5", "3,25", "1508", "2015-01-01", 'a;b "c"'],
        ["QP02A001", "2A", "", "", "", "", ""],
        ["QP059001", "59", "-0,5", "100,00", "0", "2016-06-30", "é"],
    ]


def test_parquet_keeps_types(release: Path) -> None:
    path = release / "parquet" / "dim_qpv.parquet"
    described = duckdb.sql(f"describe select * from read_parquet('{path}')").fetchall()
    assert [(name, kind) for name, kind, *_ in described][:4] == [
        ("code_qpv", "VARCHAR"),
        ("departement", "VARCHAR"),
        ("taux", "DOUBLE"),
        ("part", "DECIMAL(6,2)"),
    ]


def test_the_same_database_gives_the_same_bytes(source: Path, release: Path, tmp_path: Path) -> None:
    write_release_files(source, tmp_path)
    for first in [*(release / "parquet").iterdir(), *(release / "csv").iterdir()]:
        assert first.read_bytes() == (tmp_path / first.parent.name / first.name).read_bytes(), first.name


def test_a_folder_with_an_apostrophe(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "l'entrepôt"
    folder.mkdir()
    assert write_release_files(source, folder)["dim_qpv"] == 3
    assert (folder / "parquet" / "dim_qpv.parquet").is_file()

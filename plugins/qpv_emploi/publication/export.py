"""Files of a release: compact database, Parquet and CSV of each published relation.

The same database gives byte-identical Parquet and CSV: rows are ordered, one thread writes, nothing of the
clock enters.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from qpv_emploi.publication.tableaux import FRENCH_EXCEL, write_csv, write_parquet

DATABASE = "entrepot.duckdb"

# Format of the database file: the oldest that DuckDB 1.x clients all read.
STORAGE_VERSION = "v1.0.0"

# As text the trace of every figure weighs more than all the rest, and nobody reads it in a spreadsheet.
NOT_IN_CSV = {"mart_tracabilite"}


def published_relations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the tables and views of schema ``main``, sorted."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'main' "
        "and table_catalog = current_database() order by table_name"
    ).fetchall()
    return [name for (name,) in rows]


def write_release_files(source: Path, folder: Path) -> dict[str, int]:
    """Write ``entrepot.duckdb``, ``parquet/`` and ``csv/`` below ``folder``.

    Args:
        source: work database, left as it is; its layers other than ``main`` and ``audit`` stay behind.
        folder: release directory being prepared.

    Returns:
        Rows per published relation.
    """
    _copy_database(source, folder / DATABASE)
    parquet, csv = folder / "parquet", folder / "csv"
    parquet.mkdir()
    csv.mkdir()
    counts = {}
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        connection.execute("set threads = 1")
        for name in published_relations(connection):
            counts[name] = _count(connection, name)
            if name.startswith("vue_"):
                # A view only repeats what the tables say.
                continue
            write_parquet(connection, name, parquet / f"{name}.parquet", {})
            columns = _columns(connection, name)
            # Outlines are binary: they leave as GeoJSON and GeoParquet.
            if name not in NOT_IN_CSV and not any(kind == "BLOB" for _, kind in columns):
                write_csv(connection, name, columns, csv / f"{name}.csv", FRENCH_EXCEL)
    return counts


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from {name}").fetchall()
    return int(count)


def _copy_database(source: Path, target: Path) -> None:
    """Copy the published layers into a fresh file, without the free blocks that the build left.

    The catalogue keeps the name ``entrepot`` on both sides: views hold it. The layers are dropped from a
    draft, so that a publication that was killed can start again from the same candidate.
    """
    with duckdb.connect(str(source)) as connection:
        connection.execute("checkpoint")
    draft = source.parent / "brouillon" / DATABASE
    draft.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, draft)
    with duckdb.connect(str(draft)) as connection:
        for schema in _other_schemas(connection):
            connection.execute(f"drop schema {schema} cascade")
        connection.execute(f"attach '{_quoted(target)}' as cible (storage_version '{STORAGE_VERSION}')")
        connection.execute("copy from database entrepot to cible")
        connection.execute("detach cible")
    shutil.rmtree(draft.parent)


def _other_schemas(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select schema_name from information_schema.schemata where catalog_name = current_database() "
        "and schema_name not in ('main', 'audit', 'information_schema', 'pg_catalog') order by schema_name"
    ).fetchall()
    return [name for (name,) in rows]


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_name = ? and table_schema = 'main' and table_catalog = current_database() "
        "order by ordinal_position",
        [name],
    ).fetchall()
    return [(column, kind) for column, kind in rows]

"""Files of a release: compact database, Parquet and CSV of each published relation.

The same database gives byte-identical Parquet and CSV: rows are ordered, one thread writes, nothing of the
clock enters.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

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
            connection.execute(
                f"copy {name} to '{_quoted(parquet / name)}.parquet' (format parquet, compression zstd)"
            )
            if name not in NOT_IN_CSV:
                _copy_csv(connection, name, csv / f"{name}.csv")
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


def _copy_csv(connection: duckdb.DuckDBPyConnection, name: str, target: Path) -> None:
    """CSV for the French Excel: BOM, semicolon, decimal comma."""
    columns = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_name = ? and table_schema = 'main' and table_catalog = current_database() "
        "order by ordinal_position",
        [name],
    ).fetchall()
    projection = ", ".join(
        f"replace(cast({column} as varchar), '.', ',') as {column}"
        if data_type in ("DOUBLE", "FLOAT") or data_type.startswith("DECIMAL")
        else column
        for column, data_type in columns
    )
    body = target.with_suffix(".corps")
    connection.execute(
        f"copy (select {projection} from {name}) to '{_quoted(body)}' "
        "(format csv, delimiter ';', header true)"
    )
    with target.open("wb") as stream, body.open("rb") as content:
        stream.write(b"\xef\xbb\xbf")
        while chunk := content.read(1 << 20):
            stream.write(chunk)
    body.unlink()

"""Tables as text files: CSV for the French Excel, CSV for machines, and Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from qpv_emploi.publication.cellules import neutralised_sql

_NUMBERS = ("DOUBLE", "FLOAT")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written. Text is UTF-8, lines end with LF, quotes are doubled.

    Attributes:
        separateur: between cells.
        decimale: between the units and the tenths.
        avec_bom: begins with a byte order mark, without which Excel takes UTF-8 for Latin-1.
        vrai, faux: the two booleans.
    """

    separateur: str
    decimale: str
    avec_bom: bool
    vrai: str
    faux: str


FRENCH_EXCEL = Dialect(separateur=";", decimale=",", avec_bom=True, vrai="oui", faux="non")
MACHINE = Dialect(separateur=",", decimale=".", avec_bom=False, vrai="true", faux="false")


def write_csv(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str]],
    target: Path,
    dialect: Dialect,
) -> None:
    """Write a table, in the order of its rows. Null is an empty cell; an empty text is ``""``.

    Args:
        connection: single-threaded, or the order of rows is lost.
        name: table.
        columns: (name, DuckDB type) of the columns to write; no binary one.
        target: file to create.
    """
    projection = ", ".join(f"{_cell(column, kind, dialect)} as {column}" for column, kind in columns)
    body = target.with_suffix(".corps")
    connection.execute(
        f"copy (select {projection} from {name}) to {_literal(body)} "
        f"(format csv, delimiter '{dialect.separateur}', header true)"
    )
    if not dialect.avec_bom:
        body.rename(target)
        return
    with target.open("wb") as stream, body.open("rb") as content:
        stream.write(_BOM)
        while chunk := content.read(1 << 20):
            stream.write(chunk)
    body.unlink()


def write_parquet(
    connection: duckdb.DuckDBPyConnection, name: str, target: Path, facts: Mapping[str, str]
) -> None:
    """Write a table as Parquet, compressed with zstd.

    Args:
        facts: key-value metadata of the file: release, region, description…
    """
    metadata = ", ".join(f"{key}: {_literal(value)}" for key, value in sorted(facts.items()))
    metadata = f", kv_metadata {{{metadata}}}" if facts else ""
    connection.execute(f"copy {name} to {_literal(target)} (format parquet, compression zstd{metadata})")


def _cell(column: str, kind: str, dialect: Dialect) -> str:
    if kind in _NUMBERS or kind.startswith("DECIMAL"):
        text = f"cast({column} as varchar)"
        return text if dialect.decimale == "." else f"replace({text}, '.', '{dialect.decimale}')"
    if kind == "BOOLEAN":
        return f"case when {column} then '{dialect.vrai}' when not {column} then '{dialect.faux}' end"
    if kind == "VARCHAR":
        return neutralised_sql(column)
    return column


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"

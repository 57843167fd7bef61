"""From the files of a publication back to the rows of the mart."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from qpv_emploi.publication.cellules import restored

Row = tuple[Any, ...]


def read_csv_rows(path: Path, types: Sequence[str], *, excel: bool) -> list[Row]:
    """Typed rows of a CSV: the mark of the neutralised texts removed, an empty cell read as null.

    Args:
        types: DuckDB types of the columns.
        excel: the dialect of the French Excel, else that of machines.
    """
    with path.open(encoding="utf-8-sig" if excel else "utf-8", newline="") as stream:
        _, *rows = csv.reader(stream, delimiter=";" if excel else ",")
    return [tuple(_typed(cell, kind, excel) for cell, kind in zip(row, types, strict=True)) for row in rows]


def _typed(cell: str, kind: str, excel: bool) -> Any:
    if cell == "":
        return None
    if kind == "DOUBLE":
        return float(cell.replace(",", ".") if excel else cell)
    if kind in ("INTEGER", "BIGINT"):
        return int(cell)
    if kind == "BOOLEAN":
        return {"oui": True, "non": False}[cell] if excel else {"true": True, "false": False}[cell]
    if kind == "DATE":
        return date.fromisoformat(cell)
    return restored(cell)


def read_sheet(path: Path, sheet: str, *, header: int = 1) -> tuple[list[str], list[Row], Worksheet]:
    """Names, rows and sheet of a workbook, read without formulas being computed. ``header`` is 1-based."""
    page = openpyxl.load_workbook(path)[sheet]
    lines = list(page.iter_rows(min_row=header, values_only=True))
    names = [str(name) for name in lines[0]]
    return names, [tuple(_plain(value) for value in line) for line in lines[1:]], page


def _plain(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value

"""Saving a statistical base again, as a person or a producer would."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

_THIN_SPACE = "\u202f"
Row = dict[str, str]


def table(octets: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a base in either dialect, without the unnamed columns at the end."""
    rows = list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline=""), delimiter=";"))
    width = sum(1 for name in rows[0] if name)
    return rows[0][:width], [row[:width] for row in rows[1:]]


def native(octets: bytes) -> bytes:
    """The same base in INSEE's native dialect: no mark, no thin space, texts quoted, last line ended."""
    header, rows = table(octets)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([[cell.replace(_THIN_SPACE, "") for cell in row] for row in rows])
    return stream.getvalue().encode()


def edited(octets: bytes, code: str, change: Callable[[Row], Row]) -> bytes:
    """The base with one row changed; the rest keeps its bytes."""
    lines = octets.decode().split("\r\n")
    header = lines[0].lstrip("\ufeff").split(";")
    (rank,) = [i for i, line in enumerate(lines) if line.startswith(f"{code};")]
    cells = lines[rank].split(";")
    before = dict(zip(header, cells, strict=False))
    after = change(dict(before))
    for position, name in enumerate(header):
        if name and after[name] != before[name]:
            cells[position] = after[name]
    lines[rank] = ";".join(cells)
    return "\r\n".join(lines).encode()

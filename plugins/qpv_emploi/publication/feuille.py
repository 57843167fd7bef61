"""The sheet of data of a workbook, written a row at a time.

XlsxWriter keeps every cell as an object, or every text in full where it stands; a mart has millions of cells
and few distinct texts. Here the rows are made as XML beside the workbook, texts shared, then put in their
place when the workbook is closed: five times faster. What surrounds them (header, widths, filters, styles) is
XlsxWriter's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

# Day 0 of the calendar of spreadsheets, as it counts after February 1900.
_DAY_ZERO = date(1899, 12, 30)

# XML of a cell, from the 1-based number of its row, its value and the status of its row.
Cell = Callable[[int, Any, str | None], str]
# Style of a cell, from the status of its row and whether its text could start a formula.
TextLook = Callable[[str | None, bool], Format]
Look = Callable[[str | None], Format | None]


class DataSheet(Worksheet):
    """A sheet whose rows below the header come from a file of XML.

    The two methods that it replaces are internal to XlsxWriter, hence the bound on its version; workbooks are
    opened by openpyxl and by LibreOffice in the tests.
    """

    body: Path | None = None
    last_cell: str = ""

    def _write_rows(self) -> None:
        super()._write_rows()
        if self.body is not None:
            with self.body.open(encoding="utf-8", newline="") as stream:
                while chunk := stream.read(1 << 20):
                    self.fh.write(chunk)

    def _write_dimension(self) -> None:
        if self.last_cell:
            self._xml_empty_tag("dimension", [("ref", f"A1:{self.last_cell}")])
        else:
            super()._write_dimension()

    def write_body(
        self, body: Path, first: int, cells: Sequence[Cell], rows: Iterable[tuple[str | None, Sequence[Any]]]
    ) -> None:
        """Write the rows into ``body``, which must stay there until the workbook is closed.

        Args:
            first: 1-based number of the first row.
            cells: one per column.
            rows: (status, values) of each row.
        """
        number = first - 1
        with body.open("w", encoding="utf-8", newline="") as stream:
            for number, (code, values) in enumerate(rows, first):
                _write_row(stream, number, code, cells, values)
        self.body = body
        self.last_cell = f"{xl_col_to_name(len(cells) - 1)}{number}"

    def text(self, place: int, look: TextLook, prepare: Callable[[str], tuple[str, bool]]) -> Cell:
        """Text cells of a column, by reference to the texts that the workbook shares.

        Args:
            prepare: from a text, the one that the cell holds and whether it could start a formula.
        """
        letter = xl_col_to_name(place)
        known: dict[tuple[str, str | None], str] = {}

        def cell(row: int, value: Any, code: str | None) -> str:
            if value is None:
                return ""
            end = known.get((value, code))
            if end is None:
                held, risky = prepare(value)
                style = _style(look(code, risky))
                # An empty text is a cell without value.
                end = (
                    f'" s="{style}" t="s"><v>{self.str_table._get_shared_string_index(held)}</v></c>'
                    if held
                    else f'" s="{style}"/>'
                )
                known[value, code] = end
            return f'<c r="{letter}{row}{end}'

        return cell

    def number(self, place: int, look: Callable[[str | None, float], Format], blank: Look) -> Cell:
        """Number cells of a column, stored exactly.

        Args:
            look: style of a number, from the status of its row.
            blank: style of the cell of a missing number, None for no cell at all.
        """
        letter = xl_col_to_name(place)

        def cell(row: int, value: Any, code: str | None) -> str:
            if value is None:
                empty = blank(code)
                return "" if empty is None else f'<c r="{letter}{row}" s="{_style(empty)}"/>'
            return f'<c r="{letter}{row}" s="{_style(look(code, value))}"><v>{value!r}</v></c>'

        return cell

    def day(self, place: int, look: Format) -> Cell:
        """Day cells of a column."""
        letter, style = xl_col_to_name(place), _style(look)

        def cell(row: int, value: Any, code: str | None) -> str:
            if value is None:
                return ""
            return f'<c r="{letter}{row}" s="{style}"><v>{(value - _DAY_ZERO).days}</v></c>'

        return cell

    def boolean(self, place: int) -> Cell:
        """Boolean cells of a column."""
        letter = xl_col_to_name(place)

        def cell(row: int, value: Any, code: str | None) -> str:
            return "" if value is None else f'<c r="{letter}{row}" t="b"><v>{int(value)}</v></c>'

        return cell


def _write_row(
    stream: TextIO, number: int, code: str | None, cells: Sequence[Cell], values: Sequence[Any]
) -> None:
    made = "".join([cell(number, value, code) for cell, value in zip(cells, values, strict=True)])
    stream.write(f'<row r="{number}">{made}</row>')


def _style(look: Format) -> int:
    index: int = look._get_xf_index()
    return index

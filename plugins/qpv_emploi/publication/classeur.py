"""Workbooks: one per mart, with its data, its dictionary, its sources and how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from qpv_emploi.publication.cellules import neutralised
from qpv_emploi.publication.contexte import PUBLISHER, SOURCE_COLUMNS, Context, sources_of
from qpv_emploi.publication.feuille import Cell, DataSheet
from qpv_emploi.publication.version import BANNER, Column, Relation

README, DATA, DICTIONARY, SOURCES = "Lisez-moi", "Données", "Dictionnaire", "Sources"

# What a sheet can hold; the header and the fictional banner take two rows.
MAX_ROWS = 1_048_576 - 2
TEXT_LIMIT = 32_767
CUT = " […] texte coupé à la limite d'une cellule ; entier dans le CSV"

STATUS = "code_statut"
# Added beside the code, so that no one has to know the codes: it is not a column of the mart.
STATUS_SAID = "statut_en_clair"

_BATCH = 5_000
_WIDTH = (9, 48)
# Keys and digests are there to join, not to be read.
_KEY_WIDTH = 18
_KEYS = ("cle_", "empreinte_")
_COUNT, _DECIMAL, _DAY, _TEXT, _NUMBER = "#,##0", "#,##0.0##", "dd/mm/yyyy", "@", "0"
_FLOATS, _INTEGERS = ("DOUBLE", "FLOAT"), ("INTEGER", "BIGINT", "HUGEINT", "SMALLINT")
_LINE_HEIGHT = 15.0

# How a status looks, beside what it says: a fill, and for estimates italics. Dark text on light fills.
_LOOKS: dict[str, dict[str, Any]] = {
    "REV": {"bg_color": "#E3F1E0"},
    "PROV": {"bg_color": "#FFF6CC"},
    "PERT": {"bg_color": "#DCEBFA"},
    "EST": {"bg_color": "#EFE4F7", "italic": True},
    "CLASSE": {"bg_color": "#FBE5D0"},
    "NS": {"bg_color": "#E6E6E6"},
    "ND": {"bg_color": "#DADADA"},
    "SECRET": {"bg_color": "#C9C9C9"},
    "NC": {"bg_color": "#D5CFC6"},
    "NA": {"bg_color": "#F2F2F2", "font_color": "#555555"},
}
_MISSING = ("NS", "ND", "SECRET", "NC", "NA")


class _Styles:
    """Formats of one workbook, made when first used."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def get(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._workbook.add_format(properties)
        return self._made[key]

    @property
    def header(self) -> Format:
        return self.get(bold=True, bg_color="#1F3A5F", font_color="#FFFFFF", text_wrap=True, valign="top")

    @property
    def banner(self) -> Format:
        return self.get(bold=True, font_color="#B00020", font_size=13)

    @property
    def wrapped(self) -> Format:
        return self.get(text_wrap=True, valign="top")


def has_workbook(relation: Relation, rows: int) -> bool:
    """Whether a relation is given as a workbook: the marts that a spreadsheet can hold."""
    return relation.nom.startswith("mart_") and not relation.est_vue and rows <= MAX_ROWS


def write_workbook(
    connection: duckdb.DuckDBPyConnection, context: Context, relation: Relation, target: Path
) -> None:
    """Write one relation as a workbook. The same release gives the same bytes.

    Numbers are stored exactly and shown with at most three decimals; codes and every other text are text
    cells, so that ``02`` stays ``02`` and a text that begins like a formula stays a text.

    Args:
        connection: the published database, single-threaded.
        context: facts of the release.
        relation: a relation for which :func:`has_workbook` holds.
        target: file to create.
    """
    body = target.with_suffix(".corps")
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(target.parent),
    }
    try:
        _write(connection, context, relation, target, body, options)
    finally:
        body.unlink(missing_ok=True)


def _write(
    connection: duckdb.DuckDBPyConnection,
    context: Context,
    relation: Relation,
    target: Path,
    body: Path,
    options: dict[str, object],
) -> None:
    with xlsxwriter.Workbook(str(target), options) as workbook:
        release = context.release
        workbook.set_properties(
            {
                "title": relation.nom,
                "subject": context.titre,
                "author": PUBLISHER,
                "comments": f"Version {release.identifiant}" + (f". {BANNER}" if release.est_fictif else ""),
                "created": datetime.fromisoformat(release.publie_le).replace(tzinfo=None),
            }
        )
        styles = _Styles(workbook)
        sources = sources_of(connection, context, relation)
        _readme(_sheet(workbook, styles, context, README), styles, context, relation)
        _data(_sheet(workbook, styles, context, DATA), styles, connection, context, relation, body)
        _dictionary(_sheet(workbook, styles, context, DICTIONARY), styles, context, relation)
        _sources(_sheet(workbook, styles, context, SOURCES), styles, context, sources)


def _sheet(workbook: xlsxwriter.Workbook, styles: _Styles, context: Context, name: str) -> DataSheet:
    """A sheet that prints well and, for a fictional release, says so on its first row and on each page."""
    sheet: DataSheet = workbook.add_worksheet(name, worksheet_class=DataSheet)
    sheet.set_landscape()
    sheet.set_paper(9)
    if name != DATA:
        # Forty columns on the width of a page could not be read.
        sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{context.release.identifiant}&C&A&R&P / &N")
    if context.release.est_fictif:
        sheet.set_tab_color("#B00020")
        sheet.set_header(f"&C{BANNER}")
        sheet.write_string(0, 0, BANNER, styles.banner)
    return sheet


def _top(context: Context) -> int:
    """First row below the banner."""
    return 1 if context.release.est_fictif else 0


def _readme(sheet: Worksheet, styles: _Styles, context: Context, relation: Relation) -> None:
    release = context.release
    widths = (26, 110)
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    bold, wrapped = styles.get(bold=True, valign="top"), styles.wrapped
    lines: list[tuple[str, str]] = [
        ("Table", relation.nom),
        ("Ce qu'elle dit", relation.description),
        ("Une ligne", relation.grain),
        ("Lignes", f"{context.comptes[relation.nom]:,}".replace(",", "\u202f")),
        ("Région", context.libelle_region),
        ("Version", f"{release.identifiant}, publiée le {release.jour}"),
        ("Feuilles", f"« {DATA} », « {DICTIONARY} » (le sens de chaque colonne), « {SOURCES} » (licences)"),
        (
            "Valeurs absentes",
            "Une cellule vide n'est jamais un zéro : le statut dit pourquoi la valeur manque, par son code, "
            "en clair et par la couleur des cellules.",
        ),
        (
            "Nombres",
            "Enregistrés avec toutes leurs décimales, affichés avec trois au plus ; pourcentages de 0 à 100.",
        ),
        ("Codes", "Du texte : « 02 » n'est pas 2. Ne pas les convertir en nombres."),
        (
            "Lecture",
            "Un taux ne se moyenne pas. Deux générations de quartiers sont des territoires différents. Un "
            "écart se lit avec son comparateur et sa période ; il ne dit pas une cause. L'ordre des lignes "
            "n'est pas un palmarès.",
        ),
        ("Licences", f"Celle de chaque source, feuille « {SOURCES} »."),
    ]
    if relation.column(STATUS):
        lines.append(("Colonne ajoutée", f"« {STATUS_SAID} » : libellé du statut, absent de la table."))
    row = _top(context)
    sheet.write_string(row, 0, context.titre, styles.get(bold=True, font_size=14))
    row += 2
    for label, text in lines:
        sheet.set_row(row, _height([(text, widths[1])]))
        sheet.write_string(row, 0, label, bold)
        sheet.write_string(row, 1, _fitting(text), wrapped)
        row += 1
    if relation.column(STATUS):
        row += 1
        sheet.write_string(row, 0, "Statuts", bold)
        for status in context.statuts.values():
            row += 1
            said = f"{status.libelle} : {status.definition}"
            sheet.set_row(row, _height([(said, widths[1])]))
            sheet.write_string(row, 0, status.code, styles.get(**_LOOKS.get(status.code, {})))
            sheet.write_string(row, 1, said, wrapped)


def _data(
    sheet: DataSheet,
    styles: _Styles,
    connection: duckdb.DuckDBPyConnection,
    context: Context,
    relation: Relation,
    body: Path,
) -> None:
    shown = _shown(relation)
    header = _top(context)
    rows = context.comptes[relation.nom]
    for place, (name, width) in enumerate(zip(shown, _widths(connection, relation, shown), strict=True)):
        column = relation.column(name)
        is_text = column is None or column.type == "VARCHAR"
        sheet.set_column(place, place, width, styles.get(num_format=_TEXT) if is_text else None)
    sheet.set_row(header, 32)
    for place, name in enumerate(shown):
        sheet.write_string(header, place, name, styles.header)
    sheet.freeze_panes(header + 1, _frozen(relation))
    sheet.autofilter(header, 0, header + max(rows, 1), len(shown) - 1)
    sheet.repeat_rows(header)
    cells = [_cell(sheet, styles, place, relation.column(name)) for place, name in enumerate(shown)]
    if rows:
        sheet.write_body(body, header + 2, cells, _rows(connection, context, relation))


def _rows(
    connection: duckdb.DuckDBPyConnection, context: Context, relation: Relation
) -> Iterator[tuple[str | None, tuple[Any, ...]]]:
    """Status and values of each row, with the label of the status beside its code."""
    names = [column.nom for column in relation.colonnes]
    at = names.index(STATUS) if STATUS in names else None
    cursor = connection.execute(f"select {', '.join(names)} from {relation.nom}")
    while batch := cursor.fetchmany(_BATCH):
        for values in batch:
            if at is None:
                yield None, values
            else:
                status = context.statuts.get(values[at])
                said = status.libelle if status else None
                yield values[at], (*values[: at + 1], said, *values[at + 1 :])


def _shown(relation: Relation) -> list[str]:
    """Columns of the sheet, in order: those of the mart, the label of the status beside its code."""
    names: list[str] = []
    for column in relation.colonnes:
        names.append(column.nom)
        if column.nom == STATUS:
            names.append(STATUS_SAID)
    return names


def _frozen(relation: Relation) -> int:
    """Columns that stay in sight: the technical key and the code it begins with."""
    return 2 if len(relation.colonnes) > 4 else 0


def _widths(connection: duckdb.DuckDBPyConnection, relation: Relation, shown: Sequence[str]) -> list[int]:
    texts = [c.nom for c in relation.colonnes if c.type == "VARCHAR"]
    longest: dict[str, int] = {}
    if texts:
        measured = ", ".join(f"coalesce(max(length({name})), 0)" for name in texts)
        ((*lengths,),) = connection.execute(f"select {measured} from {relation.nom}").fetchall()
        longest = dict(zip(texts, lengths, strict=True))
    low, high = _WIDTH
    # Two more for the arrow of the filter.
    return [
        max(
            low,
            min(
                _KEY_WIDTH if name.startswith(_KEYS) else high, max(longest.get(name, 12) + 1, len(name) + 2)
            ),
        )
        for name in shown
    ]


def _cell(sheet: DataSheet, styles: _Styles, place: int, column: Column | None) -> Cell:
    """How the cells of a column are written: by the type of the column, and the status of the row.

    The status of a missing value colours the empty cells, and not the figures that the row does hold; that of
    a reserve (perturbed, estimated…) colours the figures. ``None`` is the label of the status.
    """
    cache: dict[tuple[str | None, str, bool], Format] = {}

    def look(code: str | None, num_format: str, risky: bool = False) -> Format:
        key = (code, num_format, risky)
        if key not in cache:
            # A cell marked as text stays one when a person edits it.
            more = {"quote_prefix": True} if risky else {}
            cache[key] = styles.get(num_format=num_format, **_LOOKS.get(code or "", {}), **more)
        return cache[key]

    if column is None or column.nom == STATUS:
        return sheet.text(place, lambda code, risky: look(code, _TEXT, risky), _prepared)
    if column.type in _FLOATS or column.type.startswith("DECIMAL"):
        return sheet.number(
            place,
            lambda code, value: look(
                None if code in _MISSING else code, _COUNT if value == int(value) else _DECIMAL
            ),
            lambda code: look(code, _COUNT) if code in _MISSING else None,
        )
    if column.type in _INTEGERS:
        whole = look(None, _COUNT if column.nom.startswith("nb_") else _NUMBER)
        return sheet.number(place, lambda code, value: whole, lambda code: None)
    if column.type == "BOOLEAN":
        return sheet.boolean(place)
    if column.type == "DATE":
        return sheet.day(place, look(None, _DAY))
    return sheet.text(place, lambda code, risky: look(None, _TEXT, risky), _prepared)


def _prepared(value: Any) -> tuple[str, bool]:
    """What a text cell holds, and whether a spreadsheet could take it for a formula."""
    text = str(value)
    return _fitting(text), neutralised(text) != text


def _table(
    sheet: Worksheet,
    styles: _Styles,
    top: int,
    columns: Sequence[tuple[str, int]],
    rows: Iterable[Sequence[object]],
) -> None:
    """A small table of wrapped text, header frozen. Columns are (name, width)."""
    for place, (name, width) in enumerate(columns):
        sheet.set_column(place, place, width)
        sheet.write_string(top, place, name, styles.header)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(top)
    for row, values in enumerate(rows, top + 1):
        texts = [_said(value) for value in values]
        sheet.set_row(row, _height([(text, width) for text, (_, width) in zip(texts, columns, strict=True)]))
        for place, text in enumerate(texts):
            if not text:
                continue
            risky = {"quote_prefix": True} if neutralised(text) != text else {}
            sheet.write_string(
                row,
                place,
                _fitting(text),
                styles.get(text_wrap=True, valign="top", num_format=_TEXT, **risky),
            )


def _dictionary(sheet: Worksheet, styles: _Styles, context: Context, relation: Relation) -> None:
    rows = []
    for column in relation.colonnes:
        rows.append(
            [
                column.nom,
                column.type.lower(),
                column.description,
                column.est_obligatoire,
                ", ".join(column.valeurs),
                ".".join(column.reference) if column.reference else "",
            ]
        )
        if column.nom == STATUS:
            added = "Libellé du statut (`dim_statut`) : ajouté à ce classeur, absent de la table."
            rows.append([STATUS_SAID, "varchar", added, False, "", ""])
    columns = (
        ("colonne", 30),
        ("type", 12),
        ("description", 90),
        ("obligatoire", 12),
        ("valeurs", 40),
        ("référence", 34),
    )
    _table(sheet, styles, _top(context), columns, rows)


def _sources(sheet: Worksheet, styles: _Styles, context: Context, sources: Sequence[Any]) -> None:
    widths = {"titre": 50, "licence": 44, "page": 40, "fichiers": 36, "empreinte_sha256": 40}
    widths |= {"avertissement": 60}
    columns = [(name, widths.get(name, 16)) for name in SOURCE_COLUMNS]
    rows = [[source[name] for name in SOURCE_COLUMNS] for source in sources]
    _table(sheet, styles, _top(context), columns, rows)


def _height(cells: Iterable[tuple[str, int]]) -> float:
    """Height of a row of wrapped texts, each with the width of its column: not every reader computes it."""
    lines = max((-(-len(text) // max(1, width - 2)) for text, width in cells), default=1)
    return _LINE_HEIGHT * min(20, max(1, lines))


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return "" if value is None else str(value)


def _fitting(text: str) -> str:
    """The text, cut with a mention when a cell cannot hold it; in a cell, a line ends with LF alone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - len(CUT)] + CUT

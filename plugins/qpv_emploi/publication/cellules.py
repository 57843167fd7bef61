"""Text cells that a spreadsheet could take for a formula: made harmless, and read back as they were."""

from __future__ import annotations

# First signs that a spreadsheet may run as a formula, full-width forms included, and our own mark, so that
# reading back is exact.
DANGEROUS = "=+-@\t\r\n＝＋－＠'"

# What a spreadsheet may trim before it looks at the first sign.
BLANKS = " \u00a0\u202f"

# What a person sees in a spreadsheet: the text as it is, its apostrophe hidden or shown, never computed.
MARK = "'"


def neutralised(text: str) -> str:
    """The text, behind an apostrophe when its first sign could start a formula."""
    return MARK + text if text.lstrip(BLANKS).startswith(tuple(DANGEROUS)) else text


def restored(text: str) -> str:
    """The text that :func:`neutralised` was given."""
    return text[1:] if text.startswith(MARK) else text


def neutralised_sql(column: str) -> str:
    """The same rule as an expression of DuckDB; null stays null."""
    signs = DANGEROUS.replace("'", "''")
    first = f"left(ltrim({column}, '{BLANKS}'), 1)"
    return (
        f"case when {first} <> '' and contains('{signs}', {first}) then '{MARK * 2}' || {column} "
        f"else {column} end"
    )

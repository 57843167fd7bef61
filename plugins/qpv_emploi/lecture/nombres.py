"""Numbers as French and English files write them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

# U+202F is what Excel in French writes, U+00A0 what it wrote before, U+2009 the typographer's choice.
_GROUPING = " \u00a0\u202f\u2009"
_MINUS = "\u2212"


def _pattern(decimale: str) -> str:
    chiffres = f"([0-9]+|[0-9]{{1,3}}([{_GROUPING}][0-9]{{3}})+)"
    return f"^[-+{_MINUS}]?{chiffres}([{decimale}][0-9]+)?$"


def parse_numbers(textes: pa.Array, decimale: Literal[",", "."]) -> pa.Array:
    """Parse texts as decimal numbers.

    Thousands may be grouped by three with U+202F, U+00A0, U+2009 or a space. The other decimal mark is not
    accepted: ``1.234`` in a file that declares the comma is a doubt, not a number.

    Args:
        textes: strings, nulls allowed.
        decimale: decimal mark of the file.

    Returns:
        float64 of the same length; null for a null, a blank, and anything that is not a finite number.
    """
    # Counts and rates repeat a lot: each distinct text is parsed once.
    codes = pc.dictionary_encode(textes)
    distincts = pc.utf8_trim_whitespace(codes.dictionary)
    lisible = pc.match_substring_regex(distincts, _pattern(decimale))
    propres = pc.replace_substring_regex(distincts, f"[{_GROUPING}+]", "")
    propres = pc.replace_substring(pc.replace_substring(propres, decimale, "."), _MINUS, "-")
    nombres = pc.cast(pc.if_else(lisible, propres, pa.scalar(None, pa.string())), pa.float64())
    nombres = pc.if_else(pc.is_finite(nombres), nombres, pa.scalar(None, pa.float64()))
    return pc.take(nombres, codes.indices)


def parse_number(texte: str | None, decimale: Literal[",", "."] = ",") -> float | None:
    """Parse one text; see ``parse_numbers``."""
    valeur = parse_numbers(pa.array([texte], pa.string()), decimale)[0].as_py()
    return None if valeur is None else float(valeur)


def number_text(nombre: float, decimale: Literal[",", "."] = ".") -> str:
    """Text of a number that its file holds as a number: ``42`` for 42.0, never an exponent.

    Raises:
        ValueError: infinity or not-a-number.
    """
    if isinstance(nombre, int):
        return str(nombre)
    if not math.isfinite(nombre):
        raise ValueError(f"{nombre} n'a pas d'écriture décimale")
    if nombre == int(nombre):
        return str(int(nombre))
    return format(Decimal(repr(nombre)), "f").replace(".", decimale)

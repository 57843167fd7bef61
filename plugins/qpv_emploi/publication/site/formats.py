"""Numbers, days and words as a French reader expects them; each function is a filter of the templates."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from qpv_emploi.publication.site.documents import document, qualificatif

# Narrow no-break space between thousands and before a sign.
FINE = "\u202f"
MOINS = "\u2212"
RIEN = "–"

_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def nombre(value: float | None, decimales: int | None = None, signe: bool = False) -> str:
    """``1234.5`` → ``1 234,5``.

    Args:
        decimales: digits kept; None: one under a thousand when the number is not whole, none above.
        signe: with a plus sign when positive.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return RIEN
    if decimales is None:
        decimales = 0 if float(value).is_integer() or abs(value) >= 1000 else 1
    text = f"{abs(value):,.{decimales}f}"
    zero = not text.strip("0.,")
    sign = "" if zero else MOINS if value < 0 else "+" if signe else ""
    return sign + text.replace(",", FINE).replace(".", ",")


_UNITS = {"pourcent": "%", "euros": "€", "euros_par_an": "€ par an", "rapport": "", "nombre_moyen": ""}


def unite(code: str | None) -> str:
    """A unit as it is printed: ``pourcent`` → ``%``."""
    return _UNITS.get(code or "", (code or "").replace("_", " "))


def valeur(
    value: float | None, code_unite: str | None = None, decimales: int | None = None, signe: bool = False
) -> str:
    """A number and its unit: ``12,5 %``, ``1 234 €``, ``58 personnes``.

    Args:
        code_unite: unit as the warehouse writes it (``pourcent``, ``euros``, ``personnes``…).
        decimales: digits kept, None for those usual for the unit.
        signe: with a plus sign when positive.
    """
    if value is None:
        return RIEN
    if decimales is None:
        decimales = {"pourcent": 1, "points": 1, "rapport": 2, "euros": 0}.get(code_unite or "")
    text = nombre(value, decimales, signe)
    word = unite(code_unite)
    return f"{text}{FINE if word[:1] in ('%', '€') else chr(160)}{word}" if word else text


def ecart(value: float | None, code_unite: str | None = "points") -> str:
    """A gap, always with its sign: in points between two shares, else in the unit of both."""
    return valeur(value, "points" if code_unite == "pourcent" else code_unite, signe=True)


def rapport(value: float | None) -> str:
    """A ratio, with two decimals."""
    return nombre(value, 2)


def jour(value: date | str | None) -> str:
    """``2024-01-01`` → ``1er janvier 2024``; any other text as it is."""
    if value is None:
        return RIEN
    if isinstance(value, str):
        try:
            return jour(datetime.fromisoformat(value.replace("Z", "+00:00")))
        except ValueError:
            return value
    first = "1er" if value.day == 1 else str(value.day)
    return f"{first} {_MONTHS[value.month - 1]} {value.year}"


def jour_court(value: date | None) -> str:
    """``2024-01-01`` → ``01/01/2024``."""
    return RIEN if value is None else f"{value.day:02d}/{value.month:02d}/{value.year}"


def oui_non(value: bool | None) -> str:
    """A boolean in words; unknown is said."""
    return "inconnu" if value is None else "oui" if value else "non"


def octets(value: int) -> str:
    """A size: ``12,3 Mo``."""
    for limit, word in ((1 << 30, "Go"), (1 << 20, "Mo"), (1 << 10, "ko")):
        if value >= limit:
            return f"{nombre(value / limit, 1)}{chr(160)}{word}"
    return f"{value}{chr(160)}octets"


def pluriel(count: int, singulier: str, au_pluriel: str | None = None) -> str:
    """``2 quartiers``: the count with its noun."""
    word = singulier if abs(count) < 2 else au_pluriel or singulier + "s"
    return f"{nombre(count)}{chr(160)}{word}"


def capitaliser(text: str) -> str:
    """The first letter in capital, the rest as it is; no full stop at the end."""
    text = text.rstrip(". ").replace("non_additif", "non additif")
    return text[:1].upper() + text[1:]


_SYLLABLE = re.compile(r"(?<=[a-zà-ÿ]{2})(?<=[aeiouyà-ÿ])(?=[bcdfgjklmnpqrstvxz][aeiouyà-ÿ][a-zà-ÿ])")
_LONG_WORD = re.compile(r"[A-Za-zÀ-ÿ]{9,}")


def cesure(text: str) -> str:
    """Soft hyphens in long words, for the narrow headings of a table: no browser cuts French without them."""
    return _LONG_WORD.sub(lambda word: _SYLLABLE.sub("\u00ad", word.group()), text)


FILTERS = {
    "document": document,
    "qualificatif": qualificatif,
    "cesure": cesure,
    "capitaliser": capitaliser,
    "nombre": nombre,
    "valeur": valeur,
    "ecart": ecart,
    "unite": unite,
    "rapport": rapport,
    "jour": jour,
    "jour_court": jour_court,
    "oui_non": oui_non,
    "octets": octets,
    "pluriel": pluriel,
}

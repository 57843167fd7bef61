"""What a received file is, from its first bytes: a name, an extension or a MIME type may lie.

The perimeters of the QPV 2024 on data.gouv.fr are titled « format geojson » and became a ZIP (SOURCES 9.3,
third-party).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Nature = Literal["zip", "geojson", "html", "csv", "parquet", "inconnu"]

HEAD_BYTES = 64 << 10
_BOM = b"\xef\xbb\xbf"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# A tag, a comment, a doctype or an XML declaration; « <5 ans » is none of these.
_PAGE = re.compile(rb"<(!doctype|!--|\?xml|[a-z][a-z0-9:._-]*[\s/>])", re.IGNORECASE)


def sniff(chemin: Path) -> Nature:
    """Nature of a file from its first bytes.

    Args:
        chemin: file to look at; only its first 64 KiB are read.

    Returns:
        ``zip`` (XLSX included), ``parquet``, ``html`` (any page, XML included), ``geojson`` (any JSON text),
        ``csv`` (any other text), or ``inconnu``: empty, or bytes of none of these kinds.
    """
    with chemin.open("rb") as flux:
        return sniff_bytes(flux.read(HEAD_BYTES))


def sniff_bytes(debut: bytes) -> Nature:
    """Same, for the first bytes themselves."""
    if debut.startswith(_ZIP):
        return "zip"
    if debut.startswith(b"PAR1"):
        return "parquet"
    texte = debut.removeprefix(_BOM).lstrip()
    if not texte or b"\0" in texte or texte.startswith((b"\x1f\x8b", b"%PDF-", b"\xd0\xcf\x11\xe0")):
        return "inconnu"
    if _PAGE.match(texte):
        return "html"
    return "geojson" if texte.startswith((b"{", b"[")) else "csv"

"""SHA-256 of a file."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_HEX = re.compile(r"[0-9a-f]{64}")


def file_digest(chemin: Path) -> str:
    """SHA-256 of the bytes of a file, 64 lower-case hex digits; reads by blocks."""
    with chemin.open("rb") as flux:
        return hashlib.file_digest(flux, "sha256").hexdigest()


def is_digest(texte: str) -> bool:
    """Whether a text is a SHA-256 as we write it."""
    return _HEX.fullmatch(texte) is not None

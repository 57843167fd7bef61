"""Checksum announced by a catalogue, against the file received."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

# « sha2 » is a family: its length says which member.
_BY_LENGTH = {64: "sha256", 96: "sha384", 128: "sha512"}


@dataclass(frozen=True)
class Checksum:
    """A checksum as announced: ``type`` (sha1, sha2, sha256, md5, crc) and hexadecimal ``valeur``."""

    type: str
    valeur: str

    @property
    def algorithme(self) -> str | None:
        """Name for ``hashlib``; None when the type is unknown or, as for ``crc``, not a digest."""
        nom = self.type.strip().lower().replace("-", "")
        if nom == "sha2":
            return _BY_LENGTH.get(len(self.valeur.strip()))
        return nom if nom in ("sha1", "md5", "sha256", "sha384", "sha512") else None


def computed(chemin: Path, algorithme: str) -> str:
    """Digest of a file, lower-case hexadecimal."""
    with chemin.open("rb") as flux:
        return hashlib.file_digest(flux, lambda: hashlib.new(algorithme, usedforsecurity=False)).hexdigest()

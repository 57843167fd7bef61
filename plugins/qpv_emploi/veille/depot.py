"""What a producer's folder of the dépôt looks like, to tell that someone has dropped or replaced a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DepositLook:
    """A folder at a glance: names, sizes and times, no content.

    Attributes:
        empreinte: SHA-256 (hex) of the paths, sizes and times of modification of the files.
        nb_fichiers: number of files, those whose name begins with a dot left out.
        modifie_le: latest modification, seconds since the epoch; 0 without any file.
    """

    empreinte: str
    nb_fichiers: int
    modifie_le: float


def look_at(depot: Path, producteur: str) -> DepositLook:
    """Look at the folder of a producer; one that does not exist is empty."""
    root = depot / producteur
    found = []
    for path in root.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        try:
            state = path.stat()
        except FileNotFoundError:
            # Removed since it was listed.
            continue
        if path.is_file():
            found.append((path.relative_to(root).as_posix(), state.st_size, state.st_mtime_ns))
    digest = hashlib.sha256(repr(sorted(found)).encode()).hexdigest()
    return DepositLook(digest, len(found), max((when for _, _, when in found), default=0) / 1e9)

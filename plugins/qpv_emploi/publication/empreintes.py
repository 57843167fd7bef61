"""Size and digest of the files of a folder, and ``SHA256SUMS``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class FileFact:
    """Size in bytes and SHA-256 (hex) of a file."""

    octets: int
    sha256: str


def file_facts(folder: Path) -> dict[str, FileFact]:
    """Relative path (with ``/``) -> facts of every file below a folder, sorted."""
    facts = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            facts[path.relative_to(folder).as_posix()] = FileFact(path.stat().st_size, digest)
    return facts


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` of all files below a folder but itself, as ``sha256sum -c`` reads it."""
    lines = [f"{fact.sha256}  {path}\n" for path, fact in file_facts(folder).items() if path != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")

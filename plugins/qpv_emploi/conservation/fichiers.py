"""Writing without half-written files: atomic replacement, durable folders, one writer at a time."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from qpv_emploi.conservation.errors import ConservationError

# A holder keeps the lock for milliseconds: a longer wait means a stuck process or a frozen disk.
LOCK_TIMEOUT_S = 120.0


def sync_folder(dossier: Path) -> None:
    """Make the names of a folder durable (a rename survives a power cut only after this)."""
    descripteur = os.open(dossier, os.O_RDONLY)
    try:
        os.fsync(descripteur)
    finally:
        os.close(descripteur)


@contextmanager
def temporary_file(dossier: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new hidden file of a folder, removed on the way out unless it was renamed.

    Yields:
        The open binary stream and its path. The caller flushes, syncs and renames.
    """
    dossier.mkdir(parents=True, exist_ok=True)
    # Not mkstemp: its mode 0600 would hide the final file from the other users of the warehouse.
    chemin = dossier / f".{uuid.uuid4().hex}.part"
    try:
        with chemin.open("xb") as flux:
            yield flux, chemin
    finally:
        chemin.unlink(missing_ok=True)


def replace_bytes(chemin: Path, contenu: bytes) -> None:
    """Replace the content of a file at once: a reader sees the old or the new, never a mixture."""
    with temporary_file(chemin.parent) as (flux, provisoire):
        flux.write(contenu)
        flush_to_disk(flux)
        provisoire.replace(chemin)
    sync_folder(chemin.parent)


def install_folder(prepare: Path, cible: Path) -> None:
    """Put a folder in the place of another. Killed in between, it leaves none."""
    ancien = cible.with_name(f".{cible.name}.ancien")
    shutil.rmtree(ancien, ignore_errors=True)
    if cible.exists():
        cible.rename(ancien)
    prepare.rename(cible)
    sync_folder(cible.parent)
    shutil.rmtree(ancien, ignore_errors=True)


def flush_to_disk(flux: BinaryIO) -> None:
    """Push what was written down to the disk."""
    flux.flush()
    os.fsync(flux.fileno())


@contextmanager
def exclusive(chemin: Path, delai_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """One writer at a time for a file, among threads and processes; a killed holder frees it.

    Args:
        chemin: file to protect; the lock is a hidden file beside it.
        delai_s: longest wait, in seconds.

    Raises:
        ConservationError: another process held the lock for the whole wait.
    """
    chemin.parent.mkdir(parents=True, exist_ok=True)
    verrou = chemin.parent / f".{chemin.name}.lock"
    try:
        with FileLock(verrou, timeout=delai_s):
            yield
    except Timeout as erreur:
        raise ConservationError(
            f"{chemin} : un autre processus l'occupe depuis {delai_s:g} s ; à faire : attendre la fin "
            f"de l'autre exécution, ou arrêter le processus bloqué, puis relancer"
        ) from erreur

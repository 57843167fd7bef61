"""Digest of everything that decides the content of a release: the lock, the region and the code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import duckdb

from qpv_emploi.conservation import Lock, LockEntry
from qpv_emploi.settings import Settings

# Files of the project whose change may change a release. What dbt writes beside its project is not one.
_SUFFIXES = {".py", ".sql", ".yml", ".csv", ".md"}
_IGNORED = {"target", "logs", "__pycache__"}


def _code_files(settings: Settings) -> list[tuple[str, Path]]:
    """Files of the code, with their names: neither depends on where the project is installed."""
    package = Path(__file__).resolve().parents[1]
    roots = [settings.dbt_dir, settings.expectations_dir, package]
    if not settings.catalogue_dir.resolve().is_relative_to(package):
        roots.append(settings.catalogue_dir)
    return sorted(
        (f"{root.name}/{path.relative_to(root).as_posix()}", path)
        for root in roots
        for path in root.rglob("*")
        if path.suffix in _SUFFIXES and not _IGNORED.intersection(path.relative_to(root).parts)
    )


def code_fingerprint(settings: Settings) -> str:
    """SHA-256 (hex) of the dbt project, the expectations and this package, names and contents."""
    digest = hashlib.sha256()
    for name, path in _code_files(settings):
        digest.update(name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_fingerprint(
    settings: Settings, entries: Iterable[LockEntry] | None = None, connu_le: str = ""
) -> str:
    """SHA-256 (hex) of the inputs of a build; two equal fingerprints give the same release.

    Args:
        entries: the entries of the lock, when the caller has already read them.
        connu_le: ISO day of a warehouse as known on a past date, empty for the present one.
    """
    if entries is None:
        entries = Lock.of(settings.paths).read().values()
    lock = json.dumps([asdict(entry) for entry in sorted(entries, key=lambda e: e.cle)], sort_keys=True)
    parts = (
        hashlib.sha256(lock.encode()).hexdigest(),
        settings.region,
        code_fingerprint(settings),
        duckdb.__version__,
        *filter(None, [connu_le, "" if settings.moteur == "duckdb" else settings.moteur]),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

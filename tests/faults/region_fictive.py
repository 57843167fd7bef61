"""A dépôt and a data directory of the fictional region, to be damaged by a test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi import pipeline
from qpv_emploi.conservation import Lock, Outcome
from qpv_emploi.conservation.lock import LockEntry, LockKey
from qpv_emploi.settings import Settings

# Left aside at the first reception, so that each test sees a good file arrive beside the bad one.
NEWCOMER: LockKey = ("insee", "revenus_qpv", "2021")


@dataclass(frozen=True)
class Region:
    """A dépôt and a data directory that a test may damage."""

    settings: Settings

    def folder(self, producteur: str, jeu: str, millesime: str) -> Path:
        return self.settings.depot / producteur / jeu / millesime

    def file(self, producteur: str, jeu: str, millesime: str) -> Path:
        (path,) = self.folder(producteur, jeu, millesime).iterdir()
        return path

    def ingest(self) -> dict[LockKey, Outcome]:
        outcomes, _ = pipeline.ingest_all(self.settings)
        return {outcome.cle: outcome for outcome in outcomes}

    def lock(self) -> dict[LockKey, LockEntry]:
        return Lock(self.settings.paths.verrou).read()

    def release(self) -> tuple[str, dict[str, str]]:
        """Target of the link to the current release, and digest of each of its files."""
        target = self.settings.paths.courant
        files = (path for path in sorted(target.rglob("*")) if path.is_file())
        digests = {
            path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }
        return str(target.readlink()), digests

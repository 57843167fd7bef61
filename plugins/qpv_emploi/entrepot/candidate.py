"""A candidate: a warehouse built aside, in a private work folder, not yet audited nor published."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from qpv_emploi.catalogue import Catalogue
from qpv_emploi.conservation import Ledger, Lock, LockedFile, LockEntry, Manifest, iso_utc
from qpv_emploi.conservation.errors import ConservationError, StorageUnavailable
from qpv_emploi.entrepot.dbt import NodeResult, run_dbt_build
from qpv_emploi.entrepot.fingerprint import build_fingerprint
from qpv_emploi.entrepot.history import FileVersion, file_versions
from qpv_emploi.entrepot.inputs import entries_in_use, lay_inputs
from qpv_emploi.entrepot.moteur_postgres import MARK, PostgresEngine
from qpv_emploi.errors import BuildError, QPVError, RefusedFile
from qpv_emploi.settings import Settings

_LOGGER = logging.getLogger(__name__)

DATABASE = "entrepot.duckdb"
_DESCRIPTION = "candidat.json"
# Where the inputs wait when the engine is a server.
_INPUTS = "entrees.duckdb"

# Gives the bronze tables of a superseded file (name -> path relative to the data directory), read if missing.
Rereader = Callable[[FileVersion], dict[str, str]]


@dataclass(frozen=True)
class Candidate:
    """A built warehouse waiting for its audit.

    Attributes:
        identifiant: ``<UTC time>-<8 hex of the fingerprint>``; becomes the name of the release.
        dossier: work folder.
        empreinte: fingerprint of the inputs (lock, region, code).
        region: region of the build.
        construit_le: ISO UTC.
        entrees: the entries of the lock it was built from, as the manifest of the release gives them.
        noeuds: results of dbt, in order of execution.
        avertissements: lines about superseded files that could not be read again.
        connu_le: ISO day as of which it was built, empty for the present.
    """

    identifiant: str
    dossier: Path
    empreinte: str
    region: str
    construit_le: str
    entrees: tuple[dict[str, Any], ...]
    noeuds: tuple[NodeResult, ...]
    avertissements: tuple[str, ...] = ()
    connu_le: str = ""

    @property
    def base(self) -> Path:
        return self.dossier / DATABASE

    @property
    def moteur(self) -> str:
        """Engine that built it."""
        return "postgres" if (self.dossier / MARK).is_file() else "duckdb"


def build_candidate(
    settings: Settings,
    catalogue: Catalogue,
    *,
    now: datetime,
    read_again: Rereader | None = None,
    connu_le: date | None = None,
    travail: Path | None = None,
) -> Candidate:
    """Build the warehouse of the lock in a new work folder.

    Args:
        read_again: gives the bronze of superseded files; without it they are left out.
        connu_le: build what was known at the end of that day, from the bytes then in use.
        travail: parent of the work folder; that of the data directory by default.

    Raises:
        BuildError: a reference dataset is missing, or a dbt node failed.
    """
    # Read once: ingestion may change the lock while the build runs.
    locked = list(Lock.of(settings.paths).read().values())
    day = connu_le.isoformat() if connu_le else ""
    fingerprint = build_fingerprint(settings, locked, day)
    known = {(producteur, jeu.jeu) for producteur, jeu in catalogue.datasets()}
    versions, warnings = _readable(
        file_versions(
            [entry for entry in locked if (entry.producteur, entry.jeu) in known],
            Manifest(settings.paths).receptions(),
            Ledger.of(settings.paths).outcomes(),
            connu_le=connu_le,
        ),
        read_again,
    )
    entries = entries_in_use(catalogue, _as_known(locked, versions) if connu_le else locked)
    identifier = f"{now:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    folder = (travail or settings.paths.travail) / identifier
    # A folder of the same name can only be the rest of a killed build of the same second.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results = _build(settings, catalogue, folder, entries, versions, day)
    inputs = tuple(_input(entry) for entry in entries)
    candidate = Candidate(
        identifier,
        folder,
        fingerprint,
        settings.region,
        iso_utc(now),
        inputs,
        tuple(results),
        tuple(warnings),
        day,
    )
    description = {
        "identifiant": identifier,
        "empreinte": fingerprint,
        "region": settings.region,
        "construit_le": candidate.construit_le,
        "entrees": inputs,
        "noeuds": [result.to_dict() for result in results],
        "avertissements": warnings,
        "connu_le": day,
    }
    (folder / _DESCRIPTION).write_text(
        json.dumps(description, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return candidate


def _build(
    settings: Settings,
    catalogue: Catalogue,
    folder: Path,
    entries: Sequence[LockEntry],
    versions: Sequence[FileVersion],
    day: str,
) -> list[NodeResult]:
    """Lay the inputs and run dbt, on the engine of the settings; the work database holds the result."""
    on_server = PostgresEngine(settings) if settings.moteur == "postgres" else None
    database = folder / (_INPUTS if on_server else DATABASE)
    with duckdb.connect(str(database)) as connection:
        lay_inputs(connection, settings, catalogue, entries, versions)
    if on_server is None:
        return run_dbt_build(settings, database, folder, connu_le=day)
    on_server.lay(database, folder)
    results = run_dbt_build(
        settings,
        database,
        folder,
        connu_le=day,
        target=settings.moteur,
        variables=on_server.environment(folder),
    )
    on_server.export(folder, folder / DATABASE)
    return results


def _readable(
    versions: Sequence[FileVersion], read_again: Rereader | None
) -> tuple[list[FileVersion], list[str]]:
    """The versions whose bronze is at hand, and one line per superseded file that can be read no more."""
    readable: list[FileVersion] = []
    warnings: list[str] = []
    for version in versions:
        if version.bronze:
            readable.append(version)
        elif read_again is not None:
            try:
                readable.append(replace(version, bronze=read_again(version)))
            except StorageUnavailable:
                # Nothing is lost: a release without its history would be worse than none.
                raise
            except (RefusedFile, ConservationError) as error:
                until = f"au {version.connu_au}" if version.connu_au else "à la date demandée"
                warnings.append(
                    f"ancien fichier laissé de côté, en usage du {version.connu_du} {until} : {error}"
                )
    return readable, warnings


def _as_known(locked: Sequence[LockEntry], versions: Sequence[FileVersion]) -> list[LockEntry]:
    """The lock as it stood: the vintages known then, with the files then in use."""
    held = {(*entry.cle, f.empreinte_sha256): f for entry in locked for f in entry.fichiers}
    entries = []
    for entry in locked:
        files = [
            held.get((*v.cle, v.empreinte_sha256))
            or LockedFile(v.fichier, v.empreinte_sha256, v.octets, v.recu_le, {}, v.bronze)
            for v in versions
            if v.cle == entry.cle and v.est_courante
        ]
        if files:
            entries.append(LockEntry(*entry.cle, tuple(files)))
    return entries


def load_candidate(settings: Settings, identifier: str) -> Candidate:
    """A candidate built earlier, possibly by another process.

    Raises:
        BuildError: no complete build bears this name.
    """
    folder = settings.paths.travail / identifier
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(
            f"candidat {identifier} introuvable ou inachevé dans {settings.paths.travail} ; à faire : "
            "reconstruire (`qpv run`)"
        ) from None
    return Candidate(
        description["identifiant"],
        folder,
        description["empreinte"],
        description["region"],
        description["construit_le"],
        tuple(description["entrees"]),
        tuple(NodeResult(**node) for node in description["noeuds"]),
        tuple(description.get("avertissements", ())),
        description.get("connu_le", ""),
    )


def discard_work(settings: Settings, identifier: str) -> None:
    """Remove the work folder of a published candidate and the older ones: the releases hold what matters.

    So do the halves of releases that killed publications left. A younger folder belongs to a build that
    another process is running.
    """
    for folder in settings.paths.travail.glob("*"):
        if folder.name <= identifier:
            remove_work(settings, folder)
    for half in settings.paths.versions.glob(".*.partiel"):
        if half.name <= f".{identifier}.partiel":
            shutil.rmtree(half, ignore_errors=True)


def leave_server(settings: Settings, folder: Path) -> bool:
    """Remove the schemas that a work folder holds on the server of the engine ``postgres``, if any.

    Returns:
        False when that server cannot be asked: the folder must stay, since only it knows their name.
    """
    if not (folder / MARK).is_file():
        return True
    try:
        PostgresEngine(settings).drop(folder)
    except QPVError as error:
        _LOGGER.warning("%s gardé : %s", folder, error)
        return False
    return True


def remove_work(settings: Settings, folder: Path) -> bool:
    """Remove a work folder and what it holds on a server; False when it had to stay."""
    if not leave_server(settings, folder):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _input(entry: LockEntry) -> dict[str, Any]:
    return {
        "producteur": entry.producteur,
        "jeu": entry.jeu,
        "millesime": entry.millesime,
        "fichiers": [
            {
                "fichier": fichier.fichier,
                "empreinte_sha256": fichier.empreinte_sha256,
                "octets": fichier.octets,
                "recu_le": fichier.recu_le,
            }
            for fichier in entry.fichiers
        ],
    }

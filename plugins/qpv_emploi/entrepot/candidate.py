"""A candidate: a warehouse built aside, in a private work folder, not yet audited nor published."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from qpv_emploi.catalogue import Catalogue
from qpv_emploi.conservation import Lock, LockEntry, iso_utc
from qpv_emploi.entrepot.dbt import NodeResult, run_dbt_build
from qpv_emploi.entrepot.fingerprint import build_fingerprint
from qpv_emploi.entrepot.inputs import entries_in_use, lay_inputs
from qpv_emploi.errors import BuildError
from qpv_emploi.settings import Settings

DATABASE = "entrepot.duckdb"
_DESCRIPTION = "candidat.json"


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
    """

    identifiant: str
    dossier: Path
    empreinte: str
    region: str
    construit_le: str
    entrees: tuple[dict[str, Any], ...]
    noeuds: tuple[NodeResult, ...]

    @property
    def base(self) -> Path:
        return self.dossier / DATABASE


def build_candidate(settings: Settings, catalogue: Catalogue, *, now: datetime) -> Candidate:
    """Build the warehouse of the lock in a new work folder.

    Raises:
        BuildError: a reference dataset is missing, or a dbt node failed.
    """
    # Read once: ingestion may change the lock while the build runs.
    locked = list(Lock(settings.paths.verrou).read().values())
    fingerprint = build_fingerprint(settings, locked)
    entries = entries_in_use(catalogue, locked)
    identifier = f"{now:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
    folder = settings.paths.travail / identifier
    # A folder of the same name can only be the rest of a killed build of the same second.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / DATABASE)) as connection:
        lay_inputs(connection, settings, catalogue, entries)
    results = run_dbt_build(settings, folder / DATABASE, folder)
    inputs = tuple(_input(entry) for entry in entries)
    candidate = Candidate(
        identifier, folder, fingerprint, settings.region, iso_utc(now), inputs, tuple(results)
    )
    description = {
        "identifiant": identifier,
        "empreinte": fingerprint,
        "region": settings.region,
        "construit_le": candidate.construit_le,
        "entrees": inputs,
        "noeuds": [result.to_dict() for result in results],
    }
    (folder / _DESCRIPTION).write_text(
        json.dumps(description, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return candidate


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
    )


def discard_work(settings: Settings, identifier: str) -> None:
    """Remove the work folder of a published candidate and the older ones: the releases hold what matters.

    So do the halves of releases that killed publications left. A younger folder belongs to a build that
    another process is running.
    """
    for folder in settings.paths.travail.glob("*"):
        if folder.name <= identifier:
            shutil.rmtree(folder, ignore_errors=True)
    for half in settings.paths.versions.glob(".*.partiel"):
        if half.name <= f".{identifier}.partiel":
            shutil.rmtree(half, ignore_errors=True)


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

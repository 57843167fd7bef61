"""Retention: which releases and publications are kept, and the leftovers of killed runs.

First a plan, that a person can read; then its application. Files of the raw store are never part of a plan:
only the unfinished copies that a killed process left beside them are.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from qpv_emploi.conservation import Lock, modified_at
from qpv_emploi.entrepot import Release, list_releases
from qpv_emploi.entrepot.candidate import leave_server
from qpv_emploi.entrepot.releases import RETIRED, read_manifest, retire
from qpv_emploi.publication.tout import current_publication, publications_in, withdraw
from qpv_emploi.settings import Paths, Settings

_LOGGER = logging.getLogger(__name__)

# An operator lays this file in the directory of a release that must stay; its first line may say why.
PIN = ".garder"

Nature = Literal["version", "diffusion", "travail", "provisoire", "bronze"]

# What is younger may belong to a process at work.
LEFTOVER_AGE = timedelta(days=1)

# Names given by ``conservation.fichiers.temporary_file`` and ``lecture.parquet.write_parquet``.
_UNFINISHED = re.compile(r"\.([0-9a-f]{32}\.part|.+\.parquet\.[0-9a-f]{32}\.tmp)")


@dataclass(frozen=True)
class Kept:
    """A release that stays, and the reasons in French."""

    identifiant: str
    raison: str


@dataclass(frozen=True)
class Removal:
    """Something to remove.

    Attributes:
        nature: version (a release), diffusion (a publication), travail (work of a dead build), provisoire
            (unfinished write) or bronze.
        chemin: the file or directory.
        octets: bytes that it holds.
        raison: in French.
    """

    nature: Nature
    chemin: Path
    octets: int
    raison: str


@dataclass(frozen=True)
class Plan:
    """What stays and what goes.

    Attributes:
        gardees: releases that stay, oldest first.
        a_supprimer: in the order of removal.
        remarques: what was left alone out of caution, and why, in French.
    """

    gardees: tuple[Kept, ...]
    a_supprimer: tuple[Removal, ...]
    remarques: tuple[str, ...] = ()

    @property
    def octets(self) -> int:
        return sum(removal.octets for removal in self.a_supprimer)


def plan_cleanup(settings: Settings, *, garder: int, now: datetime) -> Plan:
    """Decide what goes. Nothing is touched.

    Kept: the last ``garder`` releases, the current one, and those that hold a file ``.garder``. A release
    newer than the current one, after a rollback, counts among the last. As many publications are kept, and
    those of the kept releases: any of the others can be made again only as long as its release is there.

    Args:
        garder: number of releases kept, at least 1.
        now: moment against which ages are judged.

    Raises:
        QPVError: the manifest of a release is damaged.
    """
    releases = list_releases(settings.paths)
    kept = _kept(releases, garder)
    remarks = []
    if releases and not any(release.est_courante for release in releases):
        kept = {release.identifiant: "aucune version courante" for release in releases}
        remarks.append(
            f"{settings.paths.courant} ne désigne aucune version gardée : aucune version ne sera supprimée ; "
            "à faire : `qpv rollback VERSION`"
        )
    beyond = "au-delà de la dernière" if garder == 1 else f"au-delà des {garder} dernières"
    removals = [
        _removal("version", release.dossier, beyond)
        for release in releases
        if release.identifiant not in kept
    ]
    removals += _former_publications(settings.paths, garder, kept)
    old = now - LEFTOVER_AGE
    removals += _dead_work(settings.paths, releases, old)
    removals += _unfinished(settings.paths, old)
    if _is_building(settings.paths, old):
        remarks.append("une construction est peut-être en cours : les fichiers bronze attendront")
    else:
        removals += _unused_bronze(settings.paths, [r for r in releases if r.identifiant in kept], old)
    return Plan(
        tuple(Kept(r.identifiant, kept[r.identifiant]) for r in releases if r.identifiant in kept),
        tuple(removals),
        tuple(remarks),
    )


def apply_cleanup(settings: Settings, plan: Plan) -> list[Removal]:
    """Remove what a plan says, except a release or a publication that has become current since.

    What cannot be removed (rights, disk) is a warning of the log and stops nothing.

    Returns:
        What was removed.
    """
    removed = []
    for removal in plan.a_supprimer:
        target: Path | None = removal.chemin
        if removal.nature == "version":
            target = retire(settings.paths, removal.chemin.name)
        elif removal.nature == "diffusion":
            target = withdraw(settings.paths.publications, removal.chemin.name)
        if target is None:
            continue
        if target.parent == settings.paths.travail and not leave_server(settings, target):
            continue
        try:
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        except OSError as error:
            _LOGGER.warning("%s : suppression impossible (%s) ; à faire : vérifier les droits", target, error)
        else:
            removed.append(removal)
    return removed


def _kept(releases: list[Release], garder: int) -> dict[str, str]:
    """Identifier -> why it stays."""
    last = {release.identifiant for release in releases[-garder:]}
    kept = {}
    for release in releases:
        pin = release.dossier / PIN
        reasons = [
            "courante" if release.est_courante else "",
            _among(garder) if release.identifiant in last else "",
            _pinned(pin) if pin.is_file() else "",
        ]
        if any(reasons):
            kept[release.identifiant] = ", ".join(filter(None, reasons))
    return kept


def _among(garder: int) -> str:
    return "la dernière" if garder == 1 else f"parmi les {garder} dernières"


def _pinned(pin: Path) -> str:
    note = pin.read_text(encoding="utf-8", errors="replace").strip().partition("\n")[0]
    return f"retenue par {PIN}" + (f" : {note}" if note else "")


def _former_publications(paths: Paths, garder: int, kept: Mapping[str, str]) -> Iterator[Removal]:
    """Publications beyond the last ones, but for the one that readers see and those of the kept releases."""
    made = publications_in(paths.publications)
    seen = current_publication(paths.publications)
    beyond = (
        "diffusion au-delà de la dernière" if garder == 1 else f"diffusion au-delà des {garder} dernières"
    )
    for identifier in made[:-garder]:
        if identifier != seen and identifier not in kept:
            yield _removal("diffusion", paths.publications / identifier, beyond)


def _dead_work(paths: Paths, releases: list[Release], old: datetime) -> Iterator[Removal]:
    """Work folders that nobody will come back to, and halves of releases."""
    # A publication killed before its last rename is finished by the next run, from its work folder.
    unseen = {release.identifiant for release in releases if not release.est_courante}
    for folder in sorted(paths.travail.glob("*")):
        if folder.name not in unseen and _last_change(folder) < old:
            yield _removal("travail", folder, "construction abandonnée depuis plus d'un jour")
    for half in sorted(paths.versions.glob(".*.partiel")):
        if _last_change(half) < old:
            yield _removal("travail", half, "publication interrompue depuis plus d'un jour")
    for retired in sorted(paths.versions.glob(f".*{RETIRED}")):
        yield _removal("provisoire", retired, "suppression de version interrompue")
    for rest in sorted(paths.publications.glob(".*")):
        changed = rest.lstat().st_mtime if rest.is_symlink() else _last_change(rest).timestamp()
        if changed < old.timestamp():
            yield _removal("travail", rest, "diffusion interrompue depuis plus d'un jour")


def _unfinished(paths: Paths, old: datetime) -> Iterator[Removal]:
    """Unfinished writes, wherever they are; a release or a work folder is removed whole or not at all."""
    for folder, folders, files in os.walk(paths.root):
        here = Path(folder)
        if here == paths.root:
            folders[:] = [name for name in folders if here / name not in (paths.publie, paths.travail)]
        for name in sorted(files):
            if _UNFINISHED.fullmatch(name) and _is_old(here / name, old):
                yield _removal("provisoire", here / name, "écriture interrompue depuis plus d'un jour")
    for link in sorted(paths.publie.glob(".courant-*")):
        if datetime.fromtimestamp(link.lstat().st_mtime, old.tzinfo) < old:
            yield _removal("provisoire", link, "bascule interrompue depuis plus d'un jour")


def _is_building(paths: Paths, old: datetime) -> bool:
    """Whether a build may be reading bronze files that the lock has just let go."""
    return any(_last_change(folder) >= old for folder in paths.travail.glob("*"))


def _unused_bronze(paths: Paths, kept: list[Release], old: datetime) -> Iterator[Removal]:
    """Bronze files that neither the lock nor a kept release uses.

    A release names raw files, not bronze: it is taken to use every reading of them, except one that the lock
    has replaced by another reading of the same bytes.
    """
    locked = {
        paths.root / path
        for entry in Lock.of(paths).read().values()
        for file in entry.fichiers
        for path in file.bronze.values()
    }
    read_again = {(path.parent, path.name.partition("-")[0]) for path in locked}
    released = {
        (entry["millesime"], file["empreinte_sha256"][:16])
        for release in kept
        for entry in _entries(release)
        for file in entry["fichiers"]
    }
    for path in sorted(paths.bronze.rglob("*.parquet")):
        digest = path.name.partition("-")[0]
        is_used = path in locked or (
            (path.parent.name, digest) in released and (path.parent, digest) not in read_again
        )
        if not is_used and not path.name.startswith(".") and _is_old(path, old):
            yield _removal("bronze", path, "ni le verrou ni une version gardée ne l'emploie")


def _entries(release: Release) -> list[dict[str, Any]]:
    entries: Any = read_manifest(release.dossier).get("entrees", [])
    return list(entries)


def _is_old(path: Path, old: datetime) -> bool:
    return _changed_at(path, gone=old) < old


def _last_change(folder: Path) -> datetime:
    """Last change of a folder or of a file in it."""
    latest = modified_at(folder)
    return max([latest, *(_changed_at(path, gone=latest) for path in folder.rglob("*"))])


def _changed_at(path: Path, *, gone: datetime) -> datetime:
    """Last change of a file, or ``gone`` when its process has removed it meanwhile."""
    try:
        return modified_at(path)
    except FileNotFoundError:
        return gone


def _removal(nature: Nature, path: Path, raison: str) -> Removal:
    files = [path] if not path.is_dir() or path.is_symlink() else [p for p in path.rglob("*") if p.is_file()]
    return Removal(nature, path, sum(p.lstat().st_size for p in files), raison)

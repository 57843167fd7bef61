"""Releases: complete directories, one of which is current. Switching is one atomic rename of a link."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.conservation.fichiers import exclusive
from qpv_emploi.errors import QPVError, UnknownRelease
from qpv_emploi.settings import Paths

MANIFEST = "manifeste.json"
# End of the hidden name of a release that is being removed.
RETIRED = ".retiree"


@dataclass(frozen=True)
class Release:
    """A published release.

    Attributes:
        identifiant: name of its directory.
        dossier: the directory, complete and never changed.
        publie_le: ISO UTC.
        region: region of the release.
        empreinte: fingerprint of its inputs.
        comptes: table -> number of rows.
        est_fictif: fictional data.
        est_courante: whether readers see it now.
    """

    identifiant: str
    dossier: Path
    publie_le: str
    region: str
    empreinte: str
    comptes: dict[str, int]
    est_fictif: bool
    est_courante: bool


def read_manifest(folder: Path) -> dict[str, object]:
    """The manifest of a release directory."""
    content: dict[str, object] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return content


def list_releases(paths: Paths) -> list[Release]:
    """All complete releases, oldest first. A directory without manifest is not a release.

    Raises:
        QPVError: a manifest is damaged.
    """
    if not paths.versions.is_dir():
        return []
    current = _current_folder(paths)
    return [
        _load(folder, est_courante=folder.resolve() == current)
        for folder in sorted(paths.versions.iterdir())
        if not folder.name.startswith(".") and (folder / MANIFEST).is_file()
    ]


def current_release(paths: Paths) -> Release | None:
    """The release that readers see, or None before the first publication.

    Raises:
        QPVError: its manifest is missing or damaged.
    """
    folder = _current_folder(paths)
    return _load(folder, est_courante=True) if folder else None


def switch(paths: Paths, folder: Path) -> None:
    """Make ``folder`` current by one rename: readers see the old release or the new one, never neither.

    Raises:
        UnknownRelease: another process removed the release meanwhile.
    """
    with exclusive(paths.courant):
        if not folder.is_dir():
            raise UnknownRelease(f"version {folder.name} supprimée entre-temps ; à faire : `qpv releases`")
        link = paths.publie / f".courant-{os.getpid()}"
        link.unlink(missing_ok=True)
        # Relative, so that the data directory can be moved or mounted elsewhere.
        link.symlink_to(Path("versions") / folder.name, target_is_directory=True)
        os.replace(link, paths.courant)  # noqa: PTH105  (Path.replace would follow nothing either; this says rename)
        fsync(paths.publie)


def retire(paths: Paths, identifier: str) -> Path | None:
    """Take a release out of the list by one rename; its files are then the caller's to remove.

    Returns:
        Where it lies now, hidden from every reader; None when it has become the current one, or is gone.
    """
    folder = paths.versions / identifier
    with exclusive(paths.courant):
        if not folder.is_dir() or folder.resolve() == _current_folder(paths):
            return None
        aside = folder.with_name(f".{identifier}{RETIRED}")
        folder.rename(aside)
        fsync(paths.versions)
        return aside


def rollback(paths: Paths, identifier: str | None = None) -> Release:
    """Make an earlier release current again.

    Args:
        identifier: name of the release; by default the one before the current one.

    Raises:
        UnknownRelease: there is no such release, or none before the current one.
    """
    releases = list_releases(paths)
    names = [release.identifiant for release in releases]
    if identifier is None:
        current = next((i for i, release in enumerate(releases) if release.est_courante), None)
        if current is None or current == 0:
            raise UnknownRelease("aucune version publiée avant la version courante : rien à quoi revenir")
        identifier = names[current - 1]
    if identifier not in names:
        raise UnknownRelease(
            f"version {identifier} inconnue ; versions gardées : {', '.join(names) or 'aucune'}"
        )
    for name in names:
        # A work folder beside its release asks the next run to finish the publication; a rollback decides
        # otherwise.
        shutil.rmtree(paths.travail / name, ignore_errors=True)
    switch(paths, paths.versions / identifier)
    return _load(paths.versions / identifier, est_courante=True)


def fsync_tree(folder: Path) -> None:
    """Push every file of a directory down to the disk, before a rename says that it is complete."""
    for path in (*folder.rglob("*"), folder):
        fsync(path)


def fsync(path: Path) -> None:
    """Make the content of a file, or the renames in a directory, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _current_folder(paths: Paths) -> Path | None:
    return paths.courant.resolve() if paths.courant.exists() else None


def _load(folder: Path, *, est_courante: bool) -> Release:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Release(
            identifiant=folder.name,
            dossier=folder,
            publie_le=manifest["publie_le"],
            region=manifest["region"],
            empreinte=manifest["empreinte_construction"],
            comptes=manifest["comptes"],
            est_fictif=manifest["est_fictif"],
            est_courante=est_courante,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise QPVError(
            f"{folder / MANIFEST} : manifeste de version absent ou illisible ({error}) ; à faire : écarter "
            "ce dossier, puis `qpv rollback VERSION` s'il était la version courante"
        ) from error

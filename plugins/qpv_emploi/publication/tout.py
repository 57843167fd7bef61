"""A whole publication: made aside from one release, complete before a reader sees it.

``publications/<release>/fichiers/`` holds what :mod:`qpv_emploi.publication.dossier` writes, ``site/`` what
:mod:`qpv_emploi.publication.site` writes, and ``publications/courante`` is a link to the publication that
readers see, switched by one rename.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.publication.avancement import Progress, silent
from qpv_emploi.publication.dossier import publish_files
from qpv_emploi.publication.site import build_site
from qpv_emploi.publication.version import SourceRelease, read_release

CURRENT = "courante"
FILES = "fichiers"
SITE = "site"
# Written last: a folder without it is the rest of a killed publication.
MARKER = "publication.json"


@dataclass(frozen=True)
class Publication:
    """A publication.

    Attributes:
        identifiant: that of its release.
        dossier: its directory.
        est_nouvelle: made now, and not found already made.
    """

    identifiant: str
    dossier: Path
    est_nouvelle: bool


def publish_all(
    release: Path,
    publications: Path,
    progress: Progress = silent,
    *,
    previous: Path | None = None,
    address: str = "",
    force: bool = False,
) -> Publication:
    """Make the publication of a release and make it current.

    Killed at any moment, it leaves the former publication current or the new one, and can be called again.

    Args:
        release: directory of the release; only read.
        publications: folder of the publications, created if needed.
        progress: told after each file.
        previous: release to compare with, None without any.
        address: public address of the folder of the files, for the catalogues.
        force: make it again even if it is there. Readers of that one publication may miss it for an instant.

    Raises:
        QPVError: the release cannot be read, or lets nothing out.
    """
    source = read_release(release)
    identifier = source.identifiant
    publications.mkdir(parents=True, exist_ok=True)
    final = publications / identifier
    is_new = force or not _is_complete(final)
    if is_new:
        preparing = publications / f".{identifier}.partiel"
        shutil.rmtree(preparing, ignore_errors=True)
        preparing.mkdir()
        publish_files(release, preparing / FILES, progress, previous=previous, address=address)
        build_site(release, preparing / SITE, progress)
        _mark(preparing, source)
        _sync(preparing)
        # A directory cannot be renamed over another.
        former = publications / f".{identifier}.ancien"
        shutil.rmtree(former, ignore_errors=True)
        if final.exists():
            final.rename(former)
        preparing.rename(final)
        shutil.rmtree(former, ignore_errors=True)
    _switch(publications, identifier)
    return Publication(identifier, final, is_new)


def publications_in(folder: Path) -> list[str]:
    """Identifiers of the complete publications of a folder, the oldest first."""
    return sorted(
        marker.parent.name for marker in folder.glob(f"[!.]*/{MARKER}") if marker.parent.name != CURRENT
    )


def current_publication(folder: Path) -> str | None:
    """Identifier of the publication that readers see, None without any."""
    link = folder / CURRENT
    return link.readlink().name if link.is_symlink() else None


def withdraw(folder: Path, identifier: str) -> Path | None:
    """Take a publication out of those that can become current, so that it can be removed piece by piece.

    Returns:
        What is left to remove, None when readers see it: it stays.
    """
    if identifier == current_publication(folder):
        return None
    former = folder / f".{identifier}.ancien"
    shutil.rmtree(former, ignore_errors=True)
    return (folder / identifier).rename(former)


def _is_complete(folder: Path) -> bool:
    # One that was made before there was a site is made again.
    return (folder / MARKER).is_file() and (folder / SITE).is_dir()


def _mark(folder: Path, source: SourceRelease) -> None:
    """Say what the publication is of, and that it is complete."""
    content = {"version": source.identifiant, "region": source.region, "est_fictif": source.est_fictif}
    (folder / MARKER).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")


def _switch(publications: Path, identifier: str) -> None:
    """Make a publication current by one rename of a link, relative so that the folder can be moved."""
    link = publications / f".{CURRENT}-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(identifier, target_is_directory=True)
    link.rename(publications / CURRENT)
    _sync_one(publications)


def _sync(folder: Path) -> None:
    """Push every file down to the disk, before a rename says that they are complete."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

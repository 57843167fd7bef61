"""Publications of releases, and what changes between two: for the command line and the DAG alike."""

from __future__ import annotations

from pathlib import Path

from qpv_emploi.entrepot import Release, current_release, list_releases
from qpv_emploi.errors import UnknownRelease
from qpv_emploi.publication.avancement import Progress, silent
from qpv_emploi.publication.comparaison import Comparison, compare_releases
from qpv_emploi.publication.comparaison_fichiers import write_comparison
from qpv_emploi.publication.postgres import PostgresReport, publish_to_postgres
from qpv_emploi.publication.tout import Publication, publish_all
from qpv_emploi.settings import Settings


def publish_release(
    settings: Settings,
    identifier: str | None = None,
    *,
    progress: Progress = silent,
    address: str = "",
    force: bool = False,
) -> Publication:
    """Make the publication of a release, compared with the one before it, and make it current.

    Args:
        identifier: the release; the current one by default.
        address: public address of the folder of the files, for the catalogues.
        force: make it again even if it is there.

    Raises:
        UnknownRelease: there is no such release.
        QPVError: it lets nothing out, or cannot be read.
    """
    release = find_release(settings, identifier)
    former = previous_release(settings, release)
    return publish_all(
        release.dossier.resolve(),
        settings.paths.publications,
        progress,
        previous=former.dossier if former else None,
        address=address if not address or address.endswith("/") else f"{address}/",
        force=force,
    )


def serve_release(
    settings: Settings,
    identifier: str | None = None,
    *,
    dsn: str = "",
    schema: str = "",
    progress: Progress = silent,
    force: bool = False,
) -> PostgresReport | None:
    """Serve a release in the PostgreSQL database of the settings; None when they name none.

    Args:
        identifier: the release; the current one by default.
        dsn: connection string (libpq) in place of that of the settings.
        schema: name of the schema in place of that of the settings.
        force: load it again even if the schema already holds it.

    Raises:
        UnknownRelease: there is no such release.
        QPVError: the server refuses; what it serves has not changed.
    """
    chosen = dsn or settings.postgres.get_secret_value()
    if not chosen:
        return None
    return publish_to_postgres(
        find_release(settings, identifier).dossier.resolve(),
        chosen,
        progress,
        schema=schema or settings.postgres_schema,
        force=force,
    )


def diff_releases(
    settings: Settings,
    before: str | None = None,
    after: str | None = None,
    *,
    target: Path | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Compare two releases.

    Args:
        before: the earlier one; by default the one before ``after``.
        after: the later one; by default the current one.
        target: folder that receives the page and the data, None to write nothing.

    Raises:
        UnknownRelease: there is no such release, or none before.
        QPVError: the two cannot be compared.
    """
    later = find_release(settings, after)
    former = find_release(settings, before) if before else previous_release(settings, later)
    if former is None:
        raise UnknownRelease(
            f"aucune version de la région {later.region} avant {later.identifiant} : rien à comparer"
        )
    comparison = compare_releases(former.dossier, later.dossier, progress)
    if target is not None:
        write_comparison(comparison, target)
    return comparison


def find_release(settings: Settings, identifier: str | None) -> Release:
    """The release of that name, or the current one.

    Raises:
        UnknownRelease: nothing bears this name, or nothing has been published.
    """
    if identifier is None:
        release = current_release(settings.paths)
        if release is None:
            raise UnknownRelease(f"aucune version publiée dans {settings.paths.publie} ; à faire : `qpv run`")
        return release
    releases = list_releases(settings.paths)
    for release in releases:
        if release.identifiant == identifier:
            return release
    known = ", ".join(release.identifiant for release in releases) or "aucune"
    raise UnknownRelease(f"version {identifier} inconnue ; versions gardées : {known}")


def previous_release(settings: Settings, release: Release) -> Release | None:
    """The last release of the same region and kind before another, None without any."""
    former = [
        other
        for other in list_releases(settings.paths)
        if (other.region, other.est_fictif) == (release.region, release.est_fictif)
        and other.identifiant < release.identifiant
    ]
    return former[-1] if former else None

"""What is said of a release when it is published: what it brings, what was refused, on a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qpv_emploi.conservation import Issue, Ledger
from qpv_emploi.entrepot import Release, current_release, list_releases
from qpv_emploi.entrepot.releases import read_manifest
from qpv_emploi.errors import UnknownRelease
from qpv_emploi.settings import Settings

# Names given of a list; the rest is a number.
SHOWN = 10


@dataclass(frozen=True)
class Announcement:
    """What is said of a release, in French.

    Attributes:
        version: its identifier.
        lignes: for people, one fact each.
    """

    version: str
    lignes: tuple[str, ...]


def announcement(settings: Settings) -> Announcement:
    """What is said of the current release, against the one published before it.

    Raises:
        UnknownRelease: nothing is published.
    """
    release = current_release(settings.paths)
    if release is None:
        raise UnknownRelease("aucune version publiée")
    earlier = [r for r in list_releases(settings.paths) if r.identifiant < release.identifiant]
    now, before = _inputs(release), _inputs(earlier[-1]) if earlier else {}
    new = sorted(name for name in now if name not in before)
    changed = sorted(name for name in now if name in before and now[name] != before[name])
    gone = sorted(name for name in before if name not in now)
    refused = [
        f"{'/'.join(key)} : {' '.join(outcome.raison.split())}"
        for key, outcome in Ledger.of(settings.paths).last_outcomes().items()
        if outcome.issue is Issue.REFUSE
    ]
    lines = [
        f"Version {release.identifiant}, région {release.region} : {release.comptes.get('dim_qpv', 0)} QPV, "
        f"{release.comptes.get('fct_observation', 0)} observations",
        *_said("Nouveau", new),
        *_said("Révisé", changed),
        *_said("Retiré", gone),
        *_said("Refusé", refused),
    ]
    if not (new or changed or gone):
        lines.append("Mêmes sources que la version précédente.")
    return Announcement(release.identifiant, tuple(lines))


def _inputs(release: Release) -> dict[str, tuple[str, ...]]:
    """Inputs of a release: « producteur/jeu/millesime » -> the digests of its files, sorted."""
    entries: Any = read_manifest(release.dossier)["entrees"]
    return {
        f"{entry['producteur']}/{entry['jeu']}/{entry['millesime']}": tuple(
            sorted(file["empreinte_sha256"] for file in entry["fichiers"])
        )
        for entry in entries
    }


def _said(label: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" (et {len(names) - SHOWN} autre(s))" if len(names) > SHOWN else ""
    return [f"{label} : {', '.join(names[:SHOWN])}{more}"]

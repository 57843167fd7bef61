"""Which bytes were in use when: the versions of each file, from the lock, the manifest and the ledger.

A vintage whose producer sends other bytes keeps the former ones (``LockEntry.precedentes``). A version is
known from the day its bytes were received to the day they were replaced; the day is the resolution of the
warehouse, so that bytes replaced the same day were known on no day and make no version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from qpv_emploi.conservation import Issue, LockEntry, Outcome, Reception
from qpv_emploi.conservation.lock import LockKey

_ACCEPTED = (Issue.NOUVEAU, Issue.REVISE)


@dataclass(frozen=True)
class FileVersion:
    """The bytes of one file of a vintage, and the days between which they were in use.

    Attributes:
        producteur, jeu, millesime: dataset and vintage.
        fichier: file name as received.
        empreinte_sha256: SHA-256 of the bytes, hex.
        octets: size in bytes.
        recu_le: moment of their first reception, ISO UTC.
        est_premiere: nothing was known of the vintage before.
        connu_du: ISO day from which they are known, included.
        connu_au: ISO day on which other bytes replaced them, excluded; None while they are in use.
        bronze: bronze table -> path relative to the data directory; empty until they are read.
    """

    producteur: str
    jeu: str
    millesime: str
    fichier: str
    empreinte_sha256: str
    octets: int
    recu_le: str
    est_premiere: bool
    connu_du: str
    connu_au: str | None
    bronze: dict[str, str] = field(default_factory=dict)

    @property
    def cle(self) -> LockKey:
        return self.producteur, self.jeu, self.millesime

    @property
    def est_courante(self) -> bool:
        return self.connu_au is None


@dataclass(frozen=True)
class _Window:
    """A set of bytes of a vintage, in use from a day to another."""

    empreintes: frozenset[str]
    du: str
    au: str | None


def file_versions(
    entries: Iterable[LockEntry],
    receptions: Iterable[Reception],
    outcomes: Iterable[Outcome],
    *,
    connu_le: date | None = None,
) -> list[FileVersion]:
    """Every version of every file that the warehouse knew, as known on a day.

    Args:
        entries: the lock.
        receptions: the manifest: when each file came first.
        outcomes: the ledger: when bytes seen before came back into use.
        connu_le: last day of what is known; everything by default.

    Returns:
        Versions by dataset, vintage, file and day. A file put back after another has two versions.
    """
    received = {(r.producteur, r.jeu, r.millesime, r.empreinte_sha256): r for r in reversed([*receptions])}
    accepted: dict[LockKey, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.issue in _ACCEPTED:
            accepted.setdefault(outcome.cle, []).append(outcome)
    versions: list[FileVersion] = []
    for entry in sorted(entries, key=lambda e: e.cle):
        windows = _windows(entry, received, accepted.get(entry.cle, []))
        if connu_le is not None:
            windows = _until(windows, connu_le.isoformat())
        versions += _versions_of(entry, windows, received)
    return versions


def _windows(
    entry: LockEntry,
    received: dict[tuple[str, str, str, str], Reception],
    accepted: Sequence[Outcome],
) -> list[_Window]:
    """The sets of bytes of a vintage, each with its days, those that lived less than a day left out."""
    in_use = {file.empreinte_sha256: file.recu_le for file in entry.fichiers}
    begins: list[tuple[frozenset[str], str]] = []
    last = ""
    remaining = list(accepted)
    for digests in (*entry.precedentes, entry.empreintes):
        known = [received[(*entry.cle, d)].recu_le for d in digests if (*entry.cle, d) in received]
        known += [in_use[d] for d in digests if d in in_use and (*entry.cle, d) not in received]
        if len(known) < len(digests):
            # A set of which no reception is left cannot be dated, nor read again.
            continue
        moment = max(known)
        told = next((i for i, o in enumerate(remaining) if set(o.empreintes) == set(digests)), None)
        if told is not None:
            if moment < last:
                # Bytes put back: received long ago, in use again since the attempt that the ledger tells.
                moment = remaining[told].le
            del remaining[: told + 1]
        last = max(last, moment)
        begins.append((frozenset(digests), last[:10]))
    ends = [following[1] for _, following in pairwise(begins)]
    windows = [
        _Window(digests, du, au) for (digests, du), au in zip(begins, [*ends, None], strict=True) if du != au
    ]
    return windows


def _until(windows: Sequence[_Window], day: str) -> list[_Window]:
    """What was known at the end of a day: later sets are not there, the one in use then is in use."""
    return [
        _Window(w.empreintes, w.du, None if w.au is None or w.au > day else w.au)
        for w in windows
        if w.du <= day
    ]


def _versions_of(
    entry: LockEntry, windows: Sequence[_Window], received: dict[tuple[str, str, str, str], Reception]
) -> list[FileVersion]:
    """One version per file and stretch of consecutive sets that hold it."""
    files = {file.empreinte_sha256: file for file in entry.fichiers}
    versions = []
    for digest in sorted({d for window in windows for d in window.empreintes}):
        stretches: list[tuple[str, str | None, bool]] = []
        for rank, window in enumerate(windows):
            if digest not in window.empreintes:
                continue
            if stretches and stretches[-1][1] == window.du:
                stretches[-1] = (stretches[-1][0], window.au, stretches[-1][2])
            else:
                stretches.append((window.du, window.au, rank == 0))
        origin = received.get((*entry.cle, digest))
        held = files.get(digest)
        name, size, moment = (
            (held.fichier, held.octets, held.recu_le)
            if held
            else (origin.fichier, origin.octets, origin.recu_le)
            if origin
            else ("", 0, "")
        )
        versions += [
            FileVersion(
                *entry.cle, name, digest, size, moment, first, du, au, dict(held.bronze) if held else {}
            )
            for du, au, first in stretches
        ]
    return sorted(versions, key=lambda v: (v.cle, v.fichier, v.connu_du, v.empreinte_sha256))

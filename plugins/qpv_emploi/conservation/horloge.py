"""The only place that reads the clock, and the only spelling of a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def now_utc() -> datetime:
    """The present moment, aware, in UTC. Everything else takes its times as arguments."""
    return datetime.now(UTC)


def modified_at(chemin: Path) -> datetime:
    """Time of last modification of a file, aware, in UTC."""
    return datetime.fromtimestamp(chemin.stat().st_mtime, UTC)


def iso_utc(instant: datetime) -> str:
    """A moment as ``2026-11-20T13:56:00.000Z``: fixed width, so that text order is time order.

    Raises:
        ValueError: the moment has no time zone; guessing one would falsify the history.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"l'instant {instant.isoformat()} n'a pas de fuseau horaire ; attendu : UTC")
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"

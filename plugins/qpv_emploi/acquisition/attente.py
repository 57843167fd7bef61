"""How long to wait before the next request: what the service asks for, else an exponential back-off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Above this a number is a moment (seconds since 1970), below it a duration in seconds.
_EPOCH_FLOOR = 1_000_000_000
# Above this it is written in milliseconds.
_MILLISECONDS_FLOOR = 100_000_000_000


def backoff(tentative: int, alea: float, *, base_s: float, max_s: float) -> float:
    """Seconds to wait after a failed try: doubled each time, capped, then drawn in its upper half.

    Args:
        tentative: number of the try that failed, from 1.
        alea: draw in [0, 1[, so that several clients do not come back together.
    """
    # The exponent is bounded: 2.0 ** 1100 overflows.
    plafond = min(max_s, base_s * 2.0 ** min(tentative - 1, 60))
    return plafond * (0.5 + 0.5 * alea)


def retry_after(valeur: str | None, instant: datetime) -> float | None:
    """Seconds asked for by a ``Retry-After`` header (RFC 9110, 10.2.3): seconds or HTTP date.

    Returns:
        None when there is no header or it cannot be read; 0 for a moment that is past.
    """
    texte = (valeur or "").strip()
    if texte.isascii() and texte.isdigit():
        return float(texte[:12])
    try:
        moment = parsedate_to_datetime(texte)
    except ValueError:
        return None
    return _until(moment, instant)


def quota_reset(en_tetes: Mapping[str, str], instant: datetime) -> float | None:
    """Seconds until an exhausted quota is filled again (``X-RateLimit-Remaining: 0`` and ``-Reset``).

    The headers are those of Opendatasoft (third-party: SOURCES 10). The form of ``-Reset`` is not
    documented there: a number of seconds, a moment since 1970 and an ISO date are understood (inferred).

    Returns:
        None when requests remain, or when the moment is not said.
    """
    if en_tetes.get("X-RateLimit-Remaining", "").strip() != "0":
        return None
    return seconds_until(en_tetes.get("X-RateLimit-Reset", ""), instant)


def seconds_until(texte: str, instant: datetime) -> float | None:
    """Seconds until a moment written as a duration, as seconds since 1970 or as an ISO date; else None."""
    texte = texte.strip()
    if texte.isascii() and texte.isdigit():
        nombre = float(texte[:15])
        if nombre < _EPOCH_FLOOR:
            return nombre
        moment_s = nombre / 1000 if nombre > _MILLISECONDS_FLOOR else nombre
        return max(0.0, moment_s - instant.timestamp())
    try:
        moment = datetime.fromisoformat(texte)
    except ValueError:
        return None
    return _until(moment, instant)


def _until(moment: datetime, instant: datetime) -> float:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - instant).total_seconds())

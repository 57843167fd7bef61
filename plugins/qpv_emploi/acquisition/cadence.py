"""Pace of the requests to one host: at most so many per window, and a shortest delay between two."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Cadence:
    """Pace a service accepts.

    Attributes:
        requetes: requests allowed in any window; 0 for no limit.
        fenetre_s: length of the window, in seconds.
        delai_s: shortest time between the starts of two requests, in seconds.
    """

    requetes: int = 0
    fenetre_s: float = 60.0
    delai_s: float = 0.0

    def slowest(self, autre: Cadence) -> Cadence:
        """The stricter of two paces, so that a connector never loosens what the operator set."""
        limites = [c for c in (self, autre) if c.requetes]
        stricte = min(limites, key=lambda c: c.requetes / c.fenetre_s, default=self)
        return Cadence(stricte.requetes, stricte.fenetre_s, max(self.delai_s, autre.delai_s))


class Pacer:
    """Moments of the last requests to one host. Not thread-safe: the caller serialises a host."""

    def __init__(self) -> None:
        self._departs: deque[float] = deque()

    def wait_s(self, cadence: Cadence, maintenant: float) -> float:
        """Seconds to wait before the next request may start; 0 when it may start now."""
        attente = 0.0
        if self._departs:
            attente = max(attente, self._departs[-1] + cadence.delai_s - maintenant)
        if cadence.requetes and len(self._departs) >= cadence.requetes:
            attente = max(attente, self._departs[-cadence.requetes] + cadence.fenetre_s - maintenant)
        return attente

    def started(self, cadence: Cadence, maintenant: float) -> None:
        """Note that a request starts."""
        self._departs.append(maintenant)
        while len(self._departs) > max(1, cadence.requetes):
            self._departs.popleft()

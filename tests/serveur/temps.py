"""A clock that never waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

DEPART = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


class Temps:
    """Time as a client sees it: it moves when the client sleeps, and by ``pas`` at each look.

    ``attentes`` holds the sleeps, in seconds, in order.
    """

    def __init__(self, pas: float = 0.0) -> None:
        self.ecoule = 0.0
        self.pas = pas
        self.attentes: list[float] = []

    def horloge(self) -> float:
        self.ecoule += self.pas
        return self.ecoule

    def instant(self) -> datetime:
        return DEPART + timedelta(seconds=self.ecoule)

    def dormir(self, secondes: float) -> None:
        self.attentes.append(secondes)
        self.ecoule += secondes

    def arguments(self, alea: float = 1.0) -> dict[str, Any]:
        """Arguments of ``HttpClient``; a draw of 1 gives the full back-off."""
        return {
            "autoriser_http_local": True,
            "horloge": self.horloge,
            "instant": self.instant,
            "dormir": self.dormir,
            "alea": lambda: alea,
        }

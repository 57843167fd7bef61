"""How often a producer is asked: a pace drawn from the cadence and the usual lag of each dataset.

A yearly base is not polled every day of the year: it is looked for once a week, then every day from some days
before it is usually out until some days after. Pure functions of the catalogue, of the vintages held and of a
day. What a vintage is due for is in ``catalogue.echeances``, whose names are given again here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import takewhile

from qpv_emploi.catalogue import Dataset
from qpv_emploi.catalogue.acces import is_live
from qpv_emploi.catalogue.echeances import (
    MONTHS_PER_CYCLE,
    TOLERANCE,
    Etat,
    Expectation,
    Fraicheur,
    due_days,
    etat_on,
    fraicheur,
    next_expected,
)

__all__ = [
    "TOLERANCE",
    "Etat",
    "Expectation",
    "Fraicheur",
    "Pace",
    "Rhythm",
    "asking_rhythm",
    "crons",
    "etat_on",
    "fraicheur",
    "next_expected",
]

# Days before and after the usual day of publication during which a producer is asked every day.
WINDOW = {"annuelle": (30, 60), "trimestrielle": (15, 30), "mensuelle": (7, 15)}

MONDAY = 0
# A vintage of each form, old enough for its followers to fill the years that ``_months`` looks at.
_NOMINAL = ("2001", "2001T4", "2001-12")
# Leap years move a day of publication by one day: one cycle of them is looked at.
_FROM, _TO = date(2020, 1, 1), date(2028, 12, 31)


class Pace(StrEnum):
    """How often, in the words that people read."""

    DAILY = "chaque jour"
    WEEKLY = "chaque lundi"
    MONTHLY = "le premier lundi du mois"


@dataclass(frozen=True)
class Rhythm:
    """How often a producer is asked for a dataset at this moment, and why, in French."""

    pas: Pace
    raison: str

    def falls_on(self, day: date) -> bool:
        """Whether the producer is asked on this day."""
        if self.pas is Pace.DAILY:
            return True
        return day.weekday() == MONDAY and (self.pas is Pace.WEEKLY or day.day <= 7)


def asking_rhythm(dataset: Dataset, vintages: tuple[str, ...], day: date) -> Rhythm:
    """How often to ask a producer for a dataset.

    A vintage that nobody published in its window is waited for weekly, until the window of the next one.

    Args:
        vintages: those held, sorted.
        day: the present one.
    """
    if dataset.cadence not in MONTHS_PER_CYCLE:
        return Rhythm(Pace.MONTHLY, "publication ponctuelle")
    if not vintages:
        return Rhythm(Pace.WEEKLY, "aucun millésime reçu")
    if dataset.delai_usuel_jours is None:
        return Rhythm(Pace.WEEKLY, "délai usuel non établi")
    before, after = WINDOW[dataset.cadence]
    for due in due_days(dataset, vintages[-1]):
        opens = due - timedelta(days=before)
        if day < opens:
            return Rhythm(Pace.WEEKLY, f"publication usuelle le {due}, guettée à partir du {opens}")
        if day <= due + timedelta(days=after):
            return Rhythm(Pace.DAILY, f"publication usuelle le {due}")
    return Rhythm(Pace.WEEKLY, "millésime sans date")


def crons(datasets: Iterable[Dataset], hour: int = 6) -> tuple[str, ...]:
    """Cron expressions of the DAG of a producer: every Monday, and every day of the months of its windows.

    Args:
        datasets: those of the producer. Those that only come by the dépôt ask nobody, and add no day.
        hour: of the day.

    Returns:
        One or two expressions; their union holds every day on which ``asking_rhythm`` may be daily.
    """
    months = sorted({month for dataset in datasets if is_live(dataset.acces) for month in _months(dataset)})
    if len(months) == 12:
        return (f"0 {hour} * * *",)
    mondays = f"0 {hour} * * 1"
    return (mondays, f"0 {hour} * {','.join(map(str, months))} *") if months else (mondays,)


def _months(dataset: Dataset) -> set[int]:
    """Months (1 to 12) that a window of daily asking touches."""
    nominal = next((name for name in _NOMINAL if re.fullmatch(dataset.millesime.motif, name)), None)
    if nominal is None or dataset.cadence not in WINDOW:
        return set()
    before, after = WINDOW[dataset.cadence]
    return {
        (due + timedelta(days=shift)).month
        for due in takewhile(lambda due: due <= _TO, due_days(dataset, nominal))
        if due >= _FROM
        for shift in range(-before, after + 1)
    }

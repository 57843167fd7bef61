"""The vintage to expect next of a dataset: its name, the day it is due, and whether it is late.

Everything comes from the catalogue (cadence, usual lag, form of a vintage) and from the vintages held. What
the catalogue does not state is said to be unknown, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from qpv_emploi.catalogue import Dataset

# A source is late once its usual lag is exceeded by half (quality rule of the domain: « freshness »).
TOLERANCE = 1.5

_MONTHS_PER_CYCLE = {"annuelle": 12, "trimestrielle": 3, "mensuelle": 1}
_FORM = re.compile(r"(?P<annee>20\d{2})(?:T(?P<trimestre>[1-4])|-(?P<mois>0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Expectation:
    """What is known of the next vintage of a dataset.

    Attributes:
        millesime: its name, None when the cadence and the form of the vintages do not give it.
        du_le: the day it is due, None without a usual lag.
        retard_le: first day of lateness: the lag exceeded by half; None without a usual lag.
        retard_jours: days since ``du_le``, 0 as long as the tolerance is not exceeded.
        raison: why ``millesime`` or ``du_le`` is unknown, in French; empty when both are known.
    """

    millesime: str | None = None
    du_le: date | None = None
    retard_le: date | None = None
    retard_jours: int = 0
    raison: str = ""

    @property
    def annonce(self) -> str:
        """The next vintage, the day it is due and how late it is, in French."""
        if self.du_le is None:
            return f"{self.millesime}, date inconnue ({self.raison})" if self.millesime else self.raison
        retard = f", en retard de {self.retard_jours} jours" if self.retard_jours else ""
        return f"{self.millesime or 'le suivant'}, dû le {self.du_le.isoformat()}{retard}"


def next_expected(dataset: Dataset, vintages: tuple[str, ...], today: date) -> Expectation:
    """The vintage that follows the latest one held.

    The usual lag counts from a reference day. For a quarter or a month it is the day after the period that
    the vintage names. For a year it is 1 January of this year: a base N measures 31 December N-1 and a
    geography N is that of 1 January N, which is what the yearly datasets with a declared lag are (seed
    ``regle_periode``). A base whose content is older still (incomes of N-4) is therefore said to be due later
    than it could be, never earlier.

    Args:
        vintages: those held, sorted.
        today: day against which lateness is judged.
    """
    if not vintages:
        return Expectation(raison="aucun millésime")
    cycle = _MONTHS_PER_CYCLE.get(dataset.cadence)
    if cycle is None:
        return Expectation(raison="publication ponctuelle")
    form = _FORM.fullmatch(vintages[-1])
    if form is None:
        return Expectation(raison="millésime sans date")
    name, reference = _next(form, cycle)
    millesime = name if re.fullmatch(dataset.millesime.motif, name) else None
    lag = dataset.delai_usuel_jours
    if lag is None:
        return Expectation(millesime, raison="délai usuel non établi")
    due = reference + timedelta(days=lag)
    late_from = reference + timedelta(days=int(lag * TOLERANCE) + 1)
    return Expectation(millesime, due, late_from, (today - due).days if today >= late_from else 0)


def _next(form: re.Match[str], cycle: int) -> tuple[str, date]:
    """Name of the vintage that follows, and the day its usual lag counts from.

    Args:
        form: latest vintage held.
        cycle: months between two vintages.
    """
    year = int(form["annee"])
    if form["trimestre"]:
        last, span = int(form["trimestre"]) * 3, 3
    elif form["mois"]:
        last, span = int(form["mois"]), 1
    elif cycle == 12:
        return str(year + 1), date(year + 1, 1, 1)
    else:
        # A year of a dataset that comes more often: the next vintage names the first period after it.
        last, span = 12, cycle
    span = min(span, cycle)
    # Last month of the next vintage, counted from 0 in its year.
    years, month = divmod(last + cycle - 1, 12)
    year += years
    name = f"{year}T{month // 3 + 1}" if span == 3 else f"{year}-{month + 1:02d}"
    return name, date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)

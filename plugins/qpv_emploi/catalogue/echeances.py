"""The vintage to expect next of a dataset: its name, the day it is due, and how fresh what is held is.

Everything comes from the catalogue (cadence, usual lag, form of a vintage) and from the vintages held. What
the catalogue does not state is said to be unknown, never guessed. Pure functions: the day is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from qpv_emploi.catalogue.models import Dataset

# A source is late once its usual lag is exceeded by half (quality rule of the domain: « freshness »).
TOLERANCE = 1.5

MONTHS_PER_CYCLE = {"annuelle": 12, "trimestrielle": 3, "mensuelle": 1}
_FORM = re.compile(r"(?P<annee>20\d{2})(?:T(?P<trimestre>[1-4])|-(?P<mois>0[1-9]|1[0-2]))?")


class Etat(StrEnum):
    """How fresh a dataset is on a day, in the words that people read."""

    # The next vintage is not due yet.
    A_JOUR = "à jour"
    # Due, and its usual lag is not exceeded by half yet.
    ATTENDU = "attendu"
    EN_RETARD = "en retard"
    # A single publication, or a lag that nobody established.
    SANS_ECHEANCE = "sans échéance"
    JAMAIS_RECU = "jamais reçu"


def etat_on(jour: date, recu: bool, attendu_le: date | None, retard_des_le: date | None) -> Etat:
    """Freshness on a day.

    Args:
        recu: a vintage is held.
        attendu_le: day the next one is due, None when it cannot be said.
        retard_des_le: first day of lateness.
    """
    if not recu:
        return Etat.JAMAIS_RECU
    if attendu_le is None or retard_des_le is None:
        return Etat.SANS_ECHEANCE
    if jour >= retard_des_le:
        return Etat.EN_RETARD
    return Etat.ATTENDU if jour >= attendu_le else Etat.A_JOUR


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
    the vintage names. For a year the catalogue says which (``delai_compte_depuis``): 1 January of this year,
    because a base N measures 31 December N-1 and a geography N is that of 1 January N; or the day after this
    year, for a dataset that is named after the year it measures.

    Args:
        vintages: those held, sorted.
        today: day against which lateness is judged.
    """
    if not vintages:
        return Expectation(raison="aucun millésime")
    cycle = MONTHS_PER_CYCLE.get(dataset.cadence)
    if cycle is None:
        return Expectation(raison="publication ponctuelle")
    form = _FORM.fullmatch(vintages[-1])
    if form is None:
        return Expectation(raison="millésime sans date")
    name, reference = _next(form, cycle, at_end=dataset.delai_compte_depuis == "fin")
    millesime = name if re.fullmatch(dataset.millesime.motif, name) else None
    lag = dataset.delai_usuel_jours
    if lag is None:
        return Expectation(millesime, raison="délai usuel non établi")
    due = reference + timedelta(days=lag)
    late_from = reference + timedelta(days=int(lag * TOLERANCE) + 1)
    return Expectation(millesime, due, late_from, (today - due).days if today >= late_from else 0)


def due_days(dataset: Dataset, vintage: str) -> Iterator[date]:
    """The days on which the vintages after this one are due, without end; none when they cannot be said."""
    cycle = MONTHS_PER_CYCLE.get(dataset.cadence)
    if cycle is None or dataset.delai_usuel_jours is None:
        return
    lag = timedelta(days=dataset.delai_usuel_jours)
    while (form := _FORM.fullmatch(vintage)) is not None:
        vintage, reference = _next(form, cycle, at_end=dataset.delai_compte_depuis == "fin")
        yield reference + lag


def _next(form: re.Match[str], cycle: int, *, at_end: bool) -> tuple[str, date]:
    """Name of the vintage that follows, and the day its usual lag counts from.

    Args:
        form: latest vintage held.
        cycle: months between two vintages.
        at_end: the lag of a vintage that names a year counts from the end of this year.
    """
    year = int(form["annee"])
    if form["trimestre"]:
        last, span = int(form["trimestre"]) * 3, 3
    elif form["mois"]:
        last, span = int(form["mois"]), 1
    elif cycle == 12:
        return str(year + 1), date(year + 2 if at_end else year + 1, 1, 1)
    else:
        # A year of a dataset that comes more often: the next vintage names the first period after it.
        last, span = 12, cycle
    span = min(span, cycle)
    # Last month of the next vintage, counted from 0 in its year.
    years, month = divmod(last + cycle - 1, 12)
    year += years
    name = f"{year}T{month // 3 + 1}" if span == 3 else f"{year}-{month + 1:02d}"
    return name, date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)


@dataclass(frozen=True)
class Fraicheur:
    """Freshness of one dataset on a day.

    Attributes:
        dernier_millesime: latest vintage in use, None without any.
        recu_le: day it was received.
        millesime_attendu: the next one, None when its name is unknown.
        attendu_le: day it is due, None when unknown.
        retard_des_le: first day of lateness.
        jours: days since ``attendu_le`` once it is past, else 0.
        etat: in words.
        raison: why nothing is expected on a known day, in French; empty when a day is known.
    """

    producteur: str
    jeu: str
    titre: str
    dernier_millesime: str | None
    recu_le: date | None
    millesime_attendu: str | None
    attendu_le: date | None
    retard_des_le: date | None
    jours: int
    etat: Etat
    raison: str


def fraicheur(lignes: Iterable[Mapping[str, Any]], jour: date) -> list[Fraicheur]:
    """Freshness on a day of the datasets of a release.

    Args:
        lignes: rows of the table ``audit.fraicheur`` of the release, which holds days and nothing of the
            clock.
        jour: the day of the reader: that of the release for a page made from it, the present one for an
            alarm.

    Returns:
        One item per row, in the order of the rows.
    """
    return [
        Fraicheur(
            producteur=ligne["producteur"],
            jeu=ligne["jeu"],
            titre=ligne["titre"],
            dernier_millesime=ligne["dernier_millesime"],
            recu_le=ligne["recu_le"],
            millesime_attendu=ligne["millesime_attendu"],
            attendu_le=ligne["attendu_le"],
            retard_des_le=ligne["retard_des_le"],
            jours=max(0, (jour - ligne["attendu_le"]).days) if ligne["attendu_le"] else 0,
            etat=etat_on(
                jour, ligne["dernier_millesime"] is not None, ligne["attendu_le"], ligne["retard_des_le"]
            ),
            raison=ligne["raison"] or "",
        )
        for ligne in lignes
    ]

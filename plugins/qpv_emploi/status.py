"""What the warehouse holds of each dataset, how fresh it is, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from qpv_emploi.catalogue import Dataset, load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, Outcome, now_utc
from qpv_emploi.settings import Settings

# A source is late once its usual lag is exceeded by half (quality rule of the domain: « freshness »).
_TOLERANCE = 1.5
_DAYS_PER_CYCLE = {"annuelle": 365, "trimestrielle": 92, "mensuelle": 31}


@dataclass(frozen=True)
class DatasetState:
    """State of one dataset of the catalogue.

    Attributes:
        millesimes: vintages in use, sorted.
        recu_le: day the latest vintage was received (ISO), None without any.
        fraicheur: one phrase in French: up to date, late, or why it cannot be said.
        derniere_issue: last outcome of the ledger, empty without any.
        raison: reason of that outcome, empty when there is nothing to say.
    """

    producteur: str
    jeu: str
    millesimes: tuple[str, ...]
    recu_le: str | None
    fraicheur: str
    derniere_issue: str
    raison: str


def dataset_states(settings: Settings, today: date | None = None) -> list[DatasetState]:
    """State of every dataset of the catalogue, in its order.

    Args:
        today: day against which freshness is judged; the present day by default.
    """
    today = today or now_utc().date()
    entries = Lock(settings.paths.verrou).read()
    outcomes = Ledger(settings.paths.journal).outcomes()
    states = []
    for producteur, dataset in load_catalogue(settings.dbt_dir).datasets():
        key = (producteur, dataset.jeu)
        held = [entry for entry in entries.values() if (entry.producteur, entry.jeu) == key]
        telling = _telling([o for o in outcomes if (o.producteur, o.jeu) == key])
        vintages = tuple(sorted(entry.millesime for entry in held))
        states.append(
            DatasetState(
                producteur=producteur,
                jeu=dataset.jeu,
                millesimes=vintages,
                recu_le=max((f.recu_le[:10] for entry in held for f in entry.fichiers), default=None),
                fraicheur=freshness(dataset, vintages, today),
                derniere_issue=telling.issue.value if telling else "",
                raison=telling.raison if telling else "",
            )
        )
    return states


def _telling(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The outcome to show, from those of one dataset, oldest first.

    A refusal must not be hidden by another vintage of the same dataset that went well afterwards.
    """
    last = {outcome.millesime: outcome for outcome in outcomes}
    for issue in (Issue.REFUSE, Issue.REVISE):
        for outcome in last.values():
            if outcome.issue is issue:
                return outcome
    return outcomes[-1] if outcomes else None


def freshness(dataset: Dataset, vintages: tuple[str, ...], today: date) -> str:
    """Whether a newer vintage should have been published by now, in French.

    The vintage after the latest one ends its year one cadence later; it is due after the usual lag, and said
    to be late after one and a half times that lag. The days are counted from the due date.
    """
    if not vintages:
        return "aucun millésime"
    cycle = _DAYS_PER_CYCLE.get(dataset.cadence)
    if cycle is None:
        return "publication ponctuelle"
    latest = vintages[-1][:4]
    if dataset.delai_usuel_jours is None or not latest.isdigit():
        return "délai usuel non établi"
    measured = (today - date(int(latest), 1, 1)).days - cycle
    if measured <= dataset.delai_usuel_jours * _TOLERANCE:
        return "à jour"
    return f"nouveau millésime attendu depuis {measured - dataset.delai_usuel_jours} jours"

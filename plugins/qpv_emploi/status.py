"""What the warehouse holds of each dataset, how fresh it is, and what happened last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, Outcome, now_utc
from qpv_emploi.settings import Settings
from qpv_emploi.veille.calendrier import Etat, Expectation, etat_on, next_expected


@dataclass(frozen=True)
class DatasetState:
    """State of one dataset of the catalogue.

    Attributes:
        arrivee: how it comes, in a few words, in French.
        millesimes: vintages in use, sorted.
        recu_le: day the latest vintage was received (ISO), None without any.
        attendu: the next vintage, when it is due, and how late it is.
        etat: freshness on the day asked about.
        jours: days since the next vintage was due, 0 before.
        derniere_issue: last outcome of the ledger, empty without any.
        issue_le: day of that outcome (ISO), empty without any.
        raison: reason of that outcome, empty when there is nothing to say.
    """

    producteur: str
    jeu: str
    arrivee: str
    millesimes: tuple[str, ...]
    recu_le: str | None
    attendu: Expectation
    derniere_issue: str
    issue_le: str
    raison: str
    etat: Etat = Etat.SANS_ECHEANCE
    jours: int = 0


def dataset_states(settings: Settings, today: date | None = None) -> list[DatasetState]:
    """State of every dataset of the catalogue, in its order.

    Args:
        today: day against which freshness is judged; the present day by default.
    """
    today = today or now_utc().date()
    entries = Lock.of(settings.paths).read()
    outcomes = Ledger.of(settings.paths).outcomes()
    states = []
    for producteur, dataset in load_catalogue(settings.dbt_dir, settings.catalogue_dir).datasets():
        key = (producteur, dataset.jeu)
        held = [entry for entry in entries.values() if (entry.producteur, entry.jeu) == key]
        telling = _telling([o for o in outcomes if (o.producteur, o.jeu) == key])
        vintages = tuple(sorted(entry.millesime for entry in held))
        expected = next_expected(dataset, vintages, today)
        states.append(
            DatasetState(
                producteur=producteur,
                jeu=dataset.jeu,
                arrivee=dataset.acces.libelle,
                millesimes=vintages,
                recu_le=max((f.recu_le[:10] for entry in held for f in entry.fichiers), default=None),
                attendu=expected,
                derniere_issue=telling.issue.value if telling else "",
                issue_le=telling.le[:10] if telling else "",
                raison=telling.raison if telling else "",
                etat=etat_on(today, bool(vintages), expected.du_le, expected.retard_le),
                jours=max(0, (today - expected.du_le).days) if expected.du_le else 0,
            )
        )
    return states


def freshness_tally(states: Sequence[DatasetState]) -> str:
    """How many datasets are in each state, on one line, in French; states without any are left out."""
    counts = Counter(state.etat for state in states)
    return ", ".join(f"{counts[etat]} {etat.value}" for etat in Etat if counts[etat])


def late_datasets(settings: Settings, today: date | None = None) -> list[DatasetState]:
    """Datasets late beyond the tolerance, the latest first.

    Args:
        today: day against which lateness is judged; the present day by default.
    """
    states = dataset_states(settings, today)
    return sorted(
        (state for state in states if state.attendu.retard_jours),
        key=lambda state: -state.attendu.retard_jours,
    )


def _telling(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The outcome to show, from those of one dataset, oldest first.

    A refusal must not be hidden by another vintage of the same dataset that went well afterwards.
    """
    last: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        if outcome.millesime:
            # What failed for the whole dataset is over once one of its vintages goes through the same step.
            last.pop((outcome.etape, ""), None)
        last[outcome.etape, outcome.millesime] = outcome
    for issue in (Issue.REFUSE, Issue.REVISE):
        for outcome in last.values():
            if outcome.issue is issue:
                return outcome
    return outcomes[-1] if outcomes else None

"""State of each dataset: what is in use, how fresh it is, what happened last."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from qpv_emploi.catalogue import Dataset, load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, LockedFile, LockEntry, Outcome
from qpv_emploi.settings import Settings
from qpv_emploi.status import DatasetState, dataset_states, freshness

CATALOGUE = load_catalogue(Settings().dbt_dir)
IPRO = ("insee", "insertion_professionnelle")


def dataset(**changes: object) -> Dataset:
    return CATALOGUE.dataset(*IPRO).model_copy(update={"delai_usuel_jours": 330, **changes})


# Vintage 2021, yearly, usual lag 330 days: the next is due on 2022-11-27, late after 495 days.
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2021, 6, 1), "à jour"),
        (date(2022, 11, 28), "à jour"),
        (date(2023, 5, 11), "à jour"),
        (date(2023, 5, 12), "nouveau millésime attendu depuis 166 jours"),
        (date(2026, 11, 20), "nouveau millésime attendu depuis 1454 jours"),
    ],
)
def test_freshness_of_a_yearly_dataset(day: date, expected: str) -> None:
    assert freshness(dataset(), ("2017", "2021"), day) == expected


@pytest.mark.parametrize(
    ("changes", "vintages", "expected"),
    [
        ({}, (), "aucun millésime"),
        ({"cadence": "ponctuelle"}, ("2015",), "publication ponctuelle"),
        ({"delai_usuel_jours": None}, ("2021",), "délai usuel non établi"),
        ({}, ("mars-2021",), "délai usuel non établi"),
        (
            {"cadence": "trimestrielle", "delai_usuel_jours": 60},
            ("2023",),
            "nouveau millésime attendu depuis 213 jours",
        ),
    ],
)
def test_freshness_of_the_others(
    changes: dict[str, object], vintages: tuple[str, ...], expected: str
) -> None:
    assert freshness(dataset(**changes), vintages, date(2024, 1, 1)) == expected


def outcome(millesime: str, issue: Issue, raison: str = "", le: str = "2026-01-01T00:00:00.000Z") -> Outcome:
    return Outcome(le, *IPRO, millesime, issue, raison, (), (), None, (), (), None, "")


def state(tmp_path: Path, *outcomes: Outcome) -> DatasetState:
    settings = Settings(data_dir=tmp_path)
    for millesime, day in (("2021", "2026-03-01"), ("2018", "2026-03-02")):
        fichier = LockedFile("base.csv", "a" * 64, 10, f"{day}T08:00:00.000Z", {}, {})
        Lock(settings.paths.verrou).update(LockEntry(*IPRO, millesime, (fichier,)))
    Ledger(settings.paths.journal).append(*outcomes)
    (found,) = [s for s in dataset_states(settings, date(2026, 11, 20)) if (s.producteur, s.jeu) == IPRO]
    return found


def test_vintages_and_day_of_the_last_reception(tmp_path: Path) -> None:
    found = state(tmp_path)
    assert found.millesimes == ("2018", "2021")
    assert found.recu_le == "2026-03-02"
    assert (found.derniere_issue, found.raison) == ("", "")


def test_an_empty_warehouse_lists_every_dataset(tmp_path: Path) -> None:
    states = dataset_states(Settings(data_dir=tmp_path), date(2026, 1, 1))
    assert [(s.producteur, s.jeu) for s in states] == [(p, j.jeu) for p, j in CATALOGUE.datasets()]
    assert {(s.millesimes, s.recu_le, s.fraicheur) for s in states} == {((), None, "aucun millésime")}


def test_a_refusal_is_not_hidden_by_what_went_well_after(tmp_path: Path) -> None:
    found = state(tmp_path, outcome("2018", Issue.REFUSE, "tronqué"), outcome("2021", Issue.INCHANGE))
    assert (found.derniere_issue, found.raison) == ("refuse", "tronqué")


def test_a_refusal_goes_before_a_revision(tmp_path: Path) -> None:
    found = state(tmp_path, outcome("2018", Issue.REVISE, "révisé"), outcome("2021", Issue.REFUSE, "vide"))
    assert (found.derniere_issue, found.raison) == ("refuse", "vide")


def test_a_mended_refusal_is_forgotten(tmp_path: Path) -> None:
    found = state(
        tmp_path,
        outcome("2018", Issue.REFUSE, "tronqué"),
        outcome("2021", Issue.NOUVEAU),
        outcome("2018", Issue.INCHANGE),
    )
    assert (found.derniere_issue, found.raison) == ("inchange", "")


def test_a_dataset_that_came_back_is_no_more_absent(tmp_path: Path) -> None:
    found = state(
        tmp_path,
        outcome("2021", Issue.NOUVEAU),
        outcome("", Issue.ABSENT, "aucun millésime dans le dépôt"),
        outcome("2021", Issue.INCHANGE),
    )
    assert (found.derniere_issue, found.raison) == ("inchange", "")

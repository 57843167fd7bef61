"""State of each dataset: what is in use, how fresh it is, what happened last."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, LockedFile, LockEntry, Outcome
from qpv_emploi.settings import Settings
from qpv_emploi.status import DatasetState, dataset_states, late_datasets

CATALOGUE = load_catalogue(Settings().dbt_dir)
IPRO = ("insee", "insertion_professionnelle")


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
    assert (found.derniere_issue, found.issue_le, found.raison) == ("", "", "")
    assert found.arrivee == CATALOGUE.dataset(*IPRO).acces.libelle


def test_an_empty_warehouse_lists_every_dataset(tmp_path: Path) -> None:
    states = dataset_states(Settings(data_dir=tmp_path), date(2026, 1, 1))
    assert [(s.producteur, s.jeu) for s in states] == [(p, j.jeu) for p, j in CATALOGUE.datasets()]
    assert {(s.millesimes, s.recu_le, s.attendu.raison) for s in states} == {((), None, "aucun millésime")}
    assert late_datasets(Settings(data_dir=tmp_path), date(2026, 1, 1)) == []


def test_the_next_vintage_and_the_late_datasets_the_latest_first(tmp_path: Path) -> None:
    found = state(tmp_path, outcome("2021", Issue.NOUVEAU, le="2026-03-04T05:06:07.000Z"))
    assert (found.attendu.millesime, found.attendu.du_le) == ("2022", date(2022, 11, 27))
    assert found.issue_le == "2026-03-04"
    settings = Settings(data_dir=tmp_path)
    fichier = LockedFile("revn.csv", "b" * 64, 10, "2026-03-01T08:00:00.000Z", {}, {})
    Lock(settings.paths.verrou).update(LockEntry("insee", "revenus_qpv", "2021", (fichier,)))
    # Due on 2024-08-28 (970 days), within its tolerance on that day.
    assert [s.jeu for s in late_datasets(settings, date(2025, 12, 26))] == ["insertion_professionnelle"]
    late = late_datasets(settings, date(2025, 12, 27))
    assert [s.jeu for s in late] == ["insertion_professionnelle", "revenus_qpv"]


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


def test_a_reception_does_not_hide_a_refused_file(tmp_path: Path) -> None:
    received = replace(outcome("2021", Issue.INCHANGE, "rien de nouveau"), etape="reception")
    found = state(tmp_path, outcome("2021", Issue.REFUSE, "tronqué"), received)
    assert (found.derniere_issue, found.raison) == ("refuse", "tronqué")


def test_a_reception_that_works_again_is_no_more_refused(tmp_path: Path) -> None:
    refused = replace(outcome("", Issue.REFUSE, "page disparue"), etape="reception")
    assert state(tmp_path / "a", refused).derniere_issue == "refuse"
    received = replace(outcome("2021", Issue.INCHANGE), etape="reception")
    assert state(tmp_path / "b", refused, received).derniere_issue == "inchange"

"""The ledger: append-only, safe among processes, tolerant of a line cut short by a killed process."""

from __future__ import annotations

import json
import multiprocessing
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from qpv_emploi.conservation import ConservationError, Issue, Ledger, Outcome
from qpv_emploi.conservation.fichiers import exclusive

OUTCOME = Outcome(
    le="2026-11-20T13:56:00.000Z",
    producteur="insee",
    jeu="emploi",
    millesime="2021",
    issue=Issue.NOUVEAU,
    raison="",
    fichiers=("base é.csv",),
    empreintes=("ab" * 32,),
    nb_lignes=1204,
    colonnes_inconnues=("X_1", "X_2"),
    colonnes_absentes=(),
    nb_cellules_revisees=None,
    rapport="",
)
REFUSED = replace(
    OUTCOME,
    issue=Issue.REFUSE,
    raison="deux\nlignes \u2028 et « guillemets »",
    nb_lignes=None,
    empreintes=(),
)


@pytest.fixture
def chemin(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_round_trip(chemin: Path) -> None:
    journal = Ledger(chemin)
    assert (journal.outcomes(), journal.last_outcomes()) == ((), {})
    journal.append(OUTCOME)
    journal.append(REFUSED, replace(OUTCOME, issue=Issue.INCHANGE))
    relues = Ledger(chemin).outcomes()
    assert relues == (OUTCOME, REFUSED, replace(OUTCOME, issue=Issue.INCHANGE))
    assert all(isinstance(relue.issue, Issue) for relue in relues)
    assert len(chemin.read_bytes().splitlines()) == 3


def test_the_words_of_the_outcomes() -> None:
    assert [str(issue) for issue in Issue] == ["nouveau", "inchange", "revise", "refuse", "absent"]


def test_append_never_changes_what_is_written(chemin: Path) -> None:
    journal = Ledger(chemin)
    journal.append(OUTCOME)
    avant = chemin.read_bytes()
    journal.append(REFUSED)
    assert chemin.read_bytes().startswith(avant)


def test_last_outcomes_keeps_the_last_of_each_vintage(chemin: Path) -> None:
    autre = replace(OUTCOME, millesime="2020")
    absent = replace(OUTCOME, producteur="anct", millesime="", issue=Issue.ABSENT)
    # Written last wins, whatever the clock of the machine said.
    Ledger(chemin).append(OUTCOME, autre, absent, replace(REFUSED, le="2020-01-01T00:00:00.000Z"))
    derniers = Ledger(chemin).last_outcomes()
    assert list(derniers) == [
        ("anct", "emploi", ""),
        ("insee", "emploi", "2020"),
        ("insee", "emploi", "2021"),
    ]
    assert derniers["insee", "emploi", "2021"].issue is Issue.REFUSE
    assert derniers["anct", "emploi", ""] == absent


def test_every_cut_of_the_last_line(chemin: Path) -> None:
    """A process killed at any byte: what was whole is read, what follows starts on a new line."""
    Ledger(chemin).append(OUTCOME, REFUSED)
    entier = chemin.read_bytes()
    debut = entier.index(b"\n") + 1
    for coupe in range(debut, len(entier) + 1):
        chemin.write_bytes(entier[:coupe])
        # Only the line feed may miss from a whole line.
        lues = (OUTCOME, REFUSED) if coupe >= len(entier) - 1 else (OUTCOME,)
        assert Ledger(chemin).outcomes() == lues
        Ledger(chemin).append(OUTCOME)
        assert Ledger(chemin).outcomes() == (*lues, OUTCOME)
        assert json.loads(chemin.read_bytes().splitlines()[-1])["millesime"] == "2021"


def test_a_damaged_line_in_the_middle_is_told(chemin: Path) -> None:
    Ledger(chemin).append(OUTCOME, OUTCOME)
    premiere, seconde = chemin.read_bytes().splitlines(keepends=True)
    chemin.write_bytes(premiere + premiere[:40] + b"\n" + seconde)
    with pytest.raises(ConservationError, match=r"journal\.jsonl, ligne 2 : ligne illisible .* à faire : "):
        Ledger(chemin).outcomes()


def test_an_unknown_outcome_is_told(chemin: Path) -> None:
    Ledger(chemin).append(OUTCOME)
    chemin.write_bytes(chemin.read_bytes().replace(b'"nouveau"', b'"perdu"'))
    with pytest.raises(ConservationError, match="ligne 1"):
        Ledger(chemin).outcomes()


def test_fields_of_a_newer_version_are_ignored(chemin: Path) -> None:
    Ledger(chemin).append(OUTCOME)
    chemin.write_bytes(chemin.read_bytes().replace(b'{"le"', b'{"nouveau_champ": 1, "le"'))
    assert Ledger(chemin).outcomes() == (OUTCOME,)


def test_a_lock_held_too_long_is_told(tmp_path: Path, chemin: Path) -> None:
    with (
        FileLock(tmp_path / ".journal.jsonl.lock"),
        pytest.raises(ConservationError, match=r"journal\.jsonl : un autre processus .* à faire : "),
        exclusive(chemin, delai_s=0.1),
    ):
        pytest.fail("le verrou était tenu")


def test_append_waits_for_the_lock(tmp_path: Path, chemin: Path) -> None:
    # Without it, a line being written by another process would be taken for a line cut short.
    ecriture = threading.Thread(target=Ledger(chemin).append, args=(OUTCOME,))
    with FileLock(tmp_path / ".journal.jsonl.lock"):
        ecriture.start()
        ecriture.join(0.2)
        assert ecriture.is_alive()
        assert not chemin.exists()
    ecriture.join(60)
    assert Ledger(chemin).outcomes() == (OUTCOME,)


def _append_many(chemin: Path, nom: str, depart: object) -> None:
    depart.wait()  # type: ignore[attr-defined]
    for rang in range(10):
        Ledger(chemin).append(replace(OUTCOME, jeu=nom, raison=str(rang) * 5000))


def test_processes_that_append_at_once(chemin: Path) -> None:
    contexte = multiprocessing.get_context("spawn")
    depart = contexte.Barrier(3)
    processus = [contexte.Process(target=_append_many, args=(chemin, f"jeu_{i}", depart)) for i in range(3)]
    for un in processus:
        un.start()
    for un in processus:
        un.join(60)
    assert [un.exitcode for un in processus] == [0, 0, 0]
    ecrites = Ledger(chemin).outcomes()
    for i in range(3):
        assert [o.raison[0] for o in ecrites if o.jeu == f"jeu_{i}"] == list("0123456789")
    assert len(ecrites) == 30

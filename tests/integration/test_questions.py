"""The page of the evaluation questions: each query runs, each table is what the release says."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.questions import BLOC, PAGE, Executer, cellule, executer, recalculee, tableau

from qpv_emploi.entrepot import Release
from qpv_emploi.pipeline import RunReport
from qpv_emploi.settings import Settings

SEED = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "question_evaluative.csv"
LIGNES_MAX = 12
# A verdict on territories by position has no place on this page.
RANGS = re.compile(r"\b(rank|row_number|dense_rank|ntile|limit)\b", re.IGNORECASE)


def _questions() -> dict[str, str]:
    with SEED.open(encoding="utf-8", newline="") as flux:
        return {ligne["code"]: ligne["question"] for ligne in csv.DictReader(flux, delimiter=";")}


def _chapitres(page: str) -> dict[str, str]:
    morceaux = re.split(r"^## (Q\d\d) .*$", page, flags=re.MULTILINE)
    return dict(zip(morceaux[1::2], morceaux[2::2], strict=True))


def _execute(release: Release) -> Iterator[Executer]:
    with duckdb.connect(str(release.dossier / "entrepot.duckdb"), read_only=True) as connexion:
        yield executer(connexion)


@pytest.fixture(scope="module")
def execute_32(entrepot_32: tuple[Settings, RunReport]) -> Iterator[Executer]:
    assert entrepot_32[1].release is not None
    yield from _execute(entrepot_32[1].release)


@pytest.fixture(scope="module")
def execute_fictif(version_fictive: tuple[Release, list[str]]) -> Iterator[Executer]:
    yield from _execute(version_fictive[0])


def test_every_question_is_answered_in_its_own_words() -> None:
    page = PAGE.read_text("utf-8")
    chapitres, questions = _chapitres(page), _questions()
    assert list(chapitres) == sorted(questions) == [f"Q{numero:02}" for numero in range(1, 15)]
    for code, question in questions.items():
        chapitre = chapitres[code]
        assert question in " ".join(chapitre.replace("> ", "").split()), code
        assert 1 <= len(BLOC.findall(chapitre)) <= 2, code
        # No block of SQL escapes the check of its table.
        assert chapitre.count("```sql") == len(BLOC.findall(chapitre)), code
        assert "**Ce que l'entrepôt ne dit pas.**" in chapitre, code


def test_queries_are_short_ordered_and_never_rank() -> None:
    for bloc in BLOC.finditer(PAGE.read_text("utf-8")):
        sql = bloc["sql"]
        assert "\norder by " in sql, sql
        assert not RANGS.search(sql), sql
        assert sql.count("\n") <= 20, sql
        assert "select *" not in sql, sql


def test_a_value_is_printed_one_way() -> None:
    assert [cellule(v) for v in (None, True, False, 3, 2.5, -0.001, 1 / 3, "a|b")] == [
        "–", "oui", "non", "3", "2,5", "0", "0,33", "a\\|b",
    ]  # fmt: skip


def test_a_table_that_drifts_is_seen() -> None:
    requete = "```sql\nselect 1 as a\n```\n\n"
    page = requete + "<!-- résultat -->\n| a |\n| --- |\n| 2 |\n<!-- fin du résultat -->\n"
    with duckdb.connect() as connexion:
        assert recalculee(page, executer(connexion)) == page.replace("| 2 |", "| 1 |")


@pytest.mark.depot
def test_every_table_is_what_the_release_says(execute_32: Executer) -> None:
    """`python -m tests.questions <data_dir>` writes the tables again after a change of the warehouse."""
    page = PAGE.read_text("utf-8")
    for bloc in BLOC.finditer(page):
        colonnes, lignes = execute_32(bloc["sql"])
        assert 1 <= len(lignes) <= LIGNES_MAX, bloc["sql"]
        assert bloc["table"] == tableau(colonnes, lignes), bloc["sql"]


def test_every_query_runs_on_another_region(execute_fictif: Executer) -> None:
    for bloc in BLOC.finditer(PAGE.read_text("utf-8")):
        assert list(execute_fictif(bloc["sql"])[0]) == _colonnes(bloc["table"]), bloc["sql"]


def _colonnes(table: str) -> list[str]:
    return table.split("\n", 1)[0].strip("| ").split(" | ")

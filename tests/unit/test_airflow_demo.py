"""The demo: when it is over, and what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from qpv_emploi.airflow.api import Run, TaskState
from qpv_emploi.airflow.demo import Watch, describe_results
from qpv_emploi.settings import Paths


class Airflow:
    """An Airflow whose state is set by hand."""

    def __init__(self) -> None:
        self.existing: list[Run] = []
        self.waiting: set[str] = set()
        self.tasks: list[TaskState] = []

    def dag_ids(self) -> set[str]:
        return {"entrepot", "ingestion_insee"}

    def runs(self, dag_id: str) -> list[Run]:
        return [run for run in reversed(self.existing) if run.dag_id == dag_id]

    def has_waiting_events(self, dag_id: str) -> bool:
        return dag_id in self.waiting

    def task_states(self, run: Run) -> list[TaskState]:
        return [tache for tache in self.tasks if tache.run_id == run.run_id]

    def first_error(self, task: TaskState) -> str:
        return f"raison de {task.task_id}"


def _task(run_id: str, state: str | None, label: str = "") -> TaskState:
    return TaskState("ingestion_insee", run_id, "ingerer__cog", 0, label, state, 1)


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


def _watch(airflow: Airflow) -> tuple[Watch, list[str]]:
    lignes: list[str] = []
    return Watch(airflow, lignes.append, 0.0), lignes  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "calme"), [("queued", False), ("running", False), ("failed", True)])
def test_a_run_that_is_not_over_keeps_the_demo_waiting(airflow: Airflow, state: str, calme: bool) -> None:
    watch, _ = _watch(airflow)
    airflow.existing = [Run("ingestion_insee", "r1", "success"), Run("entrepot", "r2", state)]
    assert watch.is_quiet() is calme


def test_an_event_that_has_not_started_its_run_keeps_the_demo_waiting(airflow: Airflow) -> None:
    watch, _ = _watch(airflow)
    airflow.existing = [Run("ingestion_insee", "r1", "success")]
    airflow.waiting = {"entrepot"}
    assert not watch.is_quiet()
    airflow.waiting = set()
    assert watch.is_quiet()


def test_runs_of_an_earlier_demo_are_not_counted(airflow: Airflow) -> None:
    airflow.existing = [Run("entrepot", "vieux", "failed")]
    watch, lignes = _watch(airflow)
    airflow.existing.append(Run("entrepot", "neuf", "success"))
    assert [run.run_id for run in watch.new_runs()] == ["neuf"]
    watch.is_quiet()
    assert len(lignes) == 1


def test_a_failed_task_is_named_with_its_reason(airflow: Airflow) -> None:
    watch, lignes = _watch(airflow)
    airflow.existing = [Run("ingestion_insee", "r1", "failed")]
    airflow.tasks = [
        _task("r1", "failed", "2021"),
        _task("r1", "success", "2020"),
        _task("r1", "skipped", "2019"),
    ]
    watch.is_quiet()
    assert "ingestion_insee : en échec, 1 tâche(s) réussie(s), 1 sans objet" in lignes[0]
    assert lignes[1].endswith("ingerer__cog [2021] en échec : raison de ingerer__cog")


def test_the_same_state_is_said_once(airflow: Airflow) -> None:
    watch, lignes = _watch(airflow)
    airflow.existing = [Run("ingestion_insee", "r1", "running")]
    airflow.tasks = [_task("r1", "success"), _task("r1", None)]
    watch.is_quiet()
    watch.is_quiet()
    assert len(lignes) == 1
    assert "ingestion_insee : en cours, 1 tâche(s) finie(s) sur 2" in lignes[0]
    airflow.existing = [Run("ingestion_insee", "r1", "success")]
    watch.is_quiet()
    watch.is_quiet()
    assert len(lignes) == 2


def test_the_end_says_where_warehouse_marts_and_site_are(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    version, diffusion = paths.versions / "v1", paths.publications / "v1"
    version.mkdir(parents=True)
    paths.courant.symlink_to(version)
    alone = describe_results(paths)
    assert alone == [
        "Version publiée : v1",
        f"Entrepôt (DuckDB, SQL en lecture seule) : {paths.courant / 'entrepot.duckdb'}",
    ]
    (diffusion / "fichiers" / "csv").mkdir(parents=True)
    (diffusion / "fichiers" / "LISEZMOI.txt").touch()
    (diffusion / "site").mkdir()
    (diffusion / "site" / "index.html").touch()
    (paths.publications / "courante").symlink_to("v1")
    lignes = describe_results(paths)
    assert lignes[:2] == alone
    seen = paths.publications / "courante"
    assert lignes[2].endswith(f" : {seen / 'fichiers'}")
    assert lignes[3:5] == ["  LISEZMOI.txt", "  csv/"]
    assert lignes[5] == f"Site, à ouvrir dans un navigateur : {seen / 'site' / 'index.html'}"

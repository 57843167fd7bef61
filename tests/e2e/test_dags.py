"""The DAG files as Airflow sees them: what they declare, and what their import costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.settings import Settings
from qpv_emploi.veille.calendrier import crons

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

ROOT = Path(__file__).resolve().parents[2]

# Seconds, beyond the import of Airflow itself.
IMPORT_LIMIT = 2.0
HEAVY = ("pandas", "duckdb", "dbt", "great_expectations", "geopandas", "pyarrow")


@pytest.fixture(scope="module")
def dagbag(airflow_home: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


@pytest.fixture(scope="module")
def datasets() -> list[tuple[str, str]]:
    catalogue = load_catalogue(Settings().dbt_dir)
    return [(producteur, jeu.jeu) for producteur, jeu in catalogue.datasets()]


def test_the_dags_are_exactly_these(dagbag: Any, datasets: list[tuple[str, str]]) -> None:
    assert dagbag.import_errors == {}
    producteurs = {producteur for producteur, _ in datasets}
    assert {"insee", "sig_ville"} <= producteurs
    ingestions = {f"ingestion_{producteur}" for producteur in producteurs}
    assert set(dagbag.dags) == {"depot", "entrepot", "publication", "veille", *ingestions}


def test_each_dataset_has_its_tasks(dagbag: Any) -> None:
    """A pair of tasks, and a third one before them when the producer serves the dataset."""
    attendues: dict[str, set[str]] = {}
    for producteur, jeu in load_catalogue(Settings().dbt_dir).datasets():
        etapes = ("recenser", "ingerer") if jeu.acces.mode == "depot" else ("recevoir", "recenser", "ingerer")
        taches = attendues.setdefault(f"ingestion_{producteur}", set())
        taches.update(f"{etape}__{jeu.jeu}" for etape in etapes)
    assert {dag_id: set(dagbag.dags[dag_id].task_ids) for dag_id in attendues} == attendues
    assert any(tache.startswith("recevoir__") for tache in attendues["ingestion_insee"])


def test_what_lies_here_is_read_whatever_becomes_of_the_reception(dagbag: Any) -> None:
    dag = dagbag.dags["ingestion_insee"]
    recenser = dag.get_task("recenser__cog")
    assert recenser.upstream_task_ids == {"recevoir__cog"}
    assert recenser.trigger_rule == "all_done"
    assert dag.get_task("recevoir__cog").pool == "default_pool"


def test_an_ingestion_task_is_mapped_over_vintages_and_updates_its_asset(
    dagbag: Any, datasets: list[tuple[str, str]]
) -> None:
    for producteur, jeu in datasets:
        tache = dagbag.dags[f"ingestion_{producteur}"].get_task(f"ingerer__{jeu}")
        assert tache.is_mapped
        assert tache.upstream_task_ids == {f"recenser__{jeu}"}
        assert "millesime" in tache.partial_kwargs["map_index_template"]
        assert [(asset.name, asset.uri) for asset in tache.outlets] == [
            (f"{producteur}/{jeu}", f"x-qpv://{producteur}/{jeu}")
        ]
        assert tache.max_active_tis_per_dag == 2


def scheduled(dag: Any) -> Any:
    """The timetable as the scheduler sees it: written to the database, then read again."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable


def runs_after(dag: Any, day: datetime, number: int) -> list[str]:
    """The next runs that the timetable plans, in Paris."""
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    timetable, found, last = scheduled(dag), list[str](), DataInterval.exact(instance(day))
    for _ in range(number):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(None, None, catchup=True)
        )
        last = info.data_interval
        found.append(info.run_after.in_timezone("Europe/Paris").format("ddd D MMM HH:mm", locale="en"))
    return found


def test_an_ingestion_is_timed_by_the_catalogue_one_run_at_a_time(dagbag: Any) -> None:
    for dag_id, dag in dagbag.dags.items():
        if "ingestion" in dag.tags:
            producer = next(
                p for p in load_catalogue(Settings().dbt_dir).producteurs if dag_id.endswith(p.producteur)
            )
            assert [cron.expression for cron in dag.timetable.timetable.timetables] == list(
                crons(producer.jeux)
            )
            assert dag.catchup is False
            assert dag.max_active_runs == 1
    saturday_noon = datetime(2026, 5, 30, 12, tzinfo=UTC)
    # Nothing of the Insee is usually out in June.
    assert runs_after(dagbag.dags["ingestion_insee"], saturday_noon, 4) == [
        "Sun 31 May 06:00",
        "Mon 1 Jun 06:00",
        "Mon 8 Jun 06:00",
        "Mon 15 Jun 06:00",
    ]
    assert runs_after(dagbag.dags["ingestion_geo"], saturday_noon, 2) == [
        "Mon 1 Jun 06:00",
        "Mon 8 Jun 06:00",
    ]


def test_the_folder_of_its_producer_wakes_an_ingestion(dagbag: Any) -> None:
    watching = dagbag.dags["depot"].get_task("regarder")
    assert dagbag.dags["depot"].timetable.expression == "*/5 * * * *"
    assert [alias.name for alias in watching.outlets] == ["depot/change"]
    awaited = {
        asset.uri
        for dag in dagbag.dags.values()
        if "ingestion" in dag.tags
        for asset in dag.timetable.asset_condition.objects
    }
    assert awaited == {asset.uri for asset in watching.inlets}
    assert "x-qpv://depot/insee" in awaited


def test_every_monday_the_warehouse_catches_what_was_missed(dagbag: Any) -> None:
    assert runs_after(dagbag.dags["entrepot"], datetime(2026, 5, 30, 12, tzinfo=UTC), 2) == [
        "Mon 1 Jun 09:00",
        "Mon 8 Jun 09:00",
    ]
    assert scheduled(dagbag.dags["entrepot"]).can_be_scheduled


def test_any_dataset_wakes_the_warehouse(dagbag: Any, datasets: list[tuple[str, str]]) -> None:
    from airflow.sdk import AssetAny

    condition = dagbag.dags["entrepot"].timetable.asset_condition
    assert isinstance(condition, AssetAny)
    assert {asset.uri for asset in condition.objects} == {
        f"x-qpv://{producteur}/{jeu}" for producteur, jeu in datasets
    }


def test_the_warehouse_is_built_then_audited_then_published_by_one_task_at_a_time(dagbag: Any) -> None:
    dag = dagbag.dags["entrepot"]
    assert set(dag.task_ids) == {"construire", "auditer", "publier"}
    assert dag.get_task("auditer").upstream_task_ids == {"construire"}
    assert dag.get_task("publier").upstream_task_ids == {"construire", "auditer"}
    assert {tache.pool for tache in dag.tasks} == {"entrepot"}
    assert dag.max_active_runs == 1
    assert [asset.uri for asset in dag.get_task("publier").outlets] == ["x-qpv://entrepot/publie"]
    # Waiting for the ingestions must not hold the slot.
    assert dag.get_task("construire").reschedule is True


def test_the_published_warehouse_wakes_the_publication(dagbag: Any) -> None:
    dag = dagbag.dags["publication"]
    assert [asset.uri for asset in dag.timetable.asset_condition.objects] == ["x-qpv://entrepot/publie"]
    assert set(dag.task_ids) == {"diffuser", "servir"}
    # A database that is down must not keep the site from being made; retention waits for both.
    assert not any(tache.upstream_task_ids for tache in dag.tasks)
    assert {tache.pool for tache in dag.tasks} == {"entrepot"}
    assert dag.max_active_runs == 1
    assert {name: dag.params.get_param(name).value for name in ("version", "force")} == {
        "version": "",
        "force": False,
    }


def test_force_is_a_documented_parameter(dagbag: Any) -> None:
    force = dagbag.dags["entrepot"].params.get_param("force")
    assert force.value is False
    assert force.schema["type"] == "boolean"
    assert force.description


def test_an_ingestion_can_be_asked_for_some_vintages_and_forced(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        if "ingestion" not in dag.tags:
            continue
        millesimes, force = (dag.params.get_param(name) for name in ("millesimes", "force"))
        assert millesimes.value == []
        assert millesimes.schema["items"] == {"type": "string"}
        assert force.value is False
        for param in (millesimes, force):
            assert param.schema["title"]
            assert param.description or param.schema["description_md"]
        for jeu in load_catalogue(Settings().dbt_dir).datasets():
            if dag.dag_id == f"ingestion_{jeu[0]}":
                assert f"`{jeu[1].millesime.motif}`" in millesimes.schema["description_md"]


def test_each_producer_documents_itself_from_the_catalogue(dagbag: Any) -> None:
    for producteur, jeu in load_catalogue(Settings().dbt_dir).datasets():
        page = dagbag.dags[f"ingestion_{producteur}"].doc_md
        for text in (jeu.titre, jeu.description, jeu.licence, jeu.page, jeu.acces.libelle, jeu.avertissement):
            assert " ".join(text.split()) in page, f"{producteur}/{jeu.jeu}"
        assert f"`{jeu.millesime.motif}`, {jeu.millesime.sens}" in page


def test_the_watch_runs_after_the_ingestions_and_never_beside_a_build(dagbag: Any) -> None:
    dag = dagbag.dags["veille"]
    assert dag.timetable.expression == "30 7 * * *"
    assert str(dag.timetable.timezone) == "Europe/Paris"
    assert set(dag.task_ids) == {"retards", "nouveautes", "integrite", "menage"}
    # One that fails must not hide the others.
    assert not any(tache.upstream_task_ids for tache in dag.tasks)
    assert {tache.task_id for tache in dag.tasks if tache.pool == "entrepot"} == {"menage"}
    assert dag.params.get_param("integrite").value == "le lundi"
    assert dag.params.get_param("menage").value is True


def test_every_dag_is_documented_and_owned(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        assert dag.doc_md.strip()
        assert dag.description
        assert dag.tags
        assert {tache.owner for tache in dag.tasks} == {"entrepot"}
        for tache in dag.tasks:
            assert (tache.partial_kwargs["doc_md"] if tache.is_mapped else tache.doc_md).strip(), (
                tache.task_id
            )


def test_every_final_failure_is_told_and_each_release_announced(dagbag: Any) -> None:
    from qpv_emploi.airflow.notifications import announce_release, tell_failure

    for dag in dagbag.dags.values():
        for tache in dag.tasks:
            if tache.is_mapped:
                assert tache.partial_kwargs["on_failure_callback"] is tell_failure, tache.task_id
            else:
                assert tache.on_failure_callback == [tell_failure], tache.task_id
    assert dagbag.dags["entrepot"].get_task("publier").on_success_callback == [announce_release]


_TIMED_IMPORT = """
import json, runpy, sys, time
from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, Param, PokeReturnValue, task
task.sensor
debut = time.process_time()
runpy.run_path(sys.argv[1])
duree = time.process_time() - debut
print(json.dumps({"secondes": duree, "modules": sorted({nom.split(".")[0] for nom in sys.modules})}))
"""


@pytest.mark.parametrize("fichier", sorted(chemin.name for chemin in (ROOT / "dags").glob("*.py")))
def test_the_import_of_a_dag_file_is_cheap(fichier: str, airflow_home: Path) -> None:
    """Airflow parses each file again and again, and once more in every task."""
    fini = subprocess.run(
        [sys.executable, "-c", _TIMED_IMPORT, str(ROOT / "dags" / fichier)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    mesure = json.loads(fini.stdout.splitlines()[-1])
    assert mesure["secondes"] < IMPORT_LIMIT
    assert "qpv_emploi" in mesure["modules"]
    assert [nom for nom in HEAVY if nom in mesure["modules"]] == []

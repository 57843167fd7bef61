"""The DAG files as Airflow sees them: what they declare, and what their import costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.settings import Settings

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


def test_the_dags_are_exactly_these(dagbag: Any) -> None:
    assert dagbag.import_errors == {}
    producteurs = ("c2rp", "dares", "france_travail", "geo", "insee", "sig_ville", "tiers")
    assert set(dagbag.dags) == {"entrepot", *(f"ingestion_{producteur}" for producteur in producteurs)}


def test_each_dataset_has_its_pair_of_tasks(dagbag: Any, datasets: list[tuple[str, str]]) -> None:
    for producteur in {producteur for producteur, _ in datasets}:
        attendues = {
            tache
            for p, jeu in datasets
            if p == producteur
            for tache in (f"recenser__{jeu}", f"ingerer__{jeu}")
        }
        dag = dagbag.dags[f"ingestion_{producteur}"]
        assert set(dag.task_ids) == attendues
    assert len(datasets) == sum(len(dag.tasks) for dag in dagbag.dags.values() if "ingestion" in dag.tags) / 2


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


def test_ingestion_runs_daily_one_run_at_a_time(dagbag: Any) -> None:
    for dag_id in ("ingestion_insee", "ingestion_sig_ville"):
        dag = dagbag.dags[dag_id]
        assert dag.timetable.expression == "0 6 * * *"
        assert str(dag.timetable.timezone) == "Europe/Paris"
        assert dag.catchup is False
        assert dag.max_active_runs == 1


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


def test_force_is_a_documented_parameter(dagbag: Any) -> None:
    force = dagbag.dags["entrepot"].params.get_param("force")
    assert force.value is False
    assert force.schema["type"] == "boolean"
    assert force.description


def test_every_dag_is_documented_and_owned(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        assert dag.doc_md.strip()
        assert dag.description
        assert dag.tags
        assert {tache.owner for tache in dag.tasks} == {"entrepot"}


_TIMED_IMPORT = """
import json, runpy, sys, time
from airflow.sdk import DAG, AssetAny, CronTriggerTimetable, Param, PokeReturnValue, task
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

"""The DAGs at work on a small fictional region, without a scheduler (``dag.test()``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.socle import SOCLE

from qpv_emploi.fictif import generate
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

ROOT = Path(__file__).resolve().parents[2]
INGESTIONS = ("ingestion_insee", "ingestion_sig_ville")
# Few datasets and vintages: one dataset with several is enough to see the mapping at work.
MILLESIMES = {
    **SOCLE,
    "insertion_professionnelle": ("2020", "2021"),
    "demographie_qpv": ("2021",),
    "revenus_qpv": ("2021",),
}
NB_VINTAGES = sum(len(millesimes) for millesimes in MILLESIMES.values())


@dataclass(frozen=True)
class Played:
    """What a run of a DAG left behind.

    Attributes:
        state: of the run.
        tasks: (task id, map index) -> state.
        labels: readable indices of the mapped tasks.
        events: (asset name, extra) of the events of the run, in order.
        errors: lines of error in the log.
    """

    state: str
    tasks: dict[tuple[str, int], str]
    labels: set[str]
    events: list[tuple[str, dict[str, Any]]]
    errors: list[str]

    def mapped_states(self, prefix: str) -> list[str]:
        """States of the mapped tasks; a dataset without any vintage leaves one unmapped, skipped."""
        return [
            state
            for (task_id, map_index), state in sorted(self.tasks.items())
            if task_id.startswith(prefix) and map_index >= 0
        ]

    def states(self, prefix: str) -> list[str]:
        return [state for (task_id, _), state in self.tasks.items() if task_id.startswith(prefix)]


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def play(dag_id: str, **conf: Any) -> Played:
    """Run a DAG to its end in this process."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    dagbag = DagBag(ROOT / "dags")
    assert dagbag.import_errors == {}
    erreurs = _Errors()
    journal = logging.getLogger("qpv_emploi.airflow.taches")
    journal.addHandler(erreurs)
    try:
        run = dagbag.dags[dag_id].test(run_conf=conf)
    finally:
        journal.removeHandler(erreurs)
    instances = run.get_task_instances()
    with create_session() as session:
        evenements = session.execute(
            select(AssetModel.name, AssetEvent.extra)
            .join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
            .where(AssetEvent.source_dag_id == dag_id, AssetEvent.source_run_id == run.run_id)
            .order_by(AssetEvent.id)
        )
        return Played(
            state=str(run.state),
            tasks={(ti.task_id, ti.map_index): str(ti.state) for ti in instances},
            labels={ti.rendered_map_index for ti in instances if ti.rendered_map_index},
            events=[(nom, extra) for nom, extra in evenements],
            errors=erreurs.lines,
        )


@dataclass(frozen=True)
class Chain:
    """The same installation, played through step by step."""

    settings: Settings
    first: dict[str, Played]
    built: Played
    release: str
    second: dict[str, Played]
    rebuilt: Played
    refused_file: Path
    refused: Played


def play_chain(base: Path) -> Chain:
    """Fill an installation with the DAGs, twice, then with a bad file. Played once: fixture ``chain``."""
    generate(base / "depot", graine=12, nb_qpv=12, millesimes=MILLESIMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QPV_DATA_DIR", str(base / "data"))
        patch.setenv("QPV_DEPOT", str(base / "depot"))
        patch.setenv("QPV_REGION", "99")
        settings = Settings()
        first = {dag_id: play(dag_id) for dag_id in INGESTIONS}
        built = play("entrepot")
        release = settings.paths.courant.resolve().name if settings.paths.courant.exists() else ""
        second = {dag_id: play(dag_id) for dag_id in INGESTIONS}
        rebuilt = play("entrepot")
        (fichier,) = (base / "depot" / "insee" / "revenus_qpv" / "2021").glob("*.csv")
        fichier.write_bytes(b"<!DOCTYPE html><html><body>Maintenance</body></html>")
        refused = play("ingestion_insee")
        return Chain(settings, first, built, release, second, rebuilt, fichier, refused)


def test_every_vintage_of_the_depot_is_ingested(chain: Chain) -> None:
    ingested = [state for played in chain.first.values() for state in played.mapped_states("ingerer__")]
    assert ingested == ["success"] * NB_VINTAGES
    assert {played.state for played in chain.first.values()} == {"success"}


def test_a_mapped_task_is_named_after_its_vintage(chain: Chain) -> None:
    assert chain.first["ingestion_sig_ville"].labels == {
        *MILLESIMES["qpv_2015"],
        *MILLESIMES["contrats_ville"],
    }


def test_each_ingested_vintage_emits_one_event_with_its_facts(chain: Chain) -> None:
    events = [event for played in chain.first.values() for event in played.events]
    assert len(events) == NB_VINTAGES
    (population,) = [extra for nom, extra in events if nom == "insee/population_qpv"]
    assert population["millesime"] == "2013"
    assert population["issue"] == "nouveau"
    assert population["nb_lignes"] > 0
    assert [len(empreinte) for empreinte in population["empreintes"]] == [64]


def test_the_warehouse_is_published(chain: Chain) -> None:
    assert chain.built.tasks == {
        ("construire", -1): "success",
        ("auditer", -1): "success",
        ("publier", -1): "success",
    }
    ((nom, extra),) = chain.built.events
    assert nom == "entrepot/publie"
    assert extra["version"] == chain.release != ""
    assert extra["nb_observations"] > 0
    assert extra["est_fictif"] is True
    assert (chain.settings.paths.courant / "entrepot.duckdb").is_file()


def test_a_second_ingestion_skips_everything_and_wakes_nothing(chain: Chain) -> None:
    ingested = [state for played in chain.second.values() for state in played.mapped_states("ingerer__")]
    assert ingested == ["skipped"] * NB_VINTAGES
    assert [event for played in chain.second.values() for event in played.events] == []


def test_a_warehouse_with_nothing_new_is_neither_built_nor_published(chain: Chain) -> None:
    assert set(chain.rebuilt.tasks.values()) == {"skipped"}
    assert len(chain.rebuilt.tasks) == 3
    assert chain.rebuilt.events == []
    assert chain.settings.paths.courant.resolve().name == chain.release


def test_a_refused_file_fails_its_own_task_only_and_says_why_on_one_line(chain: Chain) -> None:
    states = chain.refused.states("ingerer__")
    assert states.count("failed") == 1
    assert set(states) == {"failed", "skipped"}
    assert chain.refused.state == "failed"
    ((task_id, _),) = [cle for cle, state in chain.refused.tasks.items() if state == "failed"]
    assert task_id == "ingerer__revenus_qpv"
    (raison,) = [ligne for ligne in chain.refused.errors if "refus" in ligne]
    assert f"insee/revenus_qpv/2021/{chain.refused_file.name}" in raison
    assert "\n" not in raison
    assert chain.refused.events == []

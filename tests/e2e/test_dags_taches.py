"""What a task makes of each answer of the pipeline: done, skipped, failed for good, or not yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from qpv_emploi import pipeline
from qpv_emploi.catalogue.loading import FOLDER
from qpv_emploi.conservation import Issue, Outcome, StorageUnavailable
from qpv_emploi.entrepot import NodeResult, Release
from qpv_emploi.errors import AuditError, BuildError, SettingsError
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

# As the DAG declares them.
PARAMS: dict[str, Any] = {"millesimes": [], "force": False}

OUTCOME = Outcome(
    le="2026-03-01T12:00:00Z",
    producteur="insee",
    jeu="cog",
    millesime="2024",
    issue=Issue.NOUVEAU,
    raison="",
    fichiers=("cog.zip",),
    empreintes=("ab" * 32,),
    nb_lignes=7,
    colonnes_inconnues=(),
    colonnes_absentes=(),
    nb_cellules_revisees=None,
    rapport="",
)


@pytest.fixture
def taches(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from qpv_emploi.airflow import taches

    monkeypatch.setattr(taches, "load_settings", Settings)
    return taches


def answer(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    """Make a function of the pipeline return a value, or raise it when it is an exception."""

    def reply(*args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(pipeline, name, reply)


def outlets() -> Any:
    return defaultdict(SimpleNamespace)


# INCHANGE with rows: the same bytes were read again under other rules.
@pytest.mark.parametrize("issue", [Issue.NOUVEAU, Issue.REVISE, Issue.INCHANGE])
def test_news_is_told_in_the_event(taches: ModuleType, monkeypatch: pytest.MonkeyPatch, issue: Issue) -> None:
    answer(monkeypatch, "ingest_vintage", replace(OUTCOME, issue=issue))
    events = outlets()
    taches.ingest("insee", "cog", "2024", params=PARAMS, outlet_events=events)
    assert {asset.name: event.extra for asset, event in events.items()} == {
        "insee/cog": {
            "millesime": "2024",
            "issue": issue.value,
            "empreintes": ["ab" * 32],
            "nb_lignes": 7,
        }
    }


@pytest.mark.parametrize("issue", [Issue.INCHANGE, Issue.ABSENT])
def test_no_news_is_a_skip_without_event(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, issue: Issue
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    answer(monkeypatch, "ingest_vintage", replace(OUTCOME, issue=issue, nb_lignes=None))
    events = outlets()
    with pytest.raises(AirflowSkipException, match=f"insee/cog/2024 : {issue.value}"):
        taches.ingest("insee", "cog", "2024", params=PARAMS, outlet_events=events)
    assert not events


def test_a_refusal_fails_for_good_with_its_reason_on_one_line(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    answer(
        monkeypatch, "ingest_vintage", replace(OUTCOME, issue=Issue.REFUSE, raison="page HTML\nà la place")
    )
    with pytest.raises(AirflowFailException) as vu:
        taches.ingest("insee", "cog", "2024", params=PARAMS, outlet_events=outlets())
    assert str(vu.value) == "page HTML à la place"


@pytest.mark.parametrize(
    ("name", "erreur"),
    [
        ("vintages_in_depot", SettingsError("pas de dépôt")),
        ("ingest_vintage", SettingsError("fictif et réel mêlés")),
        ("build", BuildError("jeu de référence absent")),
        ("audit", AuditError("table vide")),
        ("publish", BuildError("candidat introuvable")),
    ],
)
def test_an_error_for_the_operator_is_not_tried_again(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, erreur: Exception
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    answer(monkeypatch, name, erreur)
    calls = {
        "vintages_in_depot": lambda: taches.survey_vintages("insee", "cog", params=PARAMS),
        "ingest_vintage": lambda: taches.ingest(
            "insee", "cog", "2024", params=PARAMS, outlet_events=outlets()
        ),
        "build": lambda: build(taches),
        "audit": lambda: taches.audit("c1"),
        "publish": lambda: taches.publish("c1", outlet_events=outlets()),
    }
    with pytest.raises(AirflowFailException, match=str(erreur)):
        calls[name]()


def test_an_unexpected_error_goes_through_and_is_retried(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "ingest_vintage", OSError("disque plein"))
    with pytest.raises(OSError, match="disque plein"):
        taches.ingest("insee", "cog", "2024", params=PARAMS, outlet_events=outlets())


def test_a_storage_that_does_not_answer_is_tried_again(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    answer(monkeypatch, "ingest_vintage", StorageUnavailable("s3://seau : stockage\ninjoignable"))
    with pytest.raises(AirflowException, match=r"^s3://seau : stockage injoignable$") as panne:
        taches.ingest("insee", "cog", "2024", params=PARAMS, outlet_events=outlets())
    assert not isinstance(panne.value, AirflowFailException)


def test_the_parameters_of_an_ingestion_reach_the_pipeline(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def vintages(settings: Settings, producteur: str, jeu: str, asked: list[str]) -> list[str]:
        seen.append(asked)
        return asked

    def ingest(settings: Settings, producteur: str, jeu: str, millesime: str, *, force: bool) -> Outcome:
        seen.append(force)
        return OUTCOME

    monkeypatch.setattr(pipeline, "vintages_in_depot", vintages)
    monkeypatch.setattr(pipeline, "ingest_vintage", ingest)
    params = {"millesimes": ["2018"], "force": True}
    assert taches.survey_vintages("insee", "cog", params=params) == ["2018"]
    taches.ingest("insee", "cog", "2018", params=params, outlet_events=outlets())
    assert seen == [["2018"], True]


def build(
    taches: ModuleType, *, in_progress: int = 0, since: datetime | None = None, force: bool = False
) -> Any:
    """Call the task with that many ingestion runs in progress, for each producer."""
    ti = SimpleNamespace(get_dr_count=lambda dag_id, states: in_progress)
    dag_run = SimpleNamespace(start_date=since or datetime.now(UTC))
    return taches.build_when_quiet(params={"force": force}, ti=ti, dag_run=dag_run)


def test_the_build_waits_for_the_ingestions(taches: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "build", AssertionError("construit trop tôt"))
    assert not build(taches, in_progress=1).is_done


def test_the_build_waits_only_while_ingestions_are_queued_or_running(taches: ModuleType) -> None:
    vus = []

    def count(dag_id: str, states: list[str]) -> int:
        vus.append((dag_id, tuple(states)))
        return 2

    assert taches.ingestions_in_progress(SimpleNamespace(get_dr_count=count)) == 2 * len(vus)
    producteurs = {chemin.stem for chemin in FOLDER.glob("*.yml")}
    assert "insee" in producteurs
    assert set(vus) == {(f"ingestion_{producteur}", ("queued", "running")) for producteur in producteurs}


@pytest.mark.parametrize(
    ("en_cours", "attendu_depuis", "attend"),
    [
        (1, timedelta(minutes=29), True),
        (1, timedelta(minutes=31), False),
        (0, timedelta(0), False),
    ],
)
def test_the_wait_is_bounded(
    taches: ModuleType, en_cours: int, attendu_depuis: timedelta, attend: bool
) -> None:
    assert taches.must_wait(en_cours, NOON - attendu_depuis, NOON) is attend


def test_nothing_new_skips_the_build(taches: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    answer(monkeypatch, "build", None)
    with pytest.raises(AirflowSkipException, match="rien n'a changé"):
        build(taches)


@pytest.mark.parametrize("force", [True, False])
def test_force_reaches_the_pipeline_and_the_candidate_comes_back(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    recus: list[bool] = []

    def construire(settings: Settings, *, force: bool) -> str:
        recus.append(force)
        return "c1"

    monkeypatch.setattr(pipeline, "build", construire)
    answer(monkeypatch, "node_results", [])
    resultat = build(taches, force=force)
    assert recus == [force]
    assert resultat.is_done
    assert resultat.xcom_value == "c1"


def test_nodes_are_listed_failures_first_then_the_slowest(taches: ModuleType) -> None:
    lignes = taches.node_lines(
        [
            NodeResult("rapide", "model", "success", 0.1, None, "OK"),
            NodeResult("lent", "model", "success", 9.0, None, "OK"),
            NodeResult("ecart", "test", "warn", 0.2, 3, "Got 3\nresults"),
        ]
    )
    assert [ligne.split()[4] for ligne in lignes] == ["ecart", "lent", "rapide"]
    assert lignes[0].endswith(": Got 3 results")
    assert lignes[1].split()[:2] == ["success", "9.00"]


def test_warnings_of_the_audit_are_logged_and_kept(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer(monkeypatch, "audit", ["une table a\nrétréci"])
    with caplog.at_level("WARNING", logger=taches.__name__):
        assert taches.audit("c1") == ["une table a\nrétréci"]
    assert "une table a rétréci" in caplog.messages


def test_the_published_release_is_told_in_the_event(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Release("v1", Path("/publie/v1"), "2026-03-01", "99", "ff", {"fct_observation": 5}, True, True)
    answer(monkeypatch, "publish", version)
    events = outlets()
    assert taches.publish("c1", outlet_events=events) == "v1"
    assert {asset.name: event.extra for asset, event in events.items()} == {
        "entrepot/publie": {"version": "v1", "region": "99", "est_fictif": True, "nb_observations": 5}
    }


def test_a_candidate_is_left_aside_once_a_younger_release_is_in_place(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    settings = Settings(data_dir=tmp_path)
    monkeypatch.setattr(taches, "load_settings", lambda: settings)
    answer(monkeypatch, "audit", [])
    younger, older = "20260301T120500Z-00000000", "20260301T120000Z-ffffffff"
    # Nothing published yet.
    assert taches.audit(older) == []
    (settings.paths.versions / younger).mkdir(parents=True)
    settings.paths.courant.symlink_to(Path("versions", younger))
    for step in (lambda: taches.audit(older), lambda: taches.publish(older, outlet_events=outlets())):
        with pytest.raises(AirflowSkipException, match=younger):
            step()
    # Its own second try, and one built after it, go on.
    assert taches.audit(younger) == []
    assert taches.audit("20260301T121000Z-00000000") == []

"""What the tasks of the publication make of each answer: done, skipped, or failed for good."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from qpv_emploi import diffusion
from qpv_emploi.errors import QPVError, UnknownRelease
from qpv_emploi.publication.postgres import PostgresReport
from qpv_emploi.publication.tout import Publication
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow]

PARAMS: dict[str, Any] = {"version": "", "force": False}
SERVED = PostgresReport("v1", "qpv", "qpv_lecture", True, {"dim_qpv": 3}, ("bi.vue",))


@pytest.fixture
def taches(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from qpv_emploi.airflow import taches_publication

    monkeypatch.setattr(taches_publication, "load_settings", Settings)
    return taches_publication


def answer(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> list[Any]:
    """Make a function return a value, or raise it; returns the calls that it receives."""
    calls: list[Any] = []

    def reply(settings: Settings, identifier: str | None, **given: Any) -> Any:
        calls.append((identifier, given["force"]))
        for done in range(1, 31):
            given["progress"](f"étape {done}", done, 30)
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(diffusion, name, reply)
    return calls


def test_the_publication_is_told_with_its_progress(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = answer(monkeypatch, "publish_release", Publication("v1", Path("/p/v1"), True))
    with caplog.at_level("INFO", logger=taches.__name__):
        assert taches.disseminate(params=PARAMS) == "/p/v1"
    assert calls == [(None, False)]
    # A line at each tenth of the work, and one that says what was made.
    assert len(caplog.messages) == 11
    assert caplog.messages[0] == "Diffusion : 3/30 (étape 3)"
    assert caplog.messages[-1] == "Version v1 diffusée : /p/v1"


def test_the_parameters_reach_the_functions(taches: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made = answer(monkeypatch, "publish_release", Publication("v0", Path("/p/v0"), False))
    served = answer(monkeypatch, "serve_release", SERVED)
    params = {"version": "v0", "force": True}
    taches.disseminate(params=params)
    taches.serve(params=params)
    assert made == served == [("v0", True)]


def test_without_a_database_nothing_is_served(taches: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    answer(monkeypatch, "serve_release", None)
    with pytest.raises(AirflowSkipException, match="QPV_POSTGRES"):
        taches.serve(params=PARAMS)


def test_views_to_make_again_are_warnings(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer(monkeypatch, "serve_release", SERVED)
    with caplog.at_level("WARNING", logger=taches.__name__):
        assert taches.serve(params=PARAMS) == "qpv"
    assert caplog.messages == ["vue bi.vue : elle lit la version précédente ; à faire : la refaire"]


@pytest.mark.parametrize(("name", "task"), [("publish_release", "disseminate"), ("serve_release", "serve")])
@pytest.mark.parametrize("error", [UnknownRelease("version inconnue"), QPVError("sans\ndictionnaire")])
def test_an_error_for_the_operator_is_not_tried_again(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, task: str, error: QPVError
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    answer(monkeypatch, name, error)
    with pytest.raises(AirflowFailException) as seen:
        getattr(taches, task)(params=PARAMS)
    assert str(seen.value) == " ".join(str(error).split())

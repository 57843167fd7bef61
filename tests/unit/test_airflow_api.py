"""The REST client, against a session that answers from a table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qpv_emploi.airflow import api as module
from qpv_emploi.airflow.api import AirflowApi, AirflowApiError, Run


class Answer:
    def __init__(self, status: int, body: Any) -> None:
        self.status_code = status
        self.ok = status < 400
        self.text = json.dumps(body)
        self._body = body

    def json(self) -> Any:
        return self._body


class Session:
    """Answers in the order given; keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, Any, Any]] = []
        self._answers = list(answers)

    def request(self, method: str, url: str, *, json: Any, params: Any, timeout: float) -> Answer:
        self.asked.append((method, url.removeprefix("http://a"), json, params))
        return self._answers.pop(0)


TOKEN = Answer(201, {"access_token": "jeton"})


def api(*answers: Answer) -> tuple[AirflowApi, Session]:
    client, session = AirflowApi("http://a", "admin", "secret"), Session(*answers)
    client._session = session  # type: ignore[assignment]
    return client, session


def test_a_token_is_taken_once() -> None:
    client, session = api(TOKEN, Answer(200, {"dags": []}), Answer(200, {"dags": []}))
    client.dag_ids()
    client.dag_ids()
    assert [url for _, url, _, _ in session.asked] == ["/auth/token", "/api/v2/dags", "/api/v2/dags"]
    assert session.asked[0][2] == {"username": "admin", "password": "secret"}
    assert session.headers["Authorization"] == "Bearer jeton"


def test_a_refusal_is_told_on_one_line() -> None:
    client, _ = api(TOKEN, Answer(409, {"detail": "run\nexists"}))
    with pytest.raises(AirflowApiError) as vu:
        client.trigger("entrepot")
    assert "409" in str(vu.value)
    assert "exists" in str(vu.value)
    assert "\n" not in str(vu.value)


def test_a_question_is_put_again_when_the_server_stumbles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BETWEEN_TRIES", 0)
    locked = Answer(500, {"detail": "database is locked"})
    client, _ = api(TOKEN, locked, Answer(200, {"dags": [{"dag_id": "entrepot"}]}))
    assert client.dag_ids() == {"entrepot"}
    client, _ = api(TOKEN, locked, locked, locked)
    with pytest.raises(AirflowApiError, match="database is locked"):
        client.dag_ids()


def test_an_order_is_never_given_twice() -> None:
    client, session = api(TOKEN, Answer(500, {"detail": "database is locked"}))
    with pytest.raises(AirflowApiError, match="database is locked"):
        client.trigger("entrepot")
    assert len(session.asked) == 2


def test_a_run_is_triggered_now_with_its_parameters() -> None:
    client, session = api(TOKEN, Answer(200, {"dag_run_id": "manual__1"}))
    assert client.trigger("entrepot", {"force": True}) == "manual__1"
    assert session.asked[-1][2] == {"logical_date": None, "conf": {"force": True}}


def test_health_tells_a_component_that_never_reported() -> None:
    client, _ = api(Answer(200, {"scheduler": {"status": "healthy"}, "triggerer": None}))
    etat = client.health()
    assert etat["scheduler"] == "healthy"
    assert etat["triggerer"] is None
    assert set(etat) == {"metadatabase", "scheduler", "triggerer", "dag_processor"}


@pytest.mark.parametrize(("connues", "methode"), [(["default_pool"], "POST"), (["entrepot"], "PATCH")])
def test_a_pool_is_created_or_set(connues: list[str], methode: str) -> None:
    client, session = api(TOKEN, Answer(200, {"pools": [{"name": n} for n in connues]}), Answer(200, {}))
    client.set_pool("entrepot", 1)
    assert session.asked[-1][0] == methode
    assert session.asked[-1][2]["slots"] == 1


def _ti(index: int, label: str | None = None) -> dict[str, Any]:
    return {
        "task_id": "ingerer__cog",
        "map_index": index,
        "rendered_map_index": label,
        "state": "failed",
        "try_number": 1,
    }


def test_every_page_of_task_instances_is_read() -> None:
    client, session = api(
        TOKEN,
        Answer(200, {"task_instances": [_ti(0, "2021"), _ti(1)], "total_entries": 3}),
        Answer(200, {"task_instances": [_ti(-1)], "total_entries": 3}),
    )
    taches = client.task_states(Run("ingestion_insee", "r", "failed"))
    assert [tache.name for tache in taches] == ["ingerer__cog [2021]", "ingerer__cog [1]", "ingerer__cog"]
    assert session.asked[-1][3]["offset"] == 2


def test_the_reason_of_a_failure_is_the_first_error_of_the_log() -> None:
    journal = [
        {"level": "info", "event": "début"},
        {"level": "error", "event": "fichier refusé : page HTML"},
        {"level": "error", "event": "Task failed with exception"},
    ]
    client, session = api(
        TOKEN,
        Answer(200, {"task_instances": [_ti(4)], "total_entries": 1}),
        Answer(200, {"content": journal}),
        Answer(200, {"content": [journal[0]]}),
    )
    (tache,) = client.task_states(Run("ingestion_insee", "r", "failed"))
    assert client.first_error(tache) == "fichier refusé : page HTML"
    assert session.asked[-1][3]["map_index"] == 4
    assert client.first_error(tache) == ""


def test_import_errors_show_the_file_and_the_last_line() -> None:
    erreurs = {
        "import_errors": [{"filename": "ingestion.py", "stack_trace": "Traceback\nSettingsError: clé\n"}]
    }
    client, _ = api(TOKEN, Answer(200, erreurs))
    assert client.import_errors() == ["ingestion.py : SettingsError: clé"]


@pytest.mark.parametrize(("nombre", "attendu"), [(0, False), (2, True)])
def test_waiting_events(nombre: int, attendu: bool) -> None:
    client, _ = api(TOKEN, Answer(200, {"queued_events": [], "total_entries": nombre}))
    assert client.has_waiting_events("entrepot") is attendu

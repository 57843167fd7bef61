"""Client of the REST API of Airflow: the few calls that driving a private Airflow needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from qpv_emploi.errors import QPVError

# Seconds; the server is on the same machine.
CALL_LIMIT = 30
BETWEEN_TRIES = 1.0

TRIES = 3

OVER = frozenset({"success", "failed"})

# What the health page must report before a run can be triggered.
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class AirflowApiError(QPVError):
    """Airflow answered something else than expected."""


@dataclass(frozen=True)
class Run:
    """A run of a DAG. ``state``: queued, running, success or failed."""

    dag_id: str
    run_id: str
    state: str

    @property
    def is_over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True)
class TaskState:
    """A task instance. ``label`` is the readable map index, ``''`` for a task that is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    label: str
    state: str | None
    try_number: int

    @property
    def name(self) -> str:
        return f"{self.task_id} [{self.label}]" if self.label else self.task_id


def _label(ti: dict[str, Any]) -> str:
    if ti.get("rendered_map_index"):
        return str(ti["rendered_map_index"])
    return "" if ti["map_index"] < 0 else str(ti["map_index"])


class AirflowApi:
    """Calls to one Airflow, as one user of the SimpleAuthManager.

    Args:
        url: root address, without final slash.
        user, password: those of the passwords file.

    Every method raises ``requests.ConnectionError`` when nothing listens, ``AirflowApiError`` when the
    server refuses.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        # A proxy of the environment must not stand between two processes of one machine.
        self._session.trust_env = False

    def call(self, method: str, path: str, *, body: Any = None, query: Any = None) -> Any:
        """One call of ``/api/v2``; returns the decoded JSON. Takes a token first when there is none."""
        if "Authorization" not in self._session.headers:
            jeton = self._send("POST", f"{self.url}/auth/token", self._login, None)["access_token"]
            self._session.headers["Authorization"] = f"Bearer {jeton}"
        return self._send(method, f"{self.url}/api/v2/{path}", body, query)

    def _send(self, method: str, url: str, body: Any, query: Any) -> Any:
        for essai in range(1, TRIES + 1):
            reponse = self._session.request(method, url, json=body, params=query, timeout=CALL_LIMIT)
            # SQLite under load locks for a moment; only a question may be put again without consequence.
            if method != "GET" or reponse.status_code < 500 or essai == TRIES:
                break
            time.sleep(BETWEEN_TRIES)
        if not reponse.ok:
            detail = " ".join(reponse.text.split())[:300]
            raise AirflowApiError(f"Airflow refuse {method} {url} : {reponse.status_code} {detail}")
        return reponse.json()

    def health(self) -> dict[str, str | None]:
        """Component -> ``healthy``, ``unhealthy`` or None when it never reported. Needs no token."""
        etat = self._send("GET", f"{self.url}/api/v2/monitor/health", None, None)
        return {nom: (etat.get(nom) or {}).get("status") for nom in COMPONENTS}

    def _dags(self) -> list[dict[str, Any]]:
        dags: list[dict[str, Any]] = self.call("GET", "dags", query={"limit": 100})["dags"]
        return dags

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self._dags()}

    def dag_files(self) -> set[str]:
        """Names of the files whose DAGs are known."""
        return {Path(dag["fileloc"]).name for dag in self._dags()}

    def import_errors(self) -> list[str]:
        """One line per DAG file that Airflow could not import: its name and the last line of the error."""
        erreurs = self.call("GET", "importErrors")["import_errors"]
        return [f"{e['filename']} : {e['stack_trace'].strip().splitlines()[-1]}" for e in erreurs]

    def set_pool(self, name: str, slots: int) -> None:
        """Create the pool, or set its number of slots."""
        corps = {"name": name, "slots": slots, "include_deferred": False}
        connues = {pool["name"] for pool in self.call("GET", "pools")["pools"]}
        if name in connues:
            self.call("PATCH", f"pools/{name}", body=corps)
        else:
            self.call("POST", "pools", body=corps)

    def unpause(self, dag_id: str) -> None:
        self.call("PATCH", f"dags/{dag_id}", body={"is_paused": False}, query={"update_mask": "is_paused"})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run now; returns its id."""
        corps = {"logical_date": None, "conf": conf or {}}
        return str(self.call("POST", f"dags/{dag_id}/dagRuns", body=corps)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Run:
        reponse = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")
        return Run(dag_id, run_id, reponse["state"])

    def runs(self, dag_id: str) -> list[Run]:
        """The last hundred runs of a DAG, the newest first."""
        reponse = self.call("GET", f"dags/{dag_id}/dagRuns", query={"order_by": "-run_after", "limit": 100})
        return [Run(dag_id, run["dag_run_id"], run["state"]) for run in reponse["dag_runs"]]

    def task_states(self, run: Run) -> list[TaskState]:
        """Every task instance of a run, mapped ones included."""
        trouvees: list[TaskState] = []
        while True:
            reponse = self.call(
                "GET",
                f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances",
                query={"limit": 100, "offset": len(trouvees)},
            )
            trouvees += [
                TaskState(
                    dag_id=run.dag_id,
                    run_id=run.run_id,
                    task_id=ti["task_id"],
                    map_index=ti["map_index"],
                    label=ti.get("rendered_map_index")
                    or ("" if ti["map_index"] < 0 else str(ti["map_index"])),
                    state=ti["state"],
                    try_number=ti["try_number"],
                )
                for ti in reponse["task_instances"]
            ]
            if not reponse["task_instances"] or len(trouvees) >= reponse["total_entries"]:
                return trouvees

    def first_error(self, task: TaskState) -> str:
        """The first line of error in the log of a task instance, ``''`` when it has none."""
        reponse = self.call(
            "GET",
            f"dags/{task.dag_id}/dagRuns/{task.run_id}/taskInstances/{task.task_id}/logs/{task.try_number}",
            query={"map_index": task.map_index, "full_content": True},
        )
        erreurs = [
            str(ligne["event"])
            for ligne in reponse["content"]
            if isinstance(ligne, dict) and ligne.get("level") in {"error", "critical"}
        ]
        return erreurs[0] if erreurs else ""

    def has_waiting_events(self, dag_id: str) -> bool:
        """Whether asset events wait to start a run of the DAG."""
        return bool(self.call("GET", f"dags/{dag_id}/assets/queuedEvents")["total_entries"])

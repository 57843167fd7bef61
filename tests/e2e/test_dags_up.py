"""``make up`` and ``make down``: Airflow in the background, a run through it, and nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import requests

from qpv_emploi.airflow import local
from qpv_emploi.airflow.api import AirflowApi
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(900)]

RUN_LIMIT = 240


def command(word: str, data: Path, depot: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "qpv_emploi.airflow.local", word],
        env=os.environ | {"QPV_DATA_DIR": str(data), "QPV_DEPOT": str(depot), "QPV_REGION": "99"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    keeper = psutil.Process(pid)
    return [keeper, *keeper.children(recursive=True)]


def test_up_runs_the_dags_on_loopback_and_down_leaves_nothing(tmp_path: Path) -> None:
    data, depot = tmp_path / "data", tmp_path / "depot"
    depot.mkdir()
    settings = Settings(data_dir=data, depot=depot, region="99")
    home = local.airflow_home(settings)
    try:
        said = command("up", data, depot)
        keeper = local.Keeper.of(home)
        assert keeper is not None
        password = local.Secrets.of(home).password
        assert keeper.url in said
        assert f"mot de passe : {password}" in said
        api = AirflowApi(keeper.url, local.USER, password)
        assert set(api.health().values()) == {"healthy"}
        dags = api.call("GET", "dags", query={"limit": 100})["dags"]
        assert {dag["dag_id"] for dag in dags if not dag["is_paused"]} == set(keeper.dags)
        assert {"depot", "entrepot", "veille"} <= set(keeper.dags)
        listening = {
            connection.laddr.ip
            for process in family(keeper.pid)
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}

        # A second one names the first.
        assert keeper.url in command("up", data, depot)
        assert local.Keeper.of(home) == keeper

        run = api.trigger("depot")
        deadline = time.monotonic() + RUN_LIMIT
        while not api.run("depot", run).is_over:
            assert time.monotonic() < deadline
            time.sleep(1)
        assert api.run("depot", run).state == "success"
        started = family(keeper.pid)
        # The keeper and the four services, at least.
        assert len(started) >= 5
    finally:
        ended = command("down", data, depot)
    assert "est arrêté" in ended
    assert not local.keeper_file(home).exists()
    assert psutil.wait_procs(started, timeout=5)[1] == []
    with pytest.raises(requests.ConnectionError):
        api.health()
    assert "Aucun Airflow" in command("down", data, depot)

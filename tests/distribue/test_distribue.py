"""Several workers, a real broker, a real database: what docker-compose.yml says, run as processes.

One start of the services tells one story, in order: a delivery dropped in the dépôt becomes a release; two
refreshes asked at once wait for each other; the worker that builds is killed, and the build is done again.
The story is played once (fixture ``story``), and each test looks at one thing that it showed.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from tests.exigences import absent
from tests.postgres import PostgresAbsent, PostgresServer, running_postgres
from tests.services import HOST, ROOT, Deployment, as_json, free_port
from tests.socle import SOCLE

from qpv_emploi.airflow import initialisation, secrets_env
from qpv_emploi.airflow.api import AirflowApi, AirflowApiError
from qpv_emploi.fictif import generate

pytestmark = [pytest.mark.distribue, pytest.mark.enable_socket, pytest.mark.timeout(2400)]

# Few files: what is at stake is who does the work, not how much there is.
DELIVERY = SOCLE | dict.fromkeys(("insertion_professionnelle", "demographie_qpv", "revenus_qpv"), ("2021",))

# Seconds. The first limits are for a machine that does something else besides.
START_LIMIT = 240
RELEASE_LIMIT = 900
RECOVERY_LIMIT = 1200
POLL = 1.0
# A worker without news for so long is dead: 120 in the file.
HEARTBEAT_TIMEOUT = 40
# dbt nodes of some five hundred: the build is well begun.
NODES = 50

# Two Mondays at nine: a backfill applies its own limit of runs, so that only the pool keeps builds apart.
MONDAYS = ("2026-01-05T00:00:00Z", "2026-01-13T00:00:00Z")


@dataclass
class Story:
    """What was seen.

    Attributes:
        seconds: of the start of the services, and from the dropped file to the release.
        health: service -> whether its check of the file passed.
        first: release of the delivery.
        seen_during: releases current while the killed build was being recovered.
        tries: every try of the tasks of the two refreshes.
        killed_at, killed_run: when the worker died, and the run it was building for.
    """

    deployment: Deployment
    dsn_airflow: str = ""
    dsn_entrepot: str = ""
    dsn_lecture: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    health: dict[str, bool] = field(default_factory=dict)
    runs: dict[str, list[str]] = field(default_factory=dict)
    viewer: dict[str, str] = field(default_factory=dict)
    dags: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""
    seen_during: set[str] = field(default_factory=set)
    nb_territories: int = 0
    tries: list[dict[str, Any]] = field(default_factory=list)
    refreshes: dict[str, str] = field(default_factory=dict)
    killed_run: str = ""
    workers_after: int = 0
    pools: dict[str, int] = field(default_factory=dict)


class Player:
    """Plays the story."""

    def __init__(self, folder: Path, postgres: PostgresServer) -> None:
        self.folder = folder
        self.data, self.depot, self.logs = (folder / name for name in ("donnees", "depot", "journaux"))
        for path in (self.data, self.depot, self.logs):
            path.mkdir()
        secrets_env.write_env(folder / ".env")
        lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
        secrets = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
        (folder / ".env").unlink()
        api, redis, scheduler = free_port(), free_port(), free_port()
        self.url = f"http://{HOST}:{api}"
        administrator = (
            f"host=postgres port=5432 dbname=postgres user=postgres password={secrets['POSTGRES_PASSWORD']}"
        )
        self.deployment = Deployment(
            folder,
            {**secrets, "QPV_REGION": "99"},
            replacements={
                # Before the addresses that it holds.
                administrator: postgres.dsn(),
                "@postgres:5432": f"@{HOST}:{postgres.port}",
                "host=postgres port=5432": f"host={HOST} port={postgres.port}",
                "@redis:6379": f"@{HOST}:{redis}",
                "http://api-server:8080": self.url,
                "http://127.0.0.1:8080": self.url,
                "127.0.0.1:8974": f"{HOST}:{scheduler}",
                "/opt/airflow/logs": str(self.logs),
                "/opt/qpv": str(ROOT),
                "/var/lib/qpv/data": str(self.data),
                "/var/lib/qpv/depot": str(self.depot),
                "redis-server /tmp/redis.conf": f"redis-server /tmp/redis.conf --port {redis} --bind {HOST}",
                "/tmp/redis.conf": f"{folder}/redis.conf",
                "redis-cli ping": f"redis-cli -p {redis} ping",
                "dir /tmp": f"dir {folder}",
                "celery@$HOSTNAME": "celery@$NOM_CELERY",
            },
            overrides={
                "AIRFLOW__API__HOST": HOST,
                "AIRFLOW__API__PORT": str(api),
                "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": HOST,
                "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(scheduler),
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
            },
        )
        self.story = Story(self.deployment)
        for name, database in (("airflow", "airflow"), ("entrepot", "entrepot"), ("lecture", "entrepot")):
            password = secrets[f"{name.upper()}_DB_PASSWORD"]
            setattr(self.story, f"dsn_{name}", postgres.dsn(database, name, password))
        self.admin = AirflowApi(self.url, "admin", secrets["AIRFLOW_ADMIN_PASSWORD"])
        self.engineer = AirflowApi(self.url, "ingenieur", secrets["AIRFLOW_INGENIEUR_PASSWORD"])
        self.analyst = AirflowApi(self.url, "analyste", secrets["AIRFLOW_ANALYSTE_PASSWORD"])

    @property
    def current(self) -> str:
        link = self.data / "publie" / "courant"
        return link.resolve().name if link.exists() else ""

    def wait(self, condition: Callable[[], Any], limit: float, what: str) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            self.deployment.assert_alive()
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} : rien après {limit:.0f} s\n{self.where_it_stands()}")
            time.sleep(POLL)

    def where_it_stands(self) -> str:
        states = {}
        for dag_id in sorted(self.story.dags):
            for run in self.admin.runs(dag_id):
                tasks = self.admin.task_states(run)
                states[f"{dag_id} {run.run_id} {run.state}"] = [
                    f"{t.name} {t.state} {self.admin.first_error(t) if t.state == 'failed' else ''}"
                    for t in tasks
                    if t.state not in ("success", "skipped")
                ]
        return as_json(states)

    def play(self) -> None:
        for chapter in (self.start, self.roles, self.deliver, self.refresh_twice_and_kill):
            begun = time.monotonic()
            chapter()
            self.story.seconds[chapter.__name__] = time.monotonic() - begun

    # ------------------------------------------------------------------------------------------ chapters

    def start(self) -> None:
        deployment = self.deployment
        redis = deployment.start("redis")
        self.wait(redis.is_healthy, START_LIMIT, "Redis")
        deployment.run("airflow-init", START_LIMIT)
        deployment.start("api-server")
        deployment.start("scheduler")
        deployment.start("dag-processor")
        deployment.start("triggerer")
        for number in (1, 2):
            name = f"worker{number}"
            deployment.start("worker", name, "--celery-hostname", f"{name}@%h", NOM_CELERY="inutile")
        self.wait(self._is_up, START_LIMIT, "Airflow")
        files = {path.name for path in (ROOT / "dags").glob("*.py")}
        self.wait(lambda: self.admin.dag_files() >= files, START_LIMIT, "lecture des DAG")
        assert self.admin.import_errors() == []
        self.wait(lambda: len(self._workers_in_redis()) == 2, START_LIMIT, "workers")
        self.story.dags = self.admin.dag_ids()
        pools = self.admin.call("GET", "pools", query={"limit": 100})["pools"]
        self.story.pools = {pool["name"]: pool["slots"] for pool in pools}
        # The dépôt last: a folder shown to a paused ingestion would not be shown again.
        for dag_id in sorted(self.story.dags - {"depot", "veille"}):
            self.engineer.unpause(dag_id)

    def _is_up(self) -> bool:
        try:
            return set(self.admin.health().values()) == {"healthy"}
        except Exception:
            return False

    def _workers_in_redis(self) -> set[str]:
        """Workers whose log says that they are ready."""
        running = self.deployment.running
        return {
            name
            for name, service in running.items()
            if name.startswith("worker") and " ready." in self.deployment.tail(service.log, 100_000)
        }

    def roles(self) -> None:
        """What an analyst may ask, and what is refused."""

        def ask(name: str, question: Callable[[], Any]) -> None:
            try:
                question()
            except AirflowApiError as refusal:
                self.story.viewer[name] = "403" if " 403 " in str(refusal) else str(refusal)
            else:
                self.story.viewer[name] = "oui"

        ask("voir les DAG", self.analyst.dag_ids)
        ask("voir les exécutions", lambda: self.analyst.runs("entrepot"))
        ask("déclencher", lambda: self.analyst.trigger("entrepot"))
        ask("mettre en pause", lambda: self.analyst.unpause("depot"))
        ask("voir les connexions", lambda: self.analyst.call("GET", "connections"))
        ask("changer un pool", lambda: self.analyst.call("DELETE", "pools/entrepot"))

    def deliver(self) -> None:
        aside = self.folder / "livraison"
        generate(aside, graine=3, nb_qpv=12, millesimes=DELIVERY)
        for path in aside.rglob("*"):
            # As if they had been copied a minute ago: a folder still being written is left alone.
            os.utime(path, (time.time() - 60,) * 2)
        begun = time.monotonic()
        shutil.copytree(aside, self.depot, dirs_exist_ok=True, copy_function=shutil.copy2)
        self.engineer.unpause("depot")
        # Airflow would look within five minutes.
        self.engineer.trigger("depot")
        self.wait(lambda: self.current, RELEASE_LIMIT, "première version")
        self.story.seconds["file to release"] = time.monotonic() - begun
        self.story.first = self.current
        self.wait(self._is_quiet, RELEASE_LIMIT, "fin de la livraison")
        self.story.runs = {
            dag_id: [run.state for run in self.admin.runs(dag_id)] for dag_id in sorted(self.story.dags)
        }
        self.story.nb_territories = self._territories()
        # Its next look, in the middle of what follows, would only take processor.
        self.engineer.call(
            "PATCH", "dags/depot", body={"is_paused": True}, query={"update_mask": "is_paused"}
        )

    def _is_quiet(self) -> bool:
        """Whether nothing runs nor waits. Two looks: between two questions an event may become a run."""

        def look() -> bool:
            runs = [run for dag_id in self.story.dags for run in self.admin.runs(dag_id)]
            return all(run.is_over for run in runs) and not any(
                self.admin.has_waiting_events(dag_id) for dag_id in self.story.dags
            )

        if not look():
            return False
        time.sleep(2 * POLL)
        return look()

    def _territories(self) -> int:
        base = self.data / "publie" / "courant" / "entrepot.duckdb"
        with duckdb.connect(str(base), read_only=True) as connection:
            ((count,),) = connection.execute("select count(*) from dim_territoire").fetchall()
        return int(count)

    def refresh_twice_and_kill(self) -> None:
        self.engineer.call(
            "POST",
            "backfills",
            body={
                "dag_id": "entrepot",
                "from_date": MONDAYS[0],
                "to_date": MONDAYS[1],
                "max_active_runs": 2,
                "reprocess_behavior": "none",
                "dag_run_conf": {"force": True},
            },
        )

        def asked() -> dict[str, str]:
            # Its timetable may start one more in between, which finds nothing new.
            runs = self.admin.runs("entrepot")
            return {run.run_id: run.state for run in runs if run.run_id.startswith("backfill")}

        self.wait(lambda: len(asked()) == 2, START_LIMIT, "les deux rafraîchissements")
        self.wait(self._build_in_progress, RELEASE_LIMIT, "une construction en cours")
        (building,) = [ti for ti in self._instances() if ti["state"] == "running"]
        self.story.killed_run = building["dag_run_id"]
        victim = self._worker_of(building)
        self.deployment.running.pop(victim).die()
        self.story.workers_after = len([n for n in self.deployment.running if n.startswith("worker")])
        # While nobody knows yet that a worker is dead: the checks of the file, one after the other.
        self._check_health()

        def is_over() -> bool:
            self.story.seen_during.add(self.current)
            assert self._territories() == self.story.nb_territories
            return all(state in ("success", "failed") for state in asked().values())

        self.wait(is_over, RECOVERY_LIMIT, "reprise")
        self.story.refreshes = asked()
        for ti in self._instances():
            path = f"dags/entrepot/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}/tries"
            self.story.tries += self.admin.call("GET", path)["task_instances"]
        self.story.last = self.current
        self.wait(self._is_quiet, RELEASE_LIMIT, "fin des rafraîchissements")

    def _instances(self) -> list[dict[str, Any]]:
        """Task instances of the refreshes that ran or run."""
        found: list[dict[str, Any]] = self.admin.call(
            "GET", "dags/entrepot/dagRuns/~/taskInstances", query={"limit": 100}
        )["task_instances"]
        return [ti for ti in found if ti["dag_run_id"].startswith("backfill")]

    def _build_in_progress(self) -> bool:
        """Whether dbt is at work: some nodes of a candidate are done, and the candidate is not complete."""
        candidates = (self.data / "travail").glob("*/")
        return any(
            not (folder / "candidat.json").exists() and len(list(folder.glob("dbt/run/**/*.sql"))) >= NODES
            for folder in candidates
        ) and any(ti["state"] == "running" and ti["task_id"] == "construire" for ti in self._instances())

    def _worker_of(self, ti: dict[str, Any]) -> str:
        for name, service in self.deployment.running.items():
            if name.startswith("worker") and any(p.pid == ti["pid"] for p in service.tree()):
                return name
        raise AssertionError(f"aucun worker n'exécute {as_json(ti)}")

    def _check_health(self) -> None:
        for name, service in self.deployment.running.items():
            if name.startswith("worker"):
                service.environment["NOM_CELERY"] = f"{name}@{os.uname().nodename}"
                service.check = [
                    part.replace("celery@$NOM_CELERY", service.environment["NOM_CELERY"])
                    for part in service.check or []
                ]
            self.story.health[name] = service.is_healthy()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if shutil.which("redis-server") is None:
        absent("Redis absent ; à faire : apt-get install redis-server")
    try:
        server = running_postgres()
        postgres = server.__enter__()
    except PostgresAbsent as absence:
        absent(str(absence))
    player = Player(tmp_path_factory.mktemp("distribue"), postgres)
    try:
        player.play()
        yield player.story
    finally:
        player.deployment.stop()
        server.__exit__(None, None, None)


def when(ti: dict[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(ti["start_date"]), datetime.fromisoformat(ti["end_date"])


def overlaps(tries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of tries that ran at the same time."""
    ordered = sorted((ti for ti in tries if ti["start_date"]), key=when)
    return [
        (as_json(one), as_json(other)) for one, other in pairwise(ordered) if when(other)[0] < when(one)[1]
    ]


def test_what_ran_at_the_same_time_is_seen() -> None:
    one = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-01T00:01:00Z"}
    after = {"start_date": "2026-01-01T00:01:00Z", "end_date": "2026-01-01T00:02:00Z"}
    during = {"start_date": "2026-01-01T00:00:30Z", "end_date": "2026-01-01T00:00:40Z"}
    assert overlaps([after, one]) == []
    assert len(overlaps([after, during, one])) == 1


def test_a_dropped_file_becomes_a_release(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert story.first
    assert story.nb_territories > 0
    # Nobody started the ingestions nor the warehouse: the folder woke the first, their assets the second.
    assert story.runs["depot"][-1] == "success"
    assert "success" in story.runs["ingestion_insee"]
    assert "success" in story.runs["entrepot"]
    assert {state for states in story.runs.values() for state in states} == {"success"}
    with capsys.disabled():
        told = ", ".join(f"{what} : {seconds:.0f} s" for what, seconds in story.seconds.items())
        sys.stdout.write(f"\n{told}\n")


def test_both_workers_worked(story: Story) -> None:
    for name in ("worker1", "worker2"):
        log = (story.deployment.folder / f"{name}.log").read_text(encoding="utf-8")
        assert "succeeded in" in log, name


def test_an_analyst_reads_and_starts_nothing(story: Story) -> None:
    assert story.viewer == {
        "voir les DAG": "oui",
        "voir les exécutions": "oui",
        "déclencher": "403",
        "mettre en pause": "403",
        "voir les connexions": "403",
        "changer un pool": "403",
    }


def test_the_initialisation_made_one_slot_pools(story: Story) -> None:
    ours = {name: slots for name, slots in story.pools.items() if name != "default_pool"}
    assert ours["entrepot"] == 1
    assert any(name.startswith("hote_") for name in ours)
    assert set(ours.values()) == {1}


def test_a_killed_worker_costs_a_try_and_nothing_else(story: Story) -> None:
    assert story.workers_after == 1
    killed = [
        ti for ti in story.tries if ti["dag_run_id"] == story.killed_run and ti["task_id"] == "construire"
    ]
    assert len({ti["try_number"] for ti in killed}) == 2, as_json(killed)
    by_try = {ti["try_number"]: ti["state"] for ti in killed}
    assert by_try[1] != "success"
    assert by_try[2] == "success"
    assert set(story.refreshes.values()) == {"success"}
    # Readers saw whole releases all along: each look at the current one counted its territories.
    assert story.seen_during >= {story.first}
    assert story.last not in ("", story.first)


def test_two_refreshes_at_once_wait_for_each_other(story: Story) -> None:
    assert len(story.refreshes) == 2
    assert {ti["dag_run_id"] for ti in story.tries} == set(story.refreshes)
    assert {ti["pool"] for ti in story.tries} == {"entrepot"}
    assert overlaps(story.tries) == []


def test_the_checks_of_the_file_pass_on_live_services(story: Story) -> None:
    assert set(story.health) >= {"redis", "api-server", "scheduler", "dag-processor", "triggerer"}
    assert any(name.startswith("worker") for name in story.health)
    assert [name for name, passed in story.health.items() if not passed] == []


def test_no_secret_is_in_the_logs(story: Story) -> None:
    logs = story.deployment.folder / "journaux"
    assert any(logs.rglob("*.log"))
    outputs = sorted(story.deployment.folder.glob("*.log"))
    assert story.deployment.secrets_in(logs, *outputs) == []
    # The search sees what there is to see.
    witness = story.deployment.folder / "temoin"
    witness.write_text(f"mot de passe {story.deployment.secrets['REDIS_PASSWORD']}", encoding="utf-8")
    assert story.deployment.secrets_in(witness) == [f"{witness}: REDIS_PASSWORD"]


def test_each_database_is_closed_to_the_account_of_the_other(story: Story) -> None:
    with psycopg.connect(story.dsn_entrepot) as connection:
        connection.execute("create table essai (n integer)")
        connection.execute("grant select on essai to qpv_lecture")
    with psycopg.connect(story.dsn_lecture) as connection:
        assert connection.execute("select count(*) from essai").fetchall() == [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("insert into essai values (1)")
    with (
        psycopg.connect(story.dsn_lecture) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("create table public.autre (n integer)")
    for dsn in (story.dsn_entrepot, story.dsn_lecture):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(dsn.replace("dbname=entrepot", "dbname=airflow"))
    with psycopg.connect(story.dsn_airflow) as connection:
        assert connection.execute("select count(*) > 0 from dag").fetchall() == [(True,)]


def test_the_published_warehouse_is_served_where_it_is_wired(story: Story) -> None:
    """The DAG of publication serves the release in the second database."""
    with psycopg.connect(story.dsn_lecture) as connection:
        assert connection.execute("select version from qpv.version_publiee").fetchall() == [(story.last,)]


def test_initialising_twice_changes_nothing(story: Story) -> None:
    deployment = story.deployment
    api = story.deployment.running["api-server"]
    assert api.is_healthy()
    deployment.run("airflow-init", START_LIMIT)
    url = api.environment["AIRFLOW__API__BASE_URL"]
    for person in initialisation.PEOPLE:
        known = AirflowApi(url, person.login, deployment.secrets[person.secret])
        assert "entrepot" in known.dag_ids()
        with pytest.raises(AirflowApiError, match="401"):
            AirflowApi(url, person.login, "autre mot de passe").dag_ids()

"""A private Airflow on this machine: its own home, loopback only, stopped as a whole.

``python -m qpv_emploi.airflow.local up`` leaves it running in the background, ``… down`` stops it; the demo
and the tests use ``LocalAirflow`` as a context manager. Meant for one person and one machine: metadata is
SQLite and the login is the SimpleAuthManager's, neither of which Airflow supports in production.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import psutil  # type: ignore[import-untyped]
import requests
from filelock import FileLock, Timeout

import qpv_emploi
from qpv_emploi.airflow.api import AirflowApi, AirflowApiError, Run
from qpv_emploi.airflow.pools import WAREHOUSE_POOL, host_pools
from qpv_emploi.catalogue import load_producer
from qpv_emploi.errors import QPVError
from qpv_emploi.settings import Settings

HOST = "127.0.0.1"
USER = "admin"
DEPOSIT_DAG = "depot"
# Two cores: the scheduler and the API server need their share beside the tasks.
PARALLELISM = 2

COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}

# Seconds.
MIGRATION_LIMIT = 120
START_LIMIT = 120
STOP_LIMIT = 3
# Only the scheduler has something to finish: the tasks that run below it.
SCHEDULER_STOP_LIMIT = 20
# Four processes, the migration before them, and the reading of the DAGs.
UP_LIMIT = MIGRATION_LIMIT + 2 * START_LIMIT
DOWN_LIMIT = 60
POLL = 0.5

LAST_LINES = 15

# Tasks are forks of a process that has imported these: their import costs 3 s of one core, for each of some
# forty tasks. Our own package is left out, so that a change of code needs no restart.
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.standard.decorators.sensor",
    "duckdb",
    "geopandas",
    "great_expectations.expectations",
    "pyogrio",
)


class LocalAirflowError(QPVError):
    """The private Airflow could not be started or driven."""


@dataclass(frozen=True)
class Secrets:
    """Random secrets of one home. Written once, readable by their owner only."""

    password: str
    fernet_key: str
    jwt_secret: str
    api_secret_key: str

    @classmethod
    def of(cls, home: Path) -> Secrets:
        """Secrets of a home, drawn at the first call."""
        chemin = home / "secrets.json"
        if not chemin.exists():
            tires = {
                "password": secrets.token_urlsafe(15),
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "jwt_secret": secrets.token_urlsafe(48),
                "api_secret_key": secrets.token_urlsafe(32),
            }
            write_private(chemin, json.dumps(tires))
        return cls(**json.loads(chemin.read_text(encoding="utf-8")))


def write_private(chemin: Path, texte: str) -> None:
    """Write a file that only its owner can read (mode 0600 from its first byte on)."""
    chemin.unlink(missing_ok=True)
    descripteur = os.open(chemin, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descripteur, "w", encoding="utf-8") as flux:
        flux.write(texte)


def free_port() -> int:
    """A TCP port of the loopback interface that nothing uses at this moment."""
    with socket.socket() as prise:
        prise.bind((HOST, 0))
        return int(prise.getsockname()[1])


def environment(
    home: Path, port: int, settings: Settings, secrets: Secrets, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Environment of the processes.

    Airflow variables of the caller are dropped, for they would make this Airflow talk to another database;
    connections are kept, which notifications leave by.

    Args:
        home: absolute ``AIRFLOW_HOME``.
        inherited: environment of the caller.
    """
    plugins = Path(qpv_emploi.__file__).parents[1]
    adresse = f"http://{HOST}:{port}"
    options = {
        "CORE__DAGS_FOLDER": settings.project_dir.resolve() / "dags",
        "CORE__PLUGINS_FOLDER": plugins,
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": PARALLELISM,
        "CORE__FERNET_KEY": secrets.fernet_key,
        "CORE__EXECUTION_API_SERVER_URL": f"{adresse}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(PRELOADED),
        # Seconds. A supervisor that misses the end of its task notices it at the next beat: 5 by default.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "API__HOST": HOST,
        "API__PORT": port,
        "API__BASE_URL": adresse,
        "API__SECRET_KEY": secrets.api_secret_key,
        "API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "LOGGING__BASE_LOG_FOLDER": home / "logs",
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": home / "logs" / "dag_processor",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "USAGE_DATA_COLLECTION__ENABLED": False,
    }
    propre = {
        nom: valeur
        for nom, valeur in inherited.items()
        if not nom.startswith("AIRFLOW_") or nom.startswith("AIRFLOW_CONN_")
    }
    chemins = [str(plugins), *filter(None, propre.get("PYTHONPATH", "").split(os.pathsep))]
    sans_proxy = [HOST, *filter(None, propre.get("NO_PROXY", propre.get("no_proxy", "")).split(","))]
    return {
        **propre,
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{nom}": str(valeur) for nom, valeur in options.items()},
        "GX_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(chemins)),
        "NO_PROXY": ",".join(sans_proxy),
        "no_proxy": ",".join(sans_proxy),
        "QPV_DATA_DIR": str(settings.data_dir.resolve()),
        "QPV_DEPOT": str(settings.depot.resolve()),
        "QPV_REGION": settings.region,
        "QPV_PROJECT_DIR": str(settings.project_dir.resolve()),
        "QPV_CATALOGUE_DIR": str(settings.catalogue_dir.resolve()),
        "QPV_EN_LIGNE": str(settings.en_ligne),
        "QPV_POOLS_PAR_HOTE": "1",
    }


def tail(chemin: Path, lignes: int = LAST_LINES) -> str:
    """The last lines of a log file, ``''`` when there is none."""
    if not chemin.exists():
        return ""
    return "\n".join(chemin.read_text(encoding="utf-8", errors="replace").splitlines()[-lignes:])


class LocalAirflow:
    """The four processes of a private Airflow.

    Args:
        home: its ``AIRFLOW_HOME``; created, kept between two starts (history, logs, secrets).
        settings: the installation that its tasks work on.

    Raises:
        LocalAirflowError: on start, when the home is in use, a process dies or the time limit passes; with
            the last lines of the log concerned.
    """

    def __init__(self, home: Path, settings: Settings) -> None:
        self.home = home.resolve()
        self.settings = settings
        self.url = ""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._api: AirflowApi | None = None
        self._verrou = FileLock(self.home / "airflow.lock")

    def __enter__(self) -> LocalAirflow:
        try:
            self.start()
            self.wait_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def api(self) -> AirflowApi:
        if self._api is None:
            raise LocalAirflowError("l'Airflow local n'est pas démarré ; appeler start() d'abord")
        return self._api

    @property
    def password(self) -> str:
        return Secrets.of(self.home).password

    def log_file(self, component: str) -> Path:
        return self.home / "logs" / f"{component}.log"

    def start(self) -> None:
        """Migrate the metadata and start the processes; returns before they are healthy."""
        (self.home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        try:
            self._verrou.acquire(timeout=0)
        except Timeout:
            raise LocalAirflowError(
                f"un Airflow local tourne déjà sur {self.home} ; l'arrêter (make down) d'abord"
            ) from None
        tires = Secrets.of(self.home)
        write_private(self.home / "passwords.json", json.dumps({USER: tires.password}))
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        self._api = AirflowApi(self.url, USER, tires.password)
        env = environment(self.home, port, self.settings, tires, os.environ)
        migration = self._spawn("db", ("db", "migrate"), env)
        self._processes["db"] = migration
        try:
            code = migration.wait(MIGRATION_LIMIT)
        except subprocess.TimeoutExpired:
            raise LocalAirflowError(
                f"airflow db migrate n'a pas fini en {MIGRATION_LIMIT} s ; voir {self.log_file('db')}"
            ) from None
        if code:
            raise self._dead("db", code)
        del self._processes["db"]
        for component, arguments in COMPONENTS.items():
            self._processes[component] = self._spawn(component, arguments, env)

    def _spawn(
        self, component: str, arguments: tuple[str, ...], env: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with self.log_file(component).open("wb") as journal:
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", *arguments],
                env=env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=subprocess.STDOUT,
                # Its own session: a Ctrl-C reaches us alone, and we stop the processes in good order.
                start_new_session=True,
                umask=0o077,
            )

    def _dead(self, component: str, code: int) -> LocalAirflowError:
        journal = self.log_file(component)
        return LocalAirflowError(
            f"le processus {component} d'Airflow s'est arrêté (code {code}) ; fin de {journal} :\n"
            + tail(journal)
        )

    def check_alive(self) -> None:
        """Raise when a process has died, with the end of its log."""
        for component, process in self._processes.items():
            code = process.poll()
            if code is not None:
                raise self._dead(component, code)

    def wait_healthy(self, limit: float = START_LIMIT) -> None:
        """Wait until every component reports healthy, then create the pools: warehouse, and one per host.

        Args:
            limit: seconds.
        """

        def is_healthy() -> bool:
            try:
                return set(self.api.health().values()) == {"healthy"}
            except (requests.ConnectionError, requests.Timeout, AirflowApiError):
                return False

        self.wait_for(is_healthy, limit, "d'être prêt")
        self.api.set_pool(WAREHOUSE_POOL, 1)
        for pool in host_pools(map(load_producer, self.settings.catalogue_dir.glob("*.yml"))):
            self.api.set_pool(pool, 1)

    def wait_for(self, condition: Callable[[], bool], limit: float, attente: str) -> None:
        """Poll a condition while the processes live.

        Args:
            limit: seconds.
            attente: what is waited for, after « Airflow n'a pas fini … », in French.
        """
        echeance = time.monotonic() + limit
        while not condition():
            self.check_alive()
            if time.monotonic() > echeance:
                raise LocalAirflowError(
                    f"Airflow n'a pas fini {attente} en {limit:.0f} s ; journaux : {self.home / 'logs'}"
                )
            time.sleep(POLL)

    def wait_dags(self, limit: float = START_LIMIT) -> set[str]:
        """Wait until the DAGs of the project are known; returns their ids.

        Raises:
            LocalAirflowError: a DAG file cannot be imported.
        """
        fichiers = list((self.settings.project_dir / "dags").glob("*.py"))

        def are_known() -> bool:
            erreurs = self.api.import_errors()
            if erreurs:
                raise LocalAirflowError("un fichier de DAG ne s'importe pas : " + " ; ".join(erreurs))
            return self.api.dag_files() >= {fichier.name for fichier in fichiers}

        self.wait_for(are_known, limit, "de lire les DAG")
        return self.api.dag_ids()

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run of a DAG; returns the id of the run."""
        return self.api.trigger(dag_id, conf)

    def wait_run(self, dag_id: str, run_id: str, limit: float) -> Run:
        """Wait until a run is over; returns it, failed or not.

        Args:
            limit: seconds.
        """
        self.wait_for(lambda: self.api.run(dag_id, run_id).is_over, limit, f"{dag_id} ({run_id})")
        return self.api.run(dag_id, run_id)

    def stop(self) -> None:
        """Stop every process and what it started. Does nothing the second time.

        A task that still runs is given ``SCHEDULER_STOP_LIMIT`` to end, then killed.
        """
        with _undisturbed():
            descendance = [
                enfant for process in self._processes.values() for enfant in _descendants(process.pid)
            ]
            # First the scheduler: the tasks below it still need the API server to say how they ended.
            autres = {nom: process for nom, process in self._processes.items() if nom != "scheduler"}
            if "scheduler" in self._processes:
                descendance += _end([self._processes["scheduler"]], SCHEDULER_STOP_LIMIT)
            descendance += _end(list(autres.values()), STOP_LIMIT)
            # Tasks sit in process groups of their own: they are reached one by one.
            vivants = [enfant for enfant in descendance if _lives(enfant)]
            for enfant in vivants:
                with suppress(psutil.NoSuchProcess):
                    enfant.kill()
            psutil.wait_procs(vivants, timeout=STOP_LIMIT)
            self._processes.clear()
            self._verrou.release()


def _end(processes: list[subprocess.Popen[bytes]], limit: float) -> list[psutil.Process]:
    """Ask processes to end, kill those that do not within ``limit`` seconds; returns what they leave."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    echeance = time.monotonic() + limit
    restes: list[psutil.Process] = []
    for process in processes:
        try:
            process.wait(max(0.0, echeance - time.monotonic()))
        except subprocess.TimeoutExpired:
            restes += _descendants(process.pid)
            process.kill()
            process.wait()
    return restes


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C while the processes are being stopped: a second one would leave some behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    avant = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, avant)


def stop_on_termination() -> None:
    """Make every polite end (Ctrl-C, ``kill``, closed terminal) run the clean stop."""

    def leave(numero: int, cadre: FrameType | None) -> None:
        raise SystemExit(128 + numero)

    # A shell starts background jobs with Ctrl-C ignored, and Python then leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def say(ligne: str) -> None:
    """Write one line to the terminal, at once even through a pipe."""
    sys.stdout.write(f"{ligne}\n")
    sys.stdout.flush()


def airflow_home(settings: Settings) -> Path:
    """Where the private Airflow of an installation lives, below its data directory."""
    return settings.paths.root / "airflow"


@dataclass(frozen=True)
class Keeper:
    """The process that keeps an Airflow running in the background.

    Attributes:
        pid, begun: what names a process for good; ``begun`` in seconds since the epoch.
        url: address of the interface, empty until it is healthy.
        dags: the DAGs that were unpaused.
    """

    pid: int
    begun: float
    url: str = ""
    dags: tuple[str, ...] = ()

    @classmethod
    def of(cls, home: Path) -> Keeper | None:
        """The keeper that runs on a home, None when there is none; the file of a dead one is removed."""
        chemin = keeper_file(home)
        try:
            dit = json.loads(chemin.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        keeper = cls(dit["pid"], dit["begun"], dit["url"], tuple(dit["dags"]))
        if keeper.process() is None:
            chemin.unlink(missing_ok=True)
            return None
        return keeper

    def process(self) -> psutil.Process | None:
        """The process, None when it is over, even if its number now names another."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            # The clock of the kernel counts in hundredths of a second.
            if abs(process.create_time() - self.begun) < 1 and _lives(process):
                return process
        return None

    def write(self, home: Path) -> None:
        """Say where it is; another process never reads half of it."""
        a_cote = home / ".gardien.json"
        write_private(a_cote, json.dumps(asdict(self)))
        a_cote.replace(keeper_file(home))


def keeper_file(home: Path) -> Path:
    return home / "gardien.json"


def keep(settings: Settings) -> None:
    """Run Airflow until this process is asked to end, every DAG unpaused. What ``up`` leaves behind it."""
    home = airflow_home(settings).resolve()
    with LocalAirflow(home, settings) as airflow:
        moi = Keeper(os.getpid(), psutil.Process().create_time())
        moi.write(home)
        try:
            # The dépôt last: a folder shown to an ingestion still paused would not be shown again.
            dags = sorted(airflow.wait_dags(), key=lambda dag_id: (dag_id == DEPOSIT_DAG, dag_id))
            for dag_id in dags:
                airflow.api.unpause(dag_id)
            replace(moi, url=airflow.url, dags=tuple(sorted(dags))).write(home)
            while True:
                airflow.check_alive()
                time.sleep(POLL)
        finally:
            keeper_file(home).unlink(missing_ok=True)


def up(settings: Settings, limit: float = UP_LIMIT) -> Keeper:
    """Leave Airflow running in the background and say where; one that runs already is only named.

    Args:
        limit: seconds.

    Raises:
        LocalAirflowError: it did not start; with the end of its log.
    """
    home = airflow_home(settings).resolve()
    keeper = Keeper.of(home)
    if keeper is None or not keeper.url:
        keeper = _start_keeper(home, limit)
    say(f"Airflow : {keeper.url}")
    say(f"Utilisateur : {USER}    mot de passe : {Secrets.of(home).password}")
    say(f"DAG actifs : {', '.join(keeper.dags)}")
    say(f"Journaux : {home / 'logs'}")
    say("Pour arrêter : make down")
    return keeper


def _start_keeper(home: Path, limit: float) -> Keeper:
    say("Démarrage d'Airflow (une vingtaine de secondes)…")
    (home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = home / "logs" / "gardien.log"
    with journal.open("wb") as flux:
        process = subprocess.Popen(
            [sys.executable, "-m", "qpv_emploi.airflow.local", "keep"],
            stdin=subprocess.DEVNULL,
            stdout=flux,
            stderr=subprocess.STDOUT,
            # Its own session: neither Ctrl-C nor the end of this terminal reaches it.
            start_new_session=True,
            umask=0o077,
        )
    echeance = time.monotonic() + limit
    try:
        while True:
            keeper = Keeper.of(home)
            if keeper is not None and keeper.url:
                return keeper
            if process.poll() is not None:
                raise LocalAirflowError(tail(journal) or f"Airflow ne démarre pas ; voir {journal}")
            if time.monotonic() > echeance:
                raise LocalAirflowError(
                    f"Airflow n'est pas prêt en {limit:.0f} s ; journaux : {home / 'logs'}"
                )
            time.sleep(POLL)
    except BaseException:
        # It stops its four processes itself.
        process.terminate()
        process.wait()
        raise


def down(settings: Settings, limit: float = DOWN_LIMIT) -> bool:
    """Stop the Airflow that ``up`` left; False when there is none.

    Args:
        limit: seconds.

    Raises:
        LocalAirflowError: it did not end in time.
    """
    keeper = Keeper.of(airflow_home(settings).resolve())
    process = keeper.process() if keeper else None
    if process is None:
        say("Aucun Airflow local à arrêter.")
        return False
    say("Arrêt d'Airflow…")
    process.terminate()
    try:
        process.wait(limit)
    except psutil.TimeoutExpired:
        raise LocalAirflowError(
            f"Airflow (processus {process.pid}) ne s'arrête pas en {limit:.0f} s ; recommencer"
        ) from None
    say("Airflow est arrêté.")
    return True


def main(arguments: list[str]) -> int:
    """``python -m qpv_emploi.airflow.local up|down``; returns the exit code."""
    try:
        if arguments == ["up"]:
            up(Settings())
        elif arguments == ["down"]:
            down(Settings())
        elif arguments == ["keep"]:
            stop_on_termination()
            keep(Settings())
        else:
            say("usage : python -m qpv_emploi.airflow.local up|down")
            return 2
    except KeyboardInterrupt:
        return 130
    except QPVError as erreur:
        say(str(erreur))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The whole chain through a real Airflow: ingestion, the warehouse that it wakes, then its publication.

``python -m qpv_emploi.airflow.demo`` starts a private Airflow, triggers the ingestion DAGs, waits until
nothing is left to run, stops Airflow and says where the results lie.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.airflow.api import AirflowApi, Run, TaskState
from qpv_emploi.airflow.local import LocalAirflow, LocalAirflowError, airflow_home, say, stop_on_termination
from qpv_emploi.errors import QPVError
from qpv_emploi.publication.export import DATABASE
from qpv_emploi.publication.tout import CURRENT, FILES
from qpv_emploi.settings import Paths, Settings

WAREHOUSE = "entrepot"
PUBLICATION = "publication"
SITE = "site"
INGESTION_PREFIX = "ingestion_"

# Seconds. The limit only stops a demo that hangs; on two cores it takes a fraction of it.
DEMO_LIMIT = 600
BETWEEN_LOOKS = 1.0
BETWEEN_LINES = 5.0

FINISHED_TASK = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

STATES_IN_FRENCH = {
    "queued": "en attente",
    "running": "en cours",
    "success": "terminé",
    "failed": "en échec",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Said:
    """The last line printed about a run. ``le``: monotonic time."""

    state: str
    finies: int
    le: float


class Watch:
    """Follows the runs of a demo and prints a line when something moves.

    Args:
        api: the Airflow that is watched.
        say: receives each line, in French.
        depuis: monotonic time from which the printed seconds are counted.
    """

    def __init__(self, api: AirflowApi, say: Say, depuis: float) -> None:
        self._api = api
        self._say = say
        self._depuis = depuis
        self._dags = sorted(api.dag_ids())
        self._avant = {run.run_id for dag_id in self._dags for run in api.runs(dag_id)}
        self._dit: dict[tuple[str, str], _Said] = {}

    def line(self, texte: str) -> None:
        """Print a line preceded by the seconds since the beginning."""
        self._say(f"[{time.monotonic() - self._depuis:4.0f} s] {texte}")

    def new_runs(self) -> list[Run]:
        """Runs created since this watch began, the oldest first within a DAG."""
        return [
            run
            for dag_id in self._dags
            for run in reversed(self._api.runs(dag_id))
            if run.run_id not in self._avant
        ]

    def is_quiet(self) -> bool:
        """Whether no run is queued or running and no event waits to start one. Prints what moved."""
        runs = self.new_runs()
        for run in runs:
            self._report(run)
        return all(run.is_over for run in runs) and not any(
            self._api.has_waiting_events(dag_id) for dag_id in self._dags
        )

    def _report(self, run: Run) -> None:
        cle = (run.dag_id, run.run_id)
        maintenant = time.monotonic()
        deja = self._dit.get(cle)
        if deja and (deja.state == run.state if run.is_over else maintenant - deja.le < BETWEEN_LINES):
            return
        # Asked as rarely as it is printed: on two cores, the questions slow down what they ask about.
        taches = self._api.task_states(run)
        finies = sum(tache.state in FINISHED_TASK for tache in taches)
        if deja and (deja.state, deja.finies) == (run.state, finies):
            return
        self._dit[cle] = _Said(run.state, finies, maintenant)
        self.line(f"{run.dag_id} : {STATES_IN_FRENCH.get(run.state, run.state)}{_tally(run, taches, finies)}")
        for tache in taches if run.is_over else ():
            if tache.state == "failed":
                self.line(f"  {tache.name} en échec : {self._api.first_error(tache)}")


def _tally(run: Run, taches: list[TaskState], finies: int) -> str:
    if not run.is_over:
        return f", {finies} tâche(s) finie(s) sur {len(taches)}" if taches else ""
    reussies = sum(tache.state == "success" for tache in taches)
    ignorees = sum(tache.state == "skipped" for tache in taches)
    return f", {reussies} tâche(s) réussie(s), {ignorees} sans objet"


def run_demo(settings: Settings, console_print: Say = say, *, limit: float = DEMO_LIMIT) -> Path:
    """Ingest the dépôt and publish the warehouse through a private Airflow, then stop it.

    A second demo on the same data finds nothing new, and ends on the release in place.

    Args:
        settings: the installation; the dépôt must be filled.
        console_print: receives the progress, one line at a time, in French.
        limit: seconds, start of Airflow included.

    Returns:
        Directory of the current release.

    Raises:
        LocalAirflowError: Airflow does not start, the limit passes, or nothing was published.
    """
    depuis = time.monotonic()
    echeance = depuis + limit
    console_print("Démarrage d'un Airflow privé (une vingtaine de secondes)…")
    with LocalAirflow(airflow_home(settings), settings) as airflow:
        dags = sorted(airflow.wait_dags())
        watch = Watch(airflow.api, console_print, depuis)
        watch.line(f"Airflow est prêt : {airflow.url} ; DAG : {', '.join(dags)}")
        for dag_id in dags:
            # The ingestions are triggered here: nobody has to look at the dépôt meanwhile.
            if dag_id != "depot":
                airflow.api.unpause(dag_id)
        # A producer without a file has nothing to show, and each run costs the two cores some seconds.
        present = {folder.name for folder in settings.depot.iterdir() if folder.is_dir()}
        for dag_id in dags:
            if dag_id.startswith(INGESTION_PREFIX) and dag_id.removeprefix(INGESTION_PREFIX) in present:
                airflow.trigger(dag_id)
        _wait_until_quiet(airflow, watch, echeance)
        if not settings.paths.courant.exists() and not _ran(watch, WAREHOUSE):
            # The ingestion of an earlier, interrupted demo left nothing new to wake the warehouse.
            watch.line("Rien de nouveau, mais rien de publié : construction demandée.")
            airflow.trigger(WAREHOUSE)
            _wait_until_quiet(airflow, watch, echeance)
        seen = settings.paths.publications / CURRENT
        if settings.paths.courant.exists() and not seen.exists() and not _ran(watch, PUBLICATION):
            watch.line("Version publiée, mais pas diffusée : diffusion demandée.")
            airflow.trigger(PUBLICATION)
            _wait_until_quiet(airflow, watch, echeance)
        echecs = [run for run in watch.new_runs() if run.dag_id == WAREHOUSE and run.state == "failed"]
        if not _ran(watch, WAREHOUSE):
            watch.line("Rien de nouveau dans le dépôt : la version publiée reste en place.")
    if echecs or not settings.paths.courant.exists():
        raise LocalAirflowError(
            "aucune version n'a été publiée par cette exécution ; raison ci-dessus, "
            f"journaux : {airflow.home / 'logs'}"
        )
    if not seen.exists():
        raise LocalAirflowError(
            f"la version publiée n'a pas été diffusée ; raison ci-dessus, journaux : {airflow.home / 'logs'}"
        )
    return settings.paths.courant.resolve()


def _ran(watch: Watch, dag_id: str) -> bool:
    return any(run.dag_id == dag_id for run in watch.new_runs())


def _wait_until_quiet(airflow: LocalAirflow, watch: Watch, echeance: float) -> None:
    """Wait until everything triggered, and everything it woke, is over.

    Two looks in a row must agree: an event may become a run between the question about runs and the
    question about events.
    """
    calmes = 0
    while calmes < 2:
        airflow.check_alive()
        if time.monotonic() > echeance:
            raise LocalAirflowError(
                f"la démonstration n'a pas fini à temps ; journaux : {airflow.home / 'logs'}"
            )
        calmes = calmes + 1 if watch.is_quiet() else 0
        time.sleep(BETWEEN_LOOKS)


def describe_results(paths: Paths) -> list[str]:
    """Where the warehouse, what people take away from it and the site are, one line each, in French."""
    courant, diffusion = paths.courant, paths.publications / CURRENT
    lignes = [
        f"Version publiée : {courant.resolve().name}",
        f"Entrepôt (DuckDB, SQL en lecture seule) : {courant / DATABASE}",
    ]
    marts = diffusion / FILES
    if marts.is_dir():
        lignes.append(f"Marts (classeurs, CSV, Parquet, dictionnaire) : {marts}")
        lignes += [f"  {entree.name}{'/' if entree.is_dir() else ''}" for entree in sorted(marts.iterdir())]
    site = diffusion / SITE / "index.html"
    if site.is_file():
        lignes.append(f"Site, à ouvrir dans un navigateur : {site}")
    return lignes


def main() -> int:
    """``python -m qpv_emploi.airflow.demo``; returns the exit code."""
    stop_on_termination()
    settings = Settings()
    debut = time.monotonic()
    try:
        run_demo(settings)
    except KeyboardInterrupt:
        say("Démonstration interrompue ; Airflow est arrêté.")
        return 130
    except QPVError as erreur:
        say(str(erreur))
        return 1
    for ligne in describe_results(settings.paths):
        say(ligne)
    say(f"Durée : {time.monotonic() - debut:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

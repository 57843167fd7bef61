"""Warehouse: build aside, audit, publish. Woken by any dataset that changed, and once a week in any case."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, Param, task

from qpv_emploi.airflow.assets import WAREHOUSE_PUBLISHED, dataset_assets
from qpv_emploi.airflow.notifications import announce_release, tell_failure
from qpv_emploi.airflow.taches import audit, build_when_quiet, publish

# An event emitted while this DAG is paused, or a change of our own rules, wakes nothing: Monday catches it.
MONDAY_AT_9 = CronTriggerTimetable("0 9 * * 1", timezone="Europe/Paris", run_immediately=timedelta(0))
ANY_DATASET_CHANGED = AssetOrTimeSchedule(timetable=MONDAY_AT_9, assets=AssetAny(*dataset_assets()))

# One slot: a backfill applies its own max_active_runs, the pool holds for all runs together.
ONE_AT_A_TIME = "entrepot"

DOC = """
### Entrepôt : construire, contrôler, publier

Réveillé dès qu'un jeu change ; attend la fin des ingestions en cours, pour construire une seule fois. Le
lundi à 9 h, rattrape ce qui aurait été manqué (événement émis pendant une pause, règle changée).

1. `construire` : dbt dans une base de travail privée, à partir du verrou (jeu × millésime → empreinte).
   Ignorée (rose) quand rien n'a changé depuis la version publiée. Le journal donne une ligne par nœud dbt,
   les échecs puis les plus lents d'abord.
2. `auditer` : contrat avec les utilisateurs. En échec, rien n'est publié et la version en place reste servie.
3. `publier` : la version complète devient courante d'un seul coup.

**Reconstruire sans changement de source** (nouvelle règle, nouvelle correction) : déclencher avec `force`.
"""

with DAG(
    dag_id="entrepot",
    schedule=ANY_DATASET_CHANGED,
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "entrepot",
        "pool": ONE_AT_A_TIME,
        # A refresh that began is published before the next one is built.
        "weight_rule": "upstream",
        "retries": 1,
        "retry_delay": timedelta(minutes=2),
        "on_failure_callback": tell_failure,
    },
    params={
        "force": Param(
            False,
            type="boolean",
            title="Reconstruire même sans changement",
            description="Construit, contrôle et publie une version même si aucune source n'a changé.",
        )
    },
    tags=["entrepot", "dbt"],
    description="Construit, contrôle puis publie l'entrepôt",
    doc_md=DOC,
):
    # A sensor, because it first waits for the ingestions; rescheduled, so that waiting holds no slot. Each
    # look is a process, some seconds of one core: rare enough not to slow down what it waits for.
    construire = task.sensor(
        task_id="construire",
        mode="reschedule",
        poke_interval=15,
        doc_md="Construit un candidat, à l'écart. Le journal donne une ligne par nœud dbt.",
    )(build_when_quiet)
    auditer = task(
        task_id="auditer",
        doc_md="Contrôle le candidat : contrat avec les utilisateurs. Rouge : rien n'est publié.",
    )(audit)
    publier = task(
        task_id="publier",
        outlets=[WAREHOUSE_PUBLISHED],
        on_success_callback=announce_release,
        doc_md="Rend la version courante, d'un seul coup, et l'annonce.",
    )(publish)

    candidate = construire()
    auditer(candidate) >> publier(candidate)

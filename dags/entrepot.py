"""Warehouse: build aside, audit, publish. Woken by any dataset that changed."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetAny, Param, task

from qpv_emploi.airflow.assets import WAREHOUSE_PUBLISHED, dataset_assets
from qpv_emploi.airflow.taches import audit, build_when_quiet, publish

ANY_DATASET_CHANGED = AssetAny(*dataset_assets())

# One slot: a backfill applies its own max_active_runs, the pool holds for all runs together.
ONE_AT_A_TIME = "entrepot"

DOC = """
### Entrepôt : construire, contrôler, publier

Réveillé dès qu'un jeu change ; attend la fin des ingestions en cours, pour construire une seule fois.

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
        "retries": 1,
        "retry_delay": timedelta(minutes=2),
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
    # A sensor, because it first waits for the ingestions; rescheduled, so that waiting holds no slot.
    construire = task.sensor(task_id="construire", mode="reschedule", poke_interval=5)(build_when_quiet)
    auditer = task(task_id="auditer")(audit)
    publier = task(task_id="publier", outlets=[WAREHOUSE_PUBLISHED])(publish)

    candidate = construire()
    auditer(candidate) >> publier(candidate)

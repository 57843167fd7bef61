"""Dépôt: look at the folders every five minutes, wake the ingestion of the producers whose folder changed."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task

from qpv_emploi.airflow.assets import DEPOSITS_CHANGED, deposit_asset, producers
from qpv_emploi.airflow.notifications import tell_failure
from qpv_emploi.airflow.taches_veille import find_deposits

EVERY_FIVE_MINUTES = CronTriggerTimetable(
    "*/5 * * * *", timezone="Europe/Paris", run_immediately=timedelta(0)
)

DOC = """
### Dépôt : un fichier est arrivé

Compare noms, tailles et dates des fichiers de chaque dossier `<dépôt>/<producteur>/` à ce qu'ils étaient au
dernier réveil, sans rien lire. Un dossier qui a changé, et où rien ne s'écrit depuis vingt secondes, réveille
l'ingestion de son producteur (asset `depot/<producteur>`). Rose : rien n'a changé. Un fichier refusé puis
corrigé réveille de nouveau ; le même fichier refusé ne réveille pas deux fois.
"""

with DAG(
    dag_id="depot",
    schedule=EVERY_FIVE_MINUTES,
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "entrepot",
        "retries": 1,
        "retry_delay": timedelta(minutes=1),
        "on_failure_callback": tell_failure,
    },
    tags=["depot"],
    description="Réveille l'ingestion des producteurs dont le dossier du dépôt a changé",
    doc_md=DOC,
):
    task(
        task_id="regarder",
        inlets=[deposit_asset(producer.producteur) for producer in producers()],
        outlets=[DEPOSITS_CHANGED],
        doc_md="Compare chaque dossier à ce qu'il était au dernier réveil.",
    )(find_deposits)()

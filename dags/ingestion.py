"""Ingestion: one DAG per producer of the catalogue, one pair of tasks per dataset.

``recenser__<jeu>`` lists the vintages of the dépôt, ``ingerer__<jeu>`` runs once for each of them.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task

from qpv_emploi.airflow.assets import dataset_asset, producers
from qpv_emploi.airflow.taches import ingest, ingestion_dag_id, survey_vintages

# Without the null delta, a DAG unpaused in the morning would also start the run of 6 o'clock.
EVERY_DAY_AT_6 = CronTriggerTimetable("0 6 * * *", timezone="Europe/Paris", run_immediately=timedelta(0))

# The reading of a vintage fills one core: two at a time across the DAG, whatever the executor allows.
AT_A_TIME = 2

DOC = """
### Ingestion : {titre}

Cherche chaque jour dans le dépôt les millésimes des jeux ci-dessous, conserve les fichiers reçus, les lit et
les contrôle.

| jeu | contenu |
|---|---|
{jeux}

**Lire un état.** Vert : nouveau millésime ou révision, l'entrepôt sera reconstruit. Rose (ignoré) : rien de
nouveau, rien n'est réveillé. Rouge : fichier refusé ; la raison tient sur une ligne du journal de la tâche,
le dernier bon millésime reste en service et les autres jeux continuent.

**Relancer.** Après correction du fichier, effacer (*clear*) la tâche rouge ou déclencher le DAG.
"""

for producer in producers():
    with DAG(
        dag_id=ingestion_dag_id(producer.producteur),
        schedule=EVERY_DAY_AT_6,
        catchup=False,
        max_active_runs=1,
        max_active_tasks=AT_A_TIME,
        default_args={"owner": "entrepot", "retries": 2, "retry_delay": timedelta(minutes=5)},
        tags=["ingestion", producer.producteur],
        description=f"Fichiers de : {producer.titre}",
        doc_md=DOC.format(
            titre=producer.titre, jeux="\n".join(f"| `{jeu.jeu}` | {jeu.titre} |" for jeu in producer.jeux)
        ),
    ):
        for dataset in producer.jeux:
            survey = task(task_id=f"recenser__{dataset.jeu}")(survey_vintages)
            ingest_each = task(
                task_id=f"ingerer__{dataset.jeu}",
                outlets=[dataset_asset(producer.producteur, dataset.jeu)],
                map_index_template="{{ task.op_kwargs['millesime'] }}",
                max_active_tis_per_dag=AT_A_TIME,
            )(ingest)
            ingest_each.partial(producteur=producer.producteur, jeu=dataset.jeu).expand(
                millesime=survey(producer.producteur, dataset.jeu)
            )

"""Ingestion: one DAG per producer of the catalogue, two or three tasks per dataset.

A DAG runs when the folder of its producer in the dépôt changes, and on days drawn from the cadence and the
usual lags of the catalogue. ``recevoir__<jeu>`` asks the producer, for the datasets that it serves over the
network; ``recenser__<jeu>`` lists the vintages that lie here, received or dropped; ``ingerer__<jeu>`` runs
once for each of them.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, MultipleCronTriggerTimetable, Param, TriggerRule, task

from qpv_emploi.airflow.assets import dataset_asset, deposit_asset, producers
from qpv_emploi.airflow.notifications import tell_failure
from qpv_emploi.airflow.pools import reception_pool
from qpv_emploi.airflow.taches import fetch, ingest, ingestion_dag_id, survey_vintages
from qpv_emploi.catalogue import Producer
from qpv_emploi.catalogue.acces import DepositAccess
from qpv_emploi.catalogue.presentation import dataset_page, producer_page, vintage_forms
from qpv_emploi.settings import load_settings
from qpv_emploi.veille.calendrier import crons

# The reading of a vintage fills one core: two at a time across the DAG, whatever the executor allows.
AT_A_TIME = 2

ONE_POOL_PER_HOST = load_settings().pools_par_hote

DOC = """
### Ingestion : {titre}

Demande au producteur les jeux qu'il sert en ligne (si `QPV_EN_LIGNE` vaut 1), cherche dans le dépôt les
millésimes des jeux ci-dessous, conserve les fichiers, les lit et les contrôle.

**Quand.** Dès que le dossier du producteur change dans le dépôt (DAG `depot`) ; chaque lundi, pour ce qui
aurait été manqué ; et chaque jour des mois où paraît d'habitude un de ses jeux en ligne. Ces jours-là,
`recevoir__<jeu>` n'interroge le producteur qu'au rythme du jeu : chaque jour autour de sa date usuelle,
chaque lundi sinon, le premier lundi du mois pour une publication ponctuelle ; rose les autres jours, avec la
raison.
Une exécution déclenchée à la main interroge toujours.

**Lire un état.** Vert : nouveau millésime ou révision, l'entrepôt sera reconstruit. Rose (ignoré) : rien de
nouveau, rien n'est réveillé. Rouge : fichier refusé ; la raison tient sur une ligne du journal de la tâche,
le dernier bon millésime reste en service et les autres jeux continuent.

**Recevoir.** `recevoir__<jeu>` est rose quand rien n'est nouveau ou que le producteur ne répond pas, rouge
quand il refuse ou sert autre chose que le fichier attendu. Dans tous les cas la suite lit ce qui est déjà là.

**Relancer.** Après correction du fichier, effacer (*clear*) la tâche rouge ou déclencher le DAG.

**Reprendre un millésime.** Déclencher avec `millesimes` : seuls les millésimes nommés sont lus, les autres ne
sont pas touchés ; un nom qu'aucun jeu n'a reçu met la recension en échec. Avec `force`, ce qui n'a pas changé
est relu et contrôlé à nouveau.

{jeux}"""


def timetable(producer: Producer) -> AssetOrTimeSchedule:
    """Days drawn from the catalogue, and the folder of the dépôt."""
    return AssetOrTimeSchedule(
        # Without the null delta, a DAG unpaused in the morning would also start the run of 6 o'clock.
        timetable=MultipleCronTriggerTimetable(
            *crons(producer.jeux), timezone="Europe/Paris", run_immediately=timedelta(0)
        ),
        assets=[deposit_asset(producer.producteur)],
    )


def params(producer: Producer) -> dict[str, Param]:
    """What the form of a run asks."""
    return {
        "millesimes": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Millésimes à lire",
            description_md="Un par ligne, tels que les nomment les dossiers du dépôt. **Vide : tous.** Un "
            "millésime déjà en usage n'est relu que si son fichier a changé, ou avec `force`.\n\n"
            "Formes admises :\n\n" + vintage_forms(producer),
        ),
        "force": Param(
            False,
            type="boolean",
            title="Relire même sans changement",
            description="Relit et contrôle à nouveau les fichiers dont ni les octets ni les règles n'ont "
            "changé.",
        ),
    }


for producer in producers():
    with DAG(
        dag_id=ingestion_dag_id(producer.producteur),
        schedule=timetable(producer),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=AT_A_TIME,
        default_args={
            "owner": "entrepot",
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "on_failure_callback": tell_failure,
        },
        tags=["ingestion", producer.producteur],
        description=f"Fichiers de : {producer.titre}",
        params=params(producer),
        doc_md=DOC.format(titre=producer.titre, jeux=producer_page(producer)),
    ):
        for dataset in producer.jeux:
            # Whatever became of the reception, what lies here is read.
            survey = task(
                task_id=f"recenser__{dataset.jeu}",
                trigger_rule=TriggerRule.ALL_DONE,
                doc_md="Les millésimes présents, déposés ou reçus.",
            )(survey_vintages)
            vintages = survey(producer.producteur, dataset.jeu)
            if not isinstance(dataset.acces, DepositAccess):
                pool = reception_pool(dataset.acces, par_hote=ONE_POOL_PER_HOST)
                receive = task(
                    task_id=f"recevoir__{dataset.jeu}",
                    pool=pool,
                    doc_md="Demande le jeu au producteur, aux jours qui lui conviennent.",
                )(fetch)
                receive(producer.producteur, dataset.jeu) >> vintages
            ingest_each = task(
                task_id=f"ingerer__{dataset.jeu}",
                outlets=[dataset_asset(producer.producteur, dataset.jeu)],
                map_index_template="{{ task.op_kwargs['millesime'] }}",
                max_active_tis_per_dag=AT_A_TIME,
                doc_md=f"Lit et contrôle un millésime ; un index par millésime.\n\n{dataset_page(dataset)}",
            )(ingest)
            ingest_each.partial(producteur=producer.producteur, jeu=dataset.jeu).expand(millesime=vintages)

"""Watch: what is late, what is new, what is damaged, what may be removed. Every day, after the ingestions."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, task

from qpv_emploi.airflow.notifications import tell_failure
from qpv_emploi.airflow.taches_veille import (
    ALWAYS,
    NEVER,
    ON_MONDAY,
    check_integrity,
    clean,
    report_late,
    report_news,
)

# Without the null delta, a DAG unpaused in the morning would also start the run of half past seven.
EVERY_DAY_AT_7_30 = CronTriggerTimetable("30 7 * * *", timezone="Europe/Paris", run_immediately=timedelta(0))

# The pool of the builds: retention never removes what a build is reading.
ONE_AT_A_TIME = "entrepot"

DOC = """
### Veille : retards, nouveautés, intégrité, ménage

Les quatre tâches ne dépendent pas l'une de l'autre. La même chose sans Airflow : `qpv veille`.

1. `retards` : compare à aujourd'hui le prochain millésime de chaque jeu (cadence et délai usuel du
   catalogue, millésimes en usage). Un jeu est en retard quand son délai usuel est dépassé de moitié. **Verte
   même s'il y a des retards** : une ligne d'avertissement par jeu dans le journal, et la liste en XCom. Une
   tâche rouge tous les jours ne se lirait plus.
2. `nouveautes` : ce que la prochaine ingestion lira et, en ligne (`QPV_EN_LIGNE=1`), ce que les producteurs
   annoncent de nouveau ou de changé, sans rien télécharger. Une ligne chacune, et la liste en XCom.
3. `integrite` : relit chaque fichier brut conservé et recalcule son empreinte, le lundi (paramètre
   `integrite`), ignorée (rose) les autres jours. **Rouge si un fichier est altéré ou absent** ; le journal
   dit lequel et quels millésimes l'emploient. Rien n'est déplacé ni supprimé. Un fichier bronze absent n'est
   qu'un avertissement : la prochaine ingestion le refait.
4. `menage` : garde les dernières versions (réglage `QPV_VERSIONS_GARDEES`, 12), la courante, et celles dont
   le dossier tient un fichier `.garder` ; supprime les autres, et ce que des exécutions interrompues ont
   laissé depuis plus d'un jour. Les fichiers bruts ne sont jamais supprimés. Avec `menage` à faux, le journal
   dit seulement ce qui partirait.
"""

with DAG(
    dag_id="veille",
    schedule=EVERY_DAY_AT_7_30,
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "entrepot",
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "on_failure_callback": tell_failure,
    },
    params={
        "integrite": Param(
            ON_MONDAY,
            type="string",
            enum=[ON_MONDAY, ALWAYS, NEVER],
            title="Relire les fichiers bruts",
            description="Quand recalculer l'empreinte de chaque fichier conservé.",
        ),
        "menage": Param(
            True,
            type="boolean",
            title="Supprimer ce qui dépasse la rétention",
            description="À faux, le journal dit ce qui partirait, et rien n'est supprimé.",
        ),
    },
    tags=["veille"],
    description="Retards, nouveautés, intégrité du brut, rétention des versions",
    doc_md=DOC,
):
    task(task_id="retards", doc_md="Les jeux dont le délai usuel est dépassé de moitié.")(report_late)()
    task(task_id="nouveautes", doc_md="Ce qui est arrivé ou annoncé, et que rien n'a encore lu.")(
        report_news
    )()
    task(task_id="integrite", doc_md="Relit les fichiers bruts et recalcule leur empreinte.")(
        check_integrity
    )()
    task(task_id="menage", pool=ONE_AT_A_TIME, doc_md="Applique la rétention des versions.")(clean)()

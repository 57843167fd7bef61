"""Publication: files, site and database of the published warehouse. Woken by it."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, task

from qpv_emploi.airflow.assets import WAREHOUSE_PUBLISHED
from qpv_emploi.airflow.notifications import tell_failure
from qpv_emploi.airflow.taches_publication import disseminate, serve

# The pool of the builds: retention never removes what a publication is reading.
ONE_AT_A_TIME = "entrepot"

DOC = """
### Publication : tout ce que l'on emporte d'une version

Réveillée par la publication de l'entrepôt. La même chose sans Airflow : `qpv publish`.

1. `diffuser` : classeurs, CSV, Parquet, périmètres, descriptions, comparaison avec la version précédente, et
   le site. Complets avant d'être vus : `publications/courante` est un lien, changé d'un seul coup. Une
   diffusion déjà faite n'est pas refaite.
2. `servir` : la même version dans PostgreSQL, en une transaction (réglages `QPV_POSTGRES` et
   `QPV_POSTGRES_SCHEMA`). Ignorée (rose) sans base réglée. En échec, la base sert toujours la version
   précédente.

Les deux tâches ne dépendent pas l'une de l'autre : une base en panne n'empêche pas le site.

**Refaire** (nouveau gabarit, nouvelle feuille de style) : déclencher avec `force`.
"""

with DAG(
    dag_id="publication",
    schedule=[WAREHOUSE_PUBLISHED],
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "entrepot",
        "pool": ONE_AT_A_TIME,
        "retries": 1,
        "retry_delay": timedelta(minutes=2),
        "on_failure_callback": tell_failure,
    },
    params={
        "version": Param(
            "",
            type="string",
            title="Version",
            description="Identifiant de la version à diffuser ; vide : la version courante.",
        ),
        "force": Param(
            False,
            type="boolean",
            title="Refaire une diffusion déjà faite",
            description="Refait les fichiers, le site et le chargement de la base, même s'ils sont là.",
        ),
    },
    tags=["publication"],
    description="Diffuse la version publiée : fichiers, site, PostgreSQL",
    doc_md=DOC,
):
    task(
        task_id="diffuser",
        doc_md="Fait les fichiers et le site de la version. Rouge : la diffusion en place reste servie.",
    )(disseminate)()
    task(
        task_id="servir",
        doc_md="Charge la version dans PostgreSQL, en une transaction. Rose : aucune base n'est réglée.",
    )(serve)()

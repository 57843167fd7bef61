"""What the tasks do: the functions that the DAG files wire together.

Each calls ``qpv_emploi.pipeline`` and translates its answer into the language of Airflow: skipped (nothing
changed: no asset event, nothing wakes downstream), failed for good (an error that a second try cannot mend)
or done, with facts attached to the asset event. The pipeline is imported inside the functions, because it
pulls in pandas, dbt and Great Expectations, which the parsing of a DAG file must not pay for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import PokeReturnValue
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from qpv_emploi.airflow.assets import WAREHOUSE_PUBLISHED, dataset_asset, producers
from qpv_emploi.conservation.errors import StorageUnavailable
from qpv_emploi.errors import QPVError
from qpv_emploi.settings import Settings, load_settings

if TYPE_CHECKING:
    from qpv_emploi.entrepot import NodeResult

log = logging.getLogger(__name__)

PARIS = ZoneInfo("Europe/Paris")

# An ingestion that retries or hangs must not keep the other datasets from being published.
LONGEST_WAIT_FOR_INGESTION = timedelta(minutes=30)


def ingestion_dag_id(producteur: str) -> str:
    """Identifier of the ingestion DAG of a producer."""
    return f"ingestion_{producteur}"


def one_line(texte: object) -> str:
    """The text on one line, so that a log viewer shows the whole reason."""
    return " ".join(str(texte).split())


@contextmanager
def no_second_try() -> Iterator[None]:
    """Turn an error made for the person who runs the warehouse into a failure without retry.

    Raises:
        AirflowFailException: in place of any ``QPVError``, with its message on one line.
        AirflowException: the object storage does not answer, which a second try may mend.
    """
    try:
        yield
    except StorageUnavailable as panne:
        log.error(one_line(panne))
        raise AirflowException(one_line(panne)) from None
    except QPVError as erreur:
        log.error(one_line(erreur))
        raise AirflowFailException(one_line(erreur)) from None


def not_asked_because(settings: Settings, producteur: str, jeu: str, dag_run: Any) -> str:
    """Why a run does not ask the producer for a dataset, in French; empty when it does.

    A run that a person started always asks; one that the dépôt woke never does; one of the timetable asks at
    the pace that the catalogue gives the dataset (``veille.calendrier``).
    """
    from qpv_emploi.conservation import Lock
    from qpv_emploi.veille.calendrier import asking_rhythm

    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type)) if dag_run else "manual"
    if kind == "asset_triggered":
        return "réveillé par le dépôt : le producteur n'est pas interrogé"
    if kind not in ("scheduled", "backfill"):
        return ""
    dataset = next(
        dataset
        for producer in producers()
        if producer.producteur == producteur
        for dataset in producer.jeux
        if dataset.jeu == jeu
    )
    held = sorted(m for p, j, m in Lock.of(settings.paths).read() if (p, j) == (producteur, jeu))
    day = dag_run.run_after.astimezone(PARIS).date()
    rhythm = asking_rhythm(dataset, tuple(held), day)
    return "" if rhythm.falls_on(day) else f"interrogé {rhythm.pas} : {rhythm.raison}"


def fetch(producteur: str, jeu: str, *, dag_run: Any = None) -> None:
    """Ask the producer for a dataset. A source that is down does not fail: its outcome is in the ledger.

    Args:
        dag_run: the run; one of the timetable asks only on the days that suit the dataset.

    Raises:
        AirflowSkipException: offline, fictional data, not a day to ask, nothing new, or the producer does not
            answer.
        AirflowFailException: the producer refuses, or serves something else than the file.
    """
    from qpv_emploi import pipeline
    from qpv_emploi.acquisition.directe import is_for_real_data
    from qpv_emploi.conservation.ledger import Issue

    settings = load_settings()
    if not settings.en_ligne:
        raise AirflowSkipException("hors ligne (QPV_EN_LIGNE) : seul ce qui est déjà là est lu")
    if not is_for_real_data(settings):
        raise AirflowSkipException("données fictives : les producteurs ne sont pas interrogés")
    if why := not_asked_because(settings, producteur, jeu, dag_run):
        raise AirflowSkipException(f"{producteur}/{jeu} : {why}")
    with no_second_try():
        outcomes = pipeline.fetch(settings, producteur, jeu)
    for outcome in outcomes:
        niveau = logging.WARNING if outcome.issue in (Issue.REFUSE, Issue.ABSENT) else logging.INFO
        nom = "/".join(filter(None, (producteur, jeu, outcome.millesime)))
        log.log(niveau, "%s : %s, %s", nom, outcome.issue.value, one_line(outcome.raison))
    refus = [outcome for outcome in outcomes if outcome.issue is Issue.REFUSE]
    if refus:
        raise AirflowFailException(" ; ".join(one_line(outcome.raison) for outcome in refus))
    if not any(outcome.issue in (Issue.NOUVEAU, Issue.REVISE) for outcome in outcomes):
        raise AirflowSkipException(f"{producteur}/{jeu} : rien de nouveau n'est reçu")


def survey_vintages(producteur: str, jeu: str, *, params: Any = None) -> list[str]:
    """Vintages of a dataset that lie here, dropped or received: one mapped task is started for each.

    Args:
        params: parameters of the run; ``millesimes`` keeps the vintages that it names, all when it is empty.

    Raises:
        AirflowFailException: no dépôt, or a vintage asked for that no dataset of the producer has.
    """
    from qpv_emploi import pipeline

    with no_second_try():
        millesimes = pipeline.vintages_in_depot(load_settings(), producteur, jeu, params["millesimes"])
    log.info("%s/%s : %d millésime(s) dans le dépôt : %s", producteur, jeu, len(millesimes), millesimes)
    return list(millesimes)


def ingest(
    producteur: str, jeu: str, millesime: str, *, params: Any = None, outlet_events: Any = None
) -> None:
    """Ingest one vintage and describe the result in the event of the dataset's asset.

    Args:
        params: parameters of the run; ``force`` reads again what did not change.
        outlet_events: accessor given by Airflow; the event carries ``millesime``, ``issue``,
            ``empreintes`` (SHA-256 of the files) and ``nb_lignes``.

    Raises:
        AirflowSkipException: nothing new (same bytes, or no file): nothing downstream is woken.
        AirflowFailException: the file is refused; the reason is on one line, and a retry is pointless.
    """
    from qpv_emploi import pipeline
    from qpv_emploi.conservation.ledger import Issue

    with no_second_try():
        outcome = pipeline.ingest_vintage(
            load_settings(), producteur, jeu, millesime, force=bool(params["force"])
        )
    if outcome.issue is Issue.REFUSE:
        raison = one_line(outcome.raison)
        log.error(raison)
        raise AirflowFailException(raison)
    # The same bytes read again, because a rule of reading changed, have rows: what is downstream must know.
    nothing_read = outcome.nb_lignes is None
    if outcome.issue is Issue.ABSENT or (outcome.issue is Issue.INCHANGE and nothing_read):
        raise AirflowSkipException(f"{producteur}/{jeu}/{millesime} : {outcome.issue.value}, rien à faire")
    log.info("%s/%s/%s : %s, %s ligne(s)", producteur, jeu, millesime, outcome.issue.value, outcome.nb_lignes)
    outlet_events[dataset_asset(producteur, jeu)].extra = {
        "millesime": millesime,
        "issue": outcome.issue.value,
        "empreintes": list(outcome.empreintes),
        "nb_lignes": outcome.nb_lignes,
    }


def ingestions_in_progress(ti: Any) -> int:
    """Number of ingestion runs that are queued or running, all producers together."""
    return sum(
        ti.get_dr_count(dag_id=ingestion_dag_id(producteur.producteur), states=["queued", "running"])
        for producteur in producers()
    )


def must_wait(en_cours: int, depuis: datetime, maintenant: datetime) -> bool:
    """Whether a build should let the ingestions end first.

    The first vintage that arrives wakes the warehouse while its neighbours are still being read: building
    at once would publish half of a delivery, then build again.
    """
    return en_cours > 0 and maintenant - depuis < LONGEST_WAIT_FOR_INGESTION


def build_when_quiet(*, params: Any = None, ti: Any = None, dag_run: Any = None) -> PokeReturnValue:
    """Build a candidate once no ingestion is in progress. Written for a sensor in reschedule mode.

    Returns:
        not done while ingestions run; else done, with the id of the candidate as value.

    Raises:
        AirflowSkipException: nothing changed since the current release.
        AirflowFailException: the build failed; the published release is untouched.
    """
    en_cours = ingestions_in_progress(ti)
    if must_wait(en_cours, dag_run.start_date, datetime.now(UTC)):
        log.info("%d ingestion(s) en cours : la construction attend leur fin.", en_cours)
        return PokeReturnValue(is_done=False)

    from qpv_emploi import pipeline

    settings = load_settings()
    with no_second_try():
        candidat = pipeline.build(settings, force=bool(params["force"]))
    if candidat is None:
        raise AirflowSkipException("rien n'a changé depuis la version publiée")
    log_nodes(pipeline.node_results(settings, candidat))
    log.info("Candidat construit : %s", candidat)
    return PokeReturnValue(is_done=True, xcom_value=candidat)


# dbt says success for a model and pass for a test.
HARMLESS = frozenset({"success", "pass"})


def node_lines(noeuds: Iterable[NodeResult]) -> list[str]:
    """One line per dbt node: those that did not succeed first, then the slowest."""
    ordre = sorted(noeuds, key=lambda noeud: (noeud.statut in HARMLESS, -noeud.secondes, noeud.nom))
    return [
        f"{noeud.statut:<8} {noeud.secondes:7.2f} s  {noeud.nature:<9} {noeud.nom}"
        + (f" : {one_line(noeud.message)}" if noeud.statut not in HARMLESS and noeud.message else "")
        for noeud in ordre
    ]


def log_nodes(noeuds: Iterable[NodeResult]) -> None:
    """Write the result of each dbt node to the log of the task."""
    for ligne in node_lines(noeuds):
        log.info(ligne)


def skip_if_superseded(settings: Settings, candidat: str) -> None:
    """Leave a candidate aside when a younger one became current since: to publish it would go back in time.

    Only two refreshes at once come to that; what one has, the other has too. Names begin with the time.

    Raises:
        AirflowSkipException: naming the release in place.
    """
    courant = settings.paths.courant
    if courant.exists() and courant.resolve().name > candidat:
        raise AirflowSkipException(f"une version plus récente est en place : {courant.resolve().name}")


def audit(candidat: str) -> list[str]:
    """Gate 2 on the candidate. Returns the warnings, which are also written to the log.

    Raises:
        AirflowSkipException: a younger release is in place.
        AirflowFailException: the candidate breaks the contract with its consumers; it is not published.
    """
    from qpv_emploi import pipeline

    settings = load_settings()
    skip_if_superseded(settings, candidat)
    with no_second_try():
        avertissements = pipeline.audit(settings, candidat)
    for ligne in avertissements:
        log.warning(one_line(ligne))
    return list(avertissements)


def publish(candidat: str, *, outlet_events: Any = None) -> str:
    """Publish the candidate; the event of the warehouse's asset says which release became current.

    Raises:
        AirflowSkipException: a younger release is in place.
        AirflowFailException: it could not be published.
    """
    from qpv_emploi import pipeline

    settings = load_settings()
    skip_if_superseded(settings, candidat)
    with no_second_try():
        version = pipeline.publish(settings, candidat)
    log.info("Version publiée : %s (%s)", version.identifiant, version.dossier)
    outlet_events[WAREHOUSE_PUBLISHED].extra = {
        "version": version.identifiant,
        "region": version.region,
        "est_fictif": version.est_fictif,
        "nb_observations": version.comptes.get("fct_observation"),
    }
    return str(version.identifiant)

"""The tasks that ask producers: what each answer becomes, and a DAG at work against a local producer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from tests.producteur_joue import BON, DIRECTE, Installation, install
from tests.serveur import Reply, Server

from qpv_emploi import pipeline
from qpv_emploi.airflow.pools import host_pool, host_pools, reception_pool
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.catalogue.acces import C2rpAccess
from qpv_emploi.conservation import Issue, Outcome
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

ROOT = Path(__file__).resolve().parents[2]

RECU = Outcome(
    le="2026-03-01T12:00:00Z",
    producteur="essai",
    jeu="directe",
    millesime="2031",
    issue=Issue.NOUVEAU,
    raison="reçu de\nhttps://producteur.example/f.csv",
    fichiers=("f.csv",),
    empreintes=("ab" * 32,),
    nb_lignes=None,
    colonnes_inconnues=(),
    colonnes_absentes=(),
    nb_cellules_revisees=None,
    rapport="",
    etape="reception",
)


@pytest.fixture
def taches(airflow_home: Path) -> ModuleType:
    from qpv_emploi.airflow import taches

    return taches


@pytest.fixture
def maison(taches: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An online installation whose settings are those of the environment, as for a worker."""
    with Server() as serveur:
        maison = install(tmp_path, serveur, monkeypatch)
        maison.declare_http()
        for nom in ("data_dir", "depot", "project_dir", "catalogue_dir", "region"):
            monkeypatch.setenv(f"QPV_{nom.upper()}", str(getattr(maison.settings, nom)))
        monkeypatch.setenv("QPV_EN_LIGNE", "1")
        monkeypatch.setenv("QPV_AUTORISER_HTTP_LOCAL", "1")
        yield maison


def answer(monkeypatch: pytest.MonkeyPatch, *issues: Issue) -> None:
    """Make the reception of the pipeline give these outcomes."""
    outcomes = [replace(RECU, issue=issue) for issue in issues]
    monkeypatch.setattr(pipeline, "fetch", lambda *args: outcomes)


@pytest.mark.parametrize(
    "issues", [(Issue.NOUVEAU,), (Issue.REVISE, Issue.INCHANGE), (Issue.ABSENT, Issue.NOUVEAU)]
)
def test_a_reception_succeeds(
    maison: Installation, taches: ModuleType, monkeypatch: pytest.MonkeyPatch, issues: tuple[Issue, ...]
) -> None:
    answer(monkeypatch, *issues)
    taches.fetch("essai", "directe")


@pytest.mark.parametrize("issues", [(), (Issue.INCHANGE,), (Issue.ABSENT,)])
def test_nothing_new_or_a_source_down_is_a_skip(
    maison: Installation,
    taches: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    issues: tuple[Issue, ...],
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    answer(monkeypatch, *issues)
    with pytest.raises(AirflowSkipException, match="rien de nouveau"), caplog.at_level("INFO"):
        taches.fetch("essai", "directe")
    attendues = [
        f"essai/directe/2031 : {issue.value}, reçu de https://producteur.example/f.csv" for issue in issues
    ]
    assert [ligne for ligne in caplog.messages if ligne.startswith("essai/")] == attendues


def test_a_refusal_is_a_failure_without_second_try(
    maison: Installation, taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    answer(monkeypatch, Issue.NOUVEAU, Issue.REFUSE)
    with pytest.raises(AirflowFailException, match=r"^reçu de https://producteur\.example/f\.csv$"):
        taches.fetch("essai", "directe")


@pytest.mark.parametrize(
    ("reglage", "valeur", "mot"), [("EN_LIGNE", "0", "hors ligne"), ("REGION", "99", "fictives")]
)
def test_nobody_is_asked_offline_or_for_fictional_data(
    maison: Installation,
    taches: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    reglage: str,
    valeur: str,
    mot: str,
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    monkeypatch.setenv(f"QPV_{reglage}", valeur)
    with pytest.raises(AirflowSkipException, match=mot):
        taches.fetch("essai", "directe")
    assert maison.serveur.requetes == []


def play(maison: Installation) -> dict[str, str]:
    """Run the ingestion DAG of the local producer; state of each task, mapped or not."""
    from airflow.dag_processing.dagbag import DagBag

    dagbag = DagBag(ROOT / "dags" / "ingestion.py")
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == {"ingestion_essai"}
    run = dagbag.dags["ingestion_essai"].test()
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def test_a_day_with_the_producer_then_a_day_without(maison: Installation) -> None:
    serveur = maison.serveur
    serveur.play("/donnees.csv", Reply(corps=BON))
    assert play(maison) == {
        f"{etape}__{jeu}": "success"
        for etape in ("recevoir", "recenser", "ingerer")
        for jeu in ("directe", "voisin")
    }
    assert DIRECTE in maison.lock()
    verrou = maison.settings.paths.verrou.read_bytes()

    # Down for one dataset, refused for the other: both are still surveyed, and nothing is lost.
    serveur.play("/donnees.csv", Reply(500))
    serveur.play("/voisin.csv", Reply(404))
    assert play(maison) == {
        "recevoir__directe": "skipped",
        "recevoir__voisin": "failed",
        "recenser__directe": "success",
        "recenser__voisin": "success",
        "ingerer__directe": "skipped",
        "ingerer__voisin": "skipped",
    }
    assert maison.settings.paths.verrou.read_bytes() == verrou


def test_pools() -> None:
    catalogue = load_catalogue(Settings().dbt_dir)
    pools = host_pools(catalogue.producteurs)
    assert "hote_www_insee_fr" in pools
    assert len(pools) == len(set(pools))
    c2rp = catalogue.dataset("c2rp", "pages").acces
    assert isinstance(c2rp, C2rpAccess)
    assert reception_pool(c2rp, par_hote=True) == host_pool(c2rp) == "hote_www_c2rp_fr"
    assert reception_pool(c2rp, par_hote=False) == "default_pool"

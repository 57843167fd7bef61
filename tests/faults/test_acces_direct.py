"""A producer that misbehaves: each case is an outcome with a clear reason, and stops nothing else.

Everything goes through the functions of the pipeline, against a local server.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.producteur_joue import (
    AUTRE,
    BON,
    DIRECTE,
    VOISIN,
    Installation,
    install,
    one,
)
from tests.serveur import Reply, Server, conditional

from qpv_emploi import pipeline
from qpv_emploi.acquisition.echange import Limits
from qpv_emploi.conservation import Issue, Manifest, RawStore
from qpv_emploi.errors import SettingsError
from qpv_emploi.fictif import generate

pytestmark = pytest.mark.enable_socket

HTML = b"<!DOCTYPE html><html><body>Un instant...</body></html>"


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


@pytest.fixture
def serveur() -> Iterator[Server]:
    with Server() as ouvert:
        yield ouvert


@pytest.fixture
def maison(tmp_path: Path, serveur: Server, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return install(tmp_path, serveur, monkeypatch)


def check_neighbour(maison: Installation) -> None:
    """The other dataset of the run is in use."""
    assert maison.lock()["essai", "voisin", "2031"].empreintes == (digest(VOISIN),)


def check_untouched(maison: Installation, contenu: bytes = BON) -> None:
    """The former good file of the dataset is still in use, received and kept."""
    assert maison.lock()[DIRECTE].empreintes == (digest(contenu),)
    assert maison.received() == {"donnees.csv": contenu}
    assert RawStore(maison.settings.paths).path(digest(contenu)).read_bytes() == contenu


def test_first_fetch(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play(
        "/donnees.csv",
        Reply(corps=BON, en_tetes={"Last-Modified": "Wed, 01 Oct 2031 06:00:00 GMT"}),
    )
    issues = maison.run()
    recu, lu = one(issues, "reception"), one(issues, "ingestion")
    assert (recu.issue, recu.millesime, recu.fichiers) == (Issue.NOUVEAU, "2031", ("donnees.csv",))
    assert recu.empreintes == (digest(BON),)
    assert recu.raison == f"reçu de {maison.serveur.url('/donnees.csv')}"
    assert (lu.issue, lu.nb_lignes) == (Issue.NOUVEAU, 2)
    check_untouched(maison)
    check_neighbour(maison)
    (reception,) = [r for r in Manifest(maison.settings.paths).receptions() if r.jeu == "directe"]
    assert reception.origine == maison.serveur.url("/donnees.csv")
    assert reception.modifie_le == "2031-10-01T06:00:00.000Z"
    assert reception.est_fictif is False


def test_not_modified(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", conditional(BON, etag='"v1"'))
    maison.run()
    verrou = maison.settings.paths.verrou.read_bytes()
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.INCHANGE
    assert one(issues, "ingestion").issue is Issue.INCHANGE
    assert maison.serveur.requetes[-2].en_tetes["if-none-match"] == '"v1"'
    assert maison.settings.paths.verrou.read_bytes() == verrou
    check_untouched(maison)
    check_neighbour(maison)


def test_the_same_bytes_without_validators_are_no_news(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    maison.run()
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.INCHANGE
    assert one(issues, "ingestion").issue is Issue.INCHANGE


@pytest.mark.parametrize("valide", [{}, {"etag": '"v1"'}])
def test_changed_bytes_are_a_silent_revision(maison: Installation, valide: dict[str, str]) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", conditional(BON, **valide), Reply(corps=AUTRE))
    maison.run()
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.REVISE
    lu = one(issues, "ingestion")
    assert lu.issue is Issue.REVISE
    assert "révision silencieuse" in lu.raison
    check_untouched(maison, AUTRE)
    assert maison.lock()[DIRECTE].precedentes == ((digest(BON),),)
    assert RawStore(maison.settings.paths).path(digest(BON)).read_bytes() == BON
    check_neighbour(maison)


def test_quota_then_success(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(429, en_tetes={"Retry-After": "30"}), Reply(corps=BON))
    assert one(maison.run(), "ingestion").issue is Issue.NOUVEAU
    assert maison.temps.attentes == [30.0]
    check_untouched(maison)
    check_neighbour(maison)


@pytest.mark.parametrize(
    ("reponse", "mots"),
    [
        pytest.param(
            Reply(500, b"panne"),
            ("le producteur ne répond pas", "500", "« panne »", "5 tentatives"),
            id="500 five times",
        ),
        pytest.param(
            Reply(corps=BON, coupe=len(BON) // 2, longueur=len(BON)),
            ("le producteur ne répond pas", "corps tronqué", f"{len(BON) // 2} octets reçus"),
            id="dropped at half",
        ),
        pytest.param(
            Reply(corps=BON, longueur=len(BON) + 10),
            ("le producteur ne répond pas", "corps tronqué", "10 manquent"),
            id="wrong size",
        ),
    ],
)
def test_a_source_that_is_down_is_absent(maison: Installation, reponse: Reply, mots: tuple[str, ...]) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON), reponse)
    maison.run()
    issue = one(maison.run(), "reception")
    assert (issue.issue, issue.millesime, issue.fichiers) == (Issue.ABSENT, "2031", ())
    for mot in (*mots, "à faire", "le fichier déjà reçu reste en usage"):
        assert mot in issue.raison
    assert maison.serveur.calls()["/donnees.csv"] == 6
    check_untouched(maison)
    check_neighbour(maison)


@pytest.mark.parametrize(
    ("reponse", "mots"),
    [
        pytest.param(Reply(corps=HTML), ("page HTML", "dépôt"), id="HTML"),
        pytest.param(
            Reply(302, en_tetes={"Location": "https://ailleurs.example/donnees.csv"}),
            ("l'hôte « ailleurs.example » n'est pas autorisé", "redirection"),
            id="foreign host",
        ),
        pytest.param(Reply(404, b"absent"), ("404", "déplacé ou supprimé"), id="gone"),
    ],
)
def test_a_definitive_no_is_refused(maison: Installation, reponse: Reply, mots: tuple[str, ...]) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON), reponse)
    maison.run()
    issue = one(maison.run(), "reception")
    assert (issue.issue, issue.millesime) == (Issue.REFUSE, "2031")
    assert issue.raison.startswith("essai/directe/2031 refusé à la réception : ")
    for mot in (*mots, "à faire", "le fichier déjà reçu reste en usage"):
        assert mot in issue.raison
    # Once, after the good one: a no is not asked again.
    assert maison.serveur.calls()["/donnees.csv"] == 2
    check_untouched(maison)
    check_neighbour(maison)


def test_a_source_down_from_the_start(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(503))
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.ABSENT
    assert "reste en usage" not in one(issues, "reception").raison
    assert one(issues, "ingestion").issue is Issue.ABSENT
    assert DIRECTE not in maison.lock()
    assert maison.received() == {}
    check_neighbour(maison)


def test_a_slow_server(tmp_path: Path, serveur: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that drips: the deadline of the request, not each silence, ends it."""
    maison = install(tmp_path, serveur, monkeypatch, limites=Limits(total_s=20.0))
    maison.declare_http()
    serveur.play("/donnees.csv", Reply(corps=BON), Reply(corps=BON * 20, goutte=1, pause_s=0.002))
    maison.run()
    maison.temps.pas = 1.0
    issues = maison.run()
    issue = one(issues, "reception")
    assert issue.issue is Issue.ABSENT
    assert "n'est pas arrivé en entier en 20 s" in issue.raison
    assert one(issues, "reception", "voisin").issue is Issue.INCHANGE
    check_untouched(maison)
    check_neighbour(maison)


def test_good_bytes_of_a_bad_file_are_received_then_refused_by_the_gate(maison: Installation) -> None:
    maison.declare_http()
    mauvais = b"code;valeur\r\n01;douze\r\n"
    maison.serveur.play("/donnees.csv", Reply(corps=BON), Reply(corps=mauvais))
    maison.run()
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.REVISE
    lu = one(issues, "ingestion")
    assert lu.issue is Issue.REFUSE
    assert "donnees.csv refusé" in lu.raison
    assert maison.lock()[DIRECTE].empreintes == (digest(BON),)
    assert RawStore(maison.settings.paths).path(digest(BON)).read_bytes() == BON
    check_neighbour(maison)


def test_a_name_that_no_file_of_the_dataset_bears(maison: Installation) -> None:
    """The name of the producer is judged like one dropped by hand: the catalogue may give another."""
    fichier = {"adresse": maison.serveur.url("/{millesime}.xlsx")}
    maison.declare({"mode": "http", "millesimes": ["2031"], "fichiers": [fichier]}, motif=r".+\.(csv|xlsx)")
    maison.serveur.play("/2031.xlsx", Reply(corps=BON))
    maison.run()
    fichier["nom"] = "donnees.csv"
    maison.declare({"mode": "http", "millesimes": ["2031"], "fichiers": [fichier]})
    issues = maison.run()
    assert one(issues, "reception").issue is Issue.REVISE
    assert one(issues, "ingestion").fichiers == ("donnees.csv",)
    check_untouched(maison)


def test_the_deposit_wins_over_what_was_received(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    maison.drop(AUTRE)
    issues, non_lus = pipeline.ingest_all(maison.settings)
    assert one(issues, "reception").raison.endswith("le dépôt tient ce millésime : c'est lui qui est lu")
    assert non_lus == ["recu/essai/directe/2031 (le dépôt tient ce millésime)"]
    assert maison.lock()[DIRECTE].empreintes == (digest(AUTRE),)
    # Once the file of the dépôt is withdrawn, the received one is read.
    shutil.rmtree(maison.settings.depot)
    issues, non_lus = pipeline.ingest_all(maison.settings)
    assert one(issues, "ingestion").issue is Issue.REVISE
    assert non_lus == []
    check_untouched(maison)


def test_the_same_bytes_under_two_vintages_one_of_which_was_received(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    maison.drop(BON, millesime="2030")
    issues = [i for i in maison.run() if i.jeu == "directe" and i.etape == "ingestion"]
    assert {issue.millesime: issue.issue for issue in issues} == {
        "2030": Issue.REFUSE,
        "2031": Issue.REFUSE,
    }
    assert all("mêmes octets que sous" in issue.raison for issue in issues)


def test_offline_reads_what_was_received_and_asks_nobody(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    pipeline.fetch(maison.settings)
    demandes = len(maison.serveur.requetes)
    hors_ligne = maison.settings.model_copy(update={"en_ligne": False})
    issues, _ = pipeline.ingest_all(hors_ligne)
    assert [issue.etape for issue in issues] == ["ingestion", "ingestion"]
    assert {issue.issue for issue in issues} == {Issue.NOUVEAU}
    assert len(maison.serveur.requetes) == demandes


def test_validators_are_forgotten_with_the_file(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", conditional(BON, etag='"v1"'))
    maison.run()
    shutil.rmtree(maison.settings.paths.recu / "essai" / "directe")
    issues = maison.run()
    assert "if-none-match" not in maison.serveur.requetes[-2].en_tetes
    assert one(issues, "reception").issue is Issue.NOUVEAU
    assert one(issues, "ingestion").issue is Issue.INCHANGE
    check_untouched(maison)


@pytest.mark.parametrize("reste", [b"{", b"[]"])
def test_a_lost_state_costs_one_fetch(maison: Installation, reste: bytes) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", conditional(BON, etag='"v1"'))
    maison.run()
    maison.settings.paths.etat_recu.write_bytes(reste)
    issues = maison.run()
    assert "if-none-match" not in maison.serveur.requetes[-2].en_tetes
    assert one(issues, "reception").issue is Issue.INCHANGE
    assert one(maison.run(), "reception").issue is Issue.INCHANGE
    assert maison.serveur.requetes[-2].en_tetes["if-none-match"] == '"v1"'


def test_validators_are_those_of_an_address(maison: Installation) -> None:
    """The catalogue names another address: what the former said of its file says nothing of this one."""
    maison.declare_http()
    maison.serveur.play("/donnees.csv", conditional(BON, etag='"v1"'))
    maison.run()
    maison.declare_http("/nouvelle.csv")
    maison.serveur.play("/nouvelle.csv", conditional(AUTRE, etag='"v1"'))
    assert one(maison.run(), "reception").issue is Issue.REVISE
    check_untouched(maison, AUTRE)


def test_a_vintage_is_received_whole_or_not_at_all(maison: Installation) -> None:
    fichiers = [
        {"adresse": maison.serveur.url("/a.csv"), "nom": "a.csv"},
        {"adresse": maison.serveur.url("/b.csv"), "nom": "b.csv"},
    ]
    maison.declare({"mode": "http", "millesimes": ["2031"], "fichiers": fichiers})
    serveur = maison.serveur
    serveur.play("/a.csv", Reply(corps=BON))
    serveur.play("/b.csv", Reply(404))
    (issue,) = pipeline.fetch(maison.settings, "essai", "directe")
    assert (issue.issue, issue.fichiers) == (Issue.REFUSE, ())
    assert maison.received() == {}
    fichiers[1]["obligatoire"] = False
    maison.declare({"mode": "http", "millesimes": ["2031"], "fichiers": fichiers})
    (issue,) = pipeline.fetch(maison.settings, "essai", "directe")
    assert (issue.issue, issue.fichiers) == (Issue.NOUVEAU, ("a.csv",))
    assert "un fichier facultatif n'est pas reçu" in issue.raison
    serveur.play("/b.csv", Reply(corps=AUTRE))
    (issue,) = pipeline.fetch(maison.settings, "essai", "directe")
    assert issue.issue is Issue.REVISE
    assert maison.received() == {"a.csv": BON, "b.csv": AUTRE}


def test_a_reception_in_progress_is_not_disturbed(maison: Installation) -> None:
    from qpv_emploi.conservation.fichiers import exclusive

    maison.declare_http()
    dossier = maison.settings.paths.recu / "essai" / "directe"
    with exclusive(dossier), pytest.MonkeyPatch.context() as patch:
        patch.setattr("qpv_emploi.acquisition.directe.LOCK_WAIT_S", 0.0)
        issues = pipeline.fetch(maison.settings)
    assert one(issues, "reception").issue is Issue.ABSENT
    assert "un autre processus l'occupe" in one(issues, "reception").raison
    assert one(issues, "reception", "voisin").issue is Issue.NOUVEAU


def test_what_an_interrupted_reception_left_is_swept(maison: Installation) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    dossier = maison.settings.paths.recu / "essai" / "directe"
    (dossier / ".atelier-mort" / "millesime").mkdir(parents=True)
    (dossier / ".2031.ancien").mkdir()
    maison.run()
    assert sorted(chemin.name for chemin in dossier.iterdir()) == ["2031"]
    check_untouched(maison)


def test_fictional_data_never_meets_a_producer(maison: Installation, tmp_path: Path) -> None:
    maison.declare_http()
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    depot = tmp_path / "fictif"
    vides: dict[str, tuple[str, ...]] = {"insertion_professionnelle": ("2021",)}
    generate(depot, nb_qpv=4, millesimes=vides)
    for change in ({"region": "99"}, {"depot": depot}):
        reglages = maison.settings.model_copy(update=change)
        with pytest.raises(SettingsError, match="jamais interrogés pour la région fictive"):
            pipeline.fetch(reglages)
    # In a run, online or not, the fictional dépôt is read alone, and what was received is left aside.
    pipeline.fetch(maison.settings)
    demandes = len(maison.serveur.requetes)
    reglages = maison.settings.model_copy(update={"depot": depot})
    issues, _ = pipeline.ingest_all(reglages)
    assert len(maison.serveur.requetes) == demandes
    assert {issue.issue for issue in issues} == {Issue.ABSENT}
    assert maison.lock() == {}


def test_nothing_to_fetch_is_said(maison: Installation) -> None:
    maison.declare({"mode": "depot"})
    with pytest.raises(SettingsError, match="essai/directe : aucun jeu de ce nom ne se reçoit en ligne"):
        pipeline.fetch(maison.settings, "essai", "directe")


def test_neither_deposit_nor_reception(maison: Installation) -> None:
    maison.declare({"mode": "depot"})
    reglages = maison.settings.model_copy(update={"en_ligne": False})
    with pytest.raises(SettingsError, match="QPV_DEPOT"):
        pipeline.ingest_all(reglages)


def test_the_state_holds_no_secret(maison: Installation) -> None:
    maison.declare_http("/donnees.csv?apikey=SECRET")
    maison.serveur.play("/donnees.csv", Reply(corps=BON))
    maison.run()
    for chemin in (
        maison.settings.paths.etat_recu,
        maison.settings.paths.journal,
        maison.settings.paths.manifeste,
    ):
        assert "SECRET" not in chemin.read_text(encoding="utf-8")
    (etat,) = [e for e in json.loads(maison.settings.paths.etat_recu.read_bytes()) if e["jeu"] == "directe"]
    assert etat["url"].endswith("apikey=***")

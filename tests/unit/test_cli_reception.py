"""``qpv fetch`` and ``qpv run --en-ligne``, against a local producer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.producteur_joue import AUTRE, BON, Installation, install
from tests.serveur import Reply, Server
from typer.testing import CliRunner, Result

from qpv_emploi import cli, pipeline

pytestmark = pytest.mark.enable_socket

Call = Callable[..., Result]


@pytest.fixture
def maison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with Server() as serveur:
        maison = install(tmp_path, serveur, monkeypatch)
        maison.declare_http()
        serveur.play("/donnees.csv", Reply(corps=BON))
        for nom in ("data_dir", "depot", "project_dir", "catalogue_dir", "region"):
            monkeypatch.setenv(f"QPV_{nom.upper()}", str(getattr(maison.settings, nom)))
        monkeypatch.setenv("QPV_AUTORISER_HTTP_LOCAL", "1")
        monkeypatch.delenv("QPV_EN_LIGNE", raising=False)
        # What is received is at stake here, not what is built from it.
        monkeypatch.setattr(pipeline, "build", lambda settings, force: None)
        yield maison


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    def run(*arguments: str) -> Result:
        monkeypatch.setattr(cli, "console", Console(highlight=False, width=80))
        monkeypatch.setattr(cli, "errors", Console(stderr=True, highlight=False, width=80))
        return CliRunner().invoke(cli.app, list(arguments))

    return run


def test_fetch_shows_each_vintage_on_one_line(maison: Installation, call: Call) -> None:
    serveur = maison.serveur
    fini = call("fetch")
    assert fini.exit_code == 0
    assert fini.stdout.splitlines() == [
        f"reçu      essai/directe/2031  reçu de {serveur.url('/donnees.csv')}",
        f"reçu      essai/voisin/2031  reçu de {serveur.url('/voisin.csv')}",
    ]
    fini = call("fetch", "essai/directe")
    assert fini.stdout.splitlines() == ["inchangé  essai/directe/2031  rien de nouveau chez le producteur"]
    assert maison.lock() == {}


def test_fetch_of_a_source_that_is_down_and_of_one_that_refuses(maison: Installation, call: Call) -> None:
    maison.serveur.play("/donnees.csv", Reply(500))
    maison.serveur.play("/voisin.csv", Reply(404))
    fini = call("fetch")
    assert fini.exit_code == 2
    absent, refus = fini.stdout.splitlines()
    assert absent.startswith("absent    essai/directe/2031  le producteur ne répond pas : ")
    assert refus.startswith("refusé    essai/voisin/2031 refusé à la réception : ")
    # Nothing definitive: whoever scheduled the command is not woken.
    maison.serveur.play("/voisin.csv", Reply(corps=BON))
    assert call("fetch").exit_code == 0


@pytest.mark.parametrize("nom", ["ailleurs", "essai/inconnu"])
def test_fetch_of_nothing(maison: Installation, call: Call, nom: str) -> None:
    fini = call("fetch", nom)
    assert fini.exit_code == 1
    assert f"{nom} : aucun jeu de ce nom ne se reçoit en ligne" in fini.stderr


def test_fetch_never_fills_a_fictional_installation(maison: Installation, call: Call) -> None:
    fini = call("fetch", "--region", "99")
    assert fini.exit_code == 1
    assert "jamais interrogés pour la région fictive" in fini.stderr
    assert maison.serveur.requetes == []


def test_run_asks_producers_only_when_told_to(
    maison: Installation, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    maison.drop(AUTRE, millesime="2030")
    assert call("run").exit_code == 0
    assert maison.serveur.requetes == []

    lignes = call("run", "--en-ligne").stdout.splitlines()
    assert lignes[:4] == [
        f"reçu      essai/directe/2031  reçu de {maison.serveur.url('/donnees.csv')}",
        f"reçu      essai/voisin/2031  reçu de {maison.serveur.url('/voisin.csv')}",
        "nouveau   essai/directe/2031",
        "nouveau   essai/voisin/2031",
    ]
    # What the producer had no news of is counted once, with the rest.
    assert "inchangé  3 jeu(x) × millésime(s)" in call("run", "--en-ligne").stdout.splitlines()

    demandes = len(maison.serveur.requetes)
    monkeypatch.setenv("QPV_EN_LIGNE", "1")
    call("run", "--hors-ligne")
    assert len(maison.serveur.requetes) == demandes
    call("run")
    assert len(maison.serveur.requetes) > demandes


def test_run_says_what_the_depot_replaces(maison: Installation, call: Call) -> None:
    maison.drop(AUTRE)
    (ligne,) = [li for li in call("run", "--en-ligne").stdout.splitlines() if li.startswith("non lu")]
    assert ligne.endswith(": recu/essai/directe/2031 (le dépôt tient ce millésime)")

"""A small installation whose producer is a local server: a catalogue folder of its own, and two datasets.

``directe`` is the dataset under test; ``voisin``, at the same producer, always answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.serveur import Reply, Server, Temps

from qpv_emploi import pipeline
from qpv_emploi.acquisition import directe
from qpv_emploi.acquisition.echange import Limits
from qpv_emploi.acquisition.http import HttpClient
from qpv_emploi.conservation import Ledger, Lock, LockEntry, Outcome
from qpv_emploi.settings import Settings

BON = b"code;valeur\r\n01;5\r\n02;6\r\n"
AUTRE = b"code;valeur\r\n01;5\r\n02;7\r\n"
VOISIN = b"code;valeur\r\n99;1\r\n"

DIRECTE = ("essai", "directe", "2031")
CSV = {"famille": "csv"}


def declared(
    jeu: str, acces: dict[str, Any], *, motif: str = r".+\.csv", lecture: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Declaration of a dataset of two columns."""
    return {
        "jeu": jeu,
        "titre": f"Jeu {jeu}",
        "description": "Jeu d'essai.",
        "licence": "aucune",
        "acces": acces,
        "cadence": "annuelle",
        "type_territoire": "commune",
        "secret": {"methode": "aucune"},
        "millesime": {"motif": r"20\d{2}(T[1-4]|-\d{2}){0,1}(-\d{2}){0,1}", "sens": "année"},
        "fichiers": [
            {
                "motif": motif,
                "tables": [
                    {
                        "forme": "lignes",
                        "lecture": lecture or CSV,
                        "colonnes": [
                            {"nom": "code", "role": "cle", "type": "code", "presence": "requise"},
                            {"nom": "valeur", "type": "nombre", "presence": "requise"},
                        ],
                    }
                ],
            }
        ],
    }


@dataclass
class Installation:
    """The installation and its producer."""

    racine: Path
    serveur: Server
    temps: Temps
    settings: Settings

    def declare(self, acces: dict[str, Any], **options: Any) -> None:
        """Write the catalogue: the dataset under test, reached as ``acces`` says, and its neighbour."""
        voisin = {
            "mode": "http",
            "millesimes": ["2031"],
            "fichiers": [{"adresse": self.serveur.url("/voisin.csv")}],
        }
        producteur = {
            "producteur": "essai",
            "titre": "Producteur d'essai",
            "jeux": [declared("directe", acces, **options), declared("voisin", voisin)],
        }
        texte = yaml.safe_dump(producteur, allow_unicode=True)
        (self.settings.catalogue_dir / "essai.yml").write_text(texte, encoding="utf-8")
        self.serveur.play("/voisin.csv", Reply(corps=VOISIN))

    def declare_http(self, chemin: str = "/donnees.csv", **cles: Any) -> None:
        """The dataset under test is one file at a fixed address."""
        fichier = {"adresse": self.serveur.url(chemin), "nom": "donnees.csv"}
        self.declare({"mode": "http", "millesimes": ["2031"], "fichiers": [fichier], **cles})

    def run(self) -> list[Outcome]:
        """One run of reception and ingestion; the ledger must say the same."""
        avant = len(self.ledger())
        issues, _ = pipeline.ingest_all(self.settings)
        assert self.ledger()[avant:] == tuple(issues)
        return issues

    def ledger(self) -> tuple[Outcome, ...]:
        return Ledger.of(self.settings.paths).outcomes()

    def lock(self) -> dict[tuple[str, str, str], LockEntry]:
        return Lock.of(self.settings.paths).read()

    def received(self, millesime: str = "2031") -> dict[str, bytes]:
        """Files received for the dataset under test."""
        dossier = self.settings.paths.recu / "essai" / "directe" / millesime
        return {chemin.name: chemin.read_bytes() for chemin in dossier.glob("*")}

    def drop(self, contenu: bytes, millesime: str = "2031", nom: str = "depose.csv") -> None:
        """Drop a file in the dépôt by hand."""
        chemin = self.settings.depot / "essai" / "directe" / millesime / nom
        chemin.parent.mkdir(parents=True, exist_ok=True)
        chemin.write_bytes(contenu)


def one(issues: list[Outcome], etape: str, jeu: str = "directe") -> Outcome:
    """The one outcome of a dataset at a step."""
    (issue,) = [issue for issue in issues if (issue.jeu, issue.etape) == (jeu, etape)]
    return issue


def install(
    racine: Path, serveur: Server, monkeypatch: pytest.MonkeyPatch, *, limites: Limits | None = None
) -> Installation:
    """An installation below ``racine``, whose clients never wait.

    Args:
        limites: bounds of each request, instead of those of the client.
    """
    temps = Temps()
    projet = racine / "projet"
    for dossier in ("dbt_project/seeds", "expectations/bronze", "catalogue"):
        (projet / dossier).mkdir(parents=True)
    vraie = Settings()
    entete = (vraie.dbt_dir / "seeds" / "variable_source.csv").read_text(encoding="utf-8").splitlines()[0]
    (projet / "dbt_project" / "seeds" / "variable_source.csv").write_text(entete + "\n", encoding="utf-8")
    for jeu in ("directe", "voisin"):
        suite = {
            "suite": f"essai__{jeu}",
            "description": "Jeu d'essai.",
            "attentes": [
                {
                    "type": "expect_column_values_to_not_be_null",
                    "colonnes": {"noms": ["valeur"]},
                    "severite": "critical",
                    "note": "chaque ligne a une valeur",
                }
            ],
        }
        chemin = projet / "expectations" / "bronze" / f"essai__{jeu}.yml"
        chemin.write_text(yaml.safe_dump(suite, allow_unicode=True), encoding="utf-8")
    options = {**temps.arguments(), **({"limites": limites} if limites else {})}
    fabrique: Callable[..., HttpClient] = lambda hotes, **cles: HttpClient(  # noqa: E731
        hotes, **{**cles, **options, "autoriser_http_local": cles["autoriser_http_local"]}
    )
    monkeypatch.setattr(directe, "HttpClient", fabrique)
    settings = Settings(
        data_dir=racine / "donnees",
        depot=racine / "depot",
        project_dir=projet,
        catalogue_dir=projet / "catalogue",
        region="32",
        en_ligne=True,
        autoriser_http_local=True,
    )
    return Installation(racine, serveur, temps, settings)

"""A dataset is added without any Python: the recipe of the documentation, followed to the letter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qpv_emploi import pipeline
from qpv_emploi.conservation import Issue, Outcome
from qpv_emploi.doctor import check_catalogue
from qpv_emploi.entrepot import Release
from qpv_emploi.errors import SettingsError
from qpv_emploi.fictif import REGION_FICTIVE, generate
from qpv_emploi.settings import Settings

RECETTE = Path(__file__).resolve().parents[2] / "docs" / "ajouter_une_source.md"
# A block of the recipe that names its file in a comment on its first line.
BLOC = re.compile(r"^```(?:yaml|sql)\n(?:#|--) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CATALOGUE = "plugins/qpv_emploi/catalogue/"

JEU = ("missions_locales", "ateliers")
BON = "atelier;code_qp;intitule;participants\nAT001;QP099001;Écrire un CV;12\nAT002;QP099002;;24\n"
# A participant less than the suite admits.
MAUVAIS = BON.replace(";12\n", ";0\n")
# One vintage of each base is enough here.
MILLESIMES = {
    "insertion_professionnelle": ["2021"],
    "demographie_qpv": ["2021"],
    "revenus_qpv": ["2021"],
}


class Projet:
    """A copy of what is not Python, where the recipe is followed."""

    def __init__(self, racine: Path) -> None:
        origine = Settings()
        self.settings = Settings(
            data_dir=racine / "data",
            depot=racine / "depot",
            region=REGION_FICTIVE,
            project_dir=racine / "projet",
            catalogue_dir=racine / "catalogue",
        )
        sans = shutil.ignore_patterns("target", "logs")
        shutil.copytree(origine.dbt_dir, self.settings.dbt_dir, ignore=sans)
        shutil.copytree(origine.expectations_dir, self.settings.expectations_dir)
        self.settings.catalogue_dir.mkdir()
        for chemin in origine.catalogue_dir.glob("*.yml"):
            shutil.copy(chemin, self.settings.catalogue_dir)

    def follow(self, nom: str, texte: str) -> None:
        """Write a block where the recipe says; one whose file exists goes to its end."""
        chemin = self.settings.project_dir / nom
        if nom.startswith(CATALOGUE):
            chemin = self.settings.catalogue_dir / nom.removeprefix(CATALOGUE)
        chemin.parent.mkdir(exist_ok=True)
        with chemin.open("a", encoding="utf-8") as flux:
            flux.write(texte)

    def deposit(self, millesime: str, texte: str) -> None:
        dossier = self.settings.depot.joinpath(*JEU, millesime)
        dossier.mkdir(parents=True)
        (dossier / "ateliers.csv").write_text(texte, encoding="utf-8")


@pytest.fixture(scope="module")
def projet(tmp_path_factory: pytest.TempPathFactory) -> Projet:
    projet = Projet(tmp_path_factory.mktemp("ajout"))
    etapes = BLOC.findall(RECETTE.read_text(encoding="utf-8"))
    # Catalogue, suite, source, staging model, its description.
    assert [Path(nom).suffix for nom, _ in etapes] == [".yml", ".yml", ".yml", ".sql", ".yml"]
    declaration, suite, *modele = etapes
    projet.follow(*declaration)
    with pytest.raises(
        SettingsError, match=r"suites de contrôle : manquantes \['missions_locales__ateliers'\]"
    ):
        check_catalogue(projet.settings)
    projet.follow(*suite)
    assert "tables bronze et leurs suites" in check_catalogue(projet.settings)
    for etape in modele:
        projet.follow(*etape)
    generate(projet.settings.depot, nb_qpv=8, millesimes=MILLESIMES)
    projet.deposit("2024", BON)
    projet.deposit("2025", MAUVAIS)
    return projet


@pytest.fixture(scope="module")
def issues(projet: Projet) -> dict[str, Outcome]:
    """Outcomes of the made-up dataset, by vintage; every other file is accepted."""
    toutes, hors_catalogue = pipeline.ingest_all(projet.settings)
    assert hors_catalogue == []
    refusees = [issue.cle for issue in toutes if issue.issue is Issue.REFUSE]
    assert refusees == [(*JEU, "2025")]
    return {issue.millesime: issue for issue in toutes if (issue.producteur, issue.jeu) == JEU}


@pytest.fixture(scope="module")
def candidat(projet: Projet, issues: dict[str, Outcome]) -> tuple[str, list[Any]]:
    """The candidate, and what its staging model holds: a release no longer has that layer."""
    assert issues
    candidat = pipeline.build(projet.settings)
    assert candidat is not None
    base = projet.settings.paths.travail / candidat / "entrepot.duckdb"
    with duckdb.connect(str(base), read_only=True) as connexion:
        lignes = connexion.execute(
            "select producteur, jeu, millesime, fichier, ligne_source, code_atelier, code_qpv, "
            "libelle_atelier, nb_participants from staging.stg_missions_locales__ateliers order by all"
        ).fetchall()
    return candidat, lignes


@pytest.fixture(scope="module")
def version(projet: Projet, candidat: tuple[str, list[Any]]) -> Release:
    pipeline.audit(projet.settings, candidat[0])
    return pipeline.publish(projet.settings, candidat[0])


def test_its_good_file_is_accepted(issues: dict[str, Outcome]) -> None:
    assert issues["2024"].issue is Issue.NOUVEAU
    assert (issues["2024"].nb_lignes, issues["2024"].colonnes_inconnues) == (2, ())


def test_its_bad_file_is_refused_by_its_suite(projet: Projet, issues: dict[str, Outcome]) -> None:
    raison = issues["2025"].raison
    assert raison.startswith("missions_locales/ateliers/2025/ateliers.csv refusé : ")
    assert "AT001, ligne 2" in raison
    assert "participants" in raison
    rapport = projet.settings.paths.root / issues["2025"].rapport
    assert (rapport / "ateliers.csv").read_text(encoding="utf-8") == MAUVAIS


def test_its_rows_reach_the_staging_model(candidat: tuple[str, list[Any]]) -> None:
    origine = (*JEU, "2024", "ateliers.csv")
    assert candidat[1] == [
        (*origine, 2, "AT001", "QP099001", "Écrire un CV", 12.0),
        (*origine, 3, "AT002", "QP099002", None, 24.0),
    ]


def test_the_release_names_it_among_its_sources(version: Release) -> None:
    with duckdb.connect(str(version.dossier / "entrepot.duckdb"), read_only=True) as connexion:
        lues = connexion.execute(
            "select millesime, titre, licence, fichiers, type_territoire, est_fictif from dim_jeu_source "
            "where producteur = ? and jeu = ?",
            list(JEU),
        ).fetchall()
        ((observations,),) = connexion.execute("select count(*) from fct_observation").fetchall()
    # The refused vintage is not there; the rest is published.
    assert lues == [
        ("2024", "Ateliers de recherche d'emploi", "Aucune, données inventées", "ateliers.csv", "qpv", True)
    ]
    assert observations > 0
    assert version.est_courante


def test_running_it_again_publishes_nothing(projet: Projet, version: Release) -> None:
    again = pipeline.run(projet.settings)
    assert again.release is None
    suites = {i.millesime: i.issue for i in again.outcomes if (i.producteur, i.jeu) == JEU}
    assert suites == {"2024": Issue.INCHANGE, "2025": Issue.REFUSE}
    assert pipeline.current_release(projet.settings.paths) == version

"""A filled form at the door of the warehouse, and the two commands of its author."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tests.socle import RIEN
from typer.testing import CliRunner, Result

from qpv_emploi import cli
from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.conservation import Issue, Lock, Outcome
from qpv_emploi.declarations import JEU
from qpv_emploi.fictif import generate
from qpv_emploi.ingestion import ingest_deposit
from qpv_emploi.settings import Settings

JOUR = "2025-06-30"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLE = (*JEU, JOUR)

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def depot_origine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    depot = tmp_path_factory.mktemp("declarations") / "depot"
    generate(depot, nb_qpv=12, millesimes=RIEN | {"declarations": (JOUR,)})
    return depot


@pytest.fixture
def reglages(depot_origine: Path, tmp_path: Path) -> Settings:
    depot = tmp_path / "depot"
    shutil.copytree(depot_origine, depot)
    return Settings(data_dir=tmp_path / "data", depot=depot, region="99")


@pytest.fixture
def fichier(reglages: Settings) -> Path:
    (fichier,) = reglages.depot.joinpath(*CLE).iterdir()
    return fichier


def edit(fichier: Path, feuille: str, **cases: object) -> None:
    classeur = openpyxl.load_workbook(fichier)
    cible = classeur[feuille] if feuille in classeur.sheetnames else classeur.create_sheet(feuille)
    for case, valeur in cases.items():
        cible[case] = valeur
    classeur.save(fichier)


def receive(reglages: Settings, now: datetime = NOON) -> Outcome:
    catalogue = load_catalogue(reglages.dbt_dir)
    (depose,) = survey(reglages.depot, catalogue).deposits
    return ingest_deposit(reglages, catalogue, depose, est_fictif=True, now=now)


def test_a_filled_form_is_received_sheet_by_sheet(reglages: Settings, fichier: Path) -> None:
    issue = receive(reglages)
    assert (issue.issue, issue.raison, issue.colonnes_inconnues) == (Issue.NOUVEAU, "", ())
    (verrouille,) = Lock(reglages.paths.verrou).read()[CLE].fichiers
    comptes = {
        nom: pq.read_metadata(reglages.paths.root / p).num_rows for nom, p in verrouille.bronze.items()
    }
    assert set(comptes) == {
        f"local__declarations__{nom}" for nom in ("beneficiaires", "actions", "gouvernance", "clauses")
    }
    assert issue.nb_lignes == sum(comptes.values())
    assert all(comptes.values())
    assert receive(reglages).issue is Issue.INCHANGE


def test_a_refused_form_leaves_a_report_of_every_cell(reglages: Settings, fichier: Path) -> None:
    edit(fichier, "Beneficiaires", J4="12a", G5="2024-99")
    edit(fichier, "Identite", B4=None)
    issue = receive(reglages)
    assert issue.issue is Issue.REFUSE
    assert "3 erreur(s) de saisie : Identite!B4" in issue.raison
    assert Lock(reglages.paths.verrou).read() == {}
    rapport = reglages.paths.root / issue.rapport
    details = json.loads((rapport / "rapport.json").read_text(encoding="utf-8"))["details"]
    assert [detail.partition(" : ")[0] for detail in details] == [
        "Identite!B4",
        "Beneficiaires!J4",
        "Beneficiaires!G5",
    ]
    page = (rapport / "rapport.md").read_text(encoding="utf-8")
    assert all(f"- {lieu} : " in page for lieu in ("Identite!B4", "Beneficiaires!J4", "Beneficiaires!G5"))
    assert (rapport / fichier.name).read_bytes() == fichier.read_bytes()


def test_a_form_refused_after_a_good_one_leaves_the_good_one_in_use(
    reglages: Settings, fichier: Path
) -> None:
    receive(reglages)
    verrou = reglages.paths.verrou.read_bytes()
    edit(fichier, "Beneficiaires", J4="12a")
    assert receive(reglages).issue is Issue.REFUSE
    assert reglages.paths.verrou.read_bytes() == verrou


def test_a_corrected_form_replaces_the_one_of_the_same_campaign(reglages: Settings, fichier: Path) -> None:
    receive(reglages)
    edit(fichier, "Beneficiaires", J4=777)
    issue = receive(reglages)
    assert issue.issue is Issue.REVISE
    (verrouille,) = Lock(reglages.paths.verrou).read()[CLE].fichiers
    bronze = reglages.paths.root / verrouille.bronze["local__declarations__beneficiaires"]
    assert pq.read_table(bronze)["nombre__valeur"][0].as_py() == 777


def test_the_clock_is_that_of_the_reception(reglages: Settings) -> None:
    issue = receive(reglages, datetime(2025, 6, 29, 12, tzinfo=UTC))
    assert issue.issue is Issue.REFUSE
    assert "Identite!B7 : 30/06/2025 est dans le futur" in issue.raison


def test_a_sheet_that_is_not_read_is_said(reglages: Settings, fichier: Path) -> None:
    edit(fichier, "Brouillon", A1="calcul")
    issue = receive(reglages)
    assert issue.issue is Issue.NOUVEAU
    assert issue.raison == f"{fichier.name} : feuille « Brouillon » en plus : elle n'est pas lue"


def test_a_campaign_holds_one_file_per_partner(reglages: Settings, fichier: Path) -> None:
    autre = fichier.with_name("declaration_cap_emploi.xlsx")
    shutil.copyfile(fichier, autre)
    edit(autre, "Identite", B5="Cap emploi imaginaire")
    issue = receive(reglages)
    assert (issue.issue, len(issue.fichiers)) == (Issue.NOUVEAU, 2)
    organismes = {
        texte
        for garde in Lock(reglages.paths.verrou).read()[CLE].fichiers
        for texte in pq.read_table(reglages.paths.root / garde.bronze["local__declarations__actions"])[
            "organisme"
        ].to_pylist()
    }
    assert organismes == {"Intercommunalité imaginaire", "Cap emploi imaginaire"}


def test_the_folder_of_a_campaign_is_a_day(reglages: Settings, fichier: Path) -> None:
    fichier.parent.rename(fichier.parent.with_name("2025"))
    issue = receive(reglages)
    assert issue.issue is Issue.REFUSE
    assert "AAAA-MM-JJ" in issue.raison


# --- the commands -----------------------------------------------------------------------------------------


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command without any setting of the person who runs the tests."""
    for nom in ("QPV_DEPOT", "QPV_REGION", "QPV_PROJECT_DIR"):
        monkeypatch.delenv(nom, raising=False)
    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "vide"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(cli, "console", Console(highlight=False, width=60))
        monkeypatch.setattr(cli, "errors", Console(stderr=True, highlight=False, width=60))
        return CliRunner().invoke(cli.app, list(arguments))

    return run


def test_modele_writes_a_workbook_and_its_csv(call: Call, tmp_path: Path) -> None:
    resultat = call("modele", "m", "--contrat", "CN05911M", "--contrat", "CV192")
    assert resultat.exit_code == 0, resultat.output
    assert "attention aucune version publiée" in resultat.output
    assert {chemin.name for chemin in (tmp_path / "m").iterdir()} == {
        *("declaration_CN05911M.xlsx", "declaration_CN05911M_csv"),
        *("declaration_CV192.xlsx", "declaration_CV192_csv"),
    }
    encore = call("modele", "m", "--contrat", "CN05911M")
    assert encore.exit_code == 1
    assert "peut-être rempli" in encore.output


def test_modele_of_the_fictional_region_says_so(call: Call, tmp_path: Path) -> None:
    assert call("modele", "m", "--region", "99").exit_code == 0
    assert "DONNÉES FICTIVES" in (tmp_path / "m/declaration_csv/guide.txt").read_text(encoding="utf-8-sig")


def test_verifier_accepts_a_sound_form(call: Call, fichier: Path) -> None:
    resultat = call("verifier", str(fichier))
    assert resultat.exit_code == 0, resultat.output
    assert "ok        lignes lues : Beneficiaires " in resultat.output
    assert "local/declarations/AAAA-MM-JJ/" in resultat.output


def test_verifier_names_each_cell_on_its_own_line(call: Call, fichier: Path, tmp_path: Path) -> None:
    edit(fichier, "Beneficiaires", J4="12a", G5="2024-99")
    edit(fichier, "Brouillon", A1="calcul")
    resultat = call("verifier", str(fichier))
    assert resultat.exit_code == 1
    lignes = resultat.output.splitlines()
    assert [ligne.partition(" : ")[0] for ligne in lignes[:2]] == [
        "erreur    Beneficiaires!J4",
        "erreur    Beneficiaires!G5",
    ]
    assert lignes[2] == "attention feuille « Brouillon » en plus : elle n'est pas lue"
    assert lignes[3].startswith("2 erreur(s) ; lignes lues : Beneficiaires ")
    assert not (tmp_path / "vide").exists(), "verifier loads nothing"


def test_verifier_refuses_a_file_that_is_not_a_form(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("bonjour", encoding="utf-8")
    resultat = call("verifier", "a.xlsx")
    assert resultat.exit_code == 1
    assert "ni un classeur XLSX ni une archive ZIP" in resultat.output


def test_verifier_takes_the_folder_of_csv(call: Call, tmp_path: Path) -> None:
    call("modele", "m", "--contrat", "CN05911M")
    resultat = call("verifier", "m/declaration_CN05911M_csv")
    assert resultat.exit_code == 1
    assert "identite.csv!Valeur, ligne 2 : Auteur de la saisie : case vide" in resultat.output

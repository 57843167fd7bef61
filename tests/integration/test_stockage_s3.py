"""The chain on an S3-compatible server: workers that share nothing else, and a server that fails."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from tests.producteur_joue import AUTRE, BON, DIRECTE, install, one
from tests.serveur import Reply, Server
from tests.serveur.s3 import SEAU, SECRET, ServeurS3
from typer.testing import CliRunner

from qpv_emploi import pipeline
from qpv_emploi.catalogue import load_catalogue
from qpv_emploi.cli import app
from qpv_emploi.conservation import (
    ConservationError,
    Issue,
    Ledger,
    Lock,
    Manifest,
    Outcome,
    Receptions,
    StorageUnavailable,
    storage_of,
)
from qpv_emploi.conservation.envoi import Sent, send_all
from qpv_emploi.doctor import examine
from qpv_emploi.entrepot.history import file_versions
from qpv_emploi.entrepot.inputs import lay_inputs
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT, generate
from qpv_emploi.settings import Paths, Settings
from qpv_emploi.status import dataset_states
from qpv_emploi.veille.integrite import check_integrity

pytestmark = pytest.mark.enable_socket

URL = f"s3://{SEAU}/region"
REVENUS = ("insee", "revenus_qpv", "2021")
Ouvrier = Callable[[str], Settings]


@pytest.fixture(scope="session")
def petit_depot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    depot = tmp_path_factory.mktemp("petit") / "depot"
    rien: dict[str, tuple[str, ...]] = dict.fromkeys(MILLESIMES_DU_DEPOT, ())
    generate(depot, nb_qpv=4, millesimes={**rien, "revenus_qpv": ["2021"]})
    return depot


@pytest.fixture
def serveur() -> Iterator[ServeurS3]:
    with ServeurS3() as ouvert:
        yield ouvert


@pytest.fixture
def ouvrier(serveur: ServeurS3, petit_depot: Path, tmp_path: Path) -> Ouvrier:
    """A worker of its own data directory, empty at first."""
    return lambda nom: worker(serveur, tmp_path / nom, petit_depot)


def worker(serveur: ServeurS3, data_dir: Path, depot: Path) -> Settings:
    return Settings(
        data_dir=data_dir, depot=depot, region="99", stockage=URL, stockage_options=serveur.options
    )


def ingest(settings: Settings) -> Outcome:
    return pipeline.ingest_vintage(settings, *REVENUS)


def said(failure: QPVError) -> str:
    """The message, which fits on one line and holds no secret."""
    texte = str(failure)
    assert "\n" not in texte
    assert SECRET not in texte
    return texte


# --- The whole region


def test_a_worker_that_holds_nothing_builds_what_the_local_run_built(
    depot_fictif: Path,
    reglages_fictifs: Settings,
    candidat_fictif: tuple[str, Path],
    tmp_path: Path,
) -> None:
    with ServeurS3() as serveur:
        recoit = worker(serveur, tmp_path / "recoit", depot_fictif)
        issues, _ = pipeline.ingest_all(recoit)
        assert {issue.issue for issue in issues if issue.millesime} == {Issue.NOUVEAU}
        kept = {nom.split("/")[1] for nom in serveur.objects()}
        assert kept == {"identite.json", "brut", "bronze", "manifeste", "journal", "verrou"}
        assert {place.name for place in recoit.paths.root.iterdir()} == {"brut", "bronze", "cache"}

        serveur.requetes.clear()
        encore, _ = pipeline.ingest_all(worker(serveur, tmp_path / "encore", depot_fictif))
        assert {issue.issue for issue in encore if issue.millesime} == {Issue.INCHANGE}
        ecrits = {chemin for methode, chemin in serveur.requetes if methode == "PUT"}
        assert ecrits
        assert all(chemin.startswith(f"/{SEAU}/region/journal/") for chemin in ecrits)

        construit = worker(serveur, tmp_path / "construit", tmp_path / "aucun-depot")
        candidat = pipeline.build(construit)
        assert candidat is not None
        recopie = construit.paths.travail / candidat / "entrepot.duckdb"
    (reference,) = candidat_fictif[1].rglob("entrepot.duckdb")
    assert _differences(reference, recopie) == {}


def _differences(reference: Path, recopie: Path) -> dict[str, int]:
    """Seeds, core and marts: number of rows that one database has and not the other."""
    with duckdb.connect() as connexion:
        for nom, base in (("reference", reference), ("recopie", recopie)):
            connexion.execute(f"attach '{base}' as {nom} (read_only)")
        listing = (
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = ? "
            "and schema_name = 'main' order by all"
        )
        tables = [
            [t for (t,) in connexion.execute(listing, [b]).fetchall()] for b in ("reference", "recopie")
        ]
        assert tables[0] == tables[1]
        assert {"main.fct_observation", "main.dim_qpv"} < set(tables[0])
        found = {}
        for table in tables[0]:
            a, b = f"(from reference.{table})", f"(from recopie.{table})"
            (row,) = connexion.execute(
                f"select count(*) from (({a} except all {b}) union all ({b} except all {a}))"
            ).fetchall()
            if row[0]:
                found[table] = row[0]
        (nombre,) = connexion.execute("select count(*) from recopie.main.fct_observation").fetchall()
    assert nombre[0] > 1000
    return found


def test_what_one_worker_fetches_another_reads(
    serveur: ServeurS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as producteur:
        maison = install(tmp_path, producteur, monkeypatch)
        maison.declare_http()
        maison.settings = maison.settings.model_copy(
            update={"stockage": URL, "stockage_options": worker(serveur, tmp_path, tmp_path).stockage_options}
        )
        ailleurs = maison.settings.model_copy(update={"data_dir": tmp_path / "ailleurs", "en_ligne": False})
        for contenu, issue in ((BON, Issue.NOUVEAU), (AUTRE, Issue.REVISE)):
            producteur.play("/donnees.csv", Reply(corps=contenu))
            assert one(pipeline.fetch(maison.settings, "essai", "directe"), "reception").issue is issue
            assert pipeline.vintages_in_depot(ailleurs, "essai", "directe") == ["2031"]
            assert pipeline.ingest_vintage(ailleurs, *DIRECTE).issue is issue
            assert (ailleurs.paths.recu.joinpath(*DIRECTE) / "donnees.csv").read_bytes() == contenu
        (recue,) = {r.origine for r in Manifest(maison.settings.paths).receptions()}
        assert recue == producteur.url("/donnees.csv")
        assert Receptions(ailleurs.paths).of("essai", "directe").keys() == {("2031", "donnees.csv")}
        assert len(maison.lock()[DIRECTE].precedentes) == 1


def test_a_data_directory_moves_to_the_storage_with_its_history(
    serveur: ServeurS3, ouvrier: Ouvrier, petit_depot: Path, tmp_path: Path
) -> None:
    depot = tmp_path / "depot"
    shutil.copytree(petit_depot, depot)
    (fichier,) = depot.joinpath(*REVENUS).iterdir()
    local = Settings(data_dir=tmp_path / "local", depot=depot, region="99")
    ingest(local)
    fichier.write_bytes(fichier.read_bytes() + b"\r\n")
    assert ingest(local).issue is Issue.REVISE

    ici = ouvrier("local")
    serveur.faute = lambda methode, chemin: (
        ("400 Bad Request", "IncompleteBody") if methode == "PUT" and "/journal/" in chemin else None
    )
    with pytest.raises(StorageUnavailable):
        send_all(ici.paths)
    assert Lock.of(ouvrier("lecteur").paths).read() == {}
    serveur.faute = None
    for _ in range(2):
        assert send_all(ici.paths) == Sent(bruts=2, bronze=1, millesimes=1)

    ailleurs = ouvrier("ailleurs").paths
    assert Manifest(ailleurs).receptions() == Manifest(local.paths).receptions()
    assert Ledger.of(ailleurs).outcomes() == Ledger(local.paths.journal).outcomes()
    assert Lock.of(ailleurs).read() == Lock(local.paths.verrou).read()
    assert len(Lock.of(ailleurs).read()[REVENUS].precedentes) == 1
    assert ingest(ouvrier("ailleurs").model_copy(update={"depot": depot})).issue is Issue.INCHANGE
    with pytest.raises(SettingsError, match="tient autre chose que"):
        send_all(ici.paths)


# --- A server that fails


def test_a_server_that_does_not_answer_is_said_in_one_line(serveur: ServeurS3, ouvrier: Ouvrier) -> None:
    ingest(ouvrier("avant"))
    serveur.stop()
    with pytest.raises(StorageUnavailable) as panne:
        ingest(ouvrier("avant"))
    texte = said(panne.value)
    assert texte.startswith(f"insee/revenus_qpv/2021 : {URL}/")
    assert "stockage injoignable ou en panne" in texte
    assert URL in texte
    with pytest.raises(StorageUnavailable):
        check_integrity(ouvrier("avant"))
    (constat,) = [f for f in examine(ouvrier("avant")) if URL in f.message]
    assert constat.niveau == "erreur"
    resultat = CliRunner().invoke(
        app,
        ["status"],
        env={
            "QPV_STOCKAGE": URL,
            "QPV_STOCKAGE_OPTIONS": serveur.options,
            "QPV_DATA_DIR": str(ouvrier("avant").data_dir),
            "QPV_REGION": "99",
        },
    )
    assert resultat.exit_code != 0
    assert "Traceback" not in resultat.output
    assert SECRET not in resultat.output


def test_a_refusal_of_the_server_names_dataset_vintage_and_file(
    serveur: ServeurS3, ouvrier: Ouvrier, petit_depot: Path
) -> None:
    (fichier,) = petit_depot.joinpath(*REVENUS).iterdir()
    refus = lambda methode, chemin: (  # noqa: E731
        ("403 Forbidden", "AccessDenied") if methode == "PUT" and "/brut/" in chemin else None
    )
    serveur.faute = refus
    with pytest.raises(StorageUnavailable) as interdit:
        ingest(ouvrier("a"))
    texte = said(interdit.value)
    assert texte.startswith(f"insee/revenus_qpv/2021 ({fichier.name}) : {URL}/brut/")
    assert "accès refusé par le stockage" in texte
    assert Lock.of(ouvrier("b").paths).read() == {}
    assert Manifest(ouvrier("b").paths).receptions() == ()


@pytest.mark.parametrize("coupe", ["brut", "bronze", ".sha256", "verrou", "journal"])
def test_an_interrupted_write_leaves_nothing_that_readers_see(
    serveur: ServeurS3, ouvrier: Ouvrier, coupe: str
) -> None:
    serveur.faute = lambda methode, chemin: (
        ("400 Bad Request", "IncompleteBody") if methode == "PUT" and coupe in chemin else None
    )
    with pytest.raises(StorageUnavailable, match=r"insee/revenus_qpv/2021 \("):
        ingest(ouvrier("a"))
    lecteur = ouvrier("b").paths
    assert Ledger.of(lecteur).outcomes() == ()
    verrou = Lock.of(lecteur).read()
    assert list(verrou) == ([REVENUS] if coupe == "journal" else [])
    serveur.faute = None
    # The lock is written before the ledger: a worker killed between the two says « inchangé » afterwards.
    attendue = Issue.INCHANGE if coupe == "journal" else Issue.NOUVEAU
    assert ingest(ouvrier("b")).issue is attendue
    assert check_integrity(ouvrier("c")).atteints == ()
    assert _lay(ouvrier("d")) > 0


def test_a_corrupted_object_is_named_by_the_build_and_by_the_integrity_check(
    serveur: ServeurS3, ouvrier: Ouvrier, petit_depot: Path
) -> None:
    ingest(ouvrier("a"))
    assert _lay(ouvrier("a")) > 0
    (fichier,) = petit_depot.joinpath(*REVENUS).iterdir()
    (bronze,) = (nom for nom in serveur.objects("region/bronze/") if nom.endswith(".parquet"))
    (brut,) = serveur.objects("region/brut/")
    for nom in (bronze, brut):
        octets = bytearray(serveur.objects()[nom])
        octets[len(octets) // 2] ^= 1
        stockage = storage_of(ouvrier("a").paths)
        assert stockage is not None
        stockage.replace(nom.removeprefix("region/"), bytes(octets))
    with pytest.raises(ConservationError) as altere:
        _lay(ouvrier("b"))
    texte = said(altere.value)
    assert f"insee/revenus_qpv/2021 ({fichier.name})" in texte
    assert "objet altéré" in texte
    assert list(ouvrier("b").paths.bronze.rglob("*.parquet")) == []
    (atteint,) = check_integrity(ouvrier("b")).atteints
    assert "fichier brut altéré" in atteint.line()
    assert f"insee/revenus_qpv/2021 ({fichier.name}, en usage)" in atteint.line()
    # The worker that has good copies still reads them.
    shutil.rmtree(ouvrier("b").data_dir)


def test_a_lost_bronze_object_is_found_by_the_integrity_check_and_made_again(
    serveur: ServeurS3, ouvrier: Ouvrier
) -> None:
    ingest(ouvrier("a"))
    (bronze,) = (nom for nom in serveur.objects("region/bronze/") if nom.endswith(".sha256"))
    serveur.lose(bronze)
    assert len(check_integrity(ouvrier("b")).bronze_absents) == 1
    ingest(ouvrier("b"))
    assert check_integrity(ouvrier("a")).bronze_absents == ()


def test_the_usual_variables_of_aws_are_enough(
    serveur: ServeurS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFICTIF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", serveur.adresse)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    (constat,) = [
        f for f in examine(Settings(data_dir=tmp_path, depot=tmp_path, stockage=URL)) if URL in f.message
    ]
    assert constat.niveau == "ok"
    assert set(serveur.objects()) == {"region/identite.json", "region/.essai"}


def test_a_worker_that_holds_nothing_tells_the_status(ouvrier: Ouvrier) -> None:
    ingest(ouvrier("a"))
    (etat,) = [e for e in dataset_states(ouvrier("b")) if e.jeu == "revenus_qpv"]
    assert (etat.millesimes, etat.derniere_issue) == (("2021",), "nouveau")


def test_a_refused_file_leaves_its_report_on_the_storage(
    serveur: ServeurS3, ouvrier: Ouvrier, petit_depot: Path, tmp_path: Path
) -> None:
    depot = tmp_path / "depot"
    shutil.copytree(petit_depot, depot)
    (fichier,) = depot.joinpath(*REVENUS).iterdir()
    fichier.write_bytes(b"<html><body>Un instant</body></html>")
    issue = ingest(ouvrier("a").model_copy(update={"depot": depot}))
    assert issue.issue is Issue.REFUSE
    noms = {nom.rpartition("/")[2] for nom in serveur.objects(f"region/{issue.rapport}")}
    assert noms == {"rapport.md", "rapport.json"}


def _lay(settings: Settings) -> int:
    """Bronze rows of the dataset, as a build reads them."""
    catalogue = load_catalogue(settings.dbt_dir, settings.catalogue_dir)
    entries = list(Lock.of(settings.paths).read().values())
    versions = file_versions(entries, Manifest(settings.paths).receptions(), ())
    with duckdb.connect() as connexion:
        lay_inputs(connexion, settings, catalogue, entries, versions)
        (row,) = connexion.execute("select count(*) from bronze.insee__revenus_qpv").fetchall()
    return int(row[0])


# --- Several workers


def _write_outcomes(racine: Path, options: str, nom: str, combien: int) -> None:
    ledger = Ledger.of(Paths(racine, URL, options))
    for i in range(combien):
        le = f"2026-01-05T00:00:{i:02d}.000Z"
        ledger.append(Outcome(le, "insee", nom, "2020", Issue.INCHANGE, "", (), (), None, (), (), None, ""))


def test_workers_that_write_at_once_lose_no_row(serveur: ServeurS3, tmp_path: Path) -> None:
    contexte = multiprocessing.get_context("spawn")
    ouvriers = [
        contexte.Process(target=_write_outcomes, args=(tmp_path / nom, serveur.options, nom, 12))
        for nom in ("a", "b", "c")
    ]
    for un in ouvriers:
        un.start()
    for un in ouvriers:
        un.join(240)
        assert un.exitcode == 0
    lus = Ledger.of(Paths(tmp_path / "neuf", URL, serveur.options)).outcomes()
    assert len(lus) == 36
    for nom in "abc":
        assert [o.le[17:19] for o in lus if o.jeu == nom] == [f"{i:02d}" for i in range(12)]

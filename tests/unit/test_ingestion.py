"""From a deposit to the lock: what is read again, what is not, and what may not come in."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qpv_emploi import ingestion
from qpv_emploi.acquisition import survey
from qpv_emploi.catalogue import Catalogue, load_catalogue
from qpv_emploi.conservation import Issue, Ledger, Lock, Manifest, Outcome
from qpv_emploi.errors import SettingsError
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT, generate
from qpv_emploi.ingestion import ingest_deposit
from qpv_emploi.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REVN = ("insee", "revenus_qpv", "2021")
TABLE = "insee__revenus_qpv"


class Reception:
    """A data directory that receives one fictional file, at times chosen by the test."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings, self.catalogue = settings, catalogue

    def receive(self, now: datetime = NOON, *, est_fictif: bool = True, force: bool = False) -> Outcome:
        (deposit,) = survey(self.settings.depot, self.catalogue).deposits
        return ingest_deposit(
            self.settings, self.catalogue, deposit, est_fictif=est_fictif, now=now, force=force
        )

    @property
    def file(self) -> Path:
        (path,) = self.settings.depot.joinpath(*REVN).iterdir()
        return path

    def bronze(self) -> list[Path]:
        return sorted(self.settings.paths.bronze.rglob("*.parquet"))


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modele") / "depot"
    others: dict[str, tuple[str, ...]] = dict.fromkeys(MILLESIMES_DU_DEPOT, ())
    generate(folder, nb_qpv=4, millesimes={**others, "revenus_qpv": ["2021"]})
    return folder


@pytest.fixture
def reception(depot: Path, tmp_path: Path) -> Reception:
    shutil.copytree(depot, tmp_path / "depot")
    project = tmp_path / "projet"
    real = Settings()
    shutil.copytree(real.expectations_dir / "bronze", project / "expectations" / "bronze")
    settings = Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot", project_dir=project)
    return Reception(settings, load_catalogue(real.dbt_dir))


def test_a_new_file(reception: Reception) -> None:
    outcome = reception.receive()
    assert (outcome.issue, outcome.raison, outcome.rapport) == (Issue.NOUVEAU, "", "")
    assert outcome.le == "2026-03-01T12:00:00.000Z"
    assert outcome.fichiers == (reception.file.name,)
    assert outcome.nb_lignes is not None
    assert outcome.nb_lignes > 0
    assert Ledger(reception.settings.paths.journal).outcomes() == (outcome,)
    entry = Lock(reception.settings.paths.verrou).read()[REVN]
    assert [
        reception.settings.paths.root / p for p in entry.fichiers[0].bronze.values()
    ] == reception.bronze()


def test_an_unchanged_file_is_not_read(reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    reception.receive()
    lock = reception.settings.paths.verrou.read_bytes()
    monkeypatch.setattr(ingestion, "read_file", lambda *args: pytest.fail("le fichier a été relu"))
    outcome = reception.receive(NOON + timedelta(days=1))
    assert (outcome.issue, outcome.nb_lignes) == (Issue.INCHANGE, None)
    assert reception.settings.paths.verrou.read_bytes() == lock
    (reception_row,) = Manifest(reception.settings.paths).receptions()
    assert reception_row.recu_le == "2026-03-01T12:00:00.000Z"


def test_a_lost_bronze_file_is_made_again(reception: Reception) -> None:
    reception.receive()
    (path,) = reception.bronze()
    before = path.read_bytes()
    path.unlink()
    outcome = reception.receive()
    assert outcome.issue is Issue.INCHANGE
    assert outcome.nb_lignes is not None
    assert path.read_bytes() == before


def test_force_reads_again_what_did_not_change_and_gives_the_same(reception: Reception) -> None:
    first = reception.receive()
    (path,) = reception.bronze()
    before, lock = path.read_bytes(), reception.settings.paths.verrou.read_bytes()
    path.write_bytes(b"abime")
    outcome = reception.receive(force=True)
    assert (outcome.issue, outcome.nb_lignes) == (Issue.INCHANGE, first.nb_lignes)
    assert path.read_bytes() == before
    assert reception.settings.paths.verrou.read_bytes() == lock


def test_other_rules_read_the_same_bytes_again(reception: Reception) -> None:
    reception.receive()
    (first,) = reception.bronze()
    suite = reception.settings.expectations_dir / "bronze" / f"{TABLE}.yml"
    suite.write_text(suite.read_text(encoding="utf-8") + "\n# relu\n", encoding="utf-8")
    outcome = reception.receive()
    assert outcome.issue is Issue.INCHANGE
    assert outcome.nb_lignes is not None
    (second,) = set(reception.bronze()) - {first}
    entry = Lock(reception.settings.paths.verrou).read()[REVN]
    assert [reception.settings.paths.root / p for p in entry.fichiers[0].bronze.values()] == [second]
    assert entry.precedentes == ()


def test_other_rules_that_refuse_keep_what_was_accepted(reception: Reception) -> None:
    reception.receive()
    lock = reception.settings.paths.verrou.read_bytes()
    suite = reception.settings.expectations_dir / "bronze" / f"{TABLE}.yml"
    stricter = suite.read_text(encoding="utf-8").replace(
        "colonnes: {noms: [PIMPOT]}\n    arguments: {max_value: 0}",
        "colonnes: {noms: [PIMPOT]}\n    arguments: {max_value: -1000}",
    )
    assert stricter != suite.read_text(encoding="utf-8")
    suite.write_text(stricter, encoding="utf-8")
    outcome = reception.receive()
    assert outcome.issue is Issue.REFUSE
    assert "PIMPOT" in outcome.raison
    assert reception.settings.paths.verrou.read_bytes() == lock


def test_real_data_does_not_enter_a_fictional_warehouse(reception: Reception) -> None:
    reception.receive()
    journal = reception.settings.paths.journal.read_bytes()
    with pytest.raises(SettingsError, match=r"contient déjà des données fictives.*QPV_DATA_DIR"):
        reception.receive(est_fictif=False)
    assert reception.settings.paths.journal.read_bytes() == journal


def test_a_file_refused_by_its_name_is_kept_all_the_same(reception: Reception) -> None:
    path = reception.file
    path = path.rename(path.with_name("REVN_2019.csv"))
    outcome = reception.receive()
    assert outcome.issue is Issue.REFUSE
    report = reception.settings.paths.root / outcome.rapport
    assert (report / "REVN_2019.csv").read_bytes() == path.read_bytes()
    (row,) = Manifest(reception.settings.paths).receptions()
    assert (row.fichier, row.est_fictif) == ("REVN_2019.csv", True)
    assert not reception.settings.paths.verrou.exists()


def test_a_vintage_without_its_file_says_what_is_missing(reception: Reception) -> None:
    reception.file.unlink()
    outcome = reception.receive()
    assert outcome.issue is Issue.REFUSE
    assert "il manque un fichier obligatoire" in outcome.raison
    page = reception.settings.paths.root / outcome.rapport / "rapport.md"
    assert "il manque un fichier obligatoire" in page.read_text(encoding="utf-8")


def test_several_refusals_of_one_vintage_each_have_a_report(reception: Reception) -> None:
    path = reception.file
    path.with_name("notes.txt").write_text("à trier", encoding="utf-8")
    path.rename(path.with_name("REVN_2019.csv"))
    outcome = reception.receive()
    assert outcome.issue is Issue.REFUSE
    assert outcome.raison.endswith("(et 1 autre(s) refus)")
    pages = list(reception.settings.paths.quarantaine.rglob("rapport.md"))
    assert len(pages) == 2
    assert {p.name for page in pages for p in page.parent.iterdir() if not p.name.startswith("rapport")} == {
        "notes.txt",
        "REVN_2019.csv",
    }

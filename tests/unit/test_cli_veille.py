"""Command line of the watch and of one ingestion: what is printed, what exits 1, what is removed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from qpv_emploi import cli, pipeline
from qpv_emploi.conservation import Issue, Lock, LockedFile, LockEntry, Outcome, RawStore
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.settings import Paths, Settings

Call = Callable[..., Result]
IPRO = ("insee", "insertion_professionnelle", "2021")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An empty data directory and an empty dépôt, and no setting of the person who runs the tests."""
    for name in ("QPV_REGION", "QPV_PROJECT_DIR", "QPV_VERSIONS_GARDEES", "QPV_EN_LIGNE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("QPV_DEPOT", str(tmp_path / "depot"))
    (tmp_path / "depot").mkdir()
    return Paths(tmp_path / "data")


@pytest.fixture
def call(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Call:
    def run(*arguments: str) -> Result:
        monkeypatch.setattr(cli, "console", Console(highlight=False, width=80))
        monkeypatch.setattr(cli, "errors", Console(stderr=True, highlight=False, width=80))
        return CliRunner().invoke(cli.app, list(arguments))

    return run


def hold(paths: Paths, tmp_path: Path) -> Path:
    """A vintage in use; gives the place of its raw file."""
    source = tmp_path / "IPRO_2021.csv"
    source.write_bytes(b"octets")
    kept = RawStore(paths).put(source)
    file = LockedFile(source.name, kept.empreinte_sha256, 6, "2026-03-01T08:00:00.000Z", {}, {})
    Lock(paths.verrou).update(LockEntry(*IPRO, (file,)))
    return kept.chemin


def test_late_datasets(call: Call, paths: Paths, tmp_path: Path) -> None:
    assert call("veille", "retards").stdout == "0 jeu(x) en retard (délai usuel dépassé de moitié).\n"
    hold(paths, tmp_path)
    result = call("veille", "retards")
    assert result.exit_code == 0
    assert result.stdout.startswith("insee/insertion_professionnelle : 2022, dû le 2022-11-27, en retard de ")


def test_news(call: Call, tmp_path: Path) -> None:
    assert call("veille", "nouveautes").stdout == "0 nouveauté(s).\n"
    folder = tmp_path / "depot" / "insee" / "population_qpv" / "2013"
    folder.mkdir(parents=True)
    (folder / "pop_qp_2013.xls").write_bytes(b"x")
    assert call("veille", "nouveautes").stdout.splitlines() == [
        "insee/population_qpv/2013 : arrivé, pas encore lu",
        "1 nouveauté(s).",
    ]


def test_integrity_exits_1_on_damage_and_names_the_file(call: Call, paths: Paths, tmp_path: Path) -> None:
    raw = hold(paths, tmp_path)
    result = call("veille", "integrite")
    assert result.exit_code == 0
    assert result.stdout == "1 fichier(s) brut(s), 0 ko : 0 atteint(s) ; 0 fichier(s) bronze absent(s).\n"
    raw.chmod(0o644)
    raw.write_bytes(b"octetS")
    result = call("veille", "integrite")
    assert result.exit_code == 1
    first, last = result.stdout.splitlines()
    assert first.startswith(f"atteint   {raw} : fichier brut altéré")
    assert first.endswith("insee/insertion_professionnelle/2021 (IPRO_2021.csv, en usage)")
    assert "1 atteint(s)" in last


def lay(paths: Paths, day: int) -> Path:
    folder = paths.versions / f"2026010{day}T000000Z-aaaaaaaa"
    folder.mkdir(parents=True)
    manifest = {
        "publie_le": "2026-01-01T00:00:00.000Z",
        "region": "32",
        "empreinte_construction": folder.name,
        "comptes": {},
        "est_fictif": False,
        "entrees": [],
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_cleaning_shows_first_and_removes_when_told(call: Call, paths: Paths) -> None:
    folders = [lay(paths, day) for day in (1, 2, 3)]
    switch(paths, folders[2])
    shown = call("veille", "menage", "--garder", "2").stdout.splitlines()
    assert shown == [
        f"gardée    {folders[1].name}  parmi les 2 dernières",
        f"gardée    {folders[2].name}  courante, parmi les 2 dernières",
        f"de trop   publie/versions/{folders[0].name}  0 ko, au-delà des 2 dernières",
        "1 élément(s) à supprimer, 0 ko ; à faire : --appliquer.",
    ]
    assert folders[0].is_dir()
    done = call("veille", "menage", "--garder", "2", "--appliquer").stdout.splitlines()
    assert done[2].startswith("supprimé  publie/versions/")
    assert done[-1] == "1 élément(s) supprimé(s), 0 ko."
    assert not folders[0].exists()
    assert call("veille", "menage", "--garder", "2").stdout.splitlines()[-1] == "Rien à supprimer."


def test_the_setting_says_how_many_releases_stay(
    call: Call, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(paths, [lay(paths, day) for day in (1, 2)][1])
    assert Settings().versions_gardees == 12
    assert "Rien à supprimer." in call("veille", "menage").stdout
    monkeypatch.setenv("QPV_VERSIONS_GARDEES", "1")
    assert "de trop" in call("veille", "menage").stdout
    monkeypatch.setenv("QPV_VERSIONS_GARDEES", "0")
    result = call("veille", "menage")
    assert result.exit_code == 1
    assert "QPV_VERSIONS_GARDEES = « 0 »" in result.stderr
    assert call("veille", "menage", "--garder", "0").exit_code == 2


def test_remarks_are_shown(call: Call, paths: Paths) -> None:
    lay(paths, 1)
    assert "ne désigne aucune version" in call("veille", "menage", "--garder", "1", "--appliquer").stdout
    assert len(list(paths.versions.iterdir())) == 1


# ------------------------------------------------------------------------------------------------- ingest


class Ingestion:
    """What ``qpv ingest`` asks of the pipeline."""

    def __init__(self) -> None:
        self.issue = Issue.NOUVEAU
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.done: list[tuple[str, str, str, bool]] = []

    def vintages_in_depot(self, settings: Settings, producteur: str, jeu: str, asked: object) -> list[str]:
        self.asked.append((f"{producteur}/{jeu}", tuple(asked)))  # type: ignore[arg-type]
        return ["2018", "2021"] if jeu == "insertion_professionnelle" else []

    def ingest_vintage(
        self, settings: Settings, producteur: str, jeu: str, millesime: str, *, force: bool
    ) -> Outcome:
        self.done.append((producteur, jeu, millesime, force))
        return Outcome("", producteur, jeu, millesime, self.issue, "raison", (), (), 1, (), (), None, "")


@pytest.fixture
def ingestion(monkeypatch: pytest.MonkeyPatch) -> Ingestion:
    made = Ingestion()
    for name in ("vintages_in_depot", "ingest_vintage"):
        monkeypatch.setattr(pipeline, name, getattr(made, name))
    return made


def test_ingest_of_one_dataset(call: Call, ingestion: Ingestion) -> None:
    result = call("ingest", "insee/insertion_professionnelle", "--millesime", "2018", "--force")
    assert result.exit_code == 0
    assert ingestion.asked == [("insee/insertion_professionnelle", ("2018",))]
    assert [force for *_, force in ingestion.done] == [True, True]
    assert result.stdout.splitlines()[0] == "nouveau   insee/insertion_professionnelle/2018  raison"


def test_ingest_of_a_producer(call: Call, ingestion: Ingestion) -> None:
    call("ingest", "insee")
    assert {name.partition("/")[0] for name, _ in ingestion.asked} == {"insee"}
    assert len(ingestion.asked) > 10
    assert [(jeu, force) for _, jeu, _, force in ingestion.done] == [
        ("insertion_professionnelle", False),
        ("insertion_professionnelle", False),
    ]


def test_ingest_of_a_refused_file_exits_2(call: Call, ingestion: Ingestion) -> None:
    ingestion.issue = Issue.REFUSE
    assert call("ingest", "insee/insertion_professionnelle").exit_code == 2


def test_ingest_of_nothing_is_an_error(call: Call, ingestion: Ingestion) -> None:
    result = call("ingest", "insee/cog", "--millesime", "2018")
    assert result.exit_code == 1
    assert "rien à lire : insee/cog n'a pas reçu 2018" in result.stderr
    result = call("ingest", "inse")
    assert result.exit_code == 1
    assert "« inse » n'est ni un producteur ni un jeu" in result.stderr


def test_leftovers_are_listed(call: Call, paths: Paths) -> None:
    paths.brut.mkdir(parents=True)
    unfinished = paths.brut / f".{'a' * 32}.part"
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    assert f"de trop   brut/{unfinished.name}  0 ko, écriture interrompue" in call("veille", "menage").stdout

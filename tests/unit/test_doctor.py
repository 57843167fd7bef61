"""What ``qpv doctor`` and ``qpv catalogue check`` find wrong, and that they never fall over it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from qpv_emploi import doctor
from qpv_emploi.catalogue import json_schema, load_catalogue
from qpv_emploi.doctor import Finding, check_catalogue, examine
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "depot").mkdir()
    return Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot")


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    """The same with a private copy of the seeds and of the suites, to be damaged."""
    target = tmp_path / "projet"
    shutil.copytree(settings.dbt_dir / "seeds", target / "dbt_project" / "seeds")
    shutil.copytree(settings.expectations_dir, target / "expectations")
    return settings.model_copy(update={"project_dir": target})


def lay(settings: Settings, name: str = "20260101T000000Z-aaaaaaaa") -> Path:
    folder = settings.paths.versions / name
    folder.mkdir(parents=True)
    manifest = {
        "publie_le": "2026-01-01T00:00:00.000Z",
        "region": "32",
        "empreinte_construction": name,
        "comptes": {},
        "est_fictif": False,
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def about(settings: Settings, words: str) -> Finding:
    (found,) = [finding for finding in examine(settings) if words in finding.message]
    return found


def test_a_sound_installation(settings: Settings) -> None:
    switch(settings.paths, lay(settings))
    findings = examine(settings)
    assert {finding.niveau for finding in findings} == {"ok"}
    words = " ".join(finding.message for finding in findings)
    for word in ("dbt-core 1.", "duckdb 1.", "catalogue : ", "dépôt : ", "version courante : 20260101"):
        assert word in words


def test_nothing_published_yet(settings: Settings) -> None:
    finding = about(settings, "aucune version publiée")
    assert finding.niveau == "attention"
    assert "qpv run" in finding.message


def test_a_missing_library(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.metadata.version

    def version(name: str) -> str:
        if name == "duckdb":
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert about(settings, "n'est pas installé") == Finding(
        "erreur", "duckdb n'est pas installé ; à faire : make setup"
    )


def test_no_depot(settings: Settings, tmp_path: Path) -> None:
    finding = about(settings.model_copy(update={"depot": tmp_path / "rien"}), "absent")
    assert finding.niveau == "attention"
    assert "QPV_DEPOT" in finding.message


def test_a_data_directory_that_cannot_be_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not chmod: the tests may run as root, whom it does not stop.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert about(settings, "écriture refusée").niveau == "erreur"


def test_a_full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(10 << 30, 9 << 30, 1 << 30))
    finding = about(settings, "conseillés")
    assert finding.niveau == "attention"
    assert "1 Gio libres" in finding.message


def test_a_current_release_that_is_gone(settings: Settings) -> None:
    kept = lay(settings)
    lost = lay(settings, "20260102T000000Z-bbbbbbbb")
    switch(settings.paths, lost)
    shutil.rmtree(lost)
    finding = about(settings, "disparu")
    assert finding.niveau == "erreur"
    assert kept.name in finding.message


def test_a_current_release_without_manifest(settings: Settings) -> None:
    folder = lay(settings)
    switch(settings.paths, folder)
    (folder / "manifeste.json").unlink()
    assert about(settings, "manifeste de version absent").niveau == "erreur"


def test_a_broken_catalogue_is_a_finding(project: Settings) -> None:
    (project.dbt_dir / "seeds" / "variable_source.csv").write_text(
        "producteur;jeu\ninsee;x\n", encoding="utf-8"
    )
    finding = about(project, "variable_source.csv, ligne 2")
    assert finding.niveau == "erreur"


def test_the_catalogue_counts_what_it_checks(settings: Settings) -> None:
    catalogue = load_catalogue(settings.dbt_dir)
    tables = len(list(catalogue.tables()))
    datasets = len(list(catalogue.datasets()))
    assert check_catalogue(settings) == (
        f"{datasets} jeux, {tables} tables bronze et leurs suites, {len(catalogue.variables)} variables"
    )


def test_a_table_without_suite_and_a_suite_without_table(project: Settings) -> None:
    suites = project.expectations_dir / "bronze"
    (suites / "insee__population_qpv.yml").rename(suites / "insee__oubliee.yml")
    with pytest.raises(SettingsError) as caught:
        check_catalogue(project)
    assert "manquantes ['insee__population_qpv']" in str(caught.value)
    assert "sans table ['insee__oubliee']" in str(caught.value)


def test_a_schema_left_behind_by_the_models(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json_schema().replace("producteur", "producer"), encoding="utf-8")
    monkeypatch.setattr(doctor, "SCHEMA", schema)
    with pytest.raises(SettingsError, match="--ecrire-schema"):
        check_catalogue(settings)
    schema.write_text(json_schema(), encoding="utf-8")
    assert check_catalogue(settings)

"""The fingerprint of a build: it changes with the lock, the region and the code, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from qpv_emploi.conservation import Lock, LockedFile, LockEntry
from qpv_emploi.entrepot import build_fingerprint
from qpv_emploi.settings import Settings


def entry(jeu: str, digest: str) -> LockEntry:
    fichier = LockedFile("base.csv", digest * 64, 10, "2026-01-01T00:00:00.000Z", {}, {})
    return LockEntry("insee", jeu, "2020", (fichier,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for name, text in {
        "dbt_project/models/dim_qpv.sql": "select 1",
        "dbt_project/seeds/region.csv": "code;libelle",
        "expectations/bronze/base.yml": "suite: base",
    }.items():
        path = tmp_path / "projet" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    found = Settings(data_dir=tmp_path / "data", project_dir=tmp_path / "projet", region="32")
    Lock(found.paths.verrou).update(entry("base", "a"))
    return found


def test_it_is_the_same_twice_and_elsewhere(settings: Settings, tmp_path: Path) -> None:
    before = build_fingerprint(settings)
    assert build_fingerprint(settings) == before
    moved = shutil.copytree(settings.project_dir, tmp_path / "ailleurs" / "target" / "projet")
    assert build_fingerprint(settings.model_copy(update={"project_dir": moved})) == before


def test_it_changes_with_the_lock(settings: Settings) -> None:
    before = build_fingerprint(settings)
    Lock(settings.paths.verrou).update(entry("autre", "b"))
    assert build_fingerprint(settings) != before


def test_entries_already_read_count_as_the_lock(settings: Settings) -> None:
    locked = list(Lock(settings.paths.verrou).read().values())
    assert build_fingerprint(settings, locked) == build_fingerprint(settings)
    assert build_fingerprint(settings, [entry("base", "b")]) != build_fingerprint(settings)


def test_it_changes_with_the_region(settings: Settings) -> None:
    other = settings.model_copy(update={"region": "11"})
    assert build_fingerprint(other) != build_fingerprint(settings)


def test_it_changes_with_the_engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build_fingerprint(settings)
    monkeypatch.setattr(duckdb, "__version__", "9.9.9")
    assert build_fingerprint(settings) != before


@pytest.mark.parametrize(
    "name",
    ["dbt_project/models/dim_qpv.sql", "dbt_project/seeds/region.csv", "expectations/bronze/base.yml"],
)
def test_it_changes_with_the_code(settings: Settings, name: str) -> None:
    before = build_fingerprint(settings)
    path = settings.project_dir / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert build_fingerprint(settings) != before


def test_it_changes_when_a_file_moves(settings: Settings) -> None:
    before = build_fingerprint(settings)
    path = settings.dbt_dir / "models" / "dim_qpv.sql"
    (path.parent / "core").mkdir()
    path.rename(path.parent / "core" / path.name)
    assert build_fingerprint(settings) != before


def test_what_is_not_code_does_not_count(settings: Settings) -> None:
    before = build_fingerprint(settings)
    for name in ("target/compiled/dim_qpv.sql", "logs/dbt.sql", "models/.user.swp"):
        path = settings.dbt_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("select 2", encoding="utf-8")
    (settings.paths.root / "journal.jsonl").write_text("{}\n", encoding="utf-8")
    assert build_fingerprint(settings) == before


def test_a_project_below_a_folder_named_target_still_counts(settings: Settings, tmp_path: Path) -> None:
    moved = shutil.copytree(settings.project_dir, tmp_path / "target" / "logs")
    elsewhere = settings.model_copy(update={"project_dir": moved})
    before = build_fingerprint(elsewhere)
    (moved / "dbt_project" / "models" / "dim_qpv.sql").write_text("select 3", encoding="utf-8")
    assert build_fingerprint(elsewhere) != before

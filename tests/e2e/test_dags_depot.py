"""The DAG that looks at the dépôt: who is woken, once, and not while a file is being written."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from test_dags_execution import play

from qpv_emploi.conservation import Lock, LockedFile, LockEntry
from qpv_emploi.settings import Settings
from qpv_emploi.veille.depot import look_at

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]


def drop(depot: Path, name: str, content: bytes = b"x", *, ago: float = 60) -> Path:
    path = depot / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - ago,) * 2)
    return path


def test_a_folder_is_known_by_names_sizes_and_times(tmp_path: Path) -> None:
    empty = look_at(tmp_path, "insee")
    assert (empty.nb_fichiers, empty.modifie_le) == (0, 0)
    path = drop(tmp_path, "insee/cog/2024/cog.zip", ago=100)
    first = look_at(tmp_path, "insee")
    assert first.nb_fichiers == 1
    assert first.modifie_le == pytest.approx(time.time() - 100, abs=5)
    # Neither a hidden file, nor another producer, nor a second look.
    drop(tmp_path, "insee/cog/2024/.partiel")
    drop(tmp_path, "insee/.corbeille/x")
    drop(tmp_path, "dares/poem/2025/x.csv")
    assert look_at(tmp_path, "insee") == first
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 1))
    touched = look_at(tmp_path, "insee").empreinte
    path.rename(path.with_name("cog2.zip"))
    assert len({empty.empreinte, first.empreinte, touched, look_at(tmp_path, "insee").empreinte}) == 4


def test_a_changed_folder_wakes_its_producer_once(
    airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QPV_DEPOT", str(tmp_path))
    drop(tmp_path, "insee/cog/2024/cog.zip")
    drop(tmp_path, "dares/poem/2025/poem.csv", ago=0)

    def woken() -> list[str]:
        played = play("depot")
        assert played.state == "success"
        return [name for name, _ in played.events]

    assert woken() == ["depot/insee"]
    # That of the Dares was being written; nothing else has changed since.
    drop(tmp_path, "dares/poem/2025/poem.csv", b"xy")
    assert woken() == ["depot/dares"]
    assert set(play("depot").tasks.values()) == {"skipped"}
    # Its last file removed: the ingestion has to say that it is absent.
    (tmp_path / "dares/poem/2025/poem.csv").unlink()
    assert woken() == ["depot/dares"]
    assert set(play("depot").tasks.values()) == {"skipped"}


# ------------------------------------------------------------------------------- when a producer is asked

IPRO = ("insee", "insertion_professionnelle")


@pytest.fixture
def taches(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from qpv_emploi.airflow import taches

    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "data"))
    file = LockedFile("base.csv", "a" * 64, 10, "2026-03-01T08:00:00.000Z", {}, {})
    Lock.of(Settings().paths).update(LockEntry(*IPRO, "2021", (file,)))
    return taches


@pytest.mark.parametrize(
    ("kind", "day", "why"),
    [
        ("manual", datetime(2022, 6, 7, 4, tzinfo=UTC), ""),
        ("asset_triggered", datetime(2022, 12, 1, 5, tzinfo=UTC), "réveillé par le dépôt"),
        # A Tuesday of June, then a Monday; half past ten in the evening of Sunday UTC is Monday in Paris.
        (
            "scheduled",
            datetime(2022, 6, 7, 4, tzinfo=UTC),
            "interrogé chaque lundi : publication usuelle le 2022-11-27",
        ),
        ("scheduled", datetime(2022, 6, 6, 4, tzinfo=UTC), ""),
        ("scheduled", datetime(2022, 6, 5, 22, 30, tzinfo=UTC), ""),
        # The window: every day.
        ("scheduled", datetime(2022, 12, 1, 5, tzinfo=UTC), ""),
        ("backfill", datetime(2022, 6, 7, 4, tzinfo=UTC), "interrogé chaque lundi"),
    ],
)
def test_a_producer_is_asked_at_the_pace_of_its_dataset(
    taches: ModuleType, kind: str, day: datetime, why: str
) -> None:
    run = SimpleNamespace(run_type=kind, run_after=day)
    found = taches.not_asked_because(Settings(), *IPRO, run)
    assert found.startswith(why)
    assert bool(found) is bool(why)


def test_a_day_without_asking_is_a_skip_with_its_reason(
    taches: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    monkeypatch.setenv("QPV_EN_LIGNE", "1")
    monkeypatch.setenv("QPV_REGION", "32")
    run = SimpleNamespace(run_type="scheduled", run_after=datetime(2022, 6, 7, 4, tzinfo=UTC))
    with pytest.raises(
        AirflowSkipException, match="insee/insertion_professionnelle : interrogé chaque lundi"
    ):
        taches.fetch(*IPRO, dag_run=run)

"""The watch at work, and an ingestion asked for one vintage, on a small fictional region."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from test_dags_execution import play

from qpv_emploi.conservation import Lock
from qpv_emploi.fictif import MILLESIMES_DU_DEPOT, generate
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

DAG = "ingestion_sig_ville"
# Two datasets, one of them of two vintages: 2015 is that of both, 2024 of one.
MILLESIMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(MILLESIMES_DU_DEPOT, ()),
    "qpv_2015": ("2015",),
    "contrats_ville": ("2015", "2024"),
}
CONTRATS_2024 = ("sig_ville", "contrats_ville", "2024")


@pytest.fixture
def settings(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    generate(tmp_path / "depot", graine=12, nb_qpv=6, millesimes=MILLESIMES)
    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("QPV_DEPOT", str(tmp_path / "depot"))
    monkeypatch.setenv("QPV_REGION", "99")
    return Settings()


def bronze(settings: Settings) -> dict[Path, tuple[bytes, int]]:
    """Content and time of each bronze file."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in settings.paths.bronze.rglob("*.parquet")
    }


def test_a_run_asked_for_one_vintage_touches_no_other_and_the_watch_sees_the_rest(settings: Settings) -> None:
    asked = play(DAG, millesimes=["2024"])
    assert asked.state == "success"
    assert asked.mapped_states("ingerer__") == ["success"]
    assert asked.labels == {"2024"}
    assert list(Lock(settings.paths.verrou).read()) == [CONTRATS_2024]

    unknown = play(DAG, millesimes=["2024", "1999"])
    assert unknown.state == "failed"
    assert any("« 1999 » n'est le millésime d'aucun jeu" in line for line in unknown.errors)
    assert unknown.events == []
    assert list(Lock(settings.paths.verrou).read()) == [CONTRATS_2024]

    first = bronze(settings)
    assert first
    play(DAG)
    lock, everything = settings.paths.verrou.read_bytes(), bronze(settings)
    # The vintage that was there is unchanged: it was not even written again.
    assert {path: everything[path] for path in first} == first
    assert len(everything) > len(first)

    forced = play(DAG, millesimes=["2024"], force=True)
    assert forced.mapped_states("ingerer__") == ["success"]
    assert [(nom, extra["millesime"], extra["issue"]) for nom, extra in forced.events] == [
        ("sig_ville/contrats_ville", "2024", "inchange")
    ]
    assert settings.paths.verrou.read_bytes() == lock
    after = bronze(settings)
    assert {path: content for path, (content, _) in after.items()} == {
        path: content for path, (content, _) in everything.items()
    }
    assert {path for path in after if after[path] != everything[path]} == set(first)

    sound = play("veille", integrite="toujours")
    assert sound.state == "success"
    assert set(sound.tasks.values()) == {"success"}

    (raw,) = {
        settings.paths.brut / digest[:2] / digest
        for digest in Lock(settings.paths.verrou).read()[CONTRATS_2024].empreintes
    }
    raw.chmod(0o644)
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    damaged = play("veille", integrite="toujours", menage=False)
    assert damaged.state == "failed"
    assert {task for (task, _), state in damaged.tasks.items() if state == "failed"} == {"integrite"}
    assert set(play("veille", integrite="jamais").states("integrite")) == {"skipped"}


# --------------------------------------------------------------------------------- what the tasks answer


@pytest.fixture
def taches_veille(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from qpv_emploi.airflow import taches_veille

    (tmp_path / "depot").mkdir()
    monkeypatch.setattr(
        taches_veille, "load_settings", lambda: Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot")
    )
    return taches_veille


def run_of(day: datetime) -> Any:
    return SimpleNamespace(run_after=day)


@pytest.mark.parametrize(
    ("when", "day", "runs"),
    [
        # 16 March 2026 is a Monday; half past midnight in Paris is still Sunday in UTC.
        ("le lundi", datetime(2026, 3, 15, 23, 30, tzinfo=UTC), True),
        ("le lundi", datetime(2026, 3, 17, 6, 30, tzinfo=UTC), False),
        ("toujours", datetime(2026, 3, 17, 6, 30, tzinfo=UTC), True),
        ("jamais", datetime(2026, 3, 16, 6, 30, tzinfo=UTC), False),
    ],
)
def test_integrity_is_read_again_on_mondays_in_paris_or_as_asked(
    taches_veille: ModuleType, when: str, day: datetime, runs: bool
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    def check() -> Any:
        return taches_veille.check_integrity(params={"integrite": when}, dag_run=run_of(day))

    if runs:
        assert check() == {"nb_fichiers": 0, "octets": 0, "bronze_absents": 0}
    else:
        with pytest.raises(AirflowSkipException, match=when):
            check()


def test_late_datasets_are_warnings_and_a_list(
    taches_veille: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from qpv_emploi import status
    from qpv_emploi.veille.calendrier import Expectation

    expected = Expectation("2022", date(2022, 11, 27), date(2023, 5, 12), 166)
    late = status.DatasetState("insee", "ipro", "dépôt", ("2021",), None, expected, "", "", "")
    monkeypatch.setattr(status, "late_datasets", lambda settings: [late])
    with caplog.at_level("WARNING", logger=taches_veille.__name__):
        found = taches_veille.report_late()
    assert found == [{"jeu": "insee/ipro", "millesime": "2022", "du_le": "2022-11-27", "retard_jours": 166}]
    assert caplog.messages == ["insee/ipro : 2022, dû le 2022-11-27, en retard de 166 jours"]


@pytest.mark.parametrize("applied", [True, False])
def test_cleaning_is_applied_unless_the_run_says_otherwise(
    taches_veille: ModuleType, tmp_path: Path, applied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    unfinished = tmp_path / "data" / "brut" / f".{'a' * 32}.part"
    unfinished.parent.mkdir(parents=True)
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    with caplog.at_level("INFO", logger=taches_veille.__name__):
        removed = taches_veille.clean(params={"menage": applied})
    assert removed == ([f"brut/{unfinished.name}"] if applied else [])
    assert unfinished.exists() is not applied
    assert any(line.startswith("supprimé" if applied else "laissé") for line in caplog.messages)


def test_news_are_lines(taches_veille: ModuleType, tmp_path: Path) -> None:
    assert taches_veille.report_news() == []
    folder = tmp_path / "depot" / "insee" / "population_qpv" / "2013"
    folder.mkdir(parents=True)
    (folder / "pop_qp_2013.xls").write_bytes(b"x")
    assert taches_veille.report_news() == ["insee/population_qpv/2013 : arrivé, pas encore lu"]

"""The engine of a build, without a server: what is refused before anything starts, and its names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from qpv_emploi.entrepot import build_fingerprint
from qpv_emploi.entrepot.candidate import discard_work
from qpv_emploi.entrepot.moteur_postgres import MARK, PostgresEngine, base_schema
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings, load_settings

SECRET = "mot-de-passe-tres-secret"
CANDIDAT = "20261120T101112Z-0a1b2c3d"


def settings(tmp_path: Path, dsn: str = "") -> Settings:
    return Settings(data_dir=tmp_path, region="99", moteur="postgres", moteur_dsn=SecretStr(dsn))


def test_duckdb_is_the_default() -> None:
    assert Settings.model_fields["moteur"].default == "duckdb"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(SettingsError, match="QPV_MOTEUR = « mysql »"):
        load_settings(moteur="mysql")


def test_the_server_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="QPV_MOTEUR_DSN est vide"):
        PostgresEngine(settings(tmp_path))


def test_a_faulty_connection_string_is_not_repeated(tmp_path: Path) -> None:
    faulty = f"host=localhost password={SECRET} dbname"
    with pytest.raises(SettingsError, match="illisible") as refused:
        PostgresEngine(settings(tmp_path, faulty))
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(settings(tmp_path, faulty))


def test_dbt_postgres_must_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="dbt-postgres n'est pas installé"):
        PostgresEngine(settings(tmp_path, "host=localhost dbname=x"))


def test_the_engine_is_part_of_what_decides_a_release(tmp_path: Path) -> None:
    built = settings(tmp_path)
    assert build_fingerprint(built, []) != build_fingerprint(
        built.model_copy(update={"moteur": "duckdb"}), []
    )


def test_two_candidates_never_share_a_schema(tmp_path: Path) -> None:
    places = [
        tmp_path / "a" / CANDIDAT,
        tmp_path / "b" / CANDIDAT,
        tmp_path / "a" / CANDIDAT.replace("10", "11"),
    ]
    names = [base_schema(place) for place in places]
    assert len(set(names)) == 3
    assert names[0].startswith("qpv_20261120t101112z_0a1b2c3d_")
    # PostgreSQL cuts names at 63 bytes, and each layer adds its own.
    assert all(len(f"{name}_intermediate") < 63 for name in names)
    assert base_schema(places[0]) == names[0]


def test_work_whose_server_is_out_of_reach_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    held = settings(tmp_path)
    folder, free = held.paths.travail / CANDIDAT, held.paths.travail / CANDIDAT.replace("3d", "3c")
    for place in (folder, free):
        place.mkdir(parents=True)
    (folder / MARK).write_text(json.dumps({"schema": "qpv_x"}), encoding="utf-8")
    discard_work(held, CANDIDAT)
    # Without it, nobody would know which schemas to remove.
    assert folder.is_dir()
    assert not free.exists()
    assert any("QPV_MOTEUR_DSN est vide" in line for line in caplog.messages)

"""The private Airflow: its environment, its secrets, its end. No Airflow is started here."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from filelock import FileLock

from qpv_emploi.airflow import local
from qpv_emploi.airflow.local import LocalAirflow, LocalAirflowError, Secrets
from qpv_emploi.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot", region="99")


def test_the_environment_drops_the_airflow_of_the_caller(tmp_path: Path, settings: Settings) -> None:
    env = local.environment(
        tmp_path,
        4321,
        settings,
        Secrets("p", "f", "j", "a"),
        {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://prod",
            "AIRFLOW_HOME": "/prod",
            "AIRFLOW_CONN_QPV_SMTP": "smtp://127.0.0.1",
            "LANG": "C",
        },
    )
    assert env["AIRFLOW_CONN_QPV_SMTP"] == "smtp://127.0.0.1"
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{tmp_path / 'airflow.db'}"
    assert env["AIRFLOW_HOME"] == str(tmp_path)
    assert env["LANG"] == "C"
    assert not any("prod" in valeur for valeur in env.values())


def test_the_environment_listens_on_loopback_and_passes_the_installation(
    tmp_path: Path, settings: Settings
) -> None:
    env = local.environment(tmp_path, 4321, settings, Secrets("p", "f", "j", "a"), {"NO_PROXY": "intranet"})
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:4321/execution/"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["AIRFLOW__CORE__PARALLELISM"] == "2"
    assert set(env["NO_PROXY"].split(",")) == {"127.0.0.1", "intranet"}
    assert env["QPV_DATA_DIR"] == str(settings.data_dir)
    assert env["QPV_REGION"] == "99"
    assert Path(env["AIRFLOW__CORE__DAGS_FOLDER"], "ingestion.py").is_file()
    assert Path(env["AIRFLOW__CORE__PLUGINS_FOLDER"], ".airflowignore").is_file()


def test_secrets_are_drawn_once_per_home_and_private(tmp_path: Path) -> None:
    un, deux = tmp_path / "un", tmp_path / "deux"
    un.mkdir()
    deux.mkdir()
    tires = Secrets.of(un)
    assert Secrets.of(un) == tires
    assert Secrets.of(deux).jwt_secret != tires.jwt_secret
    assert len(tires.password) >= 16
    assert stat.S_IMODE((un / "secrets.json").stat().st_mode) == 0o600


def test_a_private_file_takes_the_place_of_a_readable_one(tmp_path: Path) -> None:
    chemin = tmp_path / "passwords.json"
    chemin.write_text("ancien", encoding="utf-8")
    chemin.chmod(0o644)
    local.write_private(chemin, "nouveau")
    assert chemin.read_text(encoding="utf-8") == "nouveau"
    assert stat.S_IMODE(chemin.stat().st_mode) == 0o600


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    journal = tmp_path / "x.log"
    assert local.tail(journal) == ""
    journal.write_bytes("\n".join(f"ligne {n}" for n in range(50)).encode() + b"\n\xff\n")
    assert local.tail(journal, 2) == "ligne 49\n\ufffd"


def test_a_home_serves_one_airflow_at_a_time(tmp_path: Path, settings: Settings) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with local.FileLock(home / "airflow.lock"), pytest.raises(LocalAirflowError, match="tourne déjà"):
        LocalAirflow(home, settings).start()


def _python(code: str, journal: Path) -> subprocess.Popen[bytes]:
    with journal.open("wb") as sortie:
        return subprocess.Popen([sys.executable, "-c", code], stdout=sortie, start_new_session=True)


def test_a_process_that_dies_is_shown_with_the_end_of_its_log(tmp_path: Path, settings: Settings) -> None:
    airflow = LocalAirflow(tmp_path, settings)
    (tmp_path / "logs").mkdir()
    process = _python("import sys; print('port déjà pris'); sys.exit(3)", airflow.log_file("scheduler"))
    airflow._processes["scheduler"] = process
    process.wait()
    with pytest.raises(LocalAirflowError, match=r"scheduler.*code 3") as vu:
        airflow.wait_for(lambda: False, 60, "d'être prêt")
    assert "port déjà pris" in str(vu.value)


def test_a_migration_that_fails_is_shown_and_nothing_is_left(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local.sys, "executable", "/bin/false")
    airflow = LocalAirflow(tmp_path / "home", settings)
    with pytest.raises(LocalAirflowError, match="db d'Airflow s'est arrêté"):
        airflow.__enter__()
    assert airflow._processes == {}
    with local.FileLock(tmp_path / "home" / "airflow.lock", timeout=0):
        pass


def test_waiting_has_a_limit(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(LocalAirflowError, match="n'a pas fini d'être prêt"):
        LocalAirflow(tmp_path, settings).wait_for(lambda: False, 0, "d'être prêt")


def test_stop_reaches_tasks_in_process_groups_of_their_own(tmp_path: Path, settings: Settings) -> None:
    airflow = LocalAirflow(tmp_path, settings)
    (tmp_path / "logs").mkdir()
    code = (
        "import subprocess, sys, time\n"
        "enfant = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True)\n"
        "print(enfant.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    airflow._processes["scheduler"] = _python(code, airflow.log_file("scheduler"))
    while not local.tail(airflow.log_file("scheduler")):
        time.sleep(0.05)
    petit_enfant = psutil.Process(int(local.tail(airflow.log_file("scheduler"))))
    assert petit_enfant.is_running()
    airflow.stop()
    assert not petit_enfant.is_running() or petit_enfant.status() == psutil.STATUS_ZOMBIE
    airflow.stop()


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as prise:
        prise.bind(("127.0.0.1", local.free_port()))


def test_the_command_line_knows_two_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert local.main(["demarrer"]) == 2
    assert "up|down" in capsys.readouterr().out


def test_nothing_to_stop_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert local.down(Settings(data_dir=tmp_path)) is False
    assert "Aucun Airflow" in capsys.readouterr().out


def test_the_file_of_a_dead_keeper_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    begun = psutil.Process(ended.pid).create_time()
    ended.wait()
    local.Keeper(ended.pid, begun, "http://127.0.0.1:1").write(tmp_path)
    assert local.Keeper.of(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_another_process_took_is_not_ours(tmp_path: Path) -> None:
    other = psutil.Process()
    local.Keeper(other.pid, other.create_time() - 3600, "http://127.0.0.1:1").write(tmp_path)
    assert local.Keeper.of(tmp_path) is None
    keeper = local.Keeper(other.pid, other.create_time(), "http://127.0.0.1:1", ("depot",))
    keeper.write(tmp_path)
    assert local.Keeper.of(tmp_path) == keeper
    assert stat.S_IMODE(local.keeper_file(tmp_path).stat().st_mode) == 0o600


def test_a_keeper_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path, project_dir=tmp_path / "absent")
    home = local.airflow_home(settings)
    home.mkdir(parents=True)
    # Somebody holds the home: the keeper ends with the reason, which the log gives back.
    monkeypatch.setenv("QPV_DATA_DIR", str(tmp_path))
    with FileLock(home / "airflow.lock"), pytest.raises(LocalAirflowError, match="tourne déjà"):
        local.up(settings, limit=60)
    assert not local.keeper_file(home).exists()
    assert "Démarrage" in capsys.readouterr().out

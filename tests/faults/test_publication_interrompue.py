"""Readers never meet a half-written release, whatever happens to the process that publishes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabrique import NB_QPV, check_release, small_project  # type: ignore[import-not-found]
from publicateur import STEPS  # type: ignore[import-not-found]
from region_fictive import Region  # type: ignore[import-not-found]

from qpv_emploi.entrepot import current_release, list_releases, rollback
from qpv_emploi.settings import Paths

HERE = Path(__file__).parent
ROWS = NB_QPV * 200
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1] / "plugins"), str(HERE)])}
KILLED = -signal.SIGKILL


class Process:
    """A helper script, spoken to line by line."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.script = script
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{self.script} s'est tu"
        return json.loads(line)

    def ask(self, request: object) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="module")
def publisher() -> Iterator[Process]:
    process = Process("publicateur.py")
    yield process
    process.end()


class Warehouse:
    """A data directory where small warehouses are published, one ``tour`` after the other."""

    def __init__(self, publisher: Process, root: Path) -> None:
        self.publisher = publisher
        self.paths = Paths(root / "data")
        self.paths.root.mkdir()
        self.project = small_project(root / "projet")
        self.attempts = 0

    def run(self, tour: int, **options: object) -> int:
        """Exit code of one run of the chain."""
        self.attempts += 1
        request = {
            "data": str(self.paths.root),
            "projet": str(self.project),
            "tour": tour,
            "essai": self.attempts,
            **options,
        }
        return int(self.publisher.ask(request)["code"])

    def tour(self) -> int | None:
        """``tour`` of the current release, after having checked that it is whole; None without any."""
        if not self.paths.courant.is_symlink():
            return None
        release = current_release(self.paths)
        assert release is not None
        assert release.dossier.parent == self.paths.versions
        return int(check_release(release.dossier))


@pytest.fixture
def warehouse(publisher: Process, tmp_path: Path) -> Warehouse:
    return Warehouse(publisher, tmp_path)


def test_an_open_reader_keeps_its_answers(warehouse: Warehouse) -> None:
    assert warehouse.run(1) == 0
    reader = Process("lecteur.py", "tenir", str(warehouse.paths.publie))
    try:
        before = reader.hear()
        assert before == [[ROWS, 1, 1]]
        assert warehouse.run(2) == 0
        assert warehouse.tour() == 2
        assert reader.ask("encore") == before
        rollback(warehouse.paths)
        assert warehouse.tour() == 1
        assert reader.ask("encore") == before
    finally:
        reader.end()


def test_a_polling_reader_never_fails(warehouse: Warehouse) -> None:
    assert warehouse.run(1) == 0
    reader = Process("lecteur.py", "sonder", str(warehouse.paths.publie))
    try:
        assert reader.hear() == "prêt"
        for tour in range(2, 8):
            assert warehouse.run(tour) == 0
            if tour == 5:
                rollback(warehouse.paths)
        reader.close()
        report = reader.hear()
    finally:
        reader.end()
    assert report["echecs"] == []
    assert report["lectures"] >= 20
    assert {(rows, low == high) for rows, low, high in report["vus"]} == {(ROWS, True)}
    assert len(report["vus"]) >= 3


@pytest.mark.parametrize("step", [f"{when}:{name}" for name in STEPS for when in ("before", "after")])
def test_killed_at_a_step(warehouse: Warehouse, step: str) -> None:
    assert warehouse.run(1) == 0
    assert warehouse.run(2, etape=step) == KILLED
    assert warehouse.tour() in (1, 2)

    assert warehouse.run(2) == 0
    assert warehouse.tour() == 2
    assert len(list_releases(warehouse.paths)) == 2


@pytest.mark.parametrize("step", ["after:_copy_database", "before:switch", "after:switch"])
def test_first_publication_killed(warehouse: Warehouse, step: str) -> None:
    assert warehouse.run(1, etape=step) == KILLED
    assert warehouse.tour() == (1 if step == "after:switch" else None)
    assert warehouse.run(1) == 0
    assert warehouse.tour() == 1


@pytest.mark.parametrize(
    "step",
    [
        *("after:record_audit", "after:_copy_database", "before:_write_manifest", "after:rename"),
        *("before:replace", "before:discard_work"),
    ],
)
def test_second_try_of_a_killed_publication(warehouse: Warehouse, step: str) -> None:
    assert warehouse.run(1) == 0
    assert warehouse.run(2, etape=step) == KILLED
    (work,) = warehouse.paths.travail.iterdir()
    assert warehouse.run(2, reprendre=work.name) == 0
    assert warehouse.tour() == 2
    assert [release.identifiant for release in list_releases(warehouse.paths)][1:] == [work.name]


def test_killed_at_random_moments(warehouse: Warehouse) -> None:
    assert warehouse.run(1) == 0
    moments = random.Random(20260101)
    fates = set()
    for tour in range(2, 14):
        code = warehouse.run(tour, delai=moments.uniform(0.0, 0.35))
        assert code in (0, KILLED)
        seen = warehouse.tour()
        assert seen in (tour - 1, tour)
        fates.add((code, seen == tour))
        assert warehouse.run(tour) == 0
        assert warehouse.tour() == tour
    assert (KILLED, False) in fates
    # What the dead left behind goes with the next publication.
    assert warehouse.run(14) == 0
    assert not [path for path in warehouse.paths.versions.iterdir() if path.name.startswith(".")]
    assert not list(warehouse.paths.travail.iterdir())


def test_an_interrupted_publication_does_not_undo_a_rollback(warehouse: Warehouse) -> None:
    assert warehouse.run(1) == 0
    assert warehouse.run(2, etape="before:discard_work") == KILLED
    assert warehouse.tour() == 2
    rollback(warehouse.paths)
    assert warehouse.run(2) == 0
    assert warehouse.tour() == 1


def test_build_killed_in_the_middle_of_dbt(region: Region) -> None:
    release = region.release()
    command = [sys.executable, "-m", "qpv_emploi.cli", "run", "--region", "99"]
    command += ["--depot", str(region.settings.depot), "--data-dir", str(region.settings.data_dir)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        # dbt runs in a child: both are killed, as when a container is.
        start_new_session=True,
    )
    try:
        wait_until_dbt_builds(region.settings.paths.travail, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert region.release() == release
    assert len(list(region.settings.paths.travail.iterdir())) == 1

    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "publié" in done.stdout
    current = current_release(region.settings.paths)
    assert current is not None
    assert current.comptes["dim_qpv"] == 12
    assert not list(region.settings.paths.travail.iterdir())


def wait_until_dbt_builds(work: Path, process: subprocess.Popen[bytes], patience_s: float = 120.0) -> None:
    """Until dbt has said that it made at least one table."""
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        assert process.poll() is None, "la construction s'est achevée avant d'être tuée"
        if any(b"OK created" in log.read_bytes() for log in work.glob("*/dbt.log")):
            return
        time.sleep(0.1)
    pytest.fail(f"dbt n'a rien construit en {patience_s:g} s ({shutil.which('dbt')})")

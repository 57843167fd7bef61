"""The demo through a real scheduler: ingestion, the warehouse that it wakes, then its publication."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from qpv_emploi.airflow.demo import describe_results, run_demo
from qpv_emploi.airflow.local import airflow_home
from qpv_emploi.fictif import MILLESIMES_COURTS, generate
from qpv_emploi.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(1500)]


def children() -> set[int]:
    return {process.pid for process in psutil.Process(os.getpid()).children(recursive=True)}


def test_the_demo_publishes_the_warehouse_and_leaves_no_process(tmp_path: Path) -> None:
    # The dépôt of `make demo`: that of `qpv fictif --court`.
    generate(tmp_path / "depot", millesimes=MILLESIMES_COURTS)
    settings = Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot", region="99")
    avant, lignes = children(), list[str]()

    version = run_demo(settings, lignes.append)

    assert version == settings.paths.courant.resolve()
    assert (version / "entrepot.duckdb").is_file()
    assert any("entrepot : terminé, 3 tâche(s) réussie(s)" in ligne for ligne in lignes)
    assert not any("en échec" in ligne for ligne in lignes)
    assert any("publication : terminé, 1 tâche(s) réussie(s), 1 sans objet" in ligne for ligne in lignes)
    told = describe_results(settings.paths)
    # Warehouse, marts and site: each at the end of its line.
    places = [
        Path(ligne.partition(" : ")[2]) for ligne in told if ligne.startswith(("Entrepôt", "Marts", "Site"))
    ]
    assert len(places) == 3
    assert all(place.is_absolute() and place.exists() for place in places)
    assert children() <= avant
    # The password and the keys of this Airflow are nobody else's business.
    assert stat.S_IMODE(airflow_home(settings).stat().st_mode) == 0o700

    encore = list[str]()
    assert run_demo(settings, encore.append) == version
    assert any("Rien de nouveau dans le dépôt" in ligne for ligne in encore)

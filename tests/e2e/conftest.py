"""A private Airflow for the tests of the DAGs that run inside the pytest process.

Airflow reads ``AIRFLOW_HOME`` when it is first imported and its options at each call. The variables are
therefore set by a session fixture, before the first import, and taken away at the end: no test module imports
Airflow at its top, so that collecting these tests (or running only others) changes nothing in the process.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"


@pytest.fixture(scope="session")
def airflow_home() -> Iterator[Path]:
    """An empty ``AIRFLOW_HOME`` with migrated metadata and the pool of the warehouse."""
    if "airflow" in sys.modules:
        pytest.fail("airflow est déjà importé : ses réglages ne sont plus ceux du test ; voir ce conftest")
    home = Path(tempfile.mkdtemp(prefix="qpv-airflow-"))
    with pytest.MonkeyPatch.context() as patch:
        for nom, valeur in {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }.items():
            patch.setenv(nom, valeur)
        from airflow.models.pool import Pool
        from airflow.utils.db import initdb
        from airflow.utils.session import create_session

        initdb()
        with create_session() as session:
            Pool.create_or_update_pool(
                "entrepot", slots=1, description="", include_deferred=False, session=session
            )
        yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def chain(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An installation that the DAGs have filled (``test_dags_execution.Chain``): read, never changed."""
    from test_dags_execution import play_chain

    return play_chain(tmp_path_factory.mktemp("installation"))

"""What all tests share: where the real source files are, and what their absence means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.exigences import absent
from tests.postgres import PostgresAbsent, PostgresServer, running_postgres

# The warehouses and sites that several folders share.
pytest_plugins = ["tests.entrepots"]


@pytest.fixture(scope="session")
def depot_reel() -> Path:
    """Folder of the real source files: QPV_DEPOT_REEL, else the shared folder beside the repository."""
    racine = Path(__file__).resolve().parents[1]
    depot = Path(os.environ.get("QPV_DEPOT_REEL", racine.parent / "shared" / "depot"))
    if not depot.is_dir():
        absent(
            f"dépôt des fichiers réels introuvable : {depot} (variable QPV_DEPOT_REEL)", "QPV_EXIGER_DEPOT"
        )
    return depot


@pytest.fixture(scope="session")
def serveur_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the session."""
    try:
        with running_postgres() as serveur:
            yield serveur
    except PostgresAbsent as absence:
        absent(str(absence))


@pytest.fixture
def base_postgres(serveur_postgres: PostgresServer) -> Iterator[str]:
    """Connection string of a new, empty database."""
    with serveur_postgres.database() as dsn:
        yield dsn

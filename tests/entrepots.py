"""Real source files, read where they lie and never copied; and the warehouses that several tests share.

Each warehouse and each publication is made once per session, and only if a test asks for it: the chain takes
tens of seconds. ``tests/conftest.py`` makes these fixtures known to every folder.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.postgres import PostgresServer

from qpv_emploi import pipeline
from qpv_emploi.conservation import Outcome
from qpv_emploi.diffusion import publish_release
from qpv_emploi.entrepot import Release
from qpv_emploi.fictif import REGION_FICTIVE, generate
from qpv_emploi.pipeline import RunReport
from qpv_emploi.publication.postgres import PostgresReport, publish_to_postgres
from qpv_emploi.settings import Settings

Requete = Callable[..., list[Any]]

NB_QPV_FICTIFS = 24
# 2019 is a hole of the real dépôt; 2022 follows its last vintage; 2031 is far from all that is known.
MILLESIMES = {
    "insertion_professionnelle": ["2017", "2019", "2021", "2022", "2031"],
    "demographie_qpv": ["2019", "2021", "2022", "2031"],
    "revenus_qpv": ["2019", "2021", "2022", "2031"],
}
# What dbt reads as --exclude-resource-types.
SANS_NATURE = "DBT_EXCLUDE_RESOURCE_TYPES"
RENOMMEE = (b";ABC_RSA;", b";ABC_RSA_V2;")


def _reader(release: Release) -> Iterator[Requete]:
    with duckdb.connect(str(release.dossier / "entrepot.duckdb"), read_only=True) as connexion:

        def lire(sql: str, *parametres: object) -> list[Any]:
            return connexion.execute(sql, list(parametres)).fetchall()

        yield lire


@pytest.fixture(scope="session", autouse=True)
def sans_tests_unitaires_dbt() -> Iterator[None]:
    """The unit tests of dbt do not depend on the data: all builds but one leave them out."""
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv(SANS_NATURE, "unit_test")
        yield


@pytest.fixture(scope="session")
def entrepot_32(depot_reel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, RunReport]:
    """The whole chain on the real dépôt, Hauts-de-France. Its release stays readable in its own folder."""
    reglages = Settings(data_dir=tmp_path_factory.mktemp("reel"), depot=depot_reel, region="32")
    return reglages, pipeline.run(reglages)


@pytest.fixture(scope="session")
def entrepot_11(
    entrepot_32: tuple[Settings, RunReport], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, RunReport]:
    """Île-de-France, from a copy of the same raw store: only the region changes.

    A copy, because its release becomes the current one, and the tests come in any order.
    """
    copie = tmp_path_factory.mktemp("reel_11") / "data"
    publications = shutil.ignore_patterns("publications")
    shutil.copytree(entrepot_32[0].data_dir, copie, symlinks=True, ignore=publications)
    reglages = entrepot_32[0].model_copy(update={"data_dir": copie, "region": "11"})
    return reglages, pipeline.run(reglages)


@pytest.fixture(scope="session")
def sql_32(entrepot_32: tuple[Settings, RunReport]) -> Iterator[Requete]:
    """Queries on the release of region 32."""
    assert entrepot_32[1].release is not None
    yield from _reader(entrepot_32[1].release)


@pytest.fixture(scope="session")
def sql_11(entrepot_11: tuple[Settings, RunReport]) -> Iterator[Requete]:
    """Queries on the release of region 11."""
    assert entrepot_11[1].release is not None
    yield from _reader(entrepot_11[1].release)


@pytest.fixture(scope="session")
def depot_fictif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fictional dépôt with new vintages; in the last one the producer has renamed ABC_RSA to ABC_RSA_V2."""
    depot = tmp_path_factory.mktemp("depot") / "fictif"
    generate(depot, nb_qpv=NB_QPV_FICTIFS, millesimes=MILLESIMES)
    fichier = depot / "insee" / "insertion_professionnelle" / "2031" / "IPRO_2031.csv"
    entete, fin, suite = fichier.read_bytes().partition(b"\r\n")
    assert RENOMMEE[0] in entete
    fichier.write_bytes(entete.replace(*RENOMMEE) + fin + suite)
    return depot


@pytest.fixture(scope="session")
def reglages_fictifs(depot_fictif: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the fictional warehouse. Its data directory is shared: write on a copy only."""
    return Settings(data_dir=tmp_path_factory.mktemp("fictif"), depot=depot_fictif, region=REGION_FICTIVE)


@pytest.fixture(scope="session")
def issues_fictives(reglages_fictifs: Settings) -> list[Outcome]:
    """Outcomes of the first reception of the fictional dépôt."""
    issues, hors_catalogue = pipeline.ingest_all(reglages_fictifs)
    assert hors_catalogue == []
    return issues


@pytest.fixture(scope="session")
def candidat_fictif(
    reglages_fictifs: Settings, issues_fictives: list[Outcome], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Identifier of the built candidate, and a copy of its work folder, that publishing does not remove.

    The build that runs the unit tests of dbt: it needs no real file.
    """
    assert issues_fictives
    with pytest.MonkeyPatch.context() as variables:
        variables.delenv(SANS_NATURE)
        candidat = pipeline.build(reglages_fictifs)
    assert candidat is not None
    copie = tmp_path_factory.mktemp("travail") / candidat
    shutil.copytree(reglages_fictifs.paths.travail / candidat, copie)
    return candidat, copie


@pytest.fixture(scope="session")
def version_fictive(
    reglages_fictifs: Settings, candidat_fictif: tuple[str, Path]
) -> tuple[Release, list[str]]:
    """The published fictional release, and the warnings of its audit."""
    avertissements = pipeline.audit(reglages_fictifs, candidat_fictif[0])
    return pipeline.publish(reglages_fictifs, candidat_fictif[0]), avertissements


@pytest.fixture(scope="session")
def sql_fictif(version_fictive: tuple[Release, list[str]]) -> Iterator[Requete]:
    """Queries on the fictional release."""
    yield from _reader(version_fictive[0])


@pytest.fixture(scope="session")
def postgres_fictif(
    version_fictive: tuple[Release, list[str]], serveur_postgres: PostgresServer
) -> Iterator[tuple[str, PostgresReport]]:
    """Connection string of a database that serves the fictional release in its schema ``qpv``; read only."""
    with serveur_postgres.database() as dsn:
        yield dsn, publish_to_postgres(version_fictive[0].dossier, dsn)


@pytest.fixture(scope="session")
def publication_32(entrepot_32: tuple[Settings, RunReport]) -> tuple[Path, float]:
    """The publication of Hauts-de-France: its folder, and the seconds that its site took."""
    assert entrepot_32[1].release is not None
    moments: list[tuple[str, float]] = []
    made = publish_release(
        entrepot_32[0], progress=lambda label, done, total: moments.append((label, time.perf_counter()))
    )
    debut = max(moment for label, moment in moments if not label.startswith("site/"))
    return made.dossier, moments[-1][1] - debut


@pytest.fixture(scope="session")
def publication_fictive(reglages_fictifs: Settings, version_fictive: tuple[Release, list[str]]) -> Path:
    """Folder of the publication of the fictional release."""
    assert version_fictive[0].est_fictif
    return publish_release(reglages_fictifs).dossier

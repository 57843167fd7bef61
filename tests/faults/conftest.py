"""A fictional region received once and published once; each test breaks its own copy."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fabrique import make_candidate, small_project  # type: ignore[import-not-found]
from region_fictive import NEWCOMER, Region  # type: ignore[import-not-found]
from tests.socle import SOCLE

from qpv_emploi import pipeline
from qpv_emploi.conservation import Issue
from qpv_emploi.fictif import generate
from qpv_emploi.settings import Settings


@pytest.fixture(scope="session")
def received(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``depot/`` and ``data/`` of a fictional region of 12 QPV, received but for one file, and published."""
    root = tmp_path_factory.mktemp("region")
    generate(root / "depot", nb_qpv=12, millesimes=SOCLE)
    aside = root / "depot" / Path(*NEWCOMER)
    shutil.move(aside, root / "plus-tard")
    settings = Settings(data_dir=root / "data", depot=root / "depot", region="99")
    outcomes, unknown = pipeline.ingest_all(settings)
    # A dataset that the fictional region does not have is absent, without vintage.
    assert {outcome.issue for outcome in outcomes if outcome.millesime} == {Issue.NOUVEAU}
    assert not unknown
    small = settings.model_copy(update={"project_dir": small_project(root / "projet")})
    candidate = make_candidate(small, tour=0, now=datetime(2026, 1, 1, tzinfo=UTC))
    pipeline.audit(small, candidate.identifiant)
    pipeline.publish(small, candidate.identifiant)
    shutil.move(root / "plus-tard", aside)
    return root


@pytest.fixture
def region(received: Path, tmp_path: Path) -> Region:
    """A private copy of the received region."""
    for name in ("depot", "data"):
        shutil.copytree(received / name, tmp_path / name, symlinks=True)
    return Region(Settings(data_dir=tmp_path / "data", depot=tmp_path / "depot", region="99"))

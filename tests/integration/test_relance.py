"""Running again: nothing changed publishes nothing, forcing changes no byte, a rollback holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qpv_emploi import pipeline
from qpv_emploi.conservation import Issue
from qpv_emploi.entrepot import Release, current_release, list_releases, rollback
from qpv_emploi.settings import Settings


@pytest.fixture(scope="module")
def reglages(
    reglages_fictifs: Settings,
    version_fictive: tuple[Release, list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """A data directory of our own, as the first run left it."""
    assert version_fictive[0].est_courante
    copie = tmp_path_factory.mktemp("relance") / "data"
    shutil.copytree(reglages_fictifs.data_dir, copie, symlinks=True)
    return reglages_fictifs.model_copy(update={"data_dir": copie})


@pytest.fixture(scope="module")
def forcee(reglages: Settings) -> tuple[Release, Release]:
    """The release before a forced run, and the one that it published."""
    avant = current_release(reglages.paths)
    rapport = pipeline.run(reglages, force=True)
    assert avant is not None
    assert rapport.release is not None
    return avant, rapport.release


def _files(dossier: Path) -> dict[str, tuple[int, int]]:
    """Name -> (modification time in ns, size) of every file below a folder; the ledger only grows."""
    return {
        str(chemin.relative_to(dossier)): (chemin.lstat().st_mtime_ns, chemin.lstat().st_size)
        for chemin in sorted(dossier.rglob("*"))
        if chemin.is_file() and chemin.name != "journal.jsonl"
    }


def test_a_second_run_publishes_nothing(reglages: Settings) -> None:
    """No file is written, and no dbt starts: it would leave a work folder."""
    avant = _files(reglages.data_dir)
    rapport = pipeline.run(reglages)
    assert rapport.release is None
    # A dataset without any file is absent, without vintage.
    assert {issue.issue for issue in rapport.outcomes if issue.millesime} == {Issue.INCHANGE}
    assert _files(reglages.data_dir) == avant
    assert list(reglages.paths.travail.glob("*")) == []


def test_a_forced_run_gives_the_same_bytes(forcee: tuple[Release, Release]) -> None:
    avant, apres = forcee
    assert apres.identifiant != avant.identifiant
    assert apres.empreinte == avant.empreinte
    assert apres.comptes == avant.comptes
    noms = sorted(str(f.relative_to(avant.dossier)) for f in avant.dossier.glob("*/*"))
    assert sorted(str(f.relative_to(apres.dossier)) for f in apres.dossier.glob("*/*")) == noms
    assert len([nom for nom in noms if nom.startswith("parquet/")]) == len(apres.comptes) - 1
    differents = [
        nom for nom in noms if (avant.dossier / nom).read_bytes() != (apres.dossier / nom).read_bytes()
    ]
    assert differents == []


def test_a_rollback_holds_until_an_input_changes(reglages: Settings, forcee: tuple[Release, Release]) -> None:
    avant, apres = forcee
    revenue = rollback(reglages.paths)
    assert revenue.identifiant == avant.identifiant
    assert pipeline.run(reglages).release is None
    courante = current_release(reglages.paths)
    assert courante is not None
    assert courante.identifiant == avant.identifiant
    gardees = [release.identifiant for release in list_releases(reglages.paths)]
    assert gardees == [avant.identifiant, apres.identifiant]

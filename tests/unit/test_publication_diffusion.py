"""`qpv publish` and `qpv diff`: complete before seen, switched by one rename, idempotent, plain errors."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.diffusion import write_release
from typer.testing import CliRunner

from qpv_emploi import cli
from qpv_emploi.diffusion import diff_releases, previous_release, publish_release
from qpv_emploi.entrepot import current_release
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import QPVError, UnknownRelease
from qpv_emploi.publication import tout
from qpv_emploi.settings import Settings

FIRST, SECOND, THIRD = "20250102T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb", "20270102T000000Z-cccccccc"
CHANGE = ["update fct_observation set valeur = 7 where cle_observation = 'o1'"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three releases; the last is of another region, the second is current."""
    for name in ("QPV_DATA_DIR", "QPV_DEPOT", "QPV_REGION"):
        monkeypatch.delenv(name, raising=False)
    made = Settings(data_dir=tmp_path / "data")
    write_release(made.paths.versions, identifiant=FIRST)
    write_release(made.paths.versions, identifiant=SECOND, changes=CHANGE)
    write_release(made.paths.versions, identifiant=THIRD, region="11")
    switch(made.paths, made.paths.versions / SECOND)
    return made


def visible(settings: Settings) -> str:
    return (settings.paths.publications / "courante").readlink().name


def inodes(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def test_the_current_release_is_published_and_compared(settings: Settings) -> None:
    made = publish_release(settings)
    assert (made.identifiant, made.est_nouvelle) == (SECOND, True)
    assert visible(settings) == SECOND
    files = settings.paths.publications / "courante" / "fichiers"
    assert (files / "SHA256SUMS").is_file()
    assert FIRST in (files / "comparaison" / "index.html").read_text(encoding="utf-8")
    assert [p.name for p in settings.paths.publications.iterdir() if p.name.startswith(".")] == []


def test_a_second_publication_changes_nothing(settings: Settings) -> None:
    first = publish_release(settings)
    before = inodes(first.dossier)
    again = publish_release(settings)
    assert not again.est_nouvelle
    assert inodes(again.dossier) == before


def test_force_makes_it_again(settings: Settings) -> None:
    first = publish_release(settings)
    before = inodes(first.dossier)
    again = publish_release(settings, force=True)
    assert again.est_nouvelle
    assert inodes(again.dossier).keys() == before.keys()
    assert inodes(again.dossier) != before
    assert visible(settings) == SECOND


def test_a_publication_of_an_earlier_release(settings: Settings) -> None:
    publish_release(settings)
    made = publish_release(settings, FIRST)
    assert visible(settings) == FIRST
    # Nothing of the same region came before.
    assert not (made.dossier / "fichiers" / "comparaison").exists()
    assert publish_release(settings).est_nouvelle is False
    assert visible(settings) == SECOND


def test_an_interrupted_publication_is_not_seen_and_is_made_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_release(settings, FIRST)

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tout, "_sync", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_release(settings)
    assert visible(settings) == FIRST
    assert not (settings.paths.publications / SECOND).exists()
    assert publish_release(settings).est_nouvelle
    assert visible(settings) == SECOND
    assert sorted(p.name for p in settings.paths.publications.iterdir()) == [FIRST, SECOND, "courante"]


def test_half_a_publication_is_not_taken_for_one(settings: Settings) -> None:
    made = publish_release(settings)
    (made.dossier / "publication.json").unlink()
    assert publish_release(settings).est_nouvelle


def test_the_link_is_relative(settings: Settings, tmp_path: Path) -> None:
    publish_release(settings)
    os.rename(settings.data_dir, tmp_path / "ailleurs")  # noqa: PTH104
    assert (tmp_path / "ailleurs" / "publications" / "courante" / "fichiers" / "LISEZMOI.txt").is_file()


def test_a_publication_without_a_site_is_made_again(settings: Settings) -> None:
    made = publish_release(settings)
    assert (made.dossier / "site" / "index.html").is_file()
    shutil.rmtree(made.dossier / "site")
    again = publish_release(settings)
    assert again.est_nouvelle
    assert (again.dossier / "site" / "index.html").is_file()


def test_previous_release_is_of_the_same_region(settings: Settings) -> None:
    current = current_release(settings.paths)
    assert current is not None
    former = previous_release(settings, current)
    assert former is not None
    assert former.identifiant == FIRST
    assert previous_release(settings, former) is None


def test_what_does_not_exist_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UnknownRelease, match=rf"version inconnue inconnue ; versions gardées : {FIRST}"):
        publish_release(settings, "inconnue")
    with pytest.raises(UnknownRelease, match="aucune version publiée"):
        publish_release(Settings(data_dir=tmp_path / "vide"))
    with pytest.raises(UnknownRelease, match="rien à comparer"):
        diff_releases(settings, after=FIRST)
    with pytest.raises(QPVError, match="ne se comparent pas"):
        diff_releases(settings, SECOND, THIRD)


def test_command_publish(settings: Settings) -> None:
    run = CliRunner().invoke(cli.app, ["publish", "--data-dir", str(settings.data_dir)])
    assert run.exit_code == 0, run.output
    assert f"version {SECOND}" in run.output
    assert "publications/courante" in run.output
    # Without a terminal, progress is a line at each tenth of the work: that of the files, then of the site.
    told = [line for line in run.output.splitlines() if line.startswith("Diffusion : ")]
    assert sum("(site/" not in line for line in told) in range(9, 12)
    assert sum("(site/" in line for line in told) in range(2, 12)
    again = CliRunner().invoke(cli.app, ["publish", "--data-dir", str(settings.data_dir)])
    assert "déjà fait" in again.output


def test_command_diff(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "page"
    run = CliRunner().invoke(cli.app, ["diff", "--data-dir", str(settings.data_dir), "--vers", str(target)])
    assert run.exit_code == 0, run.output
    assert f"{FIRST} -> {SECOND}" in run.output
    assert "table   fct_observation : 1 ligne(s) changée(s)" in run.output
    assert (target / "index.html").is_file()


def test_command_errors_are_one_line(settings: Settings) -> None:
    run = CliRunner().invoke(cli.app, ["diff", SECOND, THIRD, "--data-dir", str(settings.data_dir)])
    assert run.exit_code == 1
    assert run.output.strip().splitlines()[0].startswith("Erreur : ")
    assert len(run.output.strip().splitlines()) == 1

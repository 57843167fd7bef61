"""Releases: listed, current, rolled back, and a rollback that holds."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from qpv_emploi import pipeline
from qpv_emploi.entrepot import build_fingerprint, current_release, list_releases, rollback
from qpv_emploi.entrepot.candidate import discard_work, load_candidate
from qpv_emploi.entrepot.releases import switch
from qpv_emploi.errors import BuildError, QPVError, UnknownRelease
from qpv_emploi.settings import Paths, Settings

FIRST, SECOND, THIRD = "20260101T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb", "20260103T000000Z-cccccccc"


def lay(paths: Paths, name: str, empreinte: str = "") -> Path:
    """A release directory, not current."""
    folder = paths.versions / name
    folder.mkdir(parents=True)
    manifest = {
        "publie_le": "2026-01-01T00:00:00.000Z",
        "region": "32",
        "empreinte_construction": empreinte or name,
        "comptes": {"dim_qpv": 3},
        "est_fictif": False,
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def test_nothing_published(paths: Paths) -> None:
    assert list_releases(paths) == []
    assert current_release(paths) is None
    with pytest.raises(UnknownRelease, match="rien à quoi revenir"):
        rollback(paths)


def test_releases_are_listed_oldest_first_and_one_is_current(paths: Paths) -> None:
    lay(paths, SECOND)
    switch(paths, lay(paths, FIRST))
    # A publication under way, and a folder that someone made by hand.
    lay(paths, f".{THIRD}.partiel")
    (paths.versions / "notes").mkdir()
    found = list_releases(paths)
    assert [(r.identifiant, r.est_courante) for r in found] == [(FIRST, True), (SECOND, False)]
    current = current_release(paths)
    assert current == found[0]
    assert current.comptes == {"dim_qpv": 3}


def test_the_current_release_is_known_through_a_link(paths: Paths, tmp_path: Path) -> None:
    elsewhere = Paths(tmp_path / "gros-disque")
    switch(elsewhere, lay(elsewhere, FIRST))
    paths.publie.symlink_to(elsewhere.publie)
    assert [r.est_courante for r in list_releases(paths)] == [True]


def test_the_link_is_relative(paths: Paths, tmp_path: Path) -> None:
    switch(paths, lay(paths, FIRST))
    moved = tmp_path / "ailleurs"
    moved.mkdir()
    paths.publie.rename(moved / "publie")
    current = current_release(Paths(moved))
    assert current is not None
    assert current.identifiant == FIRST


def test_rollback_goes_one_back_then_says_so(paths: Paths) -> None:
    lay(paths, FIRST)
    switch(paths, lay(paths, SECOND))
    assert rollback(paths).identifiant == FIRST
    current = current_release(paths)
    assert current is not None
    assert current.identifiant == FIRST
    with pytest.raises(UnknownRelease, match="rien à quoi revenir"):
        rollback(paths)


def test_rollback_to_a_named_release(paths: Paths) -> None:
    for name in (FIRST, SECOND):
        lay(paths, name)
    switch(paths, lay(paths, THIRD))
    assert rollback(paths, FIRST).identifiant == FIRST
    assert rollback(paths, THIRD).est_courante


@pytest.mark.parametrize("name", ["inconnue", f"../versions/{FIRST}", "", "notes"])
def test_unknown_release(paths: Paths, name: str) -> None:
    switch(paths, lay(paths, FIRST))
    (paths.versions / "notes").mkdir()
    with pytest.raises(UnknownRelease, match=f"inconnue ; versions gardées : {FIRST}"):
        rollback(paths, name)
    current = current_release(paths)
    assert current is not None
    assert current.identifiant == FIRST


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]"])
def test_a_damaged_manifest_is_named(paths: Paths, content: str | None) -> None:
    folder = lay(paths, FIRST)
    switch(paths, folder)
    if content is None:
        (folder / "manifeste.json").unlink()
    else:
        (folder / "manifeste.json").write_text(content, encoding="utf-8")
    with pytest.raises(QPVError, match=rf"{FIRST}/manifeste.json : manifeste de version .* à faire"):
        current_release(paths)


class Build:
    """``pipeline.build`` with its inputs held still and dbt away."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("dbt_project", "expectations"):
            (tmp_path / "projet" / name).mkdir(parents=True)
        self.settings = Settings(data_dir=tmp_path / "data", project_dir=tmp_path / "projet", region="32")
        self.made: list[datetime] = []
        monkeypatch.setattr(pipeline, "load_catalogue", lambda *args: None)
        monkeypatch.setattr(pipeline, "build_candidate", self._make)

    def _make(
        self, settings: Settings, catalogue: object, *, now: datetime, read_again: object
    ) -> SimpleNamespace:
        self.made.append(now)
        return SimpleNamespace(identifiant="candidat")

    @property
    def paths(self) -> Paths:
        return self.settings.paths

    def fingerprint(self) -> str:
        return build_fingerprint(self.settings)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    return Build(tmp_path, monkeypatch)


def test_new_inputs_are_built(work: Build) -> None:
    switch(work.paths, lay(work.paths, FIRST, "autre"))
    assert pipeline.build(work.settings) == "candidat"
    assert len(work.made) == 1


def test_nothing_changed_builds_nothing(work: Build) -> None:
    switch(work.paths, lay(work.paths, FIRST, work.fingerprint()))
    assert pipeline.build(work.settings) is None
    assert work.made == []
    assert pipeline.build(work.settings, force=True) == "candidat"


def test_a_rollback_holds(work: Build) -> None:
    lay(work.paths, FIRST, "autre")
    switch(work.paths, lay(work.paths, SECOND, work.fingerprint()))
    rollback(work.paths)
    assert pipeline.build(work.settings) is None
    current = current_release(work.paths)
    assert current is not None
    assert current.identifiant == FIRST


def test_a_release_whose_publication_was_killed_is_given_back(work: Build) -> None:
    switch(work.paths, lay(work.paths, FIRST, "autre"))
    lay(work.paths, SECOND, work.fingerprint())
    (work.paths.travail / SECOND).mkdir(parents=True)
    assert pipeline.build(work.settings) == SECOND
    rollback(work.paths, FIRST)
    assert pipeline.build(work.settings) is None


def test_unknown_candidate(work: Build) -> None:
    with pytest.raises(BuildError, match=r"candidat 2026 introuvable ou inachevé.*qpv run"):
        load_candidate(work.settings, "2026")
    with pytest.raises(BuildError, match="introuvable"):
        pipeline.publish(work.settings, "2026")


def test_a_release_without_its_work_is_not_published_again(work: Build) -> None:
    lay(work.paths, FIRST)
    switch(work.paths, lay(work.paths, SECOND))
    with pytest.raises(BuildError, match="introuvable"):
        pipeline.publish(work.settings, FIRST)


def test_publishing_the_current_release_again_changes_nothing(work: Build) -> None:
    switch(work.paths, lay(work.paths, FIRST))
    assert pipeline.publish(work.settings, FIRST).identifiant == FIRST


def test_work_is_discarded_up_to_the_published_candidate(work: Build) -> None:
    for name in (FIRST, SECOND, THIRD):
        (work.paths.travail / name).mkdir(parents=True)
        (work.paths.versions / f".{name}.partiel").mkdir(parents=True)
    lay(work.paths, FIRST)
    discard_work(work.settings, SECOND)
    assert [path.name for path in work.paths.travail.iterdir()] == [THIRD]
    assert sorted(path.name for path in work.paths.versions.iterdir()) == [f".{THIRD}.partiel", FIRST]

"""Retention: what is kept, what goes, and what must never go."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qpv_emploi.conservation import Lock, LockedFile, LockEntry, RawStore
from qpv_emploi.conservation.fichiers import temporary_file
from qpv_emploi.entrepot import current_release, list_releases, rollback
from qpv_emploi.entrepot.releases import retire, switch
from qpv_emploi.errors import UnknownRelease
from qpv_emploi.settings import Paths, Settings
from qpv_emploi.veille.menage import PIN, Plan, apply_cleanup, plan_cleanup

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = [f"2026010{day}T000000Z-{str(day) * 8}" for day in range(1, 6)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def age(path: Path, days: float) -> Path:
    """Make a path look that old on the day of the test."""
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def lay(paths: Paths, name: str, **files: str) -> Path:
    """A release built from the file of the given SHA-256, per vintage of one dataset."""
    folder = paths.versions / name
    folder.mkdir(parents=True)
    manifest = {
        "publie_le": "2026-01-01T00:00:00.000Z",
        "region": "32",
        "empreinte_construction": name,
        "comptes": {},
        "est_fictif": False,
        "entrees": [
            {
                "producteur": "insee",
                "jeu": "cog",
                "millesime": vintage[1:],
                "fichiers": [{"empreinte_sha256": d}],
            }
            for vintage, d in files.items()
        ],
    }
    (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "entrepot.duckdb").write_bytes(b"x" * 1000)
    return folder


@pytest.fixture
def five(settings: Settings) -> Paths:
    """Five releases, the last one current."""
    for name in NAMES:
        switch(settings.paths, lay(settings.paths, name))
    return settings.paths


def plan(settings: Settings, garder: int = 2) -> Plan:
    return plan_cleanup(settings, garder=garder, now=NOW)


def gone(found: Plan) -> list[str]:
    return [removal.chemin.name for removal in found.a_supprimer]


def test_the_last_ones_stay_and_the_others_go(settings: Settings, five: Paths) -> None:
    found = plan(settings)
    assert [(kept.identifiant, kept.raison) for kept in found.gardees] == [
        (NAMES[3], "parmi les 2 dernières"),
        (NAMES[4], "courante, parmi les 2 dernières"),
    ]
    assert gone(found) == NAMES[:3]
    assert found.octets > 3000
    apply_cleanup(settings, found)
    assert [release.identifiant for release in list_releases(five)] == NAMES[3:]
    assert sorted(path.name for path in five.versions.iterdir()) == NAMES[3:]
    assert plan(settings).a_supprimer == ()


def test_a_plan_touches_nothing(settings: Settings, five: Paths) -> None:
    before = sorted(five.root.rglob("*"))
    assert gone(plan(settings))
    assert sorted(five.root.rglob("*")) == before


def test_after_a_rollback_the_current_one_stays_whatever_its_age(settings: Settings, five: Paths) -> None:
    rollback(five, NAMES[0])
    found = plan(settings)
    assert [kept.identifiant for kept in found.gardees] == [NAMES[0], NAMES[3], NAMES[4]]
    # Newer than the current one, but out of the last two.
    assert gone(found) == NAMES[1:3]
    apply_cleanup(settings, found)
    current = current_release(five)
    assert current is not None
    assert current.identifiant == NAMES[0]


def test_one_is_kept_at_least_even_when_a_rollback_made_another_current(
    settings: Settings, five: Paths
) -> None:
    rollback(five, NAMES[1])
    assert [(kept.identifiant, kept.raison) for kept in plan(settings, garder=1).gardees] == [
        (NAMES[1], "courante"),
        (NAMES[4], "la dernière"),
    ]


def test_a_pinned_release_stays_and_its_note_is_told(settings: Settings, five: Paths) -> None:
    (five.versions / NAMES[1] / PIN).write_text("évaluation à mi-parcours\nautre ligne", encoding="utf-8")
    (five.versions / NAMES[2] / PIN).touch()
    found = plan(settings)
    assert gone(found) == [NAMES[0]]
    assert [kept.raison for kept in found.gardees[:2]] == [
        "retenue par .garder : évaluation à mi-parcours",
        "retenue par .garder",
    ]


def test_a_release_made_current_after_the_plan_is_spared(settings: Settings, five: Paths) -> None:
    found = plan(settings)
    rollback(five, NAMES[0])
    removed = apply_cleanup(settings, found)
    assert [removal.chemin.name for removal in removed] == NAMES[1:3]
    assert (five.courant / "entrepot.duckdb").is_file()


def test_without_a_current_release_none_goes(settings: Settings, five: Paths) -> None:
    five.courant.unlink()
    found = plan(settings)
    assert found.a_supprimer == ()
    assert [kept.identifiant for kept in found.gardees] == NAMES
    assert "qpv rollback" in found.remarques[0]


def test_a_removed_release_cannot_become_current(settings: Settings, five: Paths) -> None:
    assert retire(five, NAMES[4]) is None
    assert retire(five, NAMES[0]) is not None
    with pytest.raises(UnknownRelease, match="supprimée entre-temps"):
        switch(five, five.versions / NAMES[0])
    with pytest.raises(UnknownRelease, match="inconnue"):
        rollback(five, NAMES[0])
    # The next cleanup ends what this one began.
    found = plan(settings, garder=5)
    assert gone(found) == [f".{NAMES[0]}.retiree"]
    apply_cleanup(settings, found)
    assert sorted(path.name for path in five.versions.iterdir()) == NAMES[1:]


def test_what_cannot_be_removed_is_said_and_stops_nothing(
    settings: Settings, five: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    remove = shutil.rmtree

    def fail_once(path: Path) -> None:
        if NAMES[0] in path.name:
            raise PermissionError(13, "Permission denied", str(path))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", fail_once)
    removed = apply_cleanup(settings, plan(settings))
    assert [removal.chemin.name for removal in removed] == NAMES[1:3]
    assert any("suppression impossible" in line and NAMES[0] in line for line in caplog.messages)


def test_work_of_a_dead_build_goes_after_a_day(settings: Settings, five: Paths) -> None:
    for name, days in (("20260305T000000Z-aaaaaaaa", 5), ("20260310T000000Z-bbbbbbbb", 0.5)):
        folder = five.travail / name
        folder.mkdir(parents=True)
        (folder / "entrepot.duckdb").touch()
        age(folder / "entrepot.duckdb", days)
        age(folder, days)
    half = five.versions / ".20260305T000000Z-aaaaaaaa.partiel"
    half.mkdir()
    age(half, 5)
    found = plan(settings, garder=5)
    assert gone(found) == ["20260305T000000Z-aaaaaaaa", half.name]
    apply_cleanup(settings, found)
    assert [path.name for path in five.travail.iterdir()] == ["20260310T000000Z-bbbbbbbb"]
    assert not half.exists()


def test_a_build_at_work_for_long_is_judged_on_its_last_write(settings: Settings, five: Paths) -> None:
    folder = five.travail / "20260305T000000Z-aaaaaaaa"
    folder.mkdir(parents=True)
    (folder / "entrepot.duckdb").touch()
    age(folder / "entrepot.duckdb", 0.1)
    age(folder, 5)
    assert gone(plan(settings, garder=5)) == []


def test_a_publication_to_be_finished_keeps_its_work(settings: Settings, five: Paths) -> None:
    rollback(five, NAMES[0])
    folder = five.travail / NAMES[4]
    folder.mkdir(parents=True)
    age(folder, 5)
    assert gone(plan(settings, garder=5)) == []


def test_unfinished_writes_go_after_a_day_and_kept_files_never(settings: Settings, tmp_path: Path) -> None:
    paths = settings.paths
    source = tmp_path / "base.csv"
    source.write_bytes(b"abc")
    kept = age(RawStore(paths).put(source).chemin, 400)
    cut = []
    for folder in (paths.brut, paths.root, paths.quarantaine / "insee"):
        with temporary_file(folder) as (flux, unfinished):
            flux.write(b"abcdef")
            copy = unfinished.with_name(f".{'a' * 32}.part")
            unfinished.rename(copy)
        # Closed, and so written, on the way out.
        cut.append(age(copy, 2))
    recent, note = paths.brut / f".{'b' * 32}.part", paths.brut / "note.part"
    recent.touch()
    age(recent, 0.5)
    # What a person put there is not ours.
    note.touch()
    age(note, 400)
    parquet = paths.bronze / "t" / "2021" / f".x-y.parquet.{'c' * 32}.tmp"
    parquet.parent.mkdir(parents=True)
    parquet.touch()
    cut.append(age(parquet, 2))
    found = plan(settings)
    assert {removal.chemin for removal in found.a_supprimer} == set(cut)
    assert {removal.nature for removal in found.a_supprimer} == {"provisoire"}
    apply_cleanup(settings, found)
    assert not any(path.exists() for path in cut)
    assert kept.read_bytes() == b"abc"
    assert recent.exists()
    assert note.exists()


def test_a_switch_killed_halfway_leaves_a_link_that_goes(settings: Settings, five: Paths) -> None:
    link = five.publie / ".courant-12345"
    link.symlink_to(Path("versions") / NAMES[0], target_is_directory=True)
    age(link, 2)
    found = plan(settings, garder=5)
    assert gone(found) == [link.name]
    apply_cleanup(settings, found)
    assert not link.is_symlink()
    assert (five.versions / NAMES[0] / "entrepot.duckdb").is_file()


def bronze(paths: Paths, digest: str, reading: str = "a" * 8, days: float = 5) -> Path:
    """A bronze file of vintage 2024, made that many days ago."""
    path = paths.bronze / "insee__cog__communes" / "2024" / f"{digest[:16]}-{reading}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"parquet")
    return age(path, days)


def use(paths: Paths, digest: str, path: Path) -> None:
    named = {"insee__cog__communes": str(path.relative_to(paths.root))}
    file = LockedFile("communes.csv", digest, 3, "2026-03-01T08:00:00.000Z", {}, named)
    Lock(paths.verrou).update(LockEntry("insee", "cog", "2024", (file,)))


def test_bronze_that_neither_the_lock_nor_a_kept_release_uses_goes(settings: Settings) -> None:
    paths = settings.paths
    in_use, released, former, recent = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
    lay(paths, NAMES[0], _2024=former)
    lay(paths, NAMES[1], _2024=released)
    switch(paths, lay(paths, NAMES[2], _2024=in_use))
    locked = bronze(paths, in_use, "b" * 8)
    use(paths, in_use, locked)
    read_before, of_release, of_former = (
        bronze(paths, in_use),
        bronze(paths, released),
        bronze(paths, former),
    )
    just_read = bronze(paths, recent, days=0.1)
    found = plan(settings)
    assert {removal.chemin for removal in found.a_supprimer if removal.nature == "bronze"} == {
        read_before,
        of_former,
    }
    apply_cleanup(settings, found)
    assert all(path.exists() for path in (locked, of_release, just_read))
    assert not any(path.exists() for path in (read_before, of_former))


def test_bronze_waits_while_a_build_may_read_it(settings: Settings) -> None:
    unused = bronze(settings.paths, "5" * 64)
    assert gone(plan(settings)) == [unused.name]
    folder = settings.paths.travail / "20260310T000000Z-bbbbbbbb"
    folder.mkdir(parents=True)
    age(folder, 0.1)
    found = plan(settings)
    assert found.a_supprimer == ()
    assert found.remarques == ("une construction est peut-être en cours : les fichiers bronze attendront",)


def test_an_empty_data_directory(settings: Settings) -> None:
    assert plan(settings) == Plan((), ())


def disseminated(paths: Paths, *names: str) -> None:
    """Complete publications of these names, the last one seen by readers."""
    for name in names:
        (paths.publications / name / "fichiers").mkdir(parents=True)
        (paths.publications / name / "publication.json").write_text("{}", encoding="utf-8")
    seen = paths.publications / "courante"
    seen.unlink(missing_ok=True)
    seen.symlink_to(names[-1])


def test_as_many_publications_stay_and_those_of_the_kept_releases(settings: Settings, five: Paths) -> None:
    (five.versions / NAMES[1] / PIN).touch()
    before = [f"2025010{day}T000000Z-{'a' * 8}" for day in range(1, 4)]
    disseminated(five, *before, *NAMES)
    found = [removal for removal in plan(settings).a_supprimer if removal.nature == "diffusion"]
    assert [removal.chemin.name for removal in found] == [*before, NAMES[0], NAMES[2]]
    assert found[0].raison == "diffusion au-delà des 2 dernières"
    apply_cleanup(settings, plan(settings))
    assert sorted(path.name for path in five.publications.iterdir()) == [
        NAMES[1],
        NAMES[3],
        NAMES[4],
        "courante",
    ]
    assert plan(settings).a_supprimer == ()


def test_the_publication_that_readers_see_stays(settings: Settings, five: Paths) -> None:
    disseminated(five, *NAMES)
    found = plan(settings)
    (five.publications / "courante").unlink()
    # Made current after the plan.
    (five.publications / "courante").symlink_to(NAMES[0])
    apply_cleanup(settings, found)
    assert (five.publications / "courante" / "publication.json").is_file()
    assert [removal.nature for removal in plan(settings).a_supprimer] == []


def test_rests_of_a_killed_publication_go_after_a_day(settings: Settings, five: Paths) -> None:
    disseminated(five, *NAMES[3:])
    for rest, days in ((".a.partiel", 2), (".b.ancien", 2), (".c.partiel", 0.5)):
        (five.publications / rest).mkdir()
        age(five.publications / rest, days)
    link = five.publications / ".courante-12"
    link.symlink_to(NAMES[3])
    age(link, 2)
    removed = apply_cleanup(settings, plan(settings, garder=5))
    assert [removal.chemin.name for removal in removed] == [".a.partiel", ".b.ancien", ".courante-12"]
    assert (five.publications / NAMES[3] / "publication.json").is_file()

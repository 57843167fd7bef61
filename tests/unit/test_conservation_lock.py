"""The lock: deterministic, atomic, complete when many processes write at once, with its own history."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from qpv_emploi.conservation import ConservationError, Lock, LockedFile, LockEntry
from qpv_emploi.conservation import fichiers as module_fichiers
from qpv_emploi.errors import SettingsError


def locked(fichier: str, lettre: str) -> LockedFile:
    return LockedFile(
        fichier=fichier,
        empreinte_sha256=lettre * 64,
        octets=12,
        recu_le="2026-11-20T13:56:00.000Z",
        empreinte_contenu={"insee__cog__communes": "c" * 64},
        bronze={"insee__cog__communes": "bronze/insee__cog__communes/2024.parquet"},
    )


def entry(millesime: str = "2024", *fichiers: LockedFile) -> LockEntry:
    return LockEntry("insee", "cog", millesime, fichiers or (locked("communes.csv", "a"),))


@pytest.fixture
def chemin(tmp_path: Path) -> Path:
    return tmp_path / "donnees" / "verrou.json"


@pytest.fixture
def verrou(chemin: Path) -> Lock:
    return Lock(chemin)


def test_round_trip(verrou: Lock, chemin: Path) -> None:
    assert verrou.read() == {}
    assert verrou.update(entry()) == entry()
    assert Lock(chemin).read() == {("insee", "cog", "2024"): entry()}


def test_the_file_is_the_same_whatever_the_order(verrou: Lock, chemin: Path, tmp_path: Path) -> None:
    a, b = locked("communes.csv", "a"), locked("départements.csv", "b")
    verrou.update(entry("2024", a, b))
    verrou.update(entry("2023"))
    autre = Lock(tmp_path / "autre.json")
    autre.update(entry("2023"))
    autre.update(entry("2024", b, a))
    assert (tmp_path / "autre.json").read_bytes() == chemin.read_bytes()
    assert list(verrou.read()) == [("insee", "cog", "2023"), ("insee", "cog", "2024")]


def test_the_file_is_json_sorted_indented_by_two(verrou: Lock, chemin: Path) -> None:
    verrou.update(entry("2024", locked("départements.csv", "b")))
    texte = chemin.read_text(encoding="utf-8")
    assert texte == json.dumps(json.loads(texte), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert "départements.csv" in texte


def test_the_digest_is_that_of_the_file(verrou: Lock, chemin: Path) -> None:
    vide = verrou.digest()
    verrou.update(entry())
    plein = verrou.digest()
    assert plein == hashlib.sha256(chemin.read_bytes()).hexdigest() != vide
    verrou.update(entry("2024", locked("communes.csv", "b")))
    assert verrou.digest() not in (plein, vide)


def test_the_digest_ignores_the_layout_of_the_text(verrou: Lock, chemin: Path) -> None:
    verrou.update(entry())
    avant = verrou.digest()
    chemin.write_text(json.dumps(json.loads(chemin.read_text())))
    assert verrou.digest() == avant


def test_the_same_entry_again_does_not_touch_the_file(verrou: Lock, chemin: Path) -> None:
    verrou.update(entry())
    avant = chemin.stat()
    assert verrou.update(entry()) == entry()
    assert (chemin.stat().st_ino, chemin.stat().st_mtime_ns) == (avant.st_ino, avant.st_mtime_ns)


def test_the_history_grows_with_each_change_of_bytes(verrou: Lock) -> None:
    for lettres in ("ab", "ab", "bc", "ba"):
        fichiers = [locked(f"{rang}.csv", lettre) for rang, lettre in enumerate(lettres)]
        verrou.update(entry("2024", *fichiers))
    ecrite = verrou.read()["insee", "cog", "2024"]
    assert ecrite.precedentes == (("a" * 64, "b" * 64), ("b" * 64, "c" * 64))
    assert ecrite.empreintes == ("a" * 64, "b" * 64)


def test_a_new_reading_of_the_same_bytes_is_no_history(verrou: Lock) -> None:
    verrou.update(entry())
    relue = replace(locked("communes.csv", "a"), bronze={"insee__cog__communes": "bronze/v2.parquet"})
    assert verrou.update(entry("2024", relue)).precedentes == ()
    assert verrou.read()["insee", "cog", "2024"].fichiers == (relue,)


def test_the_caller_cannot_lose_the_history(verrou: Lock) -> None:
    # Kept for a key the lock does not know: a lock restored entry by entry.
    verrou.update(replace(entry(), precedentes=(("9" * 64,),)))
    ecrite = verrou.update(entry("2024", locked("communes.csv", "b")))
    assert ecrite.precedentes == (("9" * 64,), ("a" * 64,))


def test_a_newer_format_is_refused(verrou: Lock, chemin: Path) -> None:
    verrou.update(entry())
    contenu = json.loads(chemin.read_text())
    chemin.write_text(json.dumps({**contenu, "format": 2}))
    avant = chemin.read_bytes()
    for geste in (verrou.read, verrou.digest, lambda: verrou.update(entry())):
        with pytest.raises(SettingsError, match=r"au format 2, .* à faire : mettre l'outil à jour"):
            geste()
    assert chemin.read_bytes() == avant


@pytest.mark.parametrize(
    "contenu",
    [
        b"",
        b'{"format": 1, "entrees": [',
        b"[]",
        b"{}",
        b'{"format": 1}',
        b'{"format": "1", "entrees": []}',
        b'{"format": 1, "entrees": [{"producteur": "insee"}]}',
        b"\xff",
    ],
)
def test_a_damaged_lock_is_told(verrou: Lock, chemin: Path, contenu: bytes) -> None:
    chemin.parent.mkdir()
    chemin.write_bytes(contenu)
    with pytest.raises(ConservationError, match=r"verrou\.json : verrou illisible .* à faire : "):
        verrou.read()


def test_a_failed_write_leaves_the_former_lock(
    verrou: Lock, chemin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verrou.update(entry())

    def full(flux: object) -> None:
        raise OSError(errno.ENOSPC, "disque plein")

    monkeypatch.setattr(module_fichiers, "flush_to_disk", full)
    with pytest.raises(OSError, match="disque plein"):
        verrou.update(entry("2023"))
    assert list(verrou.read()) == [("insee", "cog", "2024")]
    assert [c.name for c in chemin.parent.iterdir() if c.suffix == ".part"] == []


def _update_many(chemin: Path, debut: int, depart: object) -> None:
    depart.wait()  # type: ignore[attr-defined]
    for annee in range(debut, debut + 10):
        Lock(chemin).update(entry(str(annee)))
        Lock(chemin).read()


def test_processes_that_update_at_once_lose_nothing(verrou: Lock, chemin: Path) -> None:
    contexte = multiprocessing.get_context("spawn")
    depart = contexte.Barrier(4)
    processus = [
        contexte.Process(target=_update_many, args=(chemin, debut, depart))
        for debut in (2000, 2010, 2020, 2030)
    ]
    for un in processus:
        un.start()
    for un in processus:
        un.join(60)
    assert [un.exitcode for un in processus] == [0, 0, 0, 0]
    assert [millesime for _, _, millesime in verrou.read()] == [str(annee) for annee in range(2000, 2040)]

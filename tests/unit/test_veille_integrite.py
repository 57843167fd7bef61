"""Integrity: one flipped byte is found, named, and nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from qpv_emploi.conservation import Lock, LockedFile, LockEntry, Manifest, RawStore, Reception, StoredFile
from qpv_emploi.settings import Settings
from qpv_emploi.veille.integrite import check_integrity

RECEIVED = "2026-03-01T08:00:00.000Z"
IPRO, COG = ("insee", "insertion_professionnelle", "2021"), ("insee", "cog", "2024")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def receive(settings: Settings, key: tuple[str, str, str], name: str, content: bytes) -> StoredFile:
    """A file in the raw store and in the manifest."""
    source = settings.paths.root.parent / name
    source.write_bytes(content)
    kept = RawStore(settings.paths).put(source)
    reception = Reception(
        kept.empreinte_sha256, kept.octets, *key, name, "dépôt", RECEIVED, RECEIVED, "0", False
    )
    Manifest(settings.paths).record(reception)
    return kept


def lock(settings: Settings, key: tuple[str, str, str], name: str, kept: StoredFile) -> Path:
    """The file in use; gives the place of its bronze file, which exists."""
    bronze = settings.paths.bronze / "table" / key[2] / f"{kept.empreinte_sha256[:16]}-aaaaaaaa.parquet"
    bronze.parent.mkdir(parents=True, exist_ok=True)
    bronze.write_bytes(b"parquet")
    named = {"table": str(bronze.relative_to(settings.paths.root))}
    file = LockedFile(name, kept.empreinte_sha256, kept.octets, RECEIVED, {}, named)
    Lock(settings.paths.verrou).update(LockEntry(*key, (file,)))
    return bronze


def damage(kept: StoredFile) -> None:
    kept.chemin.chmod(0o644)
    content = bytearray(kept.chemin.read_bytes())
    content[0] ^= 1
    kept.chemin.write_bytes(bytes(content))


def everything(settings: Settings) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in settings.paths.root.rglob("*") if path.is_file()}


def test_a_sound_store(settings: Settings) -> None:
    lock(settings, IPRO, "ipro.csv", receive(settings, IPRO, "ipro.csv", b"12345"))
    receive(settings, COG, "communes.csv", b"123")
    steps: list[tuple[int, int]] = []
    found = check_integrity(settings, lambda done, total: steps.append((done, total)))
    assert (found.nb_fichiers, found.octets, found.atteints, found.bronze_absents) == (2, 8, (), ())
    assert steps == [(1, 2), (2, 2)]


def test_an_empty_data_directory(settings: Settings) -> None:
    assert check_integrity(settings).nb_fichiers == 0


def test_a_flipped_byte_is_named_with_those_who_use_the_file(settings: Settings) -> None:
    kept = receive(settings, IPRO, "ipro.csv", b"abcdef")
    lock(settings, IPRO, "ipro.csv", kept)
    receive(settings, (*IPRO[:2], "2020"), "ipro_2020.csv", b"abcdef")
    receive(settings, COG, "communes.csv", b"sain")
    damage(kept)
    before = everything(settings)
    (found,) = check_integrity(settings).atteints
    assert str(kept.chemin) in found.constat
    assert "altéré" in found.constat
    assert found.usages == (
        "insee/insertion_professionnelle/2020 (ipro_2020.csv, reçu)",
        "insee/insertion_professionnelle/2021 (ipro.csv, en usage)",
    )
    assert all(usage in found.line() for usage in found.usages)
    assert everything(settings) == before


def test_a_missing_file_does_not_stop_the_check(settings: Settings) -> None:
    gone = receive(settings, IPRO, "ipro.csv", b"abcdef")
    damaged = receive(settings, COG, "communes.csv", b"autre")
    gone.chemin.unlink()
    damage(damaged)
    found = check_integrity(settings)
    assert [damage.usages for damage in found.atteints] == [
        damage.usages for damage in sorted(found.atteints, key=lambda d: d.constat)
    ]
    assert {("absent" in d.constat, d.usages) for d in found.atteints} == {
        (True, ("insee/insertion_professionnelle/2021 (ipro.csv, reçu)",)),
        (False, ("insee/cog/2024 (communes.csv, reçu)",)),
    }


def test_a_file_in_use_that_the_manifest_has_lost_is_read_again(settings: Settings) -> None:
    kept = receive(settings, IPRO, "ipro.csv", b"abcdef")
    lock(settings, IPRO, "ipro.csv", kept)
    settings.paths.manifeste.unlink()
    damage(kept)
    assert len(check_integrity(settings).atteints) == 1


def test_an_unreadable_file_is_damage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(settings, IPRO, "ipro.csv", b"abcdef")

    def refuse(store: RawStore, digest: str) -> None:
        raise PermissionError(13, "Permission denied", f"brut/{digest}")

    monkeypatch.setattr(RawStore, "verify", refuse)
    (found,) = check_integrity(settings).atteints
    assert "illisible (Permission denied)" in found.constat


def test_a_missing_bronze_file_is_told_apart_with_the_command_that_makes_it_again(
    settings: Settings,
) -> None:
    lock(settings, IPRO, "ipro.csv", receive(settings, IPRO, "ipro.csv", b"abcdef")).unlink()
    found = check_integrity(settings)
    assert found.atteints == ()
    (missing,) = found.bronze_absents
    assert "`qpv ingest insee/insertion_professionnelle --millesime 2021`" in missing.constat

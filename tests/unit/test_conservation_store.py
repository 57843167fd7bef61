"""The raw store: content-addressed, immutable, safe when several processes put the same file."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import stat
from pathlib import Path

import pytest

from qpv_emploi.conservation import ConservationError, RawStore, StoredFile
from qpv_emploi.conservation import store as module_store
from qpv_emploi.settings import Paths

CONTENU = b"CODGEO;ABC\r\nQP099001;12\r\n"
EMPREINTE = hashlib.sha256(CONTENU).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    chemin = tmp_path / "depot" / "base.csv"
    chemin.parent.mkdir()
    chemin.write_bytes(CONTENU)
    return chemin


@pytest.fixture
def brut(tmp_path: Path) -> Path:
    return tmp_path / "donnees" / "brut"


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(Paths(tmp_path / "donnees"))


def kept(brut: Path) -> list[str]:
    return sorted(c.relative_to(brut).as_posix() for c in brut.rglob("*") if c.is_file())


def test_put_keeps_the_bytes_under_their_digest(store: RawStore, source: Path, brut: Path) -> None:
    garde = store.put(source)
    assert garde == StoredFile(EMPREINTE, len(CONTENU), brut / EMPREINTE[:2] / EMPREINTE)
    assert garde.chemin.read_bytes() == CONTENU
    assert source.read_bytes() == CONTENU
    assert kept(brut) == [f"{EMPREINTE[:2]}/{EMPREINTE}"]


def test_the_kept_file_is_read_only_for_all(store: RawStore, source: Path) -> None:
    assert stat.S_IMODE(store.put(source).chemin.stat().st_mode) == 0o444


def test_putting_again_writes_nothing(store: RawStore, source: Path, brut: Path) -> None:
    premier = store.put(source)
    avant = premier.chemin.stat()
    jumeau = source.with_name("autre_nom.csv")
    jumeau.write_bytes(CONTENU)
    assert store.put(jumeau) == premier
    apres = premier.chemin.stat()
    assert (apres.st_ino, apres.st_mtime_ns) == (avant.st_ino, avant.st_mtime_ns)
    assert len(kept(brut)) == 1


def test_a_file_larger_than_a_block(store: RawStore, source: Path) -> None:
    source.write_bytes(b"x" * (2 * module_store.BLOCK_BYTES + 7))
    garde = store.put(source)
    assert garde.octets == 2 * module_store.BLOCK_BYTES + 7
    store.verify(garde.empreinte_sha256)


def test_a_source_that_grows_is_named_after_what_was_written(
    store: RawStore, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first reading saw fewer bytes than the copy.
    monkeypatch.setattr(module_store, "file_digest", lambda chemin: hashlib.sha256(CONTENU[:5]).hexdigest())
    assert store.put(source).empreinte_sha256 == EMPREINTE


def test_a_failed_write_leaves_nothing(
    store: RawStore, source: Path, brut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(flux: object) -> None:
        raise OSError(errno.ENOSPC, "disque plein")

    monkeypatch.setattr(module_store, "flush_to_disk", full)
    with pytest.raises(OSError, match="disque plein"):
        store.put(source)
    assert kept(brut) == []


def test_path_and_verify_of_a_kept_file(store: RawStore, source: Path) -> None:
    garde = store.put(source)
    assert store.path(EMPREINTE) == garde.chemin
    store.verify(EMPREINTE)


@pytest.mark.parametrize("geste", ["path", "verify"])
def test_a_missing_file_is_told(store: RawStore, geste: str) -> None:
    with pytest.raises(ConservationError, match=r"fichier brut absent .* à faire : "):
        getattr(store, geste)(EMPREINTE)


@pytest.mark.parametrize("empreinte", ["", "../" * 22, EMPREINTE.upper(), EMPREINTE[:-1], EMPREINTE + "\n"])
def test_what_is_not_a_digest_never_becomes_a_path(store: RawStore, empreinte: str) -> None:
    with pytest.raises(ConservationError, match="n'est pas une empreinte SHA-256"):
        store.path(empreinte)


def alter(garde: StoredFile, contenu: bytes) -> None:
    garde.chemin.chmod(0o644)
    garde.chemin.write_bytes(contenu)


def test_verify_sees_one_changed_byte(store: RawStore, source: Path) -> None:
    alter(store.put(source), CONTENU.replace(b"12", b"13"))
    with pytest.raises(ConservationError, match=f"altéré ; attendu : l'empreinte {EMPREINTE}"):
        store.verify(EMPREINTE)


def test_put_does_not_trust_a_kept_file_of_another_size(store: RawStore, source: Path) -> None:
    alter(store.put(source), CONTENU[:4])
    with pytest.raises(ConservationError, match="altéré"):
        store.put(source)


def _put_many(racine: Path, source: Path, depart: object, resultats: object) -> None:
    store = RawStore(Paths(racine))
    depart.wait()  # type: ignore[attr-defined]
    resultats.put([store.put(source).empreinte_sha256 for _ in range(3)])  # type: ignore[attr-defined]


def test_processes_that_put_the_same_file(tmp_path: Path, store: RawStore, source: Path, brut: Path) -> None:
    source.write_bytes(bytes(range(256)) * 20_000)
    contexte = multiprocessing.get_context("spawn")
    depart, resultats = contexte.Barrier(4), contexte.Queue()
    processus = [
        contexte.Process(target=_put_many, args=(tmp_path / "donnees", source, depart, resultats))
        for _ in range(4)
    ]
    for un in processus:
        un.start()
    empreintes = {empreinte for _ in processus for empreinte in resultats.get(timeout=60)}
    for un in processus:
        un.join(60)
    assert [un.exitcode for un in processus] == [0, 0, 0, 0]
    (empreinte,) = empreintes
    store.verify(empreinte)
    assert kept(brut) == [f"{empreinte[:2]}/{empreinte}"]

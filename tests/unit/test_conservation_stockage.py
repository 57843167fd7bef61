"""What is kept on an object storage: nothing lost among several workers, nothing read that is not whole."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qpv_emploi.conservation import (
    BronzeFiles,
    ConservationError,
    Issue,
    Ledger,
    Lock,
    LockedFile,
    LockEntry,
    Manifest,
    Outcome,
    RawStore,
    ReceivedFile,
    Reception,
    Receptions,
    StorageUnavailable,
    rangees,
    stockage,
    storage_of,
)
from qpv_emploi.conservation.rangees import ObjectRows
from qpv_emploi.conservation.stockage import IDENTITY, ObjectStorage, SharedFolder, parse_options
from qpv_emploi.doctor import examine
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths, Settings, load_settings

CONTENU = b"CODGEO;ABC\r\nQP099001;12\r\n"
EMPREINTE = hashlib.sha256(CONTENU).hexdigest()
RACINE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mot:
    mot: str


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{uuid.uuid4().hex}/pre" if request.param == "memory" else f"file://{tmp_path}/partage"


@pytest.fixture
def ici(url: str, tmp_path: Path) -> Paths:
    """A worker."""
    return Paths(tmp_path / "ici", url)


@pytest.fixture
def ailleurs(url: str, tmp_path: Path) -> Paths:
    """Another worker, that holds nothing."""
    return Paths(tmp_path / "ailleurs", url)


def remote(paths: Paths) -> ObjectStorage:
    found = storage_of(paths)
    assert found is not None
    return found


def rows(paths: Paths) -> ObjectRows[Mot]:
    return ObjectRows(remote(paths), "mots", Mot)


def words(paths: Paths) -> list[str]:
    return [rangee.mot for rangee in rows(paths).rows()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    chemin = tmp_path / "base.csv"
    chemin.write_bytes(CONTENU)
    return chemin


# --- Rows


def test_each_worker_reads_what_the_others_added_in_one_order(ici: Paths, ailleurs: Paths) -> None:
    rows(ici).add([Mot("a"), Mot("b")])
    assert words(ailleurs) == ["a", "b"]
    rows(ailleurs).add([Mot("c")])
    rows(ici).add([Mot("d")])
    assert words(ici) == words(ailleurs) == ["a", "b", "c", "d"]


def _add_words(url: str, racine: Path, nom: str, combien: int) -> None:
    rangees.LOT = 7
    suite = ObjectRows(remote(Paths(racine, url)), "mots", Mot)
    for i in range(combien):
        suite.add([Mot(f"{nom}{i}")])


def test_workers_that_write_at_once_lose_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"file://{tmp_path}/partage"
    contexte = multiprocessing.get_context("spawn")
    ouvriers = [
        contexte.Process(target=_add_words, args=(url, tmp_path / nom, nom, 20)) for nom in ("a", "b", "c")
    ]
    for ouvrier in ouvriers:
        ouvrier.start()
    for ouvrier in ouvriers:
        ouvrier.join(120)
        assert ouvrier.exitcode == 0
    monkeypatch.setattr(rangees, "LOT", 7)
    lus = words(Paths(tmp_path / "neuf", url))
    assert sorted(lus) == sorted(f"{nom}{i}" for nom in "abc" for i in range(20))
    for nom in "abc":
        assert [mot for mot in lus if mot[0] == nom] == [f"{nom}{i}" for i in range(20)]


def test_a_decision_is_taken_again_when_another_worker_wrote_first(
    ici: Paths, ailleurs: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    vus: list[list[str]] = []

    def once(presents: list[Mot]) -> Sequence[Mot]:
        vus.append([p.mot for p in presents])
        if len(vus) == 1:
            # Between the reading and the writing of this worker.
            rows(ailleurs).add([Mot("unique")])
        return [] if Mot("unique") in presents else [Mot("unique")]

    assert rows(ici).decide(once) is False
    assert vus == [[], ["unique"]]
    assert words(ici) == ["unique"]


def test_a_write_whose_answer_was_lost_is_not_written_twice(
    ici: Paths, ailleurs: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    vrai = ObjectStorage.create if "memory" in ici.stockage else SharedFolder.create

    def tried_again(self: Any, nom: str, contenu: bytes) -> bool:
        vrai(self, nom, contenu)
        return bool(vrai(self, nom, contenu))

    rows(ici).add([Mot("avant")])
    monkeypatch.setattr(type(remote(ici)), "create", tried_again)
    rows(ici).add([Mot("pareil")])
    rows(ici).add([Mot("pareil")])
    assert words(ailleurs) == ["avant", "pareil", "pareil"]


def test_a_new_worker_reads_lots(ici: Paths, ailleurs: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rangees, "LOT", 5)
    for i in range(12):
        rows(ici).add([Mot(str(i))])
    assert words(ailleurs) == [str(i) for i in range(12)]
    copies = sorted(c.name for c in (ailleurs.root / "cache").rglob("*.json"))
    assert copies == ["00000010.json", "00000011.json", "lot-00000.json", "lot-00001.json"]


def test_a_lot_that_a_killed_worker_did_not_write_is_written_by_the_next(
    ici: Paths, ailleurs: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rangees, "LOT", 5)
    with monkeypatch.context() as tue:
        tue.setattr(rangees, "LOT", 10**6)
        for i in range(7):
            rows(ici).add([Mot(str(i))])
    assert remote(ici).read("mots/lot-00000.json") is None
    rows(ici).add([Mot("7")])
    assert remote(ici).read("mots/lot-00000.json") is not None
    assert words(ailleurs) == [str(i) for i in range(8)]


def test_a_damaged_object_is_named_and_a_damaged_copy_mended(ici: Paths, ailleurs: Paths) -> None:
    rows(ici).add([Mot("a")])
    assert words(ici) == ["a"]
    (copie,) = (ici.root / "cache").rglob("*.json")
    copie.write_bytes(b"")
    assert words(ici) == ["a"]
    remote(ici).replace("mots/00000000.json", b"{coupe")
    with pytest.raises(ConservationError, match=r"pre|partage") as refus:
        words(ailleurs)
    assert "mots/00000000.json : objet illisible" in str(refus.value)


def test_rows_of_a_newer_tool_are_refused(ici: Paths) -> None:
    remote(ici).create("mots/00000000.json", json.dumps({"format": 2, "rangees": []}).encode())
    with pytest.raises(SettingsError, match="mettre l'outil à jour"):
        words(ici)


def test_a_storage_emptied_and_filled_anew_owes_nothing_to_old_copies(tmp_path: Path) -> None:
    ici = Paths(tmp_path / "ici", f"file://{tmp_path}/partage")
    rows(ici).add([Mot("ancien")])
    shutil.rmtree(tmp_path / "partage")
    # Another process.
    stockage._storage.cache_clear()
    assert words(ici) == []


# --- Files


def test_a_raw_file_is_kept_once_and_found_by_another_worker(
    ici: Paths, ailleurs: Paths, source: Path
) -> None:
    garde = RawStore(ici).put(source)
    assert garde.empreinte_sha256 == EMPREINTE
    nom = f"brut/{EMPREINTE[:2]}/{EMPREINTE}"
    assert remote(ici).read(nom) == CONTENU
    copie = RawStore(ailleurs).path(EMPREINTE)
    assert copie.read_bytes() == CONTENU
    assert copie.is_relative_to(ailleurs.brut)
    RawStore(ailleurs).verify(EMPREINTE)


def test_a_damaged_local_copy_is_fetched_again(ici: Paths, source: Path) -> None:
    copie = RawStore(ici).put(source).chemin
    copie.chmod(0o644)
    copie.write_bytes(CONTENU[:-3] + b"x\r\n")
    assert RawStore(ici).path(EMPREINTE).read_bytes() == CONTENU
    copie.chmod(0o644)
    copie.write_bytes(b"coupe")
    assert RawStore(ici).put(source).chemin.read_bytes() == CONTENU


def test_what_is_there_is_never_overwritten(ici: Paths, source: Path) -> None:
    nom = f"brut/{EMPREINTE[:2]}/{EMPREINTE}"
    remote(ici).replace(nom, b"autre chose")
    with pytest.raises(ConservationError, match=f"{EMPREINTE} : objet altéré ; attendu : 25 octets, trouvé"):
        RawStore(ici).put(source)
    assert remote(ici).read(nom) == b"autre chose"


def test_altered_bytes_are_never_given_to_a_reader(ici: Paths, ailleurs: Paths, source: Path) -> None:
    RawStore(ici).put(source)
    remote(ici).replace(f"brut/{EMPREINTE[:2]}/{EMPREINTE}", CONTENU.replace(b"12", b"13"))
    with pytest.raises(ConservationError, match="fichier brut altéré"):
        RawStore(ailleurs).verify(EMPREINTE)
    with pytest.raises(ConservationError, match="objet altéré"):
        RawStore(ailleurs).path(EMPREINTE)
    assert [c for c in ailleurs.brut.rglob("*") if c.is_file()] == []


def test_an_object_that_is_gone_is_no_outage(ici: Paths) -> None:
    with pytest.raises(ConservationError, match="fichier brut absent") as refus:
        RawStore(ici).verify(EMPREINTE)
    assert not isinstance(refus.value, StorageUnavailable)


def test_what_was_sent_is_proved(ici: Paths, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def altering(self: ObjectStorage, chemin: Path, nom: str, replace: bool) -> None:
        self.replace(nom, chemin.read_bytes().replace(b"12", b"13"))

    monkeypatch.setattr(type(remote(ici)), "_put", altering)
    with pytest.raises(ConservationError, match=f"attendu : l'empreinte {EMPREINTE}, trouvé"):
        RawStore(ici).put(source)


def test_a_bronze_file_exists_once_its_digest_does(ici: Paths, ailleurs: Paths) -> None:
    nom = "bronze/t/2020/abc.parquet"
    place = ici.root / nom
    place.parent.mkdir(parents=True)
    place.write_bytes(b"un")
    remote(ici).replace(nom, b"un")
    assert not BronzeFiles(ailleurs).exists(nom)
    assert BronzeFiles(ailleurs).local(nom) is None
    BronzeFiles(ici).keep(nom)
    assert BronzeFiles(ailleurs).exists(nom)
    copie = BronzeFiles(ailleurs).local(nom)
    assert copie == ailleurs.root / nom
    assert copie.read_bytes() == b"un"
    # Read again by order (--force): the copy of the other worker is not the file any more.
    place.write_bytes(b"deux")
    BronzeFiles(ici).keep(nom)
    assert BronzeFiles(ailleurs).local(nom) == copie
    assert copie.read_bytes() == b"deux"
    remote(ici).replace(nom, b"trois")
    copie.unlink()
    with pytest.raises(ConservationError, match=re.escape(f"{nom} : objet altéré")):
        BronzeFiles(ailleurs).local(nom)
    assert not copie.exists()


# --- What a local installation keeps, it keeps there


def outcome(issue: Issue) -> Outcome:
    return Outcome(
        "2026-01-05T00:00:00.000Z", "insee", "base", "2020", issue, "", (), (), None, (), (), None, ""
    )


def entry(empreinte: str) -> LockEntry:
    fichier = LockedFile("base.csv", empreinte, 3, "2026-01-05T00:00:00.000Z", {"t": "d"}, {"t": "bronze/t"})
    return LockEntry("insee", "base", "2020", (fichier,))


def reception(empreinte: str, est_fictif: bool = False) -> Reception:
    moment = "2026-01-05T00:00:00.000Z"
    return Reception(
        empreinte, 3, "insee", "base", "2020", "base.csv", "o", moment, moment, "0.1.0", est_fictif
    )


def test_manifest_ledger_and_lock_say_what_those_of_a_folder_say(
    ici: Paths, ailleurs: Paths, tmp_path: Path
) -> None:
    dossier = Paths(tmp_path / "dossier")
    for paths in (ici, dossier):
        assert Manifest(paths).record(reception("a" * 64))
        assert not Manifest(paths).record(reception("a" * 64))
        with pytest.raises(SettingsError, match="contient déjà des données réelles"):
            Manifest(paths).record(reception("b" * 64, est_fictif=True))
        Ledger.of(paths).append(outcome(Issue.NOUVEAU), outcome(Issue.REVISE))
        for lettre in "abb":
            Lock.of(paths).update(entry(lettre * 64))
    assert Manifest(ailleurs).receptions() == Manifest(dossier).receptions()
    assert Ledger.of(ailleurs).outcomes() == Ledger.of(dossier).outcomes()
    assert Lock.of(ailleurs).read() == Lock.of(dossier).read()
    assert Lock.of(ailleurs).digest() == Lock.of(dossier).digest()
    assert Lock.of(ailleurs).read()["insee", "base", "2020"].precedentes == (("a" * 64,),)
    assert remote(ici).read("verrou/00000002.json") is None, "le même verrou ne s'écrit pas deux fois"
    assert not ici.verrou.exists()
    assert not ici.journal.exists()


def test_what_one_worker_received_lies_at_the_others(ici: Paths, ailleurs: Paths) -> None:
    def receive(contenu: bytes) -> ReceivedFile:
        recu = ReceivedFile(
            "insee", "base", "2020", "base.csv", hashlib.sha256(contenu).hexdigest(), len(contenu), "d", "u",
            "", "Mon, 05 Jan 2026 00:00:00 GMT", "", "2026-01-06T00:00:00.000Z",
        )  # fmt: skip
        place = Receptions(ici).path(recu)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contenu)
        Receptions(ici).record("insee", "base", "2020", [recu])
        return recu

    premier = receive(b"un;1")
    assert Receptions(ailleurs).of("insee", "base") == {("2020", "base.csv"): premier}
    place = Receptions(ailleurs).path(premier)
    assert place.read_bytes() == b"un;1"
    assert place.stat().st_mtime == 1767571200
    # As many bytes, but others.
    second = receive(b"un;2")
    Receptions(ailleurs).lay()
    assert place.read_bytes() == b"un;2"
    assert Receptions(ailleurs).of("insee", "base") == {("2020", "base.csv"): second}
    restes = {c.name for c in place.parents[1].iterdir()} - {"2020", ".2020.lock"}
    assert restes == set()


def test_every_ledger_and_lock_of_the_package_may_lie_on_a_storage() -> None:
    # Lock(paths.verrou) reads the data directory, and would be empty on a worker.
    locaux = [
        f"{chemin.name} : {ligne.strip()}"
        for dossier in ("plugins", "dags")
        for chemin in sorted((RACINE / dossier).rglob("*.py"))
        for ligne in chemin.read_text(encoding="utf-8").splitlines()
        if re.search(r"\b(Lock|Ledger)\([^)]*(verrou|journal)", ligne)
    ]
    assert locaux == []


# --- Settings, secrets, doctor


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    secret = "cle-tres-secrete"
    options = json.dumps({"secret": secret, "client_kwargs": {"headers": {"x-token": "jeton-secret"}}})
    settings = Settings(data_dir=tmp_path, stockage="s3://seau", stockage_options=options)
    assert secret not in repr(settings)
    storage = remote(settings.paths)
    assert secret not in repr(storage)
    assert (
        storage._masked(OSError(f"refusé : {secret} puis jeton-secret")) == "OSError : refusé : *** puis ***"
    )


@pytest.mark.parametrize("valeur", ["s3://cle:secret@seau/pre", "seau", "s3:/seau"])
def test_an_address_is_refused_without_its_credentials(valeur: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QPV_STOCKAGE", valeur)
    with pytest.raises(SettingsError, match="QPV_STOCKAGE = «") as refus:
        load_settings()
    assert "secret" not in str(refus.value)
    assert "secret" not in str(refus.value.__cause__)


def test_options_that_are_no_json_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="QPV_STOCKAGE_OPTIONS n'est pas un objet JSON") as refus:
        parse_options('{"secret": "cle-tres-secrete"')
    assert "cle-tres" not in str(refus.value)
    with pytest.raises(SettingsError):
        parse_options("[1]")


def test_a_protocol_without_driver_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="QPV_STOCKAGE = « nulle://part » : protocole sans pilote"):
        remote(Paths(tmp_path, "nulle://part")).read(IDENTITY)


def findings(settings: Settings) -> list[tuple[str, str]]:
    return [(f.niveau, f.message) for f in examine(settings) if "://" in f.message]


def test_doctor_tries_the_storage(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "data", depot=tmp_path, stockage=url)
    for _ in range(2):
        assert findings(settings) == [("ok", f"stockage : {url} (lecture, écriture conditionnelle)")]
    monkeypatch.setattr(type(remote(settings.paths)), "create", lambda self, nom, contenu: True)
    ((niveau, message),) = findings(settings)
    assert niveau == "erreur"
    assert "ce stockage laisse écrire deux fois sous un même nom" in message


def test_a_file_of_the_data_directory_needs_no_storage(tmp_path: Path) -> None:
    assert storage_of(Paths(tmp_path)) is None
    assert findings(Settings(data_dir=tmp_path, depot=tmp_path)) == []

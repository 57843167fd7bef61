"""What the producers said of the files we fetched: what a conditional request needs, and nothing else.

It can be lost without harm: the files are then asked for again, whole.

With an object storage, what one worker receives the others read: the bytes are in the raw store, each change
of a vintage is a row, and ``lay`` puts the files where the survey of the dépôt finds them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter, ValidationError

from qpv_emploi.conservation.empreinte import file_digest
from qpv_emploi.conservation.fichiers import exclusive, install_folder, replace_bytes
from qpv_emploi.conservation.rangees import ObjectRows
from qpv_emploi.conservation.stockage import storage_of
from qpv_emploi.conservation.store import RawStore
from qpv_emploi.settings import Paths

_LOGGER = logging.getLogger(__name__)

ReceivedKey = tuple[str, str, str, str]
VintageKey = tuple[str, str, str]


@dataclass(frozen=True)
class ReceivedFile:
    """A file fetched from a producer.

    Attributes:
        producteur, jeu, millesime, fichier: where it lies below the folder of receptions.
        empreinte_sha256, octets: SHA-256 (hex) and size of the file.
        demande: address asked for, secrets masked; validators are worth nothing for another one.
        url: address that answered, past the redirects, secrets masked.
        etag, last_modified: validators as the server wrote them, empty when it did not.
        marque: date or state the producer's catalogue gave, empty when it gave none.
        recu_le: moment the bytes came, ISO UTC (``iso_utc``).
    """

    producteur: str
    jeu: str
    millesime: str
    fichier: str
    empreinte_sha256: str
    octets: int
    demande: str
    url: str
    etag: str
    last_modified: str
    marque: str
    recu_le: str

    @property
    def cle(self) -> ReceivedKey:
        return self.producteur, self.jeu, self.millesime, self.fichier


_FILES = TypeAdapter(list[ReceivedFile])


@dataclass(frozen=True)
class _Vintage:
    """What a vintage holds from now on."""

    producteur: str
    jeu: str
    millesime: str
    fichiers: tuple[ReceivedFile, ...]


class Receptions:
    """The state of the folder of receptions of one installation (``recu/.etat.json``)."""

    def __init__(self, paths: Paths) -> None:
        self._chemin = paths.etat_recu
        self._recu = paths.recu
        self._brut = RawStore(paths)
        remote = storage_of(paths)
        self._changes = None if remote is None else ObjectRows(remote, "receptions", _Vintage)

    def path(self, fichier: ReceivedFile) -> Path:
        """Where a received file lies."""
        return self._recu.joinpath(*fichier.cle)

    def of(self, producteur: str, jeu: str) -> dict[tuple[str, str], ReceivedFile]:
        """Files of a dataset by (vintage, name); those that are gone or changed size are not known."""
        self.lay(producteur, jeu)
        return {
            (fichier.millesime, fichier.fichier): fichier
            for fichier in self._read()
            if (fichier.producteur, fichier.jeu) == (producteur, jeu) and self._lies(fichier)
        }

    def record(self, producteur: str, jeu: str, millesime: str, fichiers: Iterable[ReceivedFile]) -> None:
        """Say what a vintage holds now, in place of what was said before.

        Raises:
            StorageUnavailable: the object storage does not answer or refuses; nothing is said.
        """
        fichiers = tuple(sorted(fichiers, key=lambda fichier: fichier.cle))
        if self._changes is not None:
            for fichier in fichiers:
                self._brut.put(self.path(fichier))
            vintage = _Vintage(producteur, jeu, millesime, fichiers)
            cle = producteur, jeu, millesime
            self._changes.decide(lambda dits: [] if _last(dits).get(cle) == vintage else [vintage])
            return
        with exclusive(self._chemin):
            autres = [
                connu
                for connu in self._read()
                if (connu.producteur, connu.jeu, connu.millesime) != (producteur, jeu, millesime)
            ]
            tous = sorted([*autres, *fichiers], key=lambda fichier: fichier.cle)
            contenu = json.dumps([asdict(fichier) for fichier in tous], ensure_ascii=False, indent=1)
            replace_bytes(self._chemin, contenu.encode("utf-8") + b"\n")

    def vintages(self) -> dict[VintageKey, list[ReceivedFile]]:
        """Files by (producteur, jeu, millesime); those that are gone or changed size are not known."""
        found: dict[VintageKey, list[ReceivedFile]] = {}
        for fichier in filter(self._lies, self._read()):
            found.setdefault((fichier.producteur, fichier.jeu, fichier.millesime), []).append(fichier)
        return dict(sorted(found.items()))

    def lay(self, producteur: str = "", jeu: str = "") -> None:
        """Bring here what other workers received: nothing to do without an object storage.

        A vintage is laid whole, in place of what lay there.

        Args:
            producteur, jeu: one dataset; empty for all.

        Raises:
            ConservationError: the raw store has lost a file.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        if self._changes is None:
            return
        for vintage in _last(self._changes.rows()).values():
            if producteur not in ("", vintage.producteur) or jeu not in ("", vintage.jeu):
                continue
            dossier = self._recu / vintage.producteur / vintage.jeu / vintage.millesime
            if _digests(dossier) != {f.fichier: f.empreinte_sha256 for f in vintage.fichiers}:
                self._lay_vintage(vintage, dossier)

    def _lay_vintage(self, vintage: _Vintage, dossier: Path) -> None:
        bruts = [(fichier, self._brut.path(fichier.empreinte_sha256)) for fichier in vintage.fichiers]
        dossier.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".arrivee-", dir=dossier.parent) as atelier:
            prepare = Path(atelier) / "millesime"
            prepare.mkdir()
            for fichier, brut in bruts:
                copie = prepare / fichier.fichier
                shutil.copyfile(brut, copie)
                moment = _moment(fichier)
                os.utime(copie, (moment, moment))
            with exclusive(dossier):
                install_folder(prepare, dossier)

    def _lies(self, fichier: ReceivedFile) -> bool:
        chemin = self.path(fichier)
        return chemin.is_file() and chemin.stat().st_size == fichier.octets

    def _read(self) -> list[ReceivedFile]:
        if self._changes is not None:
            return [
                fichier for vintage in _last(self._changes.rows()).values() for fichier in vintage.fichiers
            ]
        if not self._chemin.exists():
            return []
        try:
            return _FILES.validate_json(self._chemin.read_bytes())
        except ValidationError:
            _LOGGER.warning(
                "%s est illisible : il est laissé de côté, et les fichiers seront demandés en entier",
                self._chemin,
            )
            return []


def _last(dits: Iterable[_Vintage]) -> dict[VintageKey, _Vintage]:
    """What was said last of each vintage, sorted."""
    return dict(sorted({(v.producteur, v.jeu, v.millesime): v for v in dits}.items()))


def _digests(dossier: Path) -> dict[str, str]:
    """Name -> SHA-256 of the files of a folder, hidden ones left out; empty when it is not there."""
    if not dossier.is_dir():
        return {}
    return {chemin.name: file_digest(chemin) for chemin in dossier.iterdir() if chemin.name[0] != "."}


def _moment(fichier: ReceivedFile) -> float:
    """Last change of a file at its producer, else its reception: seconds since the epoch."""
    with suppress(ValueError):
        return parsedate_to_datetime(fichier.last_modified).timestamp()
    return datetime.fromisoformat(fichier.recu_le).timestamp()

"""What the producers said of the files we fetched: what a conditional request needs, and nothing else.

It can be lost without harm: the files are then asked for again, whole.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from qpv_emploi.conservation.fichiers import exclusive, replace_bytes
from qpv_emploi.settings import Paths

_LOGGER = logging.getLogger(__name__)

ReceivedKey = tuple[str, str, str, str]


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


class Receptions:
    """The state of the folder of receptions of one data directory (``recu/.etat.json``)."""

    def __init__(self, paths: Paths) -> None:
        self._chemin = paths.etat_recu
        self._recu = paths.recu

    def path(self, fichier: ReceivedFile) -> Path:
        """Where a received file lies."""
        return self._recu.joinpath(*fichier.cle)

    def of(self, producteur: str, jeu: str) -> dict[tuple[str, str], ReceivedFile]:
        """Files of a dataset by (vintage, name); those that are gone or changed size are not known."""
        return {
            (fichier.millesime, fichier.fichier): fichier
            for fichier in self._read()
            if (fichier.producteur, fichier.jeu) == (producteur, jeu) and self._lies(fichier)
        }

    def record(self, producteur: str, jeu: str, millesime: str, fichiers: Iterable[ReceivedFile]) -> None:
        """Say what a vintage holds now, in place of what was said before."""
        with exclusive(self._chemin):
            autres = [
                connu
                for connu in self._read()
                if (connu.producteur, connu.jeu, connu.millesime) != (producteur, jeu, millesime)
            ]
            tous = sorted([*autres, *fichiers], key=lambda fichier: fichier.cle)
            contenu = json.dumps([asdict(fichier) for fichier in tous], ensure_ascii=False, indent=1)
            replace_bytes(self._chemin, contenu.encode("utf-8") + b"\n")

    def _lies(self, fichier: ReceivedFile) -> bool:
        chemin = self.path(fichier)
        return chemin.is_file() and chemin.stat().st_size == fichier.octets

    def _read(self) -> list[ReceivedFile]:
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

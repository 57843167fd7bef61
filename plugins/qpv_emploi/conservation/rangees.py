"""Append-only rows on an object storage: the manifest, the ledger, the lock and the receptions.

An object cannot be added to, and two workers that rewrite one would lose each other's rows. So each append is
an object of its own, under the next number: ``journal/00000042.json``. Creating a number that exists is
refused by the storage, so that of two workers one writes 42 and the other, told, reads it and writes 43.
Numbers have no hole, objects never change, and the order is the same for all: what a lock on a shared disk
gave, without a lock.

Every ``LOT`` objects, their rows are written once more together (``journal/lot-00000.json``): a worker
that knows nothing reads a few objects instead of thousands. Local copies of both are kept for good.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from qpv_emploi.conservation.errors import ConservationError
from qpv_emploi.conservation.fichiers import exclusive
from qpv_emploi.conservation.jsonl import JsonLines
from qpv_emploi.conservation.stockage import ObjectStorage
from qpv_emploi.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

FORMAT = 1
LOT = 100
# Each failed attempt means that another worker succeeded.
_ATTEMPTS = 1000

# From the rows already there, those to add; none to add none.
Decision = Callable[[list[T]], Sequence[T]]


@dataclass(frozen=True)
class _Present:
    """What is there: objects to read, how many of them are lots, and the first free number."""

    noms: list[str]
    lots: int
    numero: int


class Rows(Protocol[T]):
    """Append-only rows of one dataclass, shared by several processes."""

    def rows(self) -> list[T]:
        """All rows, in the order of writing."""
        ...

    def add(self, rangees: Sequence[T]) -> None:
        """Add rows at the end, durably, whatever is there."""
        ...

    def decide(self, decision: Decision[T]) -> bool:
        """Add the rows that what is there calls for; nobody writes between the reading and the writing.

        Returns:
            Whether rows were added.
        """
        ...


class FileRows(Generic[T]):
    """Rows in a file of the data directory, one writer at a time."""

    def __init__(self, chemin: Path, modele: type[T]) -> None:
        self._chemin = chemin
        self._lignes = JsonLines(chemin, modele)

    def rows(self) -> list[T]:
        """All rows; see ``JsonLines``."""
        return self._lignes.rows()

    def add(self, rangees: Sequence[T]) -> None:
        """Add rows at the end; see ``Rows``."""
        with exclusive(self._chemin):
            self._lignes.append(rangees)

    def decide(self, decision: Decision[T]) -> bool:
        """Add the rows that what is there calls for; see ``Rows``."""
        with exclusive(self._chemin):
            rangees = decision(self._lignes.rows())
            if rangees:
                self._lignes.append(rangees)
            return bool(rangees)


class ObjectRows(Generic[T]):
    """Rows on an object storage.

    Args:
        stockage: where.
        nom: folder of the objects.
        modele: the dataclass of a row. Fields a newer version added are ignored.
    """

    def __init__(self, stockage: ObjectStorage, nom: str, modele: type[T]) -> None:
        self._stockage = stockage
        self._nom = nom
        self._adapter: TypeAdapter[T] = TypeAdapter(modele)

    def rows(self) -> list[T]:
        """All rows, in the order of writing.

        Raises:
            ConservationError: an object is damaged.
            StorageUnavailable: the storage does not answer or refuses.
            SettingsError: a newer version of this tool wrote an object.
        """
        return self._rows_in(self._present().noms)

    def add(self, rangees: Sequence[T]) -> None:
        """Add rows at the end; see ``Rows``."""
        contenu = _content(rangees)
        for _ in range(_ATTEMPTS):
            if self._write(self._present(), contenu):
                return
        raise self._forestalled()

    def decide(self, decision: Decision[T]) -> bool:
        """Add the rows that what is there calls for; see ``Rows``.

        Raises:
            ConservationError: an object is damaged.
            StorageUnavailable: the storage does not answer or refuses.
        """
        for _ in range(_ATTEMPTS):
            present = self._present()
            rangees = decision(self._rows_in(present.noms))
            if not rangees:
                return False
            if self._write(present, _content(rangees)):
                return True
        raise self._forestalled()

    def _write(self, present: _Present, contenu: bytes) -> bool:
        """Write the next object; False when another worker has just written it."""
        nom = self._object(present.numero)
        # The answer to a write may be lost, and the write tried again by the driver: ours is there then.
        if not self._stockage.create(nom, contenu) and self._stockage.read(nom) != contenu:
            return False
        # The lots now complete and not yet there. Killed before, the next writer does it.
        for lot in range(present.lots, (present.numero + 1) // LOT):
            noms = [self._object(numero) for numero in range(lot * LOT, (lot + 1) * LOT)]
            self._stockage.create(self._lot(lot), _content(self._rows_in(noms)))
        return True

    def _forestalled(self) -> ConservationError:
        return ConservationError(
            f"{self._stockage.address(self._nom)} : écriture toujours devancée par d'autres workers ; à "
            "faire : relancer"
        )

    def _object(self, numero: int) -> str:
        return f"{self._nom}/{numero:08d}.json"

    def _lot(self, numero: int) -> str:
        return f"{self._nom}/lot-{numero:05d}.json"

    def _present(self) -> _Present:
        """The objects to read, in order; each has a local copy once this returns."""
        noms: list[str] = []
        while self._stockage.cached(self._lot(len(noms))) is not None:
            noms.append(self._lot(len(noms)))
        lots = len(noms)
        numero = lots * LOT
        while self._stockage.cached(self._object(numero)) is not None:
            noms.append(self._object(numero))
            numero += 1
        return _Present(noms, lots, numero)

    def _rows_in(self, noms: Iterable[str]) -> list[T]:
        return [rangee for nom in noms for rangee in self._load(nom)]

    def _load(self, nom: str) -> list[T]:
        """Rows of one object that is there."""
        try:
            return self._parse(nom, self._bytes(nom))
        except ConservationError:
            # The local copy may be what is damaged.
            return self._parse(nom, self._bytes(nom, again=True))

    def _bytes(self, nom: str, *, again: bool = False) -> bytes:
        copie = self._stockage.cached(nom, again=again)
        if copie is None:
            raise ConservationError(
                f"{self._stockage.address(nom)} : objet disparu, d'une suite qui n'a pas de trou ; à faire : "
                "le restaurer depuis une sauvegarde"
            )
        return copie.read_bytes()

    def _parse(self, nom: str, contenu: bytes) -> list[T]:
        try:
            lu = json.loads(contenu)
            if lu["format"] > FORMAT:
                raise SettingsError(
                    f"{self._stockage.address(nom)} est au format {lu['format']}, écrit par une version plus "
                    f"récente de l'outil ; attendu : format {FORMAT} au plus ; à faire : mettre l'outil à "
                    "jour"
                )
            return [self._adapter.validate_json(json.dumps(rangee)) for rangee in lu["rangees"]]
        except (ValueError, KeyError, TypeError) as erreur:
            detail = erreur.errors()[0]["msg"] if isinstance(erreur, ValidationError) else str(erreur)
            raise ConservationError(
                f"{self._stockage.address(nom)} : objet illisible ({detail}) ; attendu : le JSON que l'outil "
                "écrit ; à faire : le restaurer depuis une sauvegarde"
            ) from erreur


def rows_of(stockage: ObjectStorage | None, nom: str, chemin: Path, modele: type[T]) -> Rows[T]:
    """Rows on the object storage when there is one, else in a file of the data directory."""
    return FileRows(chemin, modele) if stockage is None else ObjectRows(stockage, nom, modele)


def _content(rangees: Iterable[DataclassInstance]) -> bytes:
    # The token tells two appends of the same rows apart.
    contenu: dict[str, Any] = {
        "format": FORMAT,
        "jeton": uuid.uuid4().hex,
        "rangees": [asdict(rangee) for rangee in rangees],
    }
    return json.dumps(contenu, ensure_ascii=False).encode("utf-8") + b"\n"

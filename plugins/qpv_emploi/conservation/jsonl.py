"""Append-only file of JSON lines, shared by the manifest and the ledger.

One row is one line ended by a line feed. A process killed while writing leaves a last line cut short: it is
ignored when reading, and the next append closes it with a mark, so that a cut line is never mistaken for a
damaged one. Any other unreadable line is an error: this file is the memory of the warehouse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from qpv_emploi.conservation.errors import ConservationError
from qpv_emploi.conservation.fichiers import flush_to_disk, sync_folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

CUT_MARK = b" #interrompu"


def _is_row(ligne: bytes) -> bool:
    try:
        return isinstance(json.loads(ligne), dict)
    except ValueError:
        return False


class JsonLines(Generic[T]):
    """Rows of one dataclass in an append-only file. The caller holds the lock of the file to append.

    Args:
        chemin: the file; it need not exist.
        modele: the dataclass of a row. Fields a newer version added are ignored.
    """

    def __init__(self, chemin: Path, modele: type[T]) -> None:
        self.chemin = chemin
        self._adapter: TypeAdapter[T] = TypeAdapter(modele)

    def rows(self) -> list[T]:
        """All rows, in the order of writing.

        Raises:
            ConservationError: naming the file and the line that is not a row.
        """
        if not self.chemin.exists():
            return []
        *completes, derniere = self.chemin.read_bytes().split(b"\n")
        lignes = [*enumerate(completes, start=1)]
        if _is_row(derniere):
            lignes.append((len(completes) + 1, derniere))
        return [self._parse(numero, ligne) for numero, ligne in lignes if not ligne.endswith(CUT_MARK)]

    def append(self, rangees: Iterable[T]) -> None:
        """Add rows at the end, durably."""
        contenu = b"".join(_line(rangee) for rangee in rangees)
        nouveau = not self.chemin.exists()
        self.chemin.parent.mkdir(parents=True, exist_ok=True)
        with self.chemin.open("ab") as flux:
            flux.write(self._closing() + contenu)
            flush_to_disk(flux)
        if nouveau:
            sync_folder(self.chemin.parent)

    def _closing(self) -> bytes:
        derniere = self.chemin.read_bytes().rpartition(b"\n")[2]
        if not derniere:
            return b""
        return b"\n" if _is_row(derniere) else CUT_MARK + b"\n"

    def _parse(self, numero: int, ligne: bytes) -> T:
        try:
            return self._adapter.validate_json(ligne)
        except ValidationError as erreur:
            raise ConservationError(
                f"{self.chemin}, ligne {numero} : ligne illisible ({erreur.errors()[0]['msg']}) ; attendu : "
                f"un objet JSON par ligne ; à faire : restaurer ce fichier depuis une sauvegarde"
            ) from erreur


def _line(rangee: DataclassInstance) -> bytes:
    valeurs: dict[str, Any] = asdict(rangee)
    return json.dumps(valeurs, ensure_ascii=False).encode("utf-8") + b"\n"

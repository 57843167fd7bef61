"""Bronze files where the next worker finds them: in the data directory, or on the object storage.

A bronze file on an object storage is followed by its SHA-256, ``<name>.parquet.sha256``, written last:
without it the file does not exist. The readers (DuckDB, PyArrow) only meet local copies that give it.
"""

from __future__ import annotations

from pathlib import Path

from qpv_emploi.conservation.empreinte import file_digest, is_digest
from qpv_emploi.conservation.errors import ConservationError
from qpv_emploi.conservation.stockage import storage_of, up_to_date_copy
from qpv_emploi.settings import Paths

_SUFFIX = ".sha256"


class BronzeFiles:
    """The bronze files of one installation. Names are relative to the data directory, as in the lock."""

    def __init__(self, paths: Paths) -> None:
        self._root = paths.root
        self._remote = storage_of(paths)

    def name(self, chemin: Path) -> str:
        """Name of the file that belongs at this place of the data directory."""
        return chemin.relative_to(self._root).as_posix()

    def address(self, nom: str) -> str:
        """Where the file is kept, to be shown."""
        return str(self._root / nom) if self._remote is None else self._remote.address(nom)

    def exists(self, nom: str) -> bool:
        """Whether the file is kept.

        Raises:
            StorageUnavailable: the storage does not answer or refuses.
        """
        if self._remote is None:
            return (self._root / nom).is_file()
        return self._remote.state(nom + _SUFFIX) is not None

    def local(self, nom: str) -> Path | None:
        """A local file that holds the table, None when it is not kept.

        Raises:
            ConservationError: what the storage holds is not what was written there.
            StorageUnavailable: the storage does not answer or refuses.
        """
        place = self._root / nom
        if self._remote is None:
            return place if place.is_file() else None
        empreinte = self._digest(nom)
        if empreinte is None:
            return None
        if not up_to_date_copy(place, empreinte):
            try:
                self._remote.fetch(nom, place, empreinte)
            except ConservationError:
                # Written again meanwhile, by a worker asked to (--force): its digest has changed too.
                nouvelle = self._digest(nom)
                if nouvelle is None or nouvelle == empreinte:
                    raise
                self._remote.fetch(nom, place, nouvelle)
        return place

    def keep(self, nom: str) -> None:
        """Keep the file just written at its place of the data directory.

        Raises:
            ConservationError: what was written there is not the file.
            StorageUnavailable: the storage does not answer or refuses.
        """
        if self._remote is None:
            return
        place = self._root / nom
        empreinte = file_digest(place)
        if self._digest(nom) != empreinte or self._remote.state(nom) is None:
            self._remote.send(place, nom, empreinte, replace=True)
            self._remote.replace(nom + _SUFFIX, f"{empreinte}  {place.name}\n".encode())

    def _digest(self, nom: str) -> str | None:
        assert self._remote is not None
        contenu = self._remote.read(nom + _SUFFIX)
        if contenu is None:
            return None
        empreinte = contenu[:64].decode("ascii", errors="replace")
        if not is_digest(empreinte):
            raise ConservationError(
                f"{self._remote.address(nom + _SUFFIX)} : objet illisible ; attendu : une empreinte SHA-256 "
                "; à faire : le supprimer et relire ce millésime (`qpv ingest --force`)"
            )
        return empreinte

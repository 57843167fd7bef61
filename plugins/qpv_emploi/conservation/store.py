"""Immutable store of received files, named by their content: ``brut/<2 first hex>/<sha256>``.

A file enters once, is never changed and never deleted by the pipeline. Whatever a consumer reads, it reads
from here: the dépôt may change under our feet, the store does not.

With an object storage (``QPV_STOCKAGE``), that is where the files are kept, and the folder of the data
directory holds copies that may be lost.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from qpv_emploi.conservation.empreinte import file_digest, is_digest
from qpv_emploi.conservation.errors import ConservationError
from qpv_emploi.conservation.fichiers import flush_to_disk, sync_folder, temporary_file
from qpv_emploi.conservation.stockage import ObjectStorage, storage_of, up_to_date_copy
from qpv_emploi.settings import Paths

BLOCK_BYTES = 1 << 20
READ_ONLY = 0o444


@dataclass(frozen=True)
class StoredFile:
    """A file of the store: SHA-256 (hex), size in bytes, place of the file or of its local copy."""

    empreinte_sha256: str
    octets: int
    chemin: Path


class RawStore:
    """The raw store of one data directory."""

    def __init__(self, paths: Paths) -> None:
        self._root = paths.brut
        self._remote = storage_of(paths)

    def put(self, chemin: Path) -> StoredFile:
        """Keep the bytes of a file; bytes already kept are not written again.

        Several processes may put the same file at once: each writes aside and renames, and the names point
        to the same bytes.

        Args:
            chemin: file to copy; it is only read.

        Raises:
            ConservationError: the store holds other bytes under this SHA-256.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        empreinte = file_digest(chemin)
        garde = self._kept(empreinte, chemin) or self._copy(chemin)
        if self._remote is not None:
            self._remote.send(garde.chemin, _object(garde.empreinte_sha256), garde.empreinte_sha256)
        return garde

    def path(self, empreinte: str) -> Path:
        """Place of the file of this SHA-256, or of a local copy that gives it.

        Raises:
            ConservationError: no such file is kept.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        cible = self._place(empreinte)
        if self._remote is not None:
            return self._local_copy(self._remote, empreinte, cible)
        if not cible.is_file():
            raise ConservationError(
                f"{cible} : fichier brut absent ; attendu : une copie conservée sous cette empreinte ; à "
                f"faire : restaurer le dossier {self._root} depuis une sauvegarde, ou redéposer le fichier "
                f"d'origine"
            )
        return cible

    def verify(self, empreinte: str) -> None:
        """Read the kept file again.

        Raises:
            ConservationError: it is missing, or its bytes no longer give this SHA-256.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        if self._remote is not None:
            cible = self._present(self._remote, empreinte)
            self._compare(cible, empreinte, self._remote.digest(_object(empreinte)))
        else:
            place = self.path(empreinte)
            self._compare(str(place), empreinte, file_digest(place))

    def _compare(self, cible: str, empreinte: str, constatee: str) -> None:
        if constatee != empreinte:
            raise ConservationError(
                f"{cible} : fichier brut altéré ; attendu : l'empreinte {empreinte}, trouvé : {constatee} ; "
                f"à faire : l'écarter, puis restaurer la sauvegarde ou redéposer le fichier d'origine"
            )

    def _present(self, remote: ObjectStorage, empreinte: str) -> str:
        """Address of an object that is there."""
        self._place(empreinte)
        cible = remote.address(_object(empreinte))
        if remote.state(_object(empreinte)) is None:
            raise ConservationError(
                f"{cible} : fichier brut absent ; attendu : une copie conservée sous cette empreinte ; à "
                f"faire : le restaurer depuis une sauvegarde, ou redéposer le fichier d'origine"
            )
        return cible

    def _local_copy(self, remote: ObjectStorage, empreinte: str, cible: Path) -> Path:
        if not up_to_date_copy(cible, empreinte):
            self._present(remote, empreinte)
            remote.fetch(_object(empreinte), cible, empreinte, mode=READ_ONLY)
        return cible

    def _place(self, empreinte: str) -> Path:
        if not is_digest(empreinte):
            raise ConservationError(
                f"« {empreinte} » n'est pas une empreinte SHA-256 ; attendu : 64 chiffres hexadécimaux "
                f"en minuscules ; à faire : reprendre l'empreinte du manifeste ou du verrou"
            )
        return self._root / empreinte[:2] / empreinte

    def _kept(self, empreinte: str, source: Path) -> StoredFile | None:
        cible = self._place(empreinte)
        if not cible.exists():
            return None
        octets = cible.stat().st_size
        if octets != source.stat().st_size:
            if self._remote is not None:
                # A damaged copy of what the object storage keeps.
                return None
            # A cheap guard on each run; ``verify`` reads the bytes.
            self.verify(empreinte)
        return StoredFile(empreinte, octets, cible)

    def _copy(self, chemin: Path) -> StoredFile:
        condense = hashlib.sha256()
        octets = 0
        # Named after the bytes written, not after an earlier reading: the source may be growing.
        with temporary_file(self._root) as (flux, provisoire), chemin.open("rb") as source:
            while bloc := source.read(BLOCK_BYTES):
                condense.update(bloc)
                octets += flux.write(bloc)
            flush_to_disk(flux)
            cible = self._place(condense.hexdigest())
            cible.parent.mkdir(exist_ok=True)
            provisoire.chmod(READ_ONLY)
            provisoire.replace(cible)
        sync_folder(cible.parent)
        sync_folder(self._root)
        return StoredFile(cible.name, octets, cible)


def _object(empreinte: str) -> str:
    """Name of a raw file on an object storage: the same as below the data directory."""
    return f"brut/{empreinte[:2]}/{empreinte}"

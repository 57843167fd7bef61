"""The lock: dataset x vintage -> SHA-256 of its raw files. A build reads it and nothing else.

JSON, sorted, indented by two: it is read by people, compared by ``diff`` and hashed into each release. On an
object storage it is the sum of its changes, each a row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from qpv_emploi.conservation.errors import ConservationError
from qpv_emploi.conservation.fichiers import exclusive, replace_bytes
from qpv_emploi.conservation.rangees import ObjectRows
from qpv_emploi.conservation.stockage import ObjectStorage, storage_of
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths

FORMAT = 1

LockKey = tuple[str, str, str]


@dataclass(frozen=True)
class LockedFile:
    """A raw file in use.

    Attributes:
        fichier: file name as dropped.
        empreinte_sha256: SHA-256 of the raw file, hex.
        octets: size in bytes.
        recu_le: moment of reception, ISO UTC (``iso_utc``).
        empreinte_contenu: bronze table -> digest of its content.
        bronze: bronze table -> path relative to the data directory.
    """

    fichier: str
    empreinte_sha256: str
    octets: int
    recu_le: str
    empreinte_contenu: dict[str, str]
    bronze: dict[str, str]


@dataclass(frozen=True)
class LockEntry:
    """The files in use of one dataset x vintage.

    ``precedentes`` holds the sets of SHA-256 in use before these, oldest first, each sorted.
    """

    producteur: str
    jeu: str
    millesime: str
    fichiers: tuple[LockedFile, ...]
    precedentes: tuple[tuple[str, ...], ...] = ()

    @property
    def cle(self) -> LockKey:
        return self.producteur, self.jeu, self.millesime

    @property
    def empreintes(self) -> tuple[str, ...]:
        """SHA-256 of the files in use, sorted."""
        return tuple(sorted(fichier.empreinte_sha256 for fichier in self.fichiers))


_ENTRIES = TypeAdapter(tuple[LockEntry, ...])


class Lock:
    """The lock file of one data directory (``verrou.json``).

    ``of`` gives that of an installation, which an object storage may hold.
    """

    def __init__(self, path: Path, stockage: ObjectStorage | None = None) -> None:
        self._path = path
        self._changes = None if stockage is None else ObjectRows(stockage, "verrou", LockEntry)

    @classmethod
    def of(cls, paths: Paths) -> Lock:
        """The lock of an installation."""
        return cls(paths.verrou, storage_of(paths))

    def read(self) -> dict[LockKey, LockEntry]:
        """Entries by (producteur, jeu, millesime), sorted; empty when the file does not exist yet.

        Raises:
            SettingsError: a newer version of this tool wrote the file.
            ConservationError: the file is damaged.
            StorageUnavailable: the object storage does not answer or refuses.
        """
        if self._changes is not None:
            return _sum(self._changes.rows())
        if not self._path.exists():
            return {}
        try:
            contenu = json.loads(self._path.read_bytes())
            version = contenu["format"]
            if version > FORMAT:
                raise SettingsError(
                    f"{self._path} est au format {version}, écrit par une version plus récente de l'outil ; "
                    f"attendu : format {FORMAT} au plus ; à faire : mettre l'outil à jour"
                )
            # Through JSON again: a list becomes a tuple, anything else is refused.
            entrees = _ENTRIES.validate_json(json.dumps(contenu["entrees"]), strict=True)
        except (ValueError, KeyError, TypeError) as erreur:
            detail = erreur.errors()[0]["msg"] if isinstance(erreur, ValidationError) else str(erreur)
            raise ConservationError(
                f"{self._path} : verrou illisible ({detail}) ; attendu : le JSON que l'outil écrit ; à "
                f"faire : le restaurer depuis une sauvegarde, ou le supprimer et relancer l'ingestion"
            ) from erreur
        return {entree.cle: entree for entree in sorted(entrees, key=lambda e: e.cle)}

    def update(self, entry: LockEntry) -> LockEntry:
        """Put one entry in place of the former one; the other entries stay as another process left them.

        The history belongs to the lock: a change of bytes pushes the former set of SHA-256 onto it, and the
        ``precedentes`` of the argument count only for a key the lock does not know.

        Returns:
            The entry as written.
        """
        if self._changes is not None:
            return self._change(self._changes, entry)
        with exclusive(self._path):
            entrees = self.read()
            ecrite = _with_history(entry, entrees.get(entry.cle))
            if entrees.get(ecrite.cle) != ecrite:
                entrees[ecrite.cle] = ecrite
                replace_bytes(self._path, _render(entrees))
            return ecrite

    def _change(self, changes: ObjectRows[LockEntry], entry: LockEntry) -> LockEntry:
        ecrite = entry

        def if_changed(connus: list[LockEntry]) -> list[LockEntry]:
            nonlocal ecrite
            ancienne = _sum(connus).get(entry.cle)
            ecrite = _with_history(entry, ancienne)
            return [] if ancienne == ecrite else [ecrite]

        changes.decide(if_changed)
        return ecrite

    def digest(self) -> str:
        """SHA-256 (hex) of the content, equal to that of the file as this class writes it."""
        return hashlib.sha256(_render(self.read())).hexdigest()


def _sum(changements: Iterable[LockEntry]) -> dict[LockKey, LockEntry]:
    """Entries after these changes, the last of each key, sorted."""
    return dict(sorted({entree.cle: entree for entree in changements}.items()))


def _with_history(entry: LockEntry, ancienne: LockEntry | None) -> LockEntry:
    fichiers = tuple(sorted(entry.fichiers, key=lambda fichier: fichier.fichier))
    if ancienne is None:
        return replace(entry, fichiers=fichiers)
    historique = ancienne.precedentes
    if ancienne.empreintes != entry.empreintes:
        historique = (*historique, ancienne.empreintes)
    return replace(entry, fichiers=fichiers, precedentes=historique)


def _render(entrees: dict[LockKey, LockEntry]) -> bytes:
    contenu = {"format": FORMAT, "entrees": [asdict(entrees[cle]) for cle in sorted(entrees)]}
    return (json.dumps(contenu, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")

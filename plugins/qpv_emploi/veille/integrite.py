"""Integrity of what is kept: every raw file is read again and compared with its SHA-256.

Nothing is moved, mended or deleted here: the raw store is the memory of the warehouse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from qpv_emploi.conservation import (
    BronzeFiles,
    ConservationError,
    Lock,
    Manifest,
    RawStore,
    StorageUnavailable,
)
from qpv_emploi.settings import Settings

# Number of files read again so far, number to read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Damage:
    """A kept file that is missing, altered or unreadable.

    Attributes:
        constat: where it is, what is wrong, what was expected and what to do, in French.
        usages: who uses it, as ``producteur/jeu/millesime (fichier, en usage)``, sorted.
    """

    constat: str
    usages: tuple[str, ...]

    def line(self) -> str:
        """The damage and who suffers from it, on one line."""
        return f"{self.constat} ; concerne : {', '.join(self.usages)}"


@dataclass(frozen=True)
class Integrity:
    """Result of a check.

    Attributes:
        nb_fichiers: raw files known of the manifest or of the lock, each counted once.
        octets: bytes of these files, as the manifest and the lock say.
        atteints: damaged or missing raw files, in the order of their SHA-256.
        bronze_absents: bronze files of the lock that are missing; they can be made again from the raw file.
    """

    nb_fichiers: int
    octets: int
    atteints: tuple[Damage, ...]
    bronze_absents: tuple[Damage, ...]


def check_integrity(settings: Settings, progress: Progress = lambda done, total: None) -> Integrity:
    """Read again every raw file that the manifest or the lock knows.

    Args:
        progress: called after each file.

    Raises:
        ConservationError: the manifest or the lock itself is damaged.
        StorageUnavailable: the object storage does not answer or refuses.
    """
    usages, sizes = _known_files(settings)
    store = RawStore(settings.paths)
    damages = []
    for done, digest in enumerate(sorted(usages), start=1):
        try:
            store.verify(digest)
        except StorageUnavailable:
            # Nothing can be said of the files of a storage that does not answer.
            raise
        except ConservationError as error:
            damages.append(Damage(str(error), tuple(sorted(usages[digest]))))
        except OSError as error:
            constat = (
                f"{error.filename or digest} : fichier brut illisible ({error.strerror}) ; attendu : un "
                "fichier que le compte de l'ingestion lit ; à faire : vérifier les droits et le disque"
            )
            damages.append(Damage(constat, tuple(sorted(usages[digest]))))
        progress(done, len(usages))
    return Integrity(len(usages), sum(sizes.values()), tuple(damages), _missing_bronze(settings))


def _known_files(settings: Settings) -> tuple[dict[str, set[str]], dict[str, int]]:
    """SHA-256 -> who uses it, and its size in bytes."""
    usages: dict[str, set[str]] = defaultdict(set)
    sizes: dict[str, int] = {}
    in_use = set()
    for entry in Lock.of(settings.paths).read().values():
        for file in entry.fichiers:
            in_use.add((*entry.cle, file.fichier, file.empreinte_sha256))
            usages[file.empreinte_sha256].add(f"{'/'.join(entry.cle)} ({file.fichier}, en usage)")
            sizes[file.empreinte_sha256] = file.octets
    for reception in Manifest(settings.paths).receptions():
        sizes[reception.empreinte_sha256] = reception.octets
        if reception.cle not in in_use:
            name = f"{reception.producteur}/{reception.jeu}/{reception.millesime}"
            usages[reception.empreinte_sha256].add(f"{name} ({reception.fichier}, reçu)")
    return usages, sizes


def _missing_bronze(settings: Settings) -> tuple[Damage, ...]:
    bronze = BronzeFiles(settings.paths)
    damages = []
    for entry in Lock.of(settings.paths).read().values():
        for file in entry.fichiers:
            for path in file.bronze.values():
                if not bronze.exists(path):
                    constat = (
                        f"{path} : fichier bronze absent, que le verrou nomme ; à faire : `qpv ingest "
                        f"{entry.producteur}/{entry.jeu} --millesime {entry.millesime}`, qui le refait"
                    )
                    damages.append(Damage(constat, (f"{'/'.join(entry.cle)} ({file.fichier}, en usage)",)))
    return tuple(damages)

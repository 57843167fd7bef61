"""From a data directory to an object storage that holds nothing yet: the move of an installation.

The lock goes last, so that a storage whose sending was interrupted looks empty to a build. Sending again goes
on: what is there is not sent twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qpv_emploi.conservation.bronze import BronzeFiles
from qpv_emploi.conservation.ledger import Ledger
from qpv_emploi.conservation.lock import Lock
from qpv_emploi.conservation.manifest import Manifest
from qpv_emploi.conservation.receptions import Receptions
from qpv_emploi.conservation.stockage import storage_of
from qpv_emploi.conservation.store import RawStore
from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Paths


@dataclass(frozen=True)
class Sent:
    """What the storage now holds of the data directory, numbers of raw files, bronze files and vintages."""

    bruts: int
    bronze: int
    millesimes: int


def send_all(paths: Paths) -> Sent:
    """Send what a data directory keeps to the storage of the installation. The directory is left as it is.

    Args:
        paths: layout of the data directory, with the address of the storage.

    Raises:
        SettingsError: no storage is given, or it holds something else than this directory.
        ConservationError: a raw file of the directory is missing or altered.
        StorageUnavailable: the storage does not answer or refuses.
    """
    if storage_of(paths) is None:
        raise SettingsError("QPV_STOCKAGE n'est pas donné ; à faire : y écrire l'adresse où envoyer")
    local = Paths(paths.root)
    locked = Lock.of(local).read()
    receptions = Manifest(local).receptions()
    outcomes = Ledger.of(local).outcomes()
    there = Lock.of(paths).read()
    if any(locked.get(key) != entry for key, entry in there.items()):
        raise _holds_something_else(paths)
    _check_beginning(paths, Manifest(paths).receptions(), receptions)
    told = Ledger.of(paths).outcomes()
    _check_beginning(paths, told, outcomes)

    digests = sorted(
        {r.empreinte_sha256 for r in receptions} | {d for e in locked.values() for d in e.empreintes}
    )
    raw, ours = RawStore(paths), RawStore(local)
    for digest in digests:
        ours.verify(digest)
        raw.put(ours.path(digest))
    bronze = BronzeFiles(paths)
    names = sorted({name for e in locked.values() for f in e.fichiers for name in f.bronze.values()})
    present = [name for name in names if (local.root / name).is_file()]
    for name in present:
        bronze.keep(name)
    for reception in receptions:
        Manifest(paths).record(reception)
    Ledger.of(paths).append(*outcomes[len(told) :])
    for (producteur, jeu, millesime), files in Receptions(local).vintages().items():
        Receptions(paths).record(producteur, jeu, millesime, files)
    for entry in locked.values():
        Lock.of(paths).update(entry)
    return Sent(len(digests), len(present), len(locked))


def _check_beginning(paths: Paths, there: Sequence[object], here: Sequence[object]) -> None:
    if tuple(there) != tuple(here[: len(there)]):
        raise _holds_something_else(paths)


def _holds_something_else(paths: Paths) -> SettingsError:
    return SettingsError(
        f"{paths.stockage} tient autre chose que {paths.root} ; attendu : un stockage vide, ou le début du "
        "même envoi ; à faire : donner à QPV_STOCKAGE une autre adresse"
    )

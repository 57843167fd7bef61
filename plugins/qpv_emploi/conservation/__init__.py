"""What is kept: raw files, who brought them, what became of each vintage, and the lock a build reads."""

from qpv_emploi.conservation.bronze import BronzeFiles
from qpv_emploi.conservation.errors import ConservationError, StorageUnavailable
from qpv_emploi.conservation.horloge import iso_utc, modified_at, now_utc
from qpv_emploi.conservation.ledger import Issue, Ledger, Outcome
from qpv_emploi.conservation.lock import Lock, LockedFile, LockEntry
from qpv_emploi.conservation.manifest import Manifest, Reception
from qpv_emploi.conservation.receptions import ReceivedFile, Receptions
from qpv_emploi.conservation.stockage import storage_of
from qpv_emploi.conservation.store import RawStore, StoredFile

__all__ = [
    "BronzeFiles",
    "ConservationError",
    "Issue",
    "Ledger",
    "Lock",
    "LockEntry",
    "LockedFile",
    "Manifest",
    "Outcome",
    "RawStore",
    "ReceivedFile",
    "Reception",
    "Receptions",
    "StorageUnavailable",
    "StoredFile",
    "iso_utc",
    "modified_at",
    "now_utc",
    "storage_of",
]

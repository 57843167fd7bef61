"""What goes in and out of a request: its bounds, the validators, the file or the page received."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Statut = Literal["nouveau", "non_modifie"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one request.

    Attributes:
        connexion_s, lecture_s: longest wait for a connection, and for the next bytes, in seconds.
        total_s: longest time for a request with its redirects, tries and waits, in seconds. It is looked at
            whenever bytes of the body arrive, and before each wait.
        tentatives: most tries, the first included.
        redirections: most redirects followed.
        octets: largest file, decoded, in bytes; ``octets_page``: same for a reply kept in memory.
        attente_base_s, attente_max_s: first back-off, and longest wait before a try, in seconds.
    """

    connexion_s: float = 10.0
    lecture_s: float = 60.0
    total_s: float = 1800.0
    tentatives: int = 5
    redirections: int = 5
    octets: int = 1 << 30
    octets_page: int = 32 << 20
    attente_base_s: float = 1.0
    attente_max_s: float = 120.0


@dataclass(frozen=True)
class Validators:
    """What a server said of the version we hold; empty when it said nothing."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """Headers of a conditional GET. The date is sent only without ETag, which is the stronger one."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}


@dataclass(frozen=True)
class Fetched:
    """Outcome of the fetch of a file.

    Attributes:
        statut: ``nouveau``, or ``non_modifie`` when the server (or the metadata) says it is the one we hold.
        chemin: the file, in place; None when it was not fetched.
        octets, empreinte_sha256: size and SHA-256 of the file; 0 and empty when it was not fetched.
        etag, last_modified: validators to give next time, as the server wrote them; empty when it did not.
        url_finale: address that answered, past the redirects, its secrets masked.
        content_type: as the server wrote it.
        tentatives: requests tried; 0 when the metadata were enough.
    """

    statut: Statut
    chemin: Path | None
    octets: int
    empreinte_sha256: str
    etag: str
    last_modified: str
    url_finale: str
    content_type: str
    tentatives: int

    @property
    def validateurs(self) -> Validators:
        return Validators(self.etag, self.last_modified)


@dataclass(frozen=True)
class Page:
    """A reply kept in memory; ``contenu`` is empty when ``statut`` is ``non_modifie``."""

    statut: Statut
    contenu: bytes
    etag: str
    last_modified: str
    url_finale: str
    content_type: str
    tentatives: int

    @property
    def validateurs(self) -> Validators:
        return Validators(self.etag, self.last_modified)

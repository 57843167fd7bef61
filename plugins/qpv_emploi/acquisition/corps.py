"""Body of a reply, piece by piece: ceiling, gzip, SHA-256. It knows neither network nor address."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

BLOCK_BYTES = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"


class DamagedBody(Exception):
    """The bytes are not those the service announced: another try may give them."""


class OversizedBody(Exception):
    """The body goes past the ceiling."""


class Sink:
    """Where the bytes go: a binary stream that can be emptied for another try.

    Args:
        flux: seekable binary stream.
        plafond: most bytes accepted, once decoded.
    """

    def __init__(self, flux: BinaryIO, plafond: int) -> None:
        self._flux = flux
        self.plafond = plafond
        self.octets = 0
        self._sha256 = hashlib.sha256()

    def reset(self) -> None:
        """Forget what was written."""
        self._flux.seek(0)
        self._flux.truncate()
        self.octets = 0
        self._sha256 = hashlib.sha256()

    def write(self, bloc: bytes) -> None:
        """Add bytes.

        Raises:
            OversizedBody: the total goes past the ceiling; the bytes are not written.
        """
        self.octets += len(bloc)
        if self.octets > self.plafond:
            raise OversizedBody
        self._flux.write(bloc)
        self._sha256.update(bloc)

    @property
    def empreinte_sha256(self) -> str:
        return self._sha256.hexdigest()


class Plain:
    """A body sent as it is."""

    def feed(self, bloc: bytes) -> Iterator[bytes]:
        yield bloc

    def finish(self) -> None:
        """Nothing to check: only ``Content-Length`` or the chunks tell the end."""


class Gunzip:
    """A body sent with ``Content-Encoding: gzip``, inflated by blocks so that a bomb stops at the ceiling."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._vide = True
        # Bytes past the end of a member, until there are enough to tell what they are.
        self._suite = b""

    def feed(self, bloc: bytes) -> Iterator[bytes]:
        """Inflated pieces, at most ``BLOCK_BYTES`` each.

        Raises:
            DamagedBody: the bytes are not gzip.
        """
        self._vide = self._vide and not bloc
        while bloc:
            if self._inflate.eof:
                bloc = self._suite + bloc
                # Several members make one body; anything else past the last one is padding.
                if not bloc.startswith(GZIP_MAGIC):
                    self._suite = bloc[: len(GZIP_MAGIC)]
                    return
                self._suite = b""
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                morceau = self._inflate.decompress(bloc, BLOCK_BYTES)
            except zlib.error as erreur:
                raise DamagedBody(f"corps gzip illisible ({erreur})") from None
            if morceau:
                yield morceau
            bloc = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Check that the last member is whole.

        Raises:
            DamagedBody: the end is missing.
        """
        if not self._vide and not self._inflate.eof:
            raise DamagedBody("corps gzip tronqué")

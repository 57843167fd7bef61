"""Making refusals of one file without repeating its identity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from qpv_emploi.errors import RefusedFile


class Refuse(Protocol):
    """Builds, without raising it, the refusal of a file whose identity is already known."""

    def __call__(
        self, *, raison: str, attendu: str = "", action: str = "", details: Sequence[str] = ()
    ) -> RefusedFile: ...


def refusal_for(producteur: str, jeu: str, millesime: str, fichier: str) -> Refuse:
    """A builder of refusals for one file; an empty ``fichier`` speaks of the whole folder."""
    return partial(RefusedFile, producteur=producteur, jeu=jeu, millesime=millesime, fichier=fichier)


def shown_bytes(octets: bytes) -> str:
    """The first bytes as a person can recognise them: as text when they are text, else in hexadecimal."""
    extrait = octets[:20]
    if extrait.isascii() and extrait.decode("ascii").isprintable():
        return f"« {extrait.decode('ascii')} »"
    return extrait[:8].hex(" ")

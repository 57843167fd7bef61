"""Named streams of random numbers: each block of figures draws from its own."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Entiers = NDArray[np.int64]
Reels = NDArray[np.floating[Any]]
Booleens = NDArray[np.bool_]


def flux(graine: int, nom: str, annee: int = 0) -> np.random.Generator:
    """The generator of one block and year.

    A stream depends on the seed, the name and the year only: asking for one vintage more never moves the
    figures of another.
    """
    return np.random.default_rng(np.random.SeedSequence([graine, crc32(nom.encode("utf-8")), annee]))


def choisir(alea: np.random.Generator, parmi: Booleens, part: float) -> Booleens:
    """Rows drawn at random among ``parmi``: a share of all rows, and at least one once there are ten.

    The guaranteed row lets a small demo show each quirk.
    """
    nombre = parmi.size
    combien = max(1 if nombre >= 10 else 0, round(part * nombre))
    candidats = np.flatnonzero(parmi)
    choix = np.zeros(nombre, dtype=np.bool_)
    choix[alea.permutation(candidats)[:combien]] = True
    return choix


def partager(alea: np.random.Generator, totaux: Entiers, poids: list[float]) -> list[Entiers]:
    """Split each total into parts drawn with the given weights; the parts sum to the total, row by row."""
    parts = np.asarray(poids, dtype=np.float64)
    return list(alea.multinomial(totaux, parts / parts.sum()).T.astype(np.int64))


def arrondir(valeurs: Reels, minimum: int = 0) -> Entiers:
    """Round to integers, not below ``minimum``."""
    return np.maximum(np.rint(valeurs), minimum).astype(np.int64)

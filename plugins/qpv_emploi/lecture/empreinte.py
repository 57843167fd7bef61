"""Digest of a content, whatever the dialect that carries it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_CELL, _ROW = "\x1f", "\x1e"


def normalised(textes: pa.Array, valeurs: pa.Array | None = None) -> pa.Array:
    """Texts that are equal when the values are: ``42`` and ``42,0``, ``1508`` and ``1 508``.

    Args:
        textes: strings, nulls allowed (a null and a blank are the same content).
        valeurs: float64 of the same length, null where the text is not a number; None for a text column.
    """
    propres = pc.utf8_trim_whitespace(pc.fill_null(textes, ""))
    if valeurs is None:
        return propres
    # The bits, not a decimal writing that a later version of a library could change; + 0.0 unites -0 and 0.
    bits = (pc.fill_null(valeurs, 0.0).to_numpy() + 0.0).view(np.int64)
    return pc.if_else(pc.is_valid(valeurs), pc.cast(pa.array(bits), pa.string()), propres)


def content_digest(cles: Sequence[pa.Array], contenu: Mapping[str, pa.Array]) -> str:
    """SHA-256, 64 hexadecimal digits, independent of the order of the rows and of the columns.

    Args:
        cles: key columns of n texts, first the one that sorts first.
        contenu: other columns by name, n normalised texts each.
    """
    noms = sorted(contenu)
    colonnes = [*cles, *(contenu[nom] for nom in noms)]
    # Large offsets: the joined rows of a big file may pass 2 GB.
    textes = [pc.cast(colonne, pa.large_string()) for colonne in colonnes]
    rangs = pc.binary_join_element_wise(*textes, pa.scalar(_CELL, pa.large_string()))
    ordonnes = pc.take(rangs, pc.array_sort_indices(rangs))
    empreinte = hashlib.sha256((_CELL.join(noms) + _ROW).encode())
    for rang in ordonnes:
        empreinte.update(rang.as_py().encode() + _ROW.encode())
    return empreinte.hexdigest()

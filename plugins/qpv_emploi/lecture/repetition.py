"""Long columns of few values, without their memory.

A melted file repeats its 64-digit hash on each cell: 8.5 million cells would take 600 MB. The chunks of these
columns share one block.
"""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa

from qpv_emploi.lecture.provenance import Provenance

_BLOCK = 65_536


def repeated(motif: pa.Array, fois: int) -> pa.ChunkedArray:
    """``motif`` repeated ``fois`` times, end to end."""
    par_bloc = max(1, min(fois, _BLOCK // max(1, len(motif))))
    bloc = pa.concat_arrays([motif] * par_bloc)
    entiers, reste = divmod(fois, par_bloc)
    morceaux = [bloc] * entiers
    if reste:
        morceaux.append(bloc.slice(0, reste * len(motif)))
    return pa.chunked_array(morceaux, motif.type)


def provenance_columns(provenance: Provenance, n: int) -> dict[str, pa.ChunkedArray]:
    """The five provenance columns of a table of n rows, in their order."""
    return {
        champ.name: repeated(pa.array([getattr(provenance, champ.name)], pa.string()), n)
        for champ in fields(Provenance)
    }

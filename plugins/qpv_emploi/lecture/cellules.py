"""Shape « cellules »: one row per zone x column other than the key."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.lecture.colonnes import AlignedColumn, Alignment
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import parse_numbers
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.repetition import provenance_columns, repeated


def measures(
    grille: Grid, alignement: Alignment, decimale: Literal[",", "."]
) -> list[tuple[AlignedColumn, pa.Array, pa.Array | None]]:
    """Each column but the key, in file order: (column, texts, float64 values or None for an attribute)."""
    mesures = []
    for colonne in alignement.colonnes:
        if colonne.role != "cle":
            textes = pc.fill_null(grille.colonnes[colonne.indice], "")
            valeurs = None if colonne.role == "attribut" else parse_numbers(textes, decimale)
            mesures.append((colonne, textes, valeurs))
    return mesures


def melt(
    grille: Grid,
    mesures: list[tuple[AlignedColumn, pa.Array, pa.Array | None]],
    code_zone: pa.Array,
    est_controle: NDArray[np.bool_],
    provenance: Provenance,
) -> pa.Table:
    """Melt n rows of k columns to n x k cells, in file order then column order.

    Args:
        grille: the file.
        mesures: its k columns, from ``measures``.
        code_zone: n stripped keys.
        est_controle: n booleans.
        provenance: written on each cell.

    Returns:
        The table of the bronze contract; ``valeur`` is null when blank, not a number, or an attribute.
    """
    n, k = len(grille.lignes), len(mesures)
    # The columns come one after the other; cell (row i, column j) of the file is at j * n + i there.
    ordre = pa.array(np.arange(n * k, dtype=np.int64).reshape(k, n).T.ravel())
    textes = _joined([textes for _, textes, _ in mesures], pa.string())
    sans_valeur = pa.nulls(n, pa.float64())
    valeurs = _joined([sans_valeur if v is None else v for _, _, v in mesures], pa.float64())
    rangs = pa.array(np.repeat(np.arange(n, dtype=np.int64), k))
    colonnes = [colonne for colonne, _, _ in mesures]
    return pa.table(
        {
            **provenance_columns(provenance, n * k),
            "ligne": pa.array(np.repeat(grille.lignes, k), pa.int32()),
            "code_zone": pc.take(code_zone, rangs),
            "est_controle": pa.array(np.repeat(est_controle, k), pa.bool_()),
            "variable": repeated(pa.array([c.nom for c in colonnes], pa.string()), n),
            "role": repeated(pa.array([c.role for c in colonnes], pa.string()), n),
            "colonne": repeated(pa.array([c.position for c in colonnes], pa.int32()), n),
            "valeur_texte": pc.take(textes, ordre),
            "valeur": pc.take(valeurs, ordre),
        }
    )


def _joined(morceaux: list[pa.Array], type_: pa.DataType) -> pa.Array:
    return pa.concat_arrays(morceaux) if morceaux else pa.array([], type_)

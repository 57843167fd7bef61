"""Shape « cellules »: one row per zone x column other than the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.catalogue import Table
from qpv_emploi.lecture.colonnes import AlignedColumn, Alignment
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import parse_numbers
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.reparation import repair_column
from qpv_emploi.lecture.repetition import provenance_columns, repeated


@dataclass(frozen=True)
class Zones:
    """What each of the n rows of a file is.

    Attributes:
        code_zone: stripped keys.
        code_source: stripped codes of the zones when the key is their label, or None.
        code_repare: whether a code of the row got its leading zeros back.
        est_controle: whether the row is the control row.
    """

    code_zone: pa.Array
    code_source: pa.Array | None
    code_repare: NDArray[np.bool_]
    est_controle: NDArray[np.bool_]


def measures(
    grille: Grid, alignement: Alignment, decimale: Literal[",", "."]
) -> list[tuple[AlignedColumn, pa.Array, pa.Array | None]]:
    """Each column but the key and its code: (column, texts, float64 values or None for an attribute).

    In file order.
    """
    mesures = []
    for colonne in alignement.colonnes:
        if colonne.role not in ("cle", "code"):
            textes = pc.fill_null(grille.colonnes[colonne.indice], "")
            valeurs = None if colonne.role == "attribut" else parse_numbers(textes, decimale)
            mesures.append((colonne, textes, valeurs))
    return mesures


def melt(
    grille: Grid,
    table: Table,
    mesures: list[tuple[AlignedColumn, pa.Array, pa.Array | None]],
    zones: Zones,
    provenance: Provenance,
) -> pa.Table:
    """Melt n rows of k columns to n x k cells, in file order then column order.

    Args:
        grille: the file.
        table: its declaration.
        mesures: its k columns, from ``measures``.
        zones: what each of the n rows is.
        provenance: written on each cell.

    Returns:
        The table of the bronze contract; ``valeur`` is null when blank, not a number, or an attribute. It has
        a column ``code_source`` when the key is a label beside a code, ``code_repare`` when a column declares
        a repair.
    """
    n, k = len(grille.lignes), len(mesures)
    # The columns come one after the other; cell (row i, column j) of the file is at j * n + i there.
    ordre = pa.array(np.arange(n * k, dtype=np.int64).reshape(k, n).T.ravel())
    textes = _joined([textes for _, textes, _ in mesures], pa.string())
    sans_valeur = pa.nulls(n, pa.float64())
    valeurs = _joined([sans_valeur if v is None else v for _, _, v in mesures], pa.float64())
    rangs = pa.array(np.repeat(np.arange(n, dtype=np.int64), k))
    colonnes = [colonne for colonne, _, _ in mesures]
    options = repair_column(table, zones.code_repare)
    if zones.code_source is not None:
        options["code_source"] = zones.code_source
    return pa.table(
        {
            **provenance_columns(provenance, n * k),
            "ligne": pa.array(np.repeat(grille.lignes, k), pa.int32()),
            "code_zone": pc.take(zones.code_zone, rangs),
            **{nom: pc.take(valeurs_de_ligne, rangs) for nom, valeurs_de_ligne in options.items()},
            "est_controle": pa.array(np.repeat(zones.est_controle, k), pa.bool_()),
            "variable": repeated(pa.array([c.nom for c in colonnes], pa.string()), n),
            "role": repeated(pa.array([c.role for c in colonnes], pa.string()), n),
            "colonne": repeated(pa.array([c.position for c in colonnes], pa.int32()), n),
            "valeur_texte": pc.take(textes, ordre),
            "valeur": pc.take(valeurs, ordre),
        }
    )


def _joined(morceaux: list[pa.Array], type_: pa.DataType) -> pa.Array:
    return pa.concat_arrays(morceaux) if morceaux else pa.array([], type_)

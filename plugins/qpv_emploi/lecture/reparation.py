"""Leading zeros that a spreadsheet lost, put back where the catalogue declares the length of the code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qpv_emploi.catalogue import Table
from qpv_emploi.lecture.colonnes import Alignment
from qpv_emploi.lecture.grille import Grid


def repair_codes(grille: Grid, alignement: Alignment) -> tuple[Grid, NDArray[np.bool_]]:
    """Complete the codes of the columns that declare ``zeros``.

    A code made of digits only is the trace of a number; anything else (``2A001``, ``ZZZZ``) lost nothing.

    Returns:
        The grid with the repaired texts, and n booleans: true where a code of the row was completed.
    """
    colonnes = list(grille.colonnes)
    repare = np.zeros(len(grille.lignes), bool)
    for colonne in alignement.colonnes:
        longueur = colonne.declaree.zeros if colonne.declaree else None
        if longueur is None:
            continue
        textes = grille.colonnes[colonne.indice]
        propres = pc.utf8_trim_whitespace(pc.fill_null(textes, ""))
        courts = pc.match_substring_regex(propres, f"^[0-9]{{1,{longueur - 1}}}$")
        colonnes[colonne.indice] = pc.if_else(courts, pc.utf8_lpad(propres, longueur, "0"), textes)
        repare |= courts.to_numpy(zero_copy_only=False)
    return replace(grille, colonnes=tuple(colonnes)), repare


def repair_column(table: Table, repare: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """The column ``code_repare`` of a table that declares a repair; nothing for the others."""
    return {"code_repare": pa.array(repare, pa.bool_())} if table.repare_codes else {}

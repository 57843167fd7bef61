"""Shape « lignes »: one row per row of the file, columns kept by name."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qpv_emploi.catalogue import Table
from qpv_emploi.errors import SettingsError
from qpv_emploi.lecture.colonnes import Alignment
from qpv_emploi.lecture.geometrie import geometry_columns
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import parse_numbers
from qpv_emploi.lecture.provenance import CORRECTION, Provenance
from qpv_emploi.lecture.reparation import repair_column
from qpv_emploi.lecture.repetition import provenance_columns

_SOURCE = "__source"


def rows(
    grille: Grid,
    alignement: Alignment,
    table: Table,
    decimale: Literal[",", "."],
    code_repare: NDArray[np.bool_],
    provenance: Provenance,
) -> pa.Table:
    """The table of the bronze contract.

    Columns: provenance, ``ligne``, ``code_repare`` when a column declares a repair, each declared column as
    text followed by ``<nom>__valeur`` when it is a number, each unknown column as text, then the geometry. A
    declared column that the file lacks is all null. An unknown column whose name is already taken (SQL
    ignores case) gets the suffix ``__source``.

    Raises:
        SettingsError: a declared column has the name of a column of ours.
    """
    n = len(grille.lignes)
    colonnes: dict[str, pa.Array | pa.ChunkedArray] = {
        **provenance_columns(provenance, n),
        "ligne": pa.array(grille.lignes, pa.int32()),
        **repair_column(table, code_repare),
    }
    geometrie: dict[str, pa.Array] = {}
    if grille.geometries is not None:
        cle = alignement.named(table.cle[0].nom)
        codes = grille.colonnes[cle.indice].to_pylist() if cle else []
        geometrie = geometry_columns(
            grille.geometries, [(code or "").strip() for code in codes], table.lecture.projections
        )
    pris = {nom.casefold() for nom in (*colonnes, *geometrie, CORRECTION)}

    for declaree in table.colonnes:
        lue = alignement.named(declaree.nom)
        textes = grille.colonnes[lue.indice] if lue else pa.nulls(n, pa.string())
        nouvelles = {declaree.nom: textes}
        if declaree.type == "nombre":
            nouvelles[f"{declaree.nom}__valeur"] = parse_numbers(textes, decimale)
        for nom, valeurs in nouvelles.items():
            if nom.casefold() in pris:
                raise SettingsError(
                    f"{provenance.producteur}/{provenance.jeu} : la colonne {nom} du catalogue porte le nom"
                    " d'une autre colonne de la table bronze ; la renommer avec un alias"
                )
            pris.add(nom.casefold())
            colonnes[nom] = valeurs
    for colonne in alignement.colonnes:
        if colonne.declaree is None:
            nom = colonne.nom
            while nom.casefold() in pris:
                nom += _SOURCE
            pris.add(nom.casefold())
            colonnes[nom] = grille.colonnes[colonne.indice]
    return pa.table({**colonnes, **geometrie})

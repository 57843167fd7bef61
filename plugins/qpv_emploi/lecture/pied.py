"""Rows under a table that are not zones: sources, fields of study, notes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qpv_emploi.catalogue import Table
from qpv_emploi.lecture.cles import stripped
from qpv_emploi.lecture.colonnes import Alignment
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.provenance import Provenance


def without_notes(grille: Grid, alignement: Alignment, table: Table, provenance: Provenance) -> Grid:
    """The grid without the rows whose key is that of ``lignes_ignorees``.

    Raises:
        RefusedFile: such a row holds a measure (it is a zone with a bad key), or no row is left.
    """
    cle = alignement.named(table.cle[0].nom)
    if table.lignes_ignorees is None or cle is None:
        return grille
    motif = re.compile(table.lignes_ignorees)
    cles = stripped(grille.colonnes[cle.indice]).to_pylist()
    ignorees = np.array([bool(motif.fullmatch(texte)) for texte in cles], bool)
    for colonne in alignement.colonnes:
        if colonne.role not in ("variable", "note"):
            continue
        remplies = pc.not_equal(stripped(grille.colonnes[colonne.indice]), "").to_numpy(zero_copy_only=False)
        for i in np.flatnonzero(remplies & ignorees)[:1]:
            texte = grille.colonnes[colonne.indice][int(i)].as_py()
            raise provenance.refuse(
                f"ligne {grille.lignes[i]} : la clé « {cles[i][:40] or '(vide)'} » n'est pas celle d'une"
                f" zone, mais la colonne {colonne.nom} vaut « {texte} »",
                attendu="une clé sur chaque ligne qui porte une mesure",
                action="déposer le fichier d'origine ou corriger lignes_ignorees au catalogue",
            )
    if ignorees.all():
        raise provenance.refuse(
            f"aucune ligne de données : toutes les clés sont de la forme {table.lignes_ignorees}",
            attendu="au moins une zone",
            action="déposer le fichier complet ou corriger lignes_ignorees au catalogue",
        )
    garde = pa.array(~ignorees)
    return replace(
        grille,
        colonnes=tuple(colonne.filter(garde) for colonne in grille.colonnes),
        lignes=grille.lignes[~ignorees],
    )

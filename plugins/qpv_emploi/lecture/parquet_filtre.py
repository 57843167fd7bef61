"""Parquet too large to be read whole -> grid: the declared columns of the rows that pass the filter."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qpv_emploi.catalogue import Table
from qpv_emploi.catalogue.models import RowFilter
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import number_text
from qpv_emploi.lecture.provenance import Provenance

_BATCH = 65_536


def read_filtered(chemin: Path, table: Table, provenance: Provenance) -> Grid:
    """Read the declared columns that the file has, for the rows that the declared filter keeps.

    Memory is that of one batch of the declared columns plus the rows kept: a file of 38 million
    establishments never lives whole. Row groups whose statistics exclude every prefix are not opened.

    Returns:
        The grid; ``lignes`` is the 1-based rank of the row in the whole file, ``positions`` those of the
        columns.

    Raises:
        RefusedFile: not a Parquet file, damaged, without the filtered column, or without any row kept.
    """
    filtre = table.lecture.filtre
    assert filtre is not None  # a validator of the catalogue
    try:
        # pre_buffer would fetch every column chunk of a row group ahead of its batches.
        with pq.ParquetFile(chemin, pre_buffer=False) as fichier:
            return _read(fichier, table, filtre, provenance)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as erreur:
        raise provenance.refuse(
            f"Parquet illisible ({erreur})",
            attendu="un fichier Parquet entier",
            action="télécharger de nouveau le fichier",
        ) from erreur


def _read(fichier: pq.ParquetFile, table: Table, filtre: RowFilter, provenance: Provenance) -> Grid:
    noms = fichier.schema_arrow.names
    declares = {nom: c.nom for c in table.colonnes for nom in (c.nom, *c.alias)}
    lus = [nom for nom in noms if nom in declares]
    colonne_du_filtre = next((nom for nom in lus if declares[nom] == filtre.colonne), None)
    if colonne_du_filtre is None:
        raise provenance.refuse(
            f"la colonne {filtre.colonne}, sur laquelle porte le filtre, est absente ; colonnes du fichier :"
            f" {', '.join(noms)}",
            attendu=f"la colonne {filtre.colonne}",
            action="vérifier que c'est le bon fichier ; si le producteur a renommé la colonne,"
            " ajouter un alias au catalogue",
        )
    morceaux: list[list[pa.Array]] = [[] for _ in lus]
    lignes = [np.array([], np.int32)]
    debut = 1
    for groupe in range(fichier.num_row_groups):
        nombre = fichier.metadata.row_group(groupe).num_rows
        if _may_match(fichier, groupe, colonne_du_filtre, filtre):
            rang = debut
            for lot in fichier.iter_batches(_BATCH, row_groups=[groupe], columns=lus):
                gardees = _kept(lot.column(lus.index(colonne_du_filtre)), filtre)
                lignes.append((rang + np.flatnonzero(gardees)).astype(np.int32))
                for morceau, colonne in zip(morceaux, lot.columns, strict=True):
                    morceau.append(_texts(colonne.filter(pa.array(gardees))))
                rang += lot.num_rows
        debut += nombre
    rangs = np.concatenate(lignes)
    if not rangs.size:
        raise provenance.refuse(
            f"aucune des {debut - 1} lignes ne passe le filtre {filtre.colonne} :"
            f" {', '.join(f'{p}…' for p in filtre.prefixes)}",
            attendu="au moins une ligne",
            action="vérifier que c'est le bon fichier, ou corriger le filtre au catalogue",
        )
    return Grid(
        entete=tuple(lus),
        positions=tuple(noms.index(nom) + 1 for nom in lus),
        colonnes=tuple(pa.concat_arrays(morceau) for morceau in morceaux),
        lignes=rangs,
    )


def _may_match(fichier: pq.ParquetFile, groupe: int, colonne: str, filtre: RowFilter) -> bool:
    """Whether the statistics of a row group leave room for a prefix; true without statistics."""
    metadonnees = fichier.metadata.row_group(groupe).column(fichier.schema.names.index(colonne))
    if not metadonnees.is_stats_set or not metadonnees.statistics.has_min_max:
        return True
    bas, haut = metadonnees.statistics.min, metadonnees.statistics.max
    if not isinstance(bas, str):
        return True
    # U+10FFFF sorts after any text that goes on after the prefix.
    return any(bas <= prefixe + "\U0010ffff" and prefixe <= haut for prefixe in filtre.prefixes)


def _kept(textes: pa.Array, filtre: RowFilter) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    gardees = np.zeros(len(textes), bool)
    textes = pc.utf8_ltrim_whitespace(pc.fill_null(pc.cast(textes, pa.string()), ""))
    for prefixe in filtre.prefixes:
        gardees |= pc.starts_with(textes, prefixe).to_numpy(zero_copy_only=False)
    return gardees


def _texts(colonne: pa.Array) -> pa.Array:
    if pa.types.is_floating(colonne.type):
        # Arrow writes large numbers with an exponent; not-a-number is how some writers say null.
        nombres = colonne.to_pylist()
        return pa.array(
            [None if v is None or not math.isfinite(v) else number_text(v) for v in nombres], pa.string()
        )
    return pc.cast(colonne, pa.string())

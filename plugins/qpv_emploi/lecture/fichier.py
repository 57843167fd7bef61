"""One file and one declared table -> one bronze table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa

from qpv_emploi.catalogue import BronzeTable, SourceVariable, Table
from qpv_emploi.lecture.cellules import Zones, measures, melt
from qpv_emploi.lecture.cles import check_keys, stripped
from qpv_emploi.lecture.colonnes import Alignment, align
from qpv_emploi.lecture.empreinte import content_digest, normalised
from qpv_emploi.lecture.encodage import check_labels
from qpv_emploi.lecture.grille import Grid
from qpv_emploi.lecture.nombres import parse_numbers
from qpv_emploi.lecture.pied import without_notes
from qpv_emploi.lecture.provenance import Provenance
from qpv_emploi.lecture.reparation import repair_codes
from qpv_emploi.lecture.resultat import ReadTable


def read_table(
    chemin: Path, bronze: BronzeTable, provenance: Provenance, variables: Sequence[SourceVariable]
) -> ReadTable:
    """Read one table of a file; see ``qpv_emploi.lecture.read_file``."""
    table = bronze.table
    grille = read_grid(chemin, table, provenance)
    alignement = align(grille.entete, grille.positions, bronze, provenance, variables)
    grille = without_notes(grille, alignement, table, provenance)
    grille, code_repare = repair_codes(grille, alignement)
    _check_texts(grille, alignement, table, provenance)
    par_nom = {colonne.nom: grille.colonnes[colonne.indice] for colonne in alignement.colonnes}
    cles = [stripped(par_nom[colonne.nom]) for colonne in table.cle]
    est_controle = check_keys(cles, grille.lignes, table, provenance)
    decimale = decimal_mark(table)

    if table.forme == "cellules":
        mesures = measures(grille, alignement, decimale)
        codes = [stripped(par_nom[colonne.nom]) for colonne in table.columns_of("code")]
        zones = Zones(cles[0], codes[0] if codes else None, code_repare, est_controle)
        donnees = melt(grille, table, mesures, zones, provenance)
        contenu = {c.nom: normalised(textes, v) for c, textes, v in mesures if v is not None}
    else:
        # Geometry libraries are only needed by this shape.
        from qpv_emploi.lecture.lignes import rows

        donnees = rows(grille, alignement, table, decimale, code_repare, provenance)
        contenu = _texts(grille, alignement, decimale)
    return ReadTable(
        table=bronze,
        donnees=donnees,
        nb_lignes=len(grille.lignes),
        colonnes_inconnues=alignement.inconnues,
        colonnes_absentes=alignement.absentes,
        empreinte_contenu=content_digest(cles, contenu),
    )


def read_grid(chemin: Path, table: Table, provenance: Provenance) -> Grid:
    """The rows of a file as text, by the reader of its family."""
    famille = table.lecture.famille
    if famille in ("csv", "csv_zip"):
        from qpv_emploi.lecture.csv_texte import read_csv

        return read_csv(chemin, table.lecture, provenance)
    if famille == "tableur":
        from qpv_emploi.lecture.tableur import read_sheet

        return read_sheet(chemin, table, provenance)
    if famille == "geojson":
        from qpv_emploi.lecture.geojson import read_geojson

        return read_geojson(chemin, table.lecture, provenance)
    if famille == "parquet":
        from qpv_emploi.lecture.parquet_filtre import read_filtered

        return read_filtered(chemin, table, provenance)
    if famille == "page_html":
        from qpv_emploi.lecture.page_html import read_page

        return read_page(chemin, table.lecture, provenance)
    if famille == "formulaire":
        from qpv_emploi.lecture.formulaire import read_form_sheet

        return read_form_sheet(chemin, table, provenance)
    from qpv_emploi.lecture.shapefile import read_shapefile

    return read_shapefile(chemin, table.lecture, provenance)


def decimal_mark(table: Table) -> Literal[",", "."]:
    """Decimal mark of the texts of a table."""
    # JSON, DBF and Parquet have numbers of their own, written here with a point.
    famille = table.lecture.famille
    return "." if famille in ("geojson", "shapefile_zip", "parquet") else table.lecture.decimale


def _check_texts(grille: Grid, alignement: Alignment, table: Table, provenance: Provenance) -> None:
    for colonne in alignement.colonnes:
        type_ = colonne.declaree.type if colonne.declaree else "texte"
        if colonne.role == "attribut" and type_ == "texte":
            textes = grille.colonnes[colonne.indice]
            check_labels(colonne.nom, textes, grille.lignes, table.lecture.encodage, provenance)


def _texts(grille: Grid, alignement: Alignment, decimale: Literal[",", "."]) -> dict[str, pa.Array]:
    contenu = {}
    for colonne in alignement.colonnes:
        if colonne.role == "cle":
            continue
        textes = grille.colonnes[colonne.indice]
        nombre = colonne.declaree is not None and colonne.declaree.type == "nombre"
        contenu[colonne.nom] = normalised(textes, parse_numbers(textes, decimale) if nombre else None)
    if grille.geometries is not None:
        from qpv_emploi.lecture.geometrie import geometry_digests

        # Without it, outlines revised under the same codes would pass for the same content.
        contenu["geometrie_wkb"] = geometry_digests(grille.geometries)
    return contenu

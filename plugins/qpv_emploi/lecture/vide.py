"""The bronze table of a dataset that has no file yet: the columns of its shape, no row."""

from __future__ import annotations

import pyarrow as pa

from qpv_emploi.catalogue import BronzeTable

_PROVENANCE = ("producteur", "jeu", "millesime", "fichier", "empreinte_sha256")


def empty_table(bronze: BronzeTable) -> pa.Table:
    """An empty table with the columns and types that the readers give for this declaration."""
    fields: list[tuple[str, pa.DataType]] = [(nom, pa.string()) for nom in _PROVENANCE]
    fields.append(("ligne", pa.int32()))
    table = bronze.table
    repare = [("code_repare", pa.bool_())] if table.repare_codes else []
    if table.forme == "cellules":
        fields += [
            ("code_zone", pa.string()),
            *repare,
            *[("code_source", pa.string()) for _ in table.columns_of("code")],
            ("est_controle", pa.bool_()),
            ("variable", pa.string()),
            ("role", pa.string()),
            ("colonne", pa.int32()),
            ("valeur_texte", pa.string()),
            ("valeur", pa.float64()),
        ]
    else:
        fields += repare
        for colonne in table.colonnes:
            fields.append((colonne.nom, pa.string()))
            if colonne.type == "nombre":
                fields.append((f"{colonne.nom}__valeur", pa.float64()))
        if table.lecture.famille in ("shapefile_zip", "geojson"):
            fields += [
                ("geometrie_wkb", pa.binary()),
                ("geometrie_reparee", pa.bool_()),
                ("longitude", pa.float64()),
                ("latitude", pa.float64()),
                ("surface_m2", pa.float64()),
            ]
    return pa.schema(fields).empty_table()

"""Corrections that the bronze tables of a build carry, for the warehouse to list them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from qpv_emploi.catalogue import Catalogue
from qpv_emploi.conservation import LockEntry
from qpv_emploi.errors import BuildError
from qpv_emploi.lecture.corrections import SEPARATOR
from qpv_emploi.lecture.provenance import CORRECTION

TABLE = "entrepot__correction"

_SCHEMA = pa.schema(
    [
        ("code_correction", pa.string()),
        ("producteur", pa.string()),
        ("jeu", pa.string()),
        ("millesime", pa.string()),
        ("table_bronze", pa.string()),
        ("fichier", pa.string()),
        ("empreinte_sha256", pa.string()),
        ("ligne", pa.int32()),
        ("repere", pa.string()),
        ("colonne", pa.string()),
        ("valeur_publiee", pa.string()),
        ("valeur_corrigee", pa.string()),
        ("motif", pa.string()),
        ("source", pa.string()),
        ("decide_le", pa.date32()),
        ("auteur", pa.string()),
    ]
)


def lay_corrections(
    connection: duckdb.DuckDBPyConnection, schema: str, catalogue: Catalogue, entries: Sequence[LockEntry]
) -> None:
    """Create ``<schema>.entrepot__correction``: one row per correction x vintage.

    Read off the bronze tables, so that nothing is listed that was not applied. Datasets of the tests only
    (``usage: essais``) are left out, as they are of the sources.

    Raises:
        BuildError: a bronze table carries a correction that the file of corrections no longer holds.
    """
    rows = pa.Table.from_pylist(_rows(connection, schema, catalogue, entries), schema=_SCHEMA)
    connection.register("correction_rows", rows)
    connection.execute(f"create table {schema}.{TABLE} as select * from correction_rows")
    connection.unregister("correction_rows")


def _rows(
    connection: duckdb.DuckDBPyConnection, schema: str, catalogue: Catalogue, entries: Sequence[LockEntry]
) -> list[dict[str, object]]:
    known = {found.correction.code: found.correction for found in catalogue.corrections}
    held = {name for entry in entries for file in entry.fichiers for name in file.bronze}
    tables = {found.table.nom: found.table for found in catalogue.corrections if found.table.nom in held}
    rows: list[dict[str, object]] = []
    for table in tables.values():
        if table.jeu.usage == "essais":
            continue
        marked = connection.execute(
            f"select distinct {CORRECTION}, millesime, fichier, empreinte_sha256, ligne "
            f"from {schema}.{table.nom} where {CORRECTION} is not null order by all"
        ).fetchall()
        for codes, millesime, fichier, empreinte, ligne in marked:
            for code in codes.split(SEPARATOR):
                if code not in known:
                    raise BuildError(
                        f"table bronze {table.nom}, {millesime}/{fichier} : lue avec la correction {code}, "
                        "qui n'est plus au catalogue ; à faire : relancer l'ingestion (`qpv run`)"
                    )
                correction = known[code]
                rows.append(
                    {
                        "code_correction": code,
                        "producteur": table.producteur,
                        "jeu": table.jeu.jeu,
                        "millesime": millesime,
                        "table_bronze": table.nom,
                        "fichier": fichier,
                        "empreinte_sha256": empreinte,
                        "ligne": ligne,
                        "repere": correction.repere,
                        "colonne": correction.colonne,
                        # The guard of the reading held: it is the text published.
                        "valeur_publiee": correction.valeur_attendue or None,
                        "valeur_corrigee": correction.valeur_corrigee or None,
                        "motif": correction.motif,
                        "source": correction.source,
                        "decide_le": correction.decide_le,
                        "auteur": correction.auteur,
                    }
                )
    return rows

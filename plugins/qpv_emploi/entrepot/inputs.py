"""Inputs of a build, laid in the work database: the bronze tables of the lock and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from qpv_emploi.catalogue import BronzeTable, Catalogue
from qpv_emploi.conservation import LockEntry, Manifest
from qpv_emploi.entrepot.corrections import lay_corrections
from qpv_emploi.errors import BuildError
from qpv_emploi.lecture.corrections import uncorrected
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.settings import Settings

SCHEMA = "bronze"
SOURCE_TABLE = "entrepot__jeu_source"

_SOURCE_SCHEMA = pa.schema(
    [
        *(
            (nom, pa.string())
            for nom in (
                "producteur",
                "jeu",
                "millesime",
                "titre",
                "description",
                "licence",
                "page",
                "publie_le",
                "recupere_le",
                "fichiers",
                "empreinte_sha256",
            )
        ),
        ("nb_fichiers", pa.int32()),
        ("type_territoire", pa.string()),
        ("generation", pa.string()),
        ("methode_secret", pa.string()),
        ("seuil", pa.int32()),
        ("parametre_d", pa.int32()),
        ("arrondi", pa.int32()),
        ("cadence", pa.string()),
        ("delai_usuel_jours", pa.int32()),
        ("avertissement", pa.string()),
        ("est_fictif", pa.bool_()),
    ]
)


def entries_in_use(catalogue: Catalogue, entries: Sequence[LockEntry]) -> list[LockEntry]:
    """Entries of the lock that the catalogue still knows, sorted.

    Raises:
        BuildError: a reference dataset has no vintage in the lock.
    """
    known = {(producteur, jeu.jeu) for producteur, jeu in catalogue.datasets()}
    used = sorted((e for e in entries if (e.producteur, e.jeu) in known), key=lambda e: e.cle)
    present = {(e.producteur, e.jeu) for e in used}
    missing = [
        f"{producteur}/{jeu.jeu}"
        for producteur, jeu in catalogue.datasets()
        if jeu.reference and (producteur, jeu.jeu) not in present
    ]
    if missing:
        raise BuildError(
            f"jeux de référence sans millésime accepté : {', '.join(missing)} ; attendu : au moins un "
            "millésime de chacun ; à faire : les déposer dans <dépôt>/<producteur>/<jeu>/<millesime>/ et "
            "relancer, ou lire `qpv status` s'ils ont été refusés"
        )
    return used


def lay_inputs(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    catalogue: Catalogue,
    entries: Sequence[LockEntry],
) -> None:
    """Create schema ``bronze`` in the work database: one view per bronze table over the files of the lock.

    A declared table without any file becomes an empty table of the same columns, so that the models do not
    depend on which datasets have arrived.
    """
    connection.execute(f"create schema {SCHEMA}")
    for table in catalogue.tables():
        paths = [
            settings.paths.root / fichier.bronze[table.nom]
            for entry in entries
            for fichier in entry.fichiers
            if table.nom in fichier.bronze
        ]
        _lay_table(connection, table, paths)
    source = pa.Table.from_pylist(_source_rows(settings, catalogue, entries), schema=_SOURCE_SCHEMA)
    connection.register("source_rows", source)
    connection.execute(f"create table {SCHEMA}.{SOURCE_TABLE} as select * from source_rows")
    connection.unregister("source_rows")
    lay_corrections(connection, SCHEMA, catalogue, entries)


def _lay_table(connection: duckdb.DuckDBPyConnection, table: BronzeTable, paths: list[Path]) -> None:
    if paths:
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise BuildError(
                f"table bronze {table.nom} : {missing[0]} manque, que le verrou nomme ; à faire : relancer "
                "l'ingestion (`qpv run`), qui la relit depuis le brut"
            )
        listing = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        connection.execute(
            f"create view {SCHEMA}.{table.nom} as "
            f"select * from read_parquet([{listing}], union_by_name = true)"
        )
        return
    connection.register("empty_rows", uncorrected(empty_table(table)))
    connection.execute(f"create table {SCHEMA}.{table.nom} as select * from empty_rows")
    connection.unregister("empty_rows")


def _source_rows(
    settings: Settings, catalogue: Catalogue, entries: Sequence[LockEntry]
) -> list[dict[str, object]]:
    fictional = {r.empreinte_sha256: r.est_fictif for r in Manifest(settings.paths).receptions()}
    rows: list[dict[str, object]] = []
    for entry in entries:
        jeu = catalogue.dataset(entry.producteur, entry.jeu)
        if jeu.usage == "essais":
            # Read and judged, but a release says nothing of what it must not use.
            continue
        special = jeu.millesimes.get(entry.millesime)
        secrecy = jeu.secrecy_of(entry.millesime)
        warnings = (jeu.avertissement, special.avertissement if special else "")
        rows.append(
            {
                "producteur": entry.producteur,
                "jeu": entry.jeu,
                "millesime": entry.millesime,
                "titre": jeu.titre,
                "description": jeu.description,
                "licence": jeu.licence,
                "page": jeu.page or None,
                "publie_le": special.publie_le if special else None,
                "recupere_le": max(f.recu_le for f in entry.fichiers)[:10],
                "fichiers": "|".join(f.fichier for f in entry.fichiers),
                "empreinte_sha256": "|".join(f.empreinte_sha256 for f in entry.fichiers),
                "nb_fichiers": len(entry.fichiers),
                "type_territoire": jeu.type_territoire,
                "generation": jeu.generation,
                "methode_secret": secrecy.methode,
                "seuil": secrecy.seuil,
                "parametre_d": secrecy.parametre_d,
                "arrondi": secrecy.arrondi,
                "cadence": jeu.cadence,
                "delai_usuel_jours": jeu.delai_usuel_jours,
                "avertissement": " ".join(filter(None, warnings)) or None,
                "est_fictif": all(fictional[f.empreinte_sha256] for f in entry.fichiers),
            }
        )
    return rows

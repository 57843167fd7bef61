"""Inputs of a build, laid in the work database: the bronze tables of the lock and nothing else.

Statistical tables (« cellules ») hold every version of their files, each with the days between which it was
known; the others hold the files in use only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from qpv_emploi.catalogue import BronzeTable, Catalogue
from qpv_emploi.conservation import BronzeFiles, ConservationError, LockEntry, Manifest
from qpv_emploi.entrepot.corrections import lay_corrections
from qpv_emploi.entrepot.history import FileVersion, file_versions
from qpv_emploi.entrepot.recouvrement import lay_overlaps
from qpv_emploi.errors import BuildError
from qpv_emploi.lecture.corrections import uncorrected
from qpv_emploi.lecture.vide import empty_table
from qpv_emploi.settings import Settings

SCHEMA = "bronze"
SOURCE_TABLE = "entrepot__jeu_source"

# What the view of a statistical table adds to its bronze: columns of the clock, never stored in Parquet.
VERSION_COLUMNS = {
    "connu_du": pa.date32(),
    "connu_au": pa.date32(),
    "est_version_courante": pa.bool_(),
    "est_premiere_version": pa.bool_(),
}
_VERSION_TABLE = "entrepot__version"
_VERSION_SCHEMA = pa.schema(
    [
        *((nom, pa.string()) for nom in ("producteur", "jeu", "millesime", "empreinte_sha256")),
        *VERSION_COLUMNS.items(),
    ]
)

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
    versions: Sequence[FileVersion] | None = None,
) -> None:
    """Create schema ``bronze`` in the work database: one view per bronze table over the files of the lock.

    A declared table without any file becomes an empty table of the same columns, so that the models do not
    depend on which datasets have arrived. What only Python can compute, the overlap of outlines, is laid too.

    Args:
        versions: every version of the files of ``entries``; by default the files in use, known since their
            reception. A superseded one without bronze is left out.
    """
    if versions is None:
        versions = file_versions(entries, (), ())
    bronze = BronzeFiles(settings.paths)
    connection.execute(f"create schema {SCHEMA}")
    _lay_versions(connection, versions)
    for table in catalogue.tables():
        cellules = table.table.forme == "cellules"
        needed = {
            version.bronze[table.nom]: version
            for version in versions
            if table.nom in version.bronze and (cellules or version.est_courante)
        }
        paths = [_local_bronze(bronze, table, name, version) for name, version in needed.items()]
        _lay_table(connection, table, paths)
    source = pa.Table.from_pylist(_source_rows(settings, catalogue, entries), schema=_SOURCE_SCHEMA)
    _lay_rows(connection, SOURCE_TABLE, source)
    lay_overlaps(connection, SCHEMA, catalogue)
    lay_corrections(connection, SCHEMA, catalogue, entries)


def _lay_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("rows_to_lay", rows)
    connection.execute(f"create table {SCHEMA}.{name} as select * from rows_to_lay")
    connection.unregister("rows_to_lay")


def _lay_versions(connection: duckdb.DuckDBPyConnection, versions: Sequence[FileVersion]) -> None:
    rows = [
        {
            "producteur": version.producteur,
            "jeu": version.jeu,
            "millesime": version.millesime,
            "empreinte_sha256": version.empreinte_sha256,
            "connu_du": date.fromisoformat(version.connu_du),
            "connu_au": date.fromisoformat(version.connu_au) if version.connu_au else None,
            "est_version_courante": version.est_courante,
            "est_premiere_version": version.est_premiere,
        }
        for version in versions
    ]
    _lay_rows(connection, _VERSION_TABLE, pa.Table.from_pylist(rows, schema=_VERSION_SCHEMA))


def _local_bronze(bronze: BronzeFiles, table: BronzeTable, name: str, version: FileVersion) -> Path:
    """The bronze file of a version, here.

    Raises:
        BuildError: it is not kept.
        ConservationError: what is kept is damaged, or the storage does not answer.
    """
    try:
        path = bronze.local(name)
    except ConservationError as error:
        whose = f"{'/'.join(version.cle)} ({version.fichier})"
        raise type(error)(f"table bronze {table.nom}, {whose} : {error}") from error
    if path is None:
        raise BuildError(
            f"table bronze {table.nom} : {bronze.address(name)} manque, que le verrou nomme ; à faire : "
            "relancer l'ingestion (`qpv run`), qui la relit depuis le brut"
        )
    return path


def _lay_table(connection: duckdb.DuckDBPyConnection, table: BronzeTable, paths: list[Path]) -> None:
    cellules = table.table.forme == "cellules"
    if not paths:
        empty = uncorrected(empty_table(table))
        if cellules:
            for name, type_ in VERSION_COLUMNS.items():
                empty = empty.append_column(name, pa.array([], type_))
        _lay_rows(connection, table.nom, empty)
        return
    listing = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    rows = f"read_parquet([{listing}], union_by_name = true)"
    if cellules:
        columns = ", ".join(f"version.{name}" for name in VERSION_COLUMNS)
        # Bytes put back after others have two versions: their rows are there twice, each with its days.
        rows = (
            f"(select cellule.*, {columns} from {rows} as cellule inner join {SCHEMA}.{_VERSION_TABLE} as "
            "version using (producteur, jeu, millesime, empreinte_sha256))"
        )
    connection.execute(f"create view {SCHEMA}.{table.nom} as select * from {rows}")


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

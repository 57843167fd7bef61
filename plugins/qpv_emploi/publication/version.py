"""The release that a publication is made from, and what its dictionary lets out of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.export import DATABASE

MANIFEST = "manifeste.json"

# Every file carries it, so that an invented figure never leaves its mark behind.
FICTIONAL = "est_fictif"
FICTIONAL_DESCRIPTION = (
    "Vrai quand la version vient de la région fictive : données inventées, à ne pas citer."
)
BANNER = "DONNÉES FICTIVES : région inventée (99), à ne jamais citer ni mêler à des données réelles"


@dataclass(frozen=True)
class SourceRelease:
    """A release as its own manifest describes it.

    Attributes:
        dossier: its directory, which is only read.
        identifiant: its name.
        publie_le, construit_le: ISO UTC moments.
        region: INSEE code of the region, or ``france``.
        est_fictif: invented data.
        entrees: producteur, jeu, millesime and fichiers of each dataset × vintage it was built from.
    """

    dossier: Path
    identifiant: str
    publie_le: str
    construit_le: str
    region: str
    est_fictif: bool
    entrees: tuple[dict[str, Any], ...]

    @property
    def base(self) -> Path:
        return self.dossier / DATABASE

    @property
    def jour(self) -> str:
        """ISO day of its publication."""
        return self.publie_le[:10]


@dataclass(frozen=True)
class Column:
    """A column that may leave.

    Attributes:
        nom, description: as in dbt.
        type: type of DuckDB (``VARCHAR``, ``DOUBLE``…).
        est_obligatoire: never null.
        reference: (relation, column) whose values it takes, None without any.
        valeurs: the values it may take, empty when they are not listed.
    """

    nom: str
    type: str
    description: str
    est_obligatoire: bool = False
    reference: tuple[str, str] | None = None
    valeurs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """A relation that may leave, with its columns in order.

    Attributes:
        nom, description, grain: as in dbt.
        est_vue: a view, which only repeats what the tables say.
        cle: columns that identify a row, empty when no test says so.
        colonnes: those that are marked, and ``est_fictif``.
    """

    nom: str
    description: str
    grain: str
    est_vue: bool
    cle: tuple[str, ...]
    colonnes: tuple[Column, ...]

    def column(self, nom: str) -> Column | None:
        """The column of that name, if it leaves."""
        return next((colonne for colonne in self.colonnes if colonne.nom == nom), None)

    @property
    def has_outlines(self) -> bool:
        """Holds binary geometry, that a table of text cannot show."""
        return any(colonne.type == "BLOB" for colonne in self.colonnes)


def read_release(folder: Path) -> SourceRelease:
    """Read the manifest of a release directory.

    Raises:
        QPVError: it is missing or damaged.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return SourceRelease(
            dossier=folder,
            identifiant=content["identifiant"],
            publie_le=content["publie_le"],
            construit_le=content["construit_le"],
            region=content["region"],
            est_fictif=content["est_fictif"],
            entrees=tuple(content["entrees"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise QPVError(f"{folder / MANIFEST} : manifeste de version absent ou illisible ({error})") from error


def marked_relations(connection: duckdb.DuckDBPyConnection, release: SourceRelease) -> tuple[Relation, ...]:
    """What may leave, sorted by name: the relations and columns that the dictionary marks.

    Raises:
        QPVError: the release has no dictionary (it was made before there was one), or the dictionary marks
            what the release does not hold.
    """
    physical = _physical(connection)
    try:
        relations = connection.execute(
            "select nom, description, grain, nature, cle from audit.relation where est_publiee order by nom"
        ).fetchall()
        columns = connection.execute(
            "select relation, nom, description, est_obligatoire, reference_relation, reference_colonne, "
            "valeurs from audit.colonne where est_publiee order by relation, position"
        ).fetchall()
    except duckdb.CatalogException as error:
        raise QPVError(
            f"version {release.identifiant} sans dictionnaire : rien n'y est marqué pour la publication ; "
            "à faire : `qpv run --force`, puis `qpv publish`"
        ) from error
    by_relation: dict[str, list[Column]] = {}
    for relation, nom, description, required, to_relation, to_column, values in columns:
        kind = physical.get((relation, nom))
        if kind is None:
            raise QPVError(
                f"version {release.identifiant} : {relation}.{nom} est au dictionnaire, pas dans la base"
            )
        by_relation.setdefault(relation, []).append(
            Column(
                nom,
                kind,
                description or "",
                bool(required),
                (to_relation, to_column) if to_relation else None,
                tuple(values or ()),
            )
        )
    return tuple(
        Relation(nom, description or "", grain or "", nature == "vue", _key(cle, own), _with_mark(own))
        for nom, description, grain, nature, cle in relations
        if (own := by_relation.get(nom, []))
    )


def _physical(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'main' and table_catalog = current_database()"
    ).fetchall()
    return {(table, column): kind for table, column, kind in rows}


def _key(cle: list[str] | None, columns: list[Column]) -> tuple[str, ...]:
    """The key, if all of it leaves."""
    names = {column.nom for column in columns}
    return tuple(cle) if cle and names.issuperset(cle) else ()


def _with_mark(columns: list[Column]) -> tuple[Column, ...]:
    if any(column.nom == FICTIONAL for column in columns):
        return tuple(columns)
    return (*columns, Column(FICTIONAL, "BOOLEAN", FICTIONAL_DESCRIPTION, est_obligatoire=True))

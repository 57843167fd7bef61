"""The database people take away: marked relations and columns only, each row with its fictional mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from qpv_emploi.errors import QPVError
from qpv_emploi.publication.export import STORAGE_VERSION
from qpv_emploi.publication.version import FICTIONAL, Relation, SourceRelease


def quoted(text: object) -> str:
    """A literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def write_database(release: SourceRelease, relations: Sequence[Relation], target: Path) -> None:
    """Write the marked part of a release into a new database, rows in their order, comments kept.

    Args:
        relations: what may leave; the views among them read only what leaves.
        target: file to create; its base name is that of the release's database, since views hold it.

    Raises:
        QPVError: a view reads a relation or a column that is not marked.
    """
    with duckdb.connect(str(release.base), read_only=True) as source:
        views = dict(
            source.execute(
                "select view_name, sql from duckdb_views() where schema_name = 'main' and not internal"
            ).fetchall()
        )
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(f"attach {quoted(target)} as cible (storage_version '{STORAGE_VERSION}')")
        connection.execute(f"attach {quoted(release.base)} as origine (read_only)")
        connection.execute("begin")
        for relation in relations:
            if not relation.est_vue:
                _copy(connection, relation, release.est_fictif)
        connection.execute("commit")
        connection.execute("detach origine")
        connection.execute("detach cible")
    with duckdb.connect(str(target)) as connection:
        # One transaction: a thousand comments, each pushed to the disk, would take longer than the rows.
        connection.execute("begin")
        for relation in relations:
            if relation.est_vue:
                _create_view(connection, relation, views[relation.nom])
            _comment(connection, relation)
        connection.execute("commit")


def _copy(connection: duckdb.DuckDBPyConnection, relation: Relation, fictional: bool) -> None:
    physical = {
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = 'origine' "
            "and schema_name = 'main' and table_name = ?",
            [relation.nom],
        ).fetchall()
    }
    definition = ", ".join(
        f"{c.nom} {c.type}{' not null' if c.est_obligatoire else ''}" for c in relation.colonnes
    )
    projection = ", ".join(
        c.nom if c.nom in physical else f"{str(fictional).lower()} as {FICTIONAL}" for c in relation.colonnes
    )
    connection.execute(f"create table cible.main.{relation.nom} ({definition})")
    connection.execute(
        f"insert into cible.main.{relation.nom} select {projection} from origine.main.{relation.nom}"
    )


def _create_view(connection: duckdb.DuckDBPyConnection, relation: Relation, sql: str) -> None:
    try:
        connection.execute(sql)
        shown = [row[0] for row in connection.execute(f"describe {relation.nom}").fetchall()]
    except duckdb.Error as error:
        raise QPVError(
            f"vue {relation.nom} : elle lit ce qui n'est pas marqué pour la publication "
            f"({str(error).splitlines()[0]}) ; à faire : marquer la vue `publie: false`, ou ce qu'elle lit"
        ) from error
    marked = [column.nom for column in relation.colonnes]
    hidden = [name for name in shown if name not in marked]
    missing = [name for name in marked if name not in shown]
    if hidden or missing:
        raise QPVError(
            f"vue {relation.nom} : une vue publiée l'est avec toutes ses colonnes et porte {FICTIONAL} ; "
            f"non marquées : {', '.join(hidden) or 'aucune'} ; absentes : {', '.join(missing) or 'aucune'}"
        )


def _comment(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    nature = "view" if relation.est_vue else "table"
    connection.execute(f"comment on {nature} {relation.nom} is {quoted(relation.description)}")
    for column in relation.colonnes:
        connection.execute(f"comment on column {relation.nom}.{column.nom} is {quoted(column.description)}")

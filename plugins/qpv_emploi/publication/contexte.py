"""What every file of a publication says of its release: title, region, statuses, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from qpv_emploi.publication.version import FICTIONAL, Relation, SourceRelease

TITLE = "Entrepôt de l'emploi dans les quartiers prioritaires de la politique de la ville"
PUBLISHER = "Équipe de l'entrepôt de l'emploi dans les QPV"

SOURCE_COLUMNS = (
    "producteur",
    "jeu",
    "millesime",
    "titre",
    "licence",
    "page",
    "publie_le",
    "recupere_le",
    "fichiers",
    "empreinte_sha256",
    "methode_secret",
    "avertissement",
    FICTIONAL,
)
_SOURCE_KEY = ("producteur", "jeu", "millesime")


@dataclass(frozen=True)
class Status:
    """A status of a value, as ``dim_statut`` defines it.

    Attributes:
        code, libelle, definition: as shown to an evaluator.
        est_manquante: the value is not there, and never is a zero.
    """

    code: str
    libelle: str
    definition: str
    est_manquante: bool


@dataclass(frozen=True)
class Context:
    """Facts that the descriptions and the workbooks share.

    Attributes:
        release: the release.
        libelle_region: name of its region.
        relations: what leaves.
        comptes: rows of each relation.
        statuts: by code.
        sources: one mapping per dataset × vintage, keys ``SOURCE_COLUMNS``, sorted.
    """

    release: SourceRelease
    libelle_region: str
    relations: tuple[Relation, ...]
    comptes: Mapping[str, int]
    statuts: Mapping[str, Status]
    sources: tuple[Mapping[str, Any], ...]

    @property
    def titre(self) -> str:
        """Title of the whole, with its region."""
        return f"{TITLE} : {self.libelle_region}"


def read_context(
    connection: duckdb.DuckDBPyConnection, release: SourceRelease, relations: tuple[Relation, ...]
) -> Context:
    """Read the facts of a published database (see :func:`qpv_emploi.publication.base.write_database`)."""
    present = {relation.nom for relation in relations}
    comptes = {}
    for relation in relations:
        ((count,),) = connection.execute(f"select count(*) from {relation.nom}").fetchall()
        comptes[relation.nom] = int(count)
    return Context(
        release=release,
        libelle_region=_region(connection, release, present),
        relations=relations,
        comptes=comptes,
        statuts=_statuses(connection) if "dim_statut" in present else {},
        sources=_sources(connection) if "dim_jeu_source" in present else (),
    )


def sources_of(
    connection: duckdb.DuckDBPyConnection, context: Context, relation: Relation
) -> tuple[Mapping[str, Any], ...]:
    """The sources that a relation cites, all of them when its rows cite none."""
    cited: set[tuple[str, ...]] | None = None
    if all(relation.column(name) for name in _SOURCE_KEY):
        columns = ", ".join(_SOURCE_KEY)
        cited = set(connection.execute(f"select distinct {columns} from {relation.nom}").fetchall())
    elif relation.column("cle_jeu_source"):
        rows = connection.execute(f"select distinct cle_jeu_source from {relation.nom}").fetchall()
        cited = {tuple(cle.split(":")) for (cle,) in rows if cle}
    if not cited:
        return context.sources
    return tuple(s for s in context.sources if tuple(s[name] for name in _SOURCE_KEY) in cited)


def _region(connection: duckdb.DuckDBPyConnection, release: SourceRelease, present: set[str]) -> str:
    if release.region == "france":
        return "France"
    if "dim_territoire" in present:
        rows = connection.execute(
            "select libelle_territoire from dim_territoire where type_territoire = 'region' "
            "and code_territoire = ? order by cle_territoire desc limit 1",
            [release.region],
        ).fetchall()
        if rows:
            return str(rows[0][0])
    return f"région {release.region}"


def _statuses(connection: duckdb.DuckDBPyConnection) -> dict[str, Status]:
    rows = connection.execute(
        "select code_statut, libelle_statut, definition, compte_comme_manquant <> 'non' from dim_statut "
        "order by coalesce(rang_gravite, 99), code_statut"
    ).fetchall()
    return {code: Status(code, label, definition or "", missing) for code, label, definition, missing in rows}


def _sources(connection: duckdb.DuckDBPyConnection) -> tuple[Mapping[str, Any], ...]:
    held = {name for name, *_ in connection.execute("describe dim_jeu_source").fetchall()}
    columns = [name if name in held else f"null as {name}" for name in SOURCE_COLUMNS]
    rows = connection.execute(
        f"select {', '.join(columns)} from dim_jeu_source order by {', '.join(_SOURCE_KEY)}"
    ).fetchall()
    return tuple(dict(zip(SOURCE_COLUMNS, row, strict=True)) for row in rows)

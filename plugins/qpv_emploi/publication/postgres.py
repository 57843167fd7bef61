"""A release in PostgreSQL, for BI tools and concurrent users: loaded aside, seen at once, one transaction.

What the dictionary marks is copied into a new schema, which then takes the name of the served one by a
rename. The schema that it replaces stays one more release, under ``<schema>_precedent``: an open dashboard
ends its work, and two releases can be compared. No reader is made to wait; a failure changes nothing.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.publication.avancement import Progress, Steps, silent
from qpv_emploi.publication.base import quoted
from qpv_emploi.publication.version import (
    BANNER,
    FICTIONAL,
    Column,
    Relation,
    SourceRelease,
    marked_relations,
    read_release,
)

SCHEMA = "qpv"
# Beside the tables of the dictionary: which release they are.
VERSION_TABLE = "version_publiee"

_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PREVIOUS, _LOADING, _READER = "_precedent", "_chargement", "_lecture"

# Seconds. Only somebody who reads the previous schema inside an open transaction can make us wait.
_LOCK_WAIT = 60
_CONNECT_WAIT = 10

_TYPES = {
    "VARCHAR": "text",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "BIGINT": "bigint",
    "HUGEINT": "numeric",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "BLOB": "bytea",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")

# Columns by which people join and filter, besides the key of each table and the references of the dictionary.
_SOUGHT = ("cle_territoire", "code_indicateur", "code_contrat", "code_qpv", "code_territoire", "cle_trace")

_NULL = r"\N"


@dataclass(frozen=True)
class PostgresReport:
    """What was loaded.

    Attributes:
        identifiant: the release that the schema holds.
        schema: name of the served schema.
        role: the role that may read it, and nothing more.
        est_nouvelle: loaded now, and not found there.
        comptes: rows of each table; empty when nothing was loaded.
        vues_anciennes: views of other people that read the former tables, and must be made again.
    """

    identifiant: str
    schema: str
    role: str
    est_nouvelle: bool
    comptes: dict[str, int]
    vues_anciennes: tuple[str, ...] = ()


def publish_to_postgres(
    release: Path,
    dsn: str,
    progress: Progress = silent,
    *,
    schema: str = SCHEMA,
    force: bool = False,
) -> PostgresReport:
    """Serve a release in a PostgreSQL database, in one transaction.

    Args:
        release: directory of the release; only read.
        dsn: connection string of libpq (``host=… dbname=…`` or ``postgresql://…``); what it lacks comes from
            the usual ``PG…`` variables and ``~/.pgpass``.
        progress: told after each table.
        schema: name of the schema to serve; lower case.
        force: load it again even if the schema already holds it.

    Raises:
        SettingsError: the connection string or the name of the schema is not one.
        QPVError: the server refuses, the schema belongs to somebody else, or real and fictional data would
            take each other's place. Nothing has changed.
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise SettingsError(
            f"« {schema} » : nom de schéma refusé ; attendu : minuscules, chiffres, soulignés, 41 au plus"
        )
    source = read_release(release)
    place = _place(dsn)
    try:
        with psycopg.connect(dsn, connect_timeout=_CONNECT_WAIT) as connection:
            return _Load(connection, source, schema).run(progress, force=force)
    except psycopg.Error as error:
        raise QPVError(
            f"PostgreSQL ({place}) : {_reason(error)} ; le schéma {schema} n'a pas changé"
        ) from error


def _place(dsn: str) -> str:
    """Where a connection string leads, without its password."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # The message of libpq would repeat the faulty part, which may be a password.
        raise SettingsError(
            "connexion PostgreSQL illisible ; attendu : « host=… dbname=… user=… » ou postgresql://…"
        ) from None
    where = str(parts.get("service") or parts.get("host") or "serveur par défaut")
    return f"{where}/{parts['dbname']}" if "dbname" in parts else where


def _reason(error: psycopg.Error) -> str:
    if isinstance(error, errors.LockNotAvailable):
        return f"une lecture de la version précédente dure depuis plus de {_LOCK_WAIT} s ; à faire : la finir"
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__


class _Load:
    """One load. The transaction of the connection is committed by the caller, or rolled back as a whole."""

    def __init__(self, connection: psycopg.Connection[Any], release: SourceRelease, schema: str) -> None:
        self._connection = connection
        self._release = release
        self._schema = schema
        self._previous = schema + _PREVIOUS
        self._loading = schema + _LOADING
        self._role = schema + _READER

    def run(self, progress: Progress, *, force: bool) -> PostgresReport:
        self._execute("select pg_advisory_xact_lock(hashtext(%s))", f"qpv_emploi:{self._schema}")
        self._execute(sql.SQL("set local lock_timeout = {}").format(f"{_LOCK_WAIT}s"))
        held = self._held(self._schema)
        if held is not None and held[1] != self._release.est_fictif:
            kinds = ("réelles", "fictives") if self._release.est_fictif else ("fictives", "réelles")
            raise QPVError(
                f"le schéma {self._schema} sert des données {kinds[0]} : il ne recevra pas de données "
                f"{kinds[1]} ; à faire : un autre schéma (--schema)"
            )
        if held is not None and held[0] == self._release.identifiant and not force:
            return PostgresReport(held[0], self._schema, self._role, False, {})
        # Only to refuse a schema of that name that we did not make.
        self._held(self._previous)
        readers = self._foreign_views(self._previous)
        if readers:
            raise QPVError(
                f"le schéma {self._previous} doit laisser la place, et des vues le lisent encore : "
                f"{', '.join(readers)} ; à faire : les refaire sur {self._schema}, puis recommencer"
            )
        self._reader()
        counts = self._fill(progress)
        stale = self._foreign_views(self._schema) if held is not None else ()
        self._swap(is_first=held is None)
        return PostgresReport(self._release.identifiant, self._schema, self._role, True, counts, stale)

    def _execute(self, query: str | sql.Composable, *values: object) -> list[tuple[Any, ...]]:
        # Psycopg wants literal text; every value of ours is quoted by psycopg or is a parameter.
        cursor = self._connection.execute(query, values or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def _held(self, schema: str) -> tuple[str, bool] | None:
        """Release and kind of data of a schema of ours, None when there is no schema."""
        if not self._execute("select 1 from pg_namespace where nspname = %s", schema):
            return None
        table = sql.Identifier(schema, VERSION_TABLE)
        if self._execute("select to_regclass(%s)", table.as_string(self._connection))[0][0] is None:
            raise QPVError(
                f"le schéma {schema} existe et ne vient pas de `qpv publish` : il ne sera pas remplacé ; "
                "à faire : le renommer, ou choisir un autre nom (--schema)"
            )
        ((version, fictional),) = self._execute(sql.SQL("select version, est_fictif from {}").format(table))
        return version, fictional

    def _foreign_views(self, schema: str) -> tuple[str, ...]:
        """Views that live elsewhere and read the tables of a schema."""
        rows = self._execute(
            "select distinct vn.nspname || '.' || v.relname as vue from pg_depend as d "
            "inner join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid "
            "inner join pg_class as v on r.ev_class = v.oid "
            "inner join pg_namespace as vn on v.relnamespace = vn.oid "
            "inner join pg_class as t on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid "
            "inner join pg_namespace as tn on t.relnamespace = tn.oid "
            "where tn.nspname = %s and vn.nspname <> %s order by vue",
            schema,
            schema,
        )
        return tuple(name for (name,) in rows)

    def _reader(self) -> None:
        """The role that may read, made at the first load: a group, that the administrator gives to people."""
        if self._execute("select 1 from pg_roles where rolname = %s", self._role):
            return
        try:
            with self._connection.transaction():
                self._execute(sql.SQL("create role {} nologin").format(sql.Identifier(self._role)))
        except errors.InsufficientPrivilege:
            raise QPVError(
                f"le rôle de lecture {self._role} n'existe pas et ce compte ne peut pas le créer ; "
                f"à faire, par un administrateur : create role {self._role} nologin"
            ) from None

    def _fill(self, progress: Progress) -> dict[str, int]:
        self._execute(sql.SQL("create schema {}").format(sql.Identifier(self._loading)))
        counts = {}
        with (
            duckdb.connect(str(self._release.base), read_only=True) as source,
            tempfile.TemporaryDirectory(prefix="qpv-postgres-") as folder,
        ):
            # The order of rows is that of the release only with one thread.
            source.execute("set threads = 1")
            relations = marked_relations(source, self._release)
            steps = Steps(progress, len(relations))
            for relation in relations:
                counts[relation.nom] = self._load(source, relation, Path(folder) / "lignes.csv")
                steps.step(relation.nom)
        self._sign()
        reader = sql.Identifier(self._role)
        for grant in ("grant usage on schema {} to {}", "grant select on all tables in schema {} to {}"):
            self._execute(sql.SQL(grant).format(sql.Identifier(self._loading), reader))
        return counts

    def _load(self, source: duckdb.DuckDBPyConnection, relation: Relation, path: Path) -> int:
        """One table: a view of the release becomes a table that holds the same rows."""
        table = sql.Identifier(self._loading, relation.nom)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.nom),
                sql.SQL(_postgres_type(relation, column)),
                sql.SQL(" not null" if column.est_obligatoire else ""),
            )
            for column in relation.colonnes
        )
        self._execute(sql.SQL("create table {} ({})").format(table, columns))
        _write_rows(source, relation, self._release.est_fictif, path)
        command = sql.SQL("copy {} from stdin (format csv, null {})").format(table, _NULL)
        with path.open("rb") as stream, self._connection.cursor() as cursor:
            with cursor.copy(command) as copy:
                while block := stream.read(1 << 20):
                    copy.write(block)
            loaded = cursor.rowcount
        self._index(relation, table)
        self._comment("table", table, relation.description)
        for column in relation.colonnes:
            named = sql.Identifier(self._loading, relation.nom, column.nom)
            self._comment("column", named, column.description)
        self._execute(sql.SQL("analyze {}").format(table))
        return int(loaded)

    def _index(self, relation: Relation, table: sql.Identifier) -> None:
        """The key, declared as such when none of its columns may be null; an index on what people join by."""
        if relation.cle:
            key = sql.SQL(", ").join(sql.Identifier(name) for name in relation.cle)
            required = {column.nom for column in relation.colonnes if column.est_obligatoire}
            if required.issuperset(relation.cle):
                self._execute(sql.SQL("alter table {} add primary key ({})").format(table, key))
            else:
                self._execute(sql.SQL("create unique index on {} ({})").format(table, key))
        led = relation.cle[0] if relation.cle else ""
        for column in relation.colonnes:
            if column.nom != led and (column.reference or column.nom in _SOUGHT):
                self._execute(sql.SQL("create index on {} ({})").format(table, sql.Identifier(column.nom)))

    def _comment(self, nature: str, named: sql.Composable, text: str) -> None:
        self._execute(sql.SQL("comment on {} {} is {}").format(sql.SQL(nature), named, text))

    def _sign(self) -> None:
        """Say which release this is, in a table and in the comment of the schema."""
        release = self._release
        table = sql.Identifier(self._loading, VERSION_TABLE)
        self._execute(
            sql.SQL(
                "create table {} (version text primary key, region text not null, "
                "est_fictif boolean not null, publie_le text not null, construit_le text not null)"
            ).format(table)
        )
        self._execute(
            sql.SQL("insert into {} values (%s, %s, %s, %s, %s)").format(table),
            release.identifiant,
            release.region,
            release.est_fictif,
            release.publie_le,
            release.construit_le,
        )
        self._comment("table", table, "La version de l'entrepôt que ce schéma sert : une seule ligne.")
        for name, text in (
            ("version", "Identifiant de la version."),
            ("region", "Code Insee de la région, ou france."),
            (FICTIONAL, "Vrai quand les données sont inventées, à ne pas citer."),
            ("publie_le", "Moment de la publication de la version (ISO, UTC)."),
            ("construit_le", "Moment de sa construction (ISO, UTC)."),
        ):
            self._comment("column", sql.Identifier(self._loading, VERSION_TABLE, name), text)
        said = f"Entrepôt de l'emploi dans les QPV, version {release.identifiant}, région {release.region}."
        if release.est_fictif:
            said = f"{BANNER}. {said}"
        self._comment("schema", sql.Identifier(self._loading), said)

    def _swap(self, *, is_first: bool) -> None:
        """Give the loaded schema its name: only names change, so nobody who reads is stopped."""
        schema, previous, loading = map(sql.Identifier, (self._schema, self._previous, self._loading))
        if not is_first:
            self._execute(sql.SQL("drop schema if exists {} cascade").format(previous))
            self._execute(sql.SQL("alter schema {} rename to {}").format(schema, previous))
        self._execute(sql.SQL("alter schema {} rename to {}").format(loading, schema))


def _postgres_type(relation: Relation, column: Column) -> str:
    if column.type in _TYPES:
        return _TYPES[column.type]
    if found := _DECIMAL.fullmatch(column.type):
        return f"numeric({found[1]},{found[2]})"
    raise QPVError(f"{relation.nom}.{column.nom} : type {column.type} sans équivalent dans PostgreSQL")


def _write_rows(source: duckdb.DuckDBPyConnection, relation: Relation, fictional: bool, path: Path) -> None:
    """Rows in the CSV that PostgreSQL reads: a null is a bare ``\\N``, an empty text is quoted."""
    held: Sequence[str] = [name for name, *_ in source.execute(f"describe {relation.nom}").fetchall()]
    shown = ", ".join(_shown(column, held, fictional) for column in relation.colonnes)
    source.execute(
        f"copy (select {shown} from {relation.nom}) to {quoted(path)} "
        f"(format csv, header false, nullstr '{_NULL}', force_quote *)"
    )


def _shown(column: Column, held: Sequence[str], fictional: bool) -> str:
    if column.nom not in held:
        return f"{str(fictional).lower()} as {column.nom}"
    if column.type == "BLOB":
        return f"'\\x' || hex({column.nom}) as {column.nom}"
    return column.nom

"""PostgreSQL as the engine of a build: schemas of its own per candidate, bronze loaded, results exported.

The server is only a place to work in. Bronze goes in by COPY, dbt builds, and the published layers come back
into the work database of the candidate (``entrepot.duckdb``) in the order of their rows: audit, publication
and readers are then the same whatever engine built. The schemas of a candidate are named after it; a file in
its work folder says their name, so that whoever removes the folder removes them first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from qpv_emploi.entrepot.dbt import manifest_of
from qpv_emploi.errors import BuildError, SettingsError
from qpv_emploi.settings import Settings

TARGET = "postgres"
# In a work folder: the schemas that its build holds on the server.
MARK = "postgres.json"

_BRONZE, _INTERMEDIATE = "bronze", "intermediate"
# The audit reads it; the other intermediate tables stay on the server.
_FOR_THE_AUDIT = (_INTERMEDIATE, "int_variable_non_reliee")

_CONNECT_WAIT = 10  # seconds
# Locks that one transaction may hold are counted by the server: schemas are emptied by batches of tables.
_BATCH = 200

# Sessions of a build. Statistics are those of tables just written, and every join is one of whole tables: the
# planner must not bet on few rows. Order of rows: one process reads a table, from its first row.
_SESSION = {
    "jit": "off",
    "work_mem": "128MB",
    "enable_nestloop": "off",
    "max_parallel_workers_per_gather": "0",
    "synchronize_seqscans": "off",
    "synchronous_commit": "off",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "timezone": "UTC",
}
_NULL = r"\N"

# Type of bronze (DuckDB) -> PostgreSQL, and back for what dbt has built.
_TO_POSTGRES = {
    "VARCHAR": "text",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "BLOB": "bytea",
}
_TO_DUCKDB = {kind: name for name, kind in _TO_POSTGRES.items()} | {"character varying": "VARCHAR"}
_DECIMAL = re.compile(r"numeric\((\d+),(\d+)\)")


@dataclass(frozen=True)
class Column:
    """A column of a relation of the server.

    Attributes:
        nom: its name.
        type: its type in DuckDB.
        est_obligatoire: refuses nulls.
        description: its comment.
    """

    nom: str
    type: str
    est_obligatoire: bool
    description: str | None


@dataclass(frozen=True)
class Relation:
    """A table or a view of the server, its columns in order."""

    nom: str
    est_vue: bool
    description: str | None
    colonnes: tuple[Column, ...]


def base_schema(folder: Path) -> str:
    """Name of the schema of a candidate: that of its work folder, and a digest of its place.

    Two installations that build at the same second in one database do not meet.
    """
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:6]
    return f"qpv_{re.sub(r'[^a-z0-9]', '_', folder.name.lower())}_{place}"


class PostgresEngine:
    """The server on which the candidates of an installation are built."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            SettingsError: no server is named, or dbt does not know PostgreSQL here.
        """
        self._dsn = settings.moteur_dsn.get_secret_value()
        if not self._dsn:
            raise SettingsError(
                "moteur postgres sans serveur : QPV_MOTEUR_DSN est vide ; attendu : « host=… dbname=… "
                "user=… password=… » ou postgresql://…, vers une base où ce compte peut créer des schémas"
            )
        try:
            self._parts = conninfo_to_dict(self._dsn)
        except psycopg.ProgrammingError:
            # The message of libpq would repeat the faulty part, which may be a password.
            raise SettingsError(
                "QPV_MOTEUR_DSN illisible ; attendu : « host=… dbname=… user=… » ou postgresql://…"
            ) from None
        if importlib.util.find_spec("dbt.adapters.postgres") is None:
            raise SettingsError(
                "dbt-postgres n'est pas installé ; à faire : make setup (ou l'option « serveur » du paquet)"
            )

    def check(self) -> str:
        """Whether a build could work there.

        Returns:
            The server and the database, in words, without user nor password.

        Raises:
            SettingsError: the collation of the database or the rights of the account do not suit a build.
            BuildError: the server does not answer.
        """
        with self._connected() as connection:
            _check_texts(connection)
            ((may_create,),) = connection.execute(
                "select has_database_privilege(current_database(), 'create')"
            ).fetchall()
            info = connection.info
            if not may_create:
                raise SettingsError(
                    f"{info.host}/{info.dbname} : ce compte ne peut pas y créer de schéma ; à faire, par un "
                    f"administrateur : grant create on database {info.dbname} to {info.user}"
                )
            version = info.server_version
            return f"PostgreSQL {version // 10000}.{version % 10000}, {info.host}/{info.dbname}"

    def lay(self, inputs: Path, folder: Path) -> None:
        """Load the bronze tables of a work database into a new schema of the candidate.

        Args:
            inputs: DuckDB database whose schema ``bronze`` holds the inputs of the build; only read.
            folder: work folder of the candidate.

        Raises:
            SettingsError: as :meth:`check` says.
            BuildError: the server refuses.
        """
        base = base_schema(folder)
        self.check()
        with self._connected() as connection:
            # The mark first: a process killed after it leaves nothing that cannot be found again.
            (folder / MARK).write_text(json.dumps({"schema": base}) + "\n", encoding="utf-8")
            _drop(connection, base)
            with (
                duckdb.connect(str(inputs), read_only=True) as source,
                tempfile.TemporaryDirectory(dir=folder) as place,
            ):
                _load_bronze(source, connection, f"{base}_{_BRONZE}", Path(place) / "lignes.csv")

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that lead dbt to the schemas of a candidate.

        dbt never shows the value of one whose name begins with ``DBT_ENV_SECRET_``.
        """
        with self._connected() as connection:
            info = connection.info
            found = {
                "QPV_PG_HOST": info.host,
                "QPV_PG_PORT": str(info.port),
                "QPV_PG_DBNAME": info.dbname,
                "QPV_PG_USER": info.user,
                "DBT_ENV_SECRET_QPV_PG_PASSWORD": info.password,
                "QPV_PG_SCHEMA": base_schema(folder),
                "PGOPTIONS": _options(),
            }
        for name in ("sslmode", "sslrootcert", "sslcert", "sslkey"):
            if self._parts.get(name):
                found[f"PG{name.upper()}"] = str(self._parts[name])
        return found

    def export(self, folder: Path, target: Path) -> None:
        """Bring what dbt has built into a new DuckDB database: schema ``main``, and what the audit reads.

        Rows keep their order, columns their types, comments and ``not null``; views are made again.

        Raises:
            BuildError: the server refuses, or a column has a type without equivalent.
        """
        base = base_schema(folder)
        views = _view_queries(manifest_of(folder), base)
        with (
            self._connected() as connection,
            duckdb.connect(str(target)) as copy,
            tempfile.TemporaryDirectory(dir=folder) as place,
        ):
            copy.execute("set threads = 1")
            copy.execute("begin")
            path = Path(place) / "lignes.csv"
            relations = _relations(connection, base)
            for relation in relations:
                if not relation.est_vue:
                    _fetch(connection, copy, base, "main", relation, path)
            for relation in relations:
                if relation.est_vue:
                    copy.execute(f"create view main.{relation.nom} as ({views[relation.nom]})")
                _describe(copy, relation)
            schema, name = _FOR_THE_AUDIT
            copy.execute(f"create schema {schema}")
            for relation in _relations(connection, f"{base}_{schema}", name):
                _fetch(connection, copy, f"{base}_{schema}", schema, relation, path)
            copy.execute("commit")

    def drop(self, folder: Path) -> None:
        """Remove the schemas that a work folder holds on the server, if any.

        Raises:
            BuildError: the server refuses.
        """
        mark = folder / MARK
        if not mark.is_file():
            return
        with self._connected() as connection:
            _drop(connection, json.loads(mark.read_text(encoding="utf-8"))["schema"])
        mark.unlink()

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with psycopg.connect(
                self._dsn, connect_timeout=_CONNECT_WAIT, options=_options(), autocommit=True
            ) as connection:
                yield connection
        except psycopg.Error as error:
            said = str(error).strip()
            reason = said.splitlines()[0] if said else type(error).__name__
            raise BuildError(f"PostgreSQL, moteur de la construction : {reason}") from error


def _options() -> str:
    return " ".join(f"-c {name}={value}" for name, value in _SESSION.items())


def _check_texts(connection: psycopg.Connection[Any]) -> None:
    ((is_binary, is_upper),) = connection.execute(
        "select 'Z' < 'a' and 'z' < 'é' and 'a b' < 'aa', upper('éœ') = 'ÉŒ'"
    ).fetchall()
    if not (is_binary and is_upper):
        raise SettingsError(
            "la base de QPV_MOTEUR_DSN range les textes selon une langue, ou ne sait pas mettre « é » en "
            "majuscule : la version publiée ne serait pas celle de DuckDB ; à faire : create database … "
            "template template0 encoding 'UTF8' locale 'C.UTF-8'"
        )


def _drop(connection: psycopg.Connection[Any], base: str) -> None:
    """Drop the schema of a candidate and those of its layers (``<base>_<layer>``)."""
    found = connection.execute(
        "select nspname from pg_namespace where nspname = %s or starts_with(nspname, %s) order by nspname",
        [base, f"{base}_"],
    ).fetchall()
    for (schema,) in found:
        tables = connection.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' "
            "order by relname",
            [schema],
        ).fetchall()
        for first in range(0, len(tables), _BATCH):
            named = [sql.Identifier(schema, name) for (name,) in tables[first : first + _BATCH]]
            connection.execute(sql.SQL("drop table {} cascade").format(sql.SQL(", ").join(named)))
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


def _load_bronze(
    source: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], schema: str, path: Path
) -> None:
    source.execute("set threads = 1")
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    names = source.execute(
        "select table_name from information_schema.tables where table_schema = ? order by table_name",
        [_BRONZE],
    ).fetchall()
    for (name,) in names:
        columns = [
            (column, kind) for column, kind, *_ in source.execute(f"describe {_BRONZE}.{name}").fetchall()
        ]
        unknown = [f"{column} ({kind})" for column, kind in columns if kind not in _TO_POSTGRES]
        if unknown:
            raise BuildError(f"table bronze {name} : type sans équivalent dans PostgreSQL : {unknown[0]}")
        table = sql.Identifier(schema, name)
        definition = sql.SQL(", ").join(
            # Names of the producers: the staging models write them without quotes.
            sql.SQL("{} {}").format(sql.Identifier(column.lower()), sql.SQL(_TO_POSTGRES[kind]))
            for column, kind in columns
        )
        connection.execute(sql.SQL("create unlogged table {} ({})").format(table, definition))
        shown = ", ".join(
            f"'\\x' || hex({column}) as {column}" if kind == "BLOB" else column for column, kind in columns
        )
        source.execute(
            f"copy (select {shown} from {_BRONZE}.{name}) to {_literal(path)} "
            f"(format csv, header false, nullstr '{_NULL}', force_quote *)"
        )
        command = sql.SQL("copy {} from stdin (format csv, null {})").format(table, _NULL)
        with path.open("rb") as stream, connection.cursor().copy(command) as copy:
            while block := stream.read(1 << 20):
                copy.write(block)
        connection.execute(sql.SQL("analyze {}").format(table))


def _relations(connection: psycopg.Connection[Any], schema: str, name: str | None = None) -> list[Relation]:
    """Tables and views of a schema, sorted by name."""
    rows = connection.execute(
        "select c.relname, c.relkind = 'v', obj_description(c.oid, 'pg_class'), a.attname, "
        "format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum) "
        "from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid "
        "where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 "
        "and not a.attisdropped and (%s::text is null or c.relname = %s) order by c.relname, a.attnum",
        [schema, name, name],
    ).fetchall()
    heads: dict[str, tuple[bool, str | None]] = {}
    columns: dict[str, list[Column]] = {}
    for relation, is_view, description, column, kind, required, said in rows:
        heads[relation] = (is_view, description)
        columns.setdefault(relation, []).append(
            Column(column, _duckdb_type(relation, column, kind), required, said)
        )
    return [Relation(nom, *heads[nom], tuple(columns[nom])) for nom in heads]


def _duckdb_type(relation: str, column: str, kind: str) -> str:
    if kind in _TO_DUCKDB:
        return _TO_DUCKDB[kind]
    if found := _DECIMAL.fullmatch(kind):
        return f"DECIMAL({found[1]},{found[2]})"
    raise BuildError(f"{relation}.{column} : type {kind} de PostgreSQL sans équivalent dans DuckDB")


def _fetch(
    connection: psycopg.Connection[Any],
    copy: duckdb.DuckDBPyConnection,
    schema: str,
    target: str,
    relation: Relation,
    path: Path,
) -> None:
    """Copy one table, in the order of its rows."""
    definition = ", ".join(
        f"{c.nom} {c.type}{' not null' if c.est_obligatoire else ''}" for c in relation.colonnes
    )
    copy.execute(f"create table {target}.{relation.nom} ({definition})")
    command = sql.SQL("copy {} to stdout (format csv, null {}, force_quote *)").format(
        sql.Identifier(schema, relation.nom), _NULL
    )
    with path.open("wb") as stream, connection.cursor().copy(command) as rows:
        for block in rows:
            stream.write(block)
    if not path.stat().st_size:
        return
    read = ", ".join(
        f"{_literal(c.nom)}: '{'VARCHAR' if c.type == 'BLOB' else c.type}'" for c in relation.colonnes
    )
    shown = ", ".join(
        # PostgreSQL writes \x before the digits.
        f"unhex(substr({c.nom}, 3)) as {c.nom}" if c.type == "BLOB" else c.nom
        for c in relation.colonnes
    )
    copy.execute(
        f"insert into {target}.{relation.nom} select {shown} from read_csv({_literal(path)}, header = false, "
        f"auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '{_NULL}', "
        f"allow_quoted_nulls = false, max_line_size = 100000000, columns = {{{read}}})"
    )


def _describe(copy: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    nature = "view" if relation.est_vue else "table"
    if relation.description:
        copy.execute(f"comment on {nature} main.{relation.nom} is {_literal(relation.description)}")
    for column in relation.colonnes:
        if column.description:
            named = f"main.{relation.nom}.{column.nom}"
            copy.execute(f"comment on column {named} is {_literal(column.description)}")


def _view_queries(manifest: Path, base: str) -> dict[str, str]:
    """View of the published layers -> its query, on the tables of the exported database."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return {
        node["name"]: node["compiled_code"].replace(f'"{base}".', '"main".')
        for node in nodes
        if node["resource_type"] == "model"
        and node["schema"] == base
        and node["config"]["materialized"] == "view"
    }


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"

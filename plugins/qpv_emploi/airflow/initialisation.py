"""What ``docker-compose.yml`` needs before it serves: databases and accounts, pools, people, connections.

``python -m qpv_emploi.airflow.initialisation bases`` before ``airflow db migrate``, ``… airflow`` after it.
Both may be run at each start: what is there already takes the values of the environment again, and nothing
that people have made besides is touched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qpv_emploi.airflow.pools import WAREHOUSE_POOL, host_pools
from qpv_emploi.catalogue import load_producer
from qpv_emploi.errors import QPVError, SettingsError
from qpv_emploi.settings import Settings, load_settings

if TYPE_CHECKING:
    import psycopg

AIRFLOW, WAREHOUSE, READER = "airflow", "entrepot", "lecture"


@dataclass(frozen=True)
class Person:
    """An account of the interface; ``secret`` names the variable that holds its password."""

    login: str
    role: str
    secret: str


# Roles of the FAB auth manager: Viewer reads, Op also runs and keeps connections and pools, Admin also
# manages accounts.
PEOPLE = (
    Person("admin", "Admin", "AIRFLOW_ADMIN_PASSWORD"),
    Person("ingenieur", "Op", "AIRFLOW_INGENIEUR_PASSWORD"),
    Person("analyste", "Viewer", "AIRFLOW_ANALYSTE_PASSWORD"),
)


def secret(name: str, environment: Mapping[str, str]) -> str:
    """A secret of the environment.

    Raises:
        SettingsError: it is missing.
    """
    if value := environment.get(name):
        return value
    raise SettingsError(f"secret {name} absent ; à faire : lancer « make env », puis docker compose up")


# -------------------------------------------------------------------------------------------- databases


def create_databases(dsn: str, environment: Mapping[str, str]) -> None:
    """Two databases, each closed to the account of the other, and an account that only reads.

    Args:
        dsn: connection string (libpq) of an administrator of the server.
        environment: holds ``AIRFLOW_DB_PASSWORD``, ``ENTREPOT_DB_PASSWORD``, ``LECTURE_DB_PASSWORD``, and
            ``QPV_POSTGRES_SCHEMA`` (``qpv`` by default), the schema that serves the warehouse.

    Raises:
        SettingsError: a secret is missing.
        QPVError: the server refuses.
    """
    import psycopg
    from psycopg import sql

    readers = f"{environment.get('QPV_POSTGRES_SCHEMA') or 'qpv'}_lecture"
    passwords = {
        name: secret(f"{name.upper()}_DB_PASSWORD", environment) for name in (AIRFLOW, WAREHOUSE, READER)
    }
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            for name, password in passwords.items():
                _account(connection, name, password)
            if not connection.execute("select 1 from pg_roles where rolname = %s", [readers]).fetchall():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(readers)))
            connection.execute(
                sql.SQL("grant {} to {}").format(sql.Identifier(readers), sql.Identifier(READER))
            )
            for name in (AIRFLOW, WAREHOUSE):
                if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchall():
                    connection.execute(
                        sql.SQL("create database {} owner {}").format(
                            sql.Identifier(name), sql.Identifier(name)
                        )
                    )
                connection.execute(
                    sql.SQL("revoke connect, temporary on database {} from public").format(
                        sql.Identifier(name)
                    )
                )
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(
                    sql.Identifier(WAREHOUSE), sql.Identifier(readers)
                )
            )
    except psycopg.Error as error:
        # The message of libpq names the server and the account, never the password.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise QPVError(f"PostgreSQL : {reason}") from None


def _account(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    from psycopg import sql

    # Hashed here: the password itself enters neither the statement nor the log of the server.
    hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    known = connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchall()
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            sql.SQL("alter" if known else "create"), sql.Identifier(name), sql.Literal(hashed)
        )
    )


# ---------------------------------------------------------------------------------------------- Airflow


def create_pools(settings: Settings) -> list[str]:
    """The one-slot pools: that of the warehouse, and one per host of the catalogue. Returns their names."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    hosts = host_pools(map(load_producer, settings.catalogue_dir.glob("*.yml")))
    texts = {WAREHOUSE_POOL: "Une seule construction de l'entrepôt à la fois"} | dict.fromkeys(
        hosts, "Une seule demande à la fois à ce site"
    )
    with create_session() as session:
        for name, description in texts.items():
            Pool.create_or_update_pool(
                name, slots=1, description=description, include_deferred=False, session=session
            )
    return list(texts)


def create_people(environment: Mapping[str, str]) -> list[str]:
    """The accounts of ``PEOPLE``, with the passwords of the environment. Returns their logins.

    Raises:
        SettingsError: a secret is missing.
        QPVError: Airflow refuses an account.
    """
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    passwords = {person: secret(person.secret, environment) for person in PEOPLE}

    @providers_configuration_loaded
    def make() -> None:
        with get_application_builder() as builder:
            manager = builder.sm
            for person, password in passwords.items():
                role = manager.find_role(person.role)
                known = manager.find_user(person.login)
                if known:
                    known.roles = [role]
                    known.active = True
                    manager.update_user(known)
                    manager.reset_password(known.id, password)
                elif not manager.add_user(
                    person.login,
                    person.login.capitalize(),
                    "QPV",
                    f"{person.login}@qpv.invalid",
                    role,
                    password,
                ):
                    raise QPVError(f"Airflow n'a pas créé le compte {person.login}")

    make()
    return [person.login for person in PEOPLE]


def create_connections(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """The connections of notifications that the environment gives, encrypted in the metadata.

    One that the environment does not give stays as people made it in the interface.

    Args:
        environment: ``AIRFLOW_CONN_<NAME>``, JSON or URI, for the two names of the settings.

    Returns:
        Names of the connections written.

    Raises:
        SettingsError: a connection cannot be read; its content is not shown.
    """
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    made = []
    for name in (settings.connexion_smtp, settings.connexion_webhook):
        value = environment.get(f"AIRFLOW_CONN_{name.upper()}", "").strip()
        if not value:
            continue
        try:
            connection = (
                Connection.from_json(value, conn_id=name)
                if value.startswith("{")
                else Connection(conn_id=name, uri=value)
            )
        except Exception:
            # Whatever the library says holds the value.
            raise SettingsError(
                f"AIRFLOW_CONN_{name.upper()} illisible ; attendu : un objet JSON ou une URI d'Airflow"
            ) from None
        with create_session() as session:
            session.execute(delete(Connection).where(Connection.conn_id == name))
            session.add(connection)
        made.append(name)
    return made


def main(arguments: list[str]) -> int:
    """``python -m qpv_emploi.airflow.initialisation bases|airflow``; returns the exit code."""
    try:
        if arguments == ["bases"]:
            create_databases(secret("POSTGRES_ADMIN", os.environ), os.environ)
            said = f"Bases : {AIRFLOW}, {WAREHOUSE} ; compte de lecture : {READER}"
        elif arguments == ["airflow"]:
            settings = load_settings()
            pools = create_pools(settings)
            people = create_people(os.environ)
            connections = create_connections(settings, os.environ)
            said = (
                f"Pools : {', '.join(pools)} ; comptes : {', '.join(people)} ; "
                f"connexions : {', '.join(connections) or 'aucune'}"
            )
        else:
            sys.stderr.write("usage : python -m qpv_emploi.airflow.initialisation bases|airflow\n")
            return 2
    except QPVError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""A PostgreSQL of our own for the tests: Debian's binaries, a folder of its own, a free port, a password.

``@pytest.mark.postgres`` tests take the fixture ``base_postgres`` (``tests/conftest.py``): the connection
string of a new, empty database of a server that the whole session shares. PostgreSQL refuses to run as root:
a root that runs the tests lends it the account ``postgres`` that Debian made.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

HOST = "127.0.0.1"
ADMIN = "qpv_admin"
ACCOUNT = "postgres"
# Seconds.
START_LIMIT = 60

# Speed over safety: these data live as long as the session.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "listen_addresses": HOST,
    "log_min_messages": "warning",
}


class PostgresAbsent(Exception):
    """There is no PostgreSQL to start; the message says what to do."""


def binaries() -> Path:
    """Folder of ``initdb``, ``pg_ctl`` and ``postgres``, the latest version of Debian's.

    Raises:
        PostgresAbsent: there is none.
    """
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for initdb in sorted(versions, key=lambda path: int(path.parts[-3]), reverse=True):
        return initdb.parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise PostgresAbsent("PostgreSQL absent ; à faire : apt-get install postgresql")


class PostgresServer:
    """A server that runs.

    Attributes:
        port: on the loopback interface.
    """

    def __init__(self, folder: Path, port: int, password: str, bin_folder: Path) -> None:
        self.port = port
        self._folder = folder
        self._password = password
        self._bin = bin_folder

    def dsn(self, database: str = "postgres", user: str = ADMIN, password: str | None = None) -> str:
        """Connection string (libpq) of a database."""
        said = self._password if password is None else password
        return f"host={HOST} port={self.port} dbname={database} user={user} password={said}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Connection string of a new database, dropped at the end with whatever still reads it."""
        name = sql.Identifier(f"essai_{secrets.token_hex(4)}")
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {} template template0").format(name))
        try:
            yield self.dsn(name.as_string(None).strip('"'))
        finally:
            with psycopg.connect(self.dsn(), autocommit=True) as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(name))

    def stop(self) -> None:
        """Stop the server at once."""
        _run(self._bin, "pg_ctl", "-D", str(self._folder / "donnees"), "-m", "immediate", "-w", "stop")


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server with its own cluster in a temporary folder, stopped and removed at the end.

    Raises:
        PostgresAbsent: it is not installed, or cannot run under any account here.
    """
    bin_folder = binaries()
    folder = Path(tempfile.mkdtemp(prefix="qpv-postgres-"))
    password = secrets.token_urlsafe(12)
    secret = folder / "mot_de_passe"
    secret.write_text(password, encoding="utf-8")
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam(ACCOUNT)
        except KeyError:
            shutil.rmtree(folder)
            raise PostgresAbsent(f"pas de compte {ACCOUNT} pour PostgreSQL, qui refuse root") from None
        for path in (folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    data, log = folder / "donnees", folder / "journal"
    server = PostgresServer(folder, port, password, bin_folder)
    options = {**OPTIONS, "port": str(port), "unix_socket_directories": str(folder)}
    started = False
    try:
        _run(bin_folder, "initdb", "-D", str(data), "-U", ADMIN, f"--pwfile={secret}", "-A", "scram-sha-256",
             "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        said = " ".join(f"-c {name}={value}" for name, value in options.items())
        _run(bin_folder, "pg_ctl", "-D", str(data), "-l", str(log), "-o", said, "-w", "-t",
             str(START_LIMIT), "start")  # fmt: skip
        started = True
        yield server
    finally:
        if started:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _run(bin_folder: Path, program: str, *arguments: str) -> None:
    command = [str(bin_folder / program), *arguments]
    account = ACCOUNT if os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        # Its own folder: the current one may be closed to that account.
        cwd="/",
        user=account,
        group=account,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=START_LIMIT * 2,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} : code {done.returncode}\n{done.stdout}")

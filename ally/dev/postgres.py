"""Postgres for development and tests: the embedded server, or the one that a URL names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from flask import Flask

ROLES = ("app_owner", "app_rw", "app_ro")
ROLES_BY_HAND = (
    "CREATE ROLE app_owner; CREATE ROLE app_rw; CREATE ROLE app_ro;"
    " GRANT app_owner, app_rw, app_ro TO <login>;"
    " GRANT CREATE, USAGE ON SCHEMA public TO app_owner WITH GRANT OPTION;"
)


class Unusable(Exception):
    """This Postgres cannot be used as it is; the text says what to change."""


@dataclass(frozen=True)
class Server:
    """A running Postgres; `url` connects as a role that may create roles and databases."""

    url: str

    def urls_of(self, database: str) -> dict[str, str]:
        """The settings that make the application use a database of this server."""
        return {
            "database_url": self.url_as("app_rw", database),
            "database_url_owner": self.url_as("app_owner", database),
            "database_url_ro": self.url_as("app_ro", database),
        }

    def url_as(self, role: str, database: str) -> str:
        """A URL of the database; the embedded server trusts its socket, so any role may connect."""
        parts = urlsplit(self.url)
        if parts.hostname is None:
            return urlunsplit(("postgresql", f"{role}@", f"/{database}", parts.query, ""))
        return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))

    def has_database(self, database: str) -> bool:
        with psycopg.connect(self.url) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, [database]).fetchone() is not None

    def create_database(self, database: str) -> dict[str, str]:
        """Create the database and the roles, where they are missing; the settings to use it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            create_roles(connection)
            if not self.has_database(database):
                connection.execute(
                    sql.SQL(
                        "CREATE DATABASE {} OWNER app_owner ENCODING 'UTF8' TEMPLATE template0"
                    ).format(sql.Identifier(database))
                )
        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            open_schema(connection)
        return self.urls_of(database)

    def fresh_database(self, database: str) -> dict[str, str]:
        self.drop_database(database)
        return self.create_database(database)

    def drop_database(self, database: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )

    def url_of(self, database: str) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


def create_roles(connection: psycopg.Connection) -> None:
    for role in ROLES:
        name = sql.Identifier(role)
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        member = connection.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [role])
        if member.fetchone() != (True,):
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))


def open_schema(connection: psycopg.Connection) -> None:
    """Let `app_owner` make its tables in this database, and nobody else."""
    may = connection.execute("SELECT has_schema_privilege('app_owner', 'public', 'CREATE')")
    if may.fetchone() != (True,):
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO app_owner WITH GRANT OPTION")


def prepare_named(url: str) -> None:
    """Make the database of this URL ready for migrations: its version, the roles, the grants.

    Raises Unusable with what somebody who may do more has to do.
    """
    try:
        with psycopg.connect(libpq_url(url), autocommit=True, connect_timeout=10) as connection:
            refuse_old(connection)
            create_roles(connection)
            open_schema(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unusable(
            f"The login of the database URL may not set up the roles ({first_line(error)})."
            f" Ask the owner of the database to run: {ROLES_BY_HAND}"
        ) from None
    except psycopg.OperationalError as error:
        raise Unusable(
            f"The database of DATABASE_URL does not answer: {first_line(error)}"
        ) from None


def refuse_old(connection: psycopg.Connection) -> None:
    from ally.settings import OLDEST_POSTGRES  # slow to import, and a plain start needs no more

    version = connection.info.server_version // 10000
    if version < OLDEST_POSTGRES:
        raise Unusable(f"Ally needs Postgres {OLDEST_POSTGRES} or later, and this is {version}.")


def libpq_url(url: str) -> str:
    """A URL as libpq takes it: without SQLAlchemy's driver and Prisma's `schema`."""
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key != "schema"]
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept), ""))


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """The Postgres of DATABASE_URL_TEST, or the embedded one with its files in `folder`."""
    named = os.environ.get("DATABASE_URL_TEST")
    if named:
        yield Server(named)
        return
    yield start_embedded(folder)


def start_embedded(folder: Path) -> Server:
    """Start the embedded Postgres, or join the one that already runs on `folder`.

    It stops when the last process that started it ends.
    """
    from ally.dev import embedded  # what it needs is not installed in production

    return Server(embedded.join(folder).url)


def migrate(app: "Flask") -> None:
    """Bring the database up to the newest revision."""
    from flask_migrate import upgrade  # half a second of imports, which a start does without

    with app.app_context():
        upgrade()

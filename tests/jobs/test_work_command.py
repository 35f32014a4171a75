"""`flask work` itself: a process with a database of its own."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.channels.faults.harness import house
from tests.channels.mailserver import mail_server
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds


@pytest.fixture
def desk(server):
    with mail_server() as mails:
        database = f"ally_work_{os.getpid()}"
        with house(server, database, mails, deliveries=3) as desk:
            yield desk


@contextmanager
def worker(desk, expect):
    """A worker process, which must end with this status."""
    environment = {
        **os.environ,
        "ALLY_HOME": "/nowhere",
        "DATABASE_URL": desk.settings["database_url"],
        "SECRET_KEY": desk.settings["secret_key"],
        "SMTP_URL": desk.mails.url,
    }
    command = [sys.executable, "-m", "flask", "work"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
        assert process.wait(PATIENCE) == expect
    finally:
        process.kill()
        process.wait()


def test_it_sends_what_becomes_due_and_stops_when_told(desk):
    with worker(desk, expect=0) as process:
        desk.next_due()
        until(lambda: len(desk.mails.accepted) == 1, PATIENCE)
        # By now it listens; a job that is enqueued is run at once.
        delivery = desk.next_due()
        desk.ask(do="ask_twice", account=desk.account, delivery=delivery)
        until(lambda: len(desk.mails.accepted) == 2, PATIENCE)
        until(lambda: set(desk.states().values()) == {"accepted"}, PATIENCE)
        process.send_signal(signal.SIGTERM)


def test_it_ends_with_an_error_when_postgres_is_gone(desk, server):
    with worker(desk, expect=1):
        desk.next_due()
        # Noted, too: a worker that knows an outcome stays to note it for as long as its lease.
        until(lambda: "accepted" in desk.states().values(), PATIENCE)
        refuse_connections(server, desk.settings["database_url"])


def refuse_connections(server, url):
    """Be, for this database, like a Postgres that has gone away."""
    database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )

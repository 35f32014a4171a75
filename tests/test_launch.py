"""`make run`, really started: what it prints, what it leaves, and how it heals."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from ally.dev import home, house, postgres
from tests.waiting import until

ROOT = Path(__file__).parent.parent
START_LIMIT = 120  # seconds
STOP_LIMIT = 5  # seconds


class Launched:
    """One launcher in a process of its own, with everything that it started."""

    def __init__(self, folder, port, **more):
        self.port, self.said = port, folder.with_name(f"{folder.name}-{port}.said")
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)}
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ally.dev.launch"],
                env=kept | {"ALLY_HOME": str(folder), "PORT": str(port)} | more,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def text(self):
        return self.said.read_text()

    @property
    def address(self):
        return f"http://localhost:{self.port}"

    def wait_until_it_says(self, words, limit=START_LIMIT):
        until(lambda: words in self.text or self.process.poll() is not None, limit)
        assert words in self.text, self.text
        return self

    def processes(self):
        """Everything that belongs to it, the launcher and Postgres too."""
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def end(self, number=signal.SIGTERM):
        """Send a signal to the launcher alone; how long it took until all was gone."""
        family, began = self.processes(), time.monotonic()
        self.process.send_signal(number)
        self.process.wait(STOP_LIMIT + 5)
        assert psutil.wait_procs(family, timeout=STOP_LIMIT)[1] == []
        return time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder and a port that the starts of this module share, one after the other."""
    return tmp_path_factory.mktemp("launch") / "home", home.bind(0)


@pytest.fixture(scope="module")
def last(place):
    """The launcher that runs, if one does; tests share it until one of them ends it."""
    started = []
    yield started
    for launched in started:
        launched.__exit__()


@pytest.fixture
def run(place, last):
    if not last or last[-1].process.poll() is not None:
        last.append(Launched(*place))
    return last[-1].wait_until_it_says("Ctrl-C stops it.")


@pytest.fixture
def stopped(place, last):
    """The place, after a launcher that ran there was stopped."""
    if last and last[-1].process.poll() is None:
        last[-1].end()
    return place


def owner_of(folder):
    return psycopg.connect(
        home.read_settings(folder)["DATABASE_URL_OWNER"],
        options="-c role=app_owner",
        autocommit=True,
    )


def sign_in(run, person="agent@hotrodan.example"):
    return requests.get(f"{run.address}/login?as={person}", timeout=30)


def test_a_start_prints_one_address_and_who_to_sign_in_as(run):
    assert run.text.count(f"Ally runs at {run.address}\n") == 1
    for person in ("admin", "agent", "second"):
        assert f"{run.address}/login?as={person}@hotrodan.example\n" in run.text

    assert requests.get(f"{run.address}/login", timeout=10).status_code == 200
    page = sign_in(run)
    assert (page.status_code, page.url) == (200, f"{run.address}/review")


def test_other_terminals_find_the_settings(run, place):
    folder, _ = place
    assert (folder / "ally.env").stat().st_mode & 0o777 == 0o600
    until(lambda: requests.get(f"{run.address}/readyz", timeout=10).ok, 30)

    done = subprocess.run(
        [sys.executable, "-m", "flask", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ALLY_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_with_everything_it_started(run, number):
    assert run.end(number) < STOP_LIMIT
    assert run.process.returncode == 0
    assert run.text.rstrip().endswith("Stopped.")


def test_a_second_start_on_the_same_folder_is_refused(run, place):
    with Launched(place[0], home.bind(0)) as second:
        assert second.process.wait(20) == 1

    assert second.said.read_text() == (
        f"Ally already runs on {place[0]}: {run.address}.  Stop it there first.\n"
    )


def test_a_taken_port_is_refused(run, tmp_path):
    with Launched(tmp_path / "other", run.port) as second:
        assert second.process.wait(20) == 1

    assert second.said.read_text() == (
        f"Port {run.port} is taken by another program: choose one, as in `make run PORT=5001`.\n"
    )


def test_a_part_that_dies_is_started_again(run):
    worker = next(p for p in run.processes() if "work" in p.cmdline())
    worker.kill()

    run.wait_until_it_says("The worker was ended by SIGKILL", 10)

    until(lambda: any("work" in p.cmdline() and p != worker for p in run.processes()), 20)


def test_everything_ends_when_the_launcher_alone_is_killed(run):
    family = run.processes()
    run.process.kill()

    assert psutil.wait_procs(family, timeout=STOP_LIMIT + 5)[1] == []


def test_a_kill_of_everything_loses_nothing_and_the_next_start_heals(stopped):
    folder, _ = stopped
    name = f"Kept {time.monotonic()}"
    with Launched(*stopped) as first:
        first.wait_until_it_says("Ctrl-C stops it.")
        with owner_of(folder) as connection:
            connection.execute("SELECT create_account(%s, '{}', NULL)", [name])
        for process in first.processes():
            with suppress(psutil.NoSuchProcess):  # what another one that was killed has ended
                process.kill()
        first.process.wait(10)
    assert (folder / "postgres" / "18" / "postmaster.pid").exists()

    with Launched(*stopped) as second:
        second.wait_until_it_says("Ctrl-C stops it.", 60)
        with owner_of(folder) as connection:
            found = connection.execute("SELECT count(*) FROM account WHERE name = %s", [name])
            assert found.fetchone() == (1,)
        assert sign_in(second).status_code == 200


def test_a_lock_that_names_a_stranger_does_not_stop_it(stopped):
    folder, _ = stopped
    (folder / "postgres" / "18" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    (folder / "run.json").write_text(f"[[{os.getpid()}, 0]]")

    with Launched(*stopped) as launched:
        launched.wait_until_it_says("Ctrl-C stops it.", 60)


def test_the_address_of_the_identity_provider_stays(run, place):
    before = home.read_settings(place[0])["OIDC_ISSUER"]
    run.end()

    with Launched(*place) as again:
        again.wait_until_it_says("Ctrl-C stops it.", 60)
        assert home.read_settings(place[0])["OIDC_ISSUER"] == before


def test_a_named_postgres_is_used_instead(server, tmp_path, monkeypatch):
    database = f"ally_named_{os.getpid()}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    monkeypatch.setenv("DATABASE_URL", server.url_of(database))
    try:
        settings = home.settle(tmp_path, 5000)
        postgres.prepare_named(home.owner_url(settings))
        home.write_settings(tmp_path, settings)
        house.flask(tmp_path, "db", "upgrade", quiet=True)
        revision, empty = house.look_at(home.owner_url(settings))
    finally:
        server.drop_database(database)

    assert (revision, empty) == (house.newest_revision(), True)


def test_a_login_that_may_not_make_roles_is_told_what_to_run(server):
    database, login = f"ally_poor_{os.getpid()}", f"poor_{os.getpid()}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{login}" LOGIN')
        connection.execute(f'CREATE DATABASE "{database}"')
    try:
        url = re.sub("//[^/]*@", f"//{login}@", server.url_of(database))
        with pytest.raises(postgres.Unusable, match="GRANT app_owner, app_rw, app_ro TO <login>"):
            postgres.prepare_named(url)
    finally:
        server.drop_database(database)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f'DROP ROLE "{login}"')


def test_a_postgres_that_does_not_answer_is_said_plainly():
    with pytest.raises(postgres.Unusable, match="The database of DATABASE_URL does not answer"):
        postgres.prepare_named("postgresql://ally@127.0.0.1:1/ally")


def test_a_postgres_that_is_too_old_is_refused(server, monkeypatch):
    monkeypatch.setattr("ally.settings.OLDEST_POSTGRES", 99)

    with pytest.raises(postgres.Unusable, match="Ally needs Postgres 99 or later, and this is 18"):
        postgres.prepare_named(server.url)


@pytest.mark.parametrize("port", ["0", "65536", "web", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)

    with pytest.raises(home.Refused, match="PORT is a number from 1 to 65535"):
        home.chosen_port()

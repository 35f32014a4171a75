"""The parts of `make run`, and the database that they need."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from ally.dev import children, embedded, postgres
from ally.dev.children import Child
from ally.dev.cluster import Cluster, cluster_in, last_line
from ally.dev.home import Refused, owner_url

ROOT = Path(__file__).parent.parent.parent
DATABASE = "ally"
WEB_THREADS = 8


def say(line: str) -> None:
    """Print a line, even when the terminal is gone."""
    with suppress(OSError, ValueError):
        print(line, flush=True)


class House:
    """Everything that runs now.  Postgres is kept apart, since it starts first and ends last."""

    def __init__(self, home: Path):
        self.home = home
        self.parts: list[Child] = []
        self.cluster: Cluster | None = None
        self.postgres: subprocess.Popen[bytes] | None = None

    def start(self, parts: Sequence[Child]) -> None:
        for part in parts:
            self.parts.append(part)
            part.start()
        self.write_down()

    def start_postgres(self) -> None:
        folder = self.home / "postgres"
        if not folder.exists():
            say("Making the database ...")
        self.cluster = cluster_in(folder)
        self.postgres = embedded.start(self.cluster)
        self.write_down()
        embedded.wait_until_ready(self.cluster, self.postgres, say)

    def database_urls(self) -> dict[str, str]:
        assert self.cluster is not None
        urls = postgres.Server(self.cluster.url).urls_of(DATABASE)
        return {name.upper(): url for name, url in urls.items()}

    def write_down(self) -> None:
        running = [self.postgres, *(part.process for part in self.parts)]
        children.write_down(self.home, [process.pid for process in running if process])

    def end(self) -> None:
        children.end_all(self.parts)
        if self.cluster:
            embedded.stop(self.cluster)
        (self.home / "run.json").unlink(missing_ok=True)


def companions(home: Path, settings: dict[str, str]) -> list[Child]:
    """The identity provider and the mail catcher, unless the environment names others."""
    parts = []
    if settings["OIDC_EMBEDDED"] == "true":
        port = str(urlsplit(settings["OIDC_ISSUER"]).port)
        arguments = ("-W", "ignore", "-m", "ally.dev.provider", "--port", port)
        parts.append(part(home, "identity provider", *arguments))
    if settings["SMTP_EMBEDDED"] == "true":
        port = str(urlsplit(settings["SMTP_URL"]).port)
        outbox = str(home / "outbox")
        parts.append(part(home, "mail catcher", "-m", "ally.dev.catcher", outbox, "--port", port))
    return parts


def servers(home: Path, port: int) -> list[Child]:
    """The web server and the worker."""
    web = ["-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-ws", "app:app"]
    web += ["--blocking-threads", str(WEB_THREADS), "--log-level", "warning"]
    web += ["--workers-kill-timeout", "1"]
    return [part(home, "web server", *web), part(home, "worker", "-m", "flask", "work")]


def part(home: Path, name: str, *arguments: str) -> Child:
    log = home / "logs" / f"{name.replace(' ', '-')}.log"
    return Child(name, [sys.executable, *arguments], log, environment_of(home))


def environment_of(home: Path) -> dict[str, str]:
    """What the parts inherit; everything else they read from the file of settings."""
    here = {"ALLY_HOME": str(home), "FLASK_APP": str(ROOT / "app.py"), "PYTHONUNBUFFERED": "1"}
    return dict(os.environ) | here | {"PYTHONPATH": str(ROOT)}


def prepare_database(house: House, settings: dict[str, str]) -> None:
    """The roles, the newest revision and, on the first start, the demo data."""
    home, unfinished = house.home, house.home / "seeding"
    if house.cluster:
        postgres.Server(house.cluster.url).create_database(DATABASE)
    revision, empty = look_at(owner_url(settings))
    if revision != newest_revision():
        say("Bringing the tables up to date ..." if revision else "Making the tables ...")
        flask(home, "db", "upgrade", quiet=True)
        empty = empty or look_at(owner_url(settings))[1]
    if empty or unfinished.exists():
        say("Filling it with a demo desk (once) ...")
        unfinished.touch()
        flask(home, "seed")
        unfinished.unlink()


def look_at(url: str) -> tuple[str | None, bool]:
    """The revision of this database, and whether it has a table of accounts without any row."""
    with psycopg.connect(postgres.libpq_url(url), options="-c role=app_owner") as connection:
        made = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if made is None or made[0] is None:
            return None, False
        revision = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        known = connection.execute("SELECT EXISTS (SELECT FROM account)").fetchone()
    return revision[0] if revision else None, known == (False,)


def newest_revision() -> str:
    """The head of the migrations by their names, which begin with a number: cheap to look at."""
    files = (ROOT / "migrations" / "versions").glob("[0-9]*.py")
    return max(file.name.split("_")[0] for file in files)


def flask(home: Path, *arguments: str, quiet: bool = False) -> None:
    """Run a command of `flask` to its end.  Raises Refused with what it said last."""
    said: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    command = [sys.executable, "-m", "flask", *arguments]
    done = subprocess.run(command, env=environment_of(home), cwd=ROOT, text=True, **said)
    if done.returncode:
        why = f": {last_line(done.stdout)}" if quiet else "."
        raise Refused(f"`flask {' '.join(arguments)}` failed{why}")

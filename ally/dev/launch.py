"""`make run`: everything that a desk needs, on this machine alone, until Ctrl-C.

    python -m ally.dev.launch

`ALLY_HOME` (default var) keeps the database, mails, files and logs; `PORT` is
where the desk answers (default 5000).  Settings of the environment win over
the embedded parts: with DATABASE_URL, OIDC_ISSUER or SMTP_URL set, that part is
not started.
"""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

import psycopg
from dotenv import dotenv_values

from ally.dev import children, embedded, postgres
from ally.dev.children import Child

ROOT = Path(__file__).parent.parent.parent
DATABASE = "ally"
LOOK_EVERY = 0.2  # seconds between two looks at the parts
READY_LIMIT = 60  # seconds for the desk to answer
WEB_THREADS = 8
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Refused(Exception):
    """Ally cannot start like this; the text is one sentence for the person at the terminal."""


class Stopped(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM."""


def main() -> None:
    for number in ENDINGS:
        # `nohup make run` has asked for the closing of the terminal to be ignored.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop_now)
    try:
        launch()
    except (Refused, embedded.NoPostgres, postgres.Unusable) as error:
        say(str(error))
        raise SystemExit(1) from None
    except Stopped:
        say("Stopped.")


def stop_now(number: int, _: FrameType | None) -> NoReturn:
    for again in ENDINGS:
        signal.signal(again, signal.SIG_IGN)  # it is stopping; a second one must not cut it short
    raise Stopped


def say(line: str) -> None:
    """Print a line, even when the terminal is gone."""
    with suppress(OSError, ValueError):
        print(line, flush=True)


def launch() -> None:
    if os.environ.get("ALLY_ENV") == "production":
        raise Refused("`make run` is for development, and ALLY_ENV says production: unset it.")
    home, port = home_folder(), chosen_port()
    with held(home, port), watched(home):
        children.end_leftovers(home)  # which may hold the port
        refuse_taken(port)
        run(home, port)


def home_folder() -> Path:
    home = Path(os.environ.get("ALLY_HOME") or "var").absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"ALLY_HOME cannot be used: {error}.") from None
    return home


def chosen_port() -> int:
    given = os.environ.get("PORT") or "5000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise Refused(f"PORT is a number from 1 to 65535, and not {given!r}.")
    return int(given)


@contextmanager
def held(home: Path, port: int) -> Iterator[None]:
    """Nobody else runs on this folder meanwhile; the lock goes with the process."""
    with (home / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = lock.read().strip() or "another terminal"
            raise Refused(f"Ally already runs on {home}: {where}.  Stop it there first.") from None
        lock.truncate(0)
        lock.write(address(port))
        lock.flush()
        yield


def address(port: int) -> str:
    return f"http://localhost:{port}"


@contextmanager
def watched(home: Path) -> Iterator[None]:
    watcher = children.start_watcher(home)
    try:
        yield
    finally:
        with suppress(OSError):
            watcher.communicate(timeout=5)


def refuse_taken(port: int) -> None:
    with socket.socket() as caller:
        caller.settimeout(1)
        taken = caller.connect_ex(("127.0.0.1", port)) == 0
    try:
        bind(port)
    except PermissionError:
        raise Refused(f"Port {port} needs root: choose one above 1023, as PORT=5001.") from None
    except OSError:
        taken = True
    if taken:
        raise Refused(
            f"Port {port} is taken by another program: choose one, as in `make run PORT=5001`."
        )


def bind(port: int) -> int:
    """The port, if it is free on loopback; 0 finds one.  Raises OSError."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        found: int = listener.getsockname()[1]
        return found


def run(home: Path, port: int) -> None:
    """Start every part, say so, and look after them until somebody stops it."""
    house = House(home)
    try:
        settings = settle(home, port)
        house.start(helpers(home, settings))
        if os.environ.get("DATABASE_URL"):
            postgres.prepare_named(owner_url(settings))
        else:
            house.start_postgres()
            settings |= house.database_urls()
        write_settings(home, settings)
        prepare_database(house, settings)
        web, worker = servers(home, port)
        house.start([web, worker])
        wait_for_the_desk(port, web)
        welcome(home, port, settings)
        look_after(house)
    finally:
        house.end()


class House:
    """Everything that runs now.  Postgres is kept apart, since it starts first and ends last."""

    def __init__(self, home: Path):
        self.home = home
        self.parts: list[Child] = []
        self.cluster: embedded.Cluster | None = None
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
        self.cluster = embedded.cluster_in(folder)
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


# What the parts are told


def settle(home: Path, port: int) -> dict[str, str]:
    """The settings of this start: of the environment, of the last start, or made now."""
    before = read_settings(home)
    settings = before | {
        "ALLY_HOME": str(home),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL") or address(port),
        "SECRET_KEY": os.environ.get("SECRET_KEY")
        or before.get("SECRET_KEY")
        or secrets.token_urlsafe(48),
    }
    settings |= sign_in_settings(before) | mail_settings(before)
    settings.setdefault("SIGN_INS_PER_MINUTE", "600")  # tests sign in often
    for name in ("DATABASE_URL", "DATABASE_URL_OWNER", "DATABASE_URL_RO"):
        settings[name] = os.environ.get(name, "")
    return settings


def sign_in_settings(before: dict[str, str]) -> dict[str, str]:
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    if os.environ.get("OIDC_ISSUER"):
        return {name: os.environ.get(name, "") for name in names} | {"OIDC_EMBEDDED": "false"}
    remembered = before.get("OIDC_ISSUER") if before.get("OIDC_EMBEDDED") == "true" else None
    port = port_again(remembered)
    given = (f"http://127.0.0.1:{port}", "ally-development", "development-only")
    return dict(zip(names, given, strict=True)) | {"OIDC_EMBEDDED": "true"}


def mail_settings(before: dict[str, str]) -> dict[str, str]:
    if os.environ.get("SMTP_URL"):
        return {"SMTP_URL": os.environ["SMTP_URL"], "SMTP_EMBEDDED": "false"}
    remembered = before.get("SMTP_URL") if before.get("SMTP_EMBEDDED") == "true" else None
    return {"SMTP_URL": f"smtp://127.0.0.1:{port_again(remembered)}", "SMTP_EMBEDDED": "true"}


def port_again(url: str | None) -> int:
    """The port of the last start if it is still free, else another that is free."""
    remembered = urlsplit(url).port if url else None
    try:
        return bind(remembered or 0)
    except OSError:
        return bind(0)


def owner_url(settings: dict[str, str]) -> str:
    return settings["DATABASE_URL_OWNER"] or settings["DATABASE_URL"]


def settings_file(home: Path) -> Path:
    return home / "ally.env"


def read_settings(home: Path) -> dict[str, str]:
    values = dotenv_values(settings_file(home), interpolate=False)
    return {name: value for name, value in values.items() if value}


def write_settings(home: Path, settings: dict[str, str]) -> None:
    """Keep the settings for `flask` in another terminal; nobody else may read them."""
    lines = ["# Written by `make run`; lines of your own are kept.\n"]
    lines += [f"{name}={quoted(value)}\n" for name, value in settings.items() if value]
    unfinished = settings_file(home).with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)
    unfinished.replace(settings_file(home))


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


# The parts


def helpers(home: Path, settings: dict[str, str]) -> list[Child]:
    """The identity provider and the mail catcher, unless the environment names others."""
    parts = []
    if settings["OIDC_EMBEDDED"] == "true":
        port = str(urlsplit(settings["OIDC_ISSUER"]).port)
        parts.append(part(home, "identity provider", "-m", "ally.dev.provider", "--port", port))
    if settings["SMTP_EMBEDDED"] == "true":
        port = str(urlsplit(settings["SMTP_URL"]).port)
        outbox = str(home / "outbox")
        parts.append(part(home, "mail catcher", "-m", "ally.dev.catcher", outbox, "--port", port))
    return parts


def servers(home: Path, port: int) -> list[Child]:
    """The web server and the worker."""
    web = ["-m", "gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    web += ["--worker-class", "gthread", "--workers", "1", "--threads", str(WEB_THREADS)]
    web += ["--log-level", "warning", "--graceful-timeout", "1"]
    return [part(home, "web server", *web), part(home, "worker", "-m", "flask", "work")]


def part(home: Path, name: str, *arguments: str) -> Child:
    log = home / "logs" / f"{name.replace(' ', '-')}.log"
    return Child(name, [sys.executable, *arguments], log, environment_of(home))


def environment_of(home: Path) -> dict[str, str]:
    """What the parts inherit; everything else they read from the file of settings."""
    here = {"ALLY_HOME": str(home), "FLASK_APP": str(ROOT / "app.py"), "PYTHONUNBUFFERED": "1"}
    return dict(os.environ) | here | {"PYTHONPATH": str(ROOT)}


# The database


def prepare_database(house: House, settings: dict[str, str]) -> None:
    """The roles, the newest revision and, on the first start, the demo data."""
    home, interrupted = house.home, house.home / "seeding"
    if house.cluster:
        server = postgres.Server(house.cluster.url)
        if interrupted.exists():
            say("The demo data was not finished last time; beginning again ...")
            server.drop_database(DATABASE)
        server.create_database(DATABASE)
    revision, empty = look_at(owner_url(settings))
    if revision != newest_revision():
        say("Bringing the tables up to date ..." if revision else "Making the tables ...")
        flask(home, "db", "upgrade", quiet=True)
        empty = empty or look_at(owner_url(settings))[1]
    if empty and find_spec("ally.demo.seed"):
        say("Filling it with a demo desk (once) ...")
        interrupted.touch()
        flask(home, "seed")
        interrupted.unlink()


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
        why = f": {embedded.last_line(done.stdout)}" if quiet else "."
        raise Refused(f"`flask {' '.join(arguments)}` failed{why}")


# While it runs


def wait_for_the_desk(port: int, web: Child) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while not alive(port):
        if web.died() or time.monotonic() > deadline:
            said = embedded.last_line_of(web.log)
            raise Refused(f"The web server did not start ({said}); see {web.log}.")
        time.sleep(0.05)


def alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def welcome(home: Path, port: int, settings: dict[str, str]) -> None:
    here = address(port)
    say(f"\nAlly runs at {here}\n")
    if settings["OIDC_EMBEDDED"] == "true":
        from ally.dev.people import PEOPLE

        say("Sign in as")
        for email, _, role in PEOPLE:
            say(f"  {role:<13} {here}/login?as={email}")
        say("")
    if settings["SMTP_EMBEDDED"] == "true":
        say(f"Sent mails: {here}/dev/outbox")
    say(f"Logs: {shown(home / 'logs')}.  Ctrl-C stops it.\n")


def shown(path: Path) -> str:
    """The path as the person at this terminal would type it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def look_after(house: House) -> NoReturn:
    """Start again whatever ends, and tell of errors, until somebody stops it all."""
    parent = os.getppid()
    while True:
        if "--with-parent" in sys.argv and os.getppid() != parent:
            raise Stopped  # `make` was killed, and nobody would see what is said here
        if house.postgres and house.postgres.poll() is not None:
            say("Postgres ended.  It starts again.")
            house.start_postgres()
        for part in house.parts:
            if look_at_part(part):
                house.write_down()
        time.sleep(LOOK_EVERY)


def look_at_part(part: Child) -> bool:
    """Tell of its errors, and start it again if it ended; whether its process changed."""
    for line in part.new_errors():
        say(f"{part.name}: {line}")
    if part.died():
        say(part.plan_restart())
        return True
    if part.process is None and time.monotonic() >= part.start_at:
        part.start()
        return True
    return False


if __name__ == "__main__":
    main()

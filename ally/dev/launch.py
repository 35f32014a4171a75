"""`make run`: everything that a desk needs, on this machine alone, until Ctrl-C.

    python -m ally.dev.launch

`ALLY_HOME` (default var) keeps the database, mails, files and logs; `PORT` is
where the desk answers (default 5000).  Settings of the environment win over
the embedded parts: with DATABASE_URL, OIDC_ISSUER or SMTP_URL set, that part is
not started.
"""

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ally.dev import children, postgres
from ally.dev.children import Child
from ally.dev.cluster import NoPostgres, last_line_of
from ally.dev.home import (
    Refused,
    address,
    chosen_port,
    held,
    home_folder,
    owner_url,
    refuse_taken,
    settle,
    write_settings,
)
from ally.dev.house import House, companions, prepare_database, say, servers
from ally.dev.people import PEOPLE

LOOK_EVERY = 0.2  # seconds between two looks at the parts
READY_LIMIT = 60  # seconds for the desk to answer
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM."""


def main() -> None:
    for number in ENDINGS:
        # `nohup make run` has asked for the closing of the terminal to be ignored.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop_now)
    try:
        launch()
    except (Refused, NoPostgres, postgres.Unusable) as error:
        say(str(error))
        raise SystemExit(1) from None
    except Stopped:
        say("Stopped.")


def stop_now(number: int, _: FrameType | None) -> NoReturn:
    for again in ENDINGS:
        signal.signal(again, signal.SIG_IGN)  # it is stopping; a second one must not cut it short
    raise Stopped


def launch() -> None:
    if os.environ.get("ALLY_ENV") == "production":
        raise Refused("`make run` is for development, and ALLY_ENV says production: unset it.")
    home, port = home_folder(), chosen_port()
    with held(home, port), watched(home):
        children.end_leftovers(home)  # which may hold the port
        refuse_taken(port)
        run(home, port)


@contextmanager
def watched(home: Path) -> Iterator[None]:
    watcher = children.start_watcher(home)
    try:
        yield
    finally:
        with suppress(OSError):
            watcher.communicate(timeout=5)


def run(home: Path, port: int) -> None:
    """Start every part, say so, and look after them until somebody stops it."""
    house = House(home)
    try:
        settings = settle(home, port)
        house.start(companions(home, settings))
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


def wait_for_the_desk(port: int, web: Child) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while not alive(port):
        if web.died() or time.monotonic() > deadline:
            said = last_line_of(web.log)
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
    parent, had_terminal = os.getppid(), has_terminal()
    while True:
        if "--with-parent" in sys.argv and os.getppid() != parent:
            raise Stopped  # `make` was killed, and nobody would see what is said here
        if had_terminal and not has_terminal():
            raise Stopped  # it was closed, and `make` kept the news to itself
        if house.postgres and house.postgres.poll() is not None:
            say("Postgres ended.  It starts again.")
            house.start_postgres()
        for part in house.parts:
            if look_at_part(part):
                house.write_down()
        time.sleep(LOOK_EVERY)


def has_terminal() -> bool:
    try:
        return os.tcgetpgrp(0) > 0
    except OSError:
        return False


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

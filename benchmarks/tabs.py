"""Three hundred open tabs that ask for the pulse, as a share of two cores.

What is counted is the CPU time of the web server and of its database connections; the tabs
themselves are counted out.
"""

import http.client
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from ally.accounts import sessions
from ally.accounts.models import User
from ally.db import db, use_account
from benchmarks.desk import browser
from benchmarks.measure import Result
from benchmarks.world import DATABASE, World, web_server

TABS = 300
PEOPLE = 60
EVERY = 2.0  # seconds between two polls of a tab
PAGES_ASK_EVERY = 1.525  # and what the pages do, in the middle
SECONDS = 20.0
CORES = 2
HZ = os.sysconf("SC_CLK_TCK")


def open_tabs(world: World, account_id: UUID) -> Iterator[Result]:
    cookies = [cookie_of(world, token) for token in people_of(world, account_id)]
    places = some_places(world, account_id)
    for every, name in ((EVERY, "2 s"), (PAGES_ASK_EVERY, "1.5 s, as pages do")):
        with web_server(world) as (address, process):
            asked, share = share_while(address, process.pid, cookies, places, every)
        bare = 100.0
        yield Result(
            f"{TABS} open tabs, every {name}, % of {CORES} cores",
            share,
            bare,
            f"{asked / SECONDS:.0f}/s",
            "under 0.10",
            share / bare,
        )


def share_while(
    address: str, server: int, cookies: Sequence[str], places: Sequence[str], every: float
) -> tuple[int, float]:
    """How many polls were answered, and what share of the cores they took, in percent."""
    over, answered = threading.Event(), [0] * TABS
    tabs = [
        threading.Thread(
            target=tab,
            args=(address, cookies[n % len(cookies)], places[n % len(places)], every, over),
            kwargs={"answered": answered, "number": n},
            daemon=True,
        )
        for n in range(TABS)
    ]
    for one in tabs:
        one.start()
    time.sleep(2 * every)  # every tab has asked once
    before, began, used = sum(answered), time.perf_counter(), cpu_of(server)
    time.sleep(SECONDS)
    spent, passed = cpu_of(server) - used, time.perf_counter() - began
    asked = sum(answered) - before
    assert all(one.is_alive() for one in tabs), "a tab was refused"
    over.set()
    for one in tabs:
        one.join()
    return asked, 100 * spent / passed / CORES


def tab(
    address: str,
    cookie: str,
    place: str,
    every: float,
    over: threading.Event,
    *,
    answered: list[int],
    number: int,
) -> None:
    """One page that stays open: it asks with the version that it knows, as `pulse.js` does."""
    host, _, port = address.partition(":")
    connection = http.client.HTTPConnection(host, int(port))
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "HX-Request": "true"}
    version = ""
    over.wait(random.random() * every)
    while not over.is_set():
        connection.request("GET", f"/pulse?at={place}&version={version}", headers=headers)
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status in {200, 204}, answer.status
        if told:
            version = told.split(b'"version": "', 1)[1].split(b'"', 1)[0].decode()
        answered[number] += 1
        over.wait(every * (0.9 + 0.2 * random.random()))


def cpu_of(server: int) -> float:
    """Seconds of CPU that the web server, its children and all of Postgres have used."""
    return sum(ticks(pid) for pid in pids() if pid == server or belongs(pid, server)) / HZ


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def belongs(pid: int, server: int) -> bool:
    status = read(pid, "stat")
    name, parent = status.partition("(")[2].rpartition(")")[0], parent_in(status)
    return parent == server or (name == "postgres" and DATABASE.encode() in command(pid))


def parent_in(status: str) -> int:
    after = status.rpartition(")")[2].split()
    return int(after[1]) if len(after) > 1 else 0


def ticks(pid: int) -> int:
    after = read(pid, "stat").rpartition(")")[2].split()
    return int(after[11]) + int(after[12]) if len(after) > 12 else 0


def read(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:
        return ""


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def people_of(world: World, account_id: UUID) -> list[str]:
    """The session tokens of as many agents."""
    with world.app.app_context():
        use_account(account_id)
        tokens = []
        for number in range(PEOPLE):
            agent = User(
                account_id=account_id,
                email=f"tab{number}@bench.example",
                display_name=f"Agent {number}",
            )
            db.session.add(agent)
            db.session.flush()
            tokens.append(sessions.start(agent, hours=24))
        db.session.commit()
        return tokens


def cookie_of(world: World, token: str) -> str:
    cookie = browser(world, token).get_cookie("ally")
    assert cookie is not None
    return f"ally={cookie.value}"


def some_places(world: World, account_id: UUID) -> list[str]:
    with world.app.app_context():
        use_account(account_id)
        found = db.session.scalars(text("SELECT id FROM conversation LIMIT 300")).all()
        return [str(one) for one in found]

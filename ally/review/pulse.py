"""The pulse: what every open page asks for all the time, and what it hears.

A page says where it is; it hears whether the queue or its own place has changed, what is
counted in the rail, and who is where.  `Pulses` shares the answers: however many pages
ask, the database is asked a few times a second.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy import Connection, Engine

from ally import clock
from ally.accounts import sessions
from ally.db import name_account
from ally.review import claims, presence
from ally.review.pulse_queries import Desk, Unread, desk_of, newest_at, unread_of

# All in seconds.
FRESH = 0.25  # how old an answer may be before the database is asked again
FRESH_UNREAD = 1.0  # the same for what a person has not read
STALE = 2.0  # and how old it may be while somebody else is asking it
NOTED_FOR = 10.0  # how often somebody's presence is written at most
BELIEVED = 2.0  # a session that was live is looked at again after this
BELIEVED_AT_MOST = 4.0  # and is not believed for longer, whatever happens
ASKING = 20.0  # who has not asked for so long has closed the page


@dataclass(frozen=True)
class Person:
    account_id: UUID
    id: UUID


# Which scripts and styles this process hands out.  Set by the application.
assets = ""


def use_assets(version: str) -> None:
    """Say, once at start-up, which scripts and styles are handed out, by the address of one."""
    global assets
    assets = version


@dataclass(frozen=True)
class Asked:
    """What a page says of itself: the timeline that is looked at or was left, the draft that
    is open, whether somebody writes, and the last answer's version."""

    at: UUID | None = None
    left: UUID | None = None
    draft: UUID | None = None
    types: bool = False
    version: str = ""


def read(query: str) -> Asked:
    """What a page asked in the query of its address; what cannot be read is left out."""
    given = {name: values[0] for name, values in parse_qs(query).items()}
    return Asked(
        at=uuid_in(given.get("at")),
        left=uuid_in(given.get("left")),
        draft=uuid_in(given.get("draft")),
        types="types" in given,
        version=given.get("version", ""),
    )


def uuid_in(written: str | None) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        return None


def answer(person: Person, asked: Asked, desk: Desk, here: str, unread: Unread) -> bytes | None:
    """The answer as JSON; None while the page knows all of it."""
    heard = (person.id.hex[-8:], desk.version, desk.seen, here, unread.count, unread.newest)
    version = ".".join(map(str, heard))
    if version == asked.version:
        return None
    told = {
        "me": str(person.id),
        "version": version,
        "queue": desk.version,
        "place": here,
        "waiting": desk.waiting,
        "stuck": desk.stuck,
        "unread": unread.count,
        "newest": unread.newest,
        "loud": unread.loud,
        "assets": assets,
    }
    return f'{json.dumps(told)[:-1]}, "here": {desk.here}}}'.encode()


def look(connection: Connection, person: Person, asked: Asked) -> bytes | None:
    """The answer to one page, from the database itself."""
    desk = desk_of(connection, person.account_id)
    signs = Signs()
    signs.take(person, asked, desk, now=time.monotonic())
    signs.write(connection, person.account_id)
    here = newest_at(connection, person.account_id, [asked.at]) if asked.at else {}
    unread = unread_of(connection, person.account_id, [person.id])
    seen = here.get(asked.at, "") if asked.at else ""
    return answer(person, asked, desk, seen, unread[person.id])


@dataclass
class Signs:
    """Signs of life that are not written yet, and when each was written last."""

    noted: dict[presence.Place, tuple[float, bool]] = field(default_factory=dict)
    to_note: dict[presence.Place, bool] = field(default_factory=dict)
    to_leave: set[presence.Place] = field(default_factory=set)
    to_renew: set[tuple[UUID, UUID]] = field(default_factory=set)

    def take(self, person: Person, asked: Asked, desk: Desk | None, now: float) -> None:
        if asked.at is not None:
            self.see((asked.at, person.id), asked.types, now)
        if asked.left is not None and asked.left != asked.at:
            self.to_leave.add((asked.left, person.id))
            self.noted.pop((asked.left, person.id), None)
        claim = desk.claims.get(asked.draft) if desk and asked.draft else None
        is_theirs = claim is not None and claim.user_id == person.id
        if claim and is_theirs and claims.wants_renewal(claim.expires_at, clock.now()):
            self.to_renew.add((claim.draft_id, person.id))

    def see(self, place: presence.Place, types: bool, now: float) -> None:
        last, typed = self.noted.get(place, (-NOTED_FOR, False))
        if now - last >= NOTED_FOR or (types and not typed):
            self.noted[place] = (now, types)
            self.to_note[place] = types

    def forget_old(self, now: float) -> None:
        fresh = (one for one in list(self.noted.items()) if now - one[1][0] < NOTED_FOR)
        self.noted = dict(fresh)

    def write(self, connection: Connection, account_id: UUID) -> None:
        note, self.to_note = self.to_note, {}
        gone, self.to_leave = self.to_leave, set()
        held, self.to_renew = self.to_renew, set()
        presence.note(connection, account_id, note)
        presence.leave(connection, account_id, sorted(gone))
        claims.renew(connection, account_id, held)


@dataclass
class Shared:
    """What one account's pages are answered with, and who has asked for what, when."""

    signs: Signs = field(default_factory=Signs)
    desk: Desk | None = None
    looked_at: float = float("-inf")
    places: dict[UUID, str] = field(default_factory=dict)
    asked_places: dict[UUID, float] = field(default_factory=dict)
    unread: dict[UUID, Unread] = field(default_factory=dict)
    unread_at: float = float("-inf")
    asked_people: dict[UUID, float] = field(default_factory=dict)

    def note(self, person: Person, asked: Asked, now: float) -> None:
        self.asked_people[person.id] = now
        if asked.at is not None:
            self.asked_places[asked.at] = now
        self.signs.take(person, asked, self.desk, now)

    def knows(self, person: Person, asked: Asked) -> bool:
        """Whether the page can be answered without a look, if need be."""
        is_here = asked.at is None or asked.at in self.places
        return time.monotonic() - self.looked_at < STALE and is_here and person.id in self.unread

    def look(self, connection: Connection, account_id: UUID, now: float) -> None:
        for asking in (self.asked_places, self.asked_people):
            for gone in [one for one, at in list(asking.items()) if now - at > ASKING]:
                asking.pop(gone, None)
        self.signs.forget_old(now)
        self.signs.write(connection, account_id)
        self.desk = desk_of(connection, account_id)
        self.places = newest_at(connection, account_id, list(self.asked_places))
        people = list(self.asked_people)
        if now - self.unread_at >= FRESH_UNREAD or set(people) - self.unread.keys():
            self.unread = unread_of(connection, account_id, people)
            self.unread_at = now
        self.looked_at = now

    def answer(self, person: Person, asked: Asked) -> bytes | None:
        assert self.desk is not None
        here = self.places.get(asked.at, "") if asked.at else ""
        return answer(person, asked, self.desk, here, self.unread[person.id])


@dataclass
class Known:
    """A session that was live when it was `checked`."""

    person: Person
    checked: float
    asked: float


class Pulses:
    """The pulse of every account, for all pages that this process answers."""

    def __init__(self, engine: Engine, *, idle_hours: float):
        self.engine, self.idle_hours = engine, idle_hours
        self.sessions: dict[bytes, Known] = {}
        self.accounts: dict[UUID, Shared] = {}
        self.lock = threading.Lock()

    def of(self, session: bytes, asked: Asked) -> bytes | None:
        """The answer to a page of this session, None while it knows all of it.

        Raises LookupError for a session that is not, or is no longer, live.
        """
        person = self.person_of(session)
        shared = self.accounts.setdefault(person.account_id, Shared())
        shared.note(person, asked, time.monotonic())
        with self.turn(shared, person, asked) as is_mine:
            if is_mine:
                self.look(person.account_id, shared)
        return shared.answer(person, asked)

    @contextmanager
    def turn(self, shared: Shared, person: Person, asked: Asked) -> Iterator[bool]:
        """Whether the caller is to look again: one does, and who can do with what is there
        does not wait for it."""
        is_old = time.monotonic() - shared.looked_at >= FRESH
        knows = shared.knows(person, asked)
        if not is_old and knows:
            yield False
            return
        mine = self.lock.acquire(blocking=not knows)
        try:
            yield mine
        finally:
            if mine:
                self.lock.release()

    def person_of(self, session: bytes) -> Person:
        known, now = self.sessions.get(session), time.monotonic()
        if known is None or now - known.checked >= BELIEVED_AT_MOST:
            with self.lock:
                self.check({session}, now)
            known = self.sessions[session]
        known.asked = now
        return known.person

    def look(self, account_id: UUID, shared: Shared) -> None:
        now = time.monotonic()
        if any(now - known.checked >= BELIEVED for known in list(self.sessions.values())):
            self.check(set(), now)
        with self.engine.begin() as connection:
            name_account(connection, account_id)
            shared.look(connection, account_id, now)

    def check(self, new: set[bytes], now: float) -> None:
        """Look at every session that asks, and at the new ones; forget those that ended."""
        asking = {s: known for s, known in self.sessions.items() if now - known.asked < ASKING}
        with self.engine.begin() as connection:
            live = sessions.still_live(connection, asking.keys() | new, idle_hours=self.idle_hours)
        self.sessions = {
            session: Known(Person(*who), now, asking[session].asked if session in asking else now)
            for session, who in live.items()
        }
        self.forget_accounts({who[0] for who in live.values()})

    def forget_accounts(self, asking: set[UUID]) -> None:
        self.accounts = {a: shared for a, shared in self.accounts.items() if a in asking}

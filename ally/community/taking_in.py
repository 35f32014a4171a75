"""What came from platforms is taken in: in order, each event whole or not at all."""

import itertools
import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import InterfaceError, OperationalError

from ally.channels.models import Channel, EventsRaw, IntakeOutcome, IntakeState
from ally.community import together
from ally.community.applying import LeftOut, Source, apply
from ally.community.discord import reading as discord
from ally.community.facts import Fact, PlaceFact, PostWritten, Unreadable, stored
from ally.community.generic import reading as generic
from ally.community.models import PostWaiting
from ally.community.people import inserted, ours
from ally.community.telegram import reading as telegram
from ally.db import current_account_id, db
from ally.jobs.queue import enqueue, job, run_for_every_account

log = logging.getLogger(__name__)

AT_ONCE = 200  # events of one transaction
LEFT_OUT = "The channel is switched off."
PROGRAM_LIMIT = "54"  # class of Postgres errors: more than a row, an index or a statement holds

READERS: dict[str, Callable[..., list[Fact]]] = {
    "discord": discord.facts_of,
    "telegram": telegram.facts_of,
    "community": generic.facts_of,
}


@job("community.take_in")
def take_in() -> None:
    """Take in what waits of the current account, and ask for the rest to be."""
    waiting = next_waiting()
    if waiting:
        db.session.execute(inserted(IntakeOutcome, outcomes_of(waiting)))
    if len(waiting) == AT_ONCE:
        enqueue("community.take_in", lock=f"community:{current_account_id()}")


@job("community.sweep", cron="* * * * *")
def sweep() -> None:
    """Take in what lost its job."""
    run_for_every_account(take_in)


def next_waiting() -> Sequence[EventsRaw]:
    """The events that have waited longest, which wait no longer once this is committed."""
    longest = (
        select(PostWaiting.place)
        .where(*ours(PostWaiting))
        .order_by(PostWaiting.place)
        .limit(AT_ONCE)
    )
    taken = db.session.execute(
        delete(PostWaiting)
        .where(PostWaiting.place.in_(longest))
        .returning(PostWaiting.place, PostWaiting.event_id)
    )
    place = {row.event_id: row.place for row in taken}
    events = db.session.scalars(select(EventsRaw).where(EventsRaw.id.in_(place))).all()
    return sorted(events, key=lambda event: place[event.id])


def outcomes_of(events: Sequence[EventsRaw]) -> list[dict[str, Any]]:
    """Let the events change the tables; what became of each, as a row."""
    told = [(event, readable(event)) for event in events]
    outcomes = []
    # What is said of a place counts for what follows, and not for what was before.
    for is_of_places, group in itertools.groupby(told, key=lambda each: is_of_a_place(each[1])):
        run = list(group)
        done = set() if is_of_places or len(run) == 1 else taken_together(run)
        outcomes += [
            row_of(event, IntakeState.STORED) if event.id in done else outcome_of(event, facts)
            for event, facts in run
        ]
    return outcomes


def readable(event: EventsRaw) -> list[Fact]:
    """What the event says; nothing if it cannot be read, which is told when its turn comes."""
    try:
        return facts_of(event)
    except Exception:
        return []


def is_of_a_place(facts: Sequence[Fact]) -> bool:
    return any(isinstance(fact, PlaceFact) for fact in facts)


def taken_together(told: Sequence[tuple[EventsRaw, list[Fact]]]) -> set[UUID]:
    """Take in those that are a new post and no more; the ids of their events."""
    posts: dict[UUID, dict[together.Key, tuple[EventsRaw, PostWritten]]] = {}
    for event, facts in told:
        match facts:
            case [PostWritten() as post]:
                of_server = posts.setdefault(event.channel_id, {})
                of_server.setdefault(together.key_of(post), (event, post))
    done: set[UUID] = set()
    for of_server in posts.values():
        event, _ = next(iter(of_server.values()))
        written = written_together([post for _, post in of_server.values()], source_of(event))
        done |= {of_server[key][0].id for key in written}
    return done


def written_together(posts: Sequence[PostWritten], source: Source) -> set[together.Key]:
    try:
        with db.session.begin_nested():
            return together.write(posts, source)
    except Exception as refused:
        if is_passing(refused):
            raise
        return set()  # one of them is to blame: alone, each shows whether it is it


def outcome_of(event: EventsRaw, facts: Sequence[Fact] = ()) -> dict[str, Any]:
    """Let the event change the tables; what became of it, as a row.  What it says is read from it
    where `facts` do not tell."""
    state, reason = IntakeState.STORED, None
    try:
        # What cannot be taken in leaves nothing behind, and the others their turn.
        with db.session.begin_nested():
            source = source_of(event)
            for fact in facts or facts_of(event):
                apply(fact, source)
    except LeftOut:
        state, reason = IntakeState.IGNORED, LEFT_OUT
    except Unreadable as unreadable:
        state, reason = IntakeState.QUARANTINED, str(unreadable)
    except Exception as refused:
        if is_passing(refused):
            raise
        log.exception("Event %s cannot be taken in.", event.id)
        refusal = getattr(refused, "orig", None) or refused
        state, reason = IntakeState.QUARANTINED, f"{event.type}: {type(refusal).__name__}"
    return row_of(event, state, reason)


def row_of(event: EventsRaw, state: IntakeState, reason: str | None = None) -> dict[str, Any]:
    return {
        "account_id": event.account_id,
        "event_id": event.id,
        "state": state,
        "reason": reason,
    }


def is_passing(error: Exception) -> bool:
    """Whether the database was in trouble, and not the event: a lost connection, a deadlock."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return not (getattr(error.orig, "sqlstate", None) or "").startswith(PROGRAM_LIMIT)


def source_of(event: EventsRaw) -> Source:
    return Source(db.session.get_one(Channel, event.channel_id), event.platform)


def facts_of(event: EventsRaw) -> list[Fact]:
    return READERS[event.platform](event.type, payload_of(event), event.ts)


def payload_of(event: EventsRaw) -> dict[str, Any]:
    """The event as it came, but for what no column keeps.  Raises Unreadable."""
    written = (event.body or b"").decode(errors="replace")
    try:
        payload = json.loads(written)
        if UNKEPT.search(written):
            payload = kept(payload)
    except (ValueError, RecursionError):
        raise Unreadable(f"{event.type}: this is no JSON") from None
    if not isinstance(payload, dict):
        raise Unreadable(f"{event.type}: this is no object")
    return payload


UNKEPT = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)  # zeros and halves of characters


def kept(value: Any) -> Any:
    """The same, with its texts as Postgres can keep them."""
    if isinstance(value, str):
        return stored(value)
    if isinstance(value, list):
        return [kept(each) for each in value]
    if isinstance(value, dict):
        return {stored(name): kept(each) for name, each in value.items()}
    return value

"""What came from platforms is taken in: each event whole or not at all, new posts together and
the others in their order."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError

from ally.channels.models import Channel, EventsRaw, IntakeOutcome, IntakeState
from ally.community import together
from ally.community.applying import LeftOut, Source, apply
from ally.community.discord import reading as discord
from ally.community.facts import Fact, PlaceRenamed, PostWritten, Unreadable
from ally.community.generic import reading as generic
from ally.community.models import PostWaiting
from ally.community.people import ours
from ally.community.telegram import reading as telegram
from ally.db import current_account_id, db
from ally.jobs.queue import enqueue, job, run_for_every_account

AT_ONCE = 200  # events of one transaction
LEFT_OUT = "The channel is switched off."
# Classes of errors that pass: connection, transaction rolled back, resources, locks, operators.
PASSING = frozenset({"08", "25", "40", "53", "55", "57", "58"})
# What stands in JSON for what no text column keeps.
UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")

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
        db.session.execute(insert(IntakeOutcome), outcomes_of(waiting))
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


@dataclass(frozen=True)
class Told:
    """An event, and what its platform told by it, or why that cannot be read."""

    event: EventsRaw
    facts: tuple[Fact, ...] = ()
    problem: str | None = None


def outcomes_of(events: Sequence[EventsRaw]) -> list[dict[str, Any]]:
    """Let the events change the tables, those that are new posts together; what became of each."""
    told = [read(event) for event in events]
    # What a place is called from now on is to be known before what is told of it.
    in_order = any(isinstance(fact, PlaceRenamed) for one in told for fact in one.facts)
    written = set() if in_order else write_together(told)
    return [
        outcome(one.event, IntakeState.STORED) if one.event.id in written else outcome_of(one)
        for one in told
    ]


def write_together(told: Sequence[Told]) -> set[UUID]:
    """Write those that are nothing but a new post; the ids of their events."""
    posts: dict[tuple[UUID, str], list[Told]] = {}
    for one in told:
        if len(one.facts) == 1 and isinstance(one.facts[0], PostWritten):
            posts.setdefault((one.event.channel_id, one.event.platform), []).append(one)
    done = set()
    for some in posts.values():
        try:
            with db.session.begin_nested():
                facts = [
                    fact for one in some for fact in one.facts if isinstance(fact, PostWritten)
                ]
                written = together.write_new(source_of(some[0].event), facts)
        except Exception as refused:
            # One of them cannot be stored: each by itself, that one tells.
            if may_come_right(refused):
                raise
            continue
        done |= {some[number].event.id for number in written}
    return done


def read(event: EventsRaw) -> Told:
    try:
        facts = READERS[event.platform](event.type, payload_of(event), event.ts)
    except Unreadable as unreadable:
        return Told(event, problem=str(unreadable))
    return Told(event, tuple(facts))


def outcome_of(told: Told) -> dict[str, Any]:
    """Let the event change the tables; what became of it, as a row."""
    event = told.event
    if told.problem is not None:
        return outcome(event, IntakeState.QUARANTINED, told.problem)
    try:
        # What cannot be taken in leaves nothing behind, and the others their turn.
        with db.session.begin_nested():
            for fact in told.facts:
                apply(fact, source_of(event))
    except LeftOut:
        return outcome(event, IntakeState.IGNORED, LEFT_OUT)
    except Exception as refused:
        if may_come_right(refused):
            raise
        name = type(getattr(refused, "orig", None) or refused).__name__
        return outcome(event, IntakeState.QUARANTINED, f"{event.type}: {name}")
    return outcome(event, IntakeState.STORED)


def may_come_right(refused: Exception) -> bool:
    """Whether the database, and not what was to be stored, is why it was not.

    Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if not isinstance(refused, DBAPIError):
        return False
    code = getattr(refused.orig, "sqlstate", None)
    return code is None or code[:2] in PASSING


def outcome(event: EventsRaw, state: IntakeState, reason: str | None = None) -> dict[str, Any]:
    return {
        "account_id": event.account_id,
        "event_id": event.id,
        "state": state,
        "reason": reason,
    }


def source_of(event: EventsRaw) -> Source:
    return Source(db.session.get_one(Channel, event.channel_id), event.platform)


def payload_of(event: EventsRaw) -> dict[str, Any]:
    """The event as it came.  Raises Unreadable."""
    try:
        payload = json.loads(event.body or b"")
    except (ValueError, RecursionError):
        raise Unreadable(f"{event.type}: this is no JSON") from None
    if not isinstance(payload, dict):
        raise Unreadable(f"{event.type}: this is no object")
    return cleaned(payload) if UNSTORABLE.search(event.body or b"") else payload


def cleaned(told: Any) -> Any:
    """The same with its words as a database can keep them: JSON may hold zeros and halves of
    characters."""
    if isinstance(told, str):
        return told.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(told, dict):
        return {cleaned(name): cleaned(value) for name, value in told.items()}
    return [cleaned(one) for one in told] if isinstance(told, list) else told

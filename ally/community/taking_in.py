"""What came from platforms is taken in: in order, each event whole or not at all."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DataError, IntegrityError

from ally.channels.models import Channel, EventsRaw, IntakeOutcome, IntakeState
from ally.community.applying import LeftOut, Source, apply
from ally.community.discord import reading as discord
from ally.community.facts import Fact, Unreadable
from ally.community.generic import reading as generic
from ally.community.models import PostWaiting
from ally.community.people import ours
from ally.community.telegram import reading as telegram
from ally.db import current_account_id, db
from ally.jobs.queue import enqueue, job, run_for_every_account

AT_ONCE = 200  # events of one transaction
LEFT_OUT = "The channel is switched off."

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
        db.session.execute(insert(IntakeOutcome), [outcome_of(event) for event in waiting])
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


def outcome_of(event: EventsRaw) -> dict[str, Any]:
    """Let the event change the tables; what became of it, as a row."""
    state, reason = IntakeState.STORED, None
    try:
        # What cannot be taken in leaves nothing behind, and the others their turn.
        with db.session.begin_nested():
            take(event)
    except LeftOut:
        state, reason = IntakeState.IGNORED, LEFT_OUT
    except Unreadable as unreadable:
        state, reason = IntakeState.QUARANTINED, str(unreadable)
    except (DataError, IntegrityError) as refused:
        state, reason = IntakeState.QUARANTINED, f"{event.type}: {type(refused.orig).__name__}"
    return {
        "account_id": event.account_id,
        "event_id": event.id,
        "state": state,
        "reason": reason,
    }


def take(event: EventsRaw) -> None:
    source = Source(db.session.get_one(Channel, event.channel_id), event.platform)
    for fact in READERS[event.platform](event.type, payload_of(event), event.ts):
        apply(fact, source)


def payload_of(event: EventsRaw) -> dict[str, Any]:
    """The event as it came.  Raises Unreadable."""
    try:
        payload = json.loads(event.body or b"")
    except (ValueError, RecursionError):
        raise Unreadable(f"{event.type}: this is no JSON") from None
    if not isinstance(payload, dict):
        raise Unreadable(f"{event.type}: this is no object")
    return payload

"""Who did what to what, and when."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select, text

from ally.db import db
from ally.events.models import Event


class Subject(Protocol):
    """A row that things happen to.  `timeline_id` is the page on which they are told."""

    account_id: Any
    id: Any

    @property
    def timeline_id(self) -> UUID: ...


class Actor(Protocol):
    id: Any
    display_name: Any


def record(
    subject: Subject,
    action: str,
    by: Actor | None = None,
    *,
    actor_name: str = "Ally",
    **particulars: Any,
) -> Event:
    """Note that `by` did `action`; saved with the change it notes.

    Without `by`, `actor_name` did it: Ally itself, or a customer.
    """
    event = Event(
        account_id=subject.account_id,
        timeline_id=subject.timeline_id,
        subject_type=type(subject).__name__.lower(),
        subject_id=subject.id,
        action=action,
        actor_id=by.id if by else None,
        actor_name=by.display_name if by else actor_name,
        particulars=particulars,
    )
    db.session.add(event)
    return event


def timeline(subject: Subject) -> Sequence[Event]:
    """Everything that happened to the subject, the first first."""
    return db.session.scalars(
        select(Event)
        .where(Event.account_id == subject.account_id, Event.timeline_id == subject.timeline_id)
        .order_by(Event.at, Event.id)
    ).all()


def seal() -> None:
    """Close the chain now rather than at commit, as tests and exports need."""
    db.session.flush()
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    db.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))

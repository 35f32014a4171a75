"""Events with all that is needed to check their chain elsewhere: the rows, and their JSON."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import aliased

from ally.db import db
from ally.events.chain import LINK
from ally.events.models import Event
from ally.events.reading import Order, in_order
from ally.paging import Place

BATCH = 500  # rows; what is held in memory at once
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Earlier = aliased(Event)
PREVIOUS = (
    select(Earlier.hash)
    .where(Earlier.account_id == Event.account_id, Earlier.seq == Event.seq - 1)
    .scalar_subquery()
)
WRITTEN: Any = select(*LINK, Event.at, Event.particulars, PREVIOUS.label("previous_hash"))


def by_number(conditions: Sequence[ColumnElement[bool]]) -> Iterator[Sequence[Row[Any]]]:
    """The events in the order of the chain, in batches."""
    number = 0
    while True:
        statement = WRITTEN.where(*conditions, Event.seq > number).order_by(Event.seq)
        rows = db.session.execute(statement.limit(BATCH)).all()
        if not rows:
            return
        yield rows
        number = rows[-1].seq


def by_time(conditions: Sequence[ColumnElement[bool]]) -> Iterator[Sequence[Row[Any]]]:
    """The events in the order of time, in batches; by the indexes of timelines and filters."""
    place: Place | None = None
    while True:
        statement = in_order(WRITTEN.where(*conditions), place, Order.OLDEST)
        rows = db.session.execute(statement.limit(BATCH)).all()
        if not rows:
            return
        yield rows
        place = (rows[-1].at, rows[-1].id)


def as_link(row: Row[Any]) -> dict[str, Any]:
    """One event as a link of its chain; `docs/exports.md` says how it is checked."""
    return {
        "number": row.seq,
        "id": str(row.id),
        "account_id": str(row.account_id),
        "timeline_id": str(row.timeline_id),
        "subject_type": row.subject_type,
        "subject_id": str(row.subject_id),
        "action": row.action,
        "actor_id": str(row.actor_id) if row.actor_id else None,
        "actor_name": row.actor_name,
        "at": row.at.astimezone(UTC).isoformat(),
        "at_microseconds": (row.at - EPOCH) // timedelta(microseconds=1),
        "particulars": row.particulars_text,
        "salt": in_hex(row.salt),
        "content_digest": in_hex(row.content_digest),
        "previous_hash": in_hex(row.previous_hash),
        "hash": in_hex(row.hash),
    }


def in_hex(digest: bytes | None) -> str:
    """The digest in hex; "" for none, as before the first link."""
    return digest.hex() if digest else ""

"""A conversation as it is read: its letters, and what was done between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import load_only

from ally.db import db
from ally.desk.models import Conversation, MessageDirection
from ally.desk.queries import THE_END, page_of, place_of
from ally.events.models import Event

LETTERS = 20  # messages of a conversation that are drawn at once
LONGEST_BODY = 20_000  # characters of a message that are drawn; the rest is in the original
MOST_EVENTS = 100  # events that are drawn between the letters

LETTERS_OF = text("""
    SELECT m.id, m.direction, m.author_name, m.author_email, m.sent_at,
           left(m.body_text, :longest + 1) AS body, m.metadata, m.event_id,
           octet_length(m.body_html) AS html_bytes,
           (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'name', a.file_name,
                                                'size', a.size_bytes) ORDER BY a.created_at, a.id)
              FROM attachment a WHERE a.message_id = m.id) AS files,
           s.id AS delivery_id, s.status AS delivery_status, s.answer AS delivery_answer,
           s.accepted_at, s.attempts, s.not_before, s.reported, s.acknowledged_at,
           (SELECT r.detail FROM delivery_report r
             WHERE s.reported IN ('bounced', 'delayed', 'complained')
               AND r.account_id = :account_id AND r.delivery_id = s.id
               AND r.kind IN ('bounced', 'delayed', 'complained')
             ORDER BY r.is_permanent DESC, r.at DESC LIMIT 1) AS report
      FROM message m
      LEFT JOIN delivery s ON s.account_id = :account_id AND s.message_id = m.id
     WHERE m.account_id = :account_id AND m.conversation_id = :conversation_id
       AND (m.sent_at, m.id) < (:before_at, :before_id)
       AND s.status IS DISTINCT FROM 'cancelled'
     ORDER BY m.sent_at DESC, m.id DESC LIMIT :limit
""")


@dataclass(frozen=True)
class Letter:
    """A message as it is drawn: its own text, and the history quoted below it."""

    id: UUID
    is_inbound: bool
    author: str
    email: str | None
    at: datetime
    own: str
    quoted: str
    is_cut: bool
    to: Sequence[Sequence[str | None]]
    html_bytes: int | None
    remote_images: int
    files: Sequence[dict[str, Any]]
    has_original: bool
    sending: Row[Any] | None


@dataclass(frozen=True)
class Thread:
    """Letters and what was done between them, in the order of time.

    `older` are folded away; `earlier` leads to the letters before all of these, if any.
    """

    older: Sequence[Letter | Event]
    recent: Sequence[Letter | Event]
    older_letters: int
    earlier: str | None


def thread_of(conversation: Conversation, *, unfolded: int = 3, before: str = "") -> Thread:
    """The letters of a conversation and what was done between them, the newest LETTERS at most."""
    letters, earlier = letters_of(conversation, before)
    told = events_of(conversation, since=letters[0].at if letters and earlier else None)
    entries: list[Letter | Event] = sorted([*letters, *told], key=lambda entry: entry.at)
    recent = letters[-unfolded:]
    cut = entries.index(recent[0]) if recent and len(letters) > unfolded else 0
    return Thread(entries[:cut], entries[cut:], len(letters) - len(recent), earlier)


def letters_of(conversation: Conversation, before: str = "") -> tuple[list[Letter], str | None]:
    """The newest letters, the oldest of them first, and where the ones before them are."""
    before_at, before_id = place_of(before, THE_END)
    rows = db.session.execute(
        LETTERS_OF,
        {
            "account_id": conversation.account_id,
            "conversation_id": conversation.id,
            "longest": LONGEST_BODY,
            "before_at": before_at,
            "before_id": before_id,
            "limit": LETTERS + 1,
        },
    ).all()
    page = page_of(rows, LETTERS, "sent_at")
    return [letter_of(row) for row in reversed(page.rows)], page.next


def letter_of(row: Row[Any]) -> Letter:
    details = row.metadata or {}
    quoted_from = details.get("quoted_from")
    body = row.body[:LONGEST_BODY]
    return Letter(
        id=row.id,
        is_inbound=row.direction == MessageDirection.INBOUND,
        author=row.author_name or row.author_email or "Unknown sender",
        email=row.author_email,
        at=row.sent_at,
        own=body if quoted_from is None else body[:quoted_from].rstrip(),
        quoted="" if quoted_from is None else body[quoted_from:].strip("\n"),
        is_cut=len(row.body) > LONGEST_BODY,
        to=details.get("to") or [],
        html_bytes=row.html_bytes if row.direction == MessageDirection.INBOUND else None,
        remote_images=details.get("remote_images") or 0,
        files=row.files or [],
        has_original=row.event_id is not None or row.delivery_id is not None,
        sending=row if row.delivery_id else None,
    )


def events_of(conversation: Conversation, since: datetime | None = None) -> Sequence[Event]:
    """What was done in the conversation, but for the messages that came; the newest
    MOST_EVENTS."""
    events = (
        select(Event)
        .where(
            Event.account_id == conversation.account_id,
            Event.timeline_id == conversation.id,
            Event.action != "message.received",
        )
        .order_by(Event.at.desc(), Event.id.desc())
        .options(load_only(Event.at, Event.action, Event.actor_name, Event.particulars))
        .limit(MOST_EVENTS)
    )
    return db.session.scalars(events.where(Event.at >= since) if since else events).all()

"""A conversation as it is read: its letters, and what was done between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import load_only

from ally.db import db
from ally.desk.letters import LONGEST_BODY, Letter, letter_of
from ally.desk.models import Conversation
from ally.desk.notes import Shown, notes_of
from ally.events.models import Event
from ally.paging import THE_END, page_of, place_of

LETTERS = 20  # messages of a conversation that are drawn at once
PRINTED = 200  # messages that are printed at once
MOST_EVENTS = 100  # events that are drawn between the letters
SHOWN_ITSELF = ("message.received", "note.added")

# An image counts as shown inside of the mail when the mail's HTML asks for it by its id.
LETTERS_OF = text("""
    SELECT m.id, m.direction, m.author_name, m.author_email, m.sent_at, m.category,
           left(m.body_text, :longest + 1) AS body, m.metadata, m.event_id,
           octet_length(m.body_html) AS html_bytes,
           regexp_count(left(m.body_html, 20000), '</(tr|p|li|h[1-6])>|<br') AS html_lines,
           substr(m.body_html, 1, 5000) ~ '<(table|img)|data-sheet=' AS is_laid_out,
           (SELECT jsonb_agg(jsonb_build_object(
                       'id', a.id, 'name', a.file_name, 'size', a.size_bytes, 'note', a.note,
                       'type', a.mime_type,
                       'shown', a.content_id IS NOT NULL AND a.mime_type LIKE 'image/%' AND
                                coalesce(strpos(m.body_html,
                                                'data-cid="' || a.content_id || '"'), 0) > 0)
                     ORDER BY a.created_at, a.id)
              FROM attachment a WHERE a.message_id = m.id) AS files,
           s.id AS delivery_id, s.status AS delivery_status, s.answer AS delivery_answer,
           s.accepted_at, s.attempts, s.not_before, s.reported, s.acknowledged_at,
           (SELECT r.detail FROM delivery_report r
             WHERE s.reported IN ('bounced', 'delayed', 'complained')
               AND r.account_id = :account_id AND r.delivery_id = s.id
               AND r.kind IN ('bounced', 'delayed', 'complained')
             ORDER BY r.is_permanent DESC, r.at DESC LIMIT 1) AS report,
           EXISTS (SELECT 1 FROM note n WHERE n.account_id = :account_id
                    AND n.conversation_id = :conversation_id) AS has_notes,
           EXISTS (SELECT 1 FROM message f WHERE f.account_id = :account_id
                    AND f.conversation_id = :conversation_id
                    AND f.metadata->'flags' <> '[]') AS has_flags
      FROM message m
      LEFT JOIN delivery s ON s.account_id = :account_id AND s.message_id = m.id
     WHERE m.account_id = :account_id AND m.conversation_id = :conversation_id
       AND (m.sent_at, m.id) < (:before_at, :before_id)
       AND s.status IS DISTINCT FROM 'cancelled'
     ORDER BY m.sent_at DESC, m.id DESC LIMIT :limit
""")


Entry = Letter | Shown | Event


@dataclass(frozen=True)
class Thread:
    """Letters, notes and what was done between them, in the order of time.

    `older` are folded away; `earlier` leads to the letters before all of these, if any.
    `has_flags` when there may be something to decide about one of its messages.
    """

    older: Sequence[Entry]
    recent: Sequence[Entry]
    older_letters: int
    earlier: str | None
    has_flags: bool = True

    @property
    def older_notes(self) -> int:
        return sum(isinstance(one, Shown) for one in self.older)

    @property
    def undelivered(self) -> list[Letter]:
        """Our letters that may not have arrived."""
        entries = [*self.older, *self.recent]
        return [one for one in entries if isinstance(one, Letter) and one.is_undelivered]


@dataclass(frozen=True)
class Printed:
    """Letters for paper, and where the ones before them are, if any."""

    letters: Sequence[Letter]
    earlier: str | None


def thread_of(conversation: Conversation, *, unfolded: int = 3, before: str = "") -> Thread:
    """The letters of a conversation and what was done between them, the newest LETTERS at most."""
    rows, earlier = rows_of(conversation, before, most=LETTERS)
    letters = [letter_of(row) for row in rows]
    since = letters[0].at if letters and earlier else None
    place = place_of(before)
    until = place[0] if place else None
    without_notes = rows and not rows[0].has_notes
    notes = [] if without_notes else notes_of(conversation, since, until)
    told = events_of(conversation, since, until)
    entries: list[Entry] = sorted([*letters, *notes, *told], key=lambda entry: entry.at)
    recent = letters[-unfolded:]
    cut = entries.index(recent[0]) if recent and len(letters) > unfolded else 0
    has_flags = not rows or rows[0].has_flags
    return Thread(entries[:cut], entries[cut:], len(letters) - len(recent), earlier, has_flags)


def printed(conversation: Conversation, before: str = "") -> Printed:
    """The letters of a conversation for paper, the newest PRINTED at most."""
    rows, earlier = rows_of(conversation, before, most=PRINTED)
    return Printed([letter_of(row) for row in rows], earlier)


def rows_of(
    conversation: Conversation, before: str, *, most: int
) -> tuple[list[Row[Any]], str | None]:
    """The newest letters, the oldest of them first, and where the ones before them are."""
    before_at, before_id = place_of(before) or THE_END
    rows = db.session.execute(
        LETTERS_OF,
        {
            "account_id": conversation.account_id,
            "conversation_id": conversation.id,
            "longest": LONGEST_BODY,
            "before_at": before_at,
            "before_id": before_id,
            "limit": most + 1,
        },
    ).all()
    page = page_of(rows, most, "sent_at")
    return list(reversed(page.rows)), page.next


def events_of(
    conversation: Conversation, since: datetime | None, before: datetime | None
) -> Sequence[Event]:
    """What was done in the conversation between two times, but for what stands there itself;
    the newest MOST_EVENTS."""
    events = (
        select(Event)
        .where(
            Event.account_id == conversation.account_id,
            Event.timeline_id == conversation.id,
            Event.action.not_in(SHOWN_ITSELF),
        )
        .order_by(Event.at.desc(), Event.id.desc())
        .options(load_only(Event.at, Event.action, Event.actor_name, Event.particulars))
        .limit(MOST_EVENTS)
    )
    if since is not None:
        events = events.where(Event.at >= since)
    if before is not None:
        events = events.where(Event.at < before)
    return db.session.scalars(events).all()

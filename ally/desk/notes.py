"""Notes as they are read between the letters: whose, when, with links that can be followed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ally.db import db
from ally.desk.models import Conversation, Note
from ally.marks import woven

MOST = 200  # that are drawn at once
AT_ONCE = timedelta(seconds=1)  # between the two times of a note that was never changed
LINK = re.compile(r"https?://[^\s<>\"]{1,2000}")
OUTWARD = Markup('<a class="linked" href="{}" target="_blank" rel="noopener noreferrer">{}</a>')
AFTER_A_LINK = ".,;:!?'\")]}>…"


@dataclass(frozen=True)
class Shown:
    """A note as it is drawn; its author may change it."""

    id: UUID
    at: datetime
    author_id: UUID
    author: str
    body: str
    is_changed: bool

    @property
    def words(self) -> Markup:
        return Markup("").join(linked(line) for line in self.body.splitlines(keepends=True))


def shown(note: Note) -> Shown:
    return Shown(
        id=note.id,
        at=note.created_at,
        author_id=note.author_id,
        author=note.author.display_name,
        body=note.body,
        is_changed=note.updated_at - note.created_at > AT_ONCE,
    )


def notes_of(
    conversation: Conversation, since: datetime | None, before: datetime | None
) -> Sequence[Shown]:
    """The conversation's notes between two times, the newest MOST, in the order of time."""
    notes = (
        select(Note)
        .where(Note.account_id == conversation.account_id, Note.conversation_id == conversation.id)
        .order_by(Note.created_at.desc(), Note.id.desc())
        .options(joinedload(Note.author))
        .limit(MOST)
    )
    if since is not None:
        notes = notes.where(Note.created_at >= since)
    if before is not None:
        notes = notes.where(Note.created_at < before)
    return [shown(note) for note in reversed(db.session.scalars(notes).all())]


def linked(text: str) -> Markup:
    """The text, escaped, with its web addresses as links."""
    return woven(text, (link_at(found) for found in LINK.finditer(text)))


def link_at(found: re.Match[str]) -> tuple[int, int, Markup]:
    address, start = trimmed(found[0]), found.start()
    return start, start + len(address), OUTWARD.format(address, address)


def trimmed(address: str) -> str:
    """Without what ends the sentence around it; a bracket that it opens itself is its own."""
    while address[-1] in AFTER_A_LINK:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address

"""What an agent should know or decide about a message, shown until somebody has."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation, Message
from ally.desk.pending import hold
from ally.errors import Conflict
from ally.events import trail
from ally.language import _, named


class Flag(StrEnum):
    """The first asks where the message belongs; the others are settled by having seen them."""

    CHANGED_SUBJECT = "changed_subject"
    SAME_ID = "same_id"
    CLAIMS_TO_BE_US = "claims_to_be_us"
    TOO_MANY = "too_many"
    CALLED_SPAM = "called_spam"


NOTICES = {
    Flag.CHANGED_SUBJECT: named("has another subject than this conversation. Does it belong here?"),
    Flag.SAME_ID: named("has the id of an earlier message, but not its words. Both are kept."),
    Flag.CLAIMS_TO_BE_US: named(
        "says that it comes from one of us, and nothing proves it. Take care."
    ),
    Flag.TOO_MANY: named(
        "came when Ally had already drafted or received a lot, so no draft was written for it."
    ),
    Flag.CALLED_SPAM: named("was called spam by a mail server, so no draft was written for it."),
}
UNDRAFTED = (Flag.TOO_MANY, Flag.CALLED_SPAM)  # a person has to ask for the draft
SETTLED = {
    Flag.CHANGED_SUBJECT: "message.kept",
    Flag.SAME_ID: "message.seen",
    Flag.CLAIMS_TO_BE_US: "message.seen",
    Flag.TOO_MANY: "message.seen",
    Flag.CALLED_SPAM: "message.seen",
}
MOST_SHOWN = 10

FLAGGED = text("""
    SELECT id, author_name, author_email, subject, direction, sent_at, metadata->'flags' AS flags
      FROM message
     WHERE account_id = :account_id AND conversation_id = :conversation_id
       AND metadata->'flags' <> '[]'
     ORDER BY sent_at, id LIMIT :limit
""")


@dataclass(frozen=True)
class Notice:
    """One flag of one message, as the page shows it."""

    message_id: UUID
    flag: Flag
    author: str
    subject: str
    words: str


def notices_in(conversation: Conversation) -> list[Notice]:
    """What waits to be looked at in the conversation, the oldest message first."""
    rows = db.session.execute(
        FLAGGED,
        {
            "account_id": conversation.account_id,
            "conversation_id": conversation.id,
            "limit": MOST_SHOWN,
        },
    ).all()
    return [notice for row in rows for notice in notices_of(row)]


def notices_of(row: Row[Any]) -> Sequence[Notice]:
    author = row.author_name or row.author_email or "Unknown sender"
    return [
        Notice(row.id, flag, author, row.subject or "", NOTICES[flag])
        for flag in Flag
        if flag in row.flags
    ]


def settle(message: Message, flag: Flag) -> bool:
    """Take the flag off the message; whether it was there."""
    flags = message.metadata_.get("flags") or []
    if flag not in flags:
        return False
    left = [other for other in flags if other != flag]
    message.metadata_ = {**message.metadata_, "flags": left}
    return True


def settle_for(message: Message, flag: Flag, by: User) -> None:
    """Note that `by` has seen it, or wants the message to stay.  Raises Conflict when somebody
    was faster."""
    hold(message.conversation_id)
    db.session.refresh(message)
    if not settle(message, flag):
        raise Conflict(_("Somebody has already dealt with this."))
    trail.record(message, SETTLED[flag], by=by, about=message.subject or "no subject")

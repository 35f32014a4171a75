"""One act on many conversations: each by its own verb, in a savepoint of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from ally.accounts.models import User
from ally.db import db
from ally.desk import assigning, closing, queries, snoozing, tagging
from ally.desk.models import Conversation
from ally.desk.together import Outcome, each
from ally.desk.work import MOST_OFFERED, OFFERED
from ally.errors import Invalid
from ally.language import _
from ally.review.snoozing import Choice, choices, moment_chosen

MOST = 200  # conversations that one act is done to

Act = Callable[[Conversation], object]


class ActName(StrEnum):
    """What the form calls the acts."""

    ASSIGN = "assign"
    SNOOZE = "snooze"
    CLOSE = "close"
    REOPEN = "reopen"
    TAG = "tag"
    SPAM = "spam"


CHOICES = text("SELECT" + OFFERED)


@dataclass(frozen=True)
class Choices:
    """What the acts offer: colleagues with `id` and `name`, names of tags, and times."""

    colleagues: Sequence[dict[str, Any]]
    tags: Sequence[str]
    times: Sequence[Choice]


@dataclass(frozen=True)
class Asked:
    """What a form says of an act: `to` is a user's id, "me", or "" for nobody's; `until` and
    `at` are as `moment_chosen` reads them."""

    act: str = ""
    to: str = ""
    until: str = ""
    at: str = ""
    tag: str = ""


def choices_for(by: User, now: datetime) -> Choices:
    """`now` is in the reader's zone."""
    row = db.session.execute(CHOICES, {"account_id": by.account_id, **MOST_OFFERED}).one()
    return Choices(row.colleagues or [], row.offered or [], choices(now))


def act_on_each(ids: Sequence[UUID], act: Act, by: User) -> Outcome:
    """Act on each of the account's conversations; one that is refused leaves the others as they
    are.  Raises Invalid for none, or for more than MOST."""
    if not ids:
        raise Invalid(_("Tick at least one conversation."))
    if len(ids) > MOST:
        raise Invalid(_("At most %(most)s conversations can be changed at once.", most=MOST))
    return each(
        ids, lambda one: act(queries.find_conversation(by.account_id, one)), names_of(ids, by)
    )


def act_of(asked: Asked, by: User, now: datetime) -> Act:
    """What the form asks for; `now` is in the reader's zone.  Raises Invalid."""
    if asked.act not in set(ActName):
        raise Invalid(_("Choose what shall be done."))
    return MAKERS[ActName(asked.act)](asked, by, now)


def assign(asked: Asked, by: User, now: datetime) -> Act:
    if not asked.to:
        return lambda conversation: assigning.unassign(conversation, by)
    to = by if asked.to == "me" else assigning.find_colleague(by.account_id, id_of(asked.to))
    return lambda conversation: assigning.assign(conversation, to, by)


def snooze(asked: Asked, by: User, now: datetime) -> Act:
    until = moment_chosen(asked.until, asked.at, now)
    return lambda conversation: snoozing.snooze(conversation, by, until)


def close(asked: Asked, by: User, now: datetime) -> Act:
    return lambda conversation: closing.close(conversation, by)


def reopen(asked: Asked, by: User, now: datetime) -> Act:
    return lambda conversation: closing.reopen(conversation, by)


def tag(asked: Asked, by: User, now: datetime) -> Act:
    name = tagging.name_of(asked.tag)
    return lambda conversation: tagging.add(conversation, name, by)


def spam(asked: Asked, by: User, now: datetime) -> Act:
    return lambda conversation: closing.put_into_spam(conversation, by)


MAKERS: dict[ActName, Callable[[Asked, User, datetime], Act]] = {
    ActName.ASSIGN: assign,
    ActName.SNOOZE: snooze,
    ActName.CLOSE: close,
    ActName.REOPEN: reopen,
    ActName.TAG: tag,
    ActName.SPAM: spam,
}


def id_of(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise Invalid(_("Choose who shall have these conversations.")) from None


def names_of(ids: Sequence[UUID], by: User) -> dict[UUID, str]:
    """What to call each: its customer, and its subject."""
    rows = db.session.execute(
        select(
            Conversation.id,
            Conversation.customer_name,
            Conversation.customer_email,
            Conversation.subject,
        ).where(Conversation.account_id == by.account_id, Conversation.id.in_(ids))
    )
    return {
        row.id: ", ".join(
            filter(None, (row.customer_name or row.customer_email, (row.subject or "")[:60]))
        )
        for row in rows
    }

"""The words that conversations are sorted by."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation, ConversationTag, Tag
from ally.desk.pending import hold_to_change
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.review.diff import refuse_unstorable

LONGEST = 40  # characters
MOST = 20  # tags of one conversation


def add(conversation: Conversation, name: str, by: User) -> Tag:
    """Put the tag on the conversation; made when the account has none that reads the same.

    Nothing happens when it is there.  Raises Invalid for a name that is none or too long,
    and for more than MOST; Conflict when the conversation was merged.
    """
    # The tag first: whoever waits for somebody who makes the same must hold nothing yet.
    tag = find_or_make(conversation.account_id, name_of(name))
    held = hold_to_change(conversation.id)
    if on(held, tag):
        return tag
    if count_on(held) >= MOST:
        raise Invalid(_("A conversation has at most %(most)s tags. Take one off first.", most=MOST))
    db.session.add(
        ConversationTag(conversation_id=held.id, tag_id=tag.id, account_id=held.account_id)
    )
    trail.record(held, "conversation.tagged", by=by, tag=tag.name)
    return tag


def remove(conversation: Conversation, tag: Tag, by: User) -> None:
    """Take the tag off the conversation.  Raises Conflict when it is not on it, or it was
    merged."""
    held = hold_to_change(conversation.id)
    gone = db.session.execute(
        delete(ConversationTag)
        .where(*of(held), ConversationTag.tag_id == tag.id)
        .returning(ConversationTag.tag_id)
    ).one_or_none()
    if gone is None:
        raise Conflict(_("Somebody has just taken this tag off."))
    trail.record(held, "conversation.untagged", by=by, tag=tag.name)


def bring_along(conversation: Conversation, into: Conversation) -> None:
    """Put the tags of one conversation on another too, which has then all of both.

    It may have more than MOST then: none is lost.
    """
    theirs = select(ConversationTag.account_id, literal(into.id), ConversationTag.tag_id).where(
        *of(conversation)
    )
    columns = ["account_id", "conversation_id", "tag_id"]
    db.session.execute(
        insert(ConversationTag).from_select(columns, theirs).on_conflict_do_nothing()
    )
    db.session.execute(delete(ConversationTag).where(*of(conversation)))


def find_tag(account_id: UUID, tag_id: UUID) -> Tag:
    """The account's tag.  Raises NotFound."""
    found = db.session.scalar(select(Tag).where(Tag.account_id == account_id, Tag.id == tag_id))
    if found is None:
        raise NotFound(_("There is no such tag."))
    return found


def name_of(written: str) -> str:
    """The name as it is kept, on one line.  Raises Invalid."""
    refuse_unstorable(written)
    name = " ".join(written.split())
    if not name:
        raise Invalid(_("Type the name of a tag."))
    if len(name) > LONGEST:
        raise Invalid(_("A tag has at most %(most)s characters. Shorten it.", most=LONGEST))
    return name


def find_or_make(account_id: UUID, name: str) -> Tag:
    """The account's tag of this name, whatever its case."""
    # Whoever makes the same at this moment is waited for, and then there is theirs.
    db.session.execute(
        insert(Tag).values(account_id=account_id, name=name).on_conflict_do_nothing()
    )
    same = func.lower(Tag.name) == func.lower(name)
    return db.session.scalars(select(Tag).where(Tag.account_id == account_id, same)).one()


def on(conversation: Conversation, tag: Tag) -> bool:
    found = select(ConversationTag.tag_id).where(
        *of(conversation), ConversationTag.tag_id == tag.id
    )
    return db.session.scalar(found) is not None


def count_on(conversation: Conversation) -> int:
    counted = select(func.count()).select_from(ConversationTag).where(*of(conversation))
    return db.session.scalar(counted) or 0


def of(conversation: Conversation) -> tuple[ColumnElement[bool], ...]:
    return (
        ConversationTag.account_id == conversation.account_id,
        ConversationTag.conversation_id == conversation.id,
    )

"""Two conversations made one, and one made two, so that later mail finds its way too.

Mail is threaded by the ids of messages, which move along; what still names a
conversation that was merged is led to where its messages went.  A merge is undone by a
split from the message on that came from elsewhere.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select, tuple_, update

from ally import marks
from ally.accounts.models import User
from ally.channels.models import Delivery
from ally.db import db
from ally.desk import flags, noting, scheduled, snoozing, tagging
from ally.desk.asking import ask_again
from ally.desk.customers import known
from ally.desk.flags import Flag
from ally.desk.models import Conversation, ConversationStatus, Message
from ally.desk.pending import hold, hold_all, supersede_pending, waiting_in
from ally.desk.threading import has_own_thread
from ally.errors import Conflict
from ally.events import trail
from ally.language import _, fact, named
from ally.review.models import Draft, DraftAction

MERGED_BY = named("%(name)s merged two conversations")
SPLIT_BY = named("%(name)s split the conversation")
CAME_LATE = named("an earlier mail of the same thread came late")
ABOUT_SHOWN = 120  # characters of a subject in an event


def merge(conversation: Conversation, into: Conversation, by: User) -> None:
    """Move everything of the conversation into the other one, and close it.

    Drafts that wait in either are set aside, as is what was to go out later, and one is written
    anew.  Raises Conflict
    when the two are one, came by different channels, or one of them was merged already, and
    for a thread that the provider keeps: an answer goes there.
    """
    hold_all([conversation.id, into.id])
    refuse_unmergeable(conversation, into)
    because = fact(MERGED_BY, name=by.display_name)
    for one in (conversation, into):
        scheduled.hold_back(one, because)
    aside = [supersede_pending(one, because) for one in (conversation, into)]
    move_everything(conversation, into)
    trail.record(conversation, "conversation.merged", by=by, **told_of(into))
    trail.record(into, "conversation.joined", by=by, **told_of(conversation))
    if any(aside):
        ask_again(into, by)


def absorb(conversation: Conversation, into: Conversation) -> None:
    """Bring an answer that came before its mail to the conversation of that mail.

    Both are held.  What waits for a decision comes along, unless something waits there.
    """
    if waiting_in(into) is not None:
        supersede_pending(conversation, CAME_LATE)
    move_everything(conversation, into)
    trail.record(conversation, "conversation.merged", **told_of(into))
    trail.record(into, "conversation.joined", **told_of(conversation))


def split(message: Message, by: User) -> Conversation:
    """The new conversation of this message and those after it.

    Raises Conflict for the first message, since nothing would be left, and for one in a
    thread that the provider keeps.  Notes and tags stay; the assignee has both.
    """
    conversation = hold(message.conversation_id)
    db.session.refresh(message)
    if message.conversation_id != conversation.id:
        raise Conflict(_("Somebody has just moved this message. Look again."))
    refuse_threads_elsewhere(conversation)
    moved = messages_from(message)
    if moved[0] == first_message(conversation):
        raise Conflict(_("This is the first message, so nothing would be left here."))
    aside = supersede_pending(conversation, fact(SPLIT_BY, name=by.display_name))
    flags.settle(message, Flag.CHANGED_SUBJECT)
    parted = begun_with(message, conversation)
    move(moved, parted)
    settle_times(conversation)
    settle_times(parted)
    messages = marks.plural(len(moved), "message")
    trail.record(conversation, "conversation.split", by=by, messages=messages, **told_of(parted))
    trail.record(parted, "conversation.parted", by=by, messages=messages, **told_of(conversation))
    ask_again(parted, by)
    if aside is not None:
        ask_again(conversation, by)
    return parted


def refuse_unmergeable(conversation: Conversation, into: Conversation) -> None:
    if conversation.id == into.id:
        raise Conflict(_("This is the same conversation. Choose another one."))
    if conversation.merged_into_id or into.merged_into_id:
        raise Conflict(_("One of the two has been merged already. Look again."))
    if conversation.channel_id != into.channel_id:
        raise Conflict(_("The two came by different channels, and a reply goes out by one."))
    refuse_threads_elsewhere(conversation)
    if into.is_quarantined or into.is_spam:
        raise Conflict(_("Nothing can be merged into spam, or into a mail that cannot be read."))


def refuse_threads_elsewhere(conversation: Conversation) -> None:
    if has_own_thread(conversation):
        raise Conflict(_("The provider keeps this as a thread of its own, so it stays as it is."))


def move_everything(conversation: Conversation, into: Conversation) -> None:
    for one in (conversation, into):
        snoozing.end(one)
    noting.bring_along(conversation, into)
    tagging.bring_along(conversation, into)
    into.assignee_id = into.assignee_id or conversation.assignee_id
    for table in (Message, Delivery, Draft):
        db.session.execute(
            update(table)
            .where(
                table.account_id == conversation.account_id,
                table.conversation_id == conversation.id,
            )
            .values(conversation_id=into.id)
        )
    if conversation.status is ConversationStatus.OPEN and not into.is_kept_in_spam:
        into.status = ConversationStatus.OPEN
    into.last_message_at = max(into.last_message_at, conversation.last_message_at)
    conversation.status, conversation.merged_into_id = ConversationStatus.CLOSED, into.id
    conversation.is_spam = conversation.is_quarantined = False
    conversation.called_spam_by_id = None


def messages_from(message: Message) -> Sequence[UUID]:
    """The ids of the message and those after it, as they are read."""
    return db.session.scalars(
        select(Message.id)
        .where(
            Message.account_id == message.account_id,
            Message.conversation_id == message.conversation_id,
            tuple_(Message.sent_at, Message.id) >= (message.sent_at, message.id),
        )
        .order_by(Message.sent_at, Message.id)
    ).all()


def first_message(conversation: Conversation) -> UUID | None:
    return db.session.scalar(
        select(Message.id)
        .where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
        )
        .order_by(Message.sent_at, Message.id)
        .limit(1)
    )


def begun_with(message: Message, before: Conversation) -> Conversation:
    """A new conversation of the message's author, or of the customer before for one of ours."""
    is_theirs = message.is_inbound and message.author_email
    customer_id = known(before.account_id, message.author_email) if is_theirs else None
    parted = Conversation(
        account_id=before.account_id,
        channel_id=before.channel_id,
        external_id=f"split:{uuid4()}",
        subject=message.subject or before.subject,
        customer_id=customer_id or before.customer_id,
        customer_email=message.author_email if customer_id else before.customer_email,
        customer_name=message.author_name if customer_id else before.customer_name,
        assignee_id=before.assignee_id,
        last_message_at=message.sent_at,
    )
    db.session.add(parted)
    db.session.flush()  # its id goes into the messages
    return parted


def move(messages: Sequence[UUID], into: Conversation) -> None:
    """Bring the messages over, with their sendings and the drafts that they are about."""
    ours = (Draft.account_id == into.account_id,)
    decided = select(DraftAction.draft_id).where(
        DraftAction.account_id == into.account_id, DraftAction.message_id.in_(messages)
    )
    names = [str(message) for message in messages]
    are_about_them = or_(
        Draft.trigger_message_id.in_(messages),
        Draft.metadata_["trigger_message_id"].as_string().in_(names),
        Draft.id.in_(decided),
    )
    here = select(Message.conversation_id).where(Message.id == messages[0]).scalar_subquery()
    moves: list[tuple[Any, Sequence[Any]]] = [
        (Draft, (*ours, Draft.conversation_id == here, are_about_them)),
        (Delivery, (Delivery.account_id == into.account_id, Delivery.message_id.in_(messages))),
        (Message, (Message.account_id == into.account_id, Message.id.in_(messages))),
    ]
    for table, which in moves:
        statement = update(table).where(*which).values(conversation_id=into.id)
        db.session.execute(statement, execution_options={"synchronize_session": "fetch"})


def settle_times(conversation: Conversation) -> None:
    last = db.session.scalar(
        select(func.max(Message.sent_at)).where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
        )
    )
    conversation.last_message_at = last or conversation.last_message_at


def told_of(conversation: Conversation) -> dict[str, Any]:
    """What an event says of the other conversation."""
    about = " ".join((conversation.subject or "no subject").split())[:ABOUT_SHOWN]
    return {"about": about, "conversation_id": str(conversation.id)}

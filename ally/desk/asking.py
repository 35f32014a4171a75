"""Drafts that a person asks for, also for mail that gets none by itself."""

from sqlalchemy import select

from ally.accounts.models import User
from ally.db import db
from ally.desk import flags, snoozing
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.pending import has_waiting, hold, stands
from ally.errors import Conflict
from ally.events import trail
from ally.jobs.queue import enqueue
from ally.language import _


def ask(message: Message, by: User) -> None:
    """Have a draft written for the message because `by` wants one, whatever kind it is.

    Raises Conflict for our own message, in the spam, and while a draft for it waits.
    """
    conversation = hold(message.conversation_id)
    db.session.refresh(message)
    if not message.is_inbound:
        raise Conflict(_("This message is from us, so there is nothing to answer."))
    if conversation.is_spam:
        raise Conflict(_("This is in the spam. Say first that it is none."))
    if has_waiting(message):
        raise Conflict(_("A draft for this message waits already."))
    for flag in flags.UNDRAFTED:
        flags.settle(message, flag)
    snoozing.end(conversation)
    trail.record(message, "draft.asked_for", by=by)
    ask_for(message, by)


def ask_for(message: Message, by: User) -> None:
    enqueue("desk.write_draft", message_id=str(message.id), asked_by=str(by.id))


def ask_again(conversation: Conversation, by: User) -> None:
    """Have a draft written for what the customer wrote last, unless it has been answered."""
    newest = db.session.scalar(
        select(Message)
        .where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
            Message.metadata_["auto_submitted"].as_boolean().is_not(True),
            stands(),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if newest is not None and newest.is_inbound:
        ask_for(newest, by)


def take_out_of_spam(conversation: Conversation, by: User) -> None:
    """Bring the conversation back to the open ones, and have its newest message drafted.

    Raises Conflict when it is not in the spam.
    """
    hold(conversation.id)
    if not conversation.is_spam:
        raise Conflict(_("This is not in the spam."))
    conversation.is_spam, conversation.called_spam_by_id = False, None
    conversation.status = ConversationStatus.OPEN
    trail.record(conversation, "conversation.no_spam", by=by)
    newest = newest_inbound(conversation)
    if newest is not None:
        ask_for(newest, by)


def newest_inbound(conversation: Conversation) -> Message | None:
    return db.session.scalar(
        select(Message)
        .where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
            Message.direction == MessageDirection.INBOUND,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )

"""Conversations that are kept apart as spam, and those that turn out to be none."""

from sqlalchemy import select

from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.pending import hold
from ally.errors import Conflict
from ally.events import trail
from ally.jobs.queue import enqueue


def take_out(conversation: Conversation, by: User) -> None:
    """Bring the conversation back to the open ones, and have its newest message drafted.

    Raises Conflict when it is not in the spam.
    """
    hold(conversation.id)
    if not conversation.is_spam:
        raise Conflict("This is not in the spam.")
    conversation.is_spam, conversation.status = False, ConversationStatus.OPEN
    trail.record(conversation, "conversation.no_spam", by=by)
    newest = newest_inbound(conversation)
    if newest is not None:
        enqueue("desk.write_draft", message_id=str(newest.id), asked_by=str(by.id))


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

"""Replies that a person begins where no draft waits; they go out by the same gate."""

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.desk import snoozing
from ally.desk.asking import newest_inbound
from ally.desk.models import Conversation, ConversationStatus, Message
from ally.desk.pending import free, hold_to_change, stands, waiting_in
from ally.errors import Conflict
from ally.events import trail
from ally.language import _
from ally.review.models import BY_HAND, Draft, DraftStatus

NO_PROMPT = "none"


def begin_reply(conversation: Conversation, by: User) -> Draft:
    """An empty draft that answers the newest message; the one that waits, if there is one.

    It opens a closed conversation again, and ends a snooze.  Raises Conflict when the
    conversation was merged, is spam, or has no message.
    """
    held = hold_to_change(conversation.id)
    draft = waiting_in(held)
    if draft is not None:
        return draft
    if held.is_spam:
        raise Conflict(_("This is in the spam. Say first that it is none."))
    message = newest_inbound(held) or newest_message(held)
    if message is None:
        raise Conflict(_("There is no message here that could be answered."))
    held.status = ConversationStatus.OPEN
    snoozing.end(held)
    free(message)
    draft = store(message, by)
    trail.record(draft, "draft.begun", by=by)
    return draft


def newest_message(conversation: Conversation) -> Message | None:
    return db.session.scalar(
        select(Message)
        .where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
            stands(),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def store(message: Message, by: User) -> Draft:
    draft = Draft(
        account_id=message.account_id,
        kind="reply",
        conversation_id=message.conversation_id,
        trigger_message_id=message.id,
        author_user_id=by.id,
        model_key=BY_HAND,
        prompt_version=NO_PROMPT,
        status=DraftStatus.PENDING,
        suggested_text="",
        top_sources=[],
        payload={"sentences": [], "notes": []},
        metadata_={"written_at": clock.now().isoformat()},
    )
    db.session.add(draft)
    db.session.flush()  # its id goes into the event and the address
    return draft

"""Conversations closed, opened again, and put into the spam by an agent."""

from ally.accounts.models import User
from ally.desk import snoozing
from ally.desk.models import Conversation, ConversationStatus
from ally.desk.pending import hold_to_change, supersede_pending, waiting_in
from ally.errors import Conflict
from ally.events import trail
from ally.language import _
from ally.review import claims


def close(conversation: Conversation, by: User) -> None:
    """Close the conversation: nothing is left to answer.  A draft that waits is set aside.

    Raises Conflict when it is closed or merged, HeldByAnother when somebody else holds the
    draft.
    """
    held = hold_to_change(conversation.id)
    if held.status is ConversationStatus.CLOSED:
        raise Conflict(_("This conversation is closed already."))
    put_away(held, by, f"{by.display_name} closed the conversation")
    trail.record(held, "conversation.closed_by_hand", by=by)


def reopen(conversation: Conversation, by: User) -> None:
    """Open the conversation again.  Raises Conflict when it is open, merged, or in the spam."""
    held = hold_to_change(conversation.id)
    if held.status is ConversationStatus.OPEN:
        raise Conflict(_("This conversation is open already."))
    if held.is_spam:
        raise Conflict(_("This is in the spam. Say first that it is none."))
    held.status = ConversationStatus.OPEN
    trail.record(held, "conversation.reopened_by_hand", by=by)


def put_into_spam(conversation: Conversation, by: User) -> None:
    """Say that the conversation is spam, and close it.  Raises Conflict as `close` does."""
    held = hold_to_change(conversation.id)
    if held.is_spam:
        raise Conflict(_("This is in the spam already."))
    put_away(held, by, f"{by.display_name} said that this is spam")
    held.is_spam = True
    trail.record(held, "conversation.called_spam", by=by)


def put_away(conversation: Conversation, by: User, because: str) -> None:
    draft = waiting_in(conversation)
    if draft is not None:
        claims.refuse_if_held(draft, by)
        claims.forget(draft)
        supersede_pending(conversation, because)
    snoozing.end(conversation)
    conversation.status = ConversationStatus.CLOSED

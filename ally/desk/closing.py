"""Conversations closed, opened again, and put into the spam by an agent."""

from ally.accounts.models import User
from ally.desk import scheduled, snoozing
from ally.desk.models import Conversation, ConversationStatus
from ally.desk.pending import hold_to_change, supersede_pending, waiting_in
from ally.errors import Conflict
from ally.events import trail
from ally.language import Fact, _, fact, named
from ally.review import claims
from ally.review.models import Draft

CLOSED_BY = named("%(name)s closed the conversation")
IN_SPAM = named("the conversation is in the spam")
CALLED_SPAM_BY = named("%(name)s said that this is spam")


def close(conversation: Conversation, by: User) -> None:
    """Close the conversation: nothing is left to answer.  A draft that waits is set aside.

    What was approved to go out later still goes out: who sends later and closes wants that.
    Raises Conflict when it is closed or merged, HeldByAnother when somebody else holds the
    draft.
    """
    held = hold_to_change(conversation.id)
    if held.status is ConversationStatus.CLOSED:
        raise Conflict(_("This conversation is closed already."))
    put_away(held, by, fact(CLOSED_BY, name=by.display_name))
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
    """Say that the conversation is spam, and close it: it stays there, whoever writes in it.

    What was to go out later is held back.  Raises Conflict as `close` does.
    """
    held = hold_to_change(conversation.id)
    if held.is_spam:
        raise Conflict(_("This is in the spam already."))
    because = fact(CALLED_SPAM_BY, name=by.display_name)
    scheduled.hold_back(held, because)
    put_away(held, by, because)
    held.is_spam, held.called_spam_by_id = True, by.id
    trail.record(held, "conversation.called_spam", by=by)


def put_away(conversation: Conversation, by: User, because: Fact) -> None:
    draft = waiting_in(conversation)
    if draft is not None:
        claims.refuse_if_held(draft, by)
        claims.forget(draft)
    snoozing.end(conversation)  # the draft's as well, while it waits
    supersede_pending(conversation, because)
    conversation.status = ConversationStatus.CLOSED


def open_for(draft: Draft, conversation: Conversation, by: User) -> None:
    """Open the conversation, which is held, for a draft that waits again since `by` took the
    decision on it back.  In the spam nothing waits, so there it is set aside."""
    snoozing.end(conversation)
    if conversation.is_spam:
        supersede_pending(conversation, IN_SPAM)
    elif conversation.status is ConversationStatus.CLOSED:
        conversation.status = ConversationStatus.OPEN
        trail.record(conversation, "conversation.reopened_by_hand", by=by)

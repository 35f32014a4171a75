"""What customers write, put into its conversation: by mail, or through the API."""

from ally.db import db
from ally.desk import scheduled, snoozing
from ally.desk.flags import Flag
from ally.desk.limits import has_done_enough
from ally.desk.models import Conversation, ConversationStatus, Message
from ally.desk.pending import supersede_pending, waiting_in
from ally.desk.senders import Role
from ally.desk.storing import Arrival, is_flagged, store
from ally.events import trail
from ally.jobs.queue import enqueue
from ally.language import named

WROTE_AGAIN = named("the customer wrote again")
ANSWERED_OUTSIDE = named("a colleague has answered outside Ally")


def begin(arrival: Arrival, conversation: Conversation) -> Message:
    """Put the message into the conversation that it has opened.  Raises Known."""
    if arrival.most_acts == 0:
        arrival = held_back(arrival)
    message = store(arrival, conversation)
    if arrival.is_spam:
        trail.record(conversation, "conversation.spam")
    if arrival.needs_draft:
        ask_for_draft(message)
    return message


def add(arrival: Arrival, conversation: Conversation) -> Message:
    """Put the message into a conversation that is there, which the caller holds.

    What waits there for a review is set aside when the customer has written again, and
    when a colleague has answered outside; not so by a program's mail, or by more of them
    than Ally drafts for, which get no draft in its place.  Nothing else happens where a person
    has said that it is spam.  Raises Known.
    """
    if arrival.is_spam and not conversation.is_spam:
        # It names a message of the thread, so a filter may well be wrong about it.
        arrival = arrival.flagged(Flag.CALLED_SPAM)
    arrival = limited(arrival, conversation)
    message = store(arrival, conversation)
    if conversation.is_kept_in_spam:
        conversation.last_message_at = max(conversation.last_message_at, arrival.sent_at)
        return message
    continue_with(conversation, arrival)
    hold_back_scheduled(conversation, arrival)
    if arrival.is_ours:
        supersede_answered(conversation, arrival)
    elif arrival.needs_draft:
        supersede_pending(conversation)
        ask_for_draft(message)
    return message


def limited(arrival: Arrival, conversation: Conversation) -> Arrival:
    """The arrival, held back when Ally has done enough here, or when it is a colleague's word
    in a customer's conversation."""
    if arrival.is_ours or not arrival.needs_draft or conversation.is_kept_in_spam:
        return arrival
    if arrival.role is Role.COLLEAGUE and conversation.customer_id != arrival.customer_id:
        return arrival.flagged(by_hand=True)
    most = arrival.most_acts
    if most is not None and has_done_enough(conversation, most):
        return held_back(arrival)
    return arrival


def held_back(arrival: Arrival) -> Arrival:
    return arrival.flagged(Flag.TOO_MANY, by_hand=True) if arrival.needs_draft else arrival


def ask_for_draft(message: Message) -> None:
    enqueue("desk.write_draft", message_id=str(message.id))


def continue_with(conversation: Conversation, arrival: Arrival) -> None:
    """Note in the conversation that it goes on; what no person wrote does not open it again."""
    conversation.last_message_at = max(conversation.last_message_at, arrival.sent_at)
    email = arrival.customer.email
    if email and conversation.customer_email == email.lower():
        conversation.customer_id = conversation.customer_id or arrival.customer_id
        conversation.customer_name = conversation.customer_name or arrival.customer.name
    if arrival.is_customers or is_flagged(arrival, Flag.CALLED_SPAM):
        conversation.status, conversation.is_spam = ConversationStatus.OPEN, False
        snoozing.end_since_they_wrote(conversation)


def supersede_answered(conversation: Conversation, arrival: Arrival) -> None:
    """Set the waiting reply aside, unless the customer has written since our answer."""
    waiting = waiting_in(conversation)
    if waiting is None:
        return
    trigger_id = waiting.trigger_message_id
    trigger = db.session.get(Message, trigger_id) if trigger_id else None
    written_at = arrival.written_at or arrival.sent_at
    if trigger is None or trigger.sent_at <= written_at:
        supersede_pending(conversation, ANSWERED_OUTSIDE)


def hold_back_scheduled(conversation: Conversation, arrival: Arrival) -> None:
    """What was to go out later was approved before this came: somebody should look again."""
    if arrival.is_ours:
        scheduled.hold_back(conversation, ANSWERED_OUTSIDE)
    elif arrival.is_customers:
        scheduled.hold_back(conversation, WROTE_AGAIN)

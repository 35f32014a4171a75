"""Where a mail belongs: put into the thread that it continues, or into a new one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally.channels.incoming import Incoming
from ally.channels.mail.parsed import Parsed
from ally.channels.models import Channel
from ally.db import db
from ally.desk import merging, reports, threading
from ally.desk.arrivals import add, begin
from ally.desk.flags import Flag
from ally.desk.models import Conversation, Message, MessageDirection
from ally.desk.pending import hold_all, where_it_went
from ally.desk.storing import Arrival, open_conversation
from ally.desk.subjects import is_another
from ally.desk.threading import Traces, traces_of


def put_into_thread(arrival: Arrival, channel: Channel, came: Incoming, mail: Parsed) -> Message:
    """The message, in the conversation that it continues or in a new one.  Raises Known."""
    returned = reports.deliveries_named(arrival.account_id, mail)
    traces = traces_of(channel, came, mail)
    message = place(arrival, traces, [delivery.conversation_id for delivery in returned])
    for delivery in returned:
        for report in reports.reports_in(mail, delivery, arrival.sent_at):
            reports.note(delivery, report, arrival.event_id)
    return message


def place(arrival: Arrival, traces: Traces, returned: Sequence[UUID]) -> Message:
    named = threading.messages_named(arrival, traces)
    arrival = flagged_by_id(arrival, named)
    found = next(iter(returned), None) or threading.continued(arrival, traces, named)
    if found is not None:
        return join(arrival, traces, found)
    overtakers = threading.overtaking(arrival)
    if overtakers:
        return join(arrival, traces, overtakers[0])
    conversation = open_named(arrival, traces)
    if conversation is not None:
        return begin(arrival, conversation)
    # The name is taken: by the mail that this one answers, stored a moment ago; or by
    # somebody who wants us to mix them up.
    named = threading.messages_named(arrival, traces)
    found = threading.continued(arrival, traces, named)
    if found is not None:
        return join(arrival, traces, found)
    conversation = open_conversation(arrival, f"mail:{arrival.event_id}")
    assert conversation is not None, "an event is taken in once"
    return begin(arrival, conversation)


def open_named(arrival: Arrival, traces: Traces) -> Conversation | None:
    """A new conversation under the name that the mail gives it; None when that is taken."""
    name = traces.name or f"mail:{arrival.event_id}"
    conversation = open_conversation(arrival, name)
    if conversation is None and traces.thread is not None:
        conversation = open_conversation(arrival, threading.own_name(arrival, name))
    return conversation


def join(arrival: Arrival, traces: Traces, conversation_id: UUID) -> Message:
    """The message, in this conversation or where it went, with the answers that had overtaken
    the mail.  Raises Known."""
    target = where_it_went(conversation_id)
    customer_id = db.session.scalar(
        select(Conversation.customer_id).where(Conversation.id == target)
    )
    overtakers = [id_ for id_ in threading.overtaking(arrival, customer_id) if id_ != target]
    held = {one.id: one for one in hold_all([target, *overtakers])}
    conversation = held.pop(target)
    if conversation.merged_into_id is not None:  # a moment ago
        return join(arrival, traces, conversation.merged_into_id)
    for overtaker in held.values():
        if overtaker.merged_into_id is None:
            merging.absorb(overtaker, conversation)
    arrival = answered_to_customer(arrival, conversation)
    return add(flagged_by_subject(arrival, traces, conversation), conversation)


def answered_to_customer(arrival: Arrival, conversation: Conversation) -> Arrival:
    """With the customer to be answered in the place of a program that reports on our reply."""
    if arrival.category not in reports.KINDS or not conversation.customer_email:
        return arrival
    customer = [conversation.customer_name or "", conversation.customer_email]
    return arrival.flagged(reply_to=[customer])


def flagged_by_id(arrival: Arrival, named: list[Any]) -> Arrival:
    """Flagged when its id is another message's; one of ours that comes back gets no draft."""
    same = [row for row in named if row.external_id == arrival.external_id]
    if not same or any(row.intake_digest == arrival.digest for row in same):
        return arrival
    is_our_own = any(row.direction is MessageDirection.OUTBOUND for row in same)
    again = {"auto_submitted": True} if is_our_own else {}
    return arrival.flagged(Flag.SAME_ID, **again)


def flagged_by_subject(arrival: Arrival, traces: Traces, conversation: Conversation) -> Arrival:
    """Flagged when a person goes on in an old thread with a subject of another matter."""
    if not arrival.is_customers or traces.thread is not None:
        return arrival
    earlier = threading.earlier_subjects(arrival, conversation, traces)
    return (
        arrival.flagged(Flag.CHANGED_SUBJECT) if is_another(arrival.subject, earlier) else arrival
    )


def conversation_named(channel: Channel, came: Incoming) -> UUID | None:
    """The channel's conversation that the provider names."""
    if came.thread is None:
        return None
    name = f"{channel.platform}:{came.thread}"
    return db.session.scalar(
        select(Conversation.id)
        .where(
            Conversation.account_id == channel.account_id,
            Conversation.channel_id == channel.id,
            Conversation.external_id.in_([name, f"{name}@{channel.id}"]),
        )
        .limit(1)
    )

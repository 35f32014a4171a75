"""Stored mails become messages, and stored reports change deliveries: each event once."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally.channels import incoming
from ally.channels.incoming import Incoming
from ally.channels.mail.parsed import Parsed, Unreadable
from ally.channels.mail.peek import Peek, peek
from ally.channels.models import Channel, EventsRaw, IntakeOutcome, IntakeState
from ally.db import current_account_id, db
from ally.desk import placing, received, reports
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.pending import hold_where_it_went
from ally.desk.storing import NOBODY, Known, find_message
from ally.events import trail
from ally.jobs.queue import job
from ally.notifications import feed
from ally.notifications.models import NotificationType

NOTED = "It reports on what became of a reply."
NOTHING_OF_OURS = "It reports on nothing that we have sent."
NO_MESSAGE = "It carries no message."


@job("desk.take_in")
def take_in(event_id: str) -> None:
    """Make a message of a stored mail, and note what became of it; nothing when that is done.

    A mail that cannot be read is shown as far as it can be, and kept as it came.
    """
    event = unsettled(UUID(event_id))
    if event is None:
        return
    try:
        came = incoming.read(event)
    except Unreadable as unreadable:
        quarantine(event, str(unreadable))
    else:
        take(event, came)


def take(event: EventsRaw, came: Incoming) -> None:
    """Let what came change what is here: the deliveries it reports on, and its thread."""
    noted = reports.note_all(event, came.reports)
    channel = db.session.get_one(Channel, event.channel_id)
    conversation_id = None
    if came.mail is not None:
        conversation_id = place(event, channel, came, came.mail)
    else:
        unread = NOTHING_OF_OURS if came.reports else NO_MESSAGE
        settle(event, IntakeState.STORED, None, reason=NOTED if noted else unread)
    if came.closes is not None:
        follow_provider(channel, came, conversation_id)


def unsettled(event_id: UUID) -> EventsRaw | None:
    """The event, unless it has an outcome."""
    outcome = select(IntakeOutcome.event_id).where(IntakeOutcome.event_id == EventsRaw.id)
    return db.session.scalar(
        select(EventsRaw).where(
            EventsRaw.account_id == current_account_id(),
            EventsRaw.id == event_id,
            ~outcome.exists(),
        )
    )


def place(event: EventsRaw, channel: Channel, came: Incoming, mail: Parsed) -> UUID | None:
    """The conversation that the mail is in now, as a message."""
    if (own := received.own_mail_back(event, came, mail)) is not None:
        settle(event, IntakeState.DUPLICATE, own, reason="It is a copy of our own mail.")
        return own.conversation_id
    arrival = received.arrival_of(event, channel, came, mail)
    try:
        # A savepoint: the same mail may be there already, also by another worker just now,
        # and then no empty conversation must stay.
        with db.session.begin_nested():
            message = placing.put_into_thread(arrival, channel, came, mail)
    except Known:
        first = find_message(event.account_id, arrival.digest)
        settle(event, IntakeState.DUPLICATE, first, reason="The same mail has arrived before.")
        return first and first.conversation_id
    settle(event, IntakeState.STORED, message)
    return message.conversation_id


def follow_provider(channel: Channel, came: Incoming, conversation_id: UUID | None) -> None:
    """Close the conversation, or open it, as somebody did at the provider."""
    found = conversation_id or placing.conversation_named(channel, came)
    if found is None:
        return
    conversation = hold_where_it_went(found)
    wanted = ConversationStatus.CLOSED if came.closes else ConversationStatus.OPEN
    if conversation.status is wanted:
        return
    conversation.status, conversation.snoozed_until = wanted, None
    name = (came.mail and came.is_ours and came.mail.from_name) or "The provider"
    did = "conversation.closed" if came.closes else "conversation.reopened"
    trail.record(conversation, did, actor_name=name)


def quarantine(event: EventsRaw, reason: str) -> None:
    """Show what can be told of a mail that cannot be read, and keep it for a person."""
    seen = peek(event.body or b"")
    conversation = Conversation(
        account_id=event.account_id,
        channel_id=event.channel_id,
        external_id=f"mail:{event.id}",
        subject=seen.subject,
        customer_email=seen.email and seen.email.lower(),
        customer_name=seen.name,
        is_quarantined=True,
        last_message_at=event.ts,
    )
    db.session.add(conversation)
    db.session.flush()  # its id goes into the message
    message = unread_message(event, conversation, seen, reason)
    db.session.add(message)
    db.session.flush()  # its id goes into the event
    sender = seen.name or seen.email or NOBODY
    trail.record(message, "message.quarantined", actor_name=sender, reason=reason)
    feed.notify(
        event.account_id,
        NotificationType.MAIL_QUARANTINED,
        by=seen.name or seen.email or "",
        url=f"/conversations/{conversation.id}",
        conversation_id=str(conversation.id),
        message_id=str(message.id),
    )
    settle(event, IntakeState.QUARANTINED, message, reason=reason)


def unread_message(
    event: EventsRaw, conversation: Conversation, seen: Peek, reason: str
) -> Message:
    return Message(
        account_id=event.account_id,
        conversation_id=conversation.id,
        event_id=event.id,
        direction=MessageDirection.INBOUND,
        author_name=seen.name,
        author_email=seen.email,
        subject=seen.subject,
        body_text=f"This mail could not be read. {reason} The original can be downloaded.",
        sent_at=event.ts,
        metadata_={"auto_submitted": False, "remote_images": 0, "quoted_from": None},
    )


def settle(
    event: EventsRaw, state: IntakeState, message: Message | None, reason: str | None = None
) -> None:
    """Note what became of the event; the first to say so is right."""
    db.session.execute(
        insert(IntakeOutcome)
        .values(
            event_id=event.id,
            account_id=event.account_id,
            state=state,
            conversation_id=message and message.conversation_id,
            message_id=message and message.id,
            reason=reason,
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
    )

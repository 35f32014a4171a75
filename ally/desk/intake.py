"""Stored mails become messages: read in a guard, put into their thread, once."""

import hashlib
import json
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally.channels import incoming
from ally.channels.mail.parsed import Parsed, Unreadable
from ally.channels.mail.peek import Peek, peek
from ally.channels.models import EventsRaw, IntakeOutcome, IntakeState
from ally.db import current_account_id, db
from ally.desk.arrivals import (
    NOBODY,
    Arrival,
    Known,
    add,
    find_message,
    fitting,
    is_ours,
    open_conversation,
)
from ally.desk.drafting import hold
from ally.desk.models import Conversation, Message, MessageDirection
from ally.events import trail
from ally.jobs.queue import job
from ally.notifications import feed
from ally.notifications.models import NotificationType

MOST_ANCESTORS = 50  # ids of earlier mails that one mail is looked up by


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
        if came.mail is not None:
            place(event, came.mail)


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


def place(event: EventsRaw, mail: Parsed) -> None:
    arrival = arrival_of(event, mail)
    try:
        # A savepoint: the same mail may be there already, also by another worker just now,
        # and then no empty conversation must stay.
        with db.session.begin_nested():
            message = put_into_thread(arrival, mail)
    except Known:
        first = find_message(event.account_id, arrival.digest)
        settle(event, IntakeState.DUPLICATE, first, reason="The same mail has arrived before.")
    else:
        settle(event, IntakeState.STORED, message)


def put_into_thread(arrival: Arrival, mail: Parsed) -> Message:
    """The message, in the conversation that it continues or in a new one.  Raises Known."""
    conversation = continued(arrival, mail)
    if conversation is not None:
        return add(arrival, conversation)
    conversation = open_conversation(arrival, f"mail:{root_of(mail) or arrival.event_id}")
    if conversation is not None:
        return add(arrival, conversation, is_new=True)
    # The name is taken: by the mail that this one answers, stored a moment ago; or by
    # an answer that has overtaken this mail; or by somebody who wants us to mix them up.
    conversation = continued(arrival, mail) or overtaking(arrival, mail)
    if conversation is not None:
        return add(arrival, conversation)
    conversation = open_conversation(arrival, f"mail:{arrival.event_id}")
    assert conversation is not None, "an event is taken in once"
    return add(arrival, conversation, is_new=True)


def continued(arrival: Arrival, mail: Parsed) -> Conversation | None:
    """The conversation that the mail answers, held.

    An id that we gave to a mail of ours, which nobody can guess, joins.  An id that a
    customer's program gave joins only the same customer's mail: anybody can know it.
    """
    ids = ancestors(mail)
    if not ids:
        return None
    rows = db.session.execute(
        select(Message.external_id, Message.direction, Conversation.id, Conversation.customer_email)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .where(
            Message.account_id == arrival.account_id,
            Message.external_id.in_(ids),
            Conversation.channel_id == arrival.channel_id,
            Conversation.is_quarantined.is_(False),
        )
        .order_by(Message.id.desc())
    ).all()
    joining = [
        (ids.index(external_id), conversation_id)
        for external_id, direction, conversation_id, customer in rows
        if external_id is not None
        and (direction is MessageDirection.OUTBOUND or is_same(customer, arrival.author_email))
    ]
    return hold(min(joining, key=lambda found: found[0])[1]) if joining else None


def ancestors(mail: Parsed) -> list[str]:
    """The ids that the mail says it answers, the nearest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MOST_ANCESTORS]


def root_of(mail: Parsed) -> str | None:
    """The id of the mail that began the thread, as far as this one knows."""
    return next(iter([*mail.references, *mail.in_reply_to]), mail.message_id)


def overtaking(arrival: Arrival, mail: Parsed) -> Conversation | None:
    """The conversation that this customer's answer to this mail has opened before it, held."""
    found = db.session.execute(
        select(Conversation.id, Conversation.customer_email).where(
            Conversation.account_id == arrival.account_id,
            Conversation.channel_id == arrival.channel_id,
            Conversation.external_id == f"mail:{mail.message_id}",
            Conversation.is_quarantined.is_(False),
        )
    ).one_or_none()
    if found is None or not is_same(found.customer_email, arrival.author_email):
        return None
    return hold(found.id)


def is_same(customer: str | None, sender: str | None) -> bool:
    return customer is not None and sender is not None and customer.lower() == sender.lower()


def arrival_of(event: EventsRaw, mail: Parsed) -> Arrival:
    return Arrival(
        account_id=event.account_id,
        channel_id=event.channel_id,
        event_id=event.id,
        digest=digest_of(event, mail),
        external_id=mail.message_id,
        author_name=mail.from_name,
        author_email=mail.from_email,
        subject=mail.subject or None,
        body_text=mail.body_text,
        body_html=mail.body_html,
        category=mail.category,
        # When it came, not when its sender says it was written: a mail may claim any date.
        sent_at=event.ts,
        metadata={
            "to": fitting(mail.to),
            "cc": fitting(mail.cc),
            "reply_to": fitting(mail.reply_to),
            "references": fitting(list(reversed(mail.references or mail.in_reply_to)))[::-1],
            "quoted_from": mail.quoted_from,
            "segments": fitting(mail.segments),
            "remote_images": mail.remote_images,
            "tracking_images": mail.tracking_images,
            "auto_submitted": mail.is_automatic or is_ours(event.account_id, mail.from_email),
            "date": mail.date and mail.date.isoformat(),
            "verdicts": fitting([asdict(verdict) for verdict in mail.verdicts]),
            "notes": mail.notes,
            "defects": mail.defects,
        },
        attachments=mail.attachments,
    )


def digest_of(event: EventsRaw, mail: Parsed) -> bytes:
    """What makes a mail the same mail, however it was relayed."""
    said = [
        str(event.channel_id),
        # Without an id, a customer may well write the same words again another day.
        mail.message_id or str(mail.date),
        mail.from_email,
        mail.subject,
        mail.body_text,
        mail.body_html,
        [hashlib.sha256(file.content).hexdigest() for file in mail.attachments],
    ]
    return hashlib.sha256(json.dumps(said).encode()).digest()


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
        title=f"A mail from {sender} could not be read",
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

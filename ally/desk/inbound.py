"""Messages that programs of ours hand in, and what became of the mails that providers did."""

import hashlib
import json
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.channels.mail.headers import clean
from ally.channels.mail.parsed import Unreadable
from ally.channels.mail.sanitise import Sanitised, sanitise
from ally.channels.mail.told import tell_apart
from ally.channels.mail.words import storable
from ally.channels.models import Channel, EventsRaw, IntakeOutcome
from ally.db import current_account_id, db
from ally.desk.api import NewMessage
from ally.desk.arrivals import add, begin
from ally.desk.customers import customer_of
from ally.desk.models import Conversation, Message
from ally.desk.pending import hold_where_it_went
from ally.desk.received import most_acts_in
from ally.desk.senders import Person, ours_among
from ally.desk.storing import Arrival, Known, find_message, open_conversation
from ally.errors import Conflict, Invalid, NotFound

LONGEST_ID = 500  # characters; an index must hold them


def state_of(event_id: UUID) -> dict[str, Any]:
    """What became of a stored event, in the fields of `EventState`.  Raises NotFound."""
    row = db.session.execute(
        select(EventsRaw.id, IntakeOutcome, Message.conversation_id)
        .outerjoin(IntakeOutcome, IntakeOutcome.event_id == EventsRaw.id)
        # Where the message is now: conversations are merged and split.
        .outerjoin(Message, Message.id == IntakeOutcome.message_id)
        .where(EventsRaw.account_id == current_account_id(), EventsRaw.id == event_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such event.")
    outcome: IntakeOutcome | None = row.IntakeOutcome
    return {
        "state": outcome.state.value if outcome else "queued",
        "conversation_id": row.conversation_id or (outcome and outcome.conversation_id),
        "message_id": outcome and outcome.message_id,
        "reason": outcome and outcome.reason,
    }


def add_message(conversation_name: str, new: NewMessage) -> tuple[Message, bool]:
    """The message in the conversation of this external id, and whether it is new.

    Handing in the same message again changes nothing.  Raises Invalid for a channel that
    is unknown and for HTML that cannot be read, Conflict for another channel's conversation.
    """
    arrival = arrival_of(find_channel(new.channel), conversation_name, new)
    if (known := find_message(arrival.account_id, arrival.digest)) is not None:
        return known, False
    try:
        # A savepoint: two calls may hand in the same message at once, and one must leave no trace.
        with db.session.begin_nested():
            conversation = open_conversation(arrival, conversation_name)
            if conversation is not None:
                return begin(arrival, conversation), True
            return add(arrival, hold_named(arrival, conversation_name)), True
    except Known:
        message = find_message(arrival.account_id, arrival.digest)
        assert message is not None, "it was known a moment ago"
        return message, False


def find_channel(key: str) -> Channel:
    channel = db.session.scalar(
        select(Channel).where(Channel.account_id == current_account_id(), Channel.key == key)
    )
    if channel is None:
        raise Invalid("channel: there is no channel with this key.")
    return channel


def hold_named(arrival: Arrival, name: str) -> Conversation:
    """The account's conversation of this name, held.  Raises Conflict for another channel's."""
    found = select(Conversation.id).where(
        Conversation.account_id == arrival.account_id, Conversation.external_id == name
    )
    conversation = hold_where_it_went(db.session.scalars(found).one())
    if conversation.channel_id != arrival.channel_id:
        raise Conflict("This conversation belongs to another channel.")
    return conversation


def arrival_of(channel: Channel, conversation_name: str, new: NewMessage) -> Arrival:
    if len(conversation_name) > LONGEST_ID:
        raise Invalid(f"external_id: at most {LONGEST_ID} characters.")
    said = ["internal", str(channel.id), conversation_name, new.external_id]
    text = storable(new.text.replace("\r\n", "\n"))
    html = harmless(new.html)
    told = tell_apart(text, new.html)
    customer = Person(clean(new.author.name) or None, new.author.email)
    is_ours = bool(customer.email and ours_among(channel.account_id, [customer.email]))
    return Arrival(
        account_id=channel.account_id,
        channel_id=channel.id,
        digest=hashlib.sha256(json.dumps(said).encode()).digest(),
        external_id=new.external_id,
        author_name=customer.name,
        author_email=customer.email,
        subject=clean(new.subject) or None,
        body_text=text,
        body_html=html.html if html else None,
        customer=customer,
        customer_id=None if is_ours else customer_of(channel.account_id, customer),
        most_acts=most_acts_in(channel),
        # No later than now: a date to come would keep the conversation on top for ever.
        sent_at=min(new.sent_at or clock.now(), clock.now()),
        metadata={
            **{name: [] for name in ("to", "cc", "reply_to", "references")},
            "quoted_from": told.quoted_from,
            "segments": told.segments,
            "remote_images": html.remote_images if html else 0,
            "tracking_images": html.tracking_images if html else 0,
            "auto_submitted": is_ours,
            "flags": [],
        },
    )


def harmless(html: str | None) -> Sanitised | None:
    try:
        return None if html is None else sanitise(storable(html))
    except Unreadable as unreadable:
        raise Invalid(f"html: {unreadable}") from None

"""A mail as it is put into its thread: who it is from, and what is kept of it."""

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import undefer

from ally.channels.incoming import Incoming
from ally.channels.mail import guard
from ally.channels.mail.parsed import Category, Parsed, Unreadable
from ally.channels.models import Channel, ChannelType, Delivery, EventsRaw
from ally.db import db
from ally.desk import reports
from ally.desk.arrivals import held_back
from ally.desk.customers import customer_of
from ally.desk.flags import Flag
from ally.desk.limits import writes_a_lot
from ally.desk.models import Message, MessageDirection
from ally.desk.senders import Person, Role, Sender, sender_of
from ally.desk.storing import Arrival

LIST_BYTES = 12 * 1024  # of one list in a message's metadata, which must stay under 64 KB in all
LONGEST_COMMENT = 4_000  # characters of what a colleague wrote above a mail passed on
# Their senders are programs, or nobody's customers.
NOT_CUSTOMERS = {*reports.KINDS, Category.RECEIPT, Category.SPAM}


def own_mail_back(event: EventsRaw, came: Incoming, mail: Parsed) -> Message | None:
    """The reply of ours that this mail is a copy of, as in a folder of sent mail or after a
    loop; None for a mail that only uses its id."""
    if mail.message_id is None:
        return None
    found = db.session.execute(
        select(Message, Delivery)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(
            Message.account_id == event.account_id,
            Message.external_id == mail.message_id,
            Delivery.account_id == event.account_id,
        )
        .options(undefer(Delivery.raw))
    ).first()
    if found is None:
        return None
    return found.Message if came.is_ours or says_the_same(found.Delivery, mail) else None


def says_the_same(delivery: Delivery, mail: Parsed) -> bool:
    try:
        sent = guard.parse(delivery.raw).body_text
    except Unreadable:
        return False
    return sent.split() == mail.body_text.split()


def arrival_of(event: EventsRaw, channel: Channel, came: Incoming, mail: Parsed) -> Arrival:
    """The mail as it is put into its thread; mails of one sender wait for one another here."""
    sender = sender_of(channel, came, mail)
    is_ours = sender.role is Role.COLLEAGUE and (came.is_ours or sender.customer is not None)
    customer = sender.customer or (Person() if is_ours else sender.author)
    writes_much = not is_ours and writes_a_lot(
        channel, mail.from_email or came.thread or mail.from_name
    )
    arrival = Arrival(
        account_id=event.account_id,
        channel_id=event.channel_id,
        event_id=event.id,
        digest=digest_of(event, mail),
        external_id=mail.message_id,
        author_name=sender.author.name,
        author_email=sender.author.email,
        subject=(sender.forward and sender.forward.subject) or mail.subject or None,
        body_text=mail.body_text,
        body_html=mail.body_html,
        category=mail.category,
        direction=MessageDirection.OUTBOUND if is_ours else MessageDirection.INBOUND,
        role=sender.role,
        customer=customer,
        customer_id=customer_id_of(event.account_id, mail, sender, customer),
        most_acts=most_acts_in(channel),
        # When it came, not when its sender says it was written: a mail may claim any date.
        sent_at=event.ts,
        written_at=mail.date,
        metadata=metadata_of(mail, sender),
        attachments=mail.attachments,
    )
    if sender.forward is not None and sender.forward.text.strip():
        # Its layout holds what the colleague wrote above it; the original keeps all of it.
        arrival = replace(arrival, body_text=sender.forward.text, body_html=None)
    if sender.role is Role.PRETENDER:
        arrival = arrival.flagged(Flag.CLAIMS_TO_BE_US)
    return held_back(arrival) if writes_much else arrival


def customer_id_of(account_id: UUID, mail: Parsed, sender: Sender, customer: Person) -> UUID | None:
    if mail.category in NOT_CUSTOMERS or sender.role is Role.PRETENDER:
        return None
    return customer_of(account_id, customer)


def most_acts_in(channel: Channel) -> int | None:
    # In a chat people write line by line, and programs that answer each other use mail.
    is_mail = channel.type is ChannelType.EMAIL
    return channel.options.automatic_acts_per_thread if is_mail else None


def metadata_of(mail: Parsed, sender: Sender) -> dict[str, Any]:
    passed_on = sender.forward is not None
    named = list(dict.fromkeys([*mail.references, *mail.in_reply_to]))
    return {
        "to": fitting(mail.to),
        "cc": fitting(mail.cc),
        "reply_to": fitting(sender.reply_to),
        "references": fitting(named[::-1])[::-1],
        "quoted_from": None if passed_on else mail.quoted_from,
        "segments": [] if passed_on else fitting(mail.segments),
        "remote_images": 0 if passed_on else mail.remote_images,
        "tracking_images": 0 if passed_on else mail.tracking_images,
        "auto_submitted": mail.category is not Category.ORDINARY or sender.role is Role.PRETENDER,
        "date": mail.date and mail.date.isoformat(),
        "verdicts": fitting([asdict(verdict) for verdict in mail.verdicts]),
        "notes": mail.notes,
        "defects": mail.defects,
        "flags": [],
        "relayed_by": sender.relay or (mail.from_email if passed_on else None),
        "comment": sender.forward.comment[:LONGEST_COMMENT] if sender.forward else None,
    }


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


def fitting(values: list[Any]) -> list[Any]:
    """As many of the first values as the column has room for."""
    kept, size = [], 0
    for value in values:
        size += len(json.dumps(value, ensure_ascii=False).encode()) + 2
        if size > LIST_BYTES:
            break
        kept.append(value)
    return kept

"""What may answer by itself: little, to few, and with words of ours alone (RFC 3834).

An answer that a program gives can meet another program's, and the two would go on for
ever.  So at most one goes to an address in a day, whoever on the account would write it.
"""

import hashlib
import re
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from ally import throttle
from ally.channels.mail import ids
from ally.channels.mail.compose import Letter
from ally.channels.models import Channel
from ally.db import db

PER_ADDRESS = timedelta(days=1)
# Mailboxes that no person reads, or that pass everything on to many.
NO_PERSON = re.compile(
    r"(?:mailer-?daemon|postmaster|bounces?|no-?reply|do-?not-?reply|owner-.*|.*-request"
    r"|.*-bounces?|listserv|majordomo)(?:[+-].*)?",
    re.IGNORECASE,
)


def may_answer_automatically(
    channel: Channel, address: str, *, conversation_id: UUID | None = None
) -> bool:
    """Whether a program may write to the address now; if so, that counts as done.

    Whoever asks has made sure that the message itself may be answered
    (`Parsed.may_answer`).  `conversation_id` counts against the channel's
    `automatic_acts_per_thread`.
    """
    address = address.strip().lower()
    if not is_a_persons(address) or is_own(channel, address):
        return False
    if conversation_id is not None and not within_thread(channel, conversation_id):
        return False
    # A digest, since the counters name no tenant and nobody's address.
    named = f"{channel.account_id}:{address}"
    key = f"automatic:{hashlib.sha256(named.encode('utf-8', 'replace')).hexdigest()}"
    return throttle.count(key, per=PER_ADDRESS) == 1


def is_a_persons(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and NO_PERSON.fullmatch(local) is None


def is_own(channel: Channel, address: str) -> bool:
    """Whether any channel of the account writes from, or is reached at, the address."""
    own = select(Channel.id).where(
        Channel.account_id == channel.account_id,
        func.lower(Channel.from_address).in_({address, untagged(address)})
        | func.lower(Channel.external_id).in_({address, untagged(address)}),
    )
    return db.session.scalar(own.limit(1)) is not None


def untagged(address: str) -> str:
    """The address without what follows a "+", as the one of a reply token."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def within_thread(channel: Channel, conversation_id: UUID) -> bool:
    most = channel.options.automatic_acts_per_thread
    return throttle.count(f"automatic-thread:{conversation_id}", per=PER_ADDRESS) <= most


def letter(
    channel: Channel, address: str, *, subject: str, text: str, answers: str, date: datetime
) -> Letter:
    """An answer that says that a program gave it.

    `subject` and `text` are the channel's own words: nothing that a customer chose may
    stand in them, nor does the customer's name, so that nobody can have us write to others.
    """
    return Letter(
        from_name=channel.from_name,
        from_address=channel.from_address or "",
        to=[(None, address)],
        subject=subject,
        text=text,
        message_id=ids.new_message_id(channel.from_address or ""),
        in_reply_to=answers,
        references=[answers],
        is_automatic=True,
        loop_key=channel.key,
        date=date,
    )

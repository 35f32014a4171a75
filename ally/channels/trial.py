"""Tries of a channel: a test message through the whole way in, and a check of the connection."""

import base64
import secrets as chance
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.channels.health import TEST
from ally.channels.mail import headers
from ally.channels.mail.ids import new_message_id
from ally.channels.models import Channel, EventsRaw, IntakeOutcome, IntakeState, IntakeWaiting
from ally.channels.platforms import PLATFORMS
from ally.db import db
from ally.errors import Conflict
from ally.events import trail
from ally.events.models import Event
from ally.jobs.queue import enqueue
from ally.language import _

SHOWN_FOR = timedelta(days=1)  # after which a try says nothing about today
AWAITED_FOR = timedelta(minutes=2)  # a worker takes it sooner, if one is at work
MARK = "ally-test."  # begins the Message-ID of a test message
# No address of ours: it shall come in as a customer's does, and that of a user proves nothing.
SENDER = "test@ally.invalid"
ASKED, CHECKED = "channel.check_asked", "channel.checked"
BODY = """\
This is a test message of the channel “{channel}”.

It came in like a customer's mail: it was stored, read by the worker, and put into a
conversation of its own. {name} sent it from the channel's settings. Nobody waits for
an answer.
"""


@dataclass(frozen=True)
class Test:
    """The newest test message.  `state` is None as long as no worker has taken it in."""

    sent_at: datetime
    state: IntakeState | None
    reason: str | None
    conversation_id: UUID | None

    @property
    def is_awaited(self) -> bool:
        return self.state is None and clock.now() - self.sent_at < AWAITED_FOR


@dataclass(frozen=True)
class Check:
    """The newest check of the connection.  `answer` is None until it is done."""

    asked_at: datetime
    answer: str | None = None
    is_good: bool = False

    @property
    def is_awaited(self) -> bool:
        return self.answer is None and clock.now() - self.asked_at < AWAITED_FOR


@dataclass(frozen=True)
class Tries:
    test: Test | None
    check: Check | None

    @property
    def are_awaited(self) -> bool:
        return any(tried is not None and tried.is_awaited for tried in (self.test, self.check))

    @property
    def in_words(self) -> str:
        """What came of them, for those who hear the page."""
        told = [
            "The test message has arrived." if self.test and self.test.state else "",
            f"Connection: {self.check.answer}" if self.check and self.check.answer else "",
        ]
        return " ".join(filter(None, told))


def tries_of(channel: Channel) -> Tries:
    return Tries(test_of(channel), check_of(channel))


def send_test(channel: Channel, *, by: User) -> EventsRaw:
    """Store a mail to the channel as if a customer had written it, and have it taken in.

    Raises Conflict for a channel that is off or takes no mail.
    """
    refuse_off(channel)
    if not PLATFORMS[channel.platform].is_mail:
        raise Conflict(_("No mail comes in by this channel: write to it at the provider."))
    raw = written(channel, by)
    event = EventsRaw(
        account_id=channel.account_id,
        channel_id=channel.id,
        idempotency_key=f"{TEST}:{channel.id}:{chance.token_hex(16)}",
        platform="mail",
        type="message",
        source=TEST,
        ts=clock.now(),
        payload={"content_type": "message/rfc822", "size": len(raw)},
        body=raw,
    )
    db.session.add(event)
    db.session.flush()  # its place names it
    db.session.add(IntakeWaiting(account_id=event.account_id, event_id=event.id))
    trail.record(channel, "channel.tested", by=by)
    return event


def ask_check(channel: Channel, *, by: User) -> None:
    """Have a worker sign in at the servers that the channel uses.  Raises Conflict when off."""
    refuse_off(channel)
    trail.record(channel, ASKED, by=by)
    enqueue("channels.check", channel_id=str(channel.id))


def refuse_off(channel: Channel) -> None:
    if not channel.is_active:
        raise Conflict(_("The channel is off. Switch it on first."))


def test_of(channel: Channel) -> Test | None:
    """The newest test message of the last day."""
    row = db.session.execute(
        select(EventsRaw.created_at, IntakeOutcome)
        .outerjoin(IntakeOutcome, IntakeOutcome.event_id == EventsRaw.id)
        .where(
            EventsRaw.account_id == channel.account_id,
            EventsRaw.channel_id == channel.id,
            EventsRaw.source == TEST,
            EventsRaw.created_at > clock.now() - SHOWN_FOR,
        )
        .order_by(EventsRaw.created_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    outcome: IntakeOutcome | None = row.IntakeOutcome
    return Test(
        sent_at=row.created_at,
        state=outcome and outcome.state,
        reason=outcome and outcome.reason,
        conversation_id=outcome and outcome.conversation_id,
    )


def check_of(channel: Channel) -> Check | None:
    """The newest check of the last day: what was asked, or what came of it."""
    newest = db.session.scalar(
        select(Event)
        .where(
            Event.account_id == channel.account_id,
            Event.timeline_id == channel.id,
            Event.action.in_([ASKED, CHECKED]),
            Event.at > clock.now() - SHOWN_FOR,
        )
        .order_by(Event.at.desc(), Event.id.desc())
        .limit(1)
    )
    if newest is None:
        return None
    if newest.action == ASKED:
        return Check(newest.at)
    return Check(newest.at, newest.particulars["answer"], newest.particulars["is_good"])


def written(channel: Channel, by: User) -> bytes:
    """The test message as it would come from outside, in the name of `by`."""
    text = BODY.format(channel=channel.name, name=by.display_name)
    lines = [
        headers.address_field("From", [(by.display_name, SENDER)]),
        headers.address_field("To", [(channel.from_name, channel.external_id)]),
        headers.text_field("Subject", f"Test of the channel {channel.name}"),
        headers.id_field("Message-ID", [MARK + new_message_id(channel.external_id)]),
        f"Date: {format_datetime(clock.now())}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(text.encode()).decode().replace("\n", "\r\n"),
    ]
    return "\r\n".join(lines).encode()

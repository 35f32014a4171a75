"""Mails that arrive, given as they were read, and what became of them."""

from dataclasses import replace

from sqlalchemy import func, select, text

from ally import clock
from ally.channels.incoming import Incoming
from ally.channels.mail.parsed import Parsed, Verdict
from ally.channels.models import EventsRaw, IntakeOutcome
from ally.db import db
from ally.desk import intake
from ally.desk.models import Conversation, Message
from ally.events import trail
from tests.factories import numbers, save

AUTHSERV = "mx.acme.example"


def letter(text_="Which pump?", *, sender="Dana <dana@example.com>", **fields):
    """A mail as the parser reads it."""
    name, _, email = sender.rpartition("<")
    fields.setdefault("message_id", f"{next(numbers)}@mail.example")
    fields.setdefault("subject", "Pump")
    fields.setdefault("to", [["Support", "support@acme.example"]])
    return Parsed(
        from_email=email.strip("> "), from_name=name.strip() or None, body_text=text_, **fields
    )


def authenticated(mail):
    """The mail with our own server's word for its sender's domain."""
    domain = mail.from_email.rpartition("@")[2]
    return replace(mail, verdicts=[Verdict("dmarc", "pass", domain, AUTHSERV)])


def event_in(channel):
    number = next(numbers)
    return save(
        EventsRaw(
            account_id=channel.account_id,
            channel_id=channel.id,
            idempotency_key=f"event-{number}",
            platform="mail",
            type="message",
            source="test",
            ts=clock.now(),
            payload={},
            body=b"",
        )
    )


def arrive(channel, mail=None, **came):
    """What became of the mail, and of what came with it."""
    event = event_in(channel)
    intake.take(event, Incoming(mail=mail, **came))
    db.session.commit()
    db.session.expire_all()
    return db.session.get_one(IntakeOutcome, event.id)


def message_of(outcome):
    return db.session.get_one(Message, outcome.message_id)


def conversation_of(outcome):
    return db.session.get_one(Conversation, message_of(outcome).conversation_id)


def flags_of(outcome):
    return message_of(outcome).metadata_["flags"]


def drafts_asked_for():
    args = text("SELECT args ->> 'message_id' FROM procrastinate_jobs WHERE task_name = :name")
    return db.session.scalars(args, {"name": "desk.write_draft"}).all()


def count(model, *which):
    return db.session.scalar(select(func.count()).select_from(model).where(*which))


def told(subject):
    """The timeline as it is read."""
    return [str(event) for event in trail.timeline(subject)]


def actions(subject):
    """The timeline as it is kept."""
    return [event.action for event in trail.timeline(subject)]

"""What came in, read: a message of somebody, reports on what we sent, or both."""

from dataclasses import replace

from sqlalchemy import text

from ally import marks
from ally.channels.facts import Incoming, Report
from ally.channels.mail import guard
from ally.channels.mail.parsed import Unreadable
from ally.channels.mail.words import storable
from ally.channels.models import Channel, EventsRaw
from ally.channels.providers import doors
from ally.db import db

__all__ = ["Incoming", "Report", "read"]

LONGEST_THREAD = 400  # characters


def read(event: EventsRaw) -> Incoming:
    """What the event says; nothing, for one that matters to nobody.

    What went well meanwhile clears the channel's trouble.  Raises Unreadable with a plain reason.
    """
    clear_error(event)
    if event.type == "confirmation":
        return Incoming()  # the subscription's own job sees to it
    door = doors.DOORS.get(event.platform)
    if door is None:
        return read_mail(event)
    came = door.read(event)
    return replace(came, thread=named(came.thread))


def named(thread: str | None) -> str | None:
    """The provider's name for the conversation, as an index can hold it."""
    return storable(thread)[:LONGEST_THREAD] if thread else None


def read_mail(event: EventsRaw) -> Incoming:
    """A raw mail, with what is known of it besides: its envelope, and the folder it was in."""
    known = event.payload or {}
    if known.get("is_too_large"):
        raise Unreadable(f"It has {marks.size(known['size'])}. It is still in the mailbox.")
    mail = guard.parse(event.body or b"")
    if "envelope_to" in known:
        to = list(dict.fromkeys([*known["envelope_to"], *mail.delivered_to]))
        mail = replace(mail, envelope_from=known["envelope_from"], delivered_to=to)
    return Incoming(mail=mail, is_ours=known.get("folder") == "sent")


def clear_error(event: EventsRaw) -> None:
    if db.session.get_one(Channel, event.channel_id).last_error is None:
        return
    db.session.execute(
        CLEAR,
        {
            "account_id": event.account_id,
            "channel_id": event.channel_id,
            "created_at": event.created_at,
        },
    )


CLEAR = text("SELECT clear_channel_error(:account_id, :channel_id, :created_at)")

"""A mail inside of a provider's payload, read in the guard."""

from ally.channels.mail import guard
from ally.channels.mail.parsed import Parsed
from ally.channels.models import EventsRaw
from ally.channels.providers.payloads import framed
from ally.channels.providers.pieces import text_of

# A payload may be three times as large as its mail, and is unpacked before it is read.
BYTES_A_TURN = 16 * 1024 * 1024


def mail_in(event: EventsRaw, reader: str) -> Parsed:
    """What the mail in the stored request says.  Raises Unreadable."""
    body = event.body or b""
    payload = framed(text_of(event.payload.get("content_type")), body)
    seconds = guard.MAIL_SECONDS * (1 + len(body) / BYTES_A_TURN)
    return guard.parse(payload, reader=reader, seconds=seconds)

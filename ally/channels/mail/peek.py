"""A look at the first lines of a mail that cannot be read.  Plain string work on little of it."""

from dataclasses import dataclass

from ally.channels.mail.addresses import addresses
from ally.channels.mail.words import header_text

MOST_BYTES = 16 * 1024
LONGEST_LINE = 1_000  # characters of one header


@dataclass(frozen=True)
class Peek:
    """What could be told; each None where it could not."""

    name: str | None = None
    email: str | None = None
    subject: str | None = None


def peek(raw: bytes) -> Peek:
    """Who seems to have written the mail, and about what.  Never raises."""
    lines = raw[:MOST_BYTES].lstrip(b"\r\n").decode("latin-1").splitlines()
    headers: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value[:LONGEST_LINE])
    name, email = next(iter(addresses(headers.get("from", ""))), ("", ""))
    subject = header_text(headers.get("subject", ""))
    return Peek(name=name or None, email=email or None, subject=subject or None)

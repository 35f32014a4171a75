"""A look at the first lines of a mail that cannot be read.  Plain string work on little of it."""

from dataclasses import dataclass

from ally.channels.mail.addresses import addresses
from ally.channels.mail.header_lines import first_header, headers_at
from ally.channels.mail.words import header_text

MOST_BYTES = 16 * 1024
LONGEST_VALUE = 1_000  # characters of one header


@dataclass(frozen=True)
class Peek:
    """What could be told; each None where it could not."""

    name: str | None = None
    email: str | None = None
    subject: str | None = None


def peek(raw: bytes) -> Peek:
    """Who seems to have written the mail, and about what.  Never raises."""
    top = raw[:MOST_BYTES]
    found, _ = headers_at(top, first_header(top), len(top))
    headers: dict[str, str] = {}
    for name, value in found:
        headers.setdefault(name.lower(), value[:LONGEST_VALUE])
    name, email = next(iter(addresses(headers.get("from", ""))), ("", ""))
    subject = header_text(headers.get("subject", ""))
    return Peek(name=name or None, email=email or None, subject=subject or None)

"""A mail, written: the same letter gives the same bytes, whenever and wherever it is composed."""

import base64
import binascii
import hashlib
import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from ally.channels.mail import headers
from ally.errors import Invalid

MOST_REFERENCES = 20
# Nothing nested or optional inside the repeats, so that matching takes linear time.
LINK = re.compile(r"https?://[^\s<>\"'`\x00-\x1f\x7f]+", re.IGNORECASE)
AFTER_A_LINK = ".,;:!?)]}*_~…»”’"
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Letter:
    """A mail to be sent.  Ids are without angle brackets; `references` has the oldest first."""

    from_name: str | None
    from_address: str
    to: list[tuple[str | None, str]]
    subject: str
    text: str
    message_id: str
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    date: datetime = field(kw_only=True)


def compose(letter: Letter) -> bytes:
    """The letter as plain text, and the same as HTML, for lines of SMTP: CRLF only.

    A pure function of the letter.  Raises Invalid when an address cannot be written to.
    """
    boundary = boundary_of(letter)
    lines = [
        *fields_of(letter),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        *part("plain", letter.text, boundary),
        *part("html", html_of(letter.text), boundary),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode()


def fields_of(letter: Letter) -> list[str]:
    if not letter.to:
        raise Invalid("A mail needs somebody to go to.")
    if not headers.is_message_id(letter.message_id):
        raise ValueError("a letter needs a Message-ID without blanks and angle brackets")
    fields = [
        headers.address_field("From", [(letter.from_name, letter.from_address)]),
        headers.address_field("To", letter.to),
        headers.text_field("Subject", letter.subject),
        f"Date: {format_datetime(letter.date)}",
        headers.id_field("Message-ID", [letter.message_id]),
    ]
    if letter.in_reply_to and headers.is_message_id(letter.in_reply_to):
        fields.append(headers.id_field("In-Reply-To", [letter.in_reply_to]))
    if chain := named_references(letter.references):
        fields.append(headers.id_field("References", chain))
    return fields


def named_references(references: list[str]) -> list[str]:
    """The first, by which threads are found, and the newest; 20 at most."""
    usable = [id_ for id_ in dict.fromkeys(references) if headers.is_message_id(id_)]
    if len(usable) <= MOST_REFERENCES:
        return usable
    return [usable[0], *usable[1 - MOST_REFERENCES :]]


def boundary_of(letter: Letter) -> str:
    # "=_" stands in no line of base64 or quoted-printable, so no text can hold the boundary.
    return "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]


def part(subtype: str, text: str, boundary: str) -> list[str]:
    encoding, body = encoded(headers.SURROGATES.sub("\ufffd", text))
    return [
        f"--{boundary}",
        f'Content-Type: text/{subtype}; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
        "",
        body,
    ]


def encoded(text: str) -> tuple[str, str]:
    """The encoding that suits the text, and the text in it, in lines of 76 characters at most."""
    octets = with_line_feeds(text).encode()
    if sum(octet > 127 for octet in octets) * 3 > len(octets):
        body = base64.encodebytes(octets.replace(b"\n", b"\r\n")).rstrip(b"\n")
        return "base64", body.decode().replace("\n", "\r\n")
    quoted = binascii.b2a_qp(octets, istext=True)
    return "quoted-printable", quoted.decode().replace("\n", "\r\n")


def with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def html_of(text: str) -> str:
    """The text as HTML: paragraphs, line breaks, and links that begin with http or https."""
    text = UNPRINTABLE.sub("", with_line_feeds(headers.SURROGATES.sub("\ufffd", text)))
    paragraphs = [p.strip("\n") for p in re.split(r"\n[ \t]*\n", text)]
    return "\n".join(f"<p>{paragraph_of(p)}</p>" for p in paragraphs if p.strip())


def paragraph_of(text: str) -> str:
    pieces, end = [], 0
    for match in LINK.finditer(text):
        link = match.group().rstrip(AFTER_A_LINK)
        pieces += [html.escape(text[end : match.start()]), anchor(link)]
        end = match.start() + len(link)
    pieces.append(html.escape(text[end:]))
    return "".join(pieces).replace("\n", "<br>\n")


def anchor(link: str) -> str:
    if link.endswith("/") and link.count("/") < 3:
        return html.escape(link)
    return f'<a href="{html.escape(link)}">{html.escape(link)}</a>'

"""A mail, written: the same letter gives the same bytes, whenever and wherever it is composed."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from ally.channels.mail import headers
from ally.channels.mail.encode import encoded, file_part
from ally.channels.mail.prose import html_of, quote_of, shortened, signature_of
from ally.errors import Invalid

__all__ = [
    "Enclosure",
    "Letter",
    "Quotation",
    "compose",
    "html_of",
    "markup_of",
    "quoted_in",
    "signature_of",
    "text_of",
]

MOST_REFERENCES = 20


@dataclass(frozen=True)
class Enclosure:
    """A file that goes along."""

    file_name: str
    mime_type: str
    content: bytes


@dataclass(frozen=True)
class Quotation:
    """What is answered: who wrote it when, in one line, and the words."""

    introduction: str
    text: str


@dataclass(frozen=True)
class Letter:
    """A message to be sent.  Ids are without angle brackets; `references` has the oldest first.

    Whoever is in `bcc` gets it and stands in no header.
    `text` are the words that a person approved; `signature` and `quotation` follow them.
    `thread` is the provider's name for the conversation, where it has one.  `loop_key`
    names the channel that writes by itself (`is_automatic`), so that it knows its own
    words when they come back.
    """

    from_name: str | None
    from_address: str
    to: list[tuple[str | None, str]]
    subject: str
    text: str
    message_id: str
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    cc: list[tuple[str | None, str]] = field(default_factory=list)
    bcc: list[tuple[str | None, str]] = field(default_factory=list)
    reply_to: str | None = None
    signature: str = ""
    quotation: Quotation | None = None
    enclosures: list[Enclosure] = field(default_factory=list)
    thread: str | None = None
    is_automatic: bool = False
    loop_key: str = ""
    date: datetime = field(kw_only=True)

    @property
    def recipients(self) -> list[str]:
        """Whom it goes to, each once: their addresses, or their names where they have none."""
        everybody = [*self.to, *self.cc, *self.bcc]
        return list(dict.fromkeys(address or name or "" for name, address in everybody))


def text_of(letter: Letter) -> str:
    """All of its words: the text, the signature, and what is quoted."""
    return letter.text + signature_of(letter.signature) + quoted_in(letter)


def quoted_in(letter: Letter) -> str:
    if letter.quotation is None:
        return ""
    return quote_of(letter.quotation.introduction, letter.quotation.text)


def markup_of(letter: Letter) -> str:
    """The same words as HTML."""
    pieces = [html_of(letter.text)]
    if letter.signature.strip():
        pieces.append(f"<p>-- </p>\n{html_of(letter.signature)}")
    if letter.quotation is not None:
        words = html_of(shortened(letter.quotation.text))
        pieces.append(html_of(letter.quotation.introduction))
        pieces.append(f'<blockquote type="cite">\n{words}\n</blockquote>')
    return "\n".join(piece for piece in pieces if piece)


def compose(letter: Letter) -> bytes:
    """The letter as plain text and as HTML, with its files, for lines of SMTP: CRLF only.

    A pure function of the letter.  Raises Invalid when an address cannot be written to.
    """
    lines = [*fields_of(letter), "MIME-Version: 1.0", *body_of(letter), ""]
    return "\r\n".join(lines).encode()


def fields_of(letter: Letter) -> list[str]:
    if not letter.to:
        raise Invalid("A mail needs somebody to go to.")
    if not headers.is_message_id(letter.message_id):
        raise ValueError("a letter needs a Message-ID without blanks and angle brackets")
    fields = [
        headers.address_field("From", [(letter.from_name, letter.from_address)]),
        headers.address_field("To", letter.to),
    ]
    if letter.cc:
        fields.append(headers.address_field("Cc", letter.cc))
    if letter.reply_to:
        fields.append(headers.address_field("Reply-To", [(letter.from_name, letter.reply_to)]))
    fields += [
        headers.text_field("Subject", letter.subject),
        f"Date: {format_datetime(letter.date)}",
        headers.id_field("Message-ID", [letter.message_id]),
    ]
    if letter.in_reply_to and headers.is_message_id(letter.in_reply_to):
        fields.append(headers.id_field("In-Reply-To", [letter.in_reply_to]))
    if chain := named_references(letter.references):
        fields.append(headers.id_field("References", chain))
    return [*fields, *marks_of(letter)]


def marks_of(letter: Letter) -> list[str]:
    """What tells other programs not to answer a mail that a program wrote (RFC 3834)."""
    if not letter.is_automatic:
        return []
    marks = ["Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"]
    return (
        [*marks, headers.text_field("X-Ally-Loop", letter.loop_key)] if letter.loop_key else marks
    )


def named_references(references: list[str]) -> list[str]:
    """The first, by which threads are found, and the newest; 20 at most."""
    usable = [id_ for id_ in dict.fromkeys(references) if headers.is_message_id(id_)]
    if len(usable) <= MOST_REFERENCES:
        return usable
    return [usable[0], *usable[1 - MOST_REFERENCES :]]


def body_of(letter: Letter) -> list[str]:
    words = words_of(letter)
    if not letter.enclosures:
        return words
    boundary = boundary_of(letter, "files")
    lines = [f'Content-Type: multipart/mixed; boundary="{boundary}"', "", f"--{boundary}", *words]
    for file in letter.enclosures:
        lines += [f"--{boundary}", *file_part(file.file_name, file.mime_type, file.content)]
    return [*lines, f"--{boundary}--"]


def words_of(letter: Letter) -> list[str]:
    boundary = boundary_of(letter)
    return [
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        *part("plain", text_of(letter), boundary),
        *part("html", markup_of(letter), boundary),
        f"--{boundary}--",
    ]


def boundary_of(letter: Letter, purpose: str = "") -> str:
    # "=_" stands in no line of base64 or quoted-printable, so no text can hold the boundary.
    return "=_" + hashlib.sha256(f"{purpose}{letter.message_id}".encode()).hexdigest()[:32]


def part(subtype: str, text: str, boundary: str) -> list[str]:
    encoding, body = encoded(headers.SURROGATES.sub("\ufffd", text))
    return [
        f"--{boundary}",
        f'Content-Type: text/{subtype}; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
        "",
        body,
    ]

"""A message as it came or went, before anything was made of it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ally.channels.mail.words import header_text
from ally.channels.models import Delivery, EventsRaw
from ally.db import db
from ally.desk.models import Message
from ally.errors import NotFound
from ally.language import _

MAIL = "message/rfc822"
TEXT = "text/plain; charset=utf-8"
SHOWN_BYTES = 100 * 1024  # of the source
HEADER_BYTES = 64 * 1024
MOST_HEADERS = 300
LONGEST_HEADER = 4_000  # characters that are decoded
FIRST_HEADER = re.compile(rb"(?:From [^\r\n]*\r?\n)?[A-Za-z][A-Za-z0-9-]{0,60}[ \t]*:")
HEADER_LINE = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]?(.*)", re.DOTALL)
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n|\r\r")
# What cannot be seen, or turns the reading direction, as a sign or a number.
UNSEEN = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
UNSEEN |= {0x7F: "\u2421"}
MISLEADING = [0x61C, 0x85, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
UNSEEN |= {code: f"<U+{code:04X}>" for code in MISLEADING}


@dataclass(frozen=True)
class Header:
    """One header: as a reader sees it, and as it stands in the mail."""

    name: str
    text: str
    raw: str


@dataclass(frozen=True)
class Original:
    """`content` byte by byte, and what can be shown of it; `headers` only of a mail."""

    content: bytes
    kind: str
    name: str
    headers: Sequence[Header]
    source: str
    is_cut: bool

    @property
    def is_mail(self) -> bool:
        return self.kind == MAIL


def original_of(message: Message) -> Original:
    """The original of the account's message.  Raises NotFound when none is kept."""
    content = (came(message) if message.event_id else went(message)) or b""
    if not content:
        raise NotFound(_("No original is kept of this message."))
    is_mail = FIRST_HEADER.match(content.lstrip(b"\r\n")[:4000]) is not None
    return Original(
        content=content,
        kind=MAIL if is_mail else TEXT,
        name=f"{message.id}.{'eml' if is_mail else 'txt'}",
        headers=headers_of(content) if is_mail else [],
        source=visible(content[:SHOWN_BYTES] if is_mail else laid_out(content)[:SHOWN_BYTES]),
        is_cut=len(content) > SHOWN_BYTES,
    )


def came(message: Message) -> bytes | None:
    """What a provider posted; of a platform's call without a body, its payload."""
    row = db.session.execute(
        select(EventsRaw.body, EventsRaw.payload).where(
            EventsRaw.account_id == message.account_id, EventsRaw.id == message.event_id
        )
    ).one_or_none()
    if row is None:
        return None
    return row.body if row.body is not None else json.dumps(row.payload).encode()


def went(message: Message) -> bytes | None:
    return db.session.scalar(
        select(Delivery.raw).where(
            Delivery.account_id == message.account_id, Delivery.message_id == message.id
        )
    )


def laid_out(content: bytes) -> bytes:
    """JSON with its lines indented; anything else as it is."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return content


def headers_of(content: bytes) -> list[Header]:
    """The headers in their order, each unfolded; MOST_HEADERS at most."""
    block = END_OF_HEADERS.split(content.lstrip(b"\r\n")[:HEADER_BYTES], maxsplit=1)[0]
    unfolded: list[str] = []
    for line in block.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in {" ", "\t"} and unfolded:
            unfolded[-1] += f"\n{line}"
        else:
            unfolded.append(line)
    found = (HEADER_LINE.fullmatch(line) for line in unfolded[:MOST_HEADERS])
    return [header_of(line[1], line[2]) for line in found if line]


def header_of(name: str, value: str) -> Header:
    raw = visible(value.encode("latin-1"))
    return Header(name, visible(header_text(value[:LONGEST_HEADER]).encode()), raw)


def visible(raw: bytes) -> str:
    """The bytes as text in which nothing is hidden."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    return text.translate(UNSEEN)

"""A mail, from its bytes to plain values.  Pure: no files, no network, no clock.

The standard library splits the mail into parts (its older `compat32` policy,
which takes linear time); headers, addresses and parameters are decoded here,
with a cap on everything that a stranger could make endless.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.feedparser import FeedParser
from email.message import Message
from email.policy import Policy, compat32
from email.utils import parsedate_to_datetime
from html import escape
from quopri import decodestring

from ally.channels.mail.addresses import Address, addresses
from ally.channels.mail.headers import clean
from ally.channels.mail.html_text import text_of
from ally.channels.mail.names import safe_name
from ally.channels.mail.params import parameter, raw_parameter, value_of
from ally.channels.mail.parsed import Category, Parsed, ParsedFile, Unreadable
from ally.channels.mail.quotes import quoted_from
from ally.channels.mail.sanitise import sanitise
from ally.channels.mail.words import base64_bytes, codec_of, decode, header_text, readable

MOST_HEADER_BYTES = 256 * 1024  # of one part
MOST_PARTS = 500
DEEPEST_PART = 30
MOST_ADDRESSES = 200
MOST_TEXT = 1024 * 1024  # characters that are kept of the text, and of the HTML
MOST_DEFECTS = 20
MOST_IDS = 100
LONGEST_ID = 500  # characters; an index must hold them
LONGEST_DATE = 200  # characters

BRACKETED = re.compile(r"<([^<>\s]{1,998})>")
TEXT_TYPES = {"text/plain", "text/html"}
KIND = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,100}", re.ASCII)
MACHINE_SENDERS = ("mailer-daemon@", "postmaster@")
TOO_MANY_ADDRESSES = f"It names more than {MOST_ADDRESSES} addresses."


class Part(Message):
    """A part of a mail.  Mails inside of mails stay whole, and the caps hold while it is read."""

    def __init__(self, policy: Policy = compat32, tally: dict[str, int] | None = None):
        super().__init__(policy)
        self.tally = tally if tally is not None else {"parts": 0}
        self.depth = 0
        self.header_bytes = 0
        self.raw: dict[str, list[str]] = {}

    def set_raw(self, name: str, value: str) -> None:
        self.header_bytes += len(name) + len(value)
        if self.header_bytes > MOST_HEADER_BYTES:
            raise Unreadable("Its headers are longer than 256 KB.")
        self.raw.setdefault(name.strip().lower(), []).append(value)
        super().set_raw(name, value)

    def attach(self, payload: "Part") -> None:  # type: ignore[override]
        payload.depth = self.depth + 1
        self.tally["parts"] += 1
        if payload.depth > DEEPEST_PART:
            raise Unreadable(f"Its parts are nested more than {DEEPEST_PART} deep.")
        if self.tally["parts"] > MOST_PARTS:
            raise Unreadable(f"It has more than {MOST_PARTS} parts.")
        super().attach(payload)

    def get_content_type(self) -> str:
        """What the parser goes by: it must not look into a mail inside of the mail."""
        kind = self.kind
        return "application/octet-stream" if kind.startswith("message/") else kind

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: str | None = None) -> str | None:  # type: ignore[override]
        return raw_parameter(self.header("content-type"), "boundary") or failobj

    @property
    def kind(self) -> str:
        """The content type in lower case; text/plain when it is missing or makes no sense."""
        kind = value_of(self.header("content-type")).replace(" ", "")
        main, _, sub = kind.partition("/")
        return kind if main and sub and "/" not in sub else self.get_default_type()

    @property
    def disposition(self) -> str:
        return value_of(self.header("content-disposition"))

    @property
    def charset(self) -> str | None:
        return parameter(self.header("content-type"), "charset")

    def header(self, name: str) -> str:
        """The first header of this name as it came, one character for each byte; or ""."""
        return self.raw.get(name, [""])[0]

    def headers(self, name: str) -> list[str]:
        """Every header of this name as it came."""
        return self.raw.get(name, [])


@dataclass
class Content:
    """What the parts hold, gathered in their order.  A body is (plain text, HTML)."""

    bodies: list[tuple[str | None, str | None]] = field(default_factory=list)
    files: list[ParsedFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    charset: str | None = None


def parse_mail(raw: bytes) -> Parsed:
    """What the mail says.  Raises Unreadable with a plain reason, and nothing else."""
    root = split(raw)
    content = Content()
    gather(root, content)
    text, html = joined_text(content), joined_html(content)
    safe = sanitise(html) if html is not None else None
    top = Top(root, content.charset)
    name, email = top.sender()
    quoted = quoted_from(text)
    is_automated = is_automatic(top, email)
    return Parsed(
        from_email=email or None,
        from_name=name or None,
        sender=top.people("sender"),
        reply_to=top.people("reply-to"),
        to=top.people("to"),
        cc=top.people("cc"),
        subject=top.text("subject"),
        date=top.date(),
        message_id=next(iter(top.ids("message-id")), None),
        in_reply_to=top.ids("in-reply-to"),
        references=top.ids("references"),
        body_text=text,
        body_html=safe.html if safe else None,
        quoted_from=quoted,
        reply_text=(text if quoted is None else text[:quoted]).strip(),
        remote_images=safe.remote_images if safe else 0,
        category=Category.AUTO_REPLY if is_automated else Category.ORDINARY,
        may_answer=not is_automated,
        attachments=content.files,
        defects=[*top.defects(), *content.defects][:MOST_DEFECTS],
    )


def split(raw: bytes) -> Part:
    """The mail as a tree of parts.  Raises Unreadable beyond the caps."""
    tally = {"parts": 0}

    def part(policy: Policy = compat32) -> Part:
        return Part(policy, tally)

    parser = FeedParser(part)
    # Some programs begin with a blank line, which would end the headers.
    # Latin-1 makes one character of each byte, and each byte again of its character.
    parser.feed(raw.lstrip(b"\r\n").decode("latin-1"))
    root = parser.close()
    assert isinstance(root, Part)
    return root


def gather(part: Part, content: Content) -> None:
    """Add what the part holds: bodies, files, remarks."""
    if not part.is_multipart():
        gather_leaf(part, content)
    elif part.kind == "multipart/alternative":
        gather_alternative(part, content)
    else:
        for below in children(part):
            gather(below, content)


def children(part: Part) -> list[Part]:
    payload = part.get_payload()
    return [below for below in payload if isinstance(below, Part)]


def gather_alternative(part: Part, content: Content) -> None:
    """One body of several forms: its plain text and its HTML belong together."""
    forms = Content(charset=content.charset, files=content.files, defects=content.defects)
    for below in children(part):
        gather(below, forms)
    plain = [text for text, _ in forms.bodies if text and text.strip()]
    marked = [html for _, html in forms.bodies if html and html.strip()]
    content.bodies.append(("\n".join(plain) or None, "\n".join(marked) or None))
    content.charset = forms.charset


def gather_leaf(part: Part, content: Content) -> None:
    kind, name = part.kind, file_name(part)
    body = unpacked(part, content)
    if kind.startswith("multipart/"):
        content.defects.append("a part without its boundary")
        kind = "text/plain"
    # A text with a name is a file, unless it is the only thing there is to read so far.
    if kind in TEXT_TYPES and part.disposition != "attachment" and not (name and content.bodies):
        add_body(part, kind, body, content)
    else:
        content.files.append(as_file(part, name, body, number=len(content.files) + 1))


def file_name(part: Part) -> str | None:
    return parameter(part.header("content-disposition"), "filename") or parameter(
        part.header("content-type"), "name"
    )


def unpacked(part: Part, content: Content) -> bytes:
    """The part's bytes with its transfer encoding undone; as they are when it makes no sense."""
    payload = part.get_payload()
    raw = payload.encode("latin-1") if isinstance(payload, str) else b""
    encoding = value_of(part.header("content-transfer-encoding")).split(" ")[0]
    if encoding == "base64":
        return base64_bytes(raw)
    if encoding == "quoted-printable":
        return decodestring(raw)
    if encoding not in {"", "7bit", "8bit", "binary"}:
        content.defects.append("an unknown transfer encoding")
    return raw


def add_body(part: Part, kind: str, body: bytes, content: Content) -> None:
    if part.charset and codec_of(part.charset) is None:
        content.defects.append("an unknown charset")
    content.charset = content.charset or part.charset
    text = with_lf(decode(body, part.charset))
    if len(text) > MOST_TEXT:
        content.defects.append("a text longer than 1 MB, cut")
        text = text[:MOST_TEXT]
    content.bodies.append((text, None) if kind == "text/plain" else (None, text))


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def as_file(part: Part, name: str | None, body: bytes, *, number: int) -> ParsedFile:
    content_id = header_text(part.header("content-id")).strip("<> ")[:LONGEST_ID] or None
    kind = part.kind if KIND.fullmatch(part.kind) else "application/octet-stream"
    return ParsedFile(
        file_name=safe_name(name, kind, number),
        mime_type=kind,
        content=body,
        content_id=content_id,
        is_inline=part.disposition == "inline"
        or (content_id is not None and kind.startswith("image/") and not part.disposition),
    )


def joined_text(content: Content) -> str:
    """Every body as text, one below the other; HTML is read where there is no plain text."""
    texts = [
        plain if plain is not None and (plain.strip() or not html) else text_of(html or "")
        for plain, html in content.bodies
    ]
    return "\n".join(text for text in texts if text.strip())[:MOST_TEXT].strip("\n")


def joined_html(content: Content) -> str | None:
    """Every body as HTML, not yet sanitised; None when none has any."""
    if not any(html for _, html in content.bodies):
        return None
    return "\n".join(html or paragraph(plain or "") for plain, html in content.bodies)[:MOST_TEXT]


def paragraph(plain: str) -> str:
    return f'<p style="white-space:pre-wrap">{escape(plain)}</p>'


class Top:
    """The headers of the whole mail, decoded."""

    def __init__(self, root: Part, charset: str | None):
        self.root, self.charset = root, charset
        self.count = 0

    def text(self, name: str) -> str:
        return header_text(self.root.header(name), body_charset=self.charset)

    def addresses(self, name: str) -> list[Address]:
        """Everyone in every header of this name.  Raises Unreadable beyond the cap."""
        header = ",".join(self.root.headers(name))
        if header.count("@") > 4 * MOST_ADDRESSES:  # told before they are all read
            raise Unreadable(TOO_MANY_ADDRESSES)
        found = addresses(header, body_charset=self.charset)
        self.count += len(found)
        if self.count > MOST_ADDRESSES:
            raise Unreadable(TOO_MANY_ADDRESSES)
        return found

    def people(self, name: str) -> list[list[str]]:
        return [[person, email] for person, email in self.addresses(name) if email]

    def sender(self) -> Address:
        """Who wrote it: the first of From that has an address, else of Sender."""
        found = [*self.addresses("from"), *self.addresses("sender")]
        with_address = (address for address in found if address[1])
        return next(with_address, found[0] if found else ("", ""))

    def ids(self, name: str) -> list[str]:
        """The message ids in the header, in order, each once, without their brackets."""
        text = readable(" ".join(self.root.headers(name)), body_charset=self.charset)
        found = BRACKETED.findall(text) or [word.strip("<>,") for word in text.split()[:MOST_IDS]]
        ids = dict.fromkeys(clean(word)[:LONGEST_ID] for word in found if word)
        return list(ids)[-MOST_IDS:]

    def date(self) -> datetime | None:
        try:
            date = parsedate_to_datetime(self.text("date")[:LONGEST_DATE])
            return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
        except Exception:  # the library's parser raises whatever it trips over
            return None

    def defects(self) -> Iterator[str]:
        if self.date() is None:
            yield "no date that can be read"
        if not self.root.headers("message-id"):
            yield "no Message-ID"
        if len(self.root.headers("from")) > 1:
            yield "several From headers"
        if self.root.defects:
            yield "broken MIME"


def is_automatic(top: Top, sender: str) -> bool:
    """Whether a program sent it, so that no program may answer (RFC 3834)."""
    return (
        top.text("auto-submitted").lower().partition(";")[0].strip() not in {"", "no"}
        or top.text("precedence").lower() in {"bulk", "auto_reply", "list", "junk"}
        or top.text("x-auto-response-suppress").lower() not in {"", "none"}
        or any(top.root.headers(name) for name in ("list-id", "x-autoreply", "x-autorespond"))
        or any(value.strip() == "<>" for value in top.root.headers("return-path"))
        or sender.lower().startswith(MACHINE_SENDERS)
    )

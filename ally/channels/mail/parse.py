"""A mail, from its bytes to plain values.  Pure: no files, no network, no clock.

There is a cap on everything that a stranger could make endless.
"""

import re
from dataclasses import dataclass, field, replace
from html import escape
from quopri import decodestring

from ally.channels.mail.classify import classify
from ally.channels.mail.html_text import text_of
from ally.channels.mail.names import safe_name
from ally.channels.mail.params import parameter, value_of
from ally.channels.mail.parsed import Parsed, ParsedFile
from ally.channels.mail.parts import Part, children, split
from ally.channels.mail.sanitise import sanitise
from ally.channels.mail.told import tell_apart
from ally.channels.mail.top import LONGEST_ID, Top
from ally.channels.mail.words import base64_bytes, codec_of, decode, header_text

MOST_TEXT = 1024 * 1024  # characters that are kept of the text, and of the HTML
MOST_DEFECTS = 20

TEXT_TYPES = {"text/plain", "text/html"}
KIND = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,100}", re.ASCII)


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
    return said(root, gathered(root))


def parse_mail_with_source(raw: bytes) -> Parsed:
    """The same, with the HTML as it came beside it."""
    root = split(raw)
    content = gathered(root)
    return replace(said(root, content), source_html=source_html(content))


def gathered(root: Part) -> Content:
    content = Content()
    gather(root, content)
    return content


def said(root: Part, content: Content) -> Parsed:
    text, html = joined_text(content), joined_html(content)
    safe = sanitise(html) if html is not None else None
    top = Top(root, content.charset)
    name, email = top.sender()
    words = tell_apart(text, html)
    kind = classify(root, top, text)
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
        segments=words.segments,
        quoted_from=words.quoted_from,
        reply_text=words.reply_text,
        signature=words.signature,
        forward=words.forward,
        remote_images=safe.remote_images if safe else 0,
        tracking_images=safe.tracking_images if safe else 0,
        category=kind.category,
        may_answer=kind.may_answer,
        bounces=kind.bounces,
        returned_ids=kind.returned_ids,
        list_id=kind.list_id,
        verdicts=kind.verdicts,
        attachments=content.files,
        defects=[*top.defects(), *content.defects][:MOST_DEFECTS],
    )


def gather(part: Part, content: Content) -> None:
    """Add what the part holds: bodies, files, remarks."""
    if not part.is_multipart():
        gather_leaf(part, content)
    elif part.kind == "multipart/alternative":
        gather_alternative(part, content)
    else:
        for below in children(part):
            gather(below, content)


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
    raw = part.body
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


def source_html(content: Content) -> str | None:
    return "\n".join(html for _, html in content.bodies if html)[:MOST_TEXT] or None


def joined_html(content: Content) -> str | None:
    """Every body as HTML, not yet sanitised; None when none has any."""
    if not any(html for _, html in content.bodies):
        return None
    return "\n".join(html or paragraph(plain or "") for plain, html in content.bodies)[:MOST_TEXT]


def paragraph(plain: str) -> str:
    return f'<p style="white-space:pre-wrap">{escape(plain)}</p>'

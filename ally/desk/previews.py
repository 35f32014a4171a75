"""Files of messages that may be looked at: what a file is, is told by its content alone."""

import base64
import io
import re
from dataclasses import dataclass
from enum import StrEnum

import imagesize
from sqlalchemy import select

from ally.channels import files
from ally.channels.mail.words import likeliest_charset, storable
from ally.db import db
from ally.desk.downloads import IMAGES, PDF, PDF_BEGINNING, UNKNOWN_TYPE, type_of
from ally.desk.models import Attachment, Message
from ally.errors import NotFound
from ally.language import _, named

LARGEST_IMAGE = 15 * 1024 * 1024  # bytes
MOST_PIXELS = 60_000_000  # a camera's photo has less; each takes four bytes in a browser
LARGEST_PDF = 30 * 1024 * 1024  # bytes
SHOWN_BYTES = 200 * 1024  # of a text
EMBEDDED_BYTES = 12 * 1024 * 1024  # of all images that stand in one mail
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
TEXT_ENDINGS = (".txt", ".log", ".csv", ".md", ".json", ".xml", ".ics", ".eml", ".yaml", ".yml",
                ".ini", ".conf", ".html", ".htm", ".tsv", ".vcf", ".patch", ".diff")  # fmt: skip


class Kind(StrEnum):
    IMAGE = "image"
    PDF = "pdf"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True)
class Preview:
    """How a file can be looked at; `text` and `charset` only for a text, `why` for what cannot."""

    kind: Kind
    text: str = ""
    charset: str = ""
    is_cut: bool = False
    why: str = ""


def preview_of(attachment: Attachment) -> Preview:
    """Raises NotFound when the file is missing."""
    content = files.read(attachment.file_url)
    kind = shown_type(content)
    if kind in IMAGES:
        return Preview(Kind.IMAGE)
    if kind == PDF:
        return Preview(Kind.PDF)
    if type_of(content) in IMAGES:
        return Preview(Kind.OTHER, why=named("The image is too large to show here, or broken."))
    if seems_text(attachment.mime_type, attachment.file_name) and is_text(content):
        return text_preview(content)
    return Preview(Kind.OTHER, why=named("Files of this kind are not shown here."))


def shown_content(attachment: Attachment) -> tuple[bytes, str]:
    """The file and its type, if it is one that a browser may show.  Raises NotFound."""
    content = files.read(attachment.file_url)
    kind = shown_type(content)
    if kind == UNKNOWN_TYPE:
        raise NotFound(_("This file is not shown here. Download it instead."))
    return content, kind


def shown_type(content: bytes) -> str:
    """The type of an image or PDF that may be shown; UNKNOWN_TYPE for all else."""
    kind = type_of(content)
    if kind in IMAGES:
        return kind if is_bearable(content) else UNKNOWN_TYPE
    if content.startswith(PDF_BEGINNING) and len(content) <= LARGEST_PDF:
        return PDF
    return UNKNOWN_TYPE


def is_bearable(content: bytes) -> bool:
    """Whether a browser can draw the image without running out of memory; only its head is read."""
    if len(content) > LARGEST_IMAGE:
        return False
    try:
        width, height = imagesize.get(io.BytesIO(content))
    except Exception:
        return False
    return width > 0 and height > 0 and width * height <= MOST_PIXELS


def seems_text(mime_type: str, name: str) -> bool:
    return mime_type.startswith(("text/", "message/")) or name.lower().endswith(TEXT_ENDINGS)


def is_text(content: bytes) -> bool:
    return has_wide_mark(content) or not CONTROLS.search(content[:SHOWN_BYTES])


def has_wide_mark(content: bytes) -> bool:
    """Whether it says by its first bytes that each letter takes two."""
    return content[:2] in {b"\xff\xfe", b"\xfe\xff"}


def text_preview(content: bytes) -> Preview:
    shown = content[:SHOWN_BYTES]
    charset = charset_of(shown)
    text = storable(shown.decode(charset, "replace")).replace("\r\n", "\n").lstrip("\ufeff")
    return Preview(Kind.TEXT, text, charset.upper(), is_cut=len(content) > SHOWN_BYTES)


def charset_of(content: bytes) -> str:
    if has_wide_mark(content):
        return "utf-16"
    try:
        # What is cut may be cut inside of a letter.
        content[:-3].decode() if len(content) == SHOWN_BYTES else content.decode()
    except UnicodeDecodeError:
        return likeliest_charset(content)
    return "utf-8"


def own_images(message: Message) -> dict[str, str]:
    """The images that stand in the mail, as `data:` addresses by content id.

    A frame without an origin gets no cookies and so no files of ours; EMBEDDED_BYTES at
    most, the rest stays with the other files.
    """
    rows = db.session.scalars(
        select(Attachment)
        .where(Attachment.account_id == message.account_id, Attachment.message_id == message.id)
        .where(Attachment.content_id.is_not(None))
        .order_by(Attachment.created_at, Attachment.id)
    )
    images: dict[str, str] = {}
    left = EMBEDDED_BYTES
    for row in rows:
        if row.content_id is None or row.content_id in images or row.size_bytes > left:
            continue
        if address := as_address(row):
            images[row.content_id] = address
            left -= row.size_bytes
    return images


def as_address(attachment: Attachment) -> str | None:
    """The image itself as an address; None for what is no image, or no longer there."""
    try:
        content = files.read(attachment.file_url)
    except NotFound:
        return None
    kind = shown_type(content)
    return f"data:{kind};base64,{base64.b64encode(content).decode()}" if kind in IMAGES else None

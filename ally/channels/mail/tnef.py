"""winmail.dat: what Outlook packs a mail into for other Outlooks (TNEF).

The kept library for it drops the zero bytes at the end of files, and has no bounds.
Source: [MS-OXTNEF] for the attributes, [MS-OXCDATA] 2.11 for the properties.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.channels.mail.rtf import text_of_packed_rtf
from ally.channels.mail.words import decode

SIGNATURE = 0x223E9F78
MOST_FILES = 200
MOST_STEPS = 100_000  # attributes and properties; a mail has some hundreds
DEEPEST = 5  # mails in mails in winmail.dat
ATTRIBUTE = struct.Struct("<BII")  # level, number, length

# The lower half of an attribute's number.
BODY, FILE_CONTENT, FILE_TITLE, FILE_BEGINS = 0x800C, 0x800F, 0x8010, 0x9002
MAIL_PROPERTIES, FILE_PROPERTIES, CODE_PAGE = 0x9003, 0x9005, 0x9007

# Properties of a mail and of a file.
TEXT, RTF, HTML, INTERNET_CODE_PAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
OBJECT, SHORT_NAME, LONG_NAME, SHOWN_NAME = 0x3701, 0x3704, 0x3707, 0x3001
MIME_TYPE, CONTENT_ID = 0x370E, 0x3712

FIXED = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8,
         0x40: 8, 0x48: 16}  # fmt: skip
LONG_TEXT, WIDE_TEXT, EMBEDDED, BYTES = 0x1E, 0x1F, 0x0D, 0x102
VARIABLE = {LONG_TEXT, WIDE_TEXT, EMBEDDED, BYTES}
IS_MAIL = bytes.fromhex("0703020000000000c000000000000046")  # before a mail inside of a file


@dataclass
class PackedFile:
    """A file; each None where it does not say."""

    title: str | None = None
    name: str | None = None
    mime_type: str | None = None
    content_id: str | None = None
    content: bytes = b""


@dataclass
class Packed:
    """What was packed: the mail's own text, if it has one, and its files."""

    text: str = ""
    html: str | None = None
    rtf: bytes = b""
    files: list[PackedFile] = field(default_factory=list)
    code_page: str = "cp1252"
    steps: int = 0

    @property
    def shown_text(self) -> str:
        """The text, also where there is only RTF, which takes a while to read."""
        return self.text or ("" if self.html else text_of_packed_rtf(self.rtf))

    def take_step(self) -> None:
        """Raises ValueError when there are too many."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise ValueError("It has too many attributes.")


def unpacked(raw: bytes, *, depth: int = 0) -> Packed:
    """What is in it, as far as it can be read.  Raises ValueError when it is no TNEF."""
    if len(raw) < 6 or int.from_bytes(raw[:4], "little") != SIGNATURE:
        raise ValueError("This is no TNEF.")
    found = Packed()
    for name, value in attributes(raw):
        found.take_step()
        if name == CODE_PAGE:
            found.code_page = f"cp{int.from_bytes(value[:4], 'little')}"
        elif name == BODY:
            found.text = found.text or decode(value.rstrip(b"\0"), found.code_page)
        elif name == MAIL_PROPERTIES:
            read_mail(value, found)
        elif name == FILE_BEGINS and len(found.files) < MOST_FILES:
            found.files.append(PackedFile())
        elif found.files:
            read_file(name, value, found, depth)
    return found


def attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Each attribute's number and value, up to the first that does not fit."""
    at = 6
    while at + ATTRIBUTE.size <= len(raw):
        _, name, size = ATTRIBUTE.unpack_from(raw, at)
        at += ATTRIBUTE.size
        yield name & 0xFFFF, raw[at : at + size]
        at += size + 2  # a checksum, which changes nothing


def read_mail(value: bytes, found: Packed) -> None:
    said = dict(properties(value, found))
    page = said.get(INTERNET_CODE_PAGE)
    charset = f"cp{page}" if isinstance(page, int) else found.code_page
    charset = {"cp65001": "utf-8", "cp20127": "ascii", "cp28591": "latin-1"}.get(charset, charset)
    if text := said.get(TEXT):
        found.text = as_text(text, charset)
    if html := said.get(HTML):
        found.html = as_text(html, charset)
    packed = said.get(RTF)
    if isinstance(packed, bytes):
        found.rtf = packed


def read_file(name: int, value: bytes, found: Packed, depth: int) -> None:
    file = found.files[-1]
    if name == FILE_TITLE:
        file.title = decode(value.rstrip(b"\0"), found.code_page)
    elif name == FILE_CONTENT:
        file.content = value
    elif name == FILE_PROPERTIES:
        said = dict(properties(value, found))
        file.name = first_text(said, LONG_NAME, SHORT_NAME, SHOWN_NAME)
        file.mime_type = first_text(said, MIME_TYPE)
        file.content_id = first_text(said, CONTENT_ID)
        inside = said.get(OBJECT)
        if isinstance(inside, bytes):
            read_object(inside, found, depth)


def read_object(inside: bytes, found: Packed, depth: int) -> None:
    """A file of another kind: a mail, which is unpacked too, or something of an office program."""
    file = found.files[-1]
    file.content = inside.removeprefix(IS_MAIL)
    if not inside.startswith(IS_MAIL) or depth >= DEEPEST:
        return
    try:
        below = unpacked(file.content, depth=depth + 1)
    except ValueError:
        return
    file.name = f"{file.name or 'message'}.txt"
    file.mime_type, file.content = "text/plain", below.shown_text.encode()
    if below.html and not file.content:
        file.name, file.mime_type = file.name[:-4] + ".html", "text/html"
        file.content = below.html.encode()
    found.files += below.files[: MOST_FILES - len(found.files)]


def first_text(said: dict[int, object], *numbers: int) -> str | None:
    texts = (said.get(number) for number in numbers)
    return next((text for text in texts if isinstance(text, str) and text), None)


def as_text(value: object, charset: str) -> str:
    return decode(value.rstrip(b"\0"), charset) if isinstance(value, bytes) else str(value)


def properties(value: bytes, found: Packed) -> Iterator[tuple[int, object]]:
    """Each property's number and its value: bytes, text, or a whole number.

    Every step goes forward by at least four bytes, and the first that does not fit is the last.
    """
    try:
        (count,) = struct.unpack_from("<I", value)
        at = 4
        for _ in range(count):
            found.take_step()
            kind, number = struct.unpack_from("<HH", value, at)
            at += 4
            if number >= 0x8000:
                at = after_name(value, at)
            pieces, at = values(value, at, kind)
            if pieces:
                yield number, plain(pieces[0], kind & 0xFFF, found.code_page)
    except struct.error:
        return


def after_name(value: bytes, at: int) -> int:
    """Past the name of a property that has one beside its number."""
    kind, size = struct.unpack_from("<II", value, at + 16)
    return at + 24 + (padded(size) if kind else 0)


def values(value: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    """The values of a property, most of which have one, and where the next begins."""
    is_multiple, kind = bool(kind & 0x1000), kind & 0xFFF
    count = 1
    if is_multiple or kind in VARIABLE:
        (count,) = struct.unpack_from("<I", value, at)
        at += 4
    if kind in FIXED:
        size = FIXED[kind] * min(count, len(value))
        return [value[at : at + FIXED[kind]]], at + padded(size)
    if kind not in VARIABLE:
        raise struct.error("no kind of property")
    pieces = []
    for _ in range(min(count, MOST_STEPS)):
        (size,) = struct.unpack_from("<I", value, at)
        pieces.append(value[at + 4 : at + 4 + size])
        at += 4 + padded(size)
    return pieces, at


def padded(size: int) -> int:
    return size + -size % 4


def plain(piece: bytes, kind: int, code_page: str) -> object:
    if kind == WIDE_TEXT:
        return decode(piece[: len(piece) // 2 * 2], "utf-16le").rstrip("\0\ufffd")
    if kind == LONG_TEXT:
        return decode(piece.rstrip(b"\0"), code_page)
    if kind in FIXED:
        return int.from_bytes(piece, "little")
    return piece

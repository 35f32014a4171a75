"""What the parts of a mail hold: its texts, its files, and remarks on both."""

import re
from dataclasses import dataclass, field, replace
from quopri import decodestring
from urllib.parse import unquote

from ally.channels.mail import binhex, invitations, smime, tnef, uuencode
from ally.channels.mail.bodies import MOST_TEXT, Body, is_longer, plain_text, text_in, with_lf
from ally.channels.mail.names import safe_name
from ally.channels.mail.params import parameter, value_of
from ally.channels.mail.parsed import ParsedFile, Unreadable
from ally.channels.mail.parts import MOST_PARTS, Part, children, split
from ally.channels.mail.words import base64_bytes, codec_of, decode, header_text

LONGEST_ID = 500  # characters; an index must hold them
MOST_UNPACKED = 12  # parts that take long to read for their size: winmail.dat, uuencode, ...
MOST_PACKED_TEXTS = 2
DEEPEST_SEAL = 3  # signed mails inside of signed mails

TEXT_TYPES = {"text/plain", "text/html"}
TNEF_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
BINHEX_TYPES = {"application/mac-binhex40", "application/mac-binhex", "application/binhex"}
SMIME_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
SIGNATURES = {"application/pkcs7-signature", "application/x-pkcs7-signature",
              "application/pgp-signature"}  # fmt: skip
CALENDARS = {"text/calendar", "application/ics"}
UUENCODE = {"uuencode", "x-uuencode", "uue", "x-uue"}
PLAIN_ENCODINGS = {"", "7bit", "8bit", "binary", *UUENCODE}
SHOWN_IMAGE = re.compile(r"""["'(=]\s*cid:([^"'\s>)]{1,500})""", re.IGNORECASE)
KIND = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,100}", re.ASCII)

ENCRYPTED = "This mail is encrypted with {}, so Ally cannot read what it says."
SIGNED = "This mail is packed and signed with S/MIME. Ally does not check the signature."
SEALED = "This mail is packed with S/MIME in a way that Ally cannot read."
UNCHECKED = "A signature, which Ally does not check"


@dataclass
class Content:
    """What the parts hold, gathered in their order.  A body is (plain text, HTML).

    The `doubtful` ones count where there is nothing else to read.
    """

    bodies: list[Body] = field(default_factory=list)
    files: list[ParsedFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubtful: list[Body] = field(default_factory=list)
    packed: list[tnef.Packed] = field(default_factory=list)
    charset: str | None = None
    seals: int = 0
    unpacked: int = 0
    room: int = MOST_TEXT  # characters that there is room for

    def add_file(self, file: ParsedFile) -> None:
        if len(self.files) >= MOST_PARTS:
            raise Unreadable(f"It has more than {MOST_PARTS} files.")
        self.files.append(file)

    def may_unpack(self) -> bool:
        """Whether one more part may be unpacked; it is a file as it is when not."""
        self.unpacked += 1
        return self.unpacked <= MOST_UNPACKED

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def gathered(root: Part) -> Content:
    content = Content()
    gather(root, content)
    if not any((plain or html or "").strip() for plain, html in content.bodies):
        content.bodies += content.doubtful
        for packed in content.packed[:MOST_PACKED_TEXTS]:
            html = packed.html and with_lf(packed.html)[:MOST_TEXT]
            content.bodies.append((with_lf(packed.shown_text)[:MOST_TEXT], html))
    shown = {unquote(id_) for _, html in content.bodies for id_ in SHOWN_IMAGE.findall(html or "")}
    content.files = [
        replace(file, is_inline=True) if file.content_id in shown else file
        for file in content.files
    ]
    return content


def gather(part: Part, content: Content) -> None:
    """Add what the part holds: bodies, files, remarks."""
    if part.kind == "multipart/encrypted":
        content.note(ENCRYPTED.format("PGP"))
    if not part.is_multipart():
        gather_leaf(part, content)
    elif part.kind == "multipart/alternative":
        gather_alternative(part, content)
    else:
        for below in children(part):
            gather(below, content)


def gather_alternative(part: Part, content: Content) -> None:
    """One body of several forms: its plain text and its HTML belong together."""
    before = content.bodies
    content.bodies = []
    for below in children(part):
        gather(below, content)
    plain = [text for text, _ in content.bodies if text and text.strip()]
    marked = [html for _, html in content.bodies if html and html.strip()]
    content.bodies = [*before, ("\n".join(plain) or None, "\n".join(marked) or None)]


def gather_leaf(part: Part, content: Content) -> None:
    kind, name = part.kind, file_name(part)
    body = unpacked(part, content)
    if kind.startswith("multipart/"):
        # As a rule it says that this program cannot read what follows, which never does.
        content.defects.append("a part without its boundary")
        add_doubtful(body, content)
    elif gather_unusual(part, kind, name, body, content):
        return
    elif is_body(part, kind, name, content):
        add_body(part, kind, body, content)
        if part.disposition and name:  # a text that somebody attached, and nothing beside it
            content.add_file(as_file(part, name, body, content))
    else:
        content.add_file(as_file(part, name, body, content))


def gather_unusual(part: Part, kind: str, name: str | None, body: bytes, content: Content) -> bool:
    """Unpack what is packed in some other way than MIME's.  False when it is nothing such."""
    if kind in SMIME_TYPES and content.may_unpack():
        gather_sealed(part, name, body, content)
        return True
    if (kind in TNEF_TYPES or (name or "").lower() == "winmail.dat") and content.may_unpack():
        return gather_tnef(body, content)
    if kind in BINHEX_TYPES and content.may_unpack() and (found := binhex.decoded(body)):
        add_unpacked(found, content, name=name)
        return True
    return False


def is_body(part: Part, kind: str, name: str | None, content: Content) -> bool:
    """A text with a name is a file, unless it is the only thing there is to read so far."""
    is_text = kind in TEXT_TYPES and part.disposition != "attachment"
    return is_text and not (name and content.bodies) and content.room > 0


def file_name(part: Part) -> str | None:
    """What its headers call it; programs do not agree on where that stands."""
    places = (
        ("content-disposition", "filename"),
        ("content-type", "name"),
        ("content-disposition", "name"),
        ("content-type", "filename"),
        ("content-type", "file"),
    )
    names = (parameter(part.header(header), name) for header, name in places)
    return next((name for name in names if name and name.strip()), None)


def unpacked(part: Part, content: Content) -> bytes:
    """The part's bytes with its transfer encoding undone; as they are when it makes no sense."""
    encoding = value_of(part.header("content-transfer-encoding")).split(" ")[0]
    if encoding == "base64":
        return base64_bytes(part.body)
    if encoding == "quoted-printable":
        return decodestring(part.body)
    if encoding in UUENCODE and content.may_unpack():
        found = uuencode.decoded(part.body)
        return found[1] if found else part.body
    if encoding not in PLAIN_ENCODINGS:
        content.defects.append("an unknown transfer encoding")
    return part.body


def gather_sealed(part: Part, name: str | None, body: bytes, content: Content) -> None:
    """A mail inside of S/MIME, if it can be read; its file stays beside it."""
    opened = smime.opened(body)
    if opened.kind is smime.Kind.ENCRYPTED:
        content.note(ENCRYPTED.format("S/MIME"))
    elif opened.kind is smime.Kind.SIGNED and opened.mail is not None:
        content.note(SIGNED)
    elif opened.kind is not smime.Kind.SIGNED:
        content.note(SEALED)
    content.add_file(as_file(part, name or "smime.p7m", body, content))
    if opened.mail and content.seals < DEEPEST_SEAL:
        content.seals += 1
        gather(split(opened.mail), content)


def gather_tnef(body: bytes, content: Content) -> bool:
    """What is in winmail.dat; its text counts where the mail has none.  False if unreadable."""
    try:
        packed = tnef.unpacked(body)
    except ValueError:
        content.defects.append("a winmail.dat that cannot be read")
        return False
    for file in packed.files:
        kind = (file.mime_type or "").lower()
        kind = kind if KIND.fullmatch(kind) else "application/octet-stream"
        content.add_file(
            ParsedFile(
                file_name=safe_name(file.name or file.title, kind, len(content.files) + 1),
                mime_type=kind,
                content=file.content,
                content_id=(file.content_id or "").strip("<> ")[:LONGEST_ID] or None,
                packed_in="winmail.dat",
            )
        )
    content.packed.append(packed)
    return True


def add_unpacked(
    found: tuple[str, bytes],
    content: Content,
    *,
    name: str | None = None,
    packed_in: str | None = None,
) -> None:
    kind, (own_name, body) = "application/octet-stream", found
    safe = safe_name(name or own_name, kind, len(content.files) + 1)
    content.add_file(ParsedFile(safe, kind, body, packed_in=packed_in))


def add_body(part: Part, kind: str, body: bytes, content: Content) -> None:
    if part.charset and codec_of(part.charset) is None:
        content.defects.append("an unknown charset")
    content.charset = content.charset or part.charset
    if kind == "text/plain" and b"begin" in body and content.may_unpack():
        body, files = uuencode.cut_out(body)
        for found in files:
            add_unpacked(found, content, packed_in="the text")
    text = in_room(text_in(part, body), body, content)
    if "-----BEGIN PGP MESSAGE-----" in text:
        content.note(ENCRYPTED.format("PGP"))
    content.bodies.append((text, None) if kind == "text/plain" else (None, text))


def add_doubtful(body: bytes, content: Content) -> None:
    if content.room > 0:
        content.doubtful.append((in_room(plain_text(body, None), body, content), None))


def in_room(text: str, body: bytes, content: Content) -> str:
    """As much of the text as there is room for."""
    if is_longer(text, body) or len(text) > content.room:
        content.defects.append("a text longer than 1 MB, cut")
        text = text[: content.room]
    content.room -= len(text)
    return text


def as_file(part: Part, name: str | None, body: bytes, content: Content) -> ParsedFile:
    content_id = header_text(part.header("content-id")).strip("<> ")[:LONGEST_ID] or None
    kind = part.kind if KIND.fullmatch(part.kind) else "application/octet-stream"
    return ParsedFile(
        file_name=safe_name(name, kind, len(content.files) + 1),
        mime_type=kind,
        content=body,
        content_id=content_id,
        is_inline=part.disposition == "inline"
        or (content_id is not None and kind.startswith("image/") and not part.disposition),
        note=note_on(part, kind, body, content),
    )


def note_on(part: Part, kind: str, body: bytes, content: Content) -> str | None:
    if kind in SIGNATURES:
        return UNCHECKED
    if kind in CALENDARS and content.may_unpack():
        return invitations.note_of(decode(body[:MOST_TEXT], part.charset))
    return None

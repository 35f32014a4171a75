"""What stands in a single part of a mail, as text."""

from quopri import decodestring

from ally.channels.mail.params import value_of
from ally.channels.mail.parts import Part, children
from ally.channels.mail.words import base64_bytes, decode

MOST_READ = 64 * 1024  # characters of one part that are looked at


def leaves(part: Part) -> list[Part]:
    """The parts below, in their order, that hold no others; the part itself if it is one."""
    if not part.is_multipart():
        return [part]
    return [leaf for below in children(part) for leaf in leaves(below)]


def leaf_bytes(part: Part) -> bytes:
    """The first 64 KB of the part, with its transfer encoding undone."""
    raw = part.body[:MOST_READ]
    encoding = value_of(part.header("content-transfer-encoding")).split(" ")[0]
    if encoding == "base64":
        return base64_bytes(raw)
    return decodestring(raw) if encoding == "quoted-printable" else raw


def leaf_text(part: Part) -> str:
    """The first 64 KB of the part as text with plain line ends."""
    text = decode(leaf_bytes(part), part.charset)
    return text.replace("\r\n", "\n").replace("\r", "\n")

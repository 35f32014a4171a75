"""Texts and files in the letters that every mail server takes."""

import base64
import binascii
import re
from urllib.parse import quote

from ally.channels.mail import headers
from ally.channels.mail.prose import with_line_feeds

LONGEST_NAME = 150  # characters of a file's name
PIECE = 60  # characters of a parameter that is continued (RFC 2231)
# Attribute characters of RFC 2231, less those that some readers trip over.
PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._+=@-]+")
TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
UNKNOWN_TYPE = "application/octet-stream"
# A mail inside a mail must not be encoded, and a multipart cannot be; neither is promised
# to be one by what somebody called it.
COMPOSITE = re.compile(r"(?:message|multipart)/")


def encoded(text: str) -> tuple[str, str]:
    """The encoding that suits the text, and the text in it, in lines of 76 characters at most."""
    octets = with_line_feeds(text).encode()
    if sum(octet > 127 for octet in octets) * 3 > len(octets):
        return "base64", in_base64(octets.replace(b"\n", b"\r\n"))
    quoted = binascii.b2a_qp(octets, istext=True)
    return "quoted-printable", quoted.decode().replace("\n", "\r\n")


def in_base64(octets: bytes) -> str:
    return base64.encodebytes(octets).rstrip(b"\n").decode().replace("\n", "\r\n")


def file_part(file_name: str, mime_type: str, content: bytes) -> list[str]:
    """A file, with its name for readers of RFC 2231 and for those of before."""
    # Blanks of any kind at its ends are lost on the way, and nothing else is no name.
    name = headers.clean(file_name)[:LONGEST_NAME].strip() or "file"
    return [
        f"Content-Type: {type_of(mime_type)}",
        "Content-Transfer-Encoding: base64",
        *disposition(name),
        "",
        in_base64(content),
    ]


def type_of(mime_type: str) -> str:
    mime_type = mime_type.strip().lower()
    if not TYPE.fullmatch(mime_type) or COMPOSITE.match(mime_type):
        return UNKNOWN_TYPE
    return mime_type


def disposition(name: str) -> list[str]:
    if PLAIN_NAME.fullmatch(name) and len(name) <= PIECE:
        return [f'Content-Disposition: attachment; filename="{name}"']
    written = "utf-8''" + quote(name, safe="")
    if len(written) <= PIECE:
        return ["Content-Disposition: attachment;", f" filename*={written}"]
    pieces = pieces_of(written)
    lines = [f" filename*{number}*={piece};" for number, piece in enumerate(pieces)]
    return ["Content-Disposition: attachment;", *lines[:-1], lines[-1].removesuffix(";")]


def pieces_of(written: str) -> list[str]:
    """The parts of a percent-encoded value, none of which ends inside an escape."""
    return re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{PIECE // 3}}}", written)

"""A mail made again of the pieces that a provider took it apart into.

What reads whole mails then reads these too, and tells quotes, bounces and loops alike.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

Header = tuple[str, str]

NAME = re.compile(r"[!-9;-~]{1,100}")
BREAKS = re.compile(r"[\r\n]+[ \t]*")
# They describe the parts as they were, and there are others now.
IN_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
NOT_BASE64 = bytes(set(range(256)) - set(IN_BASE64))
OF_THE_PARTS = {"content-type", "content-transfer-encoding", "content-disposition", "mime-version"}


@dataclass(frozen=True)
class Piece:
    """A file of the mail.  `is_base64` says that the content still is."""

    file_name: str
    content_type: str
    content: bytes
    content_id: str = ""
    is_base64: bool = False


def rebuild(
    headers: Iterable[Header], text: str | None, html: str | None, files: Iterable[Piece] = ()
) -> bytes:
    """The bytes of a mail that says the same."""
    bodies = [
        body_part(kind, body)
        for kind, body in (("plain", text), ("html", html))
        if body is not None
    ]
    parts = [body_of(bodies), *map(file_part, files)]
    return top_of(headers) + enclosed("mixed", parts)


def top_of(headers: Iterable[Header]) -> bytes:
    lines = [
        f"{name}: {BREAKS.sub(' ', value)}\r\n"
        for name, value in headers
        if NAME.fullmatch(name) and name.lower() not in OF_THE_PARTS
    ]
    return "".join([*lines, "MIME-Version: 1.0\r\n"]).encode("utf-8", "replace")


def body_of(bodies: list[bytes]) -> bytes:
    if len(bodies) == 2:
        return enclosed("alternative", bodies)
    return bodies[0] if bodies else body_part("plain", "")


def body_part(kind: str, body: str) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.b64encode(body.encode("utf-8", "replace"))


def file_part(piece: Piece) -> bytes:
    content = piece.content if piece.is_base64 else base64.b64encode(piece.content)
    kind = BREAKS.sub(" ", piece.content_type)
    if not kind or kind.lower().startswith("multipart/"):
        kind = "application/octet-stream"  # what comes as one file stays one
    place = "inline" if piece.content_id else "attachment"
    name = quote(piece.file_name.encode("utf-8", "replace"), safe="")
    head = [
        f"Content-Type: {kind}",
        f"Content-Disposition: {place}; filename*=utf-8''{name}",
        "Content-Transfer-Encoding: base64",
    ]
    if piece.content_id:
        head.append(f"Content-ID: <{BREAKS.sub('', piece.content_id).strip('<> ')}>")
    return ("\r\n".join(head) + "\r\n\r\n").encode("utf-8", "replace") + content.translate(
        None, NOT_BASE64
    )


def enclosed(kind: str, parts: list[bytes]) -> bytes:
    """The parts as one of several.  "=_" stands in no base64, so no part holds the boundary."""
    digest = hashlib.sha256(b"".join(part[:1024] for part in parts)).hexdigest()[:32]
    boundary = f"=_{kind}{digest}"
    between = f"\r\n--{boundary}\r\n".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()
    # Joined once: each copy of a large file would be in memory.
    pieces = [head, *(piece for part in parts for piece in (between, part))]
    return b"".join([*pieces, f"\r\n--{boundary}--\r\n".encode()])

"""The parameters of Content-Type and Content-Disposition, in time linear to their length."""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from ally.channels.mail.words import decode, readable, worded

# `; name=value` and `; name="quoted \" value"`: no two ways to match the same text.
PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
PIECE = re.compile(r"(.+?)(?:\*(\d{1,4}))?(\*)?$", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)

FORGOTTEN = re.compile(r"\A(\s*[\w.+-]+/[\w.+-]+)(\s+[\w*-]+\s*=)", re.ASCII)

Pieces = dict[int, tuple[str, bool]]


def value_of(header: str) -> str:
    """What stands before the parameters, in lower case: text/plain, attachment."""
    value = separated(header).partition(";")[0].replace("\r", "").replace("\n", "")
    return value.strip(" \t\"'").lower()


def separated(header: str) -> str:
    """The header with the semicolon after its value that some forget."""
    return FORGOTTEN.sub(r"\1;\2", header, count=1)


def parameters(header: str) -> dict[str, Pieces]:
    """The pieces of each parameter by number, and whether they are percent-encoded (RFC 2231)."""
    found: dict[str, Pieces] = {}
    for match in PARAMETER.finditer(separated(header)):
        piece = PIECE.match(match[1].lower())
        if piece is None:
            continue
        quoted = match[2]
        value = ESCAPED.sub(r"\1", quoted) if quoted is not None else (match[3] or "").strip()
        found.setdefault(piece[1], {}).setdefault(int(piece[2] or 0), (value, bool(piece[3])))
    return found


def raw_parameter(header: str, name: str) -> str | None:
    """A parameter as it came, without its quotes: the boundary must match byte for byte."""
    pieces = parameters(header.replace("\r", "").replace("\n", "")).get(name)
    if pieces is None:
        return None
    return "".join(pieces[number][0] for number in sorted(pieces))


def parameter(header: str, name: str, *, body_charset: str | None = None) -> str | None:
    """A parameter as text, also one in pieces, percent-encoded, or in encoded words."""
    pieces = readable_parameters(header, body_charset).get(name)
    if pieces is None:
        return None
    in_order = [pieces[number] for number in sorted(pieces)]
    if not any(encoded for _, encoded in in_order):
        return worded("".join(value for value, _ in in_order))
    charset, raw = extended(in_order)
    return worded(decode(raw, charset or body_charset))


@lru_cache(maxsize=8)
def readable_parameters(header: str, body_charset: str | None) -> dict[str, Pieces]:
    # Asked for one name after the other: a long header is read once.
    return parameters(readable(header, body_charset=body_charset))


def extended(pieces: list[tuple[str, bool]]) -> tuple[str, bytes]:
    """The charset that the first piece names, and the bytes of all: utf-8''na%C3%AFve."""
    first, encoded = pieces[0]
    charset = ""
    if encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
    values = [(first, encoded), *pieces[1:]]
    return charset, b"".join(
        unquote_to_bytes(value) if encoded else value.encode() for value, encoded in values
    )

"""The header lines at the top of a part, also where they are broken."""

import re
from collections.abc import Iterator

from ally.channels.mail.parsed import Unreadable

MOST_HEADER_BYTES = 256 * 1024  # of one part
TOO_LONG = "Its headers are longer than 256 KB."
LOOKED_AHEAD = 1_000  # bytes after a line that is no header

LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
NAMED = re.compile(rb"[!-9;-~]+[ \t]*:")
ENVELOPE = re.compile(rb">?From [^\r\n]*(?:\r\n|\n|\r)(?=[!-9;-~]+[ \t]*:|[ \t]*[\r\n])")
BLANK_LINES = re.compile(rb"(?:[ \t]{0,100}(?:\r\n|\n|\r)){0,1000}")
# Headers that are certainly ones: after a line that is none, only these are believed.
KNOWN = re.compile(
    rb"(?:from|to|cc|bcc|subject|date|message-id|in-reply-to|references|reply-to|sender"
    rb"|return-path|received|delivered-to|mime-version|content-[a-z-]+|x-[a-z0-9-]+|list-[a-z-]+"
    rb"|dkim-signature|authentication-results)[ \t]*:",
    re.IGNORECASE,
)
FOLDED_ON = re.compile(rb"(?:[ \t][^\r\n]*(?:\r\n|\n|\r))*" + KNOWN.pattern, re.IGNORECASE)

Header = tuple[str, str]


def first_header(raw: bytes) -> int:
    """Where the headers of a whole mail begin: below blank lines and an mbox's "From " line."""
    start = BLANK_LINES.match(raw).end()  # type: ignore[union-attr]  # it matches anything
    envelope = ENVELOPE.match(raw, start)
    return envelope.end() if envelope else start


def headers_at(raw: bytes, start: int, end: int) -> tuple[list[Header], int]:
    """The headers from `start` on, each (name, value as it came), and where the body begins.

    One character stands for each byte.  Raises Unreadable when they are too long.
    """
    found: list[list[bytes]] = []
    body = end
    for line, after in lines(raw, start, end):
        at = after - len(line)
        if not line.strip(b"\r\n"):
            body = after
            break
        if line[:1] in b" \t":
            if not line.strip() and not goes_on(raw, after, end):
                body = after
                break
            if found:
                found[-1].append(line)
        elif NAMED.match(line):
            found.append([line])
        elif not is_slip(raw, line, after, end):
            body = at
            break
        if after - start > MOST_HEADER_BYTES:
            raise Unreadable(TOO_LONG)
    return [header(pieces) for pieces in found], body


def lines(raw: bytes, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Each line with its end, and where the next begins."""
    while start < end:
        match = LINE.match(raw, start, end)
        assert match is not None
        yield match[0], match.end()
        start = match.end()


def goes_on(raw: bytes, at: int, end: int) -> bool:
    """Whether a line of blanks was only odd folding: more of the headers follow."""
    return FOLDED_ON.match(raw, at, min(end, at + LOOKED_AHEAD)) is not None


def is_slip(raw: bytes, line: bytes, after: int, end: int) -> bool:
    """Whether the line, which is no header, merely stands among headers."""
    if line.startswith((b"From ", b">From ")):
        return True
    if line.startswith(b"--"):  # a boundary
        return False
    return KNOWN.match(raw, after, min(end, after + LOOKED_AHEAD)) is not None


def header(pieces: list[bytes]) -> Header:
    name, _, value = b"".join(pieces).decode("latin-1").partition(":")
    return name.strip(), value.lstrip(" \t").rstrip("\r\n")

"""A mail as a tree of parts.

Split in one pass, with a cap on everything that a stranger could make endless.  The
standard library's own splitter looks at each line in turn: 25 MB keep it busy for
seconds and take half a gigabyte.
"""

import re
from collections.abc import Iterator
from email.errors import CloseBoundaryNotFoundDefect, StartBoundaryNotFoundDefect
from email.message import Message
from email.policy import Policy, compat32

from ally.channels.mail.header_lines import first_header, headers_at
from ally.channels.mail.params import parameter, raw_parameter, value_of
from ally.channels.mail.parsed import Unreadable

MOST_PARTS = 500
MOST_HEADER_BYTES = 1024 * 1024  # of all parts together
MOST_MULTIPARTS = 50
DEEPEST_PART = 30
LONGEST_BOUNDARY = 8_000  # characters, of all that are open; 70 are allowed for each

LINE_END = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
# A line that can only be a boundary, whatever the header says.
EVIDENT = re.compile(rb"(?:\A|[\r\n])--([^\s-][^\r\n]{0,200}?|-+[^\s-][^\r\n]{0,200}?)[ \t]*\r?\n"
                     rb"Content-(?:Type|Transfer|Disp)", re.IGNORECASE)  # fmt: skip
SEARCHED_FOR_EVIDENCE = 16 * 1024  # bytes


class Part(Message):
    """A part of a mail; mails inside of mails stay whole.

    `body` is what stands below its headers, as it came; empty when it has parts of its own.
    """

    def __init__(self, policy: Policy = compat32):
        super().__init__(policy)
        self.raw: dict[str, list[str]] = {}
        self.body = b""

    def set_raw(self, name: str, value: str) -> None:
        self.raw.setdefault(name.lower(), []).append(value)
        super().set_raw(name, value)

    def get_payload(self, i=None, decode=False):  # type: ignore[no-untyped-def]
        """The parts below, or the body with one character for each byte."""
        return super().get_payload() if self.is_multipart() else self.body.decode("latin-1")

    def get_content_type(self) -> str:
        return self.kind

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


def split(raw: bytes) -> Part:
    """The mail as a tree of parts.  Raises Unreadable beyond the caps."""
    part, _ = Splitter(raw).read(first_header(raw), kind="text/plain")
    return part


def children(part: Part) -> list[Part]:
    if not part.is_multipart():
        return []
    return [below for below in part.get_payload() if isinstance(below, Part)]


def leaves(part: Part) -> list[Part]:
    """The parts without parts, in their order."""
    if not part.is_multipart():
        return [part]
    return [leaf for below in children(part) for leaf in leaves(below)]


Delimiter = re.Match[bytes]


class Splitter:
    """One pass through a mail; `open` are the boundaries that may come, the innermost last."""

    def __init__(self, raw: bytes):
        self.raw = raw
        self.open: list[bytes] = []
        self.parts = self.multiparts = 0
        self.header_bytes = 0
        self.delimiters: list[re.Pattern[bytes]] = []  # for each of `open`, with those before it

    def read(self, start: int, *, kind: str) -> tuple[Part, Delimiter | None]:
        """The part that begins at `start`, and the delimiter that ends it; None at the end."""
        self.parts += 1
        if self.parts > MOST_PARTS + 1:
            raise Unreadable(f"It has more than {MOST_PARTS} parts.")
        part = Part()
        part.set_default_type(kind)
        headers, body = headers_at(self.raw, start, len(self.raw))
        self.header_bytes += body - start
        if self.header_bytes > MOST_HEADER_BYTES:
            raise Unreadable("The headers of its parts are longer than 1 MB.")
        for name, value in headers:
            part.set_raw(name, value)
        if part.kind.startswith("multipart/"):
            return part, self.read_multipart(part, body)
        return part, self.read_leaf(part, body)

    def read_leaf(self, part: Part, body: int) -> Delimiter | None:
        ending = self.next_delimiter(body)
        part.body = self.raw[body : self.before(ending, body)]
        if ending is None:
            part.body = self.without_close(part.body)
        return ending

    def without_close(self, body: bytes) -> bytes:
        """Some forget the line break before the very last delimiter."""
        end = body[-2 * LONGEST_BOUNDARY :].rstrip()
        for boundary in self.open:
            glued = b"--" + boundary + b"--"
            if end.endswith(glued):
                return body[: body.rindex(glued)]
        return body

    def read_multipart(self, part: Part, body: int) -> Delimiter | None:
        """Read the parts below; the delimiter after them all is the answer."""
        self.multiparts += 1
        if len(self.open) >= DEEPEST_PART:
            raise Unreadable(f"Its parts are nested more than {DEEPEST_PART} deep.")
        if self.multiparts > MOST_MULTIPARTS:
            raise Unreadable(f"It has more than {MOST_MULTIPARTS} parts that have parts.")
        for boundary in self.boundaries(part, body):
            self.enter(boundary)
            ending = self.next_delimiter(body)
            if ending is not None and ending["boundary"] == boundary and not ending["close"]:
                return self.read_below(part, ending)
            self.leave()
        return self.read_leaf(part, body)

    def boundaries(self, part: Part, body: int) -> Iterator[bytes]:
        """What its header names, with and without blanks at the end, then what the text shows."""
        named = raw_parameter(part.header("content-type"), "boundary") or ""
        exact = named.encode("latin-1", "replace")
        yield from dict.fromkeys(name for name in (exact, exact.rstrip()) if name.strip())
        evident = EVIDENT.search(self.raw, max(0, body - 1), body + SEARCHED_FOR_EVIDENCE)
        if evident is not None and evident[1] not in self.open:
            part.defects.append(StartBoundaryNotFoundDefect())
            yield evident[1]

    def read_below(self, part: Part, ending: Delimiter) -> Delimiter | None:
        boundary = ending["boundary"]
        kind = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        following: Delimiter | None = ending
        while following and following["boundary"] == boundary and not following["close"]:
            below, following = self.read(self.line_after(following), kind=kind)
            part.attach(below)
        self.leave()
        if following is None:
            part.defects.append(CloseBoundaryNotFoundDefect())
        elif following["boundary"] == boundary:  # what comes after the last one is for nobody
            return self.next_delimiter(self.line_after(following))
        return following

    def enter(self, boundary: bytes) -> None:
        """Look for this boundary too, from here on."""
        self.open.append(boundary)
        if sum(map(len, self.open)) > LONGEST_BOUNDARY:
            raise Unreadable("The marks between its parts are too long.")
        # The innermost first: it is the one that counts where one is the beginning of another.
        one_of = b"|".join(re.escape(boundary) for boundary in reversed(self.open))
        self.delimiters.append(
            re.compile(
                rb"--(?<![^\r\n]--)(?P<boundary>" + one_of + rb")(?P<close>--)?[ \t]*(?=[\r\n]|\Z)"
            )
        )

    def leave(self) -> None:
        self.open.pop()
        self.delimiters.pop()

    def next_delimiter(self, start: int) -> Delimiter | None:
        return self.delimiters[-1].search(self.raw, start) if self.open else None

    def before(self, ending: Delimiter | None, body: int) -> int:
        """Where the text before a delimiter ends: the line break belongs to the delimiter."""
        if ending is None:
            return len(self.raw)
        end = ending.start()
        if self.raw[max(body, end - 2) : end] == b"\r\n":
            return end - 2
        return max(body, end - 1)

    def line_after(self, ending: Delimiter) -> int:
        match = LINE_END.match(self.raw, ending.end())
        assert match is not None
        return match.end()

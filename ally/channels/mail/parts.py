"""A mail as a tree of parts.

The standard library splits it (its older `compat32` policy, which takes linear
time), with a cap on everything that a stranger could make endless.
"""

from email.feedparser import FeedParser
from email.message import Message
from email.policy import Policy, compat32

from ally.channels.mail.params import parameter, raw_parameter, value_of
from ally.channels.mail.parsed import Unreadable

MOST_HEADER_BYTES = 256 * 1024  # of one part
MOST_PARTS = 500
DEEPEST_PART = 30


class Part(Message):
    """A part of a mail.  Mails inside of mails stay whole, and the caps hold while it is read."""

    def __init__(self, policy: Policy = compat32, tally: dict[str, int] | None = None):
        super().__init__(policy)
        self.tally = tally if tally is not None else {"parts": 0}
        self.depth = 0
        self.header_bytes = 0
        self.raw: dict[str, list[str]] = {}

    def set_raw(self, name: str, value: str) -> None:
        self.header_bytes += len(name) + len(value)
        if self.header_bytes > MOST_HEADER_BYTES:
            raise Unreadable("Its headers are longer than 256 KB.")
        self.raw.setdefault(name.strip().lower(), []).append(value)
        super().set_raw(name, value)

    def attach(self, payload: "Part") -> None:  # type: ignore[override]
        payload.depth = self.depth + 1
        self.tally["parts"] += 1
        if payload.depth > DEEPEST_PART:
            raise Unreadable(f"Its parts are nested more than {DEEPEST_PART} deep.")
        if self.tally["parts"] > MOST_PARTS:
            raise Unreadable(f"It has more than {MOST_PARTS} parts.")
        super().attach(payload)

    def get_content_type(self) -> str:
        """What the parser goes by: it must not look into a mail inside of the mail."""
        kind = self.kind
        return "application/octet-stream" if kind.startswith("message/") else kind

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: str | None = None) -> str | None:  # type: ignore[override]
        return raw_parameter(self.header("content-type"), "boundary") or failobj

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
    tally = {"parts": 0}

    def part(policy: Policy = compat32) -> Part:
        return Part(policy, tally)

    parser = FeedParser(part)
    # Some programs begin with a blank line, which would end the headers.
    # Latin-1 makes one character of each byte, and each byte again of its character.
    parser.feed(raw.lstrip(b"\r\n").decode("latin-1"))
    root = parser.close()
    assert isinstance(root, Part)
    return root


def children(part: Part) -> list[Part]:
    payload = part.get_payload()
    return [below for below in payload if isinstance(below, Part)]

"""What the sender typed, told apart from what is quoted, signed or passed on."""

from dataclasses import dataclass, field
from typing import Any

from ally.channels.mail.parsed import Forward
from ally.channels.mail.quotes import quoted_from


@dataclass(frozen=True)
class Told:
    """See the fields of the same names in `Parsed`."""

    reply_text: str
    segments: list[list[Any]] = field(default_factory=list)
    quoted_from: int | None = None
    signature: str | None = None
    forward: Forward | None = None


def tell_apart(text: str, html: str | None = None) -> Told:
    """The parts of a mail's text; `html` is what it was made from, or what stands beside it."""
    start = quoted_from(text)
    segments: list[list[Any]] = [["own", 0, len(text) if start is None else start]]
    if start is not None:
        segments.append(["quote", start, len(text)])
    own = text if start is None else text[:start]
    return Told(own.strip(), segments, start)

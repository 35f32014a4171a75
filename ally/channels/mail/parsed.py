"""What a mail says, as plain values that can cross a process boundary as JSON."""

import base64
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


class Unreadable(Exception):
    """A mail that cannot be read; the text is a plain sentence that says why."""


@dataclass(frozen=True)
class ParsedFile:
    """A file of a mail.  The name is safe to show; its bytes are as they came."""

    file_name: str
    mime_type: str
    content: bytes
    content_id: str | None = None
    is_inline: bool = False


@dataclass(frozen=True)
class Parsed:
    """A mail in plain values.

    Addresses are `[name, email]`; ids carry no angle brackets.  `date` is the one
    that the sender gave, aware, in UTC.  `body_html` is sanitised.  `quoted_from`
    is the code point in `body_text` where the quoted history begins, and
    `remote_images` says how many were taken out of `body_html`.  `defects` are
    short remarks on what was broken.
    """

    from_email: str | None = None
    from_name: str | None = None
    reply_to: list[list[str]] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    cc: list[list[str]] = field(default_factory=list)
    subject: str = ""
    date: datetime | None = None
    message_id: str | None = None
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    body_text: str = ""
    body_html: str | None = None
    quoted_from: int | None = None
    remote_images: int = 0
    auto_submitted: bool = False
    attachments: list[ParsedFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


def to_json(parsed: Parsed) -> dict[str, Any]:
    """The mail as JSON can hold it: dates in ISO 8601, contents in base64."""
    plain = {name: getattr(parsed, name) for name in Parsed.__dataclass_fields__}
    plain["date"] = parsed.date and parsed.date.isoformat()
    plain["attachments"] = [
        asdict(file) | {"content": base64.b64encode(file.content).decode()}
        for file in parsed.attachments
    ]
    return plain


def from_json(plain: dict[str, Any]) -> Parsed:
    """The mail again.  Raises KeyError, TypeError or ValueError for anything else."""
    date = plain["date"]
    files = [
        ParsedFile(**(file | {"content": base64.b64decode(file["content"])}))
        for file in plain["attachments"]
    ]
    moment = datetime.fromisoformat(date) if date else None
    return Parsed(**(plain | {"date": moment, "attachments": files}))

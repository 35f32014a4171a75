"""What a mail says, as plain values that can cross a process boundary as JSON."""

import base64
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Unreadable(Exception):
    """A mail that cannot be read; the text is a plain sentence that says why."""


class Category(StrEnum):
    """What kind of mail it is.  Only an ordinary one gets a draft by itself."""

    ORDINARY = "ordinary"
    AUTO_REPLY = "auto_reply"
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    RECEIPT = "receipt"
    LIST = "list"
    SPAM = "spam"


@dataclass(frozen=True)
class ParsedFile:
    """A file of a mail.  The name is safe to show; its bytes are as they came.

    `note` is what a reader should know of it, in plain words: an invitation's time, say.
    """

    file_name: str
    mime_type: str
    content: bytes
    content_id: str | None = None
    is_inline: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Bounced:
    """What a report says of one recipient.

    `status` is an enhanced code ("5.1.1"), `reply_code` an SMTP one ("550"), `reason` a
    word of Sisimai's list ("userunknown"); each "" when it is not known.  `is_permanent`
    is None when the report leaves it open.
    """

    address: str
    status: str = ""
    reply_code: str = ""
    reason: str = ""
    is_permanent: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class Forward:
    """A mail that was passed on: what its bearer says above it, and what it said.

    It is not certain when mere headers stand above it: some programs put the same ones
    above the history of a reply.
    """

    comment: str
    author: str
    subject: str
    text: str
    is_certain: bool = True


@dataclass(frozen=True)
class Verdict:
    """What a mail server on the way says of the mail: `by` it, `method` has this `result`.

    Methods are spf, dkim, dmarc, arc, spam and virus (these two with the result yes or
    no); `domain` is the one that was checked, or "".
    """

    method: str
    result: str
    domain: str = ""
    by: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Parsed:
    """A mail in plain values.

    Addresses are `[name, email]`; ids carry no angle brackets.  `date` is the one
    that the sender gave, aware, in UTC.  `delivered_to` are the addresses that mail
    servers say it came for, the envelope's among them.  `body_html` is sanitised.

    `segments` are `[kind, start, end]` of `body_text`, in code points, in order and
    without overlap: "own" words, a "quote" with its introduction, a "signature".
    `quoted_from` is where the quoted history at the end begins.  `reply_text` is what
    the sender typed, and `forward` what was passed on.

    `category` says what kind of mail it is; `bounces` what a report says of its
    recipients, and `returned_ids` which mails it is about.  `may_answer` is whether a
    program may answer it at all (RFC 3834).  `notes` are plain sentences for the reader,
    `defects` short remarks on what was broken.
    """

    from_email: str | None = None
    from_name: str | None = None
    sender: list[list[str]] = field(default_factory=list)
    reply_to: list[list[str]] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    cc: list[list[str]] = field(default_factory=list)
    envelope_from: str | None = None
    delivered_to: list[str] = field(default_factory=list)
    subject: str = ""
    date: datetime | None = None
    message_id: str | None = None
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    body_text: str = ""
    body_html: str | None = None
    segments: list[list[Any]] = field(default_factory=list)
    quoted_from: int | None = None
    reply_text: str = ""
    signature: str | None = None
    forward: Forward | None = None
    remote_images: int = 0
    category: Category = Category.ORDINARY
    may_answer: bool = True
    bounces: list[Bounced] = field(default_factory=list)
    returned_ids: list[str] = field(default_factory=list)
    list_id: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    attachments: list[ParsedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    @property
    def is_automatic(self) -> bool:
        """Whether a program sent it, to anybody or to a list."""
        return self.category is not Category.ORDINARY or not self.may_answer


def to_json(parsed: Parsed) -> dict[str, Any]:
    """The mail as JSON can hold it: dates in ISO 8601, contents in base64."""
    plain = {name: getattr(parsed, name) for name in Parsed.__dataclass_fields__}
    plain["date"] = parsed.date and parsed.date.isoformat()
    plain["forward"] = parsed.forward and asdict(parsed.forward)
    plain["bounces"] = [asdict(bounced) for bounced in parsed.bounces]
    plain["verdicts"] = [asdict(verdict) for verdict in parsed.verdicts]
    plain["attachments"] = [
        asdict(file) | {"content": base64.b64encode(file.content).decode()}
        for file in parsed.attachments
    ]
    return plain


def from_json(plain: dict[str, Any]) -> Parsed:
    """The mail again.  Raises KeyError, TypeError or ValueError for anything else."""
    date, forward = plain["date"], plain["forward"]
    files = [
        ParsedFile(**(file | {"content": base64.b64decode(file["content"])}))
        for file in plain["attachments"]
    ]
    rich = {
        "date": datetime.fromisoformat(date) if date else None,
        "forward": Forward(**forward) if forward else None,
        "category": Category(plain["category"]),
        "bounces": [Bounced(**bounced) for bounced in plain["bounces"]],
        "verdicts": [Verdict(**verdict) for verdict in plain["verdicts"]],
        "attachments": files,
    }
    return Parsed(**(plain | rich))

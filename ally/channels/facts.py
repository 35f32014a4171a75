"""What came in, as values: a message of somebody, reports on what we sent, or both."""

from dataclasses import dataclass, field
from datetime import datetime

from ally.channels.mail.parsed import Parsed
from ally.channels.models import ReportKind


@dataclass(frozen=True)
class Report:
    """What became of something we sent, which is named by our Message-ID or the provider's id."""

    kind: ReportKind
    at: datetime
    detail: str
    rfc_message_id: str | None = None
    provider_id: str | None = None
    recipient: str | None = None
    is_permanent: bool = False


@dataclass(frozen=True)
class Incoming:
    """One stored event, read.

    `thread` is the provider's own name for the conversation, which the provider vouches
    for: its messages join without further proof.  `is_ours` says that a colleague wrote
    the message at the provider, and `closes` that the conversation was closed or opened
    there (None: nothing was said of it).
    """

    mail: Parsed | None = None
    thread: str | None = None
    is_ours: bool = False
    closes: bool | None = None
    reports: list[Report] = field(default_factory=list)

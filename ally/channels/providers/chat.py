"""Messages that come in JSON, and what the readers of them share."""

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ally.channels.facts import Report
from ally.channels.mail import guard
from ally.channels.mail.addresses import cleaned
from ally.channels.mail.headers import clean
from ally.channels.mail.parsed import Parsed, Unreadable
from ally.channels.models import EventsRaw, ReportKind
from ally.channels.providers.pieces import json_object, loose_json, text_of
from ally.channels.providers.rebuilt import rebuild

MILLISECONDS_FROM = 10**11  # a number above it is no number of seconds of our age
LONGEST_DETAIL = 300  # characters
DIGITS = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
MARKS = re.compile(r"<[^<>]*>")
BRACKETS = re.compile(r"^<|>$")


def posted_by(event: EventsRaw) -> dict[str, Any]:
    """The JSON object that was posted.  Raises Unreadable."""
    return json_object(event.body or b"")


def listed_by(event: EventsRaw) -> list[Any]:
    """The JSON list that was posted.  Raises Unreadable."""
    read = loose_json(event.body or b"")
    if not isinstance(read, list):
        raise Unreadable("What the provider sent is not a JSON list.")
    return read


def written(
    *,
    message_id: str,
    name: object,
    email: object,
    text: str | None,
    marked: str | None,
    at: datetime | None,
    subject: object = "",
    notes: Iterable[str] = (),
) -> Parsed:
    """A message of a chat or a form as a mail that says the same.  Raises Unreadable."""
    read = guard.parse(rebuild([], text, marked))
    return replace(
        read,
        message_id=clean(message_id),
        from_name=clean(text_of(name)) or None,
        from_email=cleaned(text_of(email)) or None,
        subject=clean(text_of(subject)),
        date=at and at.astimezone(UTC),
        notes=list(notes),
        defects=[],  # that it has no headers is no fault of it
    )


def report(
    kind: ReportKind,
    *,
    at: datetime | None,
    event: EventsRaw,
    detail: object = "",
    rfc_message_id: object = None,
    provider_id: object = None,
    recipient: object = None,
    is_permanent: bool = False,
) -> Report:
    """What became of a mail, in one line; at the time of the event when no other is told."""
    return Report(
        kind=kind,
        at=at or event.ts,
        detail=clean(text_of(detail))[:LONGEST_DETAIL],
        rfc_message_id=BRACKETS.sub("", text_of(rfc_message_id).strip()) or None,
        provider_id=text_of(provider_id) or None,
        recipient=cleaned(text_of(recipient)) or None,
        is_permanent=is_permanent,
    )


def moment_of(value: object) -> datetime | None:
    """The moment, in UTC, from ISO 8601 or a number since 1970; None for anything else."""
    try:
        if isinstance(value, str) and not DIGITS.fullmatch(value):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
            return datetime.fromtimestamp(
                seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC
            )
    except (ValueError, OverflowError, OSError):
        pass
    return None


def unmarked(marked: str) -> str:
    """A line of HTML as text.  Only the marks go: what it says is shown as text anyway."""
    return html.unescape(MARKS.sub(" ", marked[:4096])).strip()


def left_at(provider: str, names: Iterable[object]) -> list[str]:
    """A note on files that stay with the provider, since we fetch nothing that a message names."""
    known = [clean(text_of(name))[:100] for name in names]
    told = ", ".join(name or "a file without a name" for name in known[:20])
    return [f"Files of this message are at {provider}: {told}."] if known else []

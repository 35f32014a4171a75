"""Lists a page at a time: where a page ends, in an address, so that the next one goes on there.

A place is a time and an id, as the list is ordered; it names the last row that was seen, and
not how many there were, so that what comes meanwhile moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

Place = tuple[datetime, UUID]

THE_BEGINNING: Place = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
THE_END: Place = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the address part that leads to the rows after them, if any."""

    rows: Sequence[Any]
    next: str | None


def page_of(rows: Sequence[Any], length: int, by: str) -> Page:
    """The first `length` of the rows, which are ordered by their `by` and `id`."""
    if len(rows) <= length:
        return Page(rows, None)
    last = rows[length - 1]
    return Page(rows[:length], written_place(getattr(last, by), last.id))


def written_place(at: datetime, row_id: UUID) -> str:
    """The place as an address has it."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z~{row_id}"


def place_of(address: str) -> Place | None:
    """The place that an address names; None for none, or an unreadable one."""
    at, _, row_id = address.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(row_id)
    except ValueError:
        return None

"""Drafts put off until a time: out of the queue until then, or until somebody wakes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ally import clock
from ally.accounts.models import User
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import _
from ally.review import claims
from ally.review.decisions import refuse_unless_open
from ally.review.kinds import kind_of
from ally.review.later import monday_morning, read, tomorrow_morning
from ally.review.models import Draft

LONGEST = timedelta(days=365)
A_WHILE = timedelta(hours=3)


@dataclass(frozen=True)
class Choice:
    """A time that is offered, in the reader's zone; `name` is what the form sends back."""

    name: str
    at: datetime


def snooze(draft: Draft, by: User, until: datetime) -> None:
    """Put the draft off; nobody holds it meanwhile.  It must be held (`lock_draft`).

    Raises AlreadyDecided, HeldByAnother, and Invalid for a time that makes no sense.
    """
    refuse_unreasonable(until)
    refuse_unless_open(draft, by)
    claims.forget(draft)
    draft.snoozed_until = until
    kind_of(draft).put_off(draft, until)
    trail.record(draft, "draft.snoozed", by=by, until=until.isoformat())


def wake(draft: Draft, by: User) -> None:
    """Bring the draft back into the queue by hand.  It must be held (`lock_draft`).

    Raises Conflict when it is not snoozed.
    """
    if draft.snoozed_until is None:
        raise Conflict(_("This is not snoozed."))
    draft.snoozed_until = None
    kind_of(draft).put_off(draft, None)
    trail.record(draft, "draft.woken", by=by)


def refuse_unreasonable(until: datetime) -> None:
    now = clock.now()
    if until <= now:
        raise Invalid(_("This time has passed. Choose a later one."))
    if until > now + LONGEST:
        raise Invalid(_("This is more than a year away. Choose an earlier time."))


def choices(now: datetime) -> Sequence[Choice]:
    """The times that are offered; `now` is the reader's, in their zone, and so are they."""
    return [
        # In UTC: three hours are three hours, whatever is done to the clocks meanwhile.
        Choice("later", (now.astimezone(UTC) + A_WHILE).astimezone(now.tzinfo)),
        Choice("tomorrow", tomorrow_morning(now)),
        Choice("monday", monday_morning(now)),
    ]


def moment_chosen(name: str, at: str, now: datetime) -> datetime:
    """The moment of one of `choices`, or the one that `at` tells in the zone of `now`.

    Raises Invalid.
    """
    for choice in choices(now):
        if choice.name == name:
            return choice.at
    return read(at, now.tzinfo, refusal=_("Choose until when this is snoozed."))

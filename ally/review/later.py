"""When a reply goes out that is approved now and sent later, and the mornings people wait for."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ally import clock
from ally.errors import Invalid
from ally.language import _

MORNING = time(8)  # when the working day begins, in the reader's zone
MONDAY = 0
FURTHEST = timedelta(days=366)
CHOSEN = "chosen"  # a date and time of the reader's own


def send_time(choice: str, chosen: str, zone: ZoneInfo) -> datetime | None:
    """When to send, by the choice of a form; None for at once.

    `choice` is hour, tomorrow, monday or chosen, or a moment itself; `chosen` is the date and
    time of a field.  Times without an offset are read in `zone`.  Raises Invalid for what is
    no time, is past, or is more than a year ahead.
    """
    if not choice:
        return None
    here = clock.now().astimezone(zone)
    if choice in NEXT:
        return NEXT[choice](here)
    written = chosen if choice == CHOSEN else choice
    refusal = _("Choose a date and a time to send this at.")
    return refuse_unreachable(read(written, zone, refusal=refusal))


@dataclass(frozen=True)
class SendTimes:
    """What a form offers; `first` and `last` are the limits of its field, in the zone's time."""

    zone: str
    hour: datetime
    tomorrow: datetime
    monday: datetime
    first: str
    last: str


def send_times(zone: ZoneInfo) -> SendTimes:
    here = clock.now().astimezone(zone)
    return SendTimes(
        zone=zone.key,
        hour=in_an_hour(here),
        tomorrow=tomorrow_morning(here),
        monday=monday_morning(here),
        first=f"{here:%Y-%m-%dT%H:%M}",
        last=f"{here + FURTHEST - timedelta(days=1):%Y-%m-%dT%H:%M}",
    )


def in_an_hour(here: datetime) -> datetime:
    # By the time that passes: on a day when clocks change, an hour is still an hour.
    return clock.now() + timedelta(hours=1)


def tomorrow_morning(here: datetime) -> datetime:
    return morning_in(1, here)


def monday_morning(here: datetime) -> datetime:
    """The next Monday, never today."""
    return morning_in((MONDAY - here.weekday() - 1) % 7 + 1, here)


def morning_in(days: int, here: datetime) -> datetime:
    day = here.date() + timedelta(days=days)
    return datetime.combine(day, MORNING, tzinfo=here.tzinfo)


NEXT = {"hour": in_an_hour, "tomorrow": tomorrow_morning, "monday": monday_morning}


def read(written: str, zone: tzinfo | None, *, refusal: str) -> datetime:
    """The moment, as a browser writes a date and a time: 2026-11-28T08:00.

    Without an offset it is one in `zone`.  Raises Invalid with `refusal`.
    """
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise Invalid(refusal) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def refuse_unreachable(moment: datetime) -> datetime:
    """The moment.  Raises Invalid when it is past, or too far ahead."""
    try:
        ahead = moment - clock.now()
    except OverflowError:  # an offset that leads out of the calendar
        raise Invalid(_("Choose a time within a year from now.")) from None
    if ahead <= timedelta(0):
        raise Invalid(_("This time has passed. Choose a later one."))
    if ahead > FURTHEST:
        raise Invalid(_("Choose a time within a year from now."))
    return moment

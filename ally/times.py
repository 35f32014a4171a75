"""Times in words, in the reader's language and time zone; in a job English and UTC.

How a language says it is read once from the catalogue and kept: lists draw hundreds.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup, escape

from ally import clock
from ally.language import _, language, zone

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Manner:
    """How one language says ages, days and months."""

    now: str
    just_now: str
    minutes: str
    hours: str
    days: str
    ago: str
    in_month: str
    month: str
    day: str
    day_of_year: str
    at: str
    yesterday: str
    today: str
    tomorrow: str
    months: tuple[str, ...]


@cache
def manner(language: str) -> Manner:
    """The manner of the language, which must be the one that texts are now put into."""
    months = Locale(language).months["format"]["abbreviated"]
    return Manner(
        now=_("now"),
        just_now=_("just now"),
        minutes=_("%(count)s min"),
        hours=_("%(count)s h"),
        days=_("%(count)s d"),
        ago=_("%(age)s ago"),
        in_month=_("in %(month)s"),
        month=_("%(month)s %(year)s"),
        day=_("%(day)s %(month)s"),
        day_of_year=_("%(day)s %(month)s %(year)s"),
        at=_("%(day)s %(time)s"),
        yesterday=_("yesterday"),
        today=_("today"),
        tomorrow=_("tomorrow"),
        months=("", *(months[number] for number in range(1, 13))),
    )


def ago(moment: datetime) -> str:
    """How long since `moment`, as people say it: 12 min, 3 h, 2 d, Mar 2026."""
    says, seconds = manner(language()), (clock.now() - moment).total_seconds()
    return says.now if seconds < 60 else age(says, moment, int(seconds))


def how_long_ago(moment: datetime) -> str:
    """The same within a sentence: just now, 3 h ago, in Mar 2026."""
    says, seconds = manner(language()), (clock.now() - moment).total_seconds()
    if seconds < 60:
        return says.just_now
    words = age(says, moment, int(seconds))
    if seconds < 30 * 86400:
        return says.ago % {"age": words}
    return says.in_month % {"month": words}


def age(says: Manner, moment: datetime, seconds: int) -> str:
    if seconds < 3600:
        return says.minutes % {"count": seconds // 60}
    if seconds < 86400:
        return says.hours % {"count": seconds // 3600}
    if seconds < 30 * 86400:
        return says.days % {"count": seconds // 86400}
    return month(moment)


def month(moment: datetime) -> str:
    """The month and the year: Mar 2026."""
    says, here = manner(language()), moment.astimezone(zone())
    return says.month % {"month": says.months[here.month], "year": here.year}


def exactly(moment: datetime) -> str:
    """The exact time for a tooltip, with the name of the reader's time zone."""
    return told_exactly(moment.astimezone(zone()))


def told_exactly(here: datetime) -> str:
    return f"{here.isoformat(' ', 'seconds')[:19]} {here.tzname()}"


def since(moment: datetime) -> Markup:
    """A `<time>` that reads as people say it and tells the exact time on hover."""
    return drawn(moment, moment.astimezone(zone()), ago(moment))


def at_clock(moment: datetime) -> Markup:
    """A `<time>` of the day, with the day unless it is today: 14:05, yesterday 14:05,
    5 Mar 14:05, 5 Mar 2025 14:05."""
    here_zone = zone()
    here, today = moment.astimezone(here_zone), today_in(here_zone)
    if here.date() == today:
        return drawn(moment, here, clock_of(here))
    return drawn(moment, here, with_its_day(here, today))


def with_day(moment: datetime) -> Markup:
    """The same of what is planned or due, with the day in any case: today 14:05."""
    here_zone = zone()
    here = moment.astimezone(here_zone)
    return drawn(moment, here, with_its_day(here, today_in(here_zone)))


def with_its_day(here: datetime, today: date) -> str:
    says = manner(language())
    return says.at % {"day": day_in_words(says, here, today), "time": clock_of(here)}


def clock_of(here: datetime) -> str:
    return f"{here.hour:02}:{here.minute:02}"


def on_day(moment: datetime) -> Markup:
    """A `<time>` of the day alone, today's too: 5 Mar, 5 Mar 2025."""
    here_zone = zone()
    here, today, says = moment.astimezone(here_zone), today_in(here_zone), manner(language())
    named = says.day if here.year == today.year else says.day_of_year
    told = named % {"day": here.day, "month": says.months[here.month], "year": here.year}
    return drawn(moment, here, told)


def day_in_words(says: Manner, here: datetime, today: date) -> str:
    the_day = here.date()
    if the_day == today:
        return says.today
    if the_day == today - DAY:
        return says.yesterday
    if the_day == today + DAY:
        return says.tomorrow
    named = says.day if the_day.year == today.year else says.day_of_year
    return named % {"day": here.day, "month": says.months[here.month], "year": here.year}


def today_in(here: ZoneInfo) -> date:
    return clock.now().astimezone(here).date()


def drawn(moment: datetime, here: datetime, words: str) -> Markup:
    return Markup(  # noqa: S704  times are digits, and the words are escaped
        f'<time datetime="{moment.isoformat()}" title="{escape(told_exactly(here))}">'
        f"{escape(words)}</time>"
    )


FILTERS = {
    "ago": ago,
    "how_long_ago": how_long_ago,
    "exactly": exactly,
    "since": since,
    "at_clock": at_clock,
    "with_day": with_day,
    "on_day": on_day,
    "month": month,
}

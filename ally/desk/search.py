"""What a person asks of the search field, read into words and filters.

`pump "return line" -e85 from:example.com is:open before:7d`: every word must stand in one
message of the conversation (its subject, its author's name and address, and its text, count
as the message), or in one note; a phrase in this order; a word with a minus in none of its
messages.  The last word may be the beginning of one.  Dates are those of the conversation's
newest message: `after:` and `on:` begin with that day, `before:` ends ahead of it.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ally.language import _

LONGEST = 500  # characters that are read
MOST_PARTS = 25  # words and filters that are read
SHORTEST_BEGINNING = 2  # letters of a word that is looked for as the beginning of others


class Is(StrEnum):
    """What `is:` knows.  Open means in the list now: neither closed nor snoozed."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    SNOOZED = "snoozed"
    WAITING = "waiting"
    CLOSED = "closed"
    UNDELIVERED = "undelivered"
    QUARANTINED = "quarantined"
    SPAM = "spam"


class Has(StrEnum):
    ATTACHMENT = "attachment"
    NOTE = "note"


class By(StrEnum):
    """A filter that takes words of the person's own."""

    FROM = "from"
    TO = "to"
    SUBJECT = "subject"
    ASSIGNED = "assigned"
    CHANNEL = "channel"
    TAG = "tag"
    REFERENCE = "reference"


DATES = ("before", "after", "on")
FILTERS = ("from", "to", "subject", "is", "assigned", "channel", "tag", "has", *DATES)
NO_FILTERS = ("http", "https", "mailto", "tel", "re", "fw", "fwd", "aw", "wg")
MEANT = {"quarantine": "quarantined", "assigned": "mine", "files": "attachment"}
PART = re.compile(r'([A-Za-z]+):(?=\s|$)|(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|([^\s"]+))')
REFERENCE = re.compile(r"#([A-Za-z0-9]{5}-[A-Za-z0-9]{5})\Z")
SPAN = re.compile(r"(\d{1,4})([hdwmy])\Z")
UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}  # days
LONGEST_AGE = 365_000  # days, as far back as a calendar goes


@dataclass(frozen=True)
class Words:
    """Words that follow each other, or one; `is_open` when its last may go on."""

    text: str
    is_excluded: bool = False
    is_open: bool = False
    is_phrase: bool = False


@dataclass(frozen=True)
class Wanted:
    """One filter: `kind` says which, `value` what it asks for ("" for those of Is and Has)."""

    kind: Is | Has | By
    value: str = ""
    is_excluded: bool = False


@dataclass(frozen=True)
class Query:
    """What was asked for.  `hints` say, to the person, what could not be read."""

    written: str = ""
    words: tuple[Words, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    hints: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.wanted or self.since or self.until)

    @property
    def found_by_words(self) -> list[Words]:
        """The words that must be there."""
        return [words for words in self.words if not words.is_excluded]

    def asks(self, kind: Is) -> bool:
        return any(one.kind is kind and not one.is_excluded for one in self.wanted)


def read(written: str, now: datetime) -> Query:
    """The query; `now` is in the reader's time zone, in which days begin.  Never raises."""
    written = " ".join(written.replace("\x00", " ").split())
    query = Query(written=written[:LONGEST])
    if len(written) > LONGEST:
        query = hinted(query, _("Only the first %(count)s letters were read.", count=LONGEST))
    for number, part in enumerate(PART.finditer(even(query.written))):
        if number == MOST_PARTS:
            return hinted(query, _("Only the first %(count)s parts were read.", count=MOST_PARTS))
        query = with_part(query, part, now)
    return opened_at_the_end(query)


def even(written: str) -> str:
    """The same with straight quotes."""
    return re.sub("[“”„«»]", '"', written)


def with_part(query: Query, part: re.Match[str], now: datetime) -> Query:
    alone, minus, name, quoted, plain = part.groups()
    if alone and alone.lower() in FILTERS:
        return hinted(query, _("Write what “%(name)s:” asks for right behind it.", name=alone))
    value, name = (quoted if quoted is not None else plain or alone), (name or "").lower()
    if name in FILTERS:
        return with_filter(query, name, value.strip(), bool(minus), now)
    if name and name not in NO_FILTERS:
        known = ", ".join(f"{one}:" for one in FILTERS)
        hint = _("There is no filter “%(name)s:”. There are %(known)s.", name=name, known=known)
        query = hinted(query, hint)
    if found := REFERENCE.match(value):
        return with_wanted(query, By.REFERENCE, found[1].upper(), bool(minus))
    text = f"{name}:{value}" if name else value
    return with_words(query, Words(text, bool(minus), is_phrase=quoted is not None))


def with_words(query: Query, words: Words) -> Query:
    if not any(letter.isalnum() for letter in words.text):
        # An index of words has no signs in it.
        hint = _("“%(sign)s” has no letters to look for.", sign=words.text)
        return hinted(query, hint) if words.text.strip() else query
    return replace(query, words=(*query.words, words))


def with_filter(query: Query, name: str, value: str, is_excluded: bool, now: datetime) -> Query:
    if name in DATES:
        return with_date(query, name, value, is_excluded, now)
    if name in {"is", "has"}:
        return with_choice(query, name, value, is_excluded)
    if not any(letter.isalnum() for letter in value):
        return hinted(query, _("“%(name)s:” needs a word.", name=name))
    return with_wanted(query, By(name), value, is_excluded)


def with_wanted(query: Query, kind: Is | Has | By, value: str, is_excluded: bool) -> Query:
    return replace(query, wanted=(*query.wanted, Wanted(kind, value, is_excluded)))


def with_choice(query: Query, name: str, value: str, is_excluded: bool) -> Query:
    kinds: type[Is] | type[Has] = Is if name == "is" else Has
    value = MEANT.get(value.lower(), value.lower())
    if value not in {kind.value for kind in kinds}:
        known = ", ".join(kinds)
        hint = _("“%(name)s:” knows %(known)s.", name=name, known=known)
        return hinted(query, hint)
    return with_wanted(query, kinds(value), "", is_excluded)


def with_date(query: Query, name: str, value: str, is_excluded: bool, now: datetime) -> Query:
    span = days_of(value, now)
    if span is None or is_excluded:
        hint = _("“%(name)s:” takes a day such as 2026-11-24, or an age such as 7d.", name=name)
        return hinted(query, hint)
    begin, end = span
    since = query.since if name == "before" else latest(query.since, begin)
    until = (
        query.until if name == "after" else earliest(query.until, end if name == "on" else begin)
    )
    return replace(query, since=since, until=until)


def days_of(value: str, now: datetime) -> tuple[datetime, datetime] | None:
    """When what is named begins and ends: a day, a month, a year, or the day so long ago."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ago = {"today": 0.0, "yesterday": 1.0}.get(value.lower())
    if found := SPAN.match(value.lower()):
        days = min(int(found[1]) * UNITS[found[2]], LONGEST_AGE)
        return now - timedelta(days=days), now - timedelta(days=days - 1)
    if ago is not None:
        begin = today - timedelta(days=ago)
        return begin, begin + timedelta(days=1)
    return span_of_date(value, today)


def span_of_date(value: str, today: datetime) -> tuple[datetime, datetime] | None:
    for pattern, days in (("%Y-%m-%d", 1), ("%Y-%m", 31), ("%Y", 366)):
        try:
            day = datetime.strptime(value, pattern)  # noqa: DTZ007  it gets the reader's zone
            begin = day.replace(tzinfo=today.tzinfo)
            end = begin + timedelta(days=days)
        except (ValueError, OverflowError):
            continue
        return begin, end if days == 1 else end.replace(day=1, month=end.month if days < 40 else 1)
    return None


def latest(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one else other


def earliest(one: datetime | None, other: datetime) -> datetime:
    return min(one, other) if one else other


def opened_at_the_end(query: Query) -> Query:
    """The query whose last word may be the beginning of one, if it ends with a word."""
    if not query.words:
        return query
    last = query.words[-1]
    ends_with_it = query.written.endswith(last.text) and not last.is_phrase
    if last.is_excluded or not ends_with_it or len(last.text) < SHORTEST_BEGINNING:
        return query
    return replace(query, words=(*query.words[:-1], replace(last, is_open=True)))


def hinted(query: Query, hint: str) -> Query:
    return query if hint in query.hints else replace(query, hints=(*query.hints, hint))

"""What the search field finds: conversations, the latest first, a page at a time.

Words are looked up among the newest MOST_LOOKED_AT messages (and notes) that have them all;
filters that no index answers, among the newest MOST_LOOKED_AT conversations.  What lies
beyond is not silently left out: `Found` says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError

from ally.accounts.models import User
from ally.db import db
from ally.desk.queries import PAGE_LENGTH, REFUSED, RETURNED
from ally.desk.search import By, Has, Is, Query, Wanted
from ally.desk.search_sql import (
    AT_EASE,
    AUTHOR,
    COSTLY,
    EXCERPT,
    HIT,
    HITS,
    IN_MESSAGES,
    LACKS,
    NOTES,
    OWN_WORDS,
    PAGE,
    PREPARE,
    STATES,
    SUBJECT,
    THINGS,
)
from ally.errors import AllyError
from ally.language import _
from ally.paging import THE_END, Place, page_of, place_of, written_place

MOST_LOOKED_AT = 5_000
PATIENCE = 3_000  # milliseconds that a search may take
NOBODY = ("nobody", "none", "no one")

WITH_SPAM = {Is.SPAM, Is.QUARANTINED, Is.UNDELIVERED, By.REFERENCE}


class TooSlow(AllyError):
    """The search was given up."""

    status = 503


@dataclass(frozen=True)
class Found:
    """A page of conversations; `next` leads to the one after it.

    `is_bounded` when only the newest MOST_LOOKED_AT were looked at; `further` then leads to
    where to look on, if that can be done.
    """

    rows: Sequence[Row[Any]]
    next: str | None
    is_bounded: bool = False
    further: str | None = None


def find(query: Query, by: User, before: str = "", *, most: int = PAGE_LENGTH) -> Found:
    """The conversations that the query asks for, as `by` sees them, the latest first.

    Raises TooSlow after PATIENCE; the transaction can go on then.
    """
    asked, place = Asking(query, by), place_of(before) or THE_END
    rows = asked.rows(place, most) if is_quick(query) else in_time(asked, place, most)
    return found_in(rows, most, asked)


def is_quick(query: Query) -> bool:
    """Whether an index answers it all, as it does each of the list's own tabs.

    Two filters may contradict each other, and are looked for among all there are.
    """
    if query.words or len(query.wanted) != 1:
        return False
    (one,) = query.wanted
    return isinstance(one.kind, Is) and not one.is_excluded


def in_time(asked: "Asking", place: Place, most: int) -> Sequence[Row[Any]]:
    try:
        with db.session.begin_nested():
            asked.prepare()
            rows = asked.rows(place, most) if asked.can_be_found else []
            db.session.execute(AT_EASE)
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            raise TooSlow(_("This search takes too long.")) from None
        raise
    return rows


def customers(query: Query, by: User, *, most: int) -> list[Row[Any]]:
    """Who has written lately under such a name or address: name, email.  Raises TooSlow."""
    said = " ".join(words.text for words in query.found_by_words)
    if not said:
        return []
    named = Query(wanted=(Wanted(By.FROM, said),))
    known = {row.customer_email: row for row in reversed(find(named, by).rows)}
    return [row for email, row in reversed(known.items()) if email][:most]


def found_in(rows: Sequence[Row[Any]], most: int, asked: "Asking") -> Found:
    if not rows:
        return Found([], None)
    page = page_of([row for row in rows if row.id], most, "last_message_at")
    is_bounded = rows[0].looked_at >= MOST_LOOKED_AT
    further = None
    if is_bounded and not asked.goes_by_words and page.next is None:
        further = written_place(rows[0].end_at, rows[0].end_id)
    return Found(page.rows, page.next, is_bounded, further)


class Asking:
    """A query on its way into SQL: its conditions, and the values that they name."""

    def __init__(self, query: Query, by: User):
        self.query = query
        self.values: dict[str, Any] = {
            "account_id": by.account_id,
            "user_id": by.id,
            "most": MOST_LOOKED_AT,
            "words": "",
        }
        self.in_words: dict[str, str] = {}

    def prepare(self) -> None:
        """Have Postgres read the words, once, and give the search its time."""
        said = list(dict.fromkeys(self.said()))
        read = db.session.execute(PREPARE, {"patience": str(PATIENCE), "said": said}).one()[2]
        self.in_words = dict(zip(said, read or [], strict=True))
        self.values["words"] = " & ".join(f"({one})" for one in self.must_have())
        self.values["needles"] = list(needles_of(self.query))

    def said(self) -> Iterator[str]:
        yield from (words.text for words in self.query.words)
        yield from (one.value for one in self.query.wanted if one.kind in IN_MESSAGES)

    def must_have(self) -> Iterator[str]:
        for words in self.query.found_by_words:
            yield self.beginning(words.text) if words.is_open else self.in_words[words.text]
        for one in self.by_index():
            yield self.filter_words(one)

    def by_index(self) -> list[Wanted]:
        return [one for one in self.query.wanted if one.kind in IN_MESSAGES and not one.is_excluded]

    def filter_words(self, one: Wanted) -> str:
        return self.beginning(one.value) if one.kind is By.FROM else self.in_words[one.value]

    def beginning(self, said: str) -> str:
        """The words of which the last may go on."""
        read = self.in_words[said]
        return f"{read}:*" if read else ""

    @property
    def goes_by_words(self) -> bool:
        return bool(self.values["words"])

    @property
    def can_be_found(self) -> bool:
        """Whether there is something to look for: words that are none find nothing."""
        only_signs = bool(self.query.hints) and self.query.is_empty
        return not only_signs and "()" not in self.values["words"]

    def rows(self, before: Place, most: int) -> Sequence[Row[Any]]:
        written = self.statement()
        place = {"before_at": before[0], "before_id": before[1], "limit": most + 1}
        return db.session.execute(text(written), {**self.values, **place}).all()

    def statement(self) -> str:
        filters, costly = self.conditions()
        words = self.goes_by_words
        bound = "ORDER BY c.last_message_at DESC, c.id DESC LIMIT :most"
        looked_at = "(SELECT count(*) FROM looked)" if costly else "0"
        notes = NOTES if words and not self.by_index() else ""
        return PAGE.format(
            found=HITS.format(authors=self.authors(), notes=notes) if words else "",
            source="hit h JOIN conversation c ON c.id = h.conversation_id"
            if words
            else "conversation c",
            hit_columns=", h.message_id, h.note_id" if words else "",
            hit_columns_again=", l.message_id, l.note_id" if words else "",
            filters=joined(filters),
            costly=joined(costly),
            bound="" if words else bound if costly else bound.replace(":most", ":limit"),
            looked_at="(SELECT count(*) FROM found)" if words else looked_at,
            hit=HIT if words else "NULL",
            hit_id="p.message_id" if words else "NULL",
            noted="p.note_id IS NOT NULL" if words else "false",
            is_cut="coalesce(x.place, 1) > 41" if words else "false",
            hit_join=EXCERPT if words else "",
            refused=REFUSED,
            returned=RETURNED,
        )

    def authors(self) -> str:
        """What the words of `from:` and `subject:` must be: the index knows no fields."""
        checks = [
            (AUTHOR if one.kind is By.FROM else SUBJECT).format(
                v=self.value(self.filter_words(one))
            )
            for one in self.by_index()
        ]
        return f"JOIN message m ON m.id = f.message_id {joined(checks)}" if checks else ""

    def conditions(self) -> tuple[list[str], list[str]]:
        """What conversations must be; those apart that no index answers."""
        costly: list[str] = []
        quick = list(self.bounds())
        for one in self.query.wanted:
            if one in self.by_index():
                continue
            (costly if one.kind in COSTLY else quick).append(self.condition(one))
        for words in self.query.words:
            if words.is_excluded:
                costly.append(LACKS.format(v=self.value(self.in_words[words.text])))
        return quick, costly

    def bounds(self) -> Iterator[str]:
        if not any(one.kind in WITH_SPAM for one in self.query.wanted):
            yield "NOT c.is_spam"
        if self.query.since:
            yield f"c.last_message_at >= {self.value(self.query.since)}"
        if self.query.until:
            yield f"c.last_message_at < {self.value(self.query.until)}"

    def condition(self, one: Wanted) -> str:
        written = self.asserted(one)
        return f"({written}) IS NOT TRUE" if one.is_excluded else f"({written})"

    def asserted(self, one: Wanted) -> str:
        if isinstance(one.kind, Is):
            return STATES[one.kind].format(refused=REFUSED, returned=RETURNED)
        if isinstance(one.kind, Has):
            return THINGS[one.kind]
        if one.kind is By.ASSIGNED and one.value.lower() == "me":
            return "c.assignee_id = :user_id"
        if one.kind is By.ASSIGNED and one.value.lower() in NOBODY:
            return "c.assignee_id IS NULL"
        if one.kind in IN_MESSAGES:
            value = self.value(self.filter_words(one))
            return OWN_WORDS[one.kind].format(
                author=AUTHOR.format(v=value), subject=SUBJECT.format(v=value)
            )
        return OWN_WORDS[one.kind].format(v=self.value(one.value))

    def value(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        kind = "timestamptz" if isinstance(value, datetime) else "text"
        return f"CAST(:{name} AS {kind})"


def joined(conditions: list[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)


def needles_of(query: Query) -> Iterator[str]:
    """What an excerpt begins near: the words as they are written."""
    yield from (words.text.lower() for words in query.found_by_words)

"""What the search field finds: conversations, the latest first, a page at a time.

Words are looked up among the newest MOST_LOOKED_AT messages (and notes) that have them all;
filters that no index answers, among the newest MOST_LOOKED_AT conversations.  What lies
beyond is not silently left out: `Found` says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError

from ally.accounts.models import User
from ally.db import db
from ally.desk.queries import PAGE_LENGTH, REFUSED, RETURNED, THE_END, page_of, place_of
from ally.desk.search import By, Has, Is, Query, Wanted
from ally.errors import AllyError
from ally.language import _

MOST_LOOKED_AT = 5_000
PATIENCE = 3_000  # milliseconds that a search may take
NOBODY = ("nobody", "none", "no one")

PREPARE = text("""
    SELECT set_config('statement_timeout', :patience, true),
           set_config('plan_cache_mode', 'force_custom_plan', true),
           (SELECT array_agg(phraseto_tsquery('simple', search_words(said))::text ORDER BY n)
              FROM unnest(CAST(:said AS text[])) WITH ORDINALITY u (said, n))
""")
AT_EASE = text("SET LOCAL statement_timeout TO DEFAULT")

PAGE = """
WITH {found}
     looked AS MATERIALIZED (
       SELECT c.id, c.last_message_at{hit_columns} FROM {source}
        WHERE c.account_id = :account_id AND c.merged_into_id IS NULL {filters}
          AND (c.last_message_at, c.id) < (:before_at, :before_id)
        {bound}),
     page AS (
       SELECT c.id{hit_columns_again} FROM looked l JOIN conversation c ON c.id = l.id
        WHERE c.account_id = :account_id {costly}
        ORDER BY c.last_message_at DESC, c.id DESC LIMIT :limit)
SELECT n.looked_at, n.end_at, n.end_id, c.id, c.subject, c.customer_name, c.customer_email,
       c.status, c.is_quarantined, c.is_spam, c.last_message_at, c.snoozed_until,
       ch.type AS channel, m.direction, m.category, m.snippet, {hit} AS hit, {hit_id} AS hit_id,
       {noted} AS noted, {is_cut} AS is_cut, u.display_name AS assignee,
       (SELECT array_agg(t.name ORDER BY t.name) FROM conversation_tag ct
          JOIN tag t ON t.id = ct.tag_id
         WHERE ct.conversation_id = c.id AND ct.account_id = :account_id) AS tags,
       EXISTS (SELECT 1 FROM draft d WHERE d.conversation_id = c.id
                AND d.status = 'pending') AS waits,
       EXISTS (SELECT 1 FROM delivery s WHERE s.conversation_id = c.id
                AND ({refused} OR {returned})) AS is_undelivered
  FROM (SELECT {looked_at} AS looked_at,
               (SELECT last_message_at FROM looked ORDER BY last_message_at, id LIMIT 1) AS end_at,
               (SELECT id FROM looked ORDER BY last_message_at, id LIMIT 1) AS end_id) n
  LEFT JOIN (page p
       JOIN conversation c ON c.id = p.id
       JOIN channel ch ON ch.id = c.channel_id
       LEFT JOIN "user" u ON u.id = c.assignee_id
       LEFT JOIN LATERAL (
            SELECT direction, category,
                   left(body_text, least(200, (metadata->>'quoted_from')::int)) AS snippet
              FROM message WHERE conversation_id = c.id
             ORDER BY sent_at DESC LIMIT 1) m ON true
       {hit_join}) ON true
 ORDER BY c.last_message_at DESC, c.id DESC
"""
HITS = """
     found AS MATERIALIZED (
       SELECT * FROM (SELECT f.message_id, NULL::uuid AS note_id, f.conversation_id
                        FROM find_messages(CAST(:words AS tsquery), :most) f {authors}) f
       {notes}),
     hit AS (
       SELECT DISTINCT ON (conversation_id) * FROM found
        ORDER BY conversation_id, coalesce(message_id, note_id) DESC),"""
NOTES = """UNION ALL
       SELECT NULL, f.note_id, f.conversation_id
         FROM find_notes(CAST(:words AS tsquery), :most) f"""
# What surrounds the first of the words in the text, else the beginning of it.
EXCERPT = """
       LEFT JOIN message hm ON hm.id = p.message_id
       LEFT JOIN note hn ON hn.id = p.note_id
       LEFT JOIN LATERAL (
            SELECT left(coalesce(hm.body_text, hn.body), 60000) AS body) b ON true
       LEFT JOIN LATERAL (
            SELECT min(nullif(strpos(lower(b.body), needle), 0)) AS place
              FROM unnest(CAST(:needles AS text[])) needle) x ON true"""
HIT = "substr(b.body, greatest(1, coalesce(x.place, 1) - 40), 240)"

STATES = {
    Is.OPEN: "c.status = 'open' AND c.snoozed_until IS NULL",
    Is.MINE: "c.status = 'open' AND c.assignee_id = :user_id",
    Is.UNASSIGNED: """c.status = 'open' AND c.snoozed_until IS NULL AND NOT c.is_spam
                      AND c.assignee_id IS NULL""",
    Is.SNOOZED: "c.snoozed_until IS NOT NULL",
    Is.CLOSED: "c.status = 'closed' AND NOT c.is_spam",
    Is.QUARANTINED: "c.is_quarantined",
    Is.SPAM: "c.is_spam",
    Is.WAITING: """c.id IN (SELECT d.conversation_id FROM draft d
                     WHERE d.account_id = :account_id AND d.status = 'pending')""",
    Is.UNDELIVERED: """c.id IN (SELECT s.conversation_id FROM delivery s WHERE {refused}
                      UNION ALL SELECT s.conversation_id FROM delivery s WHERE {returned})""",
}
THINGS = {
    Has.NOTE: "c.id IN (SELECT n.conversation_id FROM note n WHERE n.account_id = :account_id)",
    Has.ATTACHMENT: """EXISTS (SELECT 1 FROM message m JOIN attachment a ON a.message_id = m.id
                      WHERE m.account_id = :account_id AND m.conversation_id = c.id)""",
}
OWN_WORDS = {
    By.CHANNEL: """c.channel_id IN (SELECT h.id FROM channel h WHERE h.account_id = :account_id
                    AND (lower({v}) IN (h.type, lower(h.key), lower(h.name), lower(h.from_address))
                         OR starts_with(lower(h.name), lower({v}))))""",
    By.TAG: """c.id IN (SELECT ct.conversation_id FROM conversation_tag ct
                 JOIN tag t ON t.id = ct.tag_id
                WHERE ct.account_id = :account_id AND lower(t.name) = lower({v}))""",
    By.ASSIGNED: """c.assignee_id IN (SELECT p.id FROM "user" p WHERE p.account_id = :account_id
                     AND (strpos(lower(p.display_name), lower({v})) > 0
                          OR lower(p.email) = lower({v})))""",
    By.REFERENCE: "c.reference = {v}",
    By.TO: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
               AND m.conversation_id = c.id AND strpos(lower(
                   concat(m.metadata->'to', ' ', m.metadata->'cc')), lower({v})) > 0)""",
    By.FROM: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
                 AND m.conversation_id = c.id AND {author})""",
    By.SUBJECT: """EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
                 AND m.conversation_id = c.id AND {subject})""",
}
AUTHOR = """m.direction = 'inbound' AND to_tsvector('simple', search_words(
            concat(m.author_name, ' ', m.author_email))) @@ CAST({v} AS tsquery)"""
SUBJECT = """to_tsvector('simple', search_words(coalesce(m.subject, '')))
             @@ CAST({v} AS tsquery)"""
LACKS = """NOT EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
            AND m.conversation_id = c.id AND m.search @@ CAST({v} AS tsquery))"""
COSTLY = {Has.ATTACHMENT, By.TO, By.FROM, By.SUBJECT}  # where no index helps
IN_MESSAGES = {By.FROM, By.SUBJECT}  # what the index of words answers, unless turned round

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
    asked, place = Asking(query, by), place_of(before, THE_END)
    rows = asked.rows(place, most) if asked.is_quick else in_time(asked, place, most)
    return found_in(rows, most, asked)


def in_time(asked: "Asking", place: tuple[datetime, UUID], most: int) -> Sequence[Row[Any]]:
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
        at = rows[0].end_at.astimezone(UTC).replace(tzinfo=None)
        further = f"{at.isoformat()}Z~{rows[0].end_id}"
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
    def is_quick(self) -> bool:
        """Whether an index answers it all, as it does each of the list's own tabs."""
        signs_alone = self.query.is_empty and bool(self.query.hints)
        kinds = (one.kind for one in self.query.wanted)
        return not self.query.words and not signs_alone and all(isinstance(k, Is) for k in kinds)

    @property
    def goes_by_words(self) -> bool:
        return bool(self.values["words"])

    @property
    def can_be_found(self) -> bool:
        """Whether there is something to look for: words that are none find nothing."""
        only_signs = bool(self.query.hints) and self.query.is_empty
        return not only_signs and "()" not in self.values["words"]

    def rows(self, before: tuple[datetime, UUID], most: int) -> Sequence[Row[Any]]:
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


def tags_of(account_id: UUID) -> list[str]:
    """The names of the account's tags, in order; 200 at most."""
    named = text("SELECT name FROM tag WHERE account_id = :account_id ORDER BY name LIMIT 200")
    return list(db.session.scalars(named, {"account_id": account_id}))

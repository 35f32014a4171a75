"""What is on its way out, and what did not get there: the lists of the Outgoing page."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from ally.channels.stuck import FAILED, UNKNOWN
from ally.db import db
from ally.desk.queries import COUNTED, PAGE_LENGTH, tag_of
from ally.paging import THE_BEGINNING, THE_END, Page, page_of, place_of

SENDINGS = """
    SELECT s.id, s.id AS delivery_id, s.status AS delivery_status, s.answer AS delivery_answer,
           s.accepted_at, s.attempts, s.not_before, s.reported, s.acknowledged_at, s.updated_at,
           s.recipients, s.conversation_id, a.send_at, a.draft_id, u.display_name AS approved_by,
           c.subject, c.customer_name, c.customer_email, ch.type AS channel,
           (SELECT r.detail FROM delivery_report r
             WHERE r.account_id = :account_id AND r.delivery_id = s.id
             ORDER BY r.at DESC, r.id DESC LIMIT 1) AS report
      FROM delivery s
      JOIN conversation c ON c.id = s.conversation_id
      JOIN channel ch ON ch.id = s.channel_id
      JOIN draft_action a ON a.id = s.action_id
      JOIN "user" u ON u.id = a.user_id
     WHERE s.account_id = :account_id AND {where} AND (s.{by}, s.id) {beyond} (:at, :id)
     ORDER BY s.{by} {order}, s.id {order} LIMIT :limit
"""
WAITS = "s.status = 'queued'"
GOES = "s.status = 'sending'"
SOONEST_FIRST = {"by": "not_before", "beyond": ">", "order": "ASC"}
NEWEST_FIRST = {"by": "updated_at", "beyond": "<", "order": "DESC"}
TABS = {
    "queued": (text(SENDINGS.format(where=WAITS, **SOONEST_FIRST)), "not_before", THE_BEGINNING),
    "sending": (text(SENDINGS.format(where=GOES, **SOONEST_FIRST)), "not_before", THE_BEGINNING),
    "unknown": (text(SENDINGS.format(where=UNKNOWN, **NEWEST_FIRST)), "updated_at", THE_END),
    "failed": (text(SENDINGS.format(where=FAILED, **NEWEST_FIRST)), "updated_at", THE_END),
}
COUNT = """(SELECT count(*) FROM (SELECT 1 FROM delivery s
    WHERE s.account_id = :account_id AND {where} LIMIT :counted) n) AS {name}"""
COUNTED_WHERE = {"queued": WAITS, "sending": GOES, "unknown": UNKNOWN, "failed": FAILED}
COUNTS = text(
    "SELECT "
    + ", ".join(COUNT.format(name=name, where=where) for name, where in COUNTED_WHERE.items())
)


@dataclass(frozen=True)
class Outgoing:
    """One tab of the page.  `tag` changes when anything on it does."""

    show: str
    page: Page
    counts: Row[Any]

    @property
    def tag(self) -> str:
        told = [(row.id, row.delivery_status, row.updated_at) for row in self.page.rows]
        return tag_of(*self.counts, told)


def outgoing(account_id: UUID, show: str = "", after: str = "") -> Outgoing:
    """The tab `show`, or else the one that most needs somebody."""
    counts = db.session.execute(COUNTS, {"account_id": account_id, "counted": COUNTED}).one()
    show = show if show in TABS else first_of(counts)
    statement, by, start = TABS[show]
    at, row_id = place_of(after) or start
    asked = {"account_id": account_id, "at": at, "id": row_id, "limit": PAGE_LENGTH + 1}
    rows = db.session.execute(statement, asked).all()
    return Outgoing(show, page_of(rows, PAGE_LENGTH, by), counts)


def first_of(counts: Row[Any]) -> str:
    """Failures first, for they are loud."""
    loud = [name for name in ("failed", "unknown") if getattr(counts, name)]
    return (loud or ["queued"])[0]

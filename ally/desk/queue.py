"""The order in which a person goes through the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from ally.accounts.models import User
from ally.db import db
from ally.desk import queries
from ally.paging import Page, Place, written_place
from ally.review.models import Draft

AT_THE_END = text("""
    SELECT (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE account_id = :account_id
             AND status IN ('queued', 'sending') LIMIT :counted) going) AS going_out,
           (SELECT count(*) FROM (SELECT 1 FROM draft_action WHERE user_id = :user_id
             AND created_at >= :today AND undone_at IS NULL LIMIT :counted) done) AS decided_today,
           (SELECT min(snoozed_until) FROM draft WHERE account_id = :account_id
             AND status = 'pending' AND snoozed_until IS NOT NULL) AS next_back
""")


@dataclass(frozen=True)
class Next:
    """The draft to open after another one, if any, and whether it is from the beginning again."""

    draft_id: UUID | None
    began_again: bool


def next_after(draft: Draft, by: User, tab: str, first: Page) -> Next:
    """Which draft of the tab comes after this one; one that nobody else holds, if there is one.

    `first` is the tab's first page.  After the last draft comes the first again, so that
    what was skipped is offered once more when all others have been seen.
    """
    later = rows_after(draft, by, tab, first)
    others = [row for row in first.rows if row.id != draft.id]
    wanted = [*free(later, by), *free(others, by), *later, *others]
    if not wanted:
        return Next(None, began_again=False)
    return Next(wanted[0].id, began_again=wanted[0] not in later)


def rows_after(draft: Draft, by: User, tab: str, first: Page) -> Sequence[Row[Any]]:
    place = place_in(draft, tab)
    later = [row for row in first.rows if place_in(row, tab) > place]
    if later or first.next is None:
        return later
    return queries.waiting(by.account_id, by.id, tab, written_place(*place)).rows


def free(rows: Sequence[Row[Any]], by: User) -> list[Row[Any]]:
    return [row for row in rows if row.holder_id in {None, by.id}]


def place_in(row: Any, tab: str) -> Place:
    """Where a draft, or a row of the queue, stands in the order of the tab."""
    at = getattr(row, queries.ORDERS.get(tab, "created_at"))
    return at or row.created_at, row.id


def before(draft: Draft, tab: str) -> str:
    """The place in an address from which a page of the queue begins with this draft."""
    at, draft_id = place_in(draft, tab)
    return written_place(at, UUID(int=max(draft_id.int - 1, 0)))


def at_the_end(user: User, today: datetime) -> Row[Any]:
    """What there is to say when nothing waits: how many replies go out, how many drafts the
    user has decided on since `today` began, and when the next snoozed draft comes back."""
    return db.session.execute(
        AT_THE_END,
        {
            "account_id": user.account_id,
            "user_id": user.id,
            "today": today,
            "counted": queries.COUNTED,
        },
    ).one()

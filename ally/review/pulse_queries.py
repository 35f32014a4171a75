"""What an open page wants to know again and again, for one account in a few statements."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ally import clock, marks
from ally.channels.stuck import STUCK
from ally.notifications.models import LOUD
from ally.review import presence

ROWS = 51  # of the queue's first page, and one more
COUNTED = 1000  # a count goes no further

# The newest event of a conversation stands for everything that can be seen of it.
STATE = """
    WITH waiting AS (
      SELECT d.id, d.created_at, coalesce(d.conversation_id, d.id) AS timeline_id FROM draft d
       WHERE d.account_id = :account_id AND d.status = 'pending' AND d.snoozed_until IS NULL
       ORDER BY d.created_at, d.id LIMIT :rows)
    SELECT (SELECT count(*) FROM (SELECT FROM draft
             WHERE account_id = :account_id AND status = 'pending' AND snoozed_until IS NULL
               AND kind = 'reply' LIMIT :counted) counted) AS waiting,
           (SELECT id FROM draft
             WHERE account_id = :account_id AND status = 'pending' AND snoozed_until IS NULL
             ORDER BY created_at DESC, id DESC LIMIT 1) AS newest,
           {stuck} AS stuck,
           (SELECT md5(string_agg(w.id::text || coalesce(e.id::text, ''), ' '
                                  ORDER BY w.created_at, w.id))
              FROM waiting w LEFT JOIN LATERAL (
                   SELECT id FROM event
                    WHERE account_id = :account_id AND timeline_id = w.timeline_id
                    ORDER BY at DESC, id DESC LIMIT 1) e ON true) AS rows
"""
DESK = text(STATE.format(stuck=STUCK))
CLAIMS = text("""
    SELECT draft_id, user_id, expires_at FROM claim
     WHERE account_id = :account_id AND expires_at > :now ORDER BY draft_id
""")
PLACES = text("""
    SELECT place, (SELECT e.id FROM event e
                    WHERE e.account_id = :account_id AND e.timeline_id = place
                    ORDER BY e.at DESC, e.id DESC LIMIT 1) AS newest
      FROM unnest(CAST(:places AS uuid[])) AS asked (place)
""")
UNREAD = text("""
    SELECT person,
           (SELECT count(*) FROM (SELECT FROM notification n
             WHERE n.account_id = :account_id AND n.user_id = person AND n.read_at IS NULL
             LIMIT 100) counted) AS unread,
           (SELECT n.id FROM notification n
             WHERE n.account_id = :account_id AND n.user_id = person
             ORDER BY n.created_at DESC, n.id DESC LIMIT 1) AS newest,
           (SELECT l.id FROM (SELECT n.id, n.type, n.created_at FROM notification n
                   WHERE n.account_id = :account_id AND n.user_id = person
                   ORDER BY n.created_at DESC, n.id DESC LIMIT 20) l
             WHERE l.type = ANY (:loud) ORDER BY l.created_at DESC, l.id DESC LIMIT 1) AS loud
      FROM unnest(CAST(:people AS uuid[])) AS asked (person)
""")


@dataclass(frozen=True)
class Desk:
    """What is the same for everybody of an account.

    `version` changes when the queue would, `seen` when somebody comes, goes, or writes;
    `stuck` are replies that did not go out; `here` is who is where, as JSON: timeline, user,
    name, initials, tint, whether they write.
    """

    version: str
    waiting: int
    stuck: int
    claims: Mapping[UUID, Row[Any]]
    here: str
    seen: str


@dataclass(frozen=True)
class Unread:
    """What one person has not read, counted up to 100, and the newest line of their feed; `loud`
    is the newest that is shown at once."""

    count: int
    newest: str
    loud: str


def desk_of(connection: Connection, account_id: UUID, now: datetime | None = None) -> Desk:
    """The account's desk now; the account must be the one that is named."""
    now = now or clock.now()
    asked = {"account_id": account_id, "now": now, "rows": ROWS, "counted": COUNTED}
    counted = connection.execute(DESK, asked).one()
    claims = connection.execute(CLAIMS, asked).all()
    held = [(claim.draft_id, claim.user_id) for claim in claims]
    here = json.dumps(
        [
            [str(at), str(who), name, marks.initials(name), marks.tint(name), types]
            for at, who, name, types in map(tuple, presence.present(connection, account_id, now))
        ],
        ensure_ascii=False,
    )
    return Desk(
        version=digest([*counted, held]),
        waiting=counted.waiting,
        stuck=counted.stuck,
        claims={claim.draft_id: claim for claim in claims},
        here=here,
        seen=digest(here),
    )


def newest_at(
    connection: Connection, account_id: UUID, places: Collection[UUID]
) -> dict[UUID, str]:
    """The newest event of each timeline; "" where nothing has happened."""
    asked = {"account_id": account_id, "places": list(places)}
    return {row.place: str(row.newest or "") for row in connection.execute(PLACES, asked)}


def unread_of(
    connection: Connection, account_id: UUID, people: Collection[UUID]
) -> dict[UUID, Unread]:
    asked = {"account_id": account_id, "people": list(people), "loud": sorted(LOUD)}
    return {
        row.person: Unread(row.unread, str(row.newest or ""), str(row.loud or ""))
        for row in connection.execute(UNREAD, asked)
    }


def digest(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

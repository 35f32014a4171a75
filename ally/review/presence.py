"""Who looks at a conversation now, and who writes there.  It is believed for half a minute."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, text

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.review.models import Presence

COUNTS_FOR = timedelta(seconds=30)  # after which somebody who is silent has gone
TYPING_COUNTS_FOR = timedelta(seconds=15)
MOST_SHOWN = 200  # of an account, the latest seen first

NOTE = text("""
    INSERT INTO presence (account_id, timeline_id, user_id, seen_at, typing_at)
    SELECT :account_id, place, person, :now, CASE WHEN types THEN CAST(:now AS timestamptz) END
      FROM unnest(CAST(:places AS uuid[]), CAST(:people AS uuid[]), CAST(:typing AS boolean[]))
           AS noted (place, person, types)
     ORDER BY place, person
    ON CONFLICT (timeline_id, user_id) DO UPDATE SET seen_at = excluded.seen_at,
           typing_at = coalesce(excluded.typing_at, presence.typing_at)
""")
LEAVE = text("""
    DELETE FROM presence p USING unnest(CAST(:places AS uuid[]), CAST(:people AS uuid[]))
           AS gone (place, person)
     WHERE p.account_id = :account_id AND p.timeline_id = place AND p.user_id = person
""")
PRESENT = text("""
    SELECT p.timeline_id, p.user_id, u.display_name,
           coalesce(p.typing_at > :typing_since, false) AS types
      FROM presence p JOIN "user" u ON u.id = p.user_id AND u.is_active
     WHERE p.account_id = :account_id AND p.seen_at > :since
     ORDER BY p.timeline_id, u.display_name, p.user_id LIMIT :most
""")

Place = tuple[UUID, UUID]  # a timeline, and who is there


def note(connection: Connection, account_id: UUID, places: Mapping[Place, bool]) -> None:
    """Note who is where; the value says whether they write."""
    noted = list(places.items())
    if noted:
        given = columns_of([place for place, _ in noted])
        more = {"account_id": account_id, "now": clock.now(), "typing": [t for _, t in noted]}
        connection.execute(NOTE, given | more)


def leave(connection: Connection, account_id: UUID, places: Sequence[Place]) -> None:
    """Forget who was where."""
    if places:
        connection.execute(LEAVE, {"account_id": account_id} | columns_of(places))


def present(connection: Connection, account_id: UUID, now: datetime) -> Sequence[Row[Any]]:
    """Everybody who is somewhere: timeline_id, user_id, display_name, and whether they write."""
    since = {"since": now - COUNTS_FOR, "typing_since": now - TYPING_COUNTS_FOR}
    asked = {"account_id": account_id, "most": MOST_SHOWN} | since
    return connection.execute(PRESENT, asked).all()


def let_go_of(user: User, by: User | None) -> None:
    """Forget where the user was."""
    db.session.execute(delete(Presence).where(Presence.user_id == user.id))


def forget_old() -> None:
    """Drop what counts no more, of the account that is named."""
    db.session.execute(delete(Presence).where(Presence.seen_at < clock.now() - 2 * COUNTS_FOR))


def columns_of(places: Sequence[Place]) -> dict[str, list[UUID]]:
    return {"places": [place for place, _ in places], "people": [person for _, person in places]}

"""Each person's feed: what they should hear about, the newest first."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import String, func, insert, literal, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB

from ally import clock
from ally.db import db
from ally.errors import NotFound
from ally.language import _
from ally.notifications.models import Notification, NotificationType

NEW_FOR = timedelta(minutes=2)  # for which a line is worth showing by itself
MOST_COUNTED = 100  # beyond it a badge says "99+", and the query need not count on


class Reader(Protocol):
    """A user, seen from below the floor that users live on."""

    account_id: Any
    id: Any


def notify(
    account_id: UUID, type_: NotificationType, *, to: Iterable[UUID] | None = None, **payload: Any
) -> None:
    """Put one line into the feed of every active user of the account, or of those in `to`,
    who has not turned this kind off.

    `payload` has what `words.SENTENCES` makes a line of, `url` (a path), and the ids of what it
    is about.
    """
    user = db.metadata.tables["user"]
    everyone = select(
        user.c.account_id, user.c.id, literal(type_.value, String), literal(payload, JSONB)
    ).where(
        user.c.account_id == account_id,
        user.c.is_active,
        ~user.c.muted.contains([type_.value]),
    )
    if to is not None:
        everyone = everyone.where(user.c.id.in_(list(to)))
    columns = ["account_id", "user_id", "type", "payload"]
    db.session.execute(insert(Notification).from_select(columns, everyone))


def unread_count(user: Reader) -> int:
    """How many lines the user has not read, counted up to 100."""
    unread = select(Notification.id).where(*unread_by(user)).limit(MOST_COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(unread)) or 0


def feed_of(user: Reader, after: UUID | None = None, limit: int = 50) -> Sequence[Notification]:
    """The user's lines, the newest first; the page that follows the line `after`."""
    lines = select(Notification).where(*lines_of(user))
    if after is not None:
        place = select(Notification.created_at, Notification.id).where(
            *lines_of(user), Notification.id == after
        )
        lines = lines.where(
            tuple_(Notification.created_at, Notification.id) < place.scalar_subquery()
        )
    newest_first = (Notification.created_at.desc(), Notification.id.desc())
    return db.session.scalars(lines.order_by(*newest_first).limit(limit)).all()


def lines_since(user: Reader, after: UUID | None, limit: int = 3) -> Sequence[Notification]:
    """The user's unread lines that are newer than the line `after`, if it is given, and no
    older than NEW_FOR: the newest of them, the oldest first."""
    newest = (
        select(Notification)
        .where(
            *unread_by(user),
            Notification.id > (after or UUID(int=0)),
            Notification.created_at > clock.now() - NEW_FOR,
        )
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(limit)
    )
    return db.session.scalars(newest).all()[::-1]


def mute(user: Any, kinds: Iterable[NotificationType]) -> None:
    """Put no more lines of these kinds into the user's feed."""
    user.muted = sorted(kind.value for kind in kinds)


def mark_read(user: Reader, notification_id: UUID | None = None) -> None:
    """Mark one of the user's lines as read, or all of them.

    Raises NotFound for a line that is not the user's.
    """
    unread = update(Notification).where(*unread_by(user)).values(read_at=clock.now())
    if notification_id is not None:
        refuse_unless_theirs(user, notification_id)
        unread = unread.where(Notification.id == notification_id)
    db.session.execute(unread)


def mark_read_at(user: Reader, place: str) -> None:
    """Mark what leads to this place as read, since the user is there now; `place` is a path."""
    leads_to: Any = literal_column("split_part(payload ->> 'url', '#', 1)")  # as its index has it
    db.session.execute(
        update(Notification)
        .where(*unread_by(user), leads_to == place)
        .values(read_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def refuse_unless_theirs(user: Reader, notification_id: UUID) -> None:
    line = select(Notification.id).where(*lines_of(user), Notification.id == notification_id)
    if db.session.scalar(line) is None:
        raise NotFound(_("There is no such notification."))


def lines_of(user: Reader) -> tuple[Any, ...]:
    return Notification.account_id == user.account_id, Notification.user_id == user.id


def unread_by(user: Reader) -> tuple[Any, ...]:
    return *lines_of(user), Notification.read_at.is_(None)

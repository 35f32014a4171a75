"""Rate limits: one counter per key and window, in an unlogged table.

A crash forgets the counts, which is cheaper than remembering them.
"""

from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ally import clock
from ally.db import Model, db
from ally.errors import TooMany


class RateCount(Model):
    """How often one key was seen since its window began.  It names no tenant."""

    __table_args__ = {"prefixes": ["UNLOGGED"]}

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    hits: Mapped[int] = mapped_column(server_default=text("1"))


def limit(key: str, *, hits: int, per: timedelta) -> None:
    """Count one hit on `key`.  Raises TooMany beyond `hits` within `per`.

    The count is saved with the caller's transaction; a caller that refuses for
    another reason commits first, or the hit is forgotten.
    """
    if count(key, per=per) > hits:
        raise TooMany("Too many requests. Wait a minute, then try again.")


def count(key: str, *, per: timedelta) -> int:
    now = clock.now()
    going_on = RateCount.window_start > now - per
    counted = (
        insert(RateCount)
        .values(key=key, window_start=now, hits=1)
        .on_conflict_do_update(
            index_elements=[RateCount.key],
            set_={
                "hits": case((going_on, RateCount.hits + 1), else_=1),
                "window_start": case((going_on, RateCount.window_start), else_=now),
            },
        )
        .returning(RateCount.hits)
    )
    return db.session.scalar(counted) or 0


def forget_old(older_than: timedelta) -> None:
    """Drop counters that no window needs any more."""
    db.session.execute(delete(RateCount).where(RateCount.window_start < clock.now() - older_than))

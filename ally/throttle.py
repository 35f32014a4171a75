"""Rate limits: one counter per key and window, in an unlogged table.

A crash forgets the counts, which is cheaper than remembering them.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import delete, func, text
from sqlalchemy.orm import Mapped, mapped_column

from ally import clock
from ally.db import Model, db
from ally.errors import TooMany
from ally.language import _


class RateCount(Model):
    """How often one key was seen since its window began.  It names no tenant."""

    __table_args__: ClassVar = {"prefixes": ["UNLOGGED"]}

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    hits: Mapped[int] = mapped_column(server_default=text("1"))


def limit(key: str, *, hits: int, per: timedelta) -> None:
    """Count one hit on `key`.  Raises TooMany beyond `hits` within `per`.

    The count is saved with the caller's transaction; a caller that refuses for
    another reason commits first, or the hit is forgotten.
    """
    if count(key, per=per) > hits:
        raise TooMany(_("Too many requests. Wait a minute, then try again."))


def count(key: str, *, per: timedelta) -> int:
    """Count one hit on `key`; how many there are within `per`, with this one."""
    now = clock.now()
    hits: int = (
        db.session.connection()
        .execute(COUNT, {"key": key, "now": now, "since": now - per, "until": now + per})
        .scalar_one()
    )
    return hits


# Written out once: webhooks wait for it, and building it anew takes longer than asking it.
# A window that begins long after now was begun before the clock was set back.
COUNT = text("""
    INSERT INTO rate_count AS r (key, window_start, hits) VALUES (:key, :now, 1)
    ON CONFLICT (key) DO UPDATE SET
      hits = CASE WHEN r.window_start > :since AND r.window_start < :until
                  THEN r.hits + 1 ELSE 1 END,
      window_start = CASE WHEN r.window_start > :since AND r.window_start < :until
                          THEN r.window_start ELSE :now END
    RETURNING hits
""")


def forget_old(older_than: timedelta) -> None:
    """Drop counters that no window needs any more."""
    db.session.execute(delete(RateCount).where(RateCount.window_start < clock.now() - older_than))

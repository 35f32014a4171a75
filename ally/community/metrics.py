"""How much a post is noticed, over time (contract 000-78 and 79)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.community.models import MetricSnapshot
from ally.community.people import ours
from ally.db import current_account_id, db


def save_metric_snapshot(
    post_id: UUID,
    *,
    captured_at: datetime | None = None,
    like_count: int | None = None,
    reply_count: int | None = None,
    repost_count: int | None = None,
    quote_count: int | None = None,
    view_count: int | None = None,
    meta: dict[str, Any] | None = None,
) -> MetricSnapshot:
    """A snapshot, which stays as it is; of two at the same time the first is kept."""
    at = captured_at or clock.now()
    db.session.execute(
        insert(MetricSnapshot)
        .values(
            account_id=current_account_id(),
            post_id=post_id,
            captured_at=at,
            like_count=like_count,
            reply_count=reply_count,
            repost_count=repost_count,
            quote_count=quote_count,
            view_count=view_count,
            meta=meta,
        )
        .on_conflict_do_nothing(index_elements=["account_id", "post_id", "captured_at"])
    )
    return db.session.scalars(
        select(MetricSnapshot).where(
            *ours(MetricSnapshot),
            MetricSnapshot.post_id == post_id,
            MetricSnapshot.captured_at == at,
        )
    ).one()


def metric_snapshots(
    post_id: UUID, start: datetime | None = None, end: datetime | None = None
) -> Sequence[MetricSnapshot]:
    """The post's snapshots from `start` to before `end`, the first first."""
    asked = select(MetricSnapshot).where(*ours(MetricSnapshot), MetricSnapshot.post_id == post_id)
    if start is not None:
        asked = asked.where(MetricSnapshot.captured_at >= start)
    if end is not None:
        asked = asked.where(MetricSnapshot.captured_at < end)
    return db.session.scalars(asked.order_by(MetricSnapshot.captured_at)).all()

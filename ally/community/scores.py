"""What posts are worth (contract 000-65 to 67)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally.community.models import Post, Score
from ally.community.people import ours
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.language import _

PLACES = Decimal("1e-12")  # what the column keeps


def save_score(
    post: Post,
    value: Decimal,
    *,
    scorer: str,
    scorer_version: str,
    kind: str = "contribution",
    details: dict[str, Any] | None = None,
) -> Score:
    """A new score of the post, in points; below zero is zero, so that nobody lowers others.

    Older ones stay.
    """
    score = Score(
        account_id=current_account_id(),
        kind=kind,
        value=max(value, Decimal(0)).quantize(PLACES),
        post_id=post.id,
        platform_user_id=post.author_id,
        scorer=scorer,
        scorer_version=scorer_version,
        details=details or {},
    )
    db.session.add(score)
    db.session.flush()
    return score


def update_score(score_id: UUID, value: Decimal, details: dict[str, Any] | None = None) -> Score:
    """The same scorer's new score of the same post; the old one stays.  Raises NotFound."""
    old = db.session.scalar(select(Score).where(*ours(Score), Score.id == score_id))
    if old is None:
        raise NotFound(_("There is no such score."))
    return save_score(
        db.session.get_one(Post, old.post_id),
        value,
        scorer=old.scorer,
        scorer_version=old.scorer_version,
        kind=old.kind,
        details=old.details if details is None else details,
    )


def scores_of_post(post_id: UUID) -> Sequence[Score]:
    """Every score that the post ever had, the newest first."""
    return db.session.scalars(
        select(Score)
        .where(*ours(Score), Score.post_id == post_id)
        .order_by(Score.created_at.desc(), Score.id.desc())
    ).all()

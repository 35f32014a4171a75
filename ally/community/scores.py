"""What posts are worth (contract 000-65 to 67)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.community.models import Post, Score, ScoreVerdict
from ally.community.people import ours
from ally.db import current_account_id, db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _

PLACES = Decimal("1e-12")  # what the column keeps
MOST_POINTS = 1_000_001


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


def override(
    post: Post, by: User, value: Decimal, reason: str, verdict: ScoreVerdict | None = None
) -> Score:
    """What the post is worth by a person's judgement, from now on, whoever scored it before; older
    scores stay.

    With a `verdict` it earns nothing, whatever its value.  Raises Invalid for a value below zero
    and without a reason, Conflict for a post that was never scored.
    """
    if not reason.strip():
        raise Invalid(_("Say why, for those who read this later."))
    if not value.is_finite() or not 0 <= value < MOST_POINTS:
        raise Invalid(_("Points are a number from 0 to 1,000,000."))
    before = standing(post)
    if before is None:
        raise Conflict(_("This post has no score yet."))
    newest = {(one.scorer, one.scorer_version): one for one in reversed(scores_of_post(post.id))}
    made = [
        Score(
            account_id=current_account_id(),
            kind=one.kind,
            value=value.quantize(PLACES),
            post_id=post.id,
            platform_user_id=post.author_id,
            scorer=one.scorer,
            scorer_version=one.scorer_version,
            details=one.details,
            verdict=verdict,
            user_id=by.id,
            reason=reason.strip(),
            created_at=clock.now(),
        )
        for one in newest.values()
    ]
    db.session.add_all(made)
    db.session.flush()
    trail.record(
        made[0],
        "score.dismissed" if verdict else "score.overridden",
        by=by,
        before=points(before),
        after=points(made[0]),
        verdict=verdict.value if verdict else None,
        reason=reason.strip(),
    )
    return made[0]


def standing(post: Post) -> Score | None:
    """The score of the post that counts: the newest by a person, else the newest."""
    return db.session.scalar(
        select(Score)
        .where(*ours(Score), Score.post_id == post.id)
        .order_by(Score.user_id.is_(None), Score.created_at.desc(), Score.id.desc())
        .limit(1)
    )


def points(score: Score) -> str:
    return format(score.value.normalize(), "f")

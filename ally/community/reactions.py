"""What others say to a post with one sign (contract 000-68 and 69).

One that was taken back is kept as such, so that the older news of its beginning, when it comes
late, does not bring it back.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.community.models import Reaction
from ally.community.people import given, ours
from ally.db import current_account_id, db


def add_reaction(
    post_id: UUID,
    platform_user_id: UUID,
    kind: str,
    weight: float | None = None,
    *,
    at: datetime | None = None,
) -> Reaction:
    """The reaction, once for each post, account and sign; a weight that is given counts now.

    `at` is when it was given, now if that is not told: newer news of it stays.
    """
    return tell(post_id, platform_user_id, kind, weight, at, is_there=True)


def remove_reaction(
    post_id: UUID, platform_user_id: UUID, kind: str, *, at: datetime | None = None
) -> bool:
    """Take the reaction back, at that time; whether there was one that is gone by it."""
    known = find_reaction(post_id, platform_user_id, kind)
    was_there = known is not None and known.is_there
    now = tell(post_id, platform_user_id, kind, None, at, is_there=False)
    return was_there and not now.is_there


def tell(
    post_id: UUID,
    platform_user_id: UUID,
    kind: str,
    weight: float | None,
    at: datetime | None,
    *,
    is_there: bool,
) -> Reaction:
    row = insert(Reaction).values(
        account_id=current_account_id(),
        post_id=post_id,
        platform_user_id=platform_user_id,
        kind=kind,
        weight=weight,
        is_there=is_there,
        told_at=at or clock.now(),
    )
    new = row.excluded
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["account_id", "post_id", "platform_user_id", "kind"],
            set_={
                "weight": given(new.weight, Reaction.weight),
                "is_there": new.is_there,
                "told_at": new.told_at,
                "updated_at": clock.now(),
            },
            where=Reaction.told_at <= new.told_at,
        )
    )
    known = find_reaction(post_id, platform_user_id, kind)
    assert known is not None, "an upsert that changed nothing has found one"
    return known


def find_reaction(post_id: UUID, platform_user_id: UUID, kind: str) -> Reaction | None:
    """As it is known now, also one that was taken back."""
    return db.session.scalar(
        select(Reaction)
        .where(
            *ours(Reaction),
            Reaction.post_id == post_id,
            Reaction.platform_user_id == platform_user_id,
            Reaction.kind == kind,
        )
        .execution_options(populate_existing=True)
    )

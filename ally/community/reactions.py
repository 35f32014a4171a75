"""What others say to a post with one sign (contract 000-68 and 69)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.community.models import Reaction
from ally.community.people import ours, upserted
from ally.db import current_account_id, db


def add_reaction(
    post_id: UUID,
    platform_user_id: UUID,
    kind: str,
    weight: float | None = None,
    *,
    told_at: datetime | None = None,
) -> Reaction:
    """The reaction, once for each post, account and sign; a weight that is given counts now."""
    row = insert(Reaction).values(
        account_id=current_account_id(),
        post_id=post_id,
        platform_user_id=platform_user_id,
        kind=kind,
        weight=weight,
        told_at=told_at or clock.now(),
    )
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "post_id", "platform_user_id", "kind"],
            set_={
                "weight": Reaction.weight if weight is None else weight,
                "told_at": func.greatest(Reaction.told_at, row.excluded.told_at),
            },
        ).returning(Reaction)
    )


def remove_reaction(post_id: UUID, platform_user_id: UUID, kind: str) -> bool:
    """Take the reaction back; whether there was one."""
    removed = db.session.scalar(
        delete(Reaction)
        .where(
            *ours(Reaction),
            Reaction.post_id == post_id,
            Reaction.platform_user_id == platform_user_id,
            Reaction.kind == kind,
        )
        .returning(Reaction.id)
    )
    return removed is not None


def take_reactions_back(post_id: UUID, at: datetime, **whose: Any) -> None:
    """Take back what was told of the post until then: all, or that of a `platform_user_id` or
    `kind`."""
    told = [getattr(Reaction, name) == value for name, value in whose.items() if value is not None]
    db.session.execute(
        delete(Reaction).where(
            *ours(Reaction), Reaction.post_id == post_id, Reaction.told_at <= at, *told
        )
    )

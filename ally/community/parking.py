"""What is known of a post before the post itself: kept until it comes, and done then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from ally.community.models import ParkedFact, ParkedKind
from ally.community.people import ours
from ally.db import current_account_id, db


def park(
    channel_id: UUID,
    external_id: str,
    kind: ParkedKind,
    key: str,
    at: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Keep it for the post of this id; of two with the same key the newer one, but of two
    deletions the first."""
    row = insert(ParkedFact).values(
        account_id=current_account_id(),
        channel_id=channel_id,
        external_id=external_id,
        kind=kind,
        key=key,
        at=at,
        payload=payload or {},
    )
    is_first = kind is ParkedKind.DELETION
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id", "kind", "key"],
            set_={"at": row.excluded.at, "payload": row.excluded.payload},
            where=ParkedFact.at > row.excluded.at if is_first else ParkedFact.at <= row.excluded.at,
        )
    )


def unpark(channel_id: UUID, external_id: str) -> Sequence[ParkedFact]:
    """What was kept for the post, which is taken out; in the order of its keys."""
    found = db.session.scalars(
        delete(ParkedFact).where(*of_post(channel_id, external_id)).returning(ParkedFact)
    ).all()
    return sorted(found, key=lambda fact: (fact.kind, fact.key))


def drop_reactions(channel_id: UUID, external_id: str, kind: str | None, at: datetime) -> None:
    """Forget the reactions up to then that were kept for the post; all, or those of one sign."""
    asked = delete(ParkedFact).where(
        *of_post(channel_id, external_id),
        ParkedFact.kind == ParkedKind.REACTION,
        ParkedFact.at <= at,
    )
    if kind is not None:
        asked = asked.where(ParkedFact.payload["kind"].astext == kind)
    db.session.execute(asked)


def of_post(channel_id: UUID, external_id: str) -> list[Any]:
    return [
        *ours(ParkedFact),
        ParkedFact.channel_id == channel_id,
        ParkedFact.external_id == external_id,
    ]

"""What is known of a post before the post itself: kept until it comes, and done then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from ally.community.models import ParkedFact, ParkedKind, RelationKind
from ally.community.people import inserted, ours
from ally.db import current_account_id, db


def park(
    channel_id: UUID,
    external_id: str,
    kind: ParkedKind,
    key: str,
    at: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Keep it for the post of this id; of two with the same key the newer one."""
    park_all([row_of(channel_id, external_id, kind, key, at, payload or {})])


def row_of(
    channel_id: UUID,
    external_id: str,
    kind: ParkedKind,
    key: str,
    at: datetime,
    payload: dict[str, Any],
) -> dict[str, Any]:
    return {
        "account_id": current_account_id(),
        "channel_id": channel_id,
        "external_id": external_id,
        "kind": kind,
        "key": key,
        "at": at,
        "payload": payload,
    }


def relation(
    channel_id: UUID, external_id: str, from_id: UUID, kind: RelationKind, at: datetime
) -> dict[str, Any]:
    """What is kept of a post, written at that time, that refers to one that is not known."""
    payload = {"from_id": str(from_id), "kind": kind}
    return row_of(channel_id, external_id, ParkedKind.RELATION, f"{kind}:{from_id}", at, payload)


def park_all(rows: list[dict[str, Any]]) -> None:
    """The same for many, of which no two have the same key."""
    if not rows:
        return
    row = inserted(ParkedFact, rows)
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id", "kind", "key"],
            set_={"at": row.excluded.at, "payload": row.excluded.payload},
            where=ParkedFact.at <= row.excluded.at,
        )
    )


def unpark(channel_id: UUID, external_id: str) -> Sequence[ParkedFact]:
    """What was kept for the post, which is taken out; in the order of its keys."""
    found = db.session.scalars(
        delete(ParkedFact)
        .where(*of_post(channel_id, external_id), ParkedFact.kind != ParkedKind.TAKEN_BACK)
        .returning(ParkedFact)
    ).all()
    return sorted(found, key=lambda fact: (fact.kind, fact.key))


def is_taken_back(channel_id: UUID, external_id: str, author: str, kind: str, at: datetime) -> bool:
    """Whether a reaction that was given at that time has been taken back, or cleared, since.

    What happened at one time happened in this order.
    """
    keys = [key_of(author, kind), key_of("", kind), key_of("", "")]
    found = select(ParkedFact.id).where(
        *of_post(channel_id, external_id),
        ParkedFact.kind == ParkedKind.TAKEN_BACK,
        ParkedFact.key.in_(keys),
        ParkedFact.at >= at,
    )
    return db.session.scalar(select(found.exists())) or False


def key_of(author: str, kind: str) -> str:
    """What the reaction of an author is told by; without one, or a kind, that of all."""
    return f"{author}:{kind}"


def of_post(channel_id: UUID, external_id: str) -> list[Any]:
    return [
        *ours(ParkedFact),
        ParkedFact.channel_id == channel_id,
        ParkedFact.external_id == external_id,
    ]

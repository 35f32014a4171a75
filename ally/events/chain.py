"""Whether an account's trail is whole: every link is computed again, from the first to the last."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, extract, select

from ally.db import db
from ally.events.models import Event, EventHead

BATCH = 5_000  # links that are read at once

# What is hashed, but for the time, and what came of it.  Columns and no rows of the session,
# which would hold on to each of them.
LINK: Sequence[Any] = (
    Event.seq,
    Event.id,
    Event.account_id,
    Event.timeline_id,
    Event.subject_type,
    Event.subject_id,
    Event.action,
    Event.actor_id,
    Event.actor_name,
    cast(Event.particulars, Text).label("particulars_text"),
    Event.salt,
    Event.content_digest,
    Event.hash,
)

Reached = Callable[[int], None]


@dataclass(frozen=True)
class Verdict:
    """How many links are whole, from the first on, and what is wrong with the one after them."""

    links: int
    head: str
    problem: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.problem is None


def nothing(reached: int) -> None:
    """For whoever need not know how far it got."""


def verify(
    account_id: UUID, after: int = 0, previous: bytes = b"", reached: Reached = nothing
) -> Verdict:
    """Compute the account's chain again and compare; the account must be the named one.

    It is read on after the number `after`, whose hash is `previous`; `reached` is called with
    the number of the last link of each batch.  The rules are those of the functions
    `event_content_digest` and `event_link` in the schema, written a second time, so that
    neither vouches for itself.
    """
    behind_at = -1
    while True:
        found = follow(account_id, after, previous)
        reached(found.links)
        after, previous = found.links, bytes.fromhex(found.head)
        if not found.is_whole:
            return found
        head = head_of(account_id)
        if (head.seq if head else 0, head.hash if head else b"") == (after, previous):
            return found
        # The desk goes on meanwhile: what the head knows of and was not there yet is there now.
        if behind_at == after:
            return Verdict(after, previous.hex(), f"Events after number {after} are missing.")
        behind_at = after


def follow(account_id: UUID, after: int, previous: bytes) -> Verdict:
    """Read a batch of the account's chain, after the number `after`, whose hash is `previous`."""
    if after and hash_of(account_id, after) != previous:
        return Verdict(after, previous.hex(), f"Event number {after} is not as it was checked.")
    count = after
    for row in links_of(account_id, after):
        problem = what_is_wrong(row, count + 1, previous)
        if problem:
            return Verdict(count, previous.hex(), problem)
        count, previous = count + 1, row.hash
    return Verdict(count, previous.hex())


def hash_of(account_id: UUID, number: int) -> bytes | None:
    return db.session.scalar(
        select(Event.hash).where(Event.account_id == account_id, Event.seq == number)
    )


def head_of(account_id: UUID) -> EventHead | None:
    """The newest link of the account's chain, as the trigger noted it."""
    return db.session.get(EventHead, account_id, populate_existing=True)


def length_of(account_id: UUID) -> int:
    """How many links the account's chain has."""
    head = head_of(account_id)
    return head.seq if head else 0


def links_of(account_id: UUID, after: int) -> Sequence[Any]:
    """The account's events after this number in the order of the chain, as rows of what is
    hashed: one batch of them."""
    return db.session.execute(
        select(
            *LINK, cast(extract("epoch", Event.at) * 1_000_000, BigInteger).label("microseconds")
        )
        .where(Event.account_id == account_id, Event.seq > after)
        .order_by(Event.seq)
        .limit(BATCH)
    ).all()


def what_is_wrong(row: Any, number: int, previous: bytes) -> str | None:
    if row.seq != number:
        return f"Event number {number} is missing."
    if content_digest(row) != row.content_digest:
        return f"What event number {number} says was changed."
    if link(row, previous) != row.hash:
        return f"Event number {number} does not follow from the one before it."
    return None


def content_digest(row: Any) -> bytes:
    said = f"{row.actor_name}\n{row.particulars_text}"
    return hashlib.sha256(row.salt + said.encode()).digest()


def link(row: Any, previous: bytes) -> bytes:
    linked = (
        row.account_id,
        row.seq,
        row.id,
        row.timeline_id,
        row.subject_type,
        row.subject_id,
        row.action,
        row.actor_id or "-",
        row.microseconds,
        row.content_digest.hex(),
    )
    return hashlib.sha256(previous + "\n".join(map(str, linked)).encode()).digest()

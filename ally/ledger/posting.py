"""Entries: every movement of units, once."""

from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation
from sqlalchemy import Uuid, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from ally.db import current_account_id, db
from ally.errors import Conflict, Invalid
from ally.language import _
from ally.ledger.models import (
    LedgerAccount,
    LedgerEntry,
    LedgerPosting,
    Movement,
    Units,
)
from ally.ledger.models import LedgerAccountName as Name

# Debit and credit of each movement: where the units come from, and where they go.
# Source: section 5 of the rules of rewards.
MOVES = MappingProxyType(
    {
        Movement.FUND: (Name.FUNDER, Name.UNALLOCATED),
        Movement.ALLOC: (Name.UNALLOCATED, Name.ALLOCATED),
        Movement.SEND: (Name.ALLOCATED, Name.IN_FLIGHT),
        Movement.SETTLE: (Name.IN_FLIGHT, Name.PAID),
        Movement.FAIL: (Name.IN_FLIGHT, Name.ALLOCATED),
        Movement.CANCEL: (Name.ALLOCATED, Name.UNALLOCATED),
        Movement.RECYCLE: (Name.ALLOCATED, Name.UNALLOCATED),
        Movement.EXPIRE: (Name.ALLOCATED, Name.EXPIRED),
        Movement.REFUND: (Name.UNALLOCATED, Name.REFUND),
        Movement.REVERSE: (Name.PAID, Name.IN_FLIGHT),
    }
)
REFUNDED_FROM = frozenset({Name.UNALLOCATED, Name.EXPIRED})


class Overdrawn(Conflict):
    """There is less in the account than was to be taken out of it."""


class OtherwisePosted(Conflict):
    """The key stands for another movement already."""


def post(
    book_id: UUID,
    movement: Movement,
    amount: int,
    *,
    key: str,
    about: UUID | None = None,
    source: Name | None = None,
    **particulars: Any,
) -> LedgerEntry:
    """The entry of this key: a new one, or the one that was made when this was asked before.

    `amount` is in base units, more than zero.  `source` is where a refund comes from.
    Raises Overdrawn and OtherwisePosted, which leave the transaction as it was.
    """
    if amount <= 0:
        raise Invalid(_("An entry moves at least one unit."))
    debit, credit = sides(movement, source)
    try:
        # A savepoint: what is refused leaves the caller's own changes as they were.
        with db.session.begin_nested():
            entry_id = new_entry(book_id, movement, key, about, particulars)
            if entry_id is not None:
                write_postings(book_id, entry_id, {debit: -amount, credit: amount})
    except IntegrityError as refused:
        if is_overdraft(refused):
            raise Overdrawn(_("There is not so much left in the pool.")) from None
        raise
    entry = entry_of(book_id, key)
    if entry_id is None:
        refuse_other(entry, movement, amount, debit)
    return entry


def sides(movement: Movement, source: Name | None) -> tuple[Name, Name]:
    debit, credit = MOVES[movement]
    if source is None:
        return debit, credit
    if movement is not Movement.REFUND or source not in REFUNDED_FROM:
        raise ValueError(f"{movement} does not come from {source}")
    return source, credit


def new_entry(
    book_id: UUID, movement: Movement, key: str, about: UUID | None, particulars: dict[str, Any]
) -> UUID | None:
    """The id of a new entry; None when the key is taken, also by somebody who is faster."""
    return db.session.scalar(
        insert(LedgerEntry)
        .values(
            account_id=current_account_id(),
            book_id=book_id,
            key=key,
            movement=movement,
            about=about,
            particulars=particulars,
        )
        .on_conflict_do_nothing(index_elements=["account_id", "book_id", "key"])
        .returning(LedgerEntry.id)
    )


def write_postings(book_id: UUID, entry_id: UUID, amounts: dict[Name, int]) -> None:
    # In the order of the names, so that two entries never wait for each other.
    for name in sorted(amounts):
        db.session.execute(
            insert(LedgerPosting).from_select(
                ["account_id", "entry_id", "ledger_account_id", "amount"],
                select(
                    LedgerAccount.account_id,
                    literal(entry_id, Uuid()),
                    LedgerAccount.id,
                    literal(amounts[name], Units()),
                ).where(LedgerAccount.book_id == book_id, LedgerAccount.name == name),
            )
        )


def is_overdraft(refused: IntegrityError) -> bool:
    told: Any = refused.orig
    return (
        isinstance(told, CheckViolation)
        and told.diag.constraint_name == "ck_ledger_account_the_vault_is_never_overdrawn"
    )


def entry_of(book_id: UUID, key: str) -> LedgerEntry:
    return db.session.scalars(
        select(LedgerEntry)
        .where(
            LedgerEntry.account_id == current_account_id(),
            LedgerEntry.book_id == book_id,
            LedgerEntry.key == key,
        )
        .options(selectinload(LedgerEntry.postings).joinedload(LedgerPosting.ledger_account))
    ).one()


def refuse_other(entry: LedgerEntry, movement: Movement, amount: int, debit: Name) -> None:
    moved = {posting.ledger_account.name: posting.amount for posting in entry.postings}
    if entry.movement is not movement or moved.get(debit) != -amount:
        raise OtherwisePosted(_("“%(key)s” stands for another movement.", key=entry.key))

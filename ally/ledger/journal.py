"""A book as a journal of hledger, which checks it without Ally: `hledger check`.

Source: https://hledger.org/1.25/hledger.html#journal-format
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ally.db import db
from ally.ledger.amounts import in_tokens
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.models import LedgerEntry, LedgerPosting

AT_ONCE = 1_000  # entries that are read together


def journal_of(book_id: UUID, symbol: str, decimals: int) -> Iterator[str]:
    """The lines of the journal, the oldest entry first, in tokens with all their digits.

    Each posting asserts the balance after it, so that no amount can be changed unnoticed.
    """
    commodity = quoted(symbol)
    # What an amount must look like: without it, digits that others lack would not count.
    yield f"commodity {commodity} {sample(decimals)}"
    yield from (f"account {name}" for name in Name)
    held = dict.fromkeys(Name, 0)
    for entry in entries_of(book_id):
        yield ""
        yield f"{entry.created_at:%Y-%m-%d} ({entry.key}) {entry.movement}"
        for name, amount in moved(entry).items():
            held[name] += amount
            posted, after = in_tokens(amount, decimals), in_tokens(held[name], decimals)
            yield f"    {name}  {commodity} {posted} = {commodity} {after}"


def entries_of(book_id: UUID) -> Iterator[LedgerEntry]:
    """Every entry of the book, in the order in which they were made."""
    after = UUID(int=0)
    while True:
        found = db.session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.book_id == book_id, LedgerEntry.id > after)
            .order_by(LedgerEntry.id)
            .limit(AT_ONCE)
            .options(
                selectinload(LedgerEntry.postings).options(joinedload(LedgerPosting.ledger_account))
            )
        ).all()
        yield from found
        if len(found) < AT_ONCE:
            return
        after = found[-1].id


def moved(entry: LedgerEntry) -> Mapping[Name, int]:
    return {each.ledger_account.name: each.amount for each in entry.postings}


def quoted(symbol: str) -> str:
    return '"{}"'.format("".join(c for c in symbol if c.isprintable() and c not in '";'))


def sample(decimals: int) -> str:
    return f"1.{'0' * decimals}" if decimals else "1."

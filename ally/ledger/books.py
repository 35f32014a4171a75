"""Books: opened once, read by anybody, changed by entries alone."""

from uuid import UUID

from sqlalchemy import select

from ally.db import db
from ally.errors import NotFound
from ally.language import _
from ally.ledger.models import LedgerAccount, LedgerAccountName, LedgerBook


def open_book(account_id: UUID, name: str) -> LedgerBook:
    """A new book with every account at zero."""
    book = LedgerBook(account_id=account_id, name=name)
    db.session.add(book)
    db.session.flush()  # its accounts name it
    db.session.add_all(
        LedgerAccount(account_id=account_id, book_id=book.id, name=name)
        for name in LedgerAccountName
    )
    db.session.flush()
    return book


def find_book(account_id: UUID, book_id: UUID) -> LedgerBook:
    """The account's book.  Raises NotFound."""
    book = db.session.scalar(
        select(LedgerBook).where(LedgerBook.account_id == account_id, LedgerBook.id == book_id)
    )
    if book is None:
        raise NotFound(_("There is no such book."))
    return book


def balances(book_id: UUID) -> dict[LedgerAccountName, int]:
    """What each account of the book holds, in base units; below zero for the funder alone."""
    rows = db.session.execute(
        select(LedgerAccount.name, LedgerAccount.balance).where(LedgerAccount.book_id == book_id)
    )
    return {row.name: row.balance for row in rows}

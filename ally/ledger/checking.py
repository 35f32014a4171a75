"""The books read again from their beginning: do the entries give the balances?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from ally.db import current_account_id, db
from ally.language import named
from ally.ledger.models import LedgerAccountName as Name
from ally.notifications import feed
from ally.notifications.models import NotificationType

REPLAY = text("""
    SELECT b.id AS book_id, b.name AS book, a.name, a.balance,
           coalesce(sum(p.amount), 0) AS replayed
      FROM ledger_book b
      JOIN ledger_account a ON a.account_id = b.account_id AND a.book_id = b.id
      LEFT JOIN ledger_posting p
        ON p.account_id = a.account_id AND p.ledger_account_id = a.id
     WHERE b.account_id = :account_id
     GROUP BY b.id, b.name, a.id, a.name, a.balance
     ORDER BY b.id, a.name
""")
UNBALANCED = text("""
    SELECT b.name AS book, e.key
      FROM ledger_entry e
      JOIN ledger_book b ON b.account_id = e.account_id AND b.id = e.book_id
      LEFT JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id
     WHERE e.account_id = :account_id
     GROUP BY b.name, e.id, e.key
    HAVING coalesce(sum(p.amount), 1) <> 0
     ORDER BY e.id
     LIMIT 100
""")


Check = Callable[[UUID], Iterator[str]]
_others: list[Check] = []


def compare_with(*others: Check) -> None:
    """Say, once at start-up, what else must hold for an account, told as lines of what does not."""
    # Set, and not added to: tests put several applications together in one process.
    _others[:] = others


@dataclass(frozen=True)
class Verdict:
    """How many books were read, and what is wrong with them, a line each."""

    books: int
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.problems


def verify(account_id: UUID) -> Verdict:
    """Replay every book of the account, which this transaction must be able to see, and compare
    it with what it is kept for."""
    rows = db.session.execute(REPLAY, {"account_id": account_id}).all()
    by_book: dict[UUID, dict[Name, int]] = {}
    problems = []
    for row in rows:
        by_book.setdefault(row.book_id, {})[Name(row.name)] = int(row.replayed)
        if row.balance != row.replayed:
            problems.append(
                f"{row.book}: {row.name} says {row.balance}, its entries {row.replayed}"
            )
    for row in db.session.execute(UNBALANCED, {"account_id": account_id}):
        problems.append(f"{row.book}: the entry {row.key} does not sum to zero")
    names = {row.book_id: row.book for row in rows}
    for book_id, held in by_book.items():
        problems += (f"{names[book_id]}: {problem}" for problem in broken(held))
    for check in _others:
        problems += check(account_id)
    return Verdict(len(by_book), tuple(problems))


def broken(held: dict[Name, int]) -> Iterator[str]:
    """Which rules of conservation the balances of one book break."""
    if sum(held.values()) != 0:
        yield f"the accounts sum to {sum(held.values())}, and not to zero"
    for name, amount in held.items():
        if name.startswith("vault:") and amount < 0:
            yield f"{name} is overdrawn by {-amount}"


def check() -> Verdict:
    """Verify the current account's books, and tell everybody when they do not fit."""
    account_id = current_account_id()
    assert account_id is not None
    found = verify(account_id)
    if not found.is_whole:
        feed.notify(
            account_id,
            NotificationType.LEDGER_BROKEN,
            reason=named("the ledger does not fit its entries"),
            url="/audit",
        )
    return found

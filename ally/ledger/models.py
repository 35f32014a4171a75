"""Books, their accounts, and the entries that move units between them."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    json_object,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)


class Units(TypeDecorator[int]):
    """Whole base units of a token: NUMERIC(78,0), as wide as a uint256, and a Python int."""

    impl = Numeric(78, 0)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Any) -> Decimal | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"units are whole numbers, not {type(value).__name__}")
        return Decimal(value)

    def process_result_value(self, value: Decimal | None, dialect: Any) -> int | None:
        return None if value is None else int(value)


units = Annotated[int, mapped_column(Units())]


class LedgerAccountName(StrEnum):
    """Where units can be.  Those of the vault are ours, and never below zero."""

    FUNDER = "external:funder"
    PAID = "external:paid"
    REFUND = "external:refund"
    UNALLOCATED = "vault:unallocated"
    ALLOCATED = "vault:allocated"
    IN_FLIGHT = "vault:in_flight"
    EXPIRED = "vault:expired"


class Movement(StrEnum):
    """What an entry records.  Source: the table of section 5 of the rules."""

    FUND = "fund"
    ALLOC = "alloc"
    SEND = "send"
    SETTLE = "settle"
    FAIL = "fail"
    CANCEL = "cancel"
    RECYCLE = "recycle"
    EXPIRE = "expire"
    REFUND = "refund"
    REVERSE = "reverse"


class LedgerBook(Model):
    """One campaign's money in one token: the entries of a book never mix with another's."""

    __table_args__ = (one_per_account("id"),)

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    name: Mapped[str]
    created_at: Mapped[datetime_now]

    @property
    def timeline_id(self) -> UUID:
        return self.id


class LedgerAccount(Model):
    """One account of a book.  A trigger keeps `balance`: the sum of its postings."""

    __table_args__ = (
        one_per_account("id"),
        one_per_account("book_id", "name"),
        belongs_to("ledger_book", "book_id"),
        one_of("name", LedgerAccountName),
        CheckConstraint(
            "balance >= 0 OR name NOT LIKE 'vault:%'", name="the_vault_is_never_overdrawn"
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    book_id: Mapped[UUID]
    name: Mapped[LedgerAccountName]
    balance: Mapped[units] = mapped_column(Units(), server_default="0")


class LedgerEntry(Model):
    """One movement, once: `key` is unique in its book.  Append-only.

    Its postings sum to zero, which is checked when the transaction commits.
    `about` names what it moves units for, such as a payout.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("book_id", "key"),
        belongs_to("ledger_book", "book_id"),
        one_of("movement", Movement),
        Index(None, "account_id", "book_id", "created_at", "id"),
        under_64_kb("particulars"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    book_id: Mapped[UUID]
    key: Mapped[str]
    movement: Mapped[Movement]
    about: Mapped[UUID | None]
    particulars: Mapped[json_object]
    created_at: Mapped[datetime_now]

    postings: Mapped[list["LedgerPosting"]] = relationship(
        viewonly=True, order_by="LedgerPosting.amount"
    )


class LedgerPosting(Model):
    """What one entry adds to one account, in base units; below zero for what it takes away.

    Append-only.
    """

    __table_args__ = (
        belongs_to("ledger_entry", "entry_id"),
        belongs_to("ledger_account", "ledger_account_id"),
        one_per_account("entry_id", "ledger_account_id"),
        CheckConstraint("amount <> 0", name="moves_something"),
        Index(None, "account_id", "ledger_account_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    entry_id: Mapped[UUID]
    ledger_account_id: Mapped[UUID]
    amount: Mapped[units]

    ledger_account: Mapped[LedgerAccount] = relationship(viewonly=True)
    entry: Mapped[LedgerEntry] = relationship(viewonly=True)

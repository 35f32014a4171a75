"""Another tenant, with a mark in every text that it has."""

from datetime import timedelta

from sqlalchemy import (
    Boolean,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from ally import clock
from ally.channels import secrets
from ally.db import as_account, db
from ally.ledger.models import Units

MARK = "canary-of-globex"
ADDRESS = "0x" + "c" * 40
HASH = "0x" + "c" * 64

# What a CHECK or a trigger asks for beyond the column's type.
EXCEPTIONS = {
    "attachment": {"draft_id": None},
    "campaign": {"token_address": ADDRESS, "vault_address": ADDRESS, "end_date": None},
    "campaign_epoch": {
        "epoch_end": clock.now() + timedelta(days=7),
        "claim_window_ends": clock.now() + timedelta(days=14),
        "published_at": None,
        "claimed": 0,
        "recycled": 0,
        "expired": 0,
        "cancelled": 0,
    },
    "campaign_pause": {"ended_at": None},
    "channel": {"is_active": True, "platform": "postmark"},
    "delivery": {"lease_expires_at": None, "accepted_at": None, "status": "queued"},
    "draft": {"kind": "reply", "status": "pending"},
    "draft_action": {"type": "approve", "reason": None, "undone_at": None, "undone_by_id": None},
    "event": {
        "seq": None,
        "salt": None,
        "content_digest": None,
        "hash": None,
        "action": "draft.claimed",
    },
    "funding": {"vault_address": ADDRESS, "tx_hash": HASH},
    "job_run": {"progress": 0},
    "merge_request": {"wallet": ADDRESS},
    "payout": {"wallet": ADDRESS, "tx_hash": HASH},
    "payout_attempt": {"raw": None, "tx_hash": HASH},
    "person": {"wallet": ADDRESS},
    "post": {"deleted_at": None},
    "used_log": {"tx_hash": HASH, "recipient": ADDRESS},
    "wallet_challenge": {"wallet": ADDRESS},
    "user": {"role": "agent", "is_active": True},
    "user_session": {"ended_at": None},
}
NOT_WRITTEN = {"account", "event_head", "rate_count"}  # by the owner, by a trigger, no tenant's


def fill(account):
    """One row in every tenant table of the account; the ids by table."""
    ids = {}
    with as_account(account.id):
        for table in db.metadata.sorted_tables:
            if table.name in NOT_WRITTEN:
                continue
            row = {c.name: value_of(c, table, account, ids) for c in table.columns if is_written(c)}
            row |= EXCEPTIONS.get(table.name, {})
            if table.name == "merge_request":
                row["other_id"] = another("person", account, wallet=None, wallet_verified_at=None)
            if table.name == "channel":
                row["secret_sealed"] = secrets.seal(MARK)
            key = next(iter(table.primary_key.columns))
            ids[table.name] = db.session.scalar(table.insert().values(row).returning(key))
            if table.name == "ledger_posting":
                balance(row, ids, account)
        db.session.commit()
    return ids


def another(table_name, account, **values):
    """One more row of the table; its id."""
    table = db.metadata.tables[table_name]
    row = {"account_id": account.id, **values}
    return db.session.scalar(table.insert().values(row).returning(table.c.id))


def balance(posting, ids, account):
    """The other half of the ledger's entry, which sums to zero."""
    other = another("ledger_account", account, book_id=ids["ledger_book"], name="external:paid")
    row = {**posting, "ledger_account_id": other, "amount": -posting["amount"]}
    db.session.execute(db.metadata.tables["ledger_posting"].insert().values(row))


def is_written(column):
    if column.table.name == "ledger_account" and column.name == "balance":
        return False  # a trigger's
    return column.computed is None and not (
        column.primary_key and column.server_default is not None
    )


def value_of(column, table, account, ids):
    if column.name == "account_id":
        return account.id
    for key in column.foreign_keys:
        if key.column.table is table:
            return None  # the only row there is has no other one to name
        if key.column.name == "id" and key.column.table.name != "account":
            return ids[key.column.table.name]
    return by_type(column, f"{MARK}-{table.name}-{column.name}")


def by_type(column, mark):
    kind = column.type
    if isinstance(kind, Enum):
        return kind.enums[0]
    if isinstance(kind, JSONB):
        return [mark] if column.name in {"top_sources", "recipients"} else {"mark": mark}
    if isinstance(kind, ARRAY):
        return [mark]
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, DateTime):
        return clock.now()
    if isinstance(kind, LargeBinary):
        return mark.encode()
    if isinstance(kind, Integer | Float | Numeric | Units):
        return 1
    if isinstance(kind, Uuid):
        return ids_never_used()
    assert isinstance(kind, Text | TSVECTOR), f"what goes into {column}?"
    return mark


def ids_never_used():
    return db.session.scalar(select(func.uuid7()))


def fingerprint(account):
    """A digest of every row that the account has, by table."""
    digests = {}
    with as_account(account.id):
        for table in db.metadata.sorted_tables:
            if "account_id" in table.columns:
                rows = "md5(string_agg(t::text, chr(10) ORDER BY t::text))"
                digests[table.name] = db.session.scalar(
                    text(f'SELECT {rows} FROM "{table.name}" t')
                )
        db.session.commit()
    return digests

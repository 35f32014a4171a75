"""The database as the fast path uses it: one connection, one statement, one commit.

Every sender waits for it, so it speaks to libpq itself: psycopg's cursors take longer over
these arrays than Postgres takes to store what is in them.
"""

import hashlib
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import psycopg
from cryptography.fernet import InvalidToken
from psycopg.pq import ExecStatus, Format
from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from ally import ids
from ally.channels import secrets

DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
MOST_CHANNELS = 1_000  # whose secrets are remembered
FIND = (
    "SELECT account_id, channel_id, secret_sealed FROM find_channel(%s)"
    " WHERE platform = 'mail' AND is_active"
)
# By their names, as they are prepared.  Row-level security holds: mails are stored for their
# own channel's account, and only while the channel is what it was.
STATEMENTS = {
    b"begin": b"BEGIN",
    b"commit": b"COMMIT",
    b"name": b"SELECT set_config('ally.account_id', $1::text, false)",
    b"store": b"""
        WITH new AS (
          INSERT INTO events_raw (id, account_id, channel_id, idempotency_key, platform, type,
                                  source, ts, payload, body)
          SELECT m.id, c.account_id, c.id, m.key, 'mail', 'message', 'webhook', clock_timestamp(),
                 jsonb_build_object(
                   'content_type', 'message/rfc822', 'size', octet_length(m.body)), m.body
            FROM unnest($4::uuid[], $5::text[], $6::bytea[]) m (id, key, body), channel c
           WHERE c.account_id = $1::uuid AND c.id = $2::uuid AND c.platform = 'mail'
             AND c.is_active AND c.secret_sealed = $3::bytea
          ON CONFLICT (account_id, idempotency_key) DO NOTHING RETURNING account_id, id)
        INSERT INTO intake_waiting (account_id, event_id) SELECT account_id, id FROM new
        RETURNING event_id""",
    b"find": b"""
        SELECT e.id FROM events_raw e
          JOIN channel c ON c.account_id = e.account_id AND c.id = e.channel_id
         WHERE c.account_id = $1::uuid AND c.id = $2::uuid AND c.is_active
           AND c.secret_sealed = $3::bytea AND e.idempotency_key = $4::text""",
}
BYTES, TEXT, UUIDS = 17, 25, 2950  # Postgres's numbers of these types


@dataclass(eq=False)
class Known:
    """A channel as it was when it was last looked up; the statement looks again."""

    account_id: UUID
    channel_id: UUID
    sealed: bytes
    secret: bytes

    def __post_init__(self) -> None:
        self.named = [self.account_id.bytes, self.channel_id.bytes, self.sealed]
        self.prefix = f"mail:{self.channel_id}:"


class Mail(NamedTuple):
    """A mail whose sender has shown the secret of the channel `known` by that key."""

    key: str
    known: Known
    body: bytes

    @property
    def kept_as(self) -> bytes:
        """Its idempotency key, the same as the application gives it."""
        return (self.known.prefix + hashlib.sha256(self.body).hexdigest()).encode()


class Kept(NamedTuple):
    event_id: bytes
    is_new: bool


class Store:
    """See the module.  All methods raise psycopg.Error or SQLAlchemyError."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.held: PoolProxiedConnection | None = None
        self.account_id: UUID | None = None  # the one that the connection has named
        self.lock = threading.Lock()
        self.channels: dict[str, Known] = {}

    def known(self, key: str) -> Known | None:
        """The channel of the key; it may have changed since, which `take` finds out."""
        known = self.channels.get(key)
        return known if known is not None else self.look_up(key)

    def look_up(self, key: str) -> Known | None:
        with self.lock:
            row = self.connection().execute(FIND, [key]).fetchone()
        if row is None:
            return None
        try:
            known = Known(row[0], row[1], row[2], secrets.unseal(row[2]).encode())
        except InvalidToken:
            return None
        if len(self.channels) >= MOST_CHANNELS:
            self.channels.clear()
        self.channels[key] = known
        return known

    def take(self, mails: Sequence[Mail]) -> list[Kept | None]:
        """Keep the mails where a worker finds them, in one commit.

        None for one whose channel is not what it was: it is looked up again.
        """
        made = [(ids.uuid7(), mail) for mail in mails]
        with self.lock:
            new = self.store_all(made)
            return [
                Kept(event_id, is_new=True) if event_id in new else self.find(mail)
                for event_id, mail in made
            ]

    def store_all(self, mails: Sequence[tuple[bytes, Mail]]) -> set[bytes]:
        """The ids of those that were not there yet."""
        by_channel: dict[Known, list[tuple[bytes, Mail]]] = {}
        for event_id, mail in mails:
            by_channel.setdefault(mail.known, []).append((event_id, mail))
        if len(by_channel) == 1:
            return self.store(*by_channel.popitem())
        self.run(b"begin")
        new = set().union(*(self.store(known, theirs) for known, theirs in by_channel.items()))
        self.run(b"commit")
        return new

    def store(self, known: Known, mails: Sequence[tuple[bytes, Mail]]) -> set[bytes]:
        self.name(known.account_id)
        return self.run(
            b"store",
            *known.named,
            array(UUIDS, [event_id for event_id, _ in mails]),
            array(TEXT, [mail.kept_as for _, mail in mails]),
            array(BYTES, [mail.body for _, mail in mails]),
        )

    def find(self, mail: Mail) -> Kept | None:
        """The event of a mail that was there already."""
        self.name(mail.known.account_id)
        for event_id in self.run(b"find", *mail.known.named, mail.kept_as):
            return Kept(event_id, is_new=False)
        self.channels.pop(mail.key, None)
        return None

    def name(self, account_id: UUID) -> None:
        """Name the account for what follows; this connection never goes back to the pool."""
        if account_id != self.account_id:
            self.run(b"name", str(account_id).encode())
            self.account_id = account_id

    def run(self, name: bytes, *values: bytes) -> set[bytes]:
        """The first column of the answer; after a failure the next has a new connection."""
        formats = [Format.BINARY] * len(values)
        try:
            done = self.connection().pgconn.exec_prepared(name, values, formats, Format.BINARY)
        except psycopg.Error:
            self.let_go()
            raise
        if done.status not in DONE:
            self.let_go()
            raise psycopg.OperationalError("the mails were not stored")
        return {done.get_value(row, 0) for row in range(done.ntuples)}  # type: ignore[misc]

    def connection(self) -> psycopg.Connection:
        """One of the pool's, kept: taking it out anew costs as much as asking."""
        if self.held is None or self.own(self.held).closed:
            self.let_go()
            self.held = self.prepared(self.engine.raw_connection())
        return self.own(self.held)

    def prepared(self, held: PoolProxiedConnection) -> PoolProxiedConnection:
        connection = self.own(held)
        connection.autocommit = True
        for name, statement in STATEMENTS.items():
            done = connection.pgconn.prepare(name, statement)
            if done.status != ExecStatus.COMMAND_OK:
                held.invalidate()
                raise psycopg.OperationalError("the statement was not prepared")
        return held

    def own(self, held: PoolProxiedConnection) -> psycopg.Connection:
        connection = held.driver_connection
        assert isinstance(connection, psycopg.Connection)
        return connection

    def let_go(self) -> None:
        self.account_id = None
        if self.held is not None:
            self.held.invalidate()
            self.held = None


def array(type_: int, values: Sequence[bytes]) -> bytes:
    """An array of one dimension as Postgres takes it.

    Source: array_recv in src/backend/utils/adt/arrayfuncs.c of Postgres
    """
    head = struct.pack("!5i", 1, 0, type_, len(values), 1)
    return head + b"".join([struct.pack("!i", len(value)) + value for value in values])

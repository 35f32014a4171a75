"""The fast path of ordinary mails: one statement, one commit, shared by whoever waits.

It stands before the application and answers only what it can say yes to: a small
raw mail with the secret of its channel.  Everything else goes on to the
application, which does the same at more length, and knows every refusal.
"""

import hashlib
import hmac
import io
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import psycopg
from cryptography.fernet import InvalidToken
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from ally.channels import secrets
from ally.channels.group_commit import GroupCommit
from ally.channels.webhooks import CHANNEL_KEY

log = logging.getLogger(__name__)

PATH = "/webhooks/mail/"
MOST_BYTES = 256 * 1024  # of a mail; a larger one takes long enough by itself
SIZE = re.compile(r"[0-9]{1,9}", re.ASCII)
MOST_AT_ONCE = 32  # mails in one commit
MOST_CHANNELS = 1_000  # whose secrets are remembered
MINUTE = 60.0  # seconds
FROM_A_BROWSER = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_COOKIE")
UNUSUAL = (*FROM_A_BROWSER, "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING")
FIND = "SELECT secret_sealed FROM find_channel(%s) WHERE platform = 'mail' AND is_active"
TAKE = "SELECT event_id, is_new FROM take_mails(%b, %b, %b, %b)"

Noted = Callable[[float], None]


@dataclass(frozen=True)
class Mail:
    """A mail whose sender has shown the secret that is sealed in `sealed`."""

    key: str
    sealed: bytes
    body: bytes


@dataclass(frozen=True)
class Known:
    """A channel's secret as it was when it was last looked up; the statement looks again."""

    sealed: bytes
    secret: bytes


class FastPath:
    """See the module.  `noted` is told how many seconds each answer of its own took."""

    def __init__(
        self,
        application: WSGIApplication,
        engine: Engine,
        *,
        headers: Iterable[tuple[str, str]],
        mails_a_minute: int,
        noted: Noted,
    ):
        self.application, self.noted = application, noted
        self.headers = [*headers, ("Content-Type", "application/json")]
        self.store = Store(engine)
        self.commits = GroupCommit(self.store.take, MOST_AT_ONCE)
        self.gate = Counts(mails_a_minute)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(PATH) or not is_ordinary(environ):
            return self.application(environ, start_response)
        began = time.perf_counter()
        size = int(environ["CONTENT_LENGTH"])
        body = environ["wsgi.input"].read(size)
        if len(body) == size and (taken := self.take(environ, body)) is not None:
            self.noted(time.perf_counter() - began)
            return self.answer(taken, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        return self.application(environ, start_response)

    def take(self, environ: WSGIEnvironment, body: bytes) -> tuple[Any, bool] | None:
        """The event's id and whether it is new; None when the application should see to it."""
        key = environ["PATH_INFO"][len(PATH) :]
        secret = environ["HTTP_AUTHORIZATION"].partition(" ")[2].strip()
        try:
            known = self.store.secret_of(key)
            if known is None or not hmac.compare_digest(secret.encode("latin-1"), known.secret):
                return None
            if not body.strip() or not self.gate.admits(key):
                return None
            return self.commits.save(Mail(key, known.sealed, body))
        except (psycopg.Error, SQLAlchemyError) as error:
            # The same bytes are kept once, so the application may well try again.
            log.warning("the fast path failed: %s", type(error).__name__)
            return None

    def answer(self, taken: tuple[Any, bool], start_response: StartResponse) -> list[bytes]:
        event_id, is_new = taken
        status = "accepted" if is_new else "duplicate"
        said = json.dumps({"status": status, "event_id": str(event_id)}).encode() + b"\n"
        start_response("202 ACCEPTED", [*self.headers, ("Content-Length", str(len(said)))])
        return [said]


def is_ordinary(environ: WSGIEnvironment) -> bool:
    """Whether it is a small raw mail with a secret, sent by a program, and nothing else."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() == "message/rfc822"
        and SIZE.fullmatch(environ.get("CONTENT_LENGTH", "")) is not None
        and 0 < int(environ["CONTENT_LENGTH"]) <= MOST_BYTES
        and environ.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
        and not any(name in environ for name in UNUSUAL)
        and CHANNEL_KEY.fullmatch(environ["PATH_INFO"][len(PATH) :]) is not None
    )


class Store:
    """The database as this path uses it: one connection, one statement, one commit."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.held: PoolProxiedConnection | None = None
        self.lock = threading.Lock()
        self.secrets: dict[str, Known] = {}

    def secret_of(self, key: str) -> Known | None:
        """The channel's secret; it may have changed since, which `take` finds out."""
        known = self.secrets.get(key)
        return known if known is not None else self.look_up(key)

    def look_up(self, key: str) -> Known | None:
        row = self.run(FIND, [key]).fetchone()
        if row is None:
            return None
        try:
            known = Known(row[0], secrets.unseal(row[0]).encode())
        except InvalidToken:
            return None
        if len(self.secrets) >= MOST_CHANNELS:
            self.secrets.clear()
        self.secrets[key] = known
        return known

    def take(self, mails: Sequence[Mail]) -> list[tuple[Any, bool] | None]:
        """Keep the mails and ask for each to be taken in, in one commit.

        None for one whose channel is not what it was: its secret is looked up again.
        """
        rows = self.run(
            TAKE,
            [
                [mail.key for mail in mails],
                [mail.sealed for mail in mails],
                [hashlib.sha256(mail.body).hexdigest() for mail in mails],
                [mail.body for mail in mails],
            ],
        ).fetchall()
        for mail, (event_id, _) in zip(mails, rows, strict=True):
            if event_id is None:
                self.secrets.pop(mail.key, None)
        return [row if row[0] is not None else None for row in rows]

    def run(self, statement: str, values: list[Any]) -> psycopg.Cursor:
        """Raises psycopg.Error or SQLAlchemyError; after a lost connection the next has a new one.

        One connection of the pool is kept: taking it out anew costs as much as asking.
        """
        with self.lock:
            connection = self.connection()
            try:
                return connection.execute(statement, values, prepare=True)
            except psycopg.Error:
                if connection.closed:
                    self.let_go()
                raise

    def connection(self) -> psycopg.Connection:
        if self.held is None:
            self.held = self.engine.raw_connection()
            self.own(self.held).autocommit = True
        return self.own(self.held)

    def own(self, held: PoolProxiedConnection) -> psycopg.Connection:
        connection = held.driver_connection
        assert isinstance(connection, psycopg.Connection)
        return connection

    def let_go(self) -> None:
        if self.held is not None:
            self.held.invalidate()
            self.held = None


class Counts:
    """How many mails of each channel have come by the fast path in this minute.

    Beyond `most` the application is asked, which counts in the database and refuses: so a
    channel gets at most `most` a minute by each way, whatever it does.
    """

    def __init__(self, most: int):
        self.most = most
        self.began = 0.0
        self.counts: dict[str, int] = {}

    def admits(self, key: str) -> bool:
        now = time.monotonic()
        if now - self.began >= MINUTE:
            self.began, self.counts = now, {}
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key] <= self.most

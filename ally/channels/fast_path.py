"""The fast path of ordinary mails: one statement, one commit, shared by whoever waits.

It stands before the application and answers only what it can say yes to: a small
raw mail with the secret of its channel.  Everything else goes on to the
application, which does the same at more length, and knows every refusal.
"""

import hmac
import io
import logging
import re
import time
from collections.abc import Callable, Iterable
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ally.channels.fast_store import Kept, Mail, Store
from ally.channels.group_commit import GroupCommit
from ally.channels.webhooks import CHANNEL_KEY

log = logging.getLogger(__name__)

PATH = "/webhooks/mail/"
MOST_BYTES = 256 * 1024  # of a mail; a larger one takes long enough by itself
SIZE = re.compile(r"[0-9]{1,9}", re.ASCII)
MOST_AT_ONCE = 32  # mails in one commit
MINUTE = 60.0  # seconds
FROM_A_BROWSER = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_COOKIE")
UNUSUAL = (*FROM_A_BROWSER, "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING")

Noted = Callable[[float], None]


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

    def take(self, environ: WSGIEnvironment, body: bytes) -> Kept | None:
        """The event's id and whether it is new; None when the application should see to it."""
        key = environ["PATH_INFO"][len(PATH) :]
        secret = environ["HTTP_AUTHORIZATION"].partition(" ")[2].strip()
        try:
            known = self.store.known(key)
            if known is None or not hmac.compare_digest(secret.encode("latin-1"), known.secret):
                return None
            if not body.strip() or not self.gate.admits(key):
                return None
            return self.commits.save(Mail(key, known, body))
        except (psycopg.Error, SQLAlchemyError) as error:
            # The same bytes are kept once, so the application may well try again.
            log.warning("the fast path failed: %s", type(error).__name__)
            return None

    def answer(self, kept: Kept, start_response: StartResponse) -> list[bytes]:
        status = "accepted" if kept.is_new else "duplicate"
        said = f'{{"status": "{status}", "event_id": "{UUID(bytes=kept.event_id)}"}}\n'.encode()
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

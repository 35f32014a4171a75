"""Mails that providers post to us: told from forgeries, and stored before anything reads them."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, text

from ally import clock
from ally.channels import secrets
from ally.db import db, use_account
from ally.errors import AllyError, Invalid, NotFound, NotSignedIn
from ally.jobs.queue import enqueue

SIGNATURE_WINDOW = timedelta(minutes=5)
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
CHANNEL_KEY = re.compile(r"[\w.-]{1,100}")
WRONG_SECRET = "Send the channel's secret, or a signature made with it."  # noqa: S105 - a sentence


class Unsupported(AllyError):
    """A kind of content that a mail is not."""

    status = 415


@dataclass(frozen=True)
class Caller:
    """The channel that a webhook speaks for, until it has proved that it may."""

    account_id: UUID
    channel_id: UUID
    secret: str


@dataclass(frozen=True)
class Stored:
    event_id: UUID
    is_new: bool


def find_caller(key: str) -> Caller:
    """The channel of the key, among all accounts.  Raises NotFound."""
    row = None
    if CHANNEL_KEY.fullmatch(key):
        row = db.session.execute(FIND, {"key": key}).one_or_none()
    if row is None:
        raise NotFound("There is no such channel.")
    return Caller(row.account_id, row.channel_id, secrets.unseal(row.secret_sealed))


FIND = text("SELECT account_id, channel_id, secret_sealed FROM find_channel(:key)")


def refuse_foreign_content(content_type: str, content_encoding: str) -> None:
    """Raise Unsupported for what a browser's form can send, and for packed bodies."""
    if content_type.partition(";")[0].strip().lower() in FORM_TYPES:
        raise Unsupported("Send the raw mail as message/rfc822.")
    if content_encoding.strip().lower() not in {"", "identity"}:
        raise Unsupported("Send the mail without a Content-Encoding.")


FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


def knows_secret(caller: Caller, authorization: list[str]) -> bool:
    """Whether the one Authorization header is `Bearer` and the channel's secret."""
    if len(authorization) != 1:
        return False
    kind, _, secret = authorization[0].partition(" ")
    same = hmac.compare_digest(secret.strip().encode(), caller.secret.encode())
    return same and kind.lower() == "bearer"


def has_signed(caller: Caller, signatures: list[str], body: bytes) -> bool:
    """Whether the one X-Ally-Signature header is the channel's, for this body, and not old.

    Source: the scheme of Stripe's webhooks, https://docs.stripe.com/webhooks#verify-manually
    """
    given = SIGNATURE.fullmatch(signatures[0]) if len(signatures) == 1 else None
    if given is None:
        return False
    if abs(clock.now().timestamp() - int(given[1])) > SIGNATURE_WINDOW.total_seconds():
        return False
    return hmac.compare_digest(sign(caller.secret, given[1], body), given[2])


def sign(secret: str, moment: str, body: bytes) -> str:
    """The signature of a body at a moment, in lower-case hex."""
    signed = hmac.new(secret.encode(), moment.encode() + b".", hashlib.sha256)
    signed.update(body)
    return signed.hexdigest()


def refuse_stranger() -> NotSignedIn:
    return NotSignedIn(WRONG_SECRET)


def store_mail(caller: Caller, body: bytes) -> Stored:
    """Keep the mail as it came, and ask for it to be taken in; the same bytes are kept once.

    Raises Invalid for an empty body.
    """
    if not body.strip():
        raise Invalid("Send a mail: the body is empty.")
    use_account(caller.account_id)
    key = f"mail:{caller.channel_id}:{hashlib.sha256(body).hexdigest()}"
    values = {
        "account_id": caller.account_id,
        "channel_id": caller.channel_id,
        "key": key,
        "ts": clock.now(),
        "payload": f'{{"content_type": "message/rfc822", "size": {len(body)}}}',
        "body": body,
    }
    event_id = db.session.scalar(STORE, values)
    if event_id is None:
        return Stored(db.session.execute(FIND_STORED, values).scalar_one(), is_new=False)
    enqueue("desk.take_in", event_id=str(event_id))
    return Stored(event_id, is_new=True)


# Written out, since this is the one statement that every mail waits for.
STORE = text(
    "INSERT INTO events_raw"
    " (account_id, channel_id, idempotency_key, platform, type, source, ts, payload, body)"
    " VALUES (:account_id, :channel_id, :key, 'mail', 'message', 'webhook', :ts,"
    " CAST(:payload AS jsonb), :body)"
    " ON CONFLICT (account_id, idempotency_key) DO NOTHING RETURNING id"
).bindparams(bindparam("body", type_=LargeBinary))
FIND_STORED = text(
    "SELECT id FROM events_raw WHERE account_id = :account_id AND idempotency_key = :key"
)

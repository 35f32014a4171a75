"""What providers post to us: told from forgeries, and stored before anything reads it."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from cryptography.fernet import InvalidToken

from ally import clock
from ally.channels import secrets
from ally.channels.models import Platform
from ally.db import db
from ally.errors import AllyError, Invalid, NotFound
from ally.jobs.queue import enqueue

SIGNATURE_WINDOW = timedelta(minutes=5)
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
CHANNEL_KEY = re.compile(r"[\w.-]{1,100}")
OTHER_KEY = "This channel's secret was sealed with another SECRET_KEY."
WRONG_SECRET = "Send the channel's secret, or a signature made with it."  # noqa: S105 - a sentence


class Unsupported(AllyError):
    """A kind of content that a mail is not."""

    status = 415


class Locked(AllyError):
    """The channel cannot be used before an admin has seen to it; the sender tries again later."""

    status = 503


@dataclass(frozen=True)
class Caller:
    """The channel that a webhook speaks for, until it has proved that it may."""

    account_id: UUID
    channel_id: UUID
    platform: Platform
    secrets: tuple[str, ...]
    """The one that counts, and the one before it while that still does."""
    credentials_sealed: bytes | None = None

    @property
    def credentials(self) -> dict[str, Any]:
        """What else is known of the provider; empty when nothing is.  Raises Locked."""
        if self.credentials_sealed is None:
            return {}
        try:
            known: dict[str, Any] = json.loads(secrets.unseal(self.credentials_sealed))
            return known
        except InvalidToken:
            raise Locked(OTHER_KEY) from None


@dataclass(frozen=True)
class Stored:
    event_id: UUID
    is_new: bool


def find_caller(key: str) -> Caller:
    """The channel of the key, among all accounts, its account named for this transaction alone.

    Raises NotFound, Locked.
    """
    row = ask(FIND, {"key": key}) if CHANNEL_KEY.fullmatch(key) else None
    if row is None:
        raise NotFound("There is no such channel.")
    account_id, channel_id, platform, *sealed, credentials, is_active, _ = row
    if not is_active:
        raise Locked("This channel is switched off.")
    try:
        known = tuple(secrets.unseal(secret) for secret in sealed if secret is not None)
    except InvalidToken:
        raise Locked(OTHER_KEY) from None
    return Caller(account_id, channel_id, Platform(platform), known, credentials)


FIND = (
    "SELECT account_id, channel_id, platform, secret_sealed, old_secret_sealed,"
    " credentials_sealed, is_active,"
    " set_config('ally.account_id', account_id::text, true) FROM find_channel(%(key)s)"
)


def ask(statement: LiteralString, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """The first row, by the driver alone: every mail waits for this, and needs no mapping."""
    connection: Any = db.session.connection().connection.driver_connection
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    return row


def refuse_foreign_content(content_type: str, content_encoding: str) -> None:
    """Raise Unsupported for what a browser's form can send, and for packed bodies."""
    if content_type.partition(";")[0].strip().lower() in FORM_TYPES:
        raise Unsupported("Send the raw mail as message/rfc822.")
    refuse_packed(content_encoding)


def refuse_packed(content_encoding: str) -> None:
    """Raise Unsupported for a packed body: what is signed is what was sent."""
    if content_encoding.strip().lower() not in {"", "identity"}:
        raise Unsupported("Send it without a Content-Encoding.")


FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


def knows_secret(caller: Caller, authorization: str) -> bool:
    """Whether the Authorization header is `Bearer` and the channel's secret."""
    kind, _, secret = authorization.partition(" ")
    given = secret.strip().encode()
    # All are compared, however soon one fits: how long it takes tells nothing.
    same = [hmac.compare_digest(given, known.encode()) for known in caller.secrets]
    return any(same) and kind.lower() == "bearer"


def has_signed(caller: Caller, signature: str, body: bytes) -> bool:
    """Whether the X-Ally-Signature header is the channel's, for this body, and not old.

    Several such headers reach us as one, joined by commas, and fit no signature.
    Source: the scheme of Stripe's webhooks, https://docs.stripe.com/webhooks#verify-manually
    """
    given = SIGNATURE.fullmatch(signature)
    if given is None:
        return False
    if abs(clock.now().timestamp() - int(given[1])) > SIGNATURE_WINDOW.total_seconds():
        return False
    same = [hmac.compare_digest(sign(known, given[1], body), given[2]) for known in caller.secrets]
    return any(same)


def sign(secret: str, moment: str, body: bytes) -> str:
    """The signature of a body at a moment, in lower-case hex."""
    signed = hmac.new(secret.encode(), moment.encode() + b".", hashlib.sha256)
    signed.update(body)
    return signed.hexdigest()


def store_mail(caller: Caller, body: bytes, *, source: str = "webhook", **known: Any) -> Stored:
    """Keep the mail as it came, to be taken in; the same bytes are kept once.

    `known` is kept beside it: its envelope, or the folder it was found in.  Raises Invalid for
    an empty body.
    """
    if not body.strip():
        raise Invalid("Send a mail: the body is empty.")
    described = {"content_type": "message/rfc822", "size": len(body)} | known
    named = f"mail:{caller.channel_id}:{hashlib.sha256(body).hexdigest()}"
    return store(caller, Fact(named, "mail", "message", described, body, source))


@dataclass(frozen=True)
class Fact:
    """What came, before anything is made of it.  Of two with the same key the first is kept."""

    key: str
    platform: str
    type: str
    payload: dict[str, Any]
    body: bytes
    source: str = "webhook"


def store(caller: Caller, fact: Fact, job: str | None = None) -> Stored:
    """Keep it where a worker finds it to take it in, unless it is there already.

    With another `job`, that is asked for instead.
    """
    # The caller has proved itself.  Where it was found in this transaction, nothing is asked.
    db.session.info["account_id"] = caller.account_id
    values = {
        "account_id": caller.account_id,
        "channel_id": caller.channel_id,
        "key": fact.key,
        "platform": fact.platform,
        "type": fact.type,
        "source": fact.source,
        "ts": clock.now(),
        "payload": json.dumps(fact.payload),
        "body": fact.body,
    }
    new = ask(STORE_WAITING if job is None else STORE, values)
    if new is not None:
        if job is not None:
            enqueue(job, event_id=str(new[0]))
        return Stored(new[0], is_new=True)
    known = ask(FIND_STORED, values)
    assert known is not None, "another one has taken the key, and events are never deleted"
    return Stored(known[0], is_new=False)


STORE = (
    "INSERT INTO events_raw"
    " (account_id, channel_id, idempotency_key, platform, type, source, ts, payload, body)"
    " VALUES (%(account_id)s, %(channel_id)s, %(key)s, %(platform)s, %(type)s, %(source)s, %(ts)s,"
    " %(payload)s, %(body)s)"
    " ON CONFLICT (account_id, idempotency_key) DO NOTHING RETURNING id"
)
# `hand_out_events` finds it there, and asks for its job: that takes longer than to store it.
STORE_WAITING = (
    "WITH new AS (" + STORE + "), waiting AS ("  # noqa: S608 - nothing but what stands here
    "INSERT INTO intake_waiting (account_id, event_id) SELECT %(account_id)s, id FROM new)"
    " SELECT id FROM new"
)
FIND_STORED = (
    "SELECT id FROM events_raw WHERE account_id = %(account_id)s AND idempotency_key = %(key)s"
)


def note_error(caller: Caller, trouble: str) -> None:
    """Show an admin of the channel what went wrong.  Whoever it was has proved nothing."""
    ask(
        "SELECT note_channel_error(%(account_id)s, %(channel_id)s, %(trouble)s)",
        {
            "account_id": caller.account_id,
            "channel_id": caller.channel_id,
            "trouble": f"A request was refused. {trouble}",
        },
    )

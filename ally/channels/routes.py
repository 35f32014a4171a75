"""Where providers post what customers write."""

from datetime import timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ally import throttle
from ally.channels import webhooks as inbound
from ally.channels.webhooks import Caller
from ally.db import db
from ally.errors import NotSignedIn
from ally.web import csrf, read_body, settings

REFUSALS_A_MINUTE = 30  # of one address: a provider with an old secret, not a search for it
MINUTE = timedelta(minutes=1)
SMALL_BODY = 256 * 1024  # bytes, which are read before their sender is known

webhooks = Blueprint("webhooks", __name__)
# Callers prove themselves by a secret in a header, which no foreign page can add.
csrf.exempt(webhooks)


@webhooks.post("/webhooks/mail/<key>")
def mail(key: str) -> ResponseReturnValue:
    inbound.refuse_foreign_content(
        request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", "")
    )
    caller, body = authenticated(key)
    stored = inbound.store_mail(caller, body)
    # Last, since all mails of a channel count in one row, and wait for each other from here on.
    throttle.limit(f"mail:{caller.channel_id}", hits=settings().mails_per_minute, per=MINUTE)
    status = "accepted" if stored.is_new else "duplicate"
    return {"status": status, "event_id": str(stored.event_id)}, 202


def authenticated(key: str) -> tuple[Caller, bytes]:
    """The channel that sends this request, and the whole body.

    Raises NotFound, NotSignedIn, TooLarge, TooMany.
    """
    limit = settings().max_mail_bytes
    # A small body is read first: then all is done in one transaction that waits for nobody.
    body = read_body(limit) if (request.content_length or limit) <= SMALL_BODY else None
    caller = inbound.find_caller(key)
    knows_secret = inbound.knows_secret(caller, request.headers.get("Authorization", ""))
    signature = request.headers.get("X-Ally-Signature", "")
    if not knows_secret and not signature:
        raise refused()
    if body is None:
        db.session.rollback()  # a slow sender must not hold a connection of the pool
        body = read_body(limit)
    if not knows_secret and not inbound.has_signed(caller, signature, body):
        raise refused()
    return caller, body


def refused() -> NotSignedIn:
    """The refusal of a stranger.  Raises TooMany when it comes too often."""
    throttle.limit(f"mail-refused:{request.remote_addr}", hits=REFUSALS_A_MINUTE, per=MINUTE)
    db.session.commit()  # the refusal rolls back, and the count must outlive it
    return inbound.refuse_stranger()

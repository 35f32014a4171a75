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

MAILS_A_MINUTE = 6_000  # of one channel
REFUSALS_A_MINUTE = 30  # of one address: a provider with an old secret, not a search for it
MINUTE = timedelta(minutes=1)

webhooks = Blueprint("webhooks", __name__)
# Callers prove themselves by a secret in a header, which no foreign page can add.
csrf.exempt(webhooks)


@webhooks.post("/webhooks/mail/<key>")
def mail(key: str) -> ResponseReturnValue:
    inbound.refuse_foreign_content(
        request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", "")
    )
    stored = inbound.store_mail(*authenticated(inbound.find_caller(key)))
    status = "accepted" if stored.is_new else "duplicate"
    return {"status": status, "event_id": str(stored.event_id)}, 202


def authenticated(caller: Caller) -> tuple[Caller, bytes]:
    """The caller, and the whole body of its request.  Raises NotSignedIn, TooLarge, TooMany."""
    # A slow sender must not hold a connection of the pool while its body arrives.
    db.session.rollback()
    knows_secret = inbound.knows_secret(caller, request.headers.getlist("Authorization"))
    signatures = request.headers.getlist("X-Ally-Signature")
    if not knows_secret and not signatures:
        raise refused()  # before its body is read
    body = read_body(settings().max_mail_bytes)
    if not knows_secret and not inbound.has_signed(caller, signatures, body):
        raise refused()
    throttle.limit(f"mail:{caller.channel_id}", hits=MAILS_A_MINUTE, per=MINUTE)
    # Now, not with the mail: all of the channel's mails count in one row, and would
    # wait for each other's commit to reach the disk.
    db.session.commit()
    return caller, body


def refused() -> NotSignedIn:
    """The refusal of a stranger.  Raises TooMany when it tries too often."""
    throttle.limit(f"mail-refused:{request.remote_addr}", hits=REFUSALS_A_MINUTE, per=MINUTE)
    db.session.commit()  # the refusal rolls back, and the count must outlive it
    return inbound.refuse_stranger()

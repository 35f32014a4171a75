"""Where providers post what customers write."""

from datetime import timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from ally import throttle
from ally.channels import webhooks as inbound
from ally.channels.providers.call import Call, Entry, Unproved
from ally.channels.providers.doors import ADDRESSES, DOORS, Door
from ally.channels.webhooks import WRONG_SECRET, Caller, Fact, Stored
from ally.db import db
from ally.errors import Invalid, NotFound, NotSignedIn
from ally.web import csrf, read_body, settings

REFUSALS_A_MINUTE = 30  # of one address: a provider with an old secret, not a search for it
MINUTE = timedelta(minutes=1)
SMALL_BODY = 256 * 1024  # bytes, which are read before their sender is known
LARGEST_JSON = 1024 * 1024  # bytes, of a message that is not a mail
# A provider packs a mail into base64 and JSON, and may send it whole and in parts at once.
PACKED = 3
KEPT_HEADERS = ("content-type", "user-agent")
LONGEST_HEADER = 1_000  # characters that are kept of one
CONFIRM = "channels.confirm_subscription"

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
    return told(stored), 202


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
        raise refused(caller)
    if body is None:
        db.session.rollback()  # a slow sender must not hold a connection of the pool
        body = read_body(limit)
    if not knows_secret and not inbound.has_signed(caller, signature, body):
        raise refused(caller)
    return caller, body


def refused(caller: Caller, reason: str = WRONG_SECRET) -> NotSignedIn:
    """The refusal of a stranger.  Raises TooMany when it comes too often."""
    throttle.limit(f"mail-refused:{request.remote_addr}", hits=REFUSALS_A_MINUTE, per=MINUTE)
    # Once a minute: somebody who knocks all the time must not have us write all the time.
    if throttle.count(f"channel-refused:{caller.channel_id}", per=MINUTE) == 1:
        inbound.note_error(caller, reason)
    db.session.commit()  # the refusal rolls back, and the count must outlive it
    return NotSignedIn(reason)


@webhooks.post(f"/webhooks/<any({', '.join(ADDRESSES)}):provider>/<key>")
def post(provider: str, key: str) -> ResponseReturnValue:
    inbound.refuse_packed(request.headers.get("Content-Encoding", ""))
    caller, call = called(provider, key)
    try:
        found = DOORS[caller.platform].prove(caller, call)
    except Unproved as stranger:
        raise refused(caller, str(stranger)) from None
    if found.answer is not None:
        return found.answer
    if not call.body.strip():
        raise Invalid("The body is empty.")
    stored = [inbound.store(caller, *fact(caller, call, entry)) for entry in found.entries]
    throttle.limit(f"mail:{caller.channel_id}", hits=settings().mails_per_minute, per=MINUTE)
    # Some providers take nothing but 200 for an answer.
    return told(*stored), 202 if provider in {"json", "community"} else 200


@webhooks.get(f"/webhooks/<any({', '.join(ADDRESSES)}):provider>/<key>")
def greet(provider: str, key: str) -> ResponseReturnValue:
    """Some providers look whether somebody is there.  Says nothing of which channels there are."""
    return {"status": "ready"}


def called(provider: str, key: str) -> tuple[Caller, Call]:
    """The channel of the address, and the whole request, which has proved nothing yet.

    Raises NotFound, NotSignedIn, TooLarge, TooMany.
    """
    small = (request.content_length or LARGEST_JSON) <= SMALL_BODY
    body = read_body(SMALL_BODY) if small else None
    caller = inbound.find_caller(key)
    if caller.platform not in ADDRESSES[provider]:
        raise NotFound("There is no such channel.")
    door = DOORS[caller.platform]
    if door.headers and not any(name in request.headers for name in door.headers):
        raise refused(caller)
    if body is None or door.asks_outside:
        db.session.rollback()  # a slow sender must not hold a connection of the pool
    if body is None:
        body = read_body(limit_of(door))
    return caller, Call({name.lower(): value for name, value in request.headers}, body)


def limit_of(door: Door) -> int:
    return settings().max_mail_bytes * PACKED if door.carries_mails else LARGEST_JSON


def fact(caller: Caller, call: Call, entry: Entry) -> tuple[Fact, str | None]:
    """What is stored of the request, and the job that reads it when it is not taken in."""
    kept = {
        name.replace("-", "_"): call.header(name)[:LONGEST_HEADER]
        for name in KEPT_HEADERS
        if call.header(name)
    }
    body = call.body if entry.body is None else entry.body
    payload = {**kept, "size": len(body), **entry.notes}
    key = f"{caller.platform}:{caller.channel_id}:{entry.id}"
    job = CONFIRM if entry.type == "confirmation" else None
    return Fact(key, caller.platform, entry.type, payload, body), job


def told(*stored: Stored) -> dict[str, str]:
    """The answer: accepted if anything was new, and the first that was."""
    first = next((each for each in stored if each.is_new), stored[0] if stored else None)
    if first is None:
        return {"status": "nothing"}
    status = "accepted" if first.is_new else "duplicate"
    return {"status": status, "event_id": str(first.event_id)}


@webhooks.after_request
def ask_for_password(response: Response) -> Response:
    """Amazon sends the password of its address only when it is asked for."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Ally", charset="UTF-8"'
    return response

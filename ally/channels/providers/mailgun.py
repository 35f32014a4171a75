"""Mailgun: mails as forms, and events as JSON.  Its token and the time are signed, not the body.

A token counts once in a channel, so whoever has seen a request cannot send another with it.
Source: "Securing webhooks", https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import hashlib
import hmac
import re
from typing import Any

from ally.channels.facts import Incoming, Report
from ally.channels.models import EventsRaw, ReportKind
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    is_recent,
    is_signed,
    json_of,
    short_id,
    told,
)
from ally.channels.providers.chat import moment_of, posted_by, report
from ally.channels.providers.forms import BrokenForm, form_parts
from ally.channels.providers.packed import mail_in
from ally.channels.providers.pieces import text_of
from ally.channels.webhooks import Caller
from ally.errors import Malformed

SIGNED = ("timestamp", "token", "signature")
LONGEST_PROOF = 200  # bytes of each field
TOKEN = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
WRONG = "Its signature is not one of Mailgun's for this channel, or it is older than five minutes."
KINDS = {
    "delivered": ReportKind.DELIVERED,
    "complained": ReportKind.COMPLAINED,
    "opened": ReportKind.OPENED,
    "bounced": ReportKind.BOUNCED,  # this one and the next are of Mailgun's older webhooks
    "dropped": ReportKind.BOUNCED,
}


def prove(caller: Caller, call: Call) -> Told:
    is_json = call.content_type == "application/json"
    proof, is_event = proof_in_json(call) if is_json else proof_in_form(call)
    moment, token, signature = (proof.get(name, "") for name in SIGNED)
    if not TOKEN.fullmatch(token) or not is_recent(moment):
        raise Unproved(WRONG)
    if not is_signed(caller, signature, lambda key: sign(key, moment, token)):
        raise Unproved(WRONG)
    return told(short_id(token), "report" if is_event else "message")


def sign(key: bytes, moment: str, token: str) -> bytes:
    return hmac.new(key, f"{moment}{token}".encode(), hashlib.sha256).hexdigest().encode()


def proof_in_json(call: Call) -> tuple[dict[str, str], bool]:
    try:
        proof = json_of(call).get("signature")
    except Malformed:
        raise Unproved(WRONG) from None
    fields = proof if isinstance(proof, dict) else {}
    return {name: text_of(fields.get(name)) for name in SIGNED}, True


def proof_in_form(call: Call) -> tuple[dict[str, str], bool]:
    """The fields that prove it, and whether it is an event.  Raises Unproved."""
    proof: dict[str, str] = {}
    is_event = False
    try:
        for part in form_parts(call.header("content-type"), call.body, most=LONGEST_PROOF):
            if part.name in SIGNED:
                if part.name in proof or len(part.content) > LONGEST_PROOF:
                    raise Unproved(WRONG)  # of two, nobody knows which was signed
                proof[part.name] = part.content.decode("utf-8", "replace")
            is_event = is_event or part.name == "event"
    except BrokenForm:
        raise Unproved("It is no form, or a broken one.") from None
    return proof, is_event


def read(event: EventsRaw) -> Incoming:
    if event.type == "message":
        return Incoming(mail=mail_in(event, "mailgun"))
    content_type = text_of(event.payload.get("content_type"))
    if content_type.startswith("application/json"):
        found = report_of(event, posted_by(event).get("event-data"))
    else:
        found = older_report_of(event, content_type)
    return Incoming(reports=[found] if found else [])


def report_of(event: EventsRaw, posted: object) -> Report | None:
    """What Mailgun tells of a mail of ours; None when it is nothing that matters."""
    told = posted if isinstance(posted, dict) else {}
    word, severity = text_of(told.get("event")), told.get("severity")
    failed = ReportKind.DELAYED if severity == "temporary" else ReportKind.BOUNCED
    kind = failed if word == "failed" else KINDS.get(word)
    if kind is None:
        return None
    headers = below(told, "message", "headers")
    status = below(told, "delivery-status")
    return report(
        kind,
        event=event,
        at=moment_of(told.get("timestamp")),
        detail=text_of(status.get("message")) or text_of(status.get("description")),
        rfc_message_id=headers.get("message-id"),
        provider_id=headers.get("message-id"),
        recipient=told.get("recipient"),
        is_permanent=word == "failed" and severity == "permanent",
    )


def below(told: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object that is found by going down these names, or an empty one."""
    for name in names:
        next_ = told.get(name)
        told = next_ if isinstance(next_, dict) else {}
    return told


def older_report_of(event: EventsRaw, content_type: str) -> Report | None:
    try:
        parts = list(form_parts(content_type, event.body or b""))
    except BrokenForm:
        return None
    told = {part.name: part.content.decode("utf-8", "replace") for part in parts}
    kind = KINDS.get(told.get("event", ""))
    if kind is None:
        return None
    return report(
        kind,
        event=event,
        at=moment_of(told.get("timestamp")),
        detail=told.get("error") or told.get("description"),
        rfc_message_id=told.get("Message-Id") or told.get("message-id"),
        recipient=told.get("recipient"),
        is_permanent=kind is ReportKind.BOUNCED and told.get("code", "5").startswith("5"),
    )

"""SendGrid: mails as forms, and events as a JSON list, both signed with the account's own key.

Where signing is not switched on, the channel's secret as the password of Basic stands for it.
Source: "Event Webhook security features", https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ally.channels.facts import Incoming, Report
from ally.channels.models import EventsRaw, ReportKind
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    digest_id,
    is_recent,
    knows_secret,
    told,
)
from ally.channels.providers.chat import listed_by, moment_of, report
from ally.channels.providers.packed import mail_in
from ally.channels.providers.pieces import objects_of, text_of
from ally.channels.webhooks import Caller

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
PROOF = ("authorization", "x-ally-secret", SIGNATURE)
WRONG = "It has neither the channel's secret nor a signature of SendGrid's for this channel."
KINDS = {
    "delivered": ReportKind.DELIVERED,
    "deferred": ReportKind.DELAYED,
    "bounce": ReportKind.BOUNCED,
    "dropped": ReportKind.BOUNCED,
    "spamreport": ReportKind.COMPLAINED,
    "open": ReportKind.OPENED,
}


def prove(caller: Caller, call: Call) -> Told:
    if not knows_secret(caller, call) and not is_signed_with_key(caller, call):
        raise Unproved(WRONG)
    # A mail has no id of SendGrid's in its form, and a list of events is sent again as it was.
    is_events = call.content_type == "application/json"
    return told(digest_id(call.body), "report" if is_events else "message")


def is_signed_with_key(caller: Caller, call: Call) -> bool:
    """Whether a key of the account has signed the time and the body, and not long ago."""
    moment = call.header(TIMESTAMP)
    if not call.header(SIGNATURE) or not is_recent(moment):
        return False
    try:
        signature = base64.b64decode(call.header(SIGNATURE), validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = moment.encode() + call.body
    return any(has_made(key, signature, signed) for key in public_keys(caller))


def public_keys(caller: Caller) -> list[EllipticCurvePublicKey]:
    """Mails and events have a key each; one that is none is passed over."""
    found = []
    for word in text_of(caller.credentials.get("public_key")).replace(",", " ").split():
        try:
            key = load_der_public_key(base64.b64decode(word))
        except ValueError:
            continue
        if isinstance(key, EllipticCurvePublicKey):
            found.append(key)
    return found


def has_made(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def read(event: EventsRaw) -> Incoming:
    if event.type == "report":
        found = [report_of(event, posted) for posted in objects_of(listed_by(event))]
        return Incoming(reports=[each for each in found if each])
    return Incoming(mail=mail_in(event, "sendgrid"))


def report_of(event: EventsRaw, posted: dict[str, Any]) -> Report | None:
    word = text_of(posted.get("event"))
    kind = KINDS.get(word)
    if kind is None:
        return None
    # "Blocked" is a refusal that may pass: of a server in trouble, or of one that slows us down.
    is_permanent = kind is ReportKind.BOUNCED and posted.get("type") != "blocked"
    return report(
        kind,
        event=event,
        at=moment_of(posted.get("timestamp")),
        detail=text_of(posted.get("reason")) or text_of(posted.get("response")),
        rfc_message_id=posted.get("smtp-id"),
        provider_id=text_of(posted.get("sg_message_id")).partition(".")[0],
        recipient=posted.get("email"),
        is_permanent=is_permanent,
    )

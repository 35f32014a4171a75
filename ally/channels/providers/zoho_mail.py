"""Zoho Mail's outgoing webhook: a mail in a few fields of JSON, signed with a secret of Zoho's.

Zoho makes the secret up and tells it once, in the first request.  That one is believed
while the channel is new and has heard of no other; a later one must be entered by an admin.
Source: "Webhook", https://www.zoho.com/mail/help/dev-platform/webhook.html
"""

import base64
import hashlib
import hmac
import html
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ally.channels import secrets
from ally.channels.facts import Incoming
from ally.channels.mail.addresses import addresses
from ally.channels.mail.parsed import Parsed
from ally.channels.models import EventsRaw
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    digest_id,
    is_any,
    json_of,
    knows_secret,
    short_id,
    told,
)
from ally.channels.providers.chat import moment_of, posted_by, written
from ally.channels.providers.pieces import emails_of, text_of
from ally.channels.webhooks import Caller, ask

SIGNATURE = "x-hook-signature"
SECRET = "x-hook-secret"  # noqa: S105 - the name of a header
PROOF = ("authorization", "x-ally-secret", SIGNATURE, SECRET)
SHAKE_HANDS_WITHIN = timedelta(hours=1)  # of the channel's making
HOOK_SECRET = re.compile(r"[\x21-\x7e]{16,200}")
WRONG = "It has neither the channel's secret nor a signature of Zoho Mail's for it."
LATE = "Zoho Mail has told a new secret, which only an admin can enter."


def prove(caller: Caller, call: Call) -> Told:
    if offered := call.header(SECRET):
        return shake_hands(caller, offered)
    if not knows_secret(caller, call) and not is_signed_by_zoho(caller, call):
        raise Unproved(WRONG)
    id_ = json_of(call).get("messageId")
    return told(short_id(id_) if id_ else digest_id(call.body))


def is_signed_by_zoho(caller: Caller, call: Call) -> bool:
    given = call.header(SIGNATURE)
    known = [*caller.secrets, *filter(None, [text_of(caller.credentials.get("hook_secret"))])]
    made = [sign(secret, call.body) for secret in known]
    return is_any(given.encode("utf-8", "replace"), made) and given != ""


def sign(secret: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def shake_hands(caller: Caller, offered: str) -> Told:
    """Keep the secret that Zoho offers, if the channel may still learn one.  Raises Unproved."""
    known = text_of(caller.credentials.get("hook_secret"))
    if known:
        if is_any(offered.encode(), [known.encode()]):
            return Told([], answer={"status": "known"})
        raise Unproved(LATE)
    if not HOOK_SECRET.fullmatch(offered):
        raise Unproved(WRONG)
    row = ask(
        "SELECT adopt_hook_secret(%(account_id)s, %(channel_id)s, %(known)s, %(sealed)s,"
        " %(within)s)",
        {
            "account_id": caller.account_id,
            "channel_id": caller.channel_id,
            "known": caller.credentials_sealed,
            "sealed": secrets.seal(json.dumps(caller.credentials | {"hook_secret": offered})),
            "within": SHAKE_HANDS_WITHIN,
        },
    )
    if row is None or not row[0]:
        raise Unproved(LATE)
    return Told([], answer={"status": "known"})


def read(event: EventsRaw) -> Incoming:
    """The mail, as far as Zoho tells it: without its headers and files.  Raises Unreadable."""
    posted = posted_by(event)
    # Zoho writes addresses and subjects as a page would show them.
    told = {name: html.unescape(text_of(value)) for name, value in posted.items()}
    marked = text_of(posted.get("html")) or None
    sender = next(iter(emails_of([told.get("fromAddress")])), None)
    name = told.get("sender", "").partition("<")[0].strip(' "')
    mail = written(
        message_id=f"zoho_mail:{posted.get('messageId') or event.id}",
        name="" if name == sender else name,
        email=sender,
        text=None if marked else told.get("summary", ""),
        marked=marked,
        subject=told.get("subject"),
        at=moment_of(posted.get("sentDateInGMT") or posted.get("receivedTime")),
        notes=notes(posted),
    )
    thread = posted.get("threadId")
    return Incoming(
        mail=with_recipients(mail, told),
        thread=str(thread) if thread not in (None, "", 0) else None,
    )


def with_recipients(mail: Parsed, told: dict[str, str]) -> Parsed:
    to, cc = (
        [[name, email] for name, email in addresses(told.get(field, "")[:4096]) if email]
        for field in ("toAddress", "ccAddress")
    )
    return replace(mail, to=to, cc=cc, delivered_to=[email for _, email in to])


def notes(posted: dict[str, Any]) -> list[str]:
    found = []
    if str(posted.get("hasAttachment", "0")) in {"1", "true", "True"}:
        found.append("Files of this mail are at Zoho Mail.")
    if not text_of(posted.get("html")):
        found.append("Zoho Mail has told the beginning of this mail alone.")
    return found

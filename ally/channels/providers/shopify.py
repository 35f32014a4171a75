"""Shopify: what customers write to a shop with their orders, signed over the raw body.

Shopify has no webhook for mails or for its contact form, which sends a mail.  A note that
a customer leaves with an order is a message; every other topic is stored, and says nothing.
Source: "Deliver webhooks through HTTPS", https://shopify.dev/docs/apps/build/webhooks/subscribe/https
"""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from ally import clock
from ally.channels.facts import Incoming
from ally.channels.models import EventsRaw
from ally.channels.providers.call import Call, Told, Unproved, digest_id, is_signed, short_id, told
from ally.channels.providers.chat import moment_of, posted_by, written
from ally.channels.providers.pieces import text_of
from ally.channels.webhooks import SIGNATURE_WINDOW, Caller

SIGNATURE = "x-shopify-hmac-sha256"
PROOF = (SIGNATURE,)
# Shopify tries again eight times in four hours, and each time tells when it was first.
TRIES_FOR = timedelta(hours=5)
WRONG = "It is not signed with the secret of the channel's Shopify app."
OLD = "Shopify says that it is older than its last try could be, or of a time to come."
ORDERS = {"orders/create", "orders/updated"}


def prove(caller: Caller, call: Call) -> Told:
    if not is_signed(caller, call.header(SIGNATURE), lambda key: sign(key, call.body)):
        raise Unproved(WRONG)
    if not is_in_time(call.header("x-shopify-triggered-at")):
        raise Unproved(OLD)
    id_ = call.header("x-shopify-webhook-id")
    topic = call.header("x-shopify-topic")[:100]
    return told(short_id(id_) if id_ else digest_id(call.body), topic=topic)


def sign(key: bytes, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())


def is_in_time(triggered_at: str) -> bool:
    """Whether the time that Shopify tells, if it does, may still be that of a try."""
    if not triggered_at:
        return True
    moment = moment_of(triggered_at)
    return moment is not None and -SIGNATURE_WINDOW <= clock.now() - moment <= TRIES_FOR


def read(event: EventsRaw) -> Incoming:
    if event.payload.get("topic") not in ORDERS:
        return Incoming()
    order = posted_by(event)
    note = text_of(order.get("note")).strip()
    if not note:
        return Incoming()
    name, email = customer_of(order)
    # The same note comes with every change of its order, and is one message.
    digest = hashlib.sha256(note.encode()).hexdigest()[:16]
    thread = f"order:{order.get('id')}"
    mail = written(
        message_id=f"shopify:{thread}:{digest}",
        name=name,
        email=email,
        text=note,
        marked=None,
        subject=f"Note on order {text_of(order.get('name')) or order.get('id')}",
        at=moment_of(order.get("created_at")),
    )
    return Incoming(mail=mail, thread=thread)


def customer_of(order: dict[str, Any]) -> tuple[str, str]:
    """The customer's name and address, as far as the order tells them."""
    told = order.get("customer")
    customer = told if isinstance(told, dict) else {}
    names = (text_of(customer.get("first_name")), text_of(customer.get("last_name")))
    email = (
        text_of(customer.get("email"))
        or text_of(order.get("contact_email"))
        or text_of(order.get("email"))
    )
    return " ".join(filter(None, names)), email

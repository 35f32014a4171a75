"""Payloads of providers with anything in place of any part: read, or refused plainly."""

import copy
import json
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally import clock
from ally.channels import secrets
from ally.channels.facts import Incoming
from ally.channels.mail.parsed import Unreadable
from ally.channels.models import EventsRaw, Platform
from ally.channels.providers.call import Call
from ally.channels.providers.doors import DOORS
from ally.channels.webhooks import Caller
from ally.errors import Invalid, Malformed
from tests.channels.providers.posting import (
    SECRET,
    TOPIC,
    basic,
    in_base64,
    intercom_signed,
    mailgun_proof,
    notification,
    shopify_signed,
    slack_signed,
    sns,
    sns_signed,
)
from tests.channels.providers.test_chats import (
    ADMIN,
    ORDER,
    POSTED,
    USER,
    notified,
    part,
    said,
)
from tests.channels.providers.test_mailgun import EVENT
from tests.channels.providers.test_payloads import json_values
from tests.channels.providers.test_postmark import BOUNCE
from tests.channels.providers.test_sendgrid import EVENTS
from tests.channels.providers.test_ses import NOTICES, RECEIVED, SENT
from tests.channels.providers.test_zoho import MAIL, THREAD, TICKET, event

INTERCOM = [
    notified("conversation.user.created", source={"id": "4", "body": "<p>a</p>", "author": USER}),
    notified("conversation.admin.replied", conversation_parts=part(ADMIN, "<p>a</p>")),
    notified("conversation.admin.closed", conversation_parts=part(ADMIN, "<p>a</p>")),
]
SES = [RECEIVED, *({"mail": SENT} | notice for notice, _ in NOTICES.values())]
DESK = [
    [event("Ticket_Add", TICKET)],
    [event("Ticket_Thread_Add", THREAD)],
    [event("Ticket_Comment_Add", THREAD | {"isPublic": True})],
    [event("Ticket_Update", {"id": "5", "statusType": "Open"}, prevState={"statusType": "x"})],
]
PAYLOADS = {
    "intercom": ("message", INTERCOM),
    "slack": ("message", [said(files=[{"name": "a"}], user_profile={"real_name": "Dana"})]),
    "shopify": ("message", [ORDER]),
    "json": ("message", [POSTED]),
    "zoho_desk": ("message", DESK),
    "zoho_mail": ("message", [MAIL]),
    "postmark": ("report", [BOUNCE]),
    "sendgrid": ("report", [EVENTS]),
    "mailgun": ("report", [{"event-data": EVENT}]),
    "ses": ("report", SES),
}
CERTIFICATE = "/SimpleNotificationService-0123456789abcdef.pem"
values = json_values | st.text() | st.sampled_from(["", "NaN", "9" * 30, 10**30, 1e300, True])


@st.composite
def changed(draw, payloads):
    """One of the payloads with something else in place of one of its parts."""
    whole = copy.deepcopy(draw(st.sampled_from(payloads)))
    holder, name = draw(st.sampled_from(list(places(whole))))
    holder[name] = draw(values)
    return whole


def places(tree):
    """Every (list or object, index or name) in the tree."""
    for name, value in list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)):
        yield tree, name
        if isinstance(value, dict | list):
            yield from places(value)


@pytest.mark.parametrize("platform", PAYLOADS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(drawn=st.data())
def test_anything_in_place_of_any_part_is_read_or_refused(acme, platform, drawn):
    kind, payloads = PAYLOADS[platform]
    posted = drawn.draw(changed(payloads))
    if platform == "ses":
        posted = notification(posted)
    stored = EventsRaw(
        id=uuid4(),
        account_id=acme.id,
        channel_id=uuid4(),
        platform=platform,
        type=kind,
        ts=clock.now(),
        payload={"content_type": "application/json", "topic": "orders/create", "number": 0},
        body=json.dumps(posted).encode(),
    )
    try:
        came = DOORS[platform].read(stored)
    except Unreadable:
        return
    assert isinstance(came, Incoming)


def proved(platform, posted):
    """The headers and the body of a request that says this, and is the provider's."""
    if platform == "mailgun":
        posted = posted | {"signature": mailgun_proof()}
    if platform == "ses":
        posted = sns_signed(notification(posted))
    body = json.dumps(posted).encode()
    signed = {
        "slack": slack_signed,
        "intercom": intercom_signed,
        "shopify": shopify_signed,
        "zoho_mail": lambda body: {"X-Hook-Signature": in_base64(SECRET, body)},
    }
    headers = signed[platform](body) if platform in signed else basic()
    return {"content-type": "application/json"} | {n.lower(): v for n, v in headers.items()}, body


@pytest.mark.parametrize("platform", PAYLOADS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(drawn=st.data())
def test_anything_that_is_proved_is_stored_or_refused(app, outside, platform, drawn):
    outside.pages[CERTIFICATE] = sns().pem
    posted = drawn.draw(changed(PAYLOADS[platform][1]))
    credentials = secrets.seal(json.dumps({"topic_arn": TOPIC}))
    caller = Caller(uuid4(), uuid4(), Platform(platform), (SECRET,), credentials)
    try:
        told = DOORS[platform].prove(caller, Call(*proved(platform, posted)))
    except (Invalid, Malformed):
        return
    assert all(0 < len(entry.id) < 250 for entry in told.entries)
    assert all(len(json.dumps(entry.notes)) < 1000 for entry in told.entries)

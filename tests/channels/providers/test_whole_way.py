"""From a provider's request to a message that an agent sees."""

import json

import pytest
from sqlalchemy import select

from ally.channels.models import IntakeOutcome
from ally.db import db
from ally.desk import intake
from ally.desk.models import Conversation, Message
from tests.channels.providers.posting import (
    CERTIFICATE_URL,
    FORM,
    basic,
    channel_of,
    intercom_signed,
    mailgun_proof,
    multipart,
    notification,
    post,
    shopify_signed,
    slack_signed,
    sns,
    sns_signed,
)
from tests.channels.providers.test_chats import ORDER, POSTED, USER, notified, said
from tests.channels.providers.test_mailgun import PARSED as MAILGUN
from tests.channels.providers.test_postmark import INBOUND
from tests.channels.providers.test_sendgrid import PARSED as SENDGRID
from tests.channels.providers.test_ses import RECEIVED
from tests.channels.providers.test_zoho import MAIL, THREAD, event

DANA = "dana@example.com"
INTERCOM = notified(
    "conversation.user.created", source={"id": "4", "body": "<p>Which pump?</p>", "author": USER}
)


def dumped(posted):
    return json.dumps(posted).encode()


WAYS = {
    "postmark": (dumped(INBOUND), lambda body: basic(), DANA, "For 450 hp?"),
    "sendgrid": (multipart(SENDGRID), lambda body: basic(), DANA, "For 450 hp?"),
    "ses": (None, lambda body: basic(), DANA, "Which one?"),
    "mailgun": (None, lambda body: {}, DANA, "For 450 hp?"),
    "zoho_desk": (
        dumped([event("Ticket_Thread_Add", THREAD)]),
        lambda body: basic(),
        DANA,
        "Which pump?",
    ),
    "zoho_mail": (dumped(MAIL), lambda body: basic(), DANA, "Which pump?"),
    "intercom": (dumped(INTERCOM), intercom_signed, DANA, "Which pump?"),
    "shopify": (dumped(ORDER), shopify_signed, "jon.doe@example.com", "Please ring"),
    "slack": (dumped(said()), slack_signed, None, "Which pump?"),
    "json": (dumped(POSTED), lambda body: basic(), DANA, "Which one?"),
}


def posted_on(client, channel, platform):
    body, headers, *_ = WAYS[platform]
    if platform == "mailgun":
        body = multipart(MAILGUN | mailgun_proof())
    if platform == "ses":
        body = dumped(sns_signed(notification(RECEIVED)))
    kind = FORM if platform in {"mailgun", "sendgrid"} else "application/json"
    return post(client, channel, body, headers(body), content_type=kind)


@pytest.mark.parametrize("platform", WAYS)
def test_what_a_provider_posts_becomes_a_message(client, acme, outside, platform):
    outside.pages[CERTIFICATE_URL.removeprefix("https://sns.us-east-1.amazonaws.com")] = sns().pem
    answer = posted_on(client, channel_of(acme, platform), platform)

    intake.take_in(answer.json["event_id"])

    email, text = WAYS[platform][2:]
    (message,) = db.session.scalars(select(Message)).all()
    assert message.author_email == email
    assert text in message.body_text
    assert db.session.scalars(select(IntakeOutcome.state)).all() == ["stored"]


BROKEN = {
    "postmark": (b'{"MessageID": "one", "TextBody": ', basic),
    "sendgrid": (b"--other\r\n", basic),
    "shopify": (b"no JSON", lambda: shopify_signed(b"no JSON")),
}


@pytest.mark.parametrize("platform", BROKEN)
def test_what_nobody_can_read_is_kept_for_a_person(client, acme, platform):
    body, headers = BROKEN[platform]
    answer = post(client, channel_of(acme, platform), body, headers(), content_type=FORM)
    assert answer.status_code == 200

    intake.take_in(answer.json["event_id"])

    assert db.session.scalars(select(Conversation.is_quarantined)).all() == [True]
    reason = db.session.scalar(select(IntakeOutcome.reason))
    assert "broken" in reason or "JSON" in reason

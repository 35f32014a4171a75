"""From an approved draft to a provider's API, and what the desk knows afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally.channels import credentials, lookups
from ally.channels.credentials import SlackCredentials, ZohoMailCredentials
from ally.channels.models import ChannelType, Delivery, DeliveryStatus, Platform
from ally.channels.senders import request
from ally.db import db
from ally.events import trail
from ally.jobs import worker
from ally.notifications import feed
from ally.notifications.words import title_of
from ally.review import decisions
from ally.review.digest import seen
from tests.channels.senders.provider import CUT, said
from tests.factories import make_channel, make_conversation, make_draft

POST, REPLIES = "/api/chat.postMessage", "/api/conversations.replies"


@pytest.fixture
def slack(acme, provider):
    own = SlackCredentials(bot_token="xoxb-1", base_url=provider.url)
    return make_channel(
        acme,
        type=ChannelType.SLACK,
        platform=Platform.SLACK,
        credentials_sealed=credentials.seal(own),
    )


def send(app, channel, by, monkeypatch, external_id="slack:C123ABC456:1.2"):
    monkeypatch.setattr(decisions, "undo_window", timedelta(0))
    talk = make_conversation(by.account, channel)
    talk.external_id = external_id
    draft = make_draft(talk)
    decisions.approve(draft, by=by, seen=seen(draft))
    db.session.commit()
    worker.drain(app)
    delivery = db.session.scalars(select(Delivery)).one()
    db.session.refresh(delivery)
    return delivery


def told(delivery):
    return [event.action for event in trail.timeline(delivery)]


def test_what_was_approved_is_what_the_provider_gets(app, ada, slack, provider, monkeypatch):
    provider.answers[POST] = [said(200, {"ok": True, "ts": "7.8"})]

    delivery = send(app, slack, ada, monkeypatch)

    (asked,) = provider.asked
    assert asked.body == request.read(delivery.raw).body
    assert asked.json["text"] == "The 255 lph pump is enough at 450 hp."
    assert (delivery.status, delivery.provider_id) == (DeliveryStatus.ACCEPTED, "7.8")
    assert told(delivery) == ["draft.approved", "delivery.accepted"]


def test_a_lost_answer_is_looked_up_and_nothing_goes_twice(app, ada, slack, provider, monkeypatch):
    monkeypatch.setattr(lookups, "WAITS", tuple(wait * 0 for wait in lookups.WAITS))
    provider.answers[POST] = [CUT]

    def marked():
        (asked,) = provider.asked_at(POST)
        return said(200, {"ok": True, "messages": [asked.json | {"ts": "7.8"}]})

    nothing_yet = said(200, {"ok": True, "messages": []})
    provider.answers[REPLIES] = [nothing_yet, marked]

    delivery = send(app, slack, ada, monkeypatch)

    assert len(provider.asked_at(POST)) == 1
    assert (delivery.status, delivery.provider_id) == (DeliveryStatus.ACCEPTED, "7.8")
    assert told(delivery) == ["draft.approved", "delivery.unknown", "delivery.found"]


def test_a_revoked_token_is_told_once_and_the_reply_waits(app, ada, slack, provider, monkeypatch):
    provider.answers[POST] = [said(200, {"ok": False, "error": "token_revoked"})]

    delivery = send(app, slack, ada, monkeypatch)

    assert delivery.status is DeliveryStatus.QUEUED
    lines = [title_of(line.payload, line.type) for line in feed.feed_of(ada)]
    assert lines == ["Nothing can be sent on Support: Slack says: token_revoked"]
    assert db.session.scalar(select(type(slack).last_error)) == "Slack says: token_revoked"


def test_zohos_limit_is_waited_for(app, acme, ada, provider, monkeypatch):
    own = ZohoMailCredentials(
        client_id="1",
        client_secret="2",
        refresh_token="3",
        mail_account_id="4",
        base_url=provider.url,
    )
    mailbox = make_channel(
        acme, platform=Platform.ZOHO_MAIL, credentials_sealed=credentials.seal(own)
    )
    provider.answers["/oauth/v2/token"] = [said(200, {"access_token": "t", "expires_in": 3600})]
    provider.answers["/api/accounts/4/messages"] = [said(429, Retry_After="1800")]

    delivery = send(app, mailbox, ada, monkeypatch, "mail:1@example.com")

    assert delivery.status is DeliveryStatus.QUEUED
    assert delivery.not_before - delivery.created_at > timedelta(minutes=29)
    assert told(delivery) == ["draft.approved", "delivery.deferred"]

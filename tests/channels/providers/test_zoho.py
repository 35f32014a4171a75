"""Zoho Desk and Zoho Mail, as their documentation shows them."""

import json
from datetime import timedelta

import pytest
from joserfc.jwk import OctKey, RSAKey

from ally import clock
from ally.channels import incoming
from ally.channels.models import Channel
from ally.channels.providers import zoho_mail
from ally.db import db
from tests.channels.outgoing import make_delivery
from tests.channels.providers.posting import (
    SECRET,
    basic,
    channel_of,
    in_base64,
    post,
    read_only,
    stored,
    zoho_key,
    zoho_token,
)

KEYS = "/.well-known/jwks.json"
THREAD = {
    "id": "231057000000319397",
    "ticketId": "231057000000341092",
    "direction": "in",
    "channel": "EMAIL",
    "content": "<div>Which <b>pump</b>?</div>",
    "contentType": "html",
    "author": {"name": "Dana Whitfield", "email": "dana@example.com", "type": "END_USER"},
    "fromEmailAddress": '"Dana Whitfield"<dana@example.com>',
    "createdTime": "2026-11-25T10:00:00.000Z",
    "attachments": [{"id": "1", "name": "plan.pdf", "size": "20"}],
}
TICKET = {
    "id": "231057000000341092",
    "subject": "Which pump?",
    "email": "dana@example.com",
    "contact": {"firstName": "Dana", "lastName": "Whitfield", "email": "dana@example.com"},
    "firstThread": {k: v for k, v in THREAD.items() if k not in {"author", "fromEmailAddress"}},
    "createdTime": "2026-11-25T10:00:00.000Z",
}


def event(kind, payload, **more):
    told = {"eventType": kind, "payload": payload, "eventTime": "1795600000000", "orgId": "700"}
    return told | more


@pytest.fixture
def desk(acme, outside):
    outside.pages[KEYS] = published(zoho_key())
    known = {"org_id": "700", "webhook_id": "800", "region": "eu"}
    return channel_of(acme, "zoho_desk", credentials=known)


def published(*keys):
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


def told(client, channel, *events, headers=None):
    return post(client, channel, list(events), headers or {"X-ZDesk-JWT": zoho_token()})


def test_a_thread_with_zohos_token_is_read(client, desk, outside):
    assert told(client, desk, event("Ticket_Thread_Add", THREAD)).status_code == 200
    came = read_only()

    assert (came.thread, came.is_ours) == ("231057000000341092", False)
    assert (came.mail.from_name, came.mail.from_email) == ("Dana Whitfield", "dana@example.com")
    assert came.mail.body_text.strip() == "Which pump?"
    assert came.mail.date.isoformat() == "2026-11-25T10:00:00+00:00"
    assert came.mail.notes == ["Files of this message are at Zoho Desk: plan.pdf."]
    assert outside.asked == ["https://desk.zoho.eu/.well-known/jwks.json"]


def test_a_ticket_is_its_first_thread_and_is_told_once(client, desk):
    first = told(client, desk, event("Ticket_Add", TICKET))
    again = told(client, desk, event("Ticket_Thread_Add", THREAD))

    assert again.json == first.json | {"status": "duplicate"}
    came = read_only()
    assert (came.thread, came.mail.subject) == ("231057000000341092", "Which pump?")
    assert (came.mail.from_name, came.mail.from_email) == ("Dana Whitfield", "dana@example.com")


def test_an_answer_of_an_agent_is_ours(client, desk):
    answer = THREAD | {"direction": "out", "author": {"name": "Ada", "type": "AGENT"}}
    told(client, desk, event("Ticket_Thread_Add", answer))

    assert read_only().is_ours


def test_an_answer_that_we_sent_comes_back_as_nothing(client, ada, desk):
    delivery = make_delivery(ada, channel=desk)
    delivery.provider_id = THREAD["id"]
    db.session.commit()
    told(client, desk, event("Ticket_Thread_Add", THREAD | {"direction": "out"}))

    assert read_only() == incoming.Incoming(thread=THREAD["ticketId"])


def test_several_events_in_one_call_are_read_one_by_one(client, desk):
    second = THREAD | {"id": "2", "content": "And when?", "contentType": "plainText"}
    answer = told(
        client,
        desk,
        event("Ticket_Thread_Add", THREAD),
        event("Ticket_Thread_Add", second),
        event("Ticket_Update", {"id": "1", "statusType": "Closed"}, prevState={}),
        event("Contact_Add", {"id": "9"}),
        {},
    )
    assert answer.json["status"] == "accepted"
    assert len(stored()) == 5

    came = [incoming.read(each) for each in stored()[:4]]
    assert [each.mail and each.mail.body_text.strip() for each in came] == [
        "Which pump?",
        "And when?",
        None,
        None,
    ]
    assert came[2].closes is True
    with pytest.raises(incoming.guard.Unreadable):
        incoming.read(stored()[4])


@pytest.mark.parametrize(
    ("before", "now", "closes"),
    [
        ("Open", "Closed", True),
        ("Closed", "Open", False),
        ("Open", "Open", None),
        ("", "", None),
    ],
)
def test_a_status_that_changes_closes_or_opens(client, desk, before, now, closes):
    update = {"id": "5", "statusType": now}
    told(client, desk, event("Ticket_Update", update, prevState={"statusType": before}))

    assert (read_only().thread, read_only().closes) == ("5", closes)


@pytest.mark.parametrize("is_public", [True, False])
def test_a_comment_is_a_message_when_it_is_public(client, desk, is_public):
    comment = {
        "id": "7",
        "ticketId": "5",
        "content": "Any news?",
        "contentType": "plainText",
        "isPublic": is_public,
        "commenter": {"name": "Dana", "email": "dana@example.com", "type": "END_USER"},
    }
    told(client, desk, event("Ticket_Comment_Add", comment))

    assert (read_only().mail is not None) == is_public


def wrong_tokens():
    moment = int(clock.now().timestamp())
    return {
        "of another key": zoho_token(key=OTHER_KEY),
        "of another organisation": zoho_token(iss="orgId:701"),
        "for another webhook": zoho_token(aud="webhookId:801"),
        "out of date": zoho_token(exp=moment - 360),
        "old and without an end": zoho_token(exp=None, iat=moment - 360),
        "without any time": zoho_token(exp=None, iat=None),
        "with a secret for a key": zoho_token(key=OctKey.generate_key(256), algorithm="HS256"),
        "no token": "a.b.c",
        "empty": "",
    }


OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})


@pytest.mark.parametrize("case", wrong_tokens())
def test_another_token_is_refused(client, desk, outside, case):
    headers = {"X-ZDesk-JWT": wrong_tokens()[case]}
    answer = told(client, desk, event("Ticket_Thread_Add", THREAD), headers=headers)

    assert (answer.status_code, stored()) == (401, [])
    assert len(outside.asked) <= 1  # whatever strangers send, Zoho is not asked all the time


def test_a_token_without_a_signature_is_refused(client, desk):
    head, payload, _ = zoho_token().split(".")
    for token in (f"{head}.{payload}.", f"eyJhbGciOiJub25lIn0.{payload}."):
        answer = told(client, desk, {}, headers={"X-ZDesk-JWT": token})
        assert answer.status_code == 401


def test_keys_that_cannot_be_read_are_asked_for_again(client, desk, outside):
    for page in (None, b"no keys", b'{"keys": 5}'):
        outside.pages[KEYS] = page
        assert told(client, desk, event("Ticket_Thread_Add", THREAD)).status_code == 503

    outside.pages[KEYS] = published(zoho_key())
    assert told(client, desk, event("Ticket_Thread_Add", THREAD)).status_code == 200


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"org_id": "700"},
        {"webhook_id": "800"},
        {"org_id": "700", "webhook_id": "800", "region": "evil.example"},
    ],
)
def test_a_token_counts_for_a_known_webhook_alone(client, acme, outside, known):
    outside.pages[KEYS] = published(zoho_key())
    channel = channel_of(acme, "zoho_desk", credentials=known)

    assert told(client, channel, {}).status_code == 401
    assert outside.asked == []


# Zoho Mail

MAIL = {
    "summary": "Which pump?",
    "sentDateInGMT": 1795600000000,
    "subject": "Pump &amp; hose",
    "Mode": 0,
    "messageId": 1752872797290124300,
    "toAddress": "&quot;Acme&quot;&lt;support@acme.example&gt;",
    "folderId": 401862000000008000,
    "zuid": 860646111,
    "ccAddress": "Not Provided",
    "size": 1190,
    "sender": "Dana Whitfield",
    "receivedTime": 1795600001000,
    "fromAddress": "dana@example.com",
    "html": "<div>Which <b>pump</b>?</div>",
    "hasAttachment": "1",
}
HOOK = "a-secret-that-zoho-made-up"


@pytest.fixture
def mailbox(acme):
    return channel_of(acme, "zoho_mail")


def signed(secret, posted=MAIL):
    return {"X-Hook-Signature": in_base64(secret, json.dumps(posted).encode())}


def test_a_mail_is_read_as_far_as_zoho_tells_it(client, mailbox):
    assert post(client, mailbox, MAIL, signed(SECRET)).status_code == 200
    mail = read_only().mail

    assert (mail.from_name, mail.from_email) == ("Dana Whitfield", "dana@example.com")
    assert (mail.subject, mail.body_text.strip()) == ("Pump & hose", "Which pump?")
    assert (mail.to, mail.cc) == ([["Acme", "support@acme.example"]], [])
    assert mail.date.timestamp() == 1795600000
    assert mail.notes == ["Files of this mail are at Zoho Mail."]


def test_a_mail_without_html_is_its_summary(client, mailbox):
    posted = {k: v for k, v in MAIL.items() if k not in {"html", "hasAttachment"}}
    post(client, mailbox, posted, basic())

    assert read_only().mail.body_text == "Which pump?"
    assert read_only().mail.notes == ["Zoho Mail has told the beginning of this mail alone."]


def test_a_new_channel_learns_zohos_secret_once(client, mailbox):
    assert post(client, mailbox, {}, {"X-Hook-Secret": HOOK}).status_code == 200
    assert stored() == []
    assert post(client, mailbox, MAIL, signed(HOOK)).json["status"] == "accepted"

    assert post(client, mailbox, {}, {"X-Hook-Secret": HOOK}).status_code == 200
    assert post(client, mailbox, {}, {"X-Hook-Secret": HOOK + "2"}).status_code == 401
    assert post(client, mailbox, MAIL, signed(HOOK + "2")).status_code == 401


def test_an_older_channel_learns_none(client, mailbox, monkeypatch):
    monkeypatch.setattr(zoho_mail, "SHAKE_HANDS_WITHIN", timedelta(0))

    assert post(client, mailbox, {}, {"X-Hook-Secret": HOOK}).status_code == 401
    db.session.expire_all()
    assert "only an admin can enter" in db.session.get_one(Channel, mailbox.id).last_error
    assert post(client, mailbox, MAIL, signed(HOOK)).status_code == 401


def test_a_secret_that_could_be_guessed_is_not_learned(client, mailbox):
    for offered in ("short", "with blanks in it and more", ""):
        assert post(client, mailbox, {}, {"X-Hook-Secret": offered}).status_code == 401

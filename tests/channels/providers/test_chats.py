"""Intercom, Slack, Shopify and our own JSON, as their documentation shows them."""

import json
from datetime import timedelta

import pytest

from ally import clock
from ally.channels import incoming
from ally.channels.models import Channel
from ally.db import db
from tests.channels.outgoing import make_delivery
from tests.channels.providers.posting import (
    basic,
    channel_of,
    intercom_signed,
    post,
    read_only,
    shopify_signed,
    slack_signed,
    stored,
)

# Intercom

USER = {"type": "user", "id": "5310", "name": "Dana Whitfield", "email": "dana@example.com"}
ADMIN = {"type": "admin", "id": "814", "name": "Ada", "email": "ada@acme.example"}


def notified(topic, **item):
    return {
        "type": "notification_event",
        "app_id": "abc",
        "id": "notif_6f6b5e30-4b3e",
        "topic": topic,
        "created_at": 1795600000,
        "data": {
            "type": "notification_event_data",
            "item": {"type": "conversation", "id": "1911149811", "created_at": 1795599000} | item,
        },
    }


def part(author, body, part_type="comment", id_="269650473"):
    said = {
        "type": "conversation_part",
        "id": id_,
        "part_type": part_type,
        "body": body,
        "created_at": 1795600000,
        "author": author,
        "attachments": [],
    }
    return {"type": "conversation_part.list", "conversation_parts": [said], "total_count": 1}


@pytest.fixture
def intercom(acme):
    return channel_of(acme, "intercom")


def tell_intercom(client, channel, posted):
    body = json.dumps(posted).encode()
    answer = post(client, channel, body, intercom_signed(body))
    assert answer.status_code == 200
    return incoming.read(stored()[-1])


def test_a_new_conversation_is_read(client, intercom):
    source = {
        "type": "conversation",
        "id": "403918330",
        "subject": "<p>Which &amp; when</p>",
        "body": "<p>Which pump?<script>x</script></p>",
        "author": USER,
        "attachments": [{"type": "upload", "name": "plan.pdf", "url": "https://x.example/1"}],
    }
    came = tell_intercom(client, intercom, notified("conversation.user.created", source=source))

    assert (came.thread, came.is_ours, came.closes) == ("1911149811", False, None)
    assert (came.mail.from_name, came.mail.from_email) == ("Dana Whitfield", "dana@example.com")
    assert (came.mail.subject, came.mail.body_text.strip()) == ("Which & when", "Which pump?")
    assert "script" not in came.mail.body_html
    assert came.mail.message_id == "intercom:403918330"
    assert came.mail.notes == ["Files of this message are at Intercom: plan.pdf."]
    assert not came.mail.is_automatic


def test_a_reply_is_the_newest_part(client, intercom):
    parts = part(USER, "<p>And when?</p>")
    parts["conversation_parts"].insert(0, part(USER, "<p>old</p>")["conversation_parts"][0])
    came = tell_intercom(
        client, intercom, notified("conversation.user.replied", conversation_parts=parts)
    )

    assert (came.mail.body_text.strip(), came.is_ours) == ("And when?", False)
    assert came.mail.date.timestamp() == 1795600000


def test_a_colleagues_reply_is_ours(client, intercom):
    parts = part(ADMIN, "<p>On Friday.</p>")
    came = tell_intercom(
        client, intercom, notified("conversation.admin.replied", conversation_parts=parts)
    )

    assert (came.mail.body_text.strip(), came.is_ours) == ("On Friday.", True)


def test_an_answer_that_we_sent_comes_back_as_nothing(client, ada, intercom):
    delivery = make_delivery(ada, channel=intercom)
    delivery.provider_id = "269650473"
    db.session.commit()

    for id_, comes in (("269650473", False), ("269650474", True)):
        parts = part(ADMIN, "<p>On Friday.</p>", id_=id_)
        posted = notified("conversation.admin.replied", conversation_parts=parts)
        came = tell_intercom(client, intercom, posted | {"id": id_})
        assert (came.mail is not None) == comes


@pytest.mark.parametrize(("word", "closes"), [("closed", True), ("opened", False)])
def test_a_conversation_is_closed_and_opened(client, intercom, word, closes):
    parts = part(ADMIN, None, part_type="close")
    posted = notified(f"conversation.admin.{word}", conversation_parts=parts)
    came = tell_intercom(client, intercom, posted)

    assert came == incoming.Incoming(thread="1911149811", closes=closes)


@pytest.mark.parametrize(
    "posted",
    [
        {"type": "notification_event", "topic": "ping", "id": None, "data": {"item": {}}},
        {"topic": "conversation.user.created", "data": 5},
        notified("conversation.user.replied", conversation_parts={"conversation_parts": 5}),
        notified("conversation.admin.noted", conversation_parts=part(ADMIN, "<p>secret</p>")),
        notified("conversation.user.replied", conversation_parts=part(USER, "x", "note")),
    ],
)
def test_what_is_no_message_of_intercom_says_nothing(client, intercom, posted):
    assert tell_intercom(client, intercom, posted).mail is None


# Slack


def said(**event):
    told = {"type": "message", "channel": "C024", "user": "U2147", "text": "Which pump?"}
    return {
        "token": "ZZZ",
        "team_id": "T061",
        "api_app_id": "A0FF",
        "type": "event_callback",
        "event_id": "Ev9UQ52YNA",
        "event_time": 1795600000,
        "event": told | {"ts": "1795600000.000200"} | event,
    }


@pytest.fixture
def slack(acme):
    return channel_of(acme, "slack")


def tell_slack(client, channel, posted, **headers):
    body = json.dumps(posted).encode()
    return post(client, channel, body, slack_signed(body) | headers)


def test_a_message_of_slack_is_read(client, slack):
    text = "See <https://example.com/a?b=1&amp;c|the page>, <@U99> &lt;3 <https://example.com>"
    assert tell_slack(client, slack, said(text=text)).status_code == 200
    came = read_only()

    assert came.thread == "C024:1795600000.000200"
    assert (came.mail.from_name, came.mail.from_email) == ("U2147", None)
    assert came.mail.body_text == (
        "See the page (https://example.com/a?b=1&c), @U99 <3 https://example.com"
    )
    assert came.mail.message_id == "slack:C024:1795600000.000200"
    assert came.mail.date.timestamp() == pytest.approx(1795600000.0002)


def test_an_answer_in_a_thread_names_its_thread(client, slack):
    tell_slack(client, slack, said(thread_ts="1795500000.000100"))

    assert read_only().thread == "C024:1795500000.000100"


def test_the_challenge_is_answered_when_it_is_signed(client, slack):
    posted = {"token": "Z", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY", "type": "url_verification"}

    assert tell_slack(client, slack, posted).json == {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY"}
    assert post(client, slack, posted).status_code == 401
    assert stored() == []


def test_a_retry_is_a_duplicate(client, slack):
    tell_slack(client, slack, said())
    again = tell_slack(client, slack, said(), **{"X-Slack-Retry-Num": "1"})

    assert again.json["status"] == "duplicate"


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B1"},
        {"app_id": "A0FF"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"type": "reaction_added"},
        {"user": None},
        {"channel": {"id": "C024"}},
        {"ts": 5},
    ],
)
def test_programs_and_changes_of_slack_say_nothing(client, slack, event):
    tell_slack(client, slack, said(**event))

    assert read_only() == incoming.Incoming()


def test_files_of_slack_are_named(client, slack):
    tell_slack(client, slack, said(subtype="file_share", files=[{"name": "plan.pdf"}, {}]))

    assert read_only().mail.notes == [
        "Files of this message are at Slack: plan.pdf, a file without a name."
    ]


@pytest.mark.parametrize(("team", "is_ours"), [("T061", True), ("T999", False)])
def test_in_a_shared_channel_our_workspace_speaks_for_us(client, slack, team, is_ours):
    tell_slack(client, slack, said(user_team=team) | {"is_ext_shared_channel": True})

    assert read_only().is_ours is is_ours


# Shopify

ORDER = {
    "id": 820982911946154508,
    "name": "#9999",
    "note": "Please ring the bell twice.",
    "email": "jon@example.com",
    "created_at": "2026-11-25T05:00:00-05:00",
    "customer": {"first_name": "Jon", "last_name": "Doe", "email": "jon.doe@example.com"},
}


@pytest.fixture
def shop(acme):
    return channel_of(acme, "shopify")


def tell_shopify(client, channel, posted=ORDER, **headers):
    body = json.dumps(posted).encode()
    named = {f"X-Shopify-{name.replace('_', '-')}": value for name, value in headers.items()}
    return post(client, channel, body, shopify_signed(body) | named)


def test_a_note_on_an_order_is_a_message(client, shop):
    assert tell_shopify(client, shop).status_code == 200
    came = read_only()

    assert came.thread == "order:820982911946154508"
    assert (came.mail.from_name, came.mail.from_email) == ("Jon Doe", "jon.doe@example.com")
    assert (came.mail.subject, came.mail.body_text) == (
        "Note on order #9999",
        "Please ring the bell twice.",
    )


def test_the_same_note_of_a_changed_order_is_the_same_message(client, shop):
    tell_shopify(client, shop)
    tell_shopify(client, shop, ORDER | {"total": 5}, Webhook_Id="two", Topic="orders/updated")
    first, second = (incoming.read(event).mail for event in stored())

    assert first == second


@pytest.mark.parametrize("posted", [ORDER | {"note": None}, ORDER | {"note": " "}])
def test_an_order_without_a_note_says_nothing(client, shop, posted):
    tell_shopify(client, shop, posted)

    assert read_only() == incoming.Incoming()


def test_other_topics_are_stored_and_say_nothing(client, shop):
    tell_shopify(client, shop, Topic="products/update")

    assert read_only() == incoming.Incoming()
    assert stored()[0].payload["topic"] == "products/update"


def test_shopifys_retries_come_in_and_what_is_older_does_not(client, shop):
    def at(**ago):
        moment = (clock.now() - timedelta(**ago)).isoformat()
        return tell_shopify(client, shop, Triggered_At=moment).status_code

    assert (at(hours=4), at(hours=6), at(minutes=-6)) == (200, 401, 401)
    assert tell_shopify(client, shop, Triggered_At="NaN").status_code == 401


def test_an_event_of_shopify_is_known_by_its_id(client, shop):
    first = tell_shopify(client, shop)
    again = tell_shopify(client, shop, ORDER | {"total": 5})

    assert again.json == first.json | {"status": "duplicate"}


# Our own JSON

POSTED = {
    "external_id": "m-1",
    "thread": "t-1",
    "author": {"name": "Dana", "email": "dana@example.com"},
    "subject": "Pump",
    "text": "Which one?",
    "html": "<p>Which <b>one</b>?<script>x</script></p>",
    "sent_at": "2026-11-25T10:00:00+01:00",
}


@pytest.fixture
def plain(acme):
    return channel_of(acme, "json")


def test_a_plain_message_is_read(client, plain):
    answer = post(client, plain, POSTED, basic())
    assert answer.status_code == 202
    came = read_only()

    assert (came.thread, came.is_ours, came.mail.message_id) == ("t-1", False, "m-1")
    assert (came.mail.from_name, came.mail.from_email) == ("Dana", "dana@example.com")
    assert (came.mail.subject, came.mail.body_text) == ("Pump", "Which one?")
    assert came.mail.body_html == "<p>Which <b>one</b>?</p>"
    assert came.mail.date.isoformat() == "2026-11-25T09:00:00+00:00"


def test_a_name_of_a_thread_is_one_that_can_be_stored(client, plain):
    post(client, plain, POSTED | {"thread": "a\0" + "😀" * 450}, basic())

    assert read_only().thread == "a\ufffd" + "😀" * 398


def test_a_plain_message_of_a_colleague_is_ours(client, plain):
    post(client, plain, POSTED | {"direction": "outbound"}, basic())

    assert read_only().is_ours


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"text": ""}, "text"),
        ({"author": {"email": "nobody"}}, "author.email"),
        ({"author": None}, "author"),
        ({"external_id": 5}, "external_id"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"more": 1}, "more"),
        ({"subject": "a\r\nBcc: b"}, "subject"),
    ],
)
def test_a_plain_message_that_is_wrong_says_where(client, plain, changes, where):
    answer = post(client, plain, POSTED | changes, basic())

    assert answer.status_code == 422
    assert answer.json["error"].startswith(f"{where}: ")
    assert stored() == []


# What all of them share


def test_what_goes_well_clears_the_trouble_that_was_before(client, plain):
    post(client, plain, POSTED)
    db.session.expire_all()
    assert db.session.get_one(Channel, plain.id).last_error is not None

    post(client, plain, POSTED, basic())
    incoming.read(stored()[0])
    db.session.expire_all()
    assert db.session.get_one(Channel, plain.id).last_error is None


def test_what_went_well_before_the_trouble_clears_nothing(client, plain):
    post(client, plain, POSTED, basic())
    post(client, plain, POSTED)
    incoming.read(stored()[0])
    db.session.expire_all()

    assert db.session.get_one(Channel, plain.id).last_error is not None

"""Postmark's payloads as its documentation shows them."""

import pytest

from ally.channels import incoming
from tests.channels.providers.posting import (
    MAIL,
    basic,
    channel_of,
    post,
    read_only,
    stored,
)

INBOUND = {
    "FromFull": {"Email": "dana@example.com", "Name": 'Dana "D" Whitfield', "MailboxHash": ""},
    "ToFull": [{"Email": "support@acme.example", "Name": "Acme, support", "MailboxHash": ""}],
    "CcFull": [],
    "OriginalRecipient": "support+abc@inbound.example",
    "Subject": "Which pump?",
    "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
    "Date": "Wed, 25 Nov 2026 10:00:00 +0100",
    "TextBody": "For 450 hp?\n\nOn Tuesday, Acme wrote:\n> Which one\n",
    "HtmlBody": "<p onclick=x>For <b>450</b> hp?<script>alert(1)</script></p>",
    "StrippedTextReply": "",
    "Headers": [
        {"Name": "Message-ID", "Value": "<one@example.com>"},
        {"Name": "In-Reply-To", "Value": "<asked@acme.example>"},
        {"Name": "Auto-Submitted", "Value": "auto-replied"},
    ],
    "Attachments": [
        {
            "Name": "prüfung.txt",
            "Content": "dGVzdA==",
            "ContentType": "text/plain",
            "ContentLength": 4,
        }
    ],
}


@pytest.fixture
def channel(acme):
    return channel_of(acme, "postmark")


def test_a_mail_in_pieces_reads_like_a_whole_one(client, channel):
    assert post(client, channel, INBOUND, basic()).status_code == 200
    mail = read_only().mail

    assert (mail.from_name, mail.from_email) == ('Dana "D" Whitfield', "dana@example.com")
    assert mail.to == [["Acme, support", "support@acme.example"]]
    assert mail.subject == "Which pump?"
    assert mail.message_id == "one@example.com"
    assert mail.in_reply_to == ["asked@acme.example"]
    assert mail.reply_text == "For 450 hp?"
    assert "script" not in mail.body_html
    assert "<b>450</b>" in mail.body_html
    assert mail.is_automatic
    assert "support+abc@inbound.example" in mail.delivered_to
    assert [(f.file_name, f.content) for f in mail.attachments] == [("prüfung.txt", b"test")]


def test_a_name_cannot_add_an_address_or_a_header(client, channel):
    name = 'Dana" <evil@example.com>,\r\nBcc: evil@example.com\r\n\r\n"'
    sender = {"FromFull": {"Email": "dana@example.com", "Name": name}, "MessageID": "two"}
    post(client, channel, sender, basic())
    mail = read_only().mail

    assert mail.from_email == "dana@example.com"
    assert mail.body_text == ""


def test_the_mail_as_it_was_sent_is_read_where_it_comes_along(client, channel):
    post(client, channel, INBOUND | {"RawEmail": MAIL.decode()}, basic())
    mail = read_only().mail

    assert (mail.subject, mail.body_text, mail.attachments) == ("Pump", "Which one?", [])


def test_a_mail_is_known_by_postmarks_id(client, channel):
    first = post(client, channel, INBOUND, basic())
    again = post(client, channel, INBOUND | {"Tag": "sent again"}, basic())

    assert again.json == first.json | {"status": "duplicate"}
    assert len(stored()) == 1


def test_an_id_inside_of_a_text_is_none(client, channel):
    for subject in ("one", "two"):
        said = {"Subject": subject, "TextBody": '{"MessageID": "a"}, "MessageID": "a"'}
        post(client, channel, said, basic())

    assert len(stored()) == 2


def test_each_press_of_the_test_button_is_taken(client, channel):
    for minute in (1, 2):
        test = INBOUND | {
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "Date": f"Fri, 5 May 2023 17:0{minute}:33 -0400",
        }
        assert post(client, channel, test, basic()).json["status"] == "accepted"


BOUNCE = {
    "RecordType": "Bounce",
    "ID": 42,
    "Type": "HardBounce",
    "TypeCode": 1,
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message.",
    "Details": "smtp;550 5.1.1 no such user",
    "Email": "john@example.com",
    "BouncedAt": "2026-11-25T13:28:10.2735393-04:00",
    "Inactive": True,
}


def told(**changes):
    return {k: v for k, v in (BOUNCE | changes).items() if v is not None}


REPORTS = {
    "hard": (told(), ("bounced", True)),
    "soft": (told(Type="SoftBounce"), ("bounced", False)),
    "on its way": (told(Type="Transient"), ("delayed", False)),
    "complaint": (told(RecordType="SpamComplaint", Type="SpamComplaint"), ("complained", False)),
    "delivered": (
        told(RecordType="Delivery", Type=None, ID=None, Recipient="john@example.com"),
        ("delivered", False),
    ),
    "opened": (
        told(RecordType="Open", Type=None, ID=None, Recipient="john@example.com"),
        ("opened", False),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_what_became_of_a_mail(client, channel, name):
    posted, (kind, is_permanent) = REPORTS[name]
    assert post(client, channel, posted, basic()).status_code == 200

    (event,) = stored()
    (found,) = incoming.read(event).reports
    assert event.type == "report"
    assert (found.kind, found.is_permanent) == (kind, is_permanent)
    assert found.provider_id == "883953f4-6105-42a2-a16a-77a8eac79483"
    assert found.recipient == "john@example.com"
    assert found.at.isoformat() == "2026-11-25T17:28:10.273539+00:00"


@pytest.mark.parametrize("changes", [{"Type": "AutoResponder"}, {"RecordType": "Click"}])
def test_what_is_no_failure_is_no_report(client, channel, changes):
    post(client, channel, told(**changes), basic())

    assert read_only() == incoming.Incoming()


def test_two_bounces_of_one_mail_are_two(client, channel):
    for number in (1, 2):
        post(client, channel, told(ID=number), basic())

    assert len(stored()) == 2


def test_a_long_or_odd_id_of_a_report_is_kept_short(client, channel):
    post(client, channel, told(ID={"a": "ü" * 5000}), basic())

    assert len(stored()[0].idempotency_key) < 200

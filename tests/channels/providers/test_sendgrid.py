"""SendGrid's forms and events as its documentation shows them."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ally import clock
from ally.channels import incoming
from tests.channels.providers.posting import (
    FORM,
    MAIL,
    basic,
    channel_of,
    multipart,
    post,
    public_key,
    read_only,
    sendgrid_key,
    sendgrid_signed,
    stored,
)

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
PARSED = {
    "headers": "From: Dana <dana@example.com>\nTo: support@acme.example\n"
    "Message-ID: <one@example.com>\nReferences: <a@b>\n\t<c@d>\nSubject: Which pump?\n",
    "text": "For 450 hp?",
    "html": "<p>For 450 hp?</p>",
    "charsets": '{"text":"utf-8","html":"utf-8"}',
    "envelope": '{"to":["support@acme.example"],"from":"bounce@example.com"}',
    "SPF": "pass",
    "dkim": "{@example.com : pass}",
    "spam_score": "6.2",
}


@pytest.fixture
def channel(acme):
    keys = f"{public_key(OTHER_KEY)} {public_key(sendgrid_key())}"
    return channel_of(acme, "sendgrid", credentials={"public_key": keys})


def form(client, channel, fields=PARSED, files=(), headers=None, boundary="x" * 20):
    body = multipart(fields, files, boundary)
    kind = f"multipart/form-data; boundary={boundary}"
    return post(client, channel, body, headers or sendgrid_signed(body), content_type=kind)


def test_a_signed_form_is_read(client, channel):
    files = [("attachment1", "a.txt", "text/plain; charset=utf-8", b"one")]
    assert form(client, channel, files=files).status_code == 200
    mail = read_only().mail

    assert (mail.from_email, mail.subject) == ("dana@example.com", "Which pump?")
    assert mail.references == ["a@b", "c@d"]
    assert (mail.envelope_from, mail.delivered_to) == (
        "bounce@example.com",
        ["support@acme.example"],
    )
    assert [file.file_name for file in mail.attachments] == ["a.txt"]
    assert [(v.method, v.result, v.domain) for v in mail.verdicts if v.by == "SendGrid"] == [
        ("spf", "pass", ""),
        ("dkim", "pass", "example.com"),
        ("spam", "yes", ""),
    ]


def test_a_raw_mail_is_read(client, channel):
    form(client, channel, {"email": MAIL, "envelope": PARSED["envelope"], "headers": "x: y"})
    mail = read_only().mail

    assert (mail.subject, mail.body_text) == ("Pump", "Which one?")
    assert mail.delivered_to == ["support@acme.example"]


def test_each_field_is_in_a_charset_of_its_own(client, channel):
    fields = {
        "from": "Ольга <olga@example.com>".encode("koi8-r"),
        "subject": "Größe".encode("iso-8859-15"),
        "text": "価格は？".encode("shift_jis"),
        "charsets": '{"from": "KOI8-R", "subject": "ISO-8859-15", "text": "Shift_JIS"}',
    }
    form(client, channel, fields)
    mail = read_only().mail

    assert (mail.from_name, mail.from_email) == ("Ольга", "olga@example.com")
    assert (mail.subject, mail.body_text) == ("Größe", "価格は？")


@pytest.mark.parametrize(
    "fields",
    [
        {"charsets": "[1]", "envelope": "x", "attachment-info": "{", "text": b"\xff\x00"},
        {"charsets": '{"text": "rot13"}', "text": "a", "envelope": '{"to": 1, "from": [2]}'},
        {"charsets": '{"text": 5}', "headers": "\x00", "text": "", "spam_score": "NaN"},
        {},
    ],
)
def test_odd_fields_break_nothing(client, channel, fields):
    form(client, channel, fields)

    assert read_only().mail is not None


def test_the_same_form_is_known_and_another_is_not(client, channel):
    first = form(client, channel)
    assert form(client, channel).json == first.json | {"status": "duplicate"}
    assert form(client, channel, PARSED | {"text": "?"}).json["status"] == "accepted"


def test_the_secret_stands_for_a_signature(client, acme):
    channel = channel_of(acme, "sendgrid")

    assert form(client, channel, headers=basic()).status_code == 200


def wrong(body):
    right = sendgrid_signed(body)
    name = "X-Twilio-Email-Event-Webhook-Signature"
    moment = int(clock.now().timestamp())
    return {
        "of another body": sendgrid_signed(body + b"x"),
        "of another key": sendgrid_signed(body, key=ec.generate_private_key(ec.SECP256R1())),
        "of another moment": right | {"X-Twilio-Email-Event-Webhook-Timestamp": str(moment - 1)},
        "old": sendgrid_signed(body, moment=str(moment - 360)),
        "early": sendgrid_signed(body, moment=str(moment + 360)),
        "text for a time": sendgrid_signed(body, moment="now"),
        "beyond 64 bits": sendgrid_signed(body, moment=str(2**63)),
        "no number": sendgrid_signed(body, moment="NaN"),
        "no time": {name: right[name]},
        "no base64": right | {name: "!!!"},
        "no signature": right | {name: ""},
        "an empty one": right | {name: "MAA="},
        "twice": [*right.items(), (name, right[name])],
    }


@pytest.mark.parametrize("case", wrong(b""))
def test_another_signature_is_refused(client, channel, case):
    body = multipart(PARSED)
    answer = post(client, channel, body, wrong(body)[case], content_type=FORM)

    assert (answer.status_code, stored()) == (401, [])


@pytest.mark.parametrize("key", ["", "no key", "MAA=", 5])
def test_without_a_proper_key_no_signature_counts(client, acme, key):
    channel = channel_of(acme, "sendgrid", credentials={"public_key": key})

    assert form(client, channel).status_code == 401


EVENTS = [
    {
        "email": "example@test.com",
        "timestamp": 1795600000,
        "smtp-id": "<our-id@acme.example>",
        "event": word,
        "sg_event_id": f"{word}-id",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648",
        **more,
    }
    for word, more in [
        ("processed", {}),
        ("delivered", {"response": "250 OK"}),
        ("deferred", {"response": "400 try again later"}),
        ("bounce", {"reason": "550 unknown", "type": "bounce"}),
        ("bounce", {"reason": "421 slow down", "type": "blocked"}),
        ("dropped", {"reason": "Bounced Address"}),
        ("spamreport", {}),
        ("open", {}),
        ("click", {}),
    ]
]


def test_events_say_what_became_of_mails(client, channel):
    body = json.dumps(EVENTS).encode()
    assert post(client, channel, body, sendgrid_signed(body)).status_code == 200

    found = read_only().reports
    assert [(each.kind, each.is_permanent, each.detail) for each in found] == [
        ("delivered", False, "250 OK"),
        ("delayed", False, "400 try again later"),
        ("bounced", True, "550 unknown"),
        ("bounced", False, "421 slow down"),
        ("bounced", True, "Bounced Address"),
        ("complained", False, ""),
        ("opened", False, ""),
    ]
    assert {each.rfc_message_id for each in found} == {"our-id@acme.example"}
    assert {each.provider_id for each in found} == {"14c5d75ce93"}
    assert stored()[0].type == "report"


def test_events_of_odd_shapes_break_nothing(client, channel):
    body = b'[1, null, {"event": []}, {"event": "open", "timestamp": 1e999, "email": 5}]'
    post(client, channel, body, sendgrid_signed(body))
    (found,) = read_only().reports

    assert (found.at, found.recipient) == (stored()[0].ts, None)


def test_events_that_are_no_list_are_quarantined_by_their_reader(client, channel):
    post(client, channel, {"event": "open"}, basic())

    with pytest.raises(incoming.guard.Unreadable, match="not a JSON list"):
        read_only()

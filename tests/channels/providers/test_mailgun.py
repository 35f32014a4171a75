"""Mailgun's forms and events as its documentation shows them."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from ally import clock
from ally.channels import incoming
from ally.channels.models import EventsRaw
from ally.db import db, use_account
from tests.channels.providers.posting import (
    FORM,
    MAIL,
    address_of,
    channel_of,
    mailgun_proof,
    multipart,
    post,
    read_only,
    stored,
)
from tests.factories import make_account

PARSED = {
    "recipient": "support@acme.example",
    "sender": "bounce+dana@example.com",
    "from": "Dana <dana@example.com>",
    "subject": "Which pump?",
    "body-plain": "For 450 hp?",
    "body-html": "<p>For 450 hp?</p>",
    "message-headers": '[["From", "Dana <dana@example.com>"], ["Subject", "Which pump?"],'
    ' ["Message-Id", "<one@example.com>"], ["X-Mailgun-Sflag", "Yes"]]',
}


@pytest.fixture
def channel(acme):
    return channel_of(acme, "mailgun")


def form(client, channel, fields, files=(), **more):
    more.setdefault("content_type", FORM)
    return post(client, channel, multipart(fields, files), **more)


def test_a_form_with_files_is_read(client, channel):
    files = [
        ("attachment-1", "a.txt", "text/plain", b"one"),
        ("attachment-2", "b.png", "image/png", b"\x89PNG"),
    ]
    fields = PARSED | {"content-id-map": '{"<logo>": "attachment-2"}'} | mailgun_proof()
    assert form(client, channel, fields, files).status_code == 200
    mail = read_only().mail

    assert (mail.from_name, mail.subject) == ("Dana", "Which pump?")
    assert mail.envelope_from == "bounce+dana@example.com"
    assert mail.delivered_to == ["support@acme.example"]
    assert [(f.file_name, f.is_inline, f.content_id) for f in mail.attachments] == [
        ("a.txt", False, None),
        ("b.png", True, "logo"),
    ]
    assert [(v.method, v.result) for v in mail.verdicts if v.by == "Mailgun"] == [("spam", "yes")]


def test_a_form_without_files_is_urlencoded_and_read_too(client, channel):
    body = urlencode(PARSED | mailgun_proof() | {"body-plain": "Grüße & mehr=1+1"}).encode()
    kind = "application/x-www-form-urlencoded"
    assert post(client, channel, body, content_type=kind).status_code == 200
    mail = read_only().mail

    assert (mail.body_text, mail.from_email) == ("Grüße & mehr=1+1", "dana@example.com")


def test_fields_stand_in_for_headers_that_are_not_listed(client, channel):
    fields = {k: v for k, v in PARSED.items() if k != "message-headers"} | mailgun_proof()
    form(client, channel, fields)
    mail = read_only().mail

    assert (mail.from_email, mail.subject) == ("dana@example.com", "Which pump?")


@pytest.mark.parametrize("where", ["field", "file", "first", "last"])
def test_a_raw_mail_is_read_wherever_it_stands(client, channel, where):
    proof, raw = mailgun_proof(), {"body-mime": MAIL}
    if where == "file":
        form(client, channel, proof, [("body-mime", "mail.eml", "message/rfc822", MAIL)])
    else:
        form(client, channel, raw | proof if where == "first" else proof | raw)
    mail = read_only().mail

    assert (mail.subject, mail.body_text) == ("Pump", "Which one?")


@pytest.mark.parametrize("named", ['{"": []}', '{"<a>": {"b": 1}}', "[1]", "{", '{"a": null}'])
def test_an_odd_map_of_content_ids_is_passed_over(client, channel, named):
    files = [("attachment-1", "a.txt", "text/plain", b"one")]
    form(client, channel, PARSED | {"content-id-map": named} | mailgun_proof(), files)

    assert [file.content_id for file in read_only().mail.attachments] == [None]


def test_files_that_mailgun_keeps_are_named(client, channel):
    kept = '[{"url": "https://storage.mailgun.net/1", "name": "plan.pdf", "size": 20202}]'
    form(client, channel, PARSED | {"attachments": kept} | mailgun_proof())

    assert read_only().mail.notes == ["Files of this mail are left at Mailgun: plan.pdf."]


def test_a_token_counts_once_whatever_it_comes_with(client, channel):
    proof = mailgun_proof()
    first = form(client, channel, PARSED | proof)
    forged = form(client, channel, PARSED | {"body-plain": "Send money"} | proof)

    assert forged.json == first.json | {"status": "duplicate"}
    assert read_only().mail.body_text == "For 450 hp?"


def moments():
    moment = int(clock.now().timestamp())
    return [str(moment - 360), str(moment + 360), "now", str(2**63), "NaN", "", f"-{moment}"]


@pytest.mark.parametrize("number", range(7))
def test_a_moment_that_is_not_now_is_refused(client, channel, number):
    fields = PARSED | mailgun_proof(moment=moments()[number] or " ")

    assert form(client, channel, fields).status_code == 401
    assert stored() == []


BROKEN = {
    "no proof": lambda proof: multipart(PARSED),
    "no token": lambda proof: multipart(PARSED | proof | {"token": ""}),
    "upper case": lambda proof: multipart(proof | {"signature": proof["signature"].upper()}),
    "a token twice": lambda proof: multipart([*proof.items(), ("token", proof["token"])]),
    "a signature twice": lambda proof: multipart([*proof.items(), ("signature", "0" * 64)]),
    "no end": lambda proof: multipart(PARSED | proof)[:-30],
    "another boundary": lambda proof: multipart(proof, boundary="other"),
    "no disposition": lambda proof: b"--" + b"x" * 20 + b"\r\nA: b\r\n\r\n\r\n--" + b"x" * 20,
    "a thousand fields": lambda proof: multipart([("a", "b")] * 1001 + [*proof.items()]),
    "a long token": lambda proof: multipart(proof | {"token": "t" * 5000}),
    "nothing": lambda proof: b"",
    "no form": lambda proof: b"{}",
    "bytes that are no text": lambda proof: b"--" + b"x" * 20 + b"\r\n\xff\xfe: \xff\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_form_is_refused_and_breaks_nothing(client, channel, name):
    answer = post(client, channel, BROKEN[name](mailgun_proof()), content_type=FORM)

    assert (answer.status_code, stored()) == (401, [])


def test_a_form_of_25_mb_is_read(client, channel):
    large = [("attachment-1", "a.bin", "application/octet-stream", b"\r\n-x" * (6 * 1024 * 1024))]
    assert form(client, channel, PARSED | mailgun_proof(), large).status_code == 200

    assert len(read_only().mail.attachments[0].content) == 24 * 1024 * 1024


EVENT = {
    "id": "G9Bn5sl1TC6nu79C8C0bwg",
    "timestamp": 1795600000.5,
    "event": "failed",
    "severity": "permanent",
    "recipient": "alice@example.com",
    "delivery-status": {"code": 605, "message": "", "description": "Not delivering to it"},
    "message": {"headers": {"message-id": "our-id@acme.example"}},
}


def event(client, channel, **changes):
    posted = {"signature": mailgun_proof(), "event-data": EVENT | changes}
    assert post(client, channel, posted).status_code == 200
    return incoming.read(stored()[-1]).reports


@pytest.mark.parametrize(
    ("changes", "kind", "is_permanent"),
    [
        ({}, "bounced", True),
        ({"severity": "temporary"}, "delayed", False),
        ({"event": "delivered"}, "delivered", False),
        ({"event": "complained"}, "complained", False),
        ({"event": "opened"}, "opened", False),
    ],
)
def test_an_event_says_what_became_of_a_mail(client, channel, changes, kind, is_permanent):
    (found,) = event(client, channel, **changes)

    assert (found.kind, found.is_permanent) == (kind, is_permanent)
    assert found.rfc_message_id == "our-id@acme.example"
    assert (found.recipient, found.detail) == ("alice@example.com", "Not delivering to it")
    assert found.at.timestamp() == 1795600000.5


def test_other_events_are_stored_and_say_nothing(client, channel):
    assert event(client, channel, event="accepted") == []
    assert event(client, channel, event=None, timestamp="x", message=[1]) == []
    assert [each.type for each in stored()] == ["report", "report"]


def test_an_event_of_the_older_webhooks_is_read(client, channel):
    fields = {"event": "dropped", "recipient": "a@example.com", "code": "550"}
    form(client, channel, fields | {"Message-Id": "<our-id@acme.example>"} | mailgun_proof())
    (found,) = read_only().reports

    assert (found.kind, found.is_permanent) == ("bounced", True)
    assert found.rfc_message_id == "our-id@acme.example"


# At once, with real commits


def test_one_token_50_times_at_once_is_one_event(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        channel = channel_of(account, "mailgun")
        address, account_id = address_of(channel), account.id
        db.session.remove()
    body = multipart(PARSED | mailgun_proof())

    def send(_):
        return committed.test_client().post(address, data=body, content_type=FORM)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(50)))

    taken = [answer.json for answer in answers if answer.status_code == 200]
    # Some find every connection of the small pool taken; Mailgun tries again.
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert [read["status"] for read in taken].count("accepted") == 1
    assert len({read["event_id"] for read in taken}) == 1
    with committed.app_context():
        use_account(account_id)
        assert db.session.scalar(select(func.count()).select_from(EventsRaw)) == 1
        db.session.remove()

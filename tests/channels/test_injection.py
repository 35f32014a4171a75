"""What a customer chooses can break no header, and adds no recipient and no second mail.

Looked at where it counts: in the bytes that a mail server has received.
"""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ally.channels import adapters
from ally.channels.adapters import Kind
from ally.channels.mail import headers
from ally.channels.mail.compose import Letter, compose
from ally.channels.smtp import Smtp
from ally.jobs import worker
from ally.review import decisions
from ally.review.digest import seen
from tests.channels.mailserver import mail_server
from tests.factories import make_conversation, make_draft, make_message

LETTER = Letter(
    from_name="Acme",
    from_address="support@acme.example",
    to=[("Dana", "dana@example.com")],
    subject="Hello",
    text="The 255 lph pump is enough.",
    message_id="1@acme.example",
    date=datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
)
FIELDS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
A_WHILE = timedelta(seconds=30)

breaks = st.sampled_from(
    ["\r\n", "\n", "\r", "\r\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x00"]
)
attacks = st.sampled_from(
    [
        "Bcc: spy@example.net",
        " Bcc: spy@example.net",
        "\tX: y",
        ".",
        "\r\n.\r\nMAIL FROM:<spy@example.net>",
        "=?utf-8?q?=0D=0ABcc:_spy@example.net?=",
        "=?utf-8?b?DQpCY2M6IHNweUBleGFtcGxlLm5ldA==?=",
        "=?utf-7?q?+AA0ACg-Bcc:?=",
        '", <spy@example.net>, "',
        "spy@example.net>",
        "--=_",
        "Re: ",
    ]
)
hostile = st.lists(breaks | attacks | st.text(max_size=20), max_size=8).map("".join)


@pytest.fixture(scope="module")
def mails():
    with mail_server() as mails:
        yield mails


@settings(max_examples=150, deadline=None)
@given(subject=hostile, name=hostile, ours=hostile, text=hostile)
@example("a\r\nBcc: spy@example.net", '", <spy@x>, "', "\x85Bcc: x", "\r\n.\r\nRSET\r\n")
@example("=?utf-8?b?DQpCY2M6IHNweUBleGFtcGxlLm5ldA==?=", "\u2028\u2029", "", ".")
def test_the_bytes_on_the_wire_hold_one_mail_with_our_headers(mails, subject, name, ours, text):
    mails.accepted.clear()
    mails.told.clear()
    letter = replace(
        LETTER, subject=subject, to=[(name, "dana@example.com")], from_name=ours, text=text
    )

    outcome = Smtp(mails.url).send(
        letter.from_address, letter.recipients, compose(letter), within=A_WHILE
    )

    assert outcome.kind is Kind.ACCEPTED
    ((sender, recipients, raw),) = mails.accepted
    assert (sender, recipients) == ("support@acme.example", ["dana@example.com"])
    assert [verb for verb, *_ in mails.told] == ["MAIL", "RCPT"]
    assert_has_only_our_headers(raw)


def assert_has_only_our_headers(raw, fields=FIELDS):
    """By the standard's readers, and by one that ends lines wherever Unicode does."""
    head = raw.split(b"\r\n\r\n", 1)[0]
    for policy in (email.policy.compat32, email.policy.default):
        mail = email.message_from_bytes(raw, policy=policy)
        assert mail.keys() == fields
    lines = [line for line in head.decode().splitlines() if not line.startswith((" ", "\t"))]
    assert [line.split(":")[0] for line in lines] == fields
    to = email.message_from_bytes(raw, policy=email.policy.default)["To"].addresses
    assert [address.addr_spec for address in to] == ["dana@example.com"]
    # Nor does a reader that decodes a header before it looks for its end find another one.
    subject = email.message_from_bytes(raw)["Subject"]
    decoded = str(email.header.make_header(email.header.decode_header(subject)))
    assert len(re.sub(r"\r\n(?=[ \t])", "", decoded).splitlines()) <= 1


@pytest.mark.parametrize(
    "hostile",
    [
        "Pump\r\nBcc: spy@example.net\r\n\r\nHi",
        "Pump\x85Bcc: spy@example.net",
        "Pump\u2028Bcc: spy@example.net\u2029",
        "=?utf-8?q?Pump=0D=0ABcc:_spy@example.net?=",
        "\r\n.\r\nMAIL FROM:<spy@example.net>\r\n",
    ],
)
def test_so_it_is_for_a_reply_that_was_approved(app, acme, ada, mails, monkeypatch, hostile):
    mails.accepted.clear()
    monkeypatch.setattr(adapters, "_mail", lambda channel: Smtp(mails.url))
    monkeypatch.setattr(decisions, "undo_window", timedelta(0))
    talk = make_conversation(acme, subject=hostile, customer_name=hostile)
    draft = make_draft(talk, trigger=make_message(talk, external_id=None))

    action = decisions.approve(draft, by=ada, seen=seen(draft))
    worker.drain(app)

    ((_, recipients, raw),) = mails.accepted
    assert recipients == ["dana@example.com"]
    assert_has_only_our_headers(raw)
    assert "\n" not in headers.clean(hostile)
    assert f"Message-ID: <{action.sent_msg_id}>".encode() in raw

"""Mails that come back: found, told apart from others, and read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.channels.cli import fields_of
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Category, Unreadable
from tests.channels.bounce_forms import FORMS, ORIGINAL


def mail(headers, body):
    top = {
        "From": "MAILER-DAEMON@mx.globex.example",
        "To": "support@acme.example",
        "Subject": "failure notice",
        **headers,
    }
    lines = [f"{name}: {value}" for name, value in top.items() if value is not None]
    text = "\n".join([*lines, "", ""]) + body
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def report(
    fields, text="It failed.", kind="multipart/report; report-type=delivery-status", **headers
):
    body = (
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.globex.example\n\n"
        f"{fields}\n--b\nContent-Type: message/rfc822\n\n{ORIGINAL}\n--b--\n"
    )
    return mail({"Content-Type": f"{kind}; boundary=b", **headers}, body)


FAILED = (
    "Final-Recipient: rfc822; joe@globex.example\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <joe@globex.example>... User unknown\n"
)


def only(raw):
    (bounced,) = parse_mail(raw).bounces
    return bounced


def test_a_report_tells_who_and_why():
    read = parse_mail(report(FAILED))
    (bounced,) = read.bounces

    assert (read.category, read.may_answer) == (Category.BOUNCE, False)
    assert read.returned_ids == ["1@acme.example"]
    assert (bounced.address, bounced.status) == ("joe@globex.example", "5.1.1")
    assert (bounced.reply_code, bounced.reason) == ("550", "userunknown")
    assert bounced.is_permanent
    assert bounced.detail == "550 5.1.1 <joe@globex.example>... User unknown"


def test_a_delay_is_not_a_failure():
    fields = "Final-Recipient: rfc822; joe@globex.example\nAction: delayed\nStatus: 4.4.1\n"
    read = parse_mail(report(fields))

    assert read.category is Category.DELAYED
    assert [b.is_permanent for b in read.bounces] == [False]


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_who_was_reached_gets_a_receipt(action):
    read = parse_mail(
        report(f"Final-Recipient: rfc822; joe@x.example\nAction: {action}\nStatus: 2.0.0\n")
    )

    assert read.category is Category.RECEIPT
    assert [(b.status, b.is_permanent) for b in read.bounces] == [("2.0.0", None)]


@pytest.mark.parametrize(
    ("action", "is_bounce"), [("failed", True), ("delayed", True), ("delivered", False)]
)
def test_the_command_line_tells_reports_on_delivery(action, is_bounce):
    fields = f"Final-Recipient: rfc822; joe@x.example\nAction: {action}\nStatus: 4.0.0\n"
    printed = fields_of(parse_mail(report(fields)))

    assert printed["is_delivery_report"]
    assert printed["is_bounce"] is is_bounce


def test_of_several_recipients_only_the_failed_count():
    fields = (
        "Final-Recipient: rfc822; a@x.example\nAction: delivered\nStatus: 2.0.0\n\n"
        "Final-Recipient: rfc822; b@x.example\nAction: delayed\nStatus: 4.2.2\n\n"
        "Final-Recipient: rfc822; c@x.example\nAction: failed\nStatus: 5.2.2\n"
    )
    read = parse_mail(report(fields))

    assert read.category is Category.BOUNCE
    assert [(b.address, b.reason) for b in read.bounces] == [
        ("b@x.example", "mailboxfull"),
        ("c@x.example", "mailboxfull"),
    ]


def test_the_address_that_we_wrote_to_is_told():
    fields = FAILED + "Original-Recipient: rfc822;joe.bloggs@globex.example\n"

    assert only(report(fields)).address == "joe.bloggs@globex.example"


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("5.0.0", "550 #5.1.0 Address rejected.", "5.1.0"),
        ("5.2.2", "552 5.1.1 full", "5.2.2"),
        ("4.0.0", "550 no", "4.0.0"),
        ("", "552 Mailbox full", "5.0.0"),
        ("", "421 try later", "4.0.0"),
        ("5.7.1 (delivery not authorized)", "550 no", "5.7.1"),
    ],
)
def test_the_more_exact_status_counts(status, said, expected):
    fields = (
        f"Final-Recipient: rfc822; joe@x.example\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said}\n"
    )

    assert only(report(fields)).status == expected


@pytest.mark.parametrize("form", FORMS)
def test_the_words_of_a_server_are_read(form):
    headers, body, address, status, reason = FORMS[form]
    read = parse_mail(mail(headers, body))

    assert read.category is Category.BOUNCE
    assert [(b.address, b.status, b.reason) for b in read.bounces] == [(address, status, reason)]
    assert read.bounces[0].is_permanent
    assert read.returned_ids == (["1@acme.example"] if "1@acme.example" in body else [])


def test_several_recipients_have_each_their_own_failure():
    body = (
        "Unable to deliver message to the following address(es).\n\n<joe@x.example>:\nThis user "
        "doesn't have a x.example account\n\n<jane@x.example>:\n552 5.2.2 Over quota\n\n"
        "--- Original message follows.\n\n<not@me.example>:\n"
    )
    read = parse_mail(mail({"Subject": "Delivery failure"}, body))

    assert [(b.address, b.reason) for b in read.bounces] == [
        ("joe@x.example", "userunknown"),
        ("jane@x.example", "mailboxfull"),
    ]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (
            "Warning: message delayed 24 hours",
            "has not yet been delivered to:\n\n  joe@x.example\n",
        ),
        (
            "Delivery Status Notification (Delay)",
            "THIS IS A WARNING MESSAGE ONLY.\n\nDelivery to the following recipient has been "
            "delayed:\n\n     joe@x.example\n\nMessage will be retried for 2 more day(s)\n",
        ),
    ],
)
def test_a_delay_is_told_by_words_too(subject, body):
    read = parse_mail(mail({"Subject": subject}, body))

    assert read.category is Category.DELAYED
    assert [(b.address, b.is_permanent) for b in read.bounces] == [("joe@x.example", False)]


def test_without_a_name_it_is_whom_the_returned_mail_was_for():
    body = "Your message could not be delivered.\n\n--- Original message follows.\n\n" + ORIGINAL

    assert only(mail({}, body)).address == "joe@globex.example"


def test_a_report_that_a_gateway_wrapped_is_read():
    inner = report(FAILED).decode().replace("=b\r\n", "=inner\r\n").replace("--b", "--inner")
    body = f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
    wrapped = mail({"Content-Type": "multipart/mixed; boundary=b"}, body)

    assert (only(wrapped).address, only(wrapped).status) == ("joe@globex.example", "5.1.1")


def test_fields_in_the_text_are_read_when_the_parts_are_broken():
    read = parse_mail(mail({"Subject": "Returned mail"}, f"It failed.\n\n{FAILED}\n{ORIGINAL}"))

    assert [(b.address, b.status) for b in read.bounces] == [("joe@globex.example", "5.1.1")]


PERSON = {"From": "Dana <dana@globex.example>", "Return-Path": "<dana@globex.example>"}
QUOTED = "> <joe@globex.example>: 550 5.1.1 User unknown, your message could not be delivered\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            PERSON | {"Subject": "Re: Undelivered Mail Returned to Sender"},
            f"What is this?\n\n{QUOTED}",
        ),
        (PERSON | {"Subject": "Fwd: failure notice"}, f"Can you help?\n\n{QUOTED}"),
        (PERSON | {"Subject": "My bouncing cheque"}, "The bank returned it, it was not accepted."),
        (PERSON | {"Subject": "The parcel"}, "It could not be delivered, nobody was at home."),
        (PERSON | {"Subject": "Delivery problem"}, "Where is my order? The address is fine."),
        (PERSON | {"Subject": "Your mails"}, f"I get this when I write to you:\n\n{QUOTED}"),
        (PERSON | {"Subject": "delivery failed?"}, "My parcel could not be delivered, error 550."),
        (
            PERSON | {"Subject": "Delivery problem with order 5512"},
            "It could not be delivered. Unknown address. Please write to joe@x.example",
        ),
        (PERSON | {"Subject": "Order not delivered"}, "It was returned to you."),
        (
            {"From": "noreply@parcels.example", "Subject": "Delivery failed"},
            "We could not deliver your parcel. Questions? help@parcels.example",
        ),
        (
            {"From": "System Administrator <sam@x.example>", "Subject": "Help"},
            "I cannot process it",
        ),
        ({"From": "Anna Postmaster <anna@globex.example>", "Subject": "Pump"}, "Which pump fits?"),
        ({"From": "postmaster@globex.example", "Subject": "Our new address"}, "Please note it."),
    ],
)
def test_people_who_write_about_mail_are_no_servers(headers, body):
    read = parse_mail(mail(headers, body))

    assert read.category not in {Category.BOUNCE, Category.DELAYED, Category.RECEIPT}
    assert read.bounces == []


def test_a_report_that_a_person_passes_on_is_a_persons_mail():
    passed_on = report(
        FAILED, kind="multipart/mixed", **(PERSON | {"Subject": "Fwd: failure notice"})
    )
    attached = mail(
        PERSON | {"Content-Type": "multipart/mixed; boundary=c", "Subject": "What is this?"},
        "--c\n\nSee the mail.\n--c\nContent-Type: message/rfc822\n\n"
        + report(FAILED).decode()
        + "\n--c--\n",
    )

    assert parse_mail(passed_on).category is Category.ORDINARY
    assert parse_mail(attached).category is Category.ORDINARY


def feedback(kind="abuse", **fields):
    more = "".join(f"{name}: {value}\n" for name, value in fields.items())
    body = (
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nVersion: 1\n{more}\n"
        f"--b\nContent-Type: message/rfc822\n\n{ORIGINAL}\n--b--\n"
    )
    kind = "multipart/report; report-type=feedback-report; boundary=b"
    return mail({"From": "fbl@provider.example", "Subject": "FW: Hi", "Content-Type": kind}, body)


def test_a_complaint_tells_who_complained_and_about_what():
    read = parse_mail(feedback(**{"Original-Rcpt-To": "<jane@globex.example>"}))

    assert (read.category, read.may_answer) == (Category.COMPLAINT, False)
    assert [(b.address, b.reason, b.detail) for b in read.bounces] == [
        ("jane@globex.example", "feedback", "abuse")
    ]
    assert read.returned_ids == ["1@acme.example"]
    assert only(feedback()).address == "joe@globex.example"


def test_a_complaint_of_outlook_is_the_mail_itself():
    reader = "X-HmXmrOriginalRecipient: jane@hotmail.com"
    body = f"--b\nContent-Type: message/rfc822\n\n{reader}\n{ORIGINAL}--b--\n"
    headers = {"From": "<staff@hotmail.com>", "Subject": "complaint about message from 192.0.2.1"}
    read = parse_mail(mail(headers | {"Content-Type": "multipart/mixed; boundary=b"}, body))

    assert read.category is Category.COMPLAINT
    assert [b.address for b in read.bounces] == ["jane@hotmail.com"]


def test_a_receipt_tells_which_mail_was_read():
    body = (
        "--b\nContent-Type: text/plain\n\nYour message was displayed.\n"
        "--b\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822;joe@globex.example\nOriginal-Message-ID: <1@acme.example>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
    )
    kind = "multipart/report; report-type=disposition-notification; boundary=b"
    read = parse_mail(mail(PERSON | {"Subject": "Read: Hi", "Content-Type": kind}, body))

    assert (read.category, read.may_answer) == (Category.RECEIPT, False)
    assert [(b.address, b.detail) for b in read.bounces] == [("joe@globex.example", "displayed")]
    assert read.returned_ids == ["1@acme.example"]


words = st.sampled_from(
    ["550 5.1.1", "<joe@x.example>", "joe@x.example:", "User unknown", "RCPT TO:<a@b.example>",
     "could not be delivered", "Final-Recipient: rfc822;", "Status: 5.1.1", "Action: failed", "\n",
     "\n\n", "--b", "Content-Type: message/delivery-status", "Return-Path: <>", "\x00", "é",
     '"', "("]
)  # fmt: skip


@given(st.lists(words, max_size=60).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_report_is_answered(text):
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    for headers in ({}, {"Content-Type": kind}):
        try:
            read = parse_mail(mail(headers, text))
        except Unreadable:
            continue
        assert len(read.bounces) <= 200
        assert all("\n" not in bounced.detail for bounced in read.bounces)


def test_endless_reports_are_cut():
    many = "".join(
        f"Final-Recipient: rfc822; {n}@x.example\nAction: failed\nStatus: 5.1.1\n\n"
        for n in range(900)
    )

    assert len(parse_mail(report(many)).bounces) == 200
    assert len(parse_mail(mail({}, many.replace("Final-Recipient: rfc822; ", ""))).bounces) <= 200

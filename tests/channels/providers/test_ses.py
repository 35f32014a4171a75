"""Amazon SES by way of SNS, as their documentation shows it."""

import base64

import pytest
from sqlalchemy import select

from ally.channels import subscriptions
from ally.channels.models import IntakeOutcome
from ally.channels.providers import egress, ses
from ally.db import db
from tests.channels.providers.posting import (
    CERTIFICATE_URL,
    MAIL,
    TOPIC,
    basic,
    channel_of,
    jobs,
    make_certificate,
    notification,
    post,
    read_only,
    sns,
    sns_signed,
    stored,
    waiting,
)

PATH = "/SimpleNotificationService-0123456789abcdef.pem"
OTHER, OUT_OF_DATE = make_certificate(days=30), make_certificate(days=-2, key=sns().key)
RECEIVED = {
    "notificationType": "Received",
    "receipt": {
        "recipients": ["support@acme.example"],
        "spamVerdict": {"status": "FAIL"},
        "virusVerdict": {"status": "PASS"},
        "spfVerdict": {"status": "PASS"},
        "dkimVerdict": {"status": "GRAY"},
        "dmarcVerdict": {"status": "DISABLED"},
        "action": {"type": "SNS", "topicArn": TOPIC, "encoding": "UTF8"},
    },
    "mail": {
        "source": "bounce@example.com",
        "messageId": "d6iitobk75ur44p8kdnnp7g2n800",
        "destination": ["support@acme.example"],
        "headers": [
            {"name": "From", "value": "Dana <dana@example.com>"},
            {"name": "Subject", "value": "Pump"},
            {"name": "Message-ID", "value": "<1@x>"},
        ],
    },
    "content": MAIL.decode(),
}


@pytest.fixture
def channel(acme, outside):
    outside.pages[PATH] = sns().pem
    return channel_of(acme, "ses", credentials={"topic_arn": TOPIC})


def posted(client, channel, fields, headers=None, **more):
    # SNS says that its JSON is text.
    return post(client, channel, fields, headers, content_type="text/plain; charset=UTF-8", **more)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_mail_is_read(client, channel, outside, version):
    signed = sns_signed(notification(RECEIVED), version=version)
    assert posted(client, channel, signed).status_code == 200
    mail = read_only().mail

    assert (mail.subject, mail.body_text, mail.from_email) == (
        "Pump",
        "Which one?",
        "dana@example.com",
    )
    assert (mail.envelope_from, mail.delivered_to) == (
        "bounce@example.com",
        ["support@acme.example"],
    )
    assert [(v.method, v.result) for v in mail.verdicts if v.by == "Amazon SES"] == [
        ("spf", "pass"),
        ("dkim", "none"),
        ("spam", "yes"),
    ]


def test_the_certificate_is_read_once(client, channel, outside):
    for id_ in ("one", "two", "three"):
        signed = sns_signed(notification(RECEIVED, MessageId=id_, Subject="Mail"))
        assert posted(client, channel, signed).json["status"] == "accepted"

    assert outside.asked == [CERTIFICATE_URL]


def test_a_message_is_known_by_its_id(client, channel):
    signed = sns_signed(notification(RECEIVED))
    first = posted(client, channel, signed)

    assert posted(client, channel, signed).json == first.json | {"status": "duplicate"}


def test_a_mail_in_base64_is_read(client, channel):
    raw = b"Content-Type: text/plain; charset=iso-8859-1\r\nSubject: \xfc\r\n\r\nGr\xfc\xdfe"
    action = RECEIVED["receipt"] | {"action": {"type": "SNS", "encoding": "BASE64"}}
    received = RECEIVED | {"receipt": action, "content": base64.b64encode(raw).decode()}
    posted(client, channel, sns_signed(notification(received)))
    mail = read_only().mail

    assert (mail.subject, mail.body_text) == ("ü", "Grüße")


def test_a_mail_that_is_kept_in_s3_is_shown_as_far_as_it_is_told(client, channel):
    action = {"type": "S3", "bucketName": "acme-mails", "objectKey": "d6ii"}
    received = {k: v for k, v in RECEIVED.items() if k != "content"}
    received["receipt"] = RECEIVED["receipt"] | {"action": action}
    posted(client, channel, sns_signed(notification(received)))
    mail = read_only().mail

    assert (mail.from_email, mail.subject, mail.message_id) == ("dana@example.com", "Pump", "1@x")
    assert "keeps the text of this mail elsewhere (S3 bucket acme-mails)" in mail.body_text
    assert mail.is_automatic  # what it says is ours, and gets no draft


def wrong():
    right = sns_signed(notification(RECEIVED))
    elsewhere = "https://sns.us-east-1.amazonaws.com.evil.example" + PATH
    return {
        "no signature": {k: v for k, v in right.items() if k != "Signature"},
        "of another key": sns_signed(notification(RECEIVED), key=OTHER.key),
        "another message": right | {"Message": "{}"},
        "another id": right | {"MessageId": "another"},
        "another time": right | {"Timestamp": "2026-11-25T21:00:00.000Z"},
        "a subject more": right | {"Subject": "Mail"},
        "another type": right | {"Type": "SubscriptionConfirmation"},
        "an unknown type": right | {"Type": "Other"},
        "no version": right | {"SignatureVersion": "3"},
        "the other version": right | {"SignatureVersion": "1"},
        "a certificate elsewhere": right | {"SigningCertURL": elsewhere},
        "a certificate by http": right | {"SigningCertURL": CERTIFICATE_URL.replace("s:", ":")},
        "a certificate of a user": right
        | {"SigningCertURL": CERTIFICATE_URL.replace("//", "//x@")},
        "a certificate of s3": right
        | {"SigningCertURL": "https://evil.s3.us-east-1.amazonaws.com" + PATH},
        "no text for a url": right | {"SigningCertURL": ["x"]},
        "no base64": right | {"Signature": "!!!"},
        "a lone surrogate": right | {"Message": "\ud800"},
    }


@pytest.mark.parametrize("case", wrong())
def test_what_sns_has_not_signed_is_refused(client, channel, outside, case):
    answer = posted(client, channel, wrong()[case])

    assert (answer.status_code, stored()) == (401, [])
    assert set(outside.asked) <= {CERTIFICATE_URL}


def test_another_topic_proves_nothing_however_well_it_is_signed(client, channel, outside):
    foreign = sns_signed(notification(RECEIVED, TopicArn="arn:aws:sns:us-east-1:666:evil"))
    answer = posted(client, channel, foreign)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert outside.asked == []  # a stranger has us ask nobody


def test_the_secret_lets_any_topic_in_but_no_forgery(client, acme, outside):
    outside.pages[PATH] = sns().pem
    channel = channel_of(acme, "ses")
    signed = sns_signed(notification(RECEIVED))

    assert posted(client, channel, signed).status_code == 401
    assert posted(client, channel, signed | {"Message": "{}"}, basic()).status_code == 401
    assert posted(client, channel, signed, basic()).status_code == 200


def test_without_the_certificate_sns_is_to_come_again(client, channel, outside):
    outside.pages.clear()
    answer = posted(client, channel, sns_signed(notification(RECEIVED)))
    assert (answer.status_code, stored()) == (503, [])

    outside.pages[PATH] = sns().pem
    assert posted(client, channel, sns_signed(notification(RECEIVED))).status_code == 200


def test_a_redirect_is_not_followed(client, channel, outside):
    outside.pages["/elsewhere"] = sns().pem
    outside.redirects[PATH] = "/elsewhere"

    assert posted(client, channel, sns_signed(notification(RECEIVED))).status_code == 503


@pytest.mark.parametrize("page", [b"no certificate", OUT_OF_DATE.pem])
def test_a_certificate_that_is_none_or_out_of_date_proves_nothing(client, channel, outside, page):
    outside.pages[PATH] = page

    assert posted(client, channel, sns_signed(notification(RECEIVED))).status_code == 401


CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "Token": "2336412f37",
    "TopicArn": TOPIC,
    "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336",
    "Timestamp": "2026-11-25T20:00:00.000Z",
}


def test_a_subscription_is_confirmed_by_a_job(client, channel, outside):
    answer = posted(client, channel, sns_signed(CONFIRMATION))
    assert answer.json["status"] == "accepted"
    assert (jobs("channels.confirm_subscription"), waiting()) == (1, 0)
    assert outside.asked == [CERTIFICATE_URL]

    outside.pages["/?Action=ConfirmSubscription&Token=2336"] = b"<ConfirmSubscriptionResponse/>"
    subscriptions.confirm_subscription(answer.json["event_id"])

    assert outside.asked[1:] == [CONFIRMATION["SubscribeURL"]]
    assert db.session.scalar(select(IntakeOutcome.reason)) == "The subscription is confirmed."
    assert read_only().mail is None


def test_a_subscription_that_cannot_be_confirmed_is_tried_again(client, channel, outside):
    answer = posted(client, channel, sns_signed(CONFIRMATION))

    with pytest.raises(egress.Unreachable):
        subscriptions.confirm_subscription(answer.json["event_id"])


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription&Token=1",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        "https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com:444/?Action=ConfirmSubscription&Token=1",
        "https://sns.us-east-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&Token=1",
    ],
)
def test_a_subscription_is_confirmed_nowhere_else(client, channel, outside, url):
    answer = posted(client, channel, sns_signed(CONFIRMATION | {"SubscribeURL": url}))
    subscriptions.confirm_subscription(answer.json["event_id"])

    assert outside.asked == [CERTIFICATE_URL]
    assert "none of Amazon's" in db.session.scalar(select(IntakeOutcome.reason))


SENT = {
    "timestamp": "2026-11-25T20:00:00.000Z",
    "messageId": "00000138111222aa-33322211",
    "headers": [{"name": "Message-ID", "value": "<our-id@acme.example>"}],
}
NOTICES = {
    "bounce": (
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "timestamp": "2026-11-25T20:00:01.000Z",
                "bouncedRecipients": [
                    {"emailAddress": "jane@example.com", "diagnosticCode": "smtp; 550 5.1.1"},
                    {"emailAddress": "richard@example.com"},
                ],
            },
        },
        [("bounced", True, "jane@example.com"), ("bounced", True, "richard@example.com")],
    ),
    "transient": (
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Transient",
                "bouncedRecipients": [{"emailAddress": "jane@example.com"}],
            },
        },
        [("bounced", False, "jane@example.com")],
    ),
    "complaint": (
        {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": "jane@example.com"}]},
        },
        [("complained", False, "jane@example.com")],
    ),
    "delivery": (
        {
            "notificationType": "Delivery",
            "delivery": {"recipients": ["jane@example.com"], "smtpResponse": "250 ok"},
        },
        [("delivered", False, "jane@example.com")],
    ),
    "delay": (
        {
            "eventType": "DeliveryDelay",
            "deliveryDelay": {"delayedRecipients": [{"emailAddress": "jane@example.com"}]},
        },
        [("delayed", False, "jane@example.com")],
    ),
    "open": ({"eventType": "Open", "open": {}}, [("opened", False, None)]),
    "send": ({"eventType": "Send", "send": {}}, []),
    "odd": ({"eventType": ["x"], "bounce": 5}, []),
}


@pytest.mark.parametrize("name", NOTICES)
def test_a_notification_says_what_became_of_a_mail(client, channel, name):
    notice, expected = NOTICES[name]
    posted(client, channel, sns_signed(notification({"mail": SENT} | notice)))
    found = read_only().reports

    assert [(each.kind, each.is_permanent, each.recipient) for each in found] == expected
    assert {each.rfc_message_id for each in found} <= {"our-id@acme.example"}
    assert {each.provider_id for each in found} <= {"00000138111222aa-33322211"}
    assert stored()[0].type == "report"


def test_no_other_address_is_asked():
    for url in ("http://127.0.0.1/", "file:///etc/passwd", CERTIFICATE_URL + "x", ""):
        with pytest.raises(egress.Unreachable):
            egress.fetch(url, ses.CERTIFICATE)

"""The main job, as a newcomer sees it: from a customer's mail to the reply in the catcher."""

import email
from email import policy

import pytest
import requests
from playwright.sync_api import expect

from ally.dev import home
from tests.test_launch import Launched
from tests.waiting import until

pytestmark = pytest.mark.browser

MAIL = b"""\
From: Dana Whitfield <dana@example.com>\r
To: support@hotrodan.example\r
Subject: Is the 255 enough for my 347?\r
Message-ID: <first-question@example.com>\r
Date: Fri, 20 Nov 2026 09:02:00 +0000\r
\r
Hi, is a 255 lph pump enough for a 450 hp engine at 58 psi?\r
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Everything that `make run` starts, with a short undo window."""
    folder = tmp_path_factory.mktemp("whole") / "home"
    with Launched(folder, home.bind(0), UNDO_SECONDS="1") as launched:
        yield launched.wait_until_it_says("Ctrl-C stops it."), folder


def test_from_a_mail_to_the_approved_reply(desk, chrome):
    launched, folder = desk
    event = post(launched.address, MAIL)
    page = chrome.new_context(base_url=launched.address).new_page()
    page.goto("/login?as=agent@hotrodan.example")

    page.goto("/review")
    page.locator(".row").filter(has_text="Is the 255 enough").press("Enter")
    expect(page.locator("#review h1")).to_have_text("Is the 255 enough for my 347?")
    page.keyboard.press("e")
    page.locator("textarea[name=text]").press("ControlOrMeta+End")
    page.keyboard.type("\nBoth pumps fit the stock hanger.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("Reply to Dana Whitfield")

    sent = caught(folder)
    assert sent["To"] == "Dana Whitfield <dana@example.com>"
    assert sent["Subject"] == "Re: Is the 255 enough for my 347?"
    assert sent["In-Reply-To"] == sent["References"] == "<first-question@example.com>"
    for part in ("plain", "html"):
        words = sent.get_body((part,)).get_content()
        assert "225 lph" in words
        assert "Both pumps fit the stock hanger." in words

    page.goto(f"/conversations/{conversation_of(launched.address, event)}/timeline")
    told = page.locator("main")
    for words in ("wrote", "approved the draft with changes", "Verified", "sent the reply"):
        expect(told).to_contain_text(words)


def test_the_customer_answers_into_the_same_conversation(desk):
    launched, folder = desk
    first = post(launched.address, MAIL)
    answer = MAIL.replace(b"first-question", b"second-question").replace(
        b"\r\nDate", f"\r\nIn-Reply-To: {caught(folder)['Message-ID']}\r\nDate".encode()
    )

    second = post(launched.address, answer)

    assert conversation_of(launched.address, second) == conversation_of(launched.address, first)


def post(address, mail):
    answer = requests.post(
        f"{address}/webhooks/mail/support",
        data=mail,
        headers={"Authorization": "Bearer dev-secret", "Content-Type": "message/rfc822"},
        timeout=10,
    )
    assert answer.status_code == 202
    return answer.json()["event_id"]


def conversation_of(address, event):
    """Where the mail ended up, once it was taken in and its draft was written."""
    found = {}

    def is_stored():
        asked = requests.get(
            f"{address}/internal/events/{event}",
            headers={"Authorization": "Bearer dev-token"},
            timeout=10,
        )
        found.update(asked.json())
        return found["state"] == "stored"

    until(is_stored, 20)
    return found["conversation_id"]


def caught(folder):
    """The reply to Dana, as the mail server took it."""
    until(lambda: any((folder / "outbox").glob("*.eml")), 20)
    newest = max((folder / "outbox").glob("*.eml"))
    return email.message_from_bytes(newest.read_bytes(), policy=policy.default)

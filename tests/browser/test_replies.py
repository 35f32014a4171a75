"""What follows a reply, as its reviewer sees it."""

import pytest
from playwright.sync_api import expect

from ally.channels import files
from ally.db import db
from ally.desk.models import Attachment
from tests.browser.conftest import waiting_draft
from tests.browser.test_pages import AXE, WIDTHS, wrong_with
from tests.factories import make_channel, make_conversation, make_draft, make_message

pytestmark = pytest.mark.browser

CHOICES = {
    "signature": "Hot Rod AN\nMon to Fri, 9 to 5\n" + "x" * 300,
    "quotes_history": True,
    "subject_reference": True,
}


@pytest.fixture
def signed(acme):
    draft = waiting_draft(acme, make_channel(acme, metadata_=CHOICES), "Dana Whitfield", 30)
    content = b"%PDF-1.7"
    file = Attachment(
        account_id=acme.id,
        draft_id=draft.id,
        file_name="a long name of a file " * 6 + ".pdf",
        mime_type="application/pdf",
        size_bytes=len(content),
        file_url=files.store(content),
    )
    db.session.add(file)
    db.session.commit()
    return draft


@pytest.mark.parametrize("width", WIDTHS)
def test_what_follows_a_reply_is_shown_and_fits(ada, signed, open_browser, width):
    page = open_browser(ada, viewport={"width": width[0], "height": width[1]})

    page.goto(f"/review/{signed.id}")

    tail = page.get_by_role("region", name="What follows the reply")
    expect(tail).to_contain_text("Mon to Fri, 9 to 5")
    tail.locator("summary").click()
    expect(tail).to_contain_text("Would the 255 lph pump hold 58 psi?")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box, draft = tail.bounding_box(), page.locator(".draft").bounding_box()
    assert box["x"] + box["width"] <= draft["x"] + draft["width"]
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document.querySelector('.tail').parentElement)")
    assert [wrong_with(rule) for rule in found["violations"]] == []
    assert page.complaints == []


def test_approving_sends_what_was_shown(ada, signed, open_browser):
    page = open_browser(ada)
    page.goto(f"/review/{signed.id}")

    with page.expect_response(lambda answer: answer.url.endswith("/approval")) as answered:
        page.get_by_role("button", name="Approve and send").click()

    assert answered.value.ok
    page.goto(f"/conversations/{signed.conversation_id}")
    ours = page.locator(".letter.ours")
    expect(ours).to_contain_text("Mon to Fri, 9 to 5")
    expect(ours).to_contain_text("a long name of a file")


def test_however_much_there_is_to_say_the_draft_stays_in_sight(open_browser, ada, acme):
    conversation = make_conversation(acme)
    for _ in range(10):
        trigger = make_message(conversation, metadata_={"flags": ["too_many"]})
    draft = make_draft(conversation, trigger=trigger)
    page = open_browser(ada, viewport={"width": 1440, "height": 768})
    page.goto(f"/review/{draft.id}")

    expect(page.get_by_text("received a lot").first).to_be_in_viewport()
    expect(page.get_by_role("button", name="Approve and send")).to_be_in_viewport(ratio=1)
    assert page.locator("#look").bounding_box()["height"] >= 64
    assert page.locator("#thread").bounding_box()["height"] >= 96

"""Several at once, in a real browser: acts on the list, and approvals of what is alike."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk.models import Conversation
from ally.review import claims
from ally.review.models import DraftAction
from ally.review.queries import lock_draft
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel

pytestmark = pytest.mark.browser

TEXT = (
    "Hi {},\n\nThank you for writing. The carrier has told us that a storm holds up all lorries"
    " in the south, and that they go on tomorrow. You need not do anything: it comes this week."
)
GROUNDED = {"sentences": [{"start": 0, "end": 4, "source": 1}]}


@pytest.fixture
def alike(acme):
    channel = make_channel(acme)
    return [
        waiting_draft(acme, channel, name, 30 - n, TEXT.format(name), payload=GROUNDED)
        for n, name in enumerate(("Dana", "Luis", "Priya"))
    ]


def conversations_of(account):
    db.session.expire_all()
    found = select(Conversation).filter_by(account_id=account.id)
    return db.session.scalars(found.order_by(Conversation.last_message_at.desc())).all()


def test_several_are_ticked_and_assigned_by_keyboard(open_browser, acme, ada, waiting):
    page = open_browser(ada)
    page.goto("/conversations")
    expect(page.get_by_role("button", name="Assign")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".together-bar [data-picked]")).to_have_text("2")

    page.keyboard.press("a")
    expect(page.get_by_label("Assign to")).to_be_focused()
    page.get_by_role("button", name="Assign").click()

    expect(page.locator("#report")).to_contain_text("2 assigned.")
    expect(page.locator("#status")).to_have_text("2 assigned.")
    assert [talk.assignee_id for talk in conversations_of(acme)] == [ada.id, ada.id, None]
    expect(page.get_by_role("button", name="Assign")).to_be_hidden()
    assert page.complaints == []


def test_a_range_and_all_on_the_page(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/conversations")
    boxes = page.locator(".found input[name=ids]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator(".found input:checked")).to_have_count(3)
    expect(page.get_by_label("All on this page")).to_be_checked()
    page.get_by_label("All on this page").click()
    expect(page.locator(".found input:checked")).to_have_count(0)


def test_several_are_closed_without_script(open_browser, acme, ada, ben, waiting):
    claims.claim(lock_draft(acme.id, waiting[0].id), ben)
    db.session.commit()
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/conversations")
    for box in page.locator(".found input[name=ids]").all():
        box.check()
    page.get_by_role("button", name="Close", exact=True).click()

    expect(page.locator("#report")).to_contain_text("2 closed.")
    expect(page.locator("#report")).to_contain_text("Ben Okri has held this draft")
    expect(page.locator(".found")).to_have_count(1)


def test_what_is_alike_is_approved_together_and_taken_back(open_browser, acme, ada, ben, alike):
    page = open_browser(ada)
    page.goto("/review")
    page.get_by_role("link", name="3 alike").click()
    expect(page.locator(".alike > li")).to_have_count(3)
    expect(page.locator("#alike-" + str(alike[1].id))).to_contain_text("Luis")
    claims.claim(lock_draft(acme.id, alike[1].id), ben)  # while she reads
    db.session.commit()

    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="2 approved.")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("Luis")
    expect(page.locator(".notice")).to_contain_text("Ben Okri has held this draft")
    assert texts_of(acme) == {alike[0].id: TEXT.format("Dana"), alike[2].id: TEXT.format("Priya")}

    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="2 taken back.")).to_be_visible()
    db.session.expire_all()
    sent = db.session.scalars(select(Delivery).filter_by(account_id=acme.id)).all()
    assert {one.status for one in sent} == {DeliveryStatus.CANCELLED}
    assert page.complaints == []


def texts_of(account):
    db.session.expire_all()
    standing = select(DraftAction).filter_by(account_id=account.id, undone_at=None)
    return {one.draft_id: one.final_text for one in db.session.scalars(standing)}


def test_what_is_alike_without_script(open_browser, acme, ada, alike):
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/review")
    page.get_by_role("link", name="Look for drafts that are alike").click()
    page.get_by_label("Approve the reply to Priya").uncheck()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="2 approved.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(page.get_by_role("heading", name="1 taken back.")).to_be_visible()
    expect(page.get_by_text("Waits again")).to_have_count(1)
    assert len(texts_of(acme)) == 1

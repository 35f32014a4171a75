"""The review page by plain links and forms, in a browser without JavaScript."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally.db import db
from ally.review.models import ActionType, Draft, DraftAction, DraftStatus
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_browser, ada, waiting):
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/review")
    return page


def test_a_draft_is_opened_claimed_edited_looked_at_and_sent(page, waiting):
    page.get_by_role("link", name="Luis Ortega").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.locator("#holding")).to_contain_text("Yours")
    expect(heading(page)).to_have_text("A question of Luis Ortega")

    page.get_by_role("link", name="Write").click()
    page.get_by_label("Reply", exact=True).fill("The 255 lph pump is enough.\n\nIt holds 58 psi.")
    page.get_by_role("button", name="Changes").click()
    expect(page.locator("#look ins")).to_contain_text("It holds 58 psi.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#look")).to_contain_text("It holds 58 psi.")
    page.get_by_role("button", name="Approve and send").click()

    expect(heading(page)).to_have_text("A question of Priya N.")
    sent = decision_on(waiting[1])
    assert (sent.type, sent.final_text) == (
        ActionType.EDIT,
        "The 255 lph pump is enough.\n\nIt holds 58 psi.",
    )


def test_a_decision_is_undone_and_another_one_made(page, waiting):
    page.get_by_role("button", name="Approve and send").click()
    page.get_by_role("button", name="Undo").click()
    expect(heading(page)).to_have_text("A question of Dana Whitfield")
    assert status_of(waiting[0]) is DraftStatus.PENDING

    page.get_by_role("link", name="Reject").click()
    page.get_by_label("Tone").check()
    page.get_by_role("button", name="Reject").click()
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert decision_on(waiting[0]).reason == "tone"


def test_a_draft_is_skipped(page, waiting):
    page.locator("[data-key=s]").click()
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    expect(page.locator(".row[aria-current]")).to_contain_text("Luis Ortega")
    assert status_of(waiting[0]) is DraftStatus.PENDING


def test_what_a_colleague_holds_is_taken_over(open_browser, page, ben, waiting):
    theirs = open_browser(ben, java_script_enabled=False)
    theirs.goto(f"/review/{waiting[0].id}")
    theirs.get_by_role("button", name="Claim").click()

    page.reload()
    page.locator("summary", has_text="Held by Ben Okri").click()
    page.get_by_label("Why you take it over").fill("He is at lunch")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("#holding")).to_contain_text("Yours")


def test_a_draft_is_snoozed_and_found_under_its_tab(page, waiting):
    page.locator("summary", has_text="Snooze").click()
    page.locator("form[action*=snooze] button").first.click()
    page.goto("/review?tab=snoozed")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Dana Whitfield")
    expect(page.locator(".row")).to_contain_text("Back")


def test_a_note_is_written(page):
    page.locator("#work summary", has_text="Note").click()
    page.get_by_role("textbox", name="note").first.fill("She wrote by phone, too.")
    page.locator("#work").get_by_role("button", name="note").first.click()
    expect(page.get_by_text("She wrote by phone, too.").first).to_be_visible()


def test_tabs_and_search_are_links_and_forms(page, waiting):
    page.get_by_role("link", name="Mine").click()
    expect(heading(page)).to_have_text("You hold no drafts")
    page.get_by_role("link", name="Unclaimed").click()
    expect(page.locator(".row")).to_have_count(3)

    page.get_by_role("link", name="Conversations", exact=True).click()
    page.get_by_role("searchbox").fill("Priya")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("A question of Priya N.").first).to_be_visible()
    expect(page.get_by_text("A question of Luis Ortega")).to_have_count(0)


def test_keys_and_own_settings_are_pages(page):
    page.get_by_role("link", name="Keys").click()
    expect(heading(page)).to_have_text("Keys")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_a_phone_without_script_reaches_every_place(open_browser, ada, acme):
    waiting_draft(acme, make_channel(acme), "Dana Whitfield", 5)
    page = open_browser(
        ada, java_script_enabled=False, viewport={"width": 390, "height": 844}, has_touch=True
    )
    page.goto("/review")
    page.get_by_role("button", name="More").tap()
    page.get_by_role("link", name="Jobs").tap()
    expect(heading(page)).to_have_text("Jobs")


def heading(page):
    return page.get_by_role("heading", level=1)


def status_of(draft):
    db.session.rollback()
    return db.session.scalar(select(Draft.status).where(Draft.id == draft.id))


def decision_on(draft):
    db.session.rollback()
    return db.session.scalar(
        select(DraftAction).where(DraftAction.draft_id == draft.id, DraftAction.undone_at.is_(None))
    )

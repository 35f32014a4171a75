"""Macros, other versions of a draft, and labels of edits, as only a browser shows them."""

import pytest
from playwright.sync_api import expect

from ally.db import db
from ally.desk import drafting, rewriting
from ally.desk.models import Macro
from ally.knowledge.writer import Written
from ally.review import decisions
from ally.review.digest import seen
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel, save_in

pytestmark = pytest.mark.browser


@pytest.fixture
def draft(acme):
    return waiting_draft(acme, make_channel(acme), "Dana Whitfield", 30, "First. Last.")


@pytest.fixture
def macros(acme):
    for name, body in (
        ("Return a part", "{{customer.first_name}}, send it back. "),
        ("Ship", "Soon."),
    ):
        save_in(acme, Macro(account_id=acme.id, name=name, body=body))


def editor(page):
    return page.locator(".draft textarea[name=text]")


def test_a_macro_is_put_in_at_the_cursor_by_keyboard(open_browser, ada, draft, macros):
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("e")
    editor(page).evaluate("(field) => field.setSelectionRange(7, 7)")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    expect(page.locator("#macros [data-find]")).to_be_focused()
    page.keyboard.type("retu")
    expect(page.locator("#macros li:visible")).to_have_count(1)
    page.keyboard.press("Enter")

    expect(editor(page)).to_have_value("First. Dana, send it back. Last.")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("Thanks. ")
    expect(editor(page)).to_have_value("First. Dana, send it back. Thanks. Last.")
    page.reload()
    expect(editor(page)).to_have_value("First. Dana, send it back. Thanks. Last.")
    assert page.complaints == []


def test_a_macro_is_put_in_without_script(open_browser, ada, draft, macros):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(f"/review/{draft.id}?edit=1")
    editor(page).fill("Typed.")
    page.get_by_role("button", name="Macro").click()
    page.get_by_role("button", name="Return a part").click()

    expect(editor(page)).to_have_value("Typed.\n\nDana, send it back. ")
    page.get_by_role("button", name="Approve and send").click()
    db.session.expire_all()
    expect(page.locator(".toast")).to_contain_text("Reply to Dana Whitfield goes out")


class FakeWriter:
    """Writes one other text, whatever is asked."""

    def write(self, question):
        return Written("Second. Last.", [], [], "fake-1", "1")

    def write_other(self, question, than):
        return Written("Second. Last.", [], [], "fake-1", "1")


@pytest.fixture
def writer():
    drafting.use_writer(lambda account_id: FakeWriter())
    yield
    drafting.use_writer(drafting.retrieval_writer)


def run(job, *arguments):
    """Run a job as the worker does, after the page has asked for it."""
    job(*map(str, arguments))
    db.session.commit()


def test_what_is_typed_while_the_draft_is_written_again_is_kept(open_browser, ada, draft, writer):
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("w")
    expect(page.locator("#instruction")).to_be_focused()
    page.keyboard.type("shorter")
    page.keyboard.press("Enter")
    expect(page.locator("#writing")).to_contain_text("is being written again")
    expect(page.locator("#again")).not_to_be_visible()
    page.keyboard.press("e")
    editor(page).fill("Typed meanwhile.")
    run(rewriting.rewrite_draft, draft.id, ada.id, "shorter")

    expect(page.locator("#news")).to_contain_text("A newer draft is ready.")
    expect(editor(page)).to_have_value("Typed meanwhile.")
    page.locator("#news").get_by_role("button", name="Open it").click()
    expect(page.locator(f"#review:not([data-draft='{draft.id}'])")).to_have_count(1)
    expect(editor(page)).to_have_value("Typed meanwhile.")
    assert page.complaints == []


def test_the_other_version_is_looked_at_and_taken(open_browser, ada, draft, writer):
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("w")
    page.get_by_role("button", name="Another version beside it").click()
    expect(page.locator("#writing")).to_contain_text("is being written again")
    page.keyboard.press("e")
    editor(page).fill("Typed meanwhile.")
    run(rewriting.write_version, draft.id)

    page.get_by_role("button", name="Look at both").click()
    expect(page.locator("#versions mark")).to_have_text(["First", "Second"])
    expect(editor(page)).to_have_value("Typed meanwhile.")
    page.get_by_role("button", name="Use this one").click()
    expect(page.locator("#status")).to_contain_text("The other version is open now.")
    expect(editor(page)).to_have_value("Second. Last.")
    page.get_by_role("button", name="Go on with it").click()
    expect(editor(page)).to_have_value("Typed meanwhile.")
    assert page.complaints == []


def test_a_change_is_labelled_by_one_key(open_browser, ada, draft):
    decisions.approve(draft, ada, seen=seen(draft), text="Second. Last.")
    db.session.commit()
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.locator("[data-labels]").focus()
    page.keyboard.press("2")

    expect(page.locator("[data-labels] [aria-pressed=true]")).to_contain_text("Caveat")
    expect(page.locator("[data-labels]")).to_be_focused()
    page.keyboard.press("3")
    expect(page.locator("[data-labels] [aria-pressed=true]")).to_contain_text("Removal")
    assert page.complaints == []


def test_a_reason_a_digit_and_enter_reject_in_one_flow(open_browser, ada, draft):
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("r")
    page.keyboard.press("3")
    page.keyboard.press("Tab")
    page.keyboard.type("Too curt for a first mail")
    page.keyboard.press("Enter")

    expect(page.locator("#status")).to_contain_text("Rejected")
    page.goto(f"/conversations/{draft.conversation_id}/timeline")
    expect(page.locator(".timeline")).to_contain_text("rejected the draft: tone")
    expect(page.locator(".timeline")).to_contain_text("Too curt for a first mail")

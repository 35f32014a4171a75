"""Macros, other versions of a draft, and labels of edits, as only a browser shows them."""

import pytest
from playwright.sync_api import expect

from ally.db import db
from ally.desk.models import Macro
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

"""Searching by keyboard, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.factories import make_channel, make_conversation, make_message

pytestmark = pytest.mark.browser


def test_a_search_by_keyboard_and_a_view_of_it(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/conversations")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("luis is:waiting")
    page.keyboard.press("Enter")
    expect(page.locator(".found")).to_have_count(1)
    expect(page.locator(".found mark").first).to_have_text("Luis")

    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Luis waits")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Luis waits")).to_have_attribute("aria-current", "true")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("A question of Luis Ortega")
    assert page.complaints == []


def test_the_same_without_script(open_browser, ada, waiting):
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/conversations")
    page.get_by_role("searchbox").fill("priya -dana")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found")).to_have_count(1)
    page.get_by_role("searchbox").fill("frm:priya nowhere")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("There is no filter “frm:”")).to_be_visible()
    expect(page.get_by_text("Try fewer words.")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_ugly_names_and_subjects_break_nothing(open_browser, acme, ada, waiting, width):
    channel = make_channel(acme)
    for number, ugly in enumerate(
        ("x" * 20_000, "😀" * 300, "خالد المنصوري " * 30, "日本語" * 100)
    ):
        talk = make_conversation(
            acme,
            channel,
            subject=ugly[:300],
            customer_name=ugly[:200],
            customer_email=f"u{number}@example.com",
        )
        make_message(talk, f"pump {ugly}")
    page = open_browser(ada, viewport={"width": width, "height": 800})
    for path in ("/conversations", "/conversations?q=pump"):
        page.goto(path)
        expect(page.locator(".found").first).to_be_visible()
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0
        row = page.locator(".found").first.bounding_box()
        assert row["height"] < 140

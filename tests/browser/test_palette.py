"""The command palette: everything that the page can do, by its name."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    return page


def test_it_lists_what_can_be_done_with_its_keys_and_does_it(page):
    page.keyboard.press("Control+k")
    expect(field(page)).to_be_focused()
    expect(option(page, "Approve and send")).to_contain_text("Ctrl")
    expect(option(page, "Go to Conversations")).to_contain_text("c")
    expect(option(page, "undefined")).to_have_count(0)

    page.keyboard.type("clm")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Claim")
    page.keyboard.press("Enter")

    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator("#holding")).to_contain_text("Yours")
    assert page.complaints == []


def test_arrows_move_the_choice_around_and_a_screen_reader_follows(page):
    page.keyboard.press("Control+k")
    options = page.locator("#palette [role=option]")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(options.first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    followed = field(page).get_attribute("aria-activedescendant")
    assert followed == options.last.get_attribute("id")
    expect(field(page)).to_be_focused()


def test_a_place_of_the_rail_is_gone_to(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("go to noti")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Notifications")


def test_escape_gives_the_focus_and_the_words_back(page):
    page.keyboard.press("e")
    editor = page.get_by_label("Reply", exact=True)
    editor.fill("Half a sentence")
    page.keyboard.press("Control+k")
    page.keyboard.type("zzzz")
    expect(page.locator("#palette-none")).to_be_visible()
    page.keyboard.press("Escape")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("Half a sentence")


def test_after_two_letters_conversations_are_found(page, live):
    if "lists.suggestions" not in live.view_functions:
        return
    page.keyboard.press("Control+k")
    page.keyboard.type("Luis")
    expect(option(page, "A question of Luis Ortega")).to_be_visible()
    option(page, "A question of Luis Ortega").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A question of Luis Ortega")


def field(page):
    return page.get_by_role("combobox", name="Command, page")


def option(page, words):
    return page.locator("#palette [role=option]").filter(has_text=words).first

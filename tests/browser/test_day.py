"""A whole day at the desk as it comes out of the box, by keyboard alone, with a colleague."""

import re

import pytest
from playwright.sync_api import expect

from ally.dev import home
from tests.test_launch import Launched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Everything that `make run` starts, with its demo desk."""
    folder = tmp_path_factory.mktemp("day") / "home"
    with Launched(folder, home.bind(0)) as launched:
        yield launched.wait_until_it_says("Ctrl-C stops it.").address


@pytest.fixture
def open_tab(desk, chrome):
    contexts = []

    def open_(**options):
        context = chrome.new_context(base_url=desk, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield open_
    for context in contexts:
        context.close()


def test_a_day_by_keyboard_alone(open_tab):
    page, colleague = open_tab(), open_tab()
    name = sign_in(colleague, "second@")
    sign_in(page, "agent@")
    reads_and_goes_through_the_sources(page)
    approves_takes_back_and_approves(page)
    rejects_skips_and_snoozes(page)
    takes_over_what_the_colleague_holds(page, colleague)
    asks_the_colleague_in_a_note(page, colleague, name)
    tags_finds_and_closes_several(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("audit")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Audit")
    for words in ("rejected the draft", "took the decision back", "snoozed", "She is at lunch"):
        expect(page.locator(".audit").get_by_text(words).first).to_be_visible()
    assert page.complaints == colleague.complaints == []


def test_the_same_day_by_plain_forms(open_tab):
    page = open_tab(java_script_enabled=False, viewport={"width": 1024, "height": 768})
    page.goto("/login")
    page.get_by_role("listitem").filter(has_text="admin@").get_by_role("link").click()
    page.get_by_role("link", name="Write").click()
    editor = page.get_by_label("Reply", exact=True)
    editor.fill(editor.input_value() + " PS: It was a pleasure.")
    decide(page, "button", "Approve and send")
    page.get_by_role("button", name="Undo").click()
    expect(editor).to_have_value(re.compile("PS: It was a pleasure.$"))
    decide(page, "button", "Approve and send")
    page.get_by_role("link", name="Reject").click()
    page.get_by_label("Not in the sources").check()
    decide(page, "button", "Reject")
    decide(page, "link", re.compile("^Skip s"))
    unfold(page, "Snooze")
    decide(page, "button", "Tomorrow")
    page.get_by_role("button", name="Claim").click()
    expect(page.locator("#holding")).to_contain_text("Yours")
    unfold(page, "Note")
    page.get_by_label("Note for colleagues").fill("She rang, too.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".note")).to_contain_text("She rang, too.")
    unfold(page, "Tag")
    page.get_by_label("Tag", exact=True).fill("Phone")
    page.get_by_role("button", name="Add the tag").click()
    expect(page.get_by_role("list", name="Tags")).to_contain_text("Phone")
    page.get_by_role("link", name="Conversations").click()
    page.get_by_role("searchbox").fill("tag:phone")
    page.get_by_role("button", name="Search").click()
    page.locator(".pick input[name=ids]").check()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#report")).to_contain_text("1 closed.")
    page.get_by_role("link", name="Audit").click()
    expect(page.locator(".audit tbody tr").first).to_contain_text("closed the conversation")


def decide(page, role, name):
    """Press it; another draft lies open then."""
    before = heading(page).inner_text()
    page.get_by_role(role, name=name).click()
    expect(heading(page)).not_to_have_text(before)


def unfold(page, name):
    page.locator("#work summary", has_text=name).click()


def sign_in(page, who):
    """Sign in with Tab and Enter; the name of the person."""
    page.goto("/login")
    tab_to(page, page.get_by_role("listitem").filter(has_text=who).get_by_role("link"))
    page.keyboard.press("Enter")
    expect(heading(page)).to_be_visible()
    return page.locator(".nav .me .label").inner_text()


def tab_to(page, place):
    for _ in range(30):
        if place.first.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there.")


def reads_and_goes_through_the_sources(page):
    read, before = 0, heading(page).inner_text()
    while read == 0 or not page.locator("#s2").count():
        at = heading(page).inner_text()
        page.keyboard.press("j")
        expect(heading(page)).not_to_have_text(at)
        read += 1
    page.keyboard.press("]")
    expect(page.locator("#s1")).to_be_focused()
    page.keyboard.press("]")
    expect(page.locator("#s2")).to_be_focused()
    page.keyboard.press("[")
    expect(page.locator("#s1")).to_be_focused()
    for _ in range(read):
        at = heading(page).inner_text()
        page.keyboard.press("k")
        expect(heading(page)).not_to_have_text(at)
    expect(heading(page)).to_have_text(before)


def approves_takes_back_and_approves(page):
    first = heading(page).inner_text()
    page.keyboard.press("e")
    editor = page.get_by_label("Reply", exact=True)
    editor.press("ControlOrMeta+End")
    page.keyboard.type(" PS: It was a pleasure.")
    page.keyboard.press("Control+Enter")
    goes_on(page, first, "Approved")
    page.keyboard.press("z")
    expect(heading(page)).to_have_text(first)
    expect(page.locator("#status")).to_contain_text("Taken back")
    expect(editor).to_have_value(re.compile("PS: It was a pleasure.$"))
    page.keyboard.press("Control+Enter")
    goes_on(page, first, "Approved")


def rejects_skips_and_snoozes(page):
    for keys, said in ((["r", "2", "Enter"], "Rejected"), (["s"], "Skipped")):
        before = heading(page).inner_text()
        for key in keys:
            page.keyboard.press(key)
        goes_on(page, before, said)
    before, rows = heading(page).inner_text(), page.locator("#rows .row").count()
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    goes_on(page, before, "Snoozed")
    expect(page.locator("#rows .row")).to_have_count(rows - 1)


def goes_on(page, before, said):
    """The next one is open, has the focus, and a screen reader is told what was done."""
    expect(heading(page)).not_to_have_text(before)
    expect(heading(page)).to_be_focused()
    expect(page.locator("#status")).to_contain_text(said)


def takes_over_what_the_colleague_holds(page, colleague):
    colleague.goto(page.url)
    colleague.keyboard.press("c")
    expect(colleague.locator("#holding")).to_contain_text("Yours")
    expect(page.locator("#holding")).to_contain_text("Held by")
    page.keyboard.press("t")
    page.keyboard.type("She is at lunch")
    page.keyboard.press("Enter")
    expect(page.locator("#holding")).to_contain_text("Yours")
    expect(colleague.locator("#holding")).to_contain_text("Held by")


def asks_the_colleague_in_a_note(page, colleague, name):
    page.keyboard.press("n")
    page.keyboard.type(f"@{name[:4]}")
    expect(page.get_by_role("listbox").get_by_role("option", name=name)).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("do we still have it?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note")).to_contain_text(f"@{name} do we still have it?")
    expect(colleague.locator("#toasts .toast").first).to_contain_text("named you in a note")


def tags_finds_and_closes_several(page):
    page.keyboard.press("l")
    page.keyboard.type("Ask again")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tags")).to_contain_text("Ask again")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("pump is:open")
    page.keyboard.press("Enter")
    found = page.locator(".found .line")
    expect(page).to_have_url(re.compile("q="))
    before = found.count()
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-picked]")).to_have_text("2")
    page.keyboard.press("Control+k")
    page.keyboard.type("close")
    page.keyboard.press("Enter")
    expect(page.locator("#report")).to_contain_text("2 closed.")
    page.reload()
    expect(found).to_have_count(before - 2)


def heading(page):
    return page.get_by_role("heading", level=1)

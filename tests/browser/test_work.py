"""What an agent does with one conversation: by keyboard, and by plain forms alone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from ally import clock
from ally.db import db
from ally.desk import noting, snoozing, tagging
from ally.desk.models import Conversation, Message, MessageDirection
from tests.browser.conftest import waiting_draft
from tests.browser.test_pages import AXE, wrong_with
from tests.factories import make_channel, make_conversation, make_message, make_user, minutes_ago

pytestmark = pytest.mark.browser

WITHOUT_SCRIPT = {"java_script_enabled": False}


@pytest.fixture
def mira(acme):
    return make_user(acme, "Mira Okafor")


@pytest.fixture
def path(acme):
    conversation = make_conversation(acme, subject="Which pump?")
    make_message(conversation)
    return f"/conversations/{conversation.id}"


def act(page, name):
    """Open the panel of an act by the mouse, as one can without script."""
    page.locator("#work summary", has_text=name).click()


def test_a_note_with_a_mention_by_keyboard(open_browser, ada, mira, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("n")
    page.keyboard.type("Look at https://a.example/x, @mi")
    names = page.get_by_role("listbox", name="Colleagues")
    expect(names.get_by_role("option", name="Mira Okafor")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("please")
    page.keyboard.press("Control+Enter")

    note = page.locator("#thread .note")
    expect(note).to_contain_text("Look at https://a.example/x, @Mira Okafor please")
    expect(note.get_by_role("link")).to_have_attribute("href", "https://a.example/x")
    expect(note).to_be_in_viewport()
    expect(page.locator('#work [data-key="n"]')).to_be_focused()
    expect(page).to_have_url(re.compile(str(waiting[0].id)))  # nothing was approved
    theirs = open_browser(mira)
    theirs.goto("/notifications")
    theirs.get_by_text("Ada Lovelace named you in a note").click()
    expect(theirs.locator(".note:target")).to_be_in_viewport()
    assert page.complaints == []


def test_escape_puts_the_names_away_and_then_the_panel(open_browser, ada, mira, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("n")
    page.keyboard.type("@Mi")
    names = page.get_by_role("listbox", name="Colleagues")
    expect(names).to_be_visible()
    page.keyboard.press("Escape")
    expect(names).to_be_hidden()
    expect(page.get_by_label("Note for colleagues")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Note for colleagues")).to_be_hidden()
    expect(page.locator('#work [data-key="n"]')).to_be_focused()


def test_assign_tag_snooze_and_close_by_keyboard(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator('#work [data-key="a"]')).to_contain_text("Ada Lovelace")
    page.keyboard.press("l")
    page.keyboard.type("Warranty")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tags")).to_contain_text("Warranty")
    page.keyboard.press("h")
    page.keyboard.press("Enter")

    expect(page.locator("#review h1")).to_have_text("A question of Luis Ortega")
    expect(page.locator("#review h1")).to_be_focused()
    expect(page.locator("#rows .row")).to_have_count(2)
    page.keyboard.press("x")
    expect(page.locator("#review h1")).to_have_text("A question of Priya N.")
    expect(page.locator("#rows .row")).to_have_count(1)
    assert page.complaints == []


def test_what_was_snoozed_comes_back_and_tells(open_browser, live, acme, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/conversations/{waiting[0].conversation_id}")
    page.keyboard.press("h")
    page.get_by_role("button", name="Tomorrow").press("Enter")
    expect(page.locator("#work")).to_contain_text("Snoozed until")
    conversation = db.session.get_one(Conversation, waiting[0].conversation_id)
    with clock.at(clock.now() + timedelta(days=3)):
        snoozing.wake_due()
        db.session.commit()

    page.goto("/notifications")
    page.get_by_text("Snooze ended").click()
    expect(page.locator("#work")).to_contain_text("Open")
    assert conversation.snoozed_until is None


def test_closed_and_opened_again(open_browser, ada, path):
    page = open_browser(ada)
    page.goto(path)
    page.keyboard.press("x")
    expect(page.locator("#work")).to_contain_text("Closed")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Close")).to_be_visible()
    page.get_by_role("button", name="Write a reply").click()
    expect(page.locator("textarea[name=text]")).to_be_visible()


def test_all_of_it_by_plain_forms(open_browser, ada, mira, path):
    page = open_browser(ada, **WITHOUT_SCRIPT)
    page.goto(path)
    act(page, "Assign")
    page.get_by_label("Who answers").select_option("Mira Okafor")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("#work")).to_contain_text("Mira Okafor")
    act(page, "Note")
    page.get_by_label("Note for colleagues").fill("For @Mira")
    page.get_by_role("button", name="Add the note").click()
    note = page.locator(".note")
    expect(note).to_contain_text("For @Mira")
    note.locator("summary").click()
    note.get_by_label("Note").fill("For @Mira alone")
    note.get_by_role("button", name="Save").click()
    expect(note).to_contain_text("For @Mira alone")
    act(page, "Tag")
    page.get_by_label("Tag", exact=True).fill("Warranty")
    page.get_by_role("button", name="Add the tag").click()
    page.get_by_role("button", name="Take the tag Warranty off").click()
    expect(page.get_by_role("list", name="Tags")).to_be_hidden()
    act(page, "Snooze")
    page.get_by_label("Until").fill((clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Snooze", exact=True).click()
    expect(page.locator("#work")).to_contain_text("Snoozed until")
    page.get_by_role("button", name="End the snooze").click()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Reopen").click()
    act(page, "More")
    page.get_by_role("button", name="This is spam").click()
    page.get_by_role("button", name="This is no spam").click()
    expect(page.locator("#work")).to_contain_text("Open")
    act(page, "More")
    page.get_by_role("link", name="Merge into another").click()
    expect(page.get_by_label("Into the one at this address")).to_be_visible()
    note.locator("summary").click()
    note.get_by_role("button", name="Delete the note").click()
    expect(page.locator(".note")).to_have_count(0)
    page.get_by_role("button", name="Write a reply").click()
    expect(page.locator("textarea[name=text]")).to_be_visible()


def test_at_the_gate_by_plain_forms_too(open_browser, ada, waiting):
    page = open_browser(ada, **WITHOUT_SCRIPT)
    page.goto(f"/review/{waiting[0].id}")
    act(page, "Note")
    page.get_by_label("Note for colleagues").fill("Take care")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".note")).to_contain_text("Take care")
    act(page, "Snooze")
    page.get_by_role("button", name="Next Monday").click()
    expect(page.locator("#review h1")).to_have_text("A question of Luis Ortega")
    page.locator("#work").get_by_role("button", name="Close").click()
    expect(page.locator("#review h1")).to_have_text("A question of Priya N.")


def test_four_hundred_messages_open_at_once_and_the_older_ones_on_demand(open_browser, acme, ada):
    draft = waiting_draft(acme, make_channel(acme), "Dana Whitfield", 1)
    conversation = db.session.get_one(Conversation, draft.conversation_id)
    db.session.add_all(
        Message(
            account_id=acme.id,
            conversation_id=conversation.id,
            direction=list(MessageDirection)[number % 2],
            author_name="Dana",
            body_text=f"Number {number}.",
            sent_at=minutes_ago(1000 - number),
            metadata_={},
        )
        for number in range(400)
    )
    noting.add(conversation, "Before them", by=ada).created_at = minutes_ago(625)
    noting.add(conversation, "At the end", by=ada)
    db.session.commit()
    page = open_browser(ada)
    page.goto(f"/conversations/{conversation.id}")

    expect(page.locator(".letter")).to_have_count(20)
    expect(page.locator(".note")).to_have_text([re.compile("At the end")])
    first = page.get_by_text("Number 381.")
    where = first.bounding_box()["y"]
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.locator(".letter")).to_have_count(40)
    expect(page.locator(".note")).to_have_text(
        [re.compile("Before them"), re.compile("At the end")]
    )
    assert first.bounding_box()["y"] == pytest.approx(where, abs=2)  # what is read stays in place
    page.goto(f"/review/{draft.id}")
    page.get_by_text("17 older messages").click()
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.locator(".letter")).to_have_count(40)
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_panel_can_be_used_by_everybody(open_browser, ada, acme, waiting, scheme):
    conversation = db.session.get_one(Conversation, waiting[0].conversation_id)
    noting.add(conversation, "See https://a.example/x", by=ada)
    tagging.add(conversation, "Warranty", by=ada)
    db.session.commit()
    page = open_browser(ada, color_scheme=scheme)
    for path in (f"/review/{waiting[0].id}", f"/conversations/{conversation.id}"):
        page.goto(path)
        page.evaluate(AXE.read_text())
        page.locator(".note details summary").click()
        for name in ("Assign", "Snooze", "Note", "Tag", "More"):
            act(page, name)
            expect(page.locator("#work details[open]")).to_have_count(1)
            found = page.evaluate("axe.run('#work, .note', {iframes: false})")
            assert [wrong_with(rule) for rule in found["violations"]] == [], (path, name)

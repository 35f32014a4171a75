"""The desk by keyboard alone, by forms alone, and by two people at once."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk import queries
from ally.review.models import ActionType, Draft, DraftAction, DraftStatus
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel

pytestmark = pytest.mark.browser


def test_a_day_at_the_desk_by_keyboard_alone(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/review")
    expect(heading(page)).to_have_text("A question of Dana Whitfield")

    page.keyboard.press("j")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    expect(page.locator(".row[aria-current]")).to_contain_text("Luis Ortega")
    expect(page).to_have_url(f"{origin(page)}/review/{waiting[1].id}")

    page.keyboard.press("e")
    expect(editor(page)).to_be_focused()
    editor(page).press("ControlOrMeta+End")
    page.keyboard.type(" It holds 58 psi.")
    page.keyboard.press("Control+Enter")

    expect(heading(page)).to_have_text("A question of Priya N.")
    expect(heading(page)).to_be_focused()
    expect(page.locator("#status")).to_contain_text("Approved")
    expect(page.locator(".toast")).to_contain_text("Reply to Luis Ortega goes out in")
    assert decision_on(waiting[1]).type is ActionType.EDIT
    assert decision_on(waiting[1]).final_text.endswith("enough. It holds 58 psi.")

    page.keyboard.press("z")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    expect(page.locator("#status")).to_contain_text("Taken back")
    expect(page.locator(".toast")).to_have_count(0)
    assert status_of(waiting[1]) is DraftStatus.PENDING
    assert delivery_of(waiting[1]).status is DeliveryStatus.CANCELLED

    page.keyboard.press("r")
    expect(page.locator("#reject")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("A question of Priya N.")
    expect(page.locator("#status")).to_contain_text("Rejected")
    assert decision_on(waiting[1]).reason == "wrong_facts"
    assert page.complaints == []


def test_the_same_by_forms_without_script(open_browser, ada, waiting):
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/review")
    page.get_by_role("link", name="Luis Ortega").click()
    page.get_by_role("link", name="Write").click()
    editor(page).fill("The 255 lph pump is enough.\n\nIt holds 58 psi.")
    page.get_by_role("button", name="Changes").click()
    expect(page.locator("#look ins")).to_contain_text("It holds 58 psi.")
    page.get_by_role("button", name="Approve and send").click()

    expect(heading(page)).to_have_text("A question of Priya N.")
    expect(page.locator(".toast")).to_contain_text("Reply to Luis Ortega goes out")
    assert decision_on(waiting[1]).final_text == "The 255 lph pump is enough.\n\nIt holds 58 psi."

    page.get_by_role("button", name="Undo").click()
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    page.get_by_role("link", name="Reject").click()
    page.get_by_label("Tone").check()
    page.get_by_role("button", name="Reject").click()
    expect(heading(page)).to_have_text("A question of Priya N.")
    assert decision_on(waiting[1]).reason == "tone"


def test_when_two_decide_the_later_one_hears_who_and_keeps_the_words(
    open_browser, ada, ben, waiting
):
    first, later = open_browser(ada), open_browser(ben)
    for page in (first, later):
        page.goto(f"/review/{waiting[0].id}")
    later.keyboard.press("e")
    editor(later).fill("Words that took ten minutes.")
    later.get_by_role(
        "button", name="Release"
    ).click()  # to edit is to hold, which would refuse her
    expect(later.locator("#claim")).to_be_visible()
    first.keyboard.press("Control+Enter")
    expect(heading(first)).to_have_text("A question of Luis Ortega")

    later.keyboard.press("Control+Enter")

    expect(later.get_by_role("alert")).to_contain_text("Ada Lovelace approved this draft at")
    expect(later.locator("#kept")).to_have_text("Words that took ten minutes.")
    expect(editor(later)).to_have_value("Words that took ten minutes.")


def test_words_for_a_draft_that_was_superseded_can_be_used_on_the_newer(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).fill("Words that took ten minutes.")
    newer = supersede(waiting[0])

    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Go on with the new state").click()

    expect(page).to_have_url(f"{origin(page)}/review/{newer.id}")
    expect(editor(page)).to_have_value("Words that took ten minutes.")


def test_the_customer_writes_again_while_somebody_edits(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).fill("Half a sentence")
    supersede(waiting[0])

    expect(page.locator("#news")).to_contain_text("The customer wrote again")
    expect(editor(page)).to_have_value("Half a sentence")
    expect(editor(page)).to_be_focused()


def test_a_refusal_that_leads_to_the_newer_draft_is_told_once(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    supersede(waiting[0])
    expect(page.locator("#news")).to_contain_text("The customer wrote again")

    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("alert")).to_contain_text("newer draft")
    expect(page.locator("#news")).to_be_hidden()


def test_of_two_quick_presses_the_last_one_counts(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    first = f"/review/{waiting[1].id}"
    page.route(f"**{first}", lambda route: None)  # its answer would come after the second's

    page.keyboard.press("j")
    with page.expect_event("requestfailed", lambda request: request.url.endswith(first)):
        page.keyboard.press("j")

    expect(heading(page)).to_have_text("A question of Priya N.")
    expect(page.locator(".row[aria-current]")).to_contain_text("Priya N.")


def test_a_reload_in_mid_edit_keeps_the_words_until_the_decision(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).fill("Half a sentence")

    page.reload()
    expect(editor(page)).to_have_value("Half a sentence")
    expect(editor(page)).to_be_visible()

    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert decision_on(waiting[0]).final_text == "Half a sentence"
    assert page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('ally.typed'))") == []


def test_keys_are_silent_while_somebody_types(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).press("ControlOrMeta+End")
    page.keyboard.type("jkrzc?")
    expect(editor(page)).to_have_value("The 255 lph pump is enough.jkrzc?")
    expect(heading(page)).to_have_text("A question of Dana Whitfield")

    page.keyboard.press("Escape")
    expect(page.locator("#look ins")).to_have_text("jkrzc?")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    expect(heading(page)).to_have_text("A question of Dana Whitfield")

    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(heading(page)).to_have_text("Conversations")


def test_a_claim_is_seen_by_the_others_and_can_be_taken_over(open_browser, ada, ben, waiting):
    mine, theirs = open_browser(ada), open_browser(ben)
    for page in (mine, theirs):
        page.goto(f"/review/{waiting[0].id}")
    mine.keyboard.press("c")
    expect(mine.locator("#holding")).to_contain_text("Yours")

    expect(theirs.locator("#holding")).to_contain_text("Held by Ada Lovelace")
    theirs.get_by_text("Held by Ada Lovelace").last.click()
    theirs.get_by_label("Why you take it over").fill("She is at lunch")
    theirs.get_by_role("button", name="Take over").click()
    expect(theirs.locator("#holding")).to_contain_text("Yours")


def test_a_round_goes_on_past_what_was_skipped_and_comes_back_to_it(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/review")
    page.keyboard.press("s")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    expect(heading(page)).to_be_focused()
    expect(page.locator("#status")).to_contain_text("Skipped")

    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Priya N.")
    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Dana Whitfield")
    page.keyboard.press("Control+Enter")

    expect(heading(page)).to_have_text("Nothing waits for you")
    expect(heading(page)).to_be_focused()
    expect(page.get_by_text("You decided on 3 drafts today.")).to_be_visible()
    assert page.complaints == []


def test_sources_are_gone_through_and_light_up_what_rests_on_them(open_browser, ada, acme):
    text = "It holds 58 psi. It is blue."
    sentences = [{"start": 0, "end": 16, "source": 2}, {"start": 17, "end": 28, "source": 1}]
    sources = [{"number": n, "title": f"Chart {n}", "excerpt": "58 psi"} for n in (1, 2)]
    draft = waiting_draft(
        acme,
        make_channel(acme),
        "Dana",
        5,
        text=text,
        payload={"sentences": sentences},
        top_sources=sources,
    )
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("]")
    expect(page.locator("#s1")).to_be_focused()
    expect(page.locator(".said.lit")).to_contain_text("It is blue")
    page.keyboard.press("]")
    expect(page.locator("#s2")).to_be_focused()
    page.keyboard.press("[")
    expect(page.locator("#s1")).to_be_focused()

    page.locator(".said", has_text="It holds").hover()
    expect(page.locator("#s2")).to_have_class(re.compile("lit"))
    expect(page.locator("#s1")).not_to_have_class(re.compile("lit"))


def test_at_the_end_of_the_page_the_next_one_is_loaded(open_browser, ada, acme, live, monkeypatch):
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 3)
    channel = make_channel(acme)
    for number in range(5):
        waiting_draft(acme, channel, f"Customer {number}", 100 - number)
    page = open_browser(ada)
    page.goto("/review")
    for number in range(1, 5):
        page.keyboard.press("j")
        expect(heading(page)).to_have_text(f"A question of Customer {number}")
        expect(page.locator(".row[aria-current]")).to_contain_text(f"Customer {number}")
        expect(page.locator(".row[aria-current]")).to_be_in_viewport()


def test_what_is_snoozed_or_sent_far_down_leaves_the_queue(open_browser, ada, acme, monkeypatch):
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)
    channel = make_channel(acme)
    for number in range(5):
        waiting_draft(acme, channel, f"Customer {number}", 100 - number)
    page = open_browser(ada)
    page.goto("/review")
    expect(page.locator(".row")).to_have_count(5)
    page.locator(".row").nth(2).click()
    expect(heading(page)).to_have_text("A question of Customer 2")
    page.locator("summary[data-key=h]").click()
    page.locator("#work form[action*=snooze] button").first.click()
    expect(heading(page)).to_have_text("A question of Customer 3")
    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Customer 4")
    left = [f"Customer {number}" for number in (0, 1, 4)]
    expect(page.locator(".row b")).to_have_text(left)


def test_letters_alone_can_be_switched_off(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/me")
    page.get_by_label("Letters alone are keys").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.goto("/review")
    page.keyboard.press("j")
    page.keyboard.press("?")
    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert status_of(waiting[0]) is DraftStatus.SENT
    expect(page.locator("#keys")).to_be_hidden()


def test_search_is_one_key_away_from_every_page(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto("/jobs")
    page.keyboard.press("/")
    expect(page).to_have_url(re.compile("/conversations#search$"))
    expect(page.locator("[data-key='/']")).to_be_focused()


def test_a_focused_button_keeps_enter_and_space(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.locator("#claim").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#holding")).to_contain_text("Yours")
    expect(heading(page)).to_have_text("A question of Dana Whitfield")


def test_times_are_those_of_the_browsers_zone(open_browser, ada, waiting):
    page = open_browser(ada, timezone_id="Asia/Tokyo")
    page.goto("/review")
    page.reload()
    expect(page.locator(".row time").first).to_have_attribute("title", re.compile("JST$"))


def test_the_way_back_leads_to_the_draft_before(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("j")
    expect(heading(page)).to_have_text("A question of Luis Ortega")

    page.go_back()
    expect(heading(page)).to_have_text("A question of Dana Whitfield")
    page.keyboard.press("e")
    expect(editor(page)).to_be_focused()
    assert page.complaints == []


def heading(page):
    return page.get_by_role("heading", level=1)


def editor(page):
    return page.get_by_label("Reply", exact=True)


def origin(page):
    return page.evaluate("location.origin")


def status_of(draft):
    db.session.rollback()
    return db.session.scalar(select(Draft.status).where(Draft.id == draft.id))


def decision_on(draft):
    db.session.rollback()
    return db.session.scalar(
        select(DraftAction).where(DraftAction.draft_id == draft.id, DraftAction.undone_at.is_(None))
    )


def delivery_of(draft):
    db.session.rollback()
    return db.session.scalar(
        select(Delivery).where(Delivery.conversation_id == draft.conversation_id)
    )


def supersede(draft):
    """The customer writes again, and a newer draft takes the place of this one."""
    from ally.desk.models import Conversation
    from tests.factories import make_draft

    conversation = db.session.get_one(Conversation, draft.conversation_id)
    db.session.get_one(Draft, draft.id).status = DraftStatus.SUPERSEDED
    db.session.commit()
    return make_draft(conversation, "A newer draft.")

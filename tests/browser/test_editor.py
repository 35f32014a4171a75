"""The editor, where only a browser shows it: what is typed is never lost, and what was seen is
what goes out."""

import re
from email import message_from_bytes

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally.accounts import sessions
from ally.channels import senders
from ally.channels.jobs import deliver
from ally.channels.models import Delivery
from ally.db import db
from ally.desk.models import Attachment, Conversation
from ally.events import trail
from tests.browser.conftest import waiting_draft
from tests.browser.test_keyboard import decision_on, delivery_of, editor, heading, supersede
from tests.channels.mailserver import mail_server
from tests.factories import make_channel, make_message, sign_in

pytestmark = pytest.mark.browser

DROP = """([name, size]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(size)], name, { type: "text/plain" }));
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
  document.querySelector(".draft").dispatchEvent(drop);
}"""


def type_into(page, draft, words="Words that took ten minutes."):
    page.goto(f"/review/{draft.id}")
    page.keyboard.press("e")
    editor(page).fill(words)


def unfold(page):
    page.get_by_text("Cc, Bcc, subject").click()


def cc(page):
    return page.get_by_label("Cc", exact=True)


def kept(page):
    return page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('ally.typed'))")


def write_again(draft, text="One more thing: E85?"):
    conversation = db.session.get_one(Conversation, draft.conversation_id)
    message = make_message(conversation, text)
    trail.record(message, "message.received", actor_name="Dana Whitfield")
    db.session.commit()
    return message


def files_of(draft):
    db.session.rollback()
    names = select(Attachment.file_name).where(Attachment.draft_id == draft.id)
    return db.session.scalars(names).all()


def pdf(name="dyno.pdf", size=9):
    return {"name": name, "mimeType": "application/pdf", "buffer": b"%PDF-1.7 " + bytes(size)}


def test_a_reload_brings_back_the_text_and_whom_it_goes_to(open_browser, ada, ben, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    unfold(page)
    cc(page).fill("sam@example.com")

    page.reload()

    expect(editor(page)).to_have_value("Words that took ten minutes.")
    expect(cc(page)).to_have_value("sam@example.com")
    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert delivery_of(waiting[0]).recipients == ["dana@example.com", "sam@example.com"]
    assert kept(page) == []


def test_a_rejection_that_is_taken_back_brings_back_what_was_typed(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("A question of Luis Ortega")

    page.keyboard.press("z")

    expect(editor(page)).to_have_value("Words that took ten minutes.")


def test_another_user_of_the_browser_sees_nothing_of_it(live, open_browser, ada, ben, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    other = sign_in(live.test_client(), ben).get_cookie("ally").value
    page.context.add_cookies([{"name": "ally", "value": other, "url": live.config["LIVE"]}])

    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")

    expect(editor(page)).to_have_value("The 255 lph pump is enough.")
    page.get_by_title("Sign out").click()
    assert len(kept(page)) == 1  # Ada's, whose session was not ended by her


def test_who_signs_out_leaves_nothing_behind(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.get_by_title("Sign out").click()
    expect(page).to_have_url(re.compile("/login"))
    assert kept(page) == []


def test_a_lost_connection_is_said_and_nothing_is_lost(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.context.set_offline(True)

    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(editor(page)).to_have_value("Words that took ten minutes.")

    page.context.set_offline(False)
    page.keyboard.press("Control+Enter")
    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert decision_on(waiting[0]).final_text == "Words that took ten minutes."


def test_what_a_proxy_says_does_not_take_the_drafts_place(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.route("**/approval", lambda route: route.fulfill(status=502, body="<h1>Bad</h1>"))

    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("alert")).to_contain_text("Try again")
    expect(editor(page)).to_have_value("Words that took ten minutes.")


def test_after_an_expired_session_one_goes_on_where_one_was(live, open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    sessions.end_all_of(ada.id)
    db.session.commit()
    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Your session has ended.")
    expect(editor(page)).to_have_value("Words that took ten minutes.")
    way = alert.get_by_role("link", name="Sign in again").get_attribute("href")
    assert way == f"/login?next=/review/{waiting[0].id}"

    again = sign_in(live.test_client(), ada).get_cookie("ally").value
    page.context.add_cookies([{"name": "ally", "value": again, "url": live.config["LIVE"]}])
    page.goto(way.partition("next=")[2])

    expect(editor(page)).to_have_value("Words that took ten minutes.")


def test_the_customer_writes_during_an_edit_and_it_is_sent_as_edited(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    write_again(waiting[0])
    expect(page.locator("#news")).to_contain_text("The customer wrote again")
    expect(editor(page)).to_have_value("Words that took ten minutes.")
    expect(editor(page)).to_be_focused()

    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("One more thing: E85?")
    expect(editor(page)).to_have_value("Words that took ten minutes.")
    page.keyboard.press("Enter")
    expect(page.locator("#thread")).to_contain_text("One more thing: E85?")
    expect(editor(page)).to_have_value("Words that took ten minutes.")
    page.keyboard.press("Control+Enter")

    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert decision_on(waiting[0]).final_text == "Words that took ten minutes."


def test_a_newer_draft_is_compared_and_opened_with_the_words(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0], "The 255 lph pump is plenty.")
    newer = supersede(waiting[0])
    page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("ins").first).to_contain_text("A newer draft")
    page.keyboard.press("Escape")
    expect(editor(page)).to_have_value("The 255 lph pump is plenty.")

    page.locator("#news").get_by_role("button", name="Open it").click()

    expect(page).to_have_url(re.compile(f"/review/{newer.id}$"))
    expect(editor(page)).to_have_value("The 255 lph pump is plenty.")
    page.reload()
    expect(editor(page)).to_have_value("The 255 lph pump is plenty.")


def test_of_two_browsers_one_wins_and_the_other_reads_who(open_browser, ada, ben, waiting):
    first, later = open_browser(ada), open_browser(ben)
    type_into(first, waiting[0], "Ada's words.")
    expect(first.locator("#holding")).to_contain_text("Yours")  # whoever types holds it
    type_into(later, waiting[0], "Ben's words.")
    first.keyboard.press("Control+Enter")
    expect(heading(first)).to_have_text("A question of Luis Ortega")

    later.keyboard.press("Control+Enter")

    alert = later.get_by_role("alert")
    expect(alert).to_contain_text("Ada Lovelace approved this draft at")
    expect(alert.locator(".since ins").first).to_contain_text("Ada's words")
    expect(editor(later)).to_have_value("Ben's words.")


@pytest.mark.parametrize("height", [768, 900])
def test_changes_stand_below_what_is_typed_and_the_caret_stays(open_browser, ada, waiting, height):
    page = open_browser(ada, viewport={"width": 1366, "height": height})
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).press("Home")
    page.keyboard.type("Yes. ")

    expect(page.locator("#look ins")).to_have_text("Yes. ")
    expect(page.locator("#look ins")).to_be_in_viewport()
    expect(page.locator("#status")).to_have_text("1 change")
    page.keyboard.type("So ")
    expect(editor(page)).to_have_value("Yes. So The 255 lph pump is enough.")
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(editor(page)).to_be_hidden()
    expect(page.locator("[data-write]")).to_be_focused()
    expect(page.locator("#look ins")).to_have_text("Yes. So ")


def test_files_go_on_and_off_and_the_words_stay(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.set_input_files("[data-attach]", [pdf(), pdf("flow.pdf")])
    group = page.get_by_role("group", name="Files of the reply")
    expect(group).to_contain_text("flow.pdf")
    assert files_of(waiting[0]) == ["dyno.pdf", "flow.pdf"]
    page.get_by_role("button", name="Take off dyno.pdf").click()
    expect(group).not_to_contain_text("dyno.pdf")
    page.evaluate(DROP, ["huge.pdf", 19 * 2**20])
    expect(group).to_contain_text("These files are too large")
    expect(editor(page)).to_have_value("Words that took ten minutes.")

    page.keyboard.press("Control+Enter")

    expect(heading(page)).to_have_text("A question of Luis Ortega")
    sent = message_from_bytes(db.session.get_one(Delivery, delivery_of(waiting[0]).id).raw)
    assert [part.get_filename() for part in sent.walk() if part.get_filename()] == ["flow.pdf"]


def test_files_are_dropped_on_the_draft(open_browser, ada, waiting):
    page = open_browser(ada)
    type_into(page, waiting[0])
    page.evaluate(DROP, ["dropped.txt", 5])
    expect(page.get_by_role("group", name="Files of the reply")).to_contain_text("dropped.txt")
    expect(editor(page)).to_have_value("Words that took ten minutes.")


def test_copies_really_go_out(live, acme, ada, open_browser):
    channel = make_channel(acme)
    draft = waiting_draft(acme, channel, "Dana Whitfield", 30)
    trigger = db.session.get_one(type(draft), draft.id).trigger_message_id
    message = db.session.get_one(type(write_again(draft)), trigger)
    message.metadata_ = {"cc": [["Sam Fox", "sam@example.com"], [None, channel.from_address]]}
    db.session.commit()
    page = open_browser(ada)
    page.goto(f"/review/{draft.id}")
    page.get_by_role("button", name="Reply to all").click()
    expect(cc(page)).to_have_value('"Sam Fox" <sam@example.com>')
    page.get_by_label("Bcc", exact=True).fill("boss@example.org")
    page.get_by_label("Subject", exact=True).fill("Your pump")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("Approved")

    with mail_server() as server:
        senders.use_all(server.url, in_development=True)
        delivery = delivery_of(draft)
        delivery.not_before = delivery.created_at
        db.session.commit()
        deliver(str(delivery.id))
    senders.use_all("smtp://localhost:1", in_development=True)

    [(_, to, raw)] = server.accepted
    mail = message_from_bytes(raw)
    assert to == ["dana@example.com", "sam@example.com", "boss@example.org"]
    assert (mail["Cc"], mail["Subject"]) == ("Sam Fox <sam@example.com>", "Your pump")
    assert b"boss@example.org" not in raw


def test_without_script_the_words_go_on_after_a_refusal(open_browser, ada, waiting):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(f"/review/{waiting[0].id}?edit=1")
    editor(page).fill("Plain words.")
    unfold(page)
    cc(page).fill("sam at example")
    approve = page.get_by_role("button", name="Approve and send")
    approve.click()
    expect(page.get_by_role("alert")).to_contain_text("“sam at example” is not an address")
    page.get_by_label("Cc").fill("sam@example.com")
    page.get_by_role("button", name="Back to the draft").click()
    page.set_input_files("[name=files]", [pdf()])
    page.get_by_role("button", name="Attach the files").click()
    expect(editor(page)).to_have_value("Plain words.")
    write_again(waiting[0])

    approve.click()
    expect(page.get_by_role("alert")).to_contain_text("One more thing: E85?")
    page.get_by_role("button", name="Go on with the new state").click()
    approve.click()

    expect(heading(page)).to_have_text("A question of Luis Ortega")
    assert decision_on(waiting[0]).final_text == "Plain words."
    assert delivery_of(waiting[0]).recipients == ["dana@example.com", "sam@example.com"]

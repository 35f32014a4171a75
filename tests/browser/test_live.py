"""Pages that stay up to date by themselves, and what they say when they cannot."""

import re

import pytest
from playwright.sync_api import expect

from ally.accounts import sessions
from ally.db import db
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import claims
from ally.review.queries import find_draft, lock_draft
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel

pytestmark = pytest.mark.browser

AT_ONCE = 2_000  # milliseconds


def test_a_new_draft_appears_in_every_open_tab_within_two_seconds(
    open_browser, acme, ada, ben, waiting
):
    queue, elsewhere = open_browser(ada), open_browser(ben)
    queue.goto("/review")
    elsewhere.goto("/conversations")
    for page in (queue, elsewhere):
        expect(page).to_have_title(re.compile(r"^\(3\) "))

    waiting_draft(acme, make_channel(acme), "Newly Come", 1)

    expect(queue.get_by_role("link", name="Newly Come")).to_be_visible(timeout=AT_ONCE)
    for page in (queue, elsewhere):
        expect(page.locator("#count-review")).to_have_text("4", timeout=AT_ONCE)
        expect(page).to_have_title(re.compile(r"^\(4\) "), timeout=AT_ONCE)
    assert queue.complaints == elsewhere.complaints == []


def test_a_lost_connection_is_told_and_heals(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    heard(page)
    bar = page.locator("#connection .bar")
    expect(bar).to_be_hidden()

    page.context.set_offline(True)
    expect(bar).to_contain_text("No connection since")
    expect(bar).to_contain_text("What you type is kept.")
    page.context.set_offline(False)

    expect(bar).to_be_hidden(timeout=AT_ONCE)


def test_who_was_signed_out_signs_in_again_and_goes_on(
    open_browser, live, ada, waiting, sign_in_again
):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    heard(page)
    page.keyboard.press("e")
    editor(page).fill("Words that took ten minutes.")
    sessions.end_all_of(ada.id)
    db.session.commit()

    expect(page.locator("#connection")).to_contain_text("You are signed out.")
    link = page.get_by_role("link", name="Sign in", exact=True)
    assert link.get_attribute("href") == f"/login?next=%2Freview%2F{waiting[0].id}"
    sign_in_again(page, ada)

    expect(page.locator("#connection .bar")).to_be_hidden(timeout=12_000)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("Approved")


def test_a_colleague_is_seen_to_look_and_to_write(open_browser, ada, ben, waiting):
    mine, theirs = open_browser(ada), open_browser(ben)
    for page in (mine, theirs):
        page.goto(f"/review/{waiting[0].id}")
    expect(mine.locator("#here")).to_have_text(re.compile("Ben Okri looks on"))
    expect(mine.locator(f"#row-{waiting[0].id} [data-marks] i")).to_have_attribute(
        "title", "Ben Okri looks on"
    )

    theirs.keyboard.press("e")
    theirs.keyboard.type("Hello")
    expect(mine.locator("#here")).to_have_text(re.compile("Ben Okri is writing"))

    theirs.goto("/notifications")
    expect(mine.locator("#here")).to_be_empty(timeout=5_000)
    assert mine.complaints == []


def test_beginning_to_write_claims_and_a_colleague_takes_over_by_keyboard(
    open_browser, ada, ben, waiting
):
    mine, theirs = open_browser(ada), open_browser(ben)
    for page in (mine, theirs):
        page.goto(f"/review/{waiting[0].id}")
    mine.keyboard.press("e")
    mine.keyboard.type("H")
    expect(mine.locator("#holding")).to_contain_text("Yours")
    expect(editor(mine)).to_be_focused()
    expect(theirs.locator("#holding")).to_contain_text("Held by Ada Lovelace")

    theirs.keyboard.press("t")
    expect(theirs.get_by_label("Why you take it over")).to_be_focused()
    theirs.keyboard.type("She is at lunch")
    theirs.keyboard.press("Enter")

    expect(theirs.locator("#holding")).to_contain_text("Yours")
    expect(mine.locator("#holding")).to_contain_text("Held by Ben Okri")


def test_who_begins_to_write_on_a_draft_that_is_held_hears_who_holds_it(
    open_browser, ada, ben, waiting
):
    claims.claim(lock_draft(waiting[0].account_id, waiting[0].id), ben)
    db.session.commit()
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    editor(page).press("ControlOrMeta+End")
    page.keyboard.type(" Hello")

    expect(page.get_by_role("alert")).to_contain_text("Ben Okri has held this draft since")
    expect(editor(page)).to_have_value("The 255 lph pump is enough. Hello")
    expect(editor(page)).to_be_focused()


def test_a_draft_is_taken_over_without_script(open_browser, ada, ben, waiting):
    claims.claim(lock_draft(waiting[0].account_id, waiting[0].id), ben)
    db.session.commit()
    page = open_browser(ada, java_script_enabled=False)
    page.goto(f"/review/{waiting[0].id}")
    page.locator(".takeover summary").click()
    page.get_by_label("Why you take it over").fill("He is at lunch")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("#holding")).to_contain_text("Yours")
    db.session.rollback()
    assert claims.holder_of(find_draft(waiting[0].account_id, waiting[0].id)).user_id == ada.id


def test_a_mention_comes_as_a_toast_and_is_read_where_it_leads(open_browser, acme, ada, waiting):
    page = open_browser(ada)
    page.goto("/conversations")
    heard(page)
    tell(acme, ada, f"/conversations/{waiting[0].conversation_id}#note")

    toast = page.locator("#toasts .toast")
    expect(toast).to_contain_text("Ben asks you", timeout=3_000)
    expect(page.locator("#count-notifications")).to_have_text("1", timeout=3_000)
    toast.get_by_role("link").click()

    expect(page).to_have_url(re.compile(r"/conversations/.*#note$"))
    expect(page.locator("#count-notifications")).to_be_empty()


def test_two_hidden_tabs_show_one_notification_of_the_browser(open_browser, acme, ada):
    first = open_browser(ada, permissions=["notifications"])
    first.context.add_init_script(HIDDEN)
    second = first.context.new_page()
    for page in (first, second):
        page.goto("/notifications/settings")
        heard(page)
    first.evaluate("localStorage.setItem('ally.notes', 'on')")

    tell(acme, ada, "/conversations/1")

    for page in (first, second):  # a hidden tab asks seldom; this is what showing it does
        page.wait_for_timeout(1_100)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#toasts [data-line]")).to_have_count(1)
    assert sum(len(page.evaluate("shown")) for page in (first, second)) == 1


# A page that believes to be hidden, and notes what it asks the browser to show.
HIDDEN = """
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
  globalThis.shown = [];
  globalThis.Notification = class {
    static permission = "granted";
    constructor(words) { shown.push(words); }
  };
"""


@pytest.fixture
def sign_in_again(live):
    """Signs the browser in anew, as another tab of it would."""
    from tests.factories import sign_in

    def sign_in_(page, user):
        cookie = sign_in(live.test_client(), user).get_cookie("ally")
        page.context.add_cookies(
            [{"name": "ally", "value": cookie.value, "url": live.config["LIVE"]}]
        )

    return sign_in_


def heard(page):
    """The page has asked once, and knows what is old."""
    while page.evaluate("sessionStorage.getItem('ally.seen')") is None:
        page.wait_for_timeout(50)


def tell(acme, user, url):
    feed.notify(acme.id, NotificationType.MENTION, to=[user.id], title="Ben asks you", url=url)
    db.session.commit()


def editor(page):
    return page.get_by_label("Reply", exact=True)

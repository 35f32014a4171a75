"""What goes out: taken back by a key, put off, and tried again when it failed."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally import clock
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import DraftAction
from ally.review.queries import lock_draft

pytestmark = pytest.mark.browser


def sending(**changes):
    db.session.rollback()
    delivery = db.session.scalars(
        select(Delivery).order_by(Delivery.created_at.desc()).limit(1)
    ).one()
    for name, value in changes.items():
        setattr(delivery, name, value)
    db.session.commit()
    return delivery


def test_undo_by_one_key_gives_the_words_back(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(" It holds.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_have_text(re.compile("goes out in 10 seconds"))
    expect(page.locator(".toast")).to_have_text(re.compile(r"goes out in [5-9] s"))

    page.reload()  # the server says how much is left
    expect(page.locator(".toast")).to_have_text(re.compile(r"goes out in [1-9] s"))
    page.keyboard.press("z")

    expect(page.locator("#status")).to_contain_text("Taken back")
    expect(page.locator("#review textarea[name=text]")).to_have_value(re.compile("It holds."))
    assert sending().status is DeliveryStatus.CANCELLED
    assert page.complaints == []


def test_a_reply_is_put_off_and_taken_back_from_the_list(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("d")
    page.get_by_role("button", name="Tomorrow").click()
    expect(page.locator("#status")).to_contain_text("goes out later")
    assert sending().not_before.hour == 8

    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.locator(".going li")).to_contain_text("A question of Dana Whitfield")
    page.get_by_role("button", name="Take back").click()

    expect(page.locator("#outgoing")).to_contain_text("Nothing waits to go out")
    expect(page.locator("#status")).to_contain_text("Taken back")
    assert sending().status is DeliveryStatus.CANCELLED
    assert page.complaints == []


def test_the_same_by_forms_without_script(open_browser, ada, waiting):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(f"/review/{waiting[0].id}")
    page.locator(".later summary").click()
    page.get_by_label("On a day, at a time").fill(
        f"{clock.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    )
    page.get_by_role("button", name="Send then").click()
    assert db.session.scalars(select(DraftAction.send_at)).all() != [None]

    page.goto("/outgoing")
    page.get_by_role("button", name="Send now").click()
    expect(page).to_have_url(re.compile("/outgoing"))
    assert sending().not_before <= clock.now()


def test_a_failure_is_loud_and_tried_again(open_browser, ada, waiting):
    decisions.approve(lock_draft(ada.account_id, waiting[0].id), ada, seen=seen(waiting[0]))
    db.session.commit()
    page = open_browser(ada)
    page.goto("/outgoing?show=queued")
    sending(status=DeliveryStatus.REJECTED, answer="550 no such user")

    tab = page.get_by_role("link", name="Failed 1")
    expect(tab).to_be_visible()  # by itself: the page asks again
    tab.click()
    expect(page.locator(".going li")).to_contain_text("550 no such user")
    expect(page.locator("#count-outgoing")).to_have_text("1")
    page.get_by_role("button", name="Try again").click()

    expect(page.locator("#outgoing")).to_contain_text("No reply has failed")
    expect(page.locator("#count-outgoing")).to_have_text("")
    assert sending().status is DeliveryStatus.QUEUED
    assert page.complaints == []


def test_a_time_that_is_typed_counts_and_escape_leaves_it(open_browser, ada, waiting):
    page = open_browser(ada)
    page.goto(f"/review/{waiting[0].id}")
    page.keyboard.press("d")
    expect(page.get_by_role("button", name="In 1 hour")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="In 1 hour")).to_be_hidden()

    page.keyboard.press("d")
    in_two_days = clock.now() + timedelta(days=2)
    page.get_by_label("On a day, at a time").fill(f"{in_two_days:%Y-%m-%dT%H:%M}")
    page.get_by_label("On a day, at a time").press("Enter")

    expect(page.locator("#status")).to_contain_text("goes out later")
    assert sending().not_before == in_two_days.replace(second=0, microsecond=0)

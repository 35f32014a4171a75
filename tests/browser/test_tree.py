"""What a screen reader is given of the review page: places, headings in order, what is said."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TREE = """
- link "Skip to the content"
- navigation "Main":
  - link /Review/
  - link "Conversations"
- region "Drafts waiting for review":
  - heading "Review" [level=2]
  - navigation "Which drafts"
  - list:
    - listitem:
      - link /Dana Whitfield/
    - listitem:
      - link /Luis Ortega/
- main:
  - heading "A question of Dana Whitfield" [level=1]
  - button /Claim/
  - group "This conversation"
  - region "Messages":
    - article
  - region "Draft under review":
    - heading "Draft reply" [level=2]
    - region "The reply"
    - button /Approve and send/
    - link /Reject/
- complementary "Evidence":
  - heading /Sources/ [level=2]
  - heading "Customer" [level=2]
"""


@pytest.fixture
def page(open_browser, ada, waiting):
    page = open_browser(ada, viewport={"width": 1440, "height": 900})
    page.goto(f"/review/{waiting[0].id}")
    return page


def test_the_places_of_the_review_page_have_names(page):
    expect(page.locator("body")).to_match_aria_snapshot(TREE)
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.locator(".row[aria-current=true]")).to_have_accessible_name(
        re.compile("Dana Whitfield")
    )


def test_headings_leave_no_level_out(page):
    page.keyboard.press("?")  # the sheet has some of its own
    levels = page.evaluate("""() => [...document.querySelectorAll("h1, h2, h3, h4")]
        .filter(one => one.checkVisibility()).map(one => Number(one.tagName[1]))""")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_what_was_done_and_refused_is_said(page):
    status = page.locator("#status")
    expect(status).to_have_role("status")
    page.keyboard.press("s")
    expect(status).to_contain_text("Skipped")
    page.keyboard.press("Control+Enter")
    expect(status).to_contain_text("Approved")
    expect(page.get_by_role("region", name="Undo")).to_be_visible()
    page.keyboard.press("h")
    page.get_by_label("Until").fill("2020-01-01T10:00")
    page.get_by_label("Until").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This time has passed.")


def test_on_a_phone_the_queue_is_a_page_of_its_own(open_browser, ada, waiting):
    page = open_browser(ada, viewport={"width": 390, "height": 844})
    page.goto("/review")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review")
    only = "- main:\n  - paragraph: Choose a draft from the list."
    expect(page.get_by_role("main")).to_match_aria_snapshot(only)
    page.locator(".row").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A question of Dana Whitfield")

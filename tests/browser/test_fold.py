"""What is seen at once, without scrolling, at every width."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from ally import clock
from ally.db import db
from ally.review import claims
from ally.review.queries import lock_draft
from tests.factories import make_channel, make_conversation, make_draft, make_message

pytestmark = pytest.mark.browser

MESSAGE = """Hi, building a 347 with a mild cam, about 450 hp at the crank on pump gas. Would
the 255 lph in-tank hold 58 psi at that level, or should I go to the 340?"""
DRAFT = """Hi Dana,

At 450 hp on pump gas the 255 lph pump is enough: at 58 psi it
still flows about 225 lph, and your engine needs roughly 190 lph
with a safety margin. The 340 makes sense only for E85 or boost.

Use 6 AN for the feed and 6 AN for the return. A smaller return
can push idle pressure up with a return style regulator, and it
gets worse with every foot of line. Both are in stock.

Both pumps fit the stock Fox body hanger, so the tank can stay
as it is. The harness in the kit has the right plug for it.

Kind regards,
Mira, Hot Rod AN"""
NARROWEST = 300  # pixels of the conversation that a person can read in


@pytest.fixture
def typical(acme, ada):
    """A draft of twelve lines that rests on three sources, held by Ada."""
    channel = make_channel(acme)
    conversation = make_conversation(
        acme, channel, subject="Fuel pump for a 347 with EFI, return style?"
    )
    for number, words in ((40, "Hello, do you answer mails on weekends?"), (12, MESSAGE)):
        trigger = make_message(conversation, words, sent_at=clock.now() - timedelta(minutes=number))
    first = DRAFT.index("At 450")
    sentences = [{"start": first, "end": DRAFT.index("The 340") - 1, "source": 1}]
    draft = make_draft(
        conversation,
        DRAFT,
        trigger,
        payload={"sentences": sentences},
        top_sources=[source(number) for number in (1, 2, 3)],
    )
    claims.claim(lock_draft(acme.id, draft.id), ada)
    db.session.commit()
    return draft


def source(number):
    return {
        "number": number,
        "title": "In-tank pump flow chart, all pumps",
        "excerpt": "255 lph at 40 psi, 225 lph at 58 psi, 13.5 V, measured at the rail. " * 4,
        "kind": "page",
        "score": 0.92,
        "indexed_at": (clock.now() - timedelta(days=2)).isoformat(),
    }


SEEN_AT_ONCE = {
    "the customer's last message": "#thread > .letter:last-of-type .body",
    "who wrote it": "#thread > .letter:last-of-type header",
    "the whole draft": "#look, textarea[name=text]",
    "who it goes to": ".envelope",
    "who holds it": "#holding",
    "the decision": "#approve",
    "the rejection": "[data-key=r]",
    "the first source": "#s1",
    "the second": "#s2",
    "the third": "#s3",
}


@pytest.mark.parametrize("height", [768, 900])
def test_all_that_a_decision_needs_is_above_the_fold(open_browser, ada, typical, height):
    page = open_browser(ada, viewport={"width": 1366 if height == 768 else 1440, "height": height})
    page.goto(f"/review/{typical.id}")
    expect(page.locator("#approve")).to_be_visible()
    hidden = {what: cut(page, where) for what, where in SEEN_AT_ONCE.items()}
    assert {what: by for what, by in hidden.items() if by} == {}


def cut(page, where):
    """What of an element lies outside the window, or outside of a box that scrolls it."""
    return page.evaluate(
        """where => {
        const found = [...document.querySelectorAll(where)].find(one => one.checkVisibility());
        if (!found) return "is not there";
        const box = found.getBoundingClientRect();
        if (found.scrollHeight > found.clientHeight + 2) return `scrolls ${found.scrollHeight}`;
        let around = found.parentElement;
        const walls = [{top: 0, left: 0, bottom: innerHeight, right: innerWidth}];
        for (; around; around = around.parentElement) {
            if (getComputedStyle(around).overflowY !== "visible" && around !== document.body)
                walls.push(around.getBoundingClientRect());
        }
        const out = walls.map(wall => Math.max(wall.top - box.top, box.bottom - wall.bottom,
            wall.left - box.left, box.right - wall.right));
        return Math.max(...out) > 1 ? `${Math.round(Math.max(...out))} px hidden` : "";
    }""",
        where,
    )


def test_two_columns_below_1180_with_the_sources_under_the_draft(open_browser, ada, typical):
    page = open_browser(ada, viewport={"width": 1179, "height": 768})
    page.goto(f"/review/{typical.id}")
    boxes = {name: page.locator(name).bounding_box() for name in (".queue", ".work", ".facts")}
    assert boxes[".facts"]["x"] == boxes[".work"]["x"] > boxes[".queue"]["x"]
    assert boxes[".facts"]["y"] >= boxes[".work"]["y"] + boxes[".work"]["height"]
    expect(page.locator("#approve")).to_be_in_viewport(ratio=1)

    page.keyboard.press("]")

    expect(page.locator("#s1")).to_be_focused()
    expect(page.locator("#s1")).to_be_in_viewport(ratio=1)


def test_three_columns_from_1180(open_browser, ada, typical):
    page = open_browser(ada, viewport={"width": 1180, "height": 768})
    page.goto(f"/review/{typical.id}")
    queue, work, facts = (page.locator(n).bounding_box() for n in (".queue", ".work", ".facts"))
    assert queue["x"] < work["x"] < facts["x"]
    assert queue["y"] == work["y"] == facts["y"]
    assert work["width"] > NARROWEST


@pytest.mark.parametrize(("width", "height"), [(759, 900), (390, 844), (720, 450)])
def test_one_column_below_760_with_the_decision_always_in_sight(
    open_browser, ada, typical, width, height
):
    """720 by 450 is a window of 1440 by 900 at 200 % zoom."""
    page = open_browser(ada, viewport={"width": width, "height": height})
    page.goto(f"/review/{typical.id}")
    expect(page.locator(".queue")).to_be_hidden()
    for place in (0, 200, 100_000):
        page.evaluate(f"scrollTo(0, {place})")
        expect(page.locator("#approve")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#s3").scroll_into_view_if_needed()
    expect(page.locator("#s3")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 768), (720, 450), (390, 844)])
def test_whatever_has_the_focus_is_seen(open_browser, ada, typical, width, height):
    """WCAG 2.4.11: no sticky bar covers it whole."""
    page = open_browser(ada, viewport={"width": width, "height": height})
    page.goto(f"/review/{typical.id}")
    for _ in range(70):
        page.keyboard.press("Tab")
        covered = page.evaluate("""() => {
            const focused = document.activeElement, box = focused.getBoundingClientRect();
            if (focused === document.body || !box.width) return null;
            const points = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].map(([x, y]) =>
                document.elementFromPoint(box.x + box.width * x, box.y + box.height * y));
            const seen = points.some(one => one && (focused.contains(one) || one.contains(focused)
                || one.closest("label")?.contains(focused)));
            return seen ? null : focused.outerHTML.slice(0, 120);
        }""")
        assert covered is None


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_targets_are_24_pixels_or_stand_apart(open_browser, ada, typical, width, height):
    """WCAG 2.5.8: a smaller one has room for a circle of 24 pixels, or stands in a line of text."""
    page = open_browser(ada, viewport={"width": width, "height": height})
    page.goto(f"/review/{typical.id}")
    small = page.evaluate("""() => {
        const seen = [...document.querySelectorAll("a, button, summary, input, select, textarea")]
            .filter(one => one.checkVisibility() && !one.closest("p, sup, .skip, li small, label"));
        const boxes = seen.map(one => [one, one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1);
        const middle = b => [b.x + b.width / 2, b.y + b.height / 2];
        const isSmall = ([, box]) => box.width < 24 || box.height < 24;
        return boxes.filter(isSmall).filter(([one, b]) => boxes.some(([other, o]) => {
            if (one === other || one.contains(other) || other.contains(one)) return false;
            const [x, y] = middle(b);
            const dx = Math.max(o.x - x, 0, x - o.right), dy = Math.max(o.y - y, 0, y - o.bottom);
            return Math.hypot(dx, dy) < 12;
        })).map(([one]) => one.outerHTML.slice(0, 100));
    }""")
    assert small == []


def test_moving_is_still_when_the_reader_wants_less_of_it(open_browser, ada, typical):
    page = open_browser(ada, reduced_motion="reduce")
    page.goto(f"/review/{typical.id}")
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter(one => {
        const style = getComputedStyle(one);
        return style.animationName !== "none" || style.transitionDuration !== "0s"
            || style.scrollBehavior === "smooth";
    }).map(one => one.tagName)""")
    assert moving == []


def test_with_forced_colours_the_open_row_and_the_look_are_told_apart(open_browser, ada, typical):
    page = open_browser(ada, forced_colors="active")
    page.goto(f"/review/{typical.id}")
    for where in (".row[aria-current]", ".tabs [aria-current]", ".nav [aria-current]"):
        style = page.locator(where).first.evaluate("one => getComputedStyle(one).outlineStyle")
        assert style == "solid", where

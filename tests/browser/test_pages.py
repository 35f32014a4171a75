"""Every page as a browser sees it: nothing sticks out, nothing complains, nothing fires."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ally.desk import frames
from tests.browser.conftest import waiting_draft
from tests.factories import make_channel, make_conversation, make_draft, make_message

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent.parent.parent / "node_modules/axe-core/axe.min.js"
WIDTHS = [(1440, 900), (1024, 768), (390, 844)]
UGLY = {
    "a long subject": ("Pump " * 60, "Hello"),
    "one endless word": ("x" * 300, "w" * 20_000),
    "right to left": ("سؤال عن مضخة الوقود", "مرحبا، هل تناسب هذه المضخة سيارتي؟"),
    "emoji alone": ("🚗🔥💨", "🔥" * 400),
    "nothing": (None, ""),
    "markup": ("<script>document.title='fired'</script>", "<img src=x onerror=alert(1)>"),
}
HOSTILE = """
<script>top.document.title = 'fired'</script>
<img src="/fired.png" onerror="top.document.title='fired'">
<svg onload="top.document.title='fired'"><animate onbegin="alert(1)"></animate></svg>
<form action="/logout" method="post"><button id="go">Go</button></form>
<div style="position:fixed;inset:0;background:url(http://127.0.0.1:9/x)">over</div>
<iframe src="javascript:top.document.title='fired'"></iframe>
<meta http-equiv="refresh" content="0;url=/fired">
<link rel="stylesheet" href="/fired.css"><style>@import url(/fired.css);</style>
<a href="/fired" id="leave">leave</a>
"""


def wrong_with(rule):
    return rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]


def test_hostile_mail_fires_nothing_in_its_frame(open_browser, ada, acme):
    """The frame alone must hold, so that its content here is not even sanitised."""
    policy = frames.headers_of(HOSTILE, "", images=False)
    conversation = make_conversation(acme)
    trigger = make_message(conversation, "Hello", body_html="<table>")
    draft = make_draft(conversation, trigger=trigger)
    page = open_browser(ada)
    answered, refused = [], []
    page.on("response", lambda response: answered.append(response.url))
    page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
    page.route(
        "**/frame", lambda route: route.fulfill(body=frames.document(HOSTILE, ""), headers=policy)
    )
    page.goto(f"/review/{draft.id}")

    frame = page.frame_locator(".letter iframe")
    expect(frame.locator("#go")).to_be_attached()
    frame.locator("#go").click(force=True)
    frame.locator("#leave").click(force=True)

    expect(page).to_have_title(re.compile(re.escape(conversation.subject)))
    expect(page).to_have_url(f"{page.evaluate('location.origin')}/review/{draft.id}")
    expect(frame.locator("#leave")).to_be_attached()
    assert [url for url in answered if "fired" in url or ":9/" in url or "logout" in url] == []
    assert {why for _, why in refused} <= {"csp"}  # the browser asked the policy, not the network
    overlap = page.locator("#approve").evaluate("""button => {
        const box = button.getBoundingClientRect();
        return document.elementFromPoint(box.x + 5, box.y + 5).closest("#approve") === button;
    }""")
    assert overlap


@pytest.fixture
def sixty(acme):
    """More drafts than one page of the queue holds, the longest waiting first."""
    channel = make_channel(acme)
    return [
        waiting_draft(acme, channel, f"Customer {number}", 100 - number) for number in range(60)
    ]


def test_sixty_wait_and_the_queue_goes_on_as_it_is_scrolled(open_browser, ada, sixty):
    page = open_browser(ada)
    page.goto("/review")
    expect(page.locator(".row")).to_have_count(50)

    page.locator(".row").last.scroll_into_view_if_needed()

    expect(page.locator(".row")).to_have_count(60)
    assert page.locator(".row b").all_inner_texts() == [f"Customer {n}" for n in range(60)]
    page.keyboard.press("Control+Enter")  # the first is decided, and the sixty keep their order
    expect(page.locator(".row")).to_have_count(59)
    assert page.locator(".row b").all_inner_texts() == [f"Customer {n}" for n in range(1, 60)]


def test_sixty_wait_and_a_link_leads_on_without_script(open_browser, ada, sixty):
    page = open_browser(ada, java_script_enabled=False)
    page.goto("/review")
    page.get_by_role("link", name="Show the next ones").click()
    expect(page.locator(".row")).to_have_count(10)
    page.locator(".row").last.click()
    expect(page.locator(".row[aria-current]")).to_contain_text("Customer 59")
    page.get_by_role("link", name="From the beginning").click()
    expect(page.locator(".row")).to_have_count(50)


def test_an_opened_draft_far_down_is_seen_in_the_queue(open_browser, ada, acme):
    channel = make_channel(acme)
    drafts = [
        waiting_draft(acme, channel, f"Customer {number}", 100 - number) for number in range(30)
    ]
    page = open_browser(ada)
    page.goto(f"/review/{drafts[25].id}")
    expect(page.locator(".row[aria-current]")).to_contain_text("Customer 25")
    expect(page.locator(".row[aria-current]")).to_be_in_viewport(ratio=1)


def test_an_empty_desk_is_as_tall_as_the_window(open_browser, ada):
    page = open_browser(ada, viewport={"width": 1440, "height": 900})
    page.goto("/review")
    expect(page.locator("#rows")).to_contain_text("Nothing waits")
    for column in (".nav", ".queue", ".work"):
        assert page.locator(column).bounding_box()["height"] == 900


def test_a_phone_opens_a_draft_at_its_top(open_browser, acme, ada):
    channel = make_channel(acme)
    for number in range(20):
        waiting_draft(acme, channel, f"Customer {number}", 60 - number, "Line.\n\n" * 60)
    page = open_browser(ada, viewport={"width": 390, "height": 844})
    page.goto("/review")

    page.locator(".row").last.click()

    expect(page.locator("#review h1")).to_be_focused()
    expect(page.locator("#review h1")).to_be_in_viewport()


def test_a_phone_shows_the_queue_then_the_draft_with_its_bar(open_browser, ada, waiting):
    page = open_browser(ada, viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto("/review")
    expect(page.get_by_role("button", name="Approve and send")).to_be_hidden()
    page.locator(".row").nth(1).tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("A question of Luis Ortega")
    expect(page.locator(".row").first).to_be_hidden()
    expect(page.get_by_role("button", name="Approve and send")).to_be_in_viewport()
    page.get_by_role("link", name="All drafts").tap()
    expect(page.locator(".row").first).to_be_visible()


def test_a_refusal_is_brought_into_sight_and_what_was_typed_stays(open_browser, ada, acme):
    conversation = make_conversation(acme)
    for _ in range(6):
        make_message(conversation, "One more.\n\n" * 9)
    page = open_browser(ada, viewport={"width": 1024, "height": 600})
    page.goto(f"/conversations/{conversation.id}")
    page.get_by_text("Merge this conversation").click()
    page.get_by_label("Into the one at this address").fill("the other one")

    page.get_by_role("button", name="Merge").click()

    expect(page.get_by_role("alert")).to_be_in_viewport()
    expect(page.get_by_label("Into the one at this address")).to_have_value("the other one")

"""Mail in a real browser: it fires nothing, asks nobody, and is shown as its sender made it."""

import zlib
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ally.channels import files
from ally.channels.mail.sanitise import sanitise
from ally.desk.models import Attachment
from tests.channels.test_sanitise import PAYLOADS
from tests.factories import make_conversation, make_draft, make_message, save

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent.parent.parent / "node_modules/axe-core/axe.min.js"
WIDTHS = [(1440, 900), (1024, 768), (390, 844)]
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n"
)
NEWSLETTER = """
<html><head><style>
  @import url(https://evil.example/import.css);
  @font-face { font-family: x; src: url(https://evil.example/font.woff) }
  body { background: #f4f4f7 url(https://evil.example/body.png) } .hero { color: rgb(1, 2, 3) }
  .tall::before { content: url(https://evil.example/before.png) }
  @media (max-width: 620px) { .wide { width: 100% !important } }
</style><link rel=stylesheet href=https://evil.example/x.css></head>
<body background="https://evil.example/background.png">
<img src="https://track.example/open.gif" width="1" height="1">
<table class="wide" width="600" background="https://evil.example/table.png"><tr><td class="hero">
<img src="https://pictures.example/hero.png" alt="A blue pump" width="600" height="200">
<img srcset="https://evil.example/set.png 2x" alt="set">
<p style="background-image:url(https://evil.example/style.png)">Autumn</p>
<video poster="https://evil.example/poster.png" src="https://evil.example/v.mp4"></video>
<svg><image href="https://evil.example/svg.png"/></svg>
<input type=image src="https://evil.example/input.png">
<object data="https://evil.example/object"></object><iframe src="https://evil.example/"></iframe>
<a href="https://shop.example/leave" ping="https://evil.example/ping">Leave</a>
</td></tr></table></body></html>
"""
UGLY = {
    "newsletter": NEWSLETTER,
    "wide table": f"<table border=1><tr>{'<td>Column</td>' * 40}</tr></table>",
    "long words": f"<p>{'x' * 900}</p><table><tr><td>{'y' * 400}</td></tr></table>",
    "right to left": '<html dir="rtl"><body><p>مرحبا، هل تناسب هذه المضخة سيارتي؟</p></body>',
    "emoji": f"<div>{'🚗🔥💨' * 80}</div>",
    "many rows": f"<table>{'<tr><td>row</td><td style=color:red>x</td></tr>' * 200}</table>",
    "quoted": '<p>Yes</p><blockquote type="cite"><p>history</p></blockquote>',
}


def png(width=120, height=80):
    def chunk(kind, said):
        crc = zlib.crc32(kind + said).to_bytes(4, "big")
        return len(said).to_bytes(4, "big") + kind + said + crc

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    rows = (b"\0" + b"\x33\x66\x99" * width) * height
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def laid_out(conversation, html, text="Hello", **fields):
    made = sanitise(html)
    told = {"remote_images": made.remote_images, "tracking_images": made.tracking_images}
    told |= fields.pop("metadata_", {})
    return make_message(conversation, text, body_html=made.html, metadata_=told, **fields)


def attach(message, name, content, mime_type, **fields):
    return save(
        Attachment(
            account_id=message.account_id,
            message_id=message.id,
            file_name=name,
            mime_type=mime_type,
            size_bytes=len(content),
            file_url=files.store(content),
            **fields,
        )
    )


@pytest.fixture
def conversation(acme):
    return make_conversation(acme)


@pytest.fixture
def outside(live):
    """Makes a tab tell whom it asked beyond the desk; those are answered here, with an image."""

    def watch(page):
        asked = []

        def answer(route):
            asked.append(route.request)
            route.fulfill(body=png(), content_type="image/png")

        page.route(lambda url: not url.startswith(live.config["LIVE"]), answer)
        return asked

    return watch


def test_nobody_is_asked_before_the_reader_says_so_and_then_for_images_alone(
    open_browser, ada, conversation, outside
):
    message = laid_out(conversation, NEWSLETTER)
    page = open_browser(ada)
    asked = outside(page)
    page.goto(f"/conversations/{conversation.id}")
    frame = page.frame_locator(f'iframe[name="mail-{message.id}"]')
    expect(frame.get_by_text("Autumn")).to_be_visible()
    expect(page.get_by_text("1 remote image blocked")).to_be_visible()
    expect(page.get_by_text("1 tracking image removed")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [request.url for request in asked] == []

    page.get_by_role("link", name="Load images").click()

    expect(frame.get_by_alt_text("A blue pump")).to_have_js_property("naturalWidth", 120)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("1 remote image loaded")).to_be_visible()
    assert [request.url for request in asked] == ["https://pictures.example/hero.png"]
    headers = asked[0].all_headers()
    assert "referer" not in headers
    assert "cookie" not in headers
    assert page.complaints == []


def test_images_load_without_our_scripts_too(open_browser, ada, conversation, outside):
    message = laid_out(conversation, NEWSLETTER)
    page = open_browser(ada, java_script_enabled=False)
    asked = outside(page)
    page.goto(f"/conversations/{conversation.id}")
    expect(page.frame_locator("iframe").get_by_text("Autumn")).to_be_visible()
    page.get_by_role("link", name="Load images").click()
    expect(page.frame_locator("iframe").get_by_alt_text("A blue pump")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [request.url for request in asked] == ["https://pictures.example/hero.png"]
    page.goto(f"/conversations/{conversation.id}")
    expect(page.get_by_text("Hello")).to_be_hidden()
    page.get_by_text("Text", exact=True).click()
    expect(page.get_by_text("Hello")).to_be_visible()
    expect(page.locator(f'iframe[name="mail-{message.id}"]')).to_be_hidden()


def test_no_payload_fires_or_asks_anybody_in_a_browser(open_browser, ada, conversation, outside):
    page = open_browser(ada)
    fired = []
    page.on("dialog", lambda dialog: (fired.append(dialog.message), dialog.dismiss()))
    asked = outside(page)
    for start in range(0, len(PAYLOADS), 20):
        html = "\n".join(PAYLOADS[start : start + 20]).replace("\0", "")
        laid_out(conversation, html, text=html)
    page.goto(f"/conversations/{conversation.id}")
    title = page.title()
    for element in page.locator(".letter iframe").all():
        element.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert len(page.frames) == 1 + page.locator(".letter iframe").count()
    expect(page).to_have_title(title)
    assert (fired, [request.url for request in asked], page.complaints) == ([], [], [])


def test_a_link_opens_a_tab_that_knows_nothing_of_the_desk(
    open_browser, ada, conversation, outside
):
    laid_out(conversation, "<table><tr><td><a href='https://shop.example/x'>Shop</a>")
    page = open_browser(ada)
    page.context.route("https://shop.example/**", lambda route: route.fulfill(
        body="<h1>Shop</h1>", content_type="text/html"
    ))  # fmt: skip
    page.goto(f"/conversations/{conversation.id}")
    link = page.frame_locator("iframe").get_by_role("link", name="Shop")
    expect(link).to_have_attribute("title", "Opens shop.example")
    with page.context.expect_page() as opened:
        link.click()
    tab = opened.value
    expect(tab.get_by_role("heading")).to_have_text("Shop")
    assert tab.evaluate("[window.opener, document.referrer, window.origin]") == [
        None, "", "https://shop.example",
    ]  # fmt: skip


def test_a_mail_looks_as_its_sender_made_it(open_browser, ada, conversation, outside):
    laid_out(conversation, NEWSLETTER)
    for width, is_wide in ((1440, True), (390, False)):
        page = open_browser(ada, viewport={"width": width, "height": 900})
        outside(page)
        page.goto(f"/conversations/{conversation.id}")
        hero = page.frame_locator("iframe").locator(".m-hero")
        expect(hero).to_have_css("color", "rgb(1, 2, 3)")
        table = page.frame_locator("iframe").locator("table").bounding_box()
        assert (table["width"] >= 600) is is_wide


def test_the_mails_own_images_are_shown_in_it(open_browser, ada, conversation):
    message = laid_out(conversation, '<p>See:</p><img src="cid:photo@x" alt="the pump">')
    attach(message, "photo.png", png(), "image/png", content_id="photo@x", is_inline=True)
    page = open_browser(ada)
    page.goto(f"/conversations/{conversation.id}")
    photo = page.frame_locator("iframe").get_by_alt_text("the pump")
    expect(photo).to_have_js_property("naturalWidth", 120)
    expect(page.get_by_role("link", name="photo.png")).to_be_hidden()
    page.get_by_text("Text", exact=True).click()
    expect(page.get_by_role("link", name="photo.png", exact=True)).to_be_visible()


def test_quoted_text_unfolds_in_the_frame_by_keyboard(open_browser, ada, conversation):
    laid_out(conversation, f"<table><tr><td>x</table>{UGLY['quoted']}")
    page = open_browser(ada)
    page.goto(f"/conversations/{conversation.id}")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("history")).to_be_hidden()
    frame.get_by_text("Show quoted text").press("Enter")
    expect(frame.get_by_text("history")).to_be_visible()


def test_the_look_is_chosen_by_keyboard(open_browser, ada, conversation):
    laid_out(conversation, NEWSLETTER)
    page = open_browser(ada)
    page.goto(f"/conversations/{conversation.id}")
    page.get_by_role("radio", name="Laid out").press("ArrowRight")
    expect(page.get_by_text("Hello")).to_be_visible()


def test_a_chosen_look_does_not_keep_the_keys(open_browser, ada, conversation):
    trigger = laid_out(conversation, NEWSLETTER)
    page = open_browser(ada)
    page.goto(f"/review/{make_draft(conversation, trigger=trigger).id}")
    page.get_by_text("Text", exact=True).click()
    page.keyboard.press("e")
    expect(page.locator("textarea[name=text]")).to_be_focused()


@pytest.mark.parametrize(
    ("html", "ground"),
    [
        ("<table><tr><td>No colours", "rgb(18, 18, 18)"),
        ('<table><tr><td style="color:#333">Colours', "rgb(255, 255, 255)"),
    ],
)
def test_on_a_dark_screen_mail_stands_on_ground_that_suits_it(
    open_browser, ada, conversation, html, ground
):
    laid_out(conversation, html)
    page = open_browser(ada, color_scheme="dark")
    page.goto(f"/conversations/{conversation.id}")
    expect(page.frame_locator("iframe").locator("html")).to_have_css("background-color", ground)


def test_files_are_looked_at_and_hostile_ones_do_nothing(open_browser, ada, conversation):
    message = make_message(conversation)
    shown = {
        "image": attach(message, "back.png", png(), "image/png"),
        "pdf": attach(message, "invoice.pdf", PDF, "application/pdf"),
        "text": attach(message, "<b>log</b>.txt", b"<script>alert(1)</script>", "text/html"),
    }
    svg = (
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"
    )
    evil = attach(message, "evil.png", svg, "image/svg+xml")
    page = open_browser(ada)
    fired = []
    page.on("dialog", lambda dialog: (fired.append(dialog.message), dialog.dismiss()))

    page.goto(f"/attachments/{shown['image'].id}/preview")
    expect(page.locator(".shown-image img")).to_have_js_property("naturalWidth", 120)
    page.goto(f"/attachments/{shown['text'].id}/preview")
    expect(page.locator("pre")).to_have_text("<script>alert(1)</script>")
    page.goto(f"/attachments/{evil.id}/preview")
    expect(page.get_by_text("not shown here")).to_be_visible()
    page.goto(f"/attachments/{shown['pdf'].id}/preview")
    expect(page.locator("iframe.shown-pdf")).to_be_visible()
    page.wait_for_function("frames.length === 1")
    page.wait_for_load_state("networkidle")
    viewer = [frame.url for frame in page.frames if frame.url.startswith("chrome-extension:")]
    assert len(viewer) == 1, "the browser's own viewer has taken the PDF"
    assert fired == []
    assert page.complaints == []


def everything(conversation):
    """A letter of every kind, and the pages beside them."""
    for html in UGLY.values():
        laid_out(conversation, html)
    told = {
        "segments": [["own", 0, 5], ["quote", 5, 12], ["signature", 12, 30]],
        "notes": ["The signature was not checked."],
        "verdicts": [
            {"method": "spf", "result": "softfail", "domain": "w" * 200},
            {"method": "dmarc", "result": "pass", "domain": "example.com"},
        ],
    }
    letter = make_message(
        conversation, "Mine.\n> old\nDana\n" + "\n".join("123456789"), metadata_=told,
        category="out_of_office",
    )  # fmt: skip
    files_ = [
        attach(letter, "w" * 140 + ".png", png(), "image/png"),
        attach(letter, "a.txt", b"x" * 5000, "text/plain"),
        attach(letter, "i.ics", b"BEGIN:VCALENDAR", "text/calendar", note="Friday " * 40),
        attach(letter, "parts.zip", b"PK\3\4", "application/zip"),
    ]
    yield f"/conversations/{conversation.id}"
    yield f"/conversations/{conversation.id}/print?quotes=1"
    yield f"/review/{make_draft(conversation, trigger=letter).id}"
    for file in files_:
        yield f"/attachments/{file.id}/preview"


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_nothing_sticks_out(open_browser, ada, conversation, width, height):
    page = open_browser(ada, viewport={"width": width, "height": height})
    for path in everything(conversation):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(open_browser, ada, conversation, scheme):
    page = open_browser(ada, color_scheme=scheme)
    for path in everything(conversation):
        page.goto(path)
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {iframes: false})")
        assert [wrong_with(rule) for rule in found["violations"]] == [], path


def wrong_with(rule):
    return rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]

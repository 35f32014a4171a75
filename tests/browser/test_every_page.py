"""Every page there is, empty, full and ugly: nothing sticks out, complains or shuts anybody out."""

import json

import pytest
from sqlalchemy import func, or_, select

from ally import clock
from ally.accounts.models import Role
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk import alike, macros, noting, tagging, views
from ally.desk.models import Attachment, Conversation, Macro, Message
from ally.jobs import runs
from ally.jobs.models import JobType
from ally.knowledge import ingest
from ally.knowledge.documents import Document
from ally.knowledge.models import DocumentKind, SourceDocument
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import decisions, snoozing
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from tests.browser.conftest import waiting_draft
from tests.browser.places import NO_PAGES, pages_of
from tests.browser.test_mail import attach, png
from tests.browser.test_pages import AXE, UGLY, wrong_with
from tests.desk.test_downloads import event as came
from tests.factories import make_channel, make_conversation, make_draft, make_message, make_user

pytestmark = pytest.mark.browser

WIDTHS = [1440, 1024, 720, 390]  # 720 is 1440 at 200 % zoom
NAME = "20261126T120000.000000Z-0a1b2c3d.eml"


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


@pytest.fixture
def ugly(live, acme, ida):
    """What nobody thinks of when drawing a page, on every page."""
    channel = make_channel(acme)
    for subject, body in UGLY.values():
        talk = make_conversation(acme, channel, subject=subject, customer_name=(subject or "")[:80])
        letter = make_message(talk, body)
        source = {"number": 1, "title": body[:300], "excerpt": body[:900], "indexed_at": now()}
        make_draft(talk, body or "Hello", letter, top_sources=[source])
        noting.add(talk, body[:9_000] or "A note", by=ida)
        tagging.add(talk, (subject or "tag")[:40], by=ida)
    alone = make_conversation(acme, channel, subject="Only a file")
    letter = make_message(alone, "", event_id=came(acme, b"Subject: x\r\n\r\n" + b"w" * 9_000).id)
    attach(letter, "w" * 140 + ".png", png(), "image/png")
    make_draft(alone, "Thank you.", letter)
    sent = waiting_draft(acme, channel, "w" * 80, 3)
    decisions.approve(lock_draft(acme.id, sent.id), ida, seen=seen(sent), text="w" * 2_000)
    refused = db.session.scalars(select(Delivery).filter_by(account_id=acme.id)).one()
    refused.status, refused.answer = DeliveryStatus.REJECTED, "w" * 500
    later = waiting_draft(acme, channel, "Later", 3)
    snoozing.snooze(lock_draft(acme.id, later.id), ida, snoozing.choices(clock.now())[0].at)
    macros.create(acme.id, "w" * 60, "{{customer.name}} " + "w" * 2_000, by=ida)
    views.save_for_oneself(ida, "w" * 60, "from:" + "w" * 200)
    feed.notify(acme.id, NotificationType.DRAFT_READY, title="w" * 300, url="/review")
    runs.fail(runs.start(JobType.CRAWL), "w" * 500)
    address = "https://acme.example/"
    knowledge = [
        Document(DocumentKind.PAGE, address + "w" * 99 * number, subject or "-", body)
        for number, (subject, body) in enumerate(UGLY.values())
    ]
    ingest.take_in(acme.id, DocumentKind.PAGE, knowledge)
    outbox = live.config["ALLY"].ally_home / "outbox"
    outbox.mkdir(exist_ok=True)
    (outbox / NAME).write_bytes(b"Subject: " + b"w" * 900 + b"\r\n\r\n" + b"w" * 5_000)
    aside = {"from": "w" * 200, "to": ["w" * 200], "at": now()}
    (outbox / NAME).with_suffix(".json").write_text(json.dumps(aside))
    db.session.commit()


@pytest.fixture
def full(acme, ida):
    """Two hundred that wait: more than any list draws at once."""
    channel = make_channel(acme)
    for number in range(200):
        waiting_draft(acme, channel, f"Customer {number}", number)


def now():
    return clock.now().isoformat()


def places(live, acme, most=14):
    """Every page of the account as it is now, for up to `most` drafts and so on."""

    def ids(model, *those):
        found = select(model.id).where(model.account_id == acme.id, *those)
        return db.session.scalars(found.limit(most)).all()

    outbox = live.config["ALLY"].ally_home / "outbox"
    too_long = func.length(Draft.suggested_text) > alike.LONGEST
    decided = Draft.status != DraftStatus.PENDING
    alone = ids(Draft, or_(decided, too_long, Draft.snoozed_until.is_not(None)))
    found = pages_of(
        live,
        draft_id=ids(Draft),
        conversation_id=ids(Conversation),
        message_id=ids(Message, Message.event_id.is_not(None)),
        attachment_id=ids(Attachment),
        macro_id=ids(Macro),
        document_id=ids(SourceDocument),
        name=[NAME] if (outbox / NAME).exists() else [],
    )
    db.session.rollback()  # a browser takes its time, and Postgres ends who idles in a transaction
    nowhere = {f"/review/alike/{draft_id}" for draft_id in alone}
    return [path for path in found if path not in nowhere]


def test_no_page_is_forgotten(live, acme, ugly):
    gets = {rule.endpoint for rule in live.url_map.iter_rules() if "GET" in rule.methods}
    seen_at = live.url_map.bind("")
    visited = {seen_at.match(path.split("?")[0])[0] for path in places(live, acme)}
    assert gets - visited == NO_PAGES.keys()


@pytest.mark.parametrize("desk", ["empty", "ugly", "full"])
def test_nothing_sticks_out_and_nothing_complains(request, live, open_browser, acme, ida, desk):
    if desk != "empty":
        request.getfixturevalue(desk)
    page = open_browser(ida, viewport={"width": 1440, "height": 900})
    out = []
    for path in places(live, acme):
        answer = page.goto(path)
        out += [(path, answer.status)] if not answer.ok else []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (found := page.evaluate("document.documentElement.scrollWidth")) > width:
                out.append((path, width, found))
        assert page.locator("h1").count() >= 1, path
        assert page.title().split(") ")[-1] != "fired"
    assert out == []
    assert page.complaints == []


@pytest.mark.parametrize("desk", ["empty", "ugly"])
def test_everybody_can_use_it(request, live, open_browser, acme, ida, desk):
    if desk != "empty":
        request.getfixturevalue(desk)
    # Still, for colours that are on their way to the other scheme would be measured.
    page = open_browser(ida, reduced_motion="reduce")
    wrong = []
    for path in places(live, acme, most=2):
        page.goto(path)
        page.evaluate(AXE.read_text())  # by the debugger, which the policy does not bind
        for scheme, width in (("light", 390), ("dark", 1440)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate("axe.run(document, {iframes: false})")["violations"]
            wrong += [(path, scheme, width, *wrong_with(rule)) for rule in found]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_and_refusals_are_pages_too(open_browser, ada, scheme):
    page = open_browser(ada, color_scheme=scheme)
    for path in ("/nowhere", "/settings/channels", "/audit?after=nonsense"):
        page.goto(path)
        assert_usable(page)
    page.context.clear_cookies()
    for path in ("/login", "/review"):
        page.goto(path)
        assert_usable(page)


def assert_usable(page):
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {iframes: false})")["violations"]
    assert [wrong_with(rule) for rule in found] == [], page.url
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url

"""Every page there is, empty, full and ugly: nothing sticks out, complains or shuts anybody out."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, or_, select

from ally import clock
from ally.accounts.models import Role
from ally.channels.models import Delivery, DeliveryStatus
from ally.community import member_routes, scores, wallets
from ally.community.models import HoldReason, Person, Post, ScoreVerdict
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
from ally.rewards import exports, payouts, rolling, simulating
from ally.rewards.batches import KIND
from ally.rewards.models import Campaign, CampaignEpoch, ExportKind
from tests.browser.conftest import waiting_draft
from tests.browser.places import NO_PAGES, pages_of
from tests.browser.test_mail import attach, png
from tests.browser.test_pages import AXE, UGLY, wrong_with
from tests.community.factories import make_place
from tests.desk.test_downloads import event as came
from tests.factories import make_channel, make_conversation, make_draft, make_message, make_user
from tests.rewards.factories import (
    WEEK,
    at,
    make_campaign,
    make_earner,
    make_running,
    make_scored,
)

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
    words = [f"{subject or ''} {body}" for subject, body in UGLY.values()]
    campaign = paying(ida, "w" * 120, [one[:80] for one in words], words[0])
    make_campaign(ida, name="é" * 120, token_symbol="w" * 20)
    simulation = simulating.ask(campaign, ida, simulating.terms_of(campaign))
    simulating.work_out(str(simulation.id))
    one, other = (person for person in db.session.scalars(select(Person).limit(2)))
    one.hold_reason, one.hold_note = HoldReason.SANCTION, "w" * 500
    wallets.ask_to_merge(one, other, "0x" + "9" * 40)
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
    paying(ida, "Season 3", [f"Member {number}" for number in range(200)], "Hello there")


def paying(admin, name, members, words):
    """A campaign with an epoch that waits for approval and one that was handed out."""
    campaign = make_running(
        admin,
        name=name,
        pool=10**30,
        cap=10**28,
        decimals=18,
        description=words[:2_000],
        start_date=clock.now() - 2 * WEEK - timedelta(hours=3),
    )
    place = make_place(name=name[:60])
    for number, member in enumerate(members):
        earner = make_earner(member, has_wallet=number % 3 != 2)
        for week in (0, 1):
            moment = campaign.start_date + week * WEEK + timedelta(days=1)
            post = make_scored(earner, number + 1, moment, place=place, content=words or "x")
    scores.override(post, admin, Decimal(3), words[:400] or "Why", ScoreVerdict.DISMISSED)
    with at(campaign.start_date + timedelta(hours=1)):
        rolling.roll(campaign.id)
    with at(campaign.start_date + WEEK + timedelta(hours=2)):
        rolling.roll(campaign.id)
        first = batches_of(campaign)[0]
        payout = payouts.payouts_of_campaign(campaign.id)[0]
        payouts.hold(payouts.lock_payout(payout.id), admin, HoldReason.BY_HAND, words[:200] or "x")
        decisions.approve(lock_draft(admin.account_id, first.id, KIND), admin, seen=seen(first))
    with at(campaign.start_date + WEEK + timedelta(hours=3)):
        exports.export(campaign, admin, ExportKind.MERKLE)
    rolling.roll(campaign.id)
    return campaign


def batches_of(campaign):
    drafts = select(Draft).where(Draft.kind == KIND, Draft.account_id == campaign.account_id)
    return db.session.scalars(drafts.order_by(Draft.id)).all()


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
        draft_id=ids(Draft, Draft.kind == "reply"),
        batch_id=ids(Draft, Draft.kind == KIND),
        campaign_id=ids(Campaign),
        epoch_id=ids(CampaignEpoch),
        person_id=ids(Person),
        post_id=ids(Post),
        token=[link_for(acme, one) for one in ids(Person)[:1]],
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


def link_for(account, person_id):
    """What the address of the member's page of their wallet ends with."""
    return member_routes.signer().dumps([str(account.id), str(person_id)])


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

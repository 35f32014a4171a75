"""A campaign from its form to a paid epoch, in a browser: by mouse, by keys, by two admins."""

import csv
import io
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from ally import clock
from ally.accounts import config
from ally.accounts.models import Role
from ally.community.models import Person
from ally.db import db
from ally.rewards import rolling
from ally.rewards.models import Campaign, Payout, PayoutStatus
from tests.community.factories import make_place
from tests.factories import make_user
from tests.rewards.factories import VAULT, a_hash, make_earner, make_scored

pytestmark = pytest.mark.browser

DAY = timedelta(days=1)


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


@pytest.fixture
def otto(acme):
    return make_user(acme, "Otto Admin", role=Role.ADMIN)


def plan(page, start):
    """Fill the form in, and see what it says meanwhile."""
    page.goto("/campaigns")
    page.get_by_role("link", name="Plan a campaign").click()
    page.get_by_label("Name").fill("Season 3")
    page.get_by_label("Symbol").fill("ALLY")
    page.get_by_label("Chain id").fill("8453")
    page.get_by_label("Digits after the dot").fill("2")
    page.get_by_label("Token's address").fill("0x" + "a" * 40)
    page.get_by_label("Pool", exact=True).fill("1000.001")
    page.get_by_label("Pool", exact=True).blur()
    checks = page.locator("#checks")
    expect(checks).to_contain_text("2 digits after the dot")
    page.get_by_label("Pool", exact=True).fill("1000")
    page.get_by_label("Most that one epoch pays").fill("100")
    page.get_by_label("Begins").fill(f"{start:%Y-%m-%dT%H:%M}")
    page.get_by_label("Begins").blur()
    expect(checks).to_contain_text("pays 10 epochs in full")
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", name="Season 3")).to_be_visible()


def fund_and_start(page):
    page.locator("summary", has_text="Note a funding").click()
    page.get_by_label("Vault").fill(VAULT)
    page.get_by_label("Transaction's hash").fill(a_hash())
    page.get_by_label("Amount").fill("1000")
    page.get_by_label("How you know").fill("Seen in the Safe")
    page.get_by_role("button", name="Count it").click()
    expect(page.get_by_text("By an admin's word")).to_be_visible()
    page.locator("summary", has_text="Start").click()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The campaign runs.")).to_be_visible()


def earn_and_close(acme, start):
    """Three members write in the first epoch, which is then closed by the worker's job."""
    campaign = db.session.scalars(select(Campaign).where(Campaign.account_id == acme.id)).one()
    place = make_place()
    for name, points in (("Noor", 6), ("Ola", 3), ("Pia", 1)):
        make_scored(make_earner(name, has_wallet=name != "Pia"), points, start + DAY, place=place)
    rolling.roll(campaign.id)
    db.session.commit()
    return campaign


def wait_out_the_undo():
    db.session.execute(update(Payout).values(not_before=clock.now() - timedelta(seconds=1)))
    db.session.commit()


def payouts_of(acme):
    db.session.rollback()
    asked = select(Payout).where(Payout.account_id == acme.id)
    return db.session.scalars(asked.execution_options(populate_existing=True)).all()


def test_a_campaign_from_its_form_to_a_paid_epoch(acme, ida, open_browser):
    page = open_browser(ida)
    start = clock.now() - 8 * DAY
    plan(page, start)
    fund_and_start(page)
    earn_and_close(acme, start)

    page.goto("/review")
    page.get_by_role("link", name="Payouts of epoch 1").click()
    expect(page.get_by_role("heading", name="Payouts of epoch 1")).to_be_visible()
    expect(page.locator("table")).to_contain_text("60.00")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Ida Admin approved this")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("The batch waits again")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Ida Admin approved this")).to_be_visible()
    wait_out_the_undo()

    page.get_by_role("link", name="Pay what was approved").click()
    expect(page.get_by_text("2 payouts may be paid now")).to_be_visible()
    page.get_by_role("button", name="Hand out").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "safe-1-of-1.json"
    page.get_by_label("Hash of the transaction that paid it").fill(a_hash())
    page.get_by_label("How you know").fill("Seen in the Safe")
    page.get_by_role("button", name="Note that it is paid").click()
    expect(page.get_by_text("2 payouts are paid.")).to_be_visible()
    assert sorted(payout.status for payout in payouts_of(acme)) == [
        PayoutStatus.COMPLETED,
        PayoutStatus.COMPLETED,
        PayoutStatus.PENDING,
    ]
    assert page.complaints == []


@pytest.fixture
def batch(acme, ida, open_browser):
    """A tab of Ida with a batch open that two admins must approve."""
    page = open_browser(ida)
    start = clock.now() - 8 * DAY
    plan(page, start)
    fund_and_start(page)
    earn_and_close(acme, start)
    config.set_config("payouts.four_eyes_above", "50", ida)
    db.session.commit()
    page.goto("/review")
    page.get_by_role("link", name="Payouts of epoch 1").click()
    page.wait_for_url("**/batches/*")  # to its end: keys are pressed next
    return page


def test_a_batch_is_edited_and_approved_by_two_admins(acme, otto, batch, open_browser):
    batch.locator("tr", has_text="Ola").locator("summary").click()
    batch.locator("tr", has_text="Ola").get_by_label("Why").fill("Wrote it twice")
    batch.locator("tr", has_text="Ola").get_by_role("button", name="Leave it out").click()
    expect(batch.get_by_text("Its amount is back in the pool")).to_be_visible()
    batch.keyboard.press("Control+Enter")
    expect(batch.get_by_text("Another admin must approve it too.").first).to_be_visible()

    other = open_browser(otto)
    other.goto(batch.url)
    expect(other.get_by_text("A first admin has approved it.")).to_be_visible()
    other.keyboard.press("Control+Enter")
    expect(other.get_by_text("Otto Admin approved this")).to_be_visible()
    expect(other.locator(".statement ins").first).to_be_visible()
    states = {payout.person.display_name: payout.status for payout in payouts_of(acme)}
    assert states["Ola"] is PayoutStatus.CANCELLED
    released = [payout for payout in payouts_of(acme) if payout.approved_action_id]
    assert len(released) == 2


def test_a_batch_is_rejected_by_keys_alone(batch):
    batch.keyboard.press("r")
    batch.keyboard.press("1")
    batch.get_by_label("A word on it").fill("Too much for Noor")
    batch.keyboard.press("Enter")
    expect(batch.get_by_text("Ida Admin rejected this")).to_be_visible()
    expect(batch.get_by_text("Too much for Noor")).to_be_visible()


def in_the_window(page, locator):
    box, size = locator.bounding_box(), page.viewport_size
    across = box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    return across and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize(("width", "height"), [(1440, 420), (1024, 420), (390, 600)])
def test_the_decision_and_its_panels_stay_in_the_window(batch, width, height):
    batch.set_viewport_size({"width": width, "height": height})
    assert in_the_window(batch, batch.get_by_role("button", name="Approve the payouts"))
    batch.locator("summary", has_text="Reject").click()
    assert in_the_window(batch, batch.locator("#decision .panel"))
    radio = batch.get_by_label("The amounts are wrong").bounding_box()
    assert radio["width"] < 20
    batch.keyboard.press("Escape")

    row = batch.locator("tr", has_text="Noor")
    row.locator("summary").click()
    panel = row.locator(".panel")
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_panels_of_a_campaign_stay_in_the_window(batch, width):
    batch.set_viewport_size({"width": width, "height": 900})
    batch.get_by_role("link", name="Season 3").click()
    for name in ("Pause", "Complete", "Cancel"):
        act = batch.locator(".campaign-head details", has_text=name).first
        act.locator("summary").click()
        assert in_the_window(batch, act.locator(".panel"))
        batch.keyboard.press("Escape")


def test_the_csv_is_what_the_page_shows(batch):
    batch.goto("/payouts")
    rows = batch.locator("tbody tr").all()
    shown = {
        row.locator("td").nth(0).inner_text(): row.locator("td").nth(3).inner_text() for row in rows
    }
    with batch.expect_download() as download:
        batch.get_by_role("link", name="Export as CSV").click()
    told = csv.DictReader(io.StringIO(download.value.path().read_text()))
    assert {row["member"]: f"{row['amount']} {row['token']}" for row in told} == shown


def test_without_scripts_every_act_works(acme, ida, open_browser):
    page = open_browser(ida, java_script_enabled=False)
    start = clock.now() - 8 * DAY
    page.goto("/campaigns/new")
    page.get_by_label("Name").fill("Season 3")
    page.get_by_label("Symbol").fill("ALLY")
    page.get_by_label("Chain id").fill("8453")
    page.get_by_label("Digits after the dot").fill("2")
    page.get_by_label("Token's address").fill("0x" + "a" * 40)
    page.get_by_label("Pool", exact=True).fill("1000")
    page.get_by_label("Most that one epoch pays").fill("100")
    page.get_by_label("Begins").fill(f"{start:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Plan it").click()
    fund_and_start(page)
    earn_and_close(acme, start)
    page.goto("/payouts")
    page.get_by_role("link", name="waits for approval").click()
    page.get_by_role("button", name="Approve the payouts").click()
    expect(page.get_by_text("Ida Admin approved this")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The batch waits again")).to_be_visible()


def test_a_member_is_found_and_held_by_mouse(acme, ida, open_browser):
    make_earner("Noor")
    db.session.commit()
    page = open_browser(ida)
    page.goto("/members")
    page.get_by_label("Name, account or wallet").fill("noo")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Noor").click()
    page.locator("summary", has_text="Hold every payout").click()
    page.locator("form[action$='/hold']").get_by_label("Why").fill("Two names")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("Two names")).to_be_visible()
    held = select(Person).where(Person.account_id == acme.id)
    db.session.rollback()
    assert db.session.scalars(held).one().hold_note == "Two names"

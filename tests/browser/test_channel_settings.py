"""The settings of channels in a real Chromium: at every width, by keyboard, and without script."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ally import clock
from ally.accounts.models import Role
from ally.channels import forms, registry, secrets
from ally.channels.models import Channel, Platform
from ally.channels.options import FromRule
from ally.db import db
from ally.jobs import worker
from tests.browser.test_pages import AXE, WIDTHS, wrong_with
from tests.factories import make_channel, make_user, numbers

pytestmark = pytest.mark.browser

HOME = "/settings/channels"
UGLY = {
    "a long name": "Support of the racing department " * 3,
    "one endless word": "x" * 100,
    "right to left": "دعم العملاء",
    "emoji alone": "🚗🔥💨",
    "markup": "<script>document.title='fired'</script>",
}


@pytest.fixture
def ida(acme):
    return make_user(acme, "Ida Admin", role=Role.ADMIN)


@pytest.fixture
def full(acme, ida):
    """Channels of every platform, some ugly, one with all that a page can show."""
    for platform in Platform:
        make_channel(acme, platform=platform).name = f"Channel by {platform}"
    for name in UGLY.values():
        ugly = make_channel(acme)
        ugly.name, ugly.from_name, ugly.last_error = name, name, "w" * 300
        ugly.last_error_at = clock.now()
    typed = {
        "name": "Workshop",
        "external_id": "workshop@acme.example",
        "host": f"{'imap.' * 30}acme.example",
        "user": "workshop",
        "password": "geheim",
        "signature": "w" * 500,
    }
    wanted = forms.read(Platform.IMAP, typed, before=None, is_production=False)
    channel = registry.create(acme.id, Platform.IMAP, wanted, by=ida).channel
    for rule in (
        FromRule(sender="@relay.example"),
        FromRule(sender=f"{'f' * 60}@acme.example", customer_in="body", label="E-mail: " * 10),
    ):
        registry.add_rule(channel, rule, by=ida)
    db.session.commit()
    return acme


def pages():
    """The list, the cards, and of forms and channels those that differ."""
    yield from (HOME, f"{HOME}/new")
    yield from (f"{HOME}/new?platform={platform}" for platform in ("imap", "slack", "zoho_desk"))
    plain = {f"Channel by {platform}" for platform in Platform} - {"Channel by intercom"}
    for channel in registry.channels_of(db.session.info["account_id"]):
        if channel.name not in plain:
            yield f"{HOME}/{channel.id}"


def unfold(page):
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_nothing_sticks_out_and_nothing_complains(open_browser, ida, full, width, height):
    page = open_browser(ida, viewport={"width": width, "height": height})
    for path in pages():
        page.goto(path)
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        main = page.evaluate("(m => m.scrollWidth - m.clientWidth)(document.querySelector('main'))")
        assert main <= 0, path
        assert page.title() != "fired · Ally"
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(open_browser, ida, full, scheme):
    page = open_browser(ida, color_scheme=scheme, viewport={"width": 1440, "height": 900})
    for path in pages():
        page.goto(path)
        unfold(page)
        assert wrong_on(page) == [], path
    fill_in(page, "Help", "")
    page.get_by_role("button", name="Add the channel").click()
    expect(page.get_by_role("alert")).to_contain_text("Fill this in.")
    assert wrong_on(page) == []
    fill_in(page, "Help", new_address())
    page.get_by_role("button", name="Add the channel").click()
    expect(page.locator("#secret")).to_be_visible()
    assert wrong_on(page) == []


def wrong_on(page):
    page.evaluate(AXE.read_text())  # by the debugger, which the policy does not bind
    found = page.evaluate("axe.run(document, {iframes: false})")
    return [wrong_with(rule) for rule in found["violations"]]


def new_address():
    """An address that no other account has: all tests share one desk."""
    return f"help{next(numbers)}@acme.example"


def fill_in(page, name, address):
    page.goto(f"{HOME}/new?platform=mail")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Address", exact=True).fill(address)


def test_a_channel_is_added_by_keyboard_alone(open_browser, ida):
    page = open_browser(ida)
    page.goto(HOME)
    tab_to(page, "Add a channel")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Add a channel · Ally")
    tab_to(page, "Raw mail")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    tab_to(page, "field-name")
    page.keyboard.type("Help desk")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Address", exact=True)).to_be_focused()
    page.keyboard.type(new_address())
    page.keyboard.press("Enter")

    expect(page.locator("#secret")).to_be_visible()
    tab_to(page, "Go to the channel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Help desk")
    assert page.complaints == [
        "Failed to load resource: the server responded with a status of 422 (UNPROCESSABLE ENTITY)"
    ]


def tab_to(page, what):
    """Press Tab until this element, by its words or its id, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        on = page.evaluate("[document.activeElement?.id, document.activeElement?.innerText ?? '']")
        if on[0] == what or on[1].startswith(what):
            return
    raise AssertionError(f"Tab never comes to {what}")


def test_the_same_without_script_up_to_a_new_secret(open_browser, ida):
    page = open_browser(ida, java_script_enabled=False)
    fill_in(page, "Help desk", new_address())
    page.get_by_role("button", name="Add the channel").click()
    first = page.locator("#secret").inner_text()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="Go to the channel").click()

    page.get_by_text("Replace the secret").first.click()
    page.get_by_label("The present one counts").select_option("1")
    page.get_by_role("button", name="Replace the secret").click()
    second = page.locator("#secret").inner_text()

    channel = db.session.scalars(select(Channel)).one()
    assert secrets.unseal(channel.secret_sealed) == second != first
    assert secrets.unseal(channel.old_secret_sealed) == first
    assert channel.old_secret_until - clock.now() <= timedelta(hours=1)

    page.get_by_role("link", name="Go to the channel").click()
    page.get_by_role("button", name="Send a test message").click()
    expect(page.locator("#tries")).to_contain_text("On its way")
    page.get_by_label("Name", exact=True).fill("Help desk of Acme")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Help desk of Acme")
    expect(page.locator("#history")).to_contain_text("Ida Admin changed “Name”")


def test_a_test_message_is_seen_to_arrive_and_leads_to_its_conversation(
    open_browser, live, ida, acme
):
    channel = make_channel(acme)
    page = open_browser(ida)
    page.goto(f"{HOME}/{channel.id}")
    page.get_by_role("button", name="Send a test message").click()
    expect(page.locator("#tries")).to_contain_text("On its way")
    expect(page.get_by_role("button", name="Send a test message")).to_be_focused()

    worker.drain(live)

    expect(page.locator("#tries")).to_contain_text("Arrived")
    expect(page.locator("#status")).to_contain_text("The test message has arrived.")
    page.get_by_role("link", name="open its conversation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test of the channel Support")
    assert page.complaints == []


def test_the_secret_is_copied_by_a_button(open_browser, ida):
    page = open_browser(ida, permissions=["clipboard-read", "clipboard-write"])
    fill_in(page, "Help desk", new_address())
    page.get_by_role("button", name="Add the channel").click()
    page.locator("[data-copy=secret]").click()
    expect(page.locator("#status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#secret").inner_text()


def test_an_agent_sees_no_settings_in_the_rail(open_browser, ada, ida):
    for user, seen in ((ada, 0), (ida, 1)):
        page = open_browser(user)
        page.goto("/jobs")
        expect(page.locator(".nav").get_by_role("link", name="Settings")).to_have_count(seen)

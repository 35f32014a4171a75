"""The Audit page as people use it: narrowed, checked, taken out; a timeline narrowed too."""

import pytest
from playwright.sync_api import expect

from ally.accounts.models import Role
from ally.audit import checking
from ally.db import db
from ally.events import trail, verify_export
from tests.factories import make_user

pytestmark = pytest.mark.browser


@pytest.fixture
def told(ada, waiting):
    for draft in waiting:
        trail.record(draft, "draft.claimed", by=ada)
    trail.record(waiting[0], "draft.rejected", by=ada, reason="tone")
    db.session.commit()
    return waiting


def test_the_trail_is_narrowed_and_leads_to_the_timeline(open_browser, ada, told):
    page = open_browser(ada)
    page.goto("/audit")
    page.locator("select[name=what]").select_option("draft.rejected")
    page.locator("select[name=who]").select_option("Ada Lovelace")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)

    page.get_by_role("link", name="Show it").click()
    expect(page.locator(".told").first).to_contain_text("rejected the draft")
    page.get_by_role("link", name="Sending", exact=True).click()
    expect(page.locator(".timeline")).to_contain_text("Nothing of this kind")
    assert page.complaints == []


def test_a_check_shows_its_progress_and_what_it_found(open_browser, acme, ada, told):
    page = open_browser(ada)
    page.goto("/audit")
    expect(page.locator("#chain")).to_contain_text("Not checked yet")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#chain progress")).to_be_visible()

    run = checking.under_way(acme.id)
    checking.check_all(acme.id)
    run.status, run.progress = "succeeded", 100
    db.session.commit()
    expect(page.locator("#chain")).to_contain_text("Whole up to event")
    assert page.complaints == []


def test_an_admin_takes_it_out_and_it_proves_itself(open_browser, acme, told, tmp_path):
    page = open_browser(make_user(acme, "Root Admin", Role.ADMIN))
    page.goto("/audit")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export as JSONL").click()
    coming.value.save_as(tmp_path / "audit.jsonl")
    assert "The chain is whole: 5 events" in verify_export.verify(str(tmp_path / "audit.jsonl"))

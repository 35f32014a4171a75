"""Payouts at the gate: what an admin sees, decides and takes back, and what is then paid."""

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from ally import clock
from ally.accounts import config
from ally.accounts.models import Role
from ally.community.models import HoldReason
from ally.db import db
from ally.dev import translations
from ally.ledger import books, checking
from ally.ledger.models import LedgerAccountName as Name
from ally.notifications.models import Notification, NotificationType
from ally.review.diff import replay
from ally.review.models import ActionType, Draft, DraftAction, DraftStatus, LearningSample
from ally.rewards import batches, exports, rolling
from ally.rewards.models import (
    CampaignEpoch,
    EpochState,
    ExportKind,
    Payout,
    PayoutAttempt,
    PayoutExport,
    PayoutStatus,
)
from tests.factories import make_user, sign_in
from tests.forms import post
from tests.rewards.factories import WEEK, a_hash, at, make_earner, make_running, make_scored

DAY = timedelta(days=1)


@pytest.fixture
def campaign(ida):
    return make_running(ida, start_date=clock.now() - WEEK - timedelta(hours=3))


@pytest.fixture
def batch(campaign):
    """The draft of an epoch in which Noor earned 6, Ola 3, and Pia, who has no wallet, 1."""
    for name, points in (("Noor", 6), ("Ola", 3), ("Pia", 1)):
        earner = make_earner(name, has_wallet=name != "Pia")
        make_scored(earner, points, campaign.start_date + DAY)
    with at(campaign.start_date + timedelta(hours=1)):
        rolling.roll(campaign.id)
    rolling.roll(campaign.id)
    db.session.commit()
    return db.session.scalars(select(Draft).where(Draft.kind == batches.KIND)).one()


@pytest.fixture
def browser(app, ida):
    return sign_in(app.test_client(), ida)


@pytest.fixture
def second(app, acme):
    return sign_in(app.test_client(), make_user(acme, "Otto Admin", role=Role.ADMIN))


def fresh(model, *conditions):
    asked = select(model).where(*conditions).execution_options(populate_existing=True)
    return db.session.scalars(asked).all()


def payout_of(name):
    return next(each for each in fresh(Payout) if each.person.display_name == name)


def seen_in(page):
    return re.search(r'name="seen" value="([^"]+)"', page)[1]


def approve(browser, draft, seen=None):
    path = f"/batches/{draft.id}"
    seen = seen or seen_in(browser.get(path).text)
    return post(browser, f"{path}/approval", seen=seen)


def state_of(draft):
    return fresh(Draft, Draft.id == draft.id)[0].status


def wait_out_the_undo():
    db.session.execute(update(Payout).values(not_before=clock.now() - timedelta(seconds=1)))
    db.session.commit()
    db.session.expire_all()


def test_a_closed_epoch_comes_before_the_admins(batch, browser, ida):
    page = browser.get(f"/batches/{batch.id}").text
    for shown in ("Noor", "6.00", "Ola", "3.00", "Pia", "No wallet", "10.00"):
        assert shown in page
    assert f'href="/batches/{batch.id}"' in browser.get("/review").text
    assert f'href="/batches/{batch.id}"' in browser.get("/payouts").text
    told = fresh(Notification, Notification.type == NotificationType.BATCH_READY)
    assert [(line.user_id, line.url) for line in told] == [(ida.id, f"/batches/{batch.id}")]
    assert "Pays 3 members 10.00 ALLY" in batch.suggested_text


def test_whoever_looks_at_it_has_read_that_it_waits(batch, browser):
    browser.get(f"/batches/{batch.id}")
    told = fresh(Notification, Notification.type == NotificationType.BATCH_READY)
    assert all(line.read_at is not None for line in told)


def test_the_audit_page_leads_to_it(batch, browser, app, ada):
    approve(browser, batch)
    page = browser.get("/audit").text
    assert f'href="/batches/{batch.id}"' in page
    assert 'href="/epochs/' in page
    assert 'href="/campaigns/' in page
    told = sign_in(app.test_client(), ada).get("/audit").text
    assert 'href="/batches/' not in told
    assert "approved the draft" in told


def test_agents_neither_see_it_nor_decide_on_it(batch, app, ada):
    agent = sign_in(app.test_client(), ada)
    assert "/batches/" not in agent.get("/review").text
    assert agent.get(f"/batches/{batch.id}").status_code == 403
    for act in ("approval", "rejection", "claim", "snooze"):
        path = f"/drafts/{batch.id}/{act}"
        assert post(agent, path, seen="x", reason="tone").status_code == 404
    assert state_of(batch) is DraftStatus.PENDING


def test_it_is_not_counted_among_the_replies(batch, browser):
    assert 'id="count-review"></span>' in browser.get("/review").text


def test_an_approval_releases_and_is_kept_but_teaches_nothing(batch, browser):
    assert approve(browser, batch).status_code == 303
    action = fresh(DraftAction)[0]
    assert action.type is ActionType.APPROVE
    assert action.final_text == batch.suggested_text
    assert {p.approved_action_id for p in fresh(Payout)} == {action.id}
    assert fresh(LearningSample) == []
    assert "Ida Admin approved this" in browser.get(f"/batches/{batch.id}").text
    assert approve(browser, batch, seen="draft:x").status_code == 409


def test_nobody_is_paid_within_the_undo_window(batch, browser, campaign):
    approve(browser, batch)
    assert exports.payable(campaign) == []
    wait_out_the_undo()
    assert {p.person.display_name for p in exports.payable(campaign)} == {"Noor", "Ola"}


def test_who_waits_keeps_nobody_from_being_paid(batch, browser, campaign, monkeypatch):
    approve(browser, batch)
    wait_out_the_undo()
    first = exports.payable(campaign)[0].person
    first.wallet_verified_at = None
    db.session.commit()
    monkeypatch.setattr(exports, "MOST", 1)
    assert len(exports.payable(campaign)) == 1


def test_an_approval_is_taken_back(batch, browser):
    approve(browser, batch)
    assert post(browser, f"/batches/{batch.id}/undo").status_code == 303
    assert state_of(batch) is DraftStatus.PENDING
    assert {p.approved_action_id for p in fresh(Payout)} == {None}
    assert approve(browser, batch).status_code == 303


def test_who_is_left_out_or_held_stands_in_the_diff(batch, browser):
    noor, ola = payout_of("Noor"), payout_of("Ola")
    out = {"note": "Wrote it twice", "back": f"/batches/{batch.id}"}
    assert post(browser, f"/payouts/{noor.id}/cancellation", **out).location.endswith(str(batch.id))
    post(browser, f"/payouts/{ola.id}/hold", note="A look", reason="SUSPECTED_SYBIL")
    approve(browser, batch)
    action = fresh(DraftAction)[0]
    assert action.type is ActionType.EDIT
    assert "Left out: Noor, 6.00 ALLY: Wrote it twice" in action.final_text
    assert "Held: Ola, 3.00 ALLY: A look" in action.final_text
    assert "Pays 1 members 1.00 ALLY" in action.final_text
    assert replay(batch.suggested_text, action.diff_json) == action.final_text
    assert payout_of("Noor").status is PayoutStatus.CANCELLED
    assert payout_of("Ola").hold_reason is HoldReason.SUSPECTED_SYBIL
    assert "<ins>" in browser.get(f"/batches/{batch.id}").text


def test_a_change_since_one_looked_is_told(batch, browser, second):
    seen = seen_in(browser.get(f"/batches/{batch.id}").text)
    post(second, f"/payouts/{payout_of('Noor').id}/cancellation", note="Twice")
    answer = approve(browser, batch, seen)
    assert answer.status_code == 409
    assert "this has changed: the batch" in answer.text
    assert state_of(batch) is DraftStatus.PENDING


def test_a_linked_wallet_is_no_edit(batch, browser):
    seen = seen_in(browser.get(f"/batches/{batch.id}").text)
    pia = payout_of("Pia").person
    pia.wallet, pia.wallet_verified_at = "0x" + "9" * 40, clock.now()
    payout_of("Pia").hold_reason = None
    db.session.commit()
    assert approve(browser, batch, seen).status_code == 303
    assert fresh(DraftAction)[0].type is ActionType.APPROVE


def test_the_campaigns_page_leads_to_what_is_to_be_done(batch, browser, campaign):
    page = f"/campaigns/{campaign.id}"
    waiting = browser.get(page).text
    assert f'<a class="btn primary" href="/batches/{batch.id}">Review payouts</a>' in waiting
    assert "Waits for approval" in waiting
    assert f'href="{page}/exports">Exports</a>' in waiting

    approve(browser, batch)
    wait_out_the_undo()
    approved = browser.get(page).text
    assert "Waits for approval" not in approved
    assert f'<a class="btn primary" href="{page}/exports">Pay</a>' in approved


def test_a_rejected_batch_pays_nobody_and_is_proposed_again(batch, browser, campaign):
    path = f"/batches/{batch.id}"
    seen = seen_in(browser.get(path).text)
    assert post(browser, f"{path}/rejection", seen=seen).status_code == 422
    wrong = post(browser, f"{path}/rejection", seen=seen, reason="wrong_facts", notes="Too much")
    assert wrong.status_code == 303
    assert state_of(batch) is DraftStatus.ARCHIVED
    assert exports.payable(campaign) == []
    assert "Too much" in browser.get(path).text
    epoch = fresh(CampaignEpoch, CampaignEpoch.draft_id == batch.id)[0]
    again = post(browser, f"/epochs/{epoch.id}/proposal")
    assert again.status_code == 303
    assert again.location != path
    assert post(browser, f"/epochs/{epoch.id}/proposal").status_code == 409


def test_two_admins_release_what_is_above_the_limit(batch, browser, second, ida):
    config.set_config("payouts.four_eyes_above", "9.99", ida)
    db.session.commit()
    assert "two admins must approve it" in browser.get(f"/batches/{batch.id}").text
    assert approve(browser, batch).status_code == 303
    assert state_of(batch) is DraftStatus.PENDING
    again = approve(browser, batch)
    assert again.status_code == 409
    assert "Another admin must do so too." in again.text
    assert approve(second, batch).status_code == 303
    assert state_of(batch) is DraftStatus.SENT
    assert fresh(DraftAction)[0].user.display_name == "Otto Admin"


def test_a_first_approval_counts_for_the_batch_as_it_was(batch, browser, second, ida):
    config.set_config("payouts.four_eyes_above", "1", ida)
    db.session.commit()
    approve(browser, batch)
    post(second, f"/payouts/{payout_of('Noor').id}/cancellation", note="Twice")
    approve(second, batch)
    assert state_of(batch) is DraftStatus.PENDING  # the second is a first, of what is there now
    approve(browser, batch)
    assert state_of(batch) is DraftStatus.SENT


def test_to_raise_the_limit_releases_nothing_that_waits(ida, campaign, browser, request):
    config.set_config("payouts.four_eyes_above", "1", ida)
    batch = request.getfixturevalue("batch")
    config.set_config("payouts.four_eyes_above", "", ida)
    db.session.commit()
    assert approve(browser, batch).status_code == 303
    assert state_of(batch) is DraftStatus.PENDING


def test_who_was_held_is_not_approved_and_comes_before_the_admins_again(
    batch, browser, second, campaign, ida
):
    config.set_config("payouts.four_eyes_above", "1", ida)
    db.session.commit()
    ola = payout_of("Ola")
    post(browser, f"/payouts/{ola.id}/hold", note="A look", reason="SUSPECTED_SYBIL")
    approve(browser, batch)
    approve(second, batch)
    wait_out_the_undo()
    assert payout_of("Ola").approved_action_id is None
    assert post(browser, f"/payouts/{ola.id}/release").status_code == 303
    assert {p.person.display_name for p in exports.payable(campaign)} == {"Noor"}
    (again,) = fresh(Draft, Draft.kind == batches.KIND, Draft.status == DraftStatus.PENDING)
    assert "Pays 1 members 3.00 ALLY" in again.suggested_text
    assert f'href="/batches/{again.id}"' in browser.get("/review").text
    assert "stays as it is" in browser.get(f"/batches/{again.id}").text
    approve(browser, again)
    assert state_of(again) is DraftStatus.PENDING  # it is the epoch that comes to so much
    approve(second, again)
    wait_out_the_undo()
    assert {p.person.display_name for p in exports.payable(campaign)} == {"Noor", "Ola"}


def test_one_admin_suffices_up_to_the_limit(batch, browser, ida):
    config.set_config("payouts.four_eyes_above", "10", ida)
    db.session.commit()
    approve(browser, batch)
    assert state_of(batch) is DraftStatus.SENT


def test_a_batch_that_nobody_decided_on_is_set_aside_when_its_time_is_over(batch, campaign):
    epoch = fresh(CampaignEpoch, CampaignEpoch.draft_id == batch.id)[0]
    with at(epoch.claim_window_ends):
        rolling.roll(campaign.id)
    assert state_of(batch) is DraftStatus.SUPERSEDED
    assert fresh(CampaignEpoch, CampaignEpoch.id == epoch.id)[0].state is EpochState.RECYCLED


# What was approved is handed out and paid


@pytest.fixture
def released(batch, browser, campaign):
    approve(browser, batch)
    wait_out_the_undo()
    return campaign


@pytest.mark.parametrize("kind", ExportKind)
def test_what_is_approved_is_handed_out_once(released, browser, kind):
    path = f"/campaigns/{released.id}/exports"
    assert "2 payouts may be paid now" in browser.get(path).text
    assert post(browser, path, kind=kind.value).status_code == 303
    made = fresh(PayoutExport)[0]
    assert (made.payouts, made.total, made.kind) == (2, 900, kind)
    again = post(browser, path, kind=kind.value)
    assert again.status_code == 409
    assert "Nothing may be paid now." in again.text
    assert {p.status for p in fresh(Payout)} == {PayoutStatus.PROCESSING, PayoutStatus.PENDING}
    file = browser.get(f"/exports/{made.id}/file")
    assert file.status_code == 200
    assert "attachment" in file.headers["Content-Disposition"]
    assert browser.get(f"/exports/{made.id}/file?part=9").status_code in {200, 404}


def test_a_safe_batch_transfers_each_amount_to_its_wallet(released, browser):
    post(browser, f"/campaigns/{released.id}/exports", kind="safe")
    made = fresh(PayoutExport)[0]
    file = browser.get(f"/exports/{made.id}/file").json
    assert file["chainId"] == "8453"
    values = [one["contractInputsValues"]["value"] for one in file["transactions"]]
    assert sorted(values) == ["300", "600"]
    assert {one["to"].lower() for one in file["transactions"]} == {"0x" + "a" * 40}


def test_more_than_two_hundred_come_in_parts(released, ida, monkeypatch):
    monkeypatch.setattr(exports, "SAFE_BATCH", 1)
    made = exports.export(released, ida, ExportKind.SAFE)
    parts = exports.safe_batches(made, released)
    assert [len(part["transactions"]) for part in parts] == [1, 1]
    assert exports.parts_of(made) == 2


def test_what_was_paid_is_noted_and_the_books_agree(released, browser):
    post(browser, f"/campaigns/{released.id}/exports", kind="csv")
    made, tx = fresh(PayoutExport)[0], a_hash()
    path = f"/exports/{made.id}/settlement"
    assert post(browser, path, tx_hash="0x1", reason="Seen").status_code == 422
    assert post(browser, path, tx_hash=tx, reason="Seen").status_code == 303
    assert post(browser, path, tx_hash=tx, reason="Seen").status_code == 409
    paid = [p for p in fresh(Payout) if p.status is PayoutStatus.COMPLETED]
    assert [p.tx_hash for p in paid] == [tx, tx]
    assert books.balances(released.book_id)[Name.PAID] == 900
    assert checking.verify(released.account_id).problems == ()
    assert "Settled" in browser.get(f"/campaigns/{released.id}/exports").text


def test_an_export_that_nobody_executes_is_taken_back_and_tried_again(released, browser):
    post(browser, f"/campaigns/{released.id}/exports", kind="csv")
    made = fresh(PayoutExport)[0]
    assert post(browser, f"/exports/{made.id}/withdrawal", reason="").status_code == 422
    assert post(browser, f"/exports/{made.id}/withdrawal", reason="Lost").status_code == 303
    failed = [p for p in fresh(Payout) if p.status is PayoutStatus.FAILED]
    assert len(failed) == 2
    for payout in failed:
        assert post(browser, f"/payouts/{payout.id}/retry").status_code == 303
    assert post(browser, f"/campaigns/{released.id}/exports", kind="csv").status_code == 303
    assert sorted(a.number for a in fresh(PayoutAttempt)) == [1, 1, 2, 2]


def test_an_approval_cannot_be_taken_back_once_payouts_are_on_their_way(batch, released, browser):
    post(browser, f"/campaigns/{released.id}/exports", kind="csv")
    answer = post(browser, f"/batches/{batch.id}/undo")
    assert answer.status_code == 409
    assert "too late to undo" in answer.text


# Payouts on their page


def test_the_csv_says_what_the_page_says(batch, browser):
    page = browser.get("/payouts").text
    rows = list(csv.DictReader(io.StringIO(browser.get("/payouts.csv").text)))
    on_page = re.findall(r'<tr id="payout-([0-9a-f-]+)">', page)
    assert [row["payout"] for row in rows] == on_page
    assert {row["member"]: row["amount"] for row in rows} == {
        "Noor": "6.00",
        "Ola": "3.00",
        "Pia": "1.00",
    }
    held = list(csv.DictReader(io.StringIO(browser.get("/payouts.csv?status=held").text)))
    assert [row["held"] for row in held] == ["NO_WALLET"]
    assert browser.get("/payouts?status=held").text.count('<tr id="payout-') == 1


def test_payouts_are_found_by_member_and_epoch_and_the_form_shows_it(batch, browser):
    noor = payout_of("Noor")
    page = browser.get(f"/payouts?member={noor.person_id}&epoch={noor.epoch_id}").text
    assert page.count('<tr id="payout-') == 1
    assert f'<option value="{noor.epoch_id}" selected>1 · ' in page
    assert (
        f'<a href="/payouts?epoch={noor.epoch_id}" title="Show the payouts of all members">' in page
    )


def test_what_waits_for_approval_and_what_was_approved_are_told_apart(batch, browser):
    def shown(status):
        return browser.get(f"/payouts?status={status}").text.count('<tr id="payout-')

    assert (shown("PENDING"), shown("APPROVED")) == (3, 0)
    waiting = browser.get(f"/batches/{batch.id}").text
    assert ">To be approved</span>" in waiting
    assert "of it 1 payout held" in waiting

    approve(browser, batch)
    assert (shown("PENDING"), shown("APPROVED")) == (0, 3)
    assert ">To be approved</span>" not in browser.get(f"/batches/{batch.id}").text


def test_a_german_page_says_amounts_and_why_nothing_was_paid_in_german(batch, browser):
    translations.compile_catalogs()
    payout_of("Noor").error_message = rolling.CLAIM_IS_OVER
    payout_of("Ola").error_message = "100 % done"
    db.session.commit()
    page = browser.get("/payouts", headers={"Accept-Language": "de"}).text
    assert '<span class="num">6,00</span>' in page
    assert "Die Zeit zum Abholen war vorbei." in page
    assert "100 % done" in page


@pytest.mark.parametrize("asked", ["status=nonsense", "campaign=x", "after=zz", "member=%00"])
def test_an_unreadable_filter_is_answered(batch, browser, asked):
    assert browser.get(f"/payouts?{asked}").status_code == 200
    assert browser.get(f"/payouts.csv?{asked}").status_code == 200


def test_a_name_that_is_a_formula_stays_text(batch, browser):
    noor = payout_of("Noor").person
    noor.display_name = '=HYPERLINK("http://x")'
    db.session.commit()
    assert "'=HYPERLINK" in browser.get("/payouts.csv").text


def test_a_held_payout_is_released_by_hand(batch, browser):
    noor = payout_of("Noor")
    assert post(browser, f"/payouts/{noor.id}/hold", note="").status_code == 422
    post(browser, f"/payouts/{noor.id}/hold", note="A look")
    assert post(browser, f"/payouts/{noor.id}/release").status_code == 303
    assert payout_of("Noor").hold_reason is None


def test_outliers_and_changes_since_the_last_epoch_are_flagged(batch, browser, campaign):
    names = ["Noor", "Ola", "Pia"]
    people = {name: payout_of(name).person for name in names}
    new = make_earner("Quin")
    start = fresh(CampaignEpoch, CampaignEpoch.state == EpochState.OPEN)[0].epoch_start
    members = [person.platform_users[0] for person in people.values()] + [new]
    for member, points in zip(members, (1, 1, 1, 40), strict=True):
        make_scored(member, points, start + timedelta(minutes=1))
    with at(start + WEEK + timedelta(hours=2)):
        rolling.roll(campaign.id)
    db.session.commit()
    newest = fresh(Draft, Draft.kind == batches.KIND, Draft.status == DraftStatus.PENDING)
    page = browser.get(f"/batches/{max(newest, key=lambda d: d.created_at).id}").text
    assert "Far above the others" in page
    assert "For the first time" in page

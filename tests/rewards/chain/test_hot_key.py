"""Ally pays with a key of its own: each payout once, whatever is killed, dropped or replaced."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.accounts.models import Role
from ally.db import db, use_account
from ally.ledger import books, checking
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, funding, hot_key, payouts, rolling, settling
from ally.rewards.chain import Chain, Unreachable
from ally.rewards.models import AttemptState, Campaign, Payout, PayoutAttempt, PayoutStatus
from tests.factories import make_account, make_user, sign_in
from tests.forms import post
from tests.rewards.chain.killed import STEPS
from tests.rewards.chain.local import CHAIN_ID, VAULT
from tests.rewards.factories import (
    WEEK,
    a_hash,
    approve,
    at,
    make_campaign,
    make_decision,
    make_earner,
    make_scored,
)

SHARES = {"Noor": 600, "Ola": 300, "Pia": 100}


@pytest.fixture
def house(committed, chain):
    hot_key.use("0x" + VAULT.key.hex())
    with committed.app_context():
        yield committed


@pytest.fixture
def paying(house, chain):
    """A campaign whose three payouts were released; its vault is the key's, and holds the pool."""
    account = make_account("Acme")
    use_account(account.id)
    admin = make_user(account, "Ida Admin", role=Role.ADMIN)
    campaign = make_campaign(
        admin,
        chain_id=CHAIN_ID,
        token_address=chain.token.address.lower(),
        start_date=clock.now() - WEEK - timedelta(hours=3),
    )
    funding.vouch_for(
        campaign, admin, vault=VAULT.address, tx_hash=a_hash(), amount=10_000, reason="Test"
    )
    campaigns.activate(campaign, admin)
    chain.mint(VAULT.address, 10_000)
    for name, points in SHARES.items():
        make_scored(make_earner(name), points, campaign.start_date + timedelta(days=1))
    with at(campaign.start_date + timedelta(hours=1)):
        rolling.roll(campaign.id)
    rolling.roll(campaign.id)
    found = payouts.payouts_of_campaign(campaign.id)
    approve(found, make_decision(account, admin))
    for payout in found:
        payout.not_before = clock.now() - timedelta(seconds=1)
    db.session.commit()
    return campaign.id


def turn(chain, campaign_id, *, blocks=3):
    """One run of the job, and some blocks after it."""
    hot_key.pay_campaign(str(campaign_id))
    db.session.commit()
    if blocks:
        chain.mine(blocks)


def go_on(chain, campaign_id):
    """Run the job until nothing is left to do."""
    for _ in range(8):
        turn(chain, campaign_id)
    db.session.expire_all()


def received(chain):
    """What each member's wallet holds of the token."""
    return {
        payout.person.display_name: chain.balance(payout.wallet or payout.person.wallet)
        for payout in db.session.scalars(select(Payout))
    }


def everything_is_paid_once(chain, campaign_id):
    assert received(chain) == SHARES
    found = db.session.scalars(select(Payout)).all()
    assert {payout.status for payout in found} == {PayoutStatus.COMPLETED}
    campaign = db.session.get_one(Campaign, campaign_id)
    held = books.balances(campaign.book_id)
    assert (held[Name.PAID], held[Name.IN_FLIGHT], held[Name.ALLOCATED]) == (1_000, 0, 0)
    assert checking.verify(campaign.account_id).problems == ()


def test_what_was_released_is_paid(paying, chain):
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_is_killed_pays_nobody_twice(house, paying, chain, settings, step):
    account_id = db.session.info["account_id"]
    db.session.rollback()
    environment = {
        **os.environ,
        "DATABASE_URL": house.config["ALLY"].database_url,
        "SECRET_KEY": settings.secret_key,
        "ALLY_ENV": "development",
        "ALLY_HOME": str(settings.ally_home),
        "STORAGE_URL": "",
        "CHAIN_RPC_URLS": f"{CHAIN_ID}={chain.url}",
        "CHAIN_CONFIRMATIONS": "3",
        "PAYOUT_KEY": "0x" + VAULT.key.hex(),
    }
    command = [sys.executable, "-m", "tests.rewards.chain.killed", step]
    killed = subprocess.run(
        [*command, str(account_id), str(paying)], env=environment, check=False, timeout=100
    )
    assert killed.returncode == -9
    use_account(account_id)
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def attempts():
    asked = select(PayoutAttempt).order_by(PayoutAttempt.nonce, PayoutAttempt.number)
    return db.session.scalars(asked.execution_options(populate_existing=True)).all()


def test_nothing_is_sent_before_it_is_stored(paying, chain):
    turn(chain, paying, blocks=0)
    assert {attempt.state for attempt in attempts()} == {AttemptState.SIGNED}
    assert received(chain) == dict.fromkeys(SHARES, 0)


def test_a_timeout_is_no_failure(paying, chain):
    chain.rpc("evm_setAutomine", False)
    try:
        turn(chain, paying, blocks=0)
        turn(chain, paying, blocks=0)
        first = [bytes(attempt.raw) for attempt in attempts()]
        for attempt in attempts():  # the node forgets them
            chain.rpc("anvil_dropTransaction", attempt.tx_hash)
        turn(chain, paying, blocks=0)
        assert {attempt.state for attempt in attempts()} == {AttemptState.BROADCAST}
        assert [bytes(attempt.raw) for attempt in attempts()] == first
    finally:
        chain.rpc("evm_setAutomine", True)
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def test_a_payment_whose_nonce_another_took_has_failed_and_is_tried_again(paying, chain):
    turn(chain, paying, blocks=0)
    (first, *_others) = attempts()
    replaced = {
        "from": chain.vault,
        "to": chain.vault,
        "value": 0,
        "nonce": first.nonce,
        "gas": 21_000,
    }
    chain.wait(chain.web3.eth.send_transaction(replaced))
    go_on(chain, paying)
    failed = [p for p in db.session.scalars(select(Payout)) if p.status is PayoutStatus.FAILED]
    assert [payout.id for payout in failed] == [first.payout_id]
    admin = db.session.get_one(Campaign, paying).created_by
    payouts.retry(payouts.lock_payout(first.payout_id), admin)
    db.session.commit()
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)
    assert max(attempt.number for attempt in attempts()) == 2


def test_a_vault_that_is_empty_pays_later(paying, chain):
    left = chain.balance(VAULT.address)
    call = chain.token.functions.transfer("0x" + "5" * 40, left)
    chain.wait(call.transact({"from": chain.vault}))
    with pytest.raises(Exception, match="chain"):
        turn(chain, paying)
    db.session.rollback()
    assert attempts() == []
    chain.mint(VAULT.address, 10_000)
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def test_without_the_key_nothing_is_paid(paying, chain):
    hot_key.use("")
    turn(chain, paying)
    assert attempts() == []


# What must not stand in the way of others, and what must not be believed


def a_payout(name):
    db.session.expire_all()
    return next(p for p in db.session.scalars(select(Payout)) if p.person.display_name == name)


def test_one_that_the_token_refuses_keeps_nobody_else_from_being_paid(paying, chain):
    bar = chain.token.functions.setBarred
    barred = chain.web3.to_checksum_address(a_payout("Ola").person.wallet)
    chain.wait(bar(barred, True).transact({"from": chain.funder}))
    go_on(chain, paying)
    assert received(chain) == {**SHARES, "Ola": 0}
    failed = a_payout("Ola")
    assert failed.status is PayoutStatus.FAILED
    assert "barred" in failed.error_message
    chain.wait(bar(barred, False).transact({"from": chain.funder}))
    payouts.retry(payouts.lock_payout(failed.id), db.session.get_one(Campaign, paying).created_by)
    db.session.commit()
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def test_a_node_that_lags_behind_with_receipts_fails_no_payment(paying, chain, monkeypatch):
    turn(chain, paying)
    turn(chain, paying)
    with monkeypatch.context() as lagging:
        lagging.setattr(Chain, "mined", lambda _self, _tx_hash: None)
        turn(chain, paying)
        assert {attempt.state for attempt in attempts()} == {AttemptState.BROADCAST}
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def test_a_node_of_another_chain_is_not_believed(paying, chain, monkeypatch):
    turn(chain, paying)
    turn(chain, paying)
    monkeypatch.setattr(Chain, "told_id", lambda _self: 1)
    with pytest.raises(Unreachable, match="another chain"):
        turn(chain, paying)


def test_what_has_arrived_is_kept_before_anything_else_is_done(paying, chain, monkeypatch):
    turn(chain, paying)
    turn(chain, paying)
    monkeypatch.setattr(hot_key, "sign_due", lambda *_arguments: pytest.fail("not in this turn"))
    turn(chain, paying)
    assert {attempt.state for attempt in attempts()} == {AttemptState.CONFIRMED}


def test_the_key_pays_for_the_account_that_it_was_given_for(paying, chain):
    make_account("Others")
    db.session.commit()
    turn(chain, paying)
    assert attempts() == []  # nobody said whose it is
    hot_key.use("0x" + VAULT.key.hex(), "Others")
    turn(chain, paying)
    assert attempts() == []
    hot_key.use("0x" + VAULT.key.hex(), "Acme")
    go_on(chain, paying)
    everything_is_paid_once(chain, paying)


def test_however_often_a_campaign_is_asked_for_one_job_waits(paying):
    for later in (False, True, False):
        hot_key.ask(paying, later=later)
    waiting = text(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'rewards.pay_campaign'"
    )
    assert db.session.scalar(waiting) == 1


def test_a_payment_of_another_amount_is_in_doubt_until_an_admin_says_what_became_of_it(
    paying, chain, house
):
    admin = db.session.get_one(Campaign, paying).created_by
    turn(chain, paying)
    # From now on the token keeps a part of what it moves.
    chain.wait(chain.token.functions.setFee(1).transact({"from": chain.funder}))
    try:
        go_on(chain, paying)
    finally:
        chain.wait(chain.token.functions.setFee(0).transact({"from": chain.funder}))
    assert {p.status for p in db.session.scalars(select(Payout))} == {PayoutStatus.PROCESSING}
    doubted = settling.doubted(paying)
    assert [attempt.amount for attempt in doubted] == [attempt.amount for attempt in attempts()]
    browser = sign_in(house.test_client(), admin)
    assert browser.get(f"/campaigns/{paying}/exports").text.count("In doubt") == 3
    for number, attempt in enumerate(doubted):
        says = {"paid": "no" if number == 0 else "yes", "reason": "The token takes a fee"}
        assert post(browser, f"/attempts/{attempt.id}/conclusion", **says).status_code == 303
        assert post(browser, f"/attempts/{attempt.id}/conclusion", **says).status_code == 404
    found = [db.session.get_one(Payout, attempt.payout_id) for attempt in doubted]
    db.session.expire_all()
    assert [p.status for p in found] == [
        PayoutStatus.FAILED,
        PayoutStatus.COMPLETED,
        PayoutStatus.COMPLETED,
    ]
    assert checking.verify(admin.account_id).problems == ()

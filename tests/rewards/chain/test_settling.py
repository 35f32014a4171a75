"""What was handed out is settled by the transfers of the transaction that paid it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.db import db
from ally.errors import Conflict
from ally.ledger import books, checking
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, exports, funding, payouts, rolling, watching
from ally.rewards.models import Campaign, ExportKind, Payout, PayoutStatus, UsedLog
from tests.rewards.factories import (
    WEEK,
    a_hash,
    approve,
    at,
    make_decision,
    make_earner,
    make_scored,
)


@pytest.fixture
def made(acme, ida, campaign, chain):
    """An export of two payouts, 6.00 and 4.00, from anvil's second account."""
    campaign.start_date = clock.now() - WEEK - timedelta(hours=3)
    funding.vouch_for(
        campaign, ida, vault=chain.vault, tx_hash=a_hash(), amount=10_000, reason="Test"
    )
    campaigns.activate(campaign, ida)
    for points in (6, 4):
        make_scored(make_earner(), points, campaign.start_date + timedelta(days=1))
    with at(campaign.start_date + timedelta(hours=1)):
        rolling.roll(campaign.id)
    rolling.roll(campaign.id)
    approve(payouts.payouts_of_campaign(campaign.id), make_decision(acme, ida))
    for payout in payouts.payouts_of_campaign(campaign.id):
        payout.not_before = clock.now() - timedelta(seconds=1)
    db.session.flush()
    return exports.export(campaign, ida, ExportKind.SAFE)


def payments(made):
    return [(attempt.wallet, attempt.amount) for attempt in exports.attempts_of(made)]


def pay(chain, made, some):
    chain.mint(chain.vault, 10_000)
    return chain.pay_many(some, by=chain.vault)


def statuses():
    return sorted(payout.status for payout in db.session.scalars(select(Payout)))


def test_one_transaction_settles_many(made, ida, chain):
    tx = pay(chain, made, payments(made))
    with pytest.raises(Conflict, match="1 of 3 confirmations"):
        exports.settle_by_chain(made, ida, tx)
    chain.mine(2)
    assert exports.settle_by_chain(made, ida, tx) == 2
    assert statuses() == [PayoutStatus.COMPLETED] * 2
    assert {payout.tx_hash for payout in db.session.scalars(select(Payout))} == {tx}
    assert len(db.session.scalars(select(UsedLog)).all()) == 2
    assert checking.verify(ida.account_id).problems == ()


def test_an_export_may_need_several_transactions(made, ida, chain):
    first, second = payments(made)
    one, other = pay(chain, made, [first]), pay(chain, made, [second])
    chain.mine(2)
    assert exports.settle_by_chain(made, ida, one) == 1
    assert len(exports.still_going(made)) == 1
    with pytest.raises(Conflict, match="pays nobody of this export"):
        exports.settle_by_chain(made, ida, one)
    assert exports.settle_by_chain(made, ida, other) == 1
    assert statuses() == [PayoutStatus.COMPLETED] * 2


def test_what_is_not_exactly_this_payment_settles_nothing(made, ida, chain):
    (wallet, amount), _other = payments(made)
    wrong = [
        pay(chain, made, [(wallet, amount - 1)]),
        pay(chain, made, [("0x" + "5" * 40, amount)]),
        chain.pay(chain.web3.to_checksum_address(wallet), amount),  # not from the vault
        chain.pay(
            chain.web3.to_checksum_address(wallet), amount, by=chain.vault, token=chain.deploy(2)
        ),
    ]
    chain.mine(2)
    for tx in wrong:
        with pytest.raises(Conflict, match="pays nobody of this export"):
            exports.settle_by_chain(made, ida, tx)
    assert statuses() == [PayoutStatus.PROCESSING] * 2


def test_a_reverted_or_unknown_transaction_settles_nothing(made, ida, chain):
    reverted = chain.revert(chain.vault)
    chain.mine(2)
    with pytest.raises(Conflict, match="reverted"):
        exports.settle_by_chain(made, ida, reverted)
    with pytest.raises(Conflict, match="in no block"):
        exports.settle_by_chain(made, ida, a_hash())


def test_a_payment_that_is_taken_back_settles_nothing(made, ida, chain):
    with chain.forgotten():
        tx = pay(chain, made, payments(made))
        chain.mine(2)
    chain.mine(5)
    with pytest.raises(Conflict, match="in no block"):
        exports.settle_by_chain(made, ida, tx)


def test_a_payment_that_the_chain_takes_back_is_taken_back_in_the_books(made, ida, chain):
    campaign = db.session.get_one(Campaign, made.campaign_id)
    with chain.forgotten():
        tx = pay(chain, made, payments(made))
        signed = chain.rpc("eth_getRawTransactionByHash", tx)
        chain.mine(2)
        exports.settle_by_chain(made, ida, tx)
        watching.watch_payments()
        assert books.balances(campaign.book_id)[Name.PAID] == 1_000
    chain.mine(9)
    watching.watch_payments()
    watching.watch_payments()
    held = books.balances(campaign.book_id)
    assert (held[Name.PAID], held[Name.IN_FLIGHT]) == (0, 1_000)
    assert statuses() == [PayoutStatus.COMPLETED] * 2
    # The same transaction comes again.
    chain.mint(chain.vault, 10_000)
    chain.rpc("eth_sendRawTransaction", signed)
    chain.mine(3)
    watching.watch_payments()
    watching.watch_payments()
    held = books.balances(campaign.book_id)
    assert (held[Name.PAID], held[Name.IN_FLIGHT]) == (1_000, 0)
    assert checking.verify(ida.account_id).problems == ()

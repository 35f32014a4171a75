"""What was handed out is settled by the transfers of the transaction that paid it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.accounts.models import Account, Role
from ally.community.addresses import checksummed
from ally.db import db
from ally.errors import Conflict
from ally.ledger import books, checking
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import (
    campaigns,
    exports,
    funding,
    hot_key,
    payouts,
    rolling,
    settling,
    watching,
)
from ally.rewards import chain as chains
from ally.rewards.models import Campaign, ExportKind, Payout, PayoutStatus, UsedLog
from tests.factories import make_user
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


@pytest.fixture
def made(ida, campaign, chain):
    """An export of two payouts, 6.00 and 4.00, from anvil's second account."""
    return handed_out(ida, campaign, chain.vault, {"Noor": (6,), "Ola": (4,)})


@pytest.fixture
def twice(ida, campaign, chain):
    """An export of two payouts of 10.00 to one wallet: of two weeks."""
    return handed_out(ida, campaign, chain.vault, {"Noor": (1, 1)})


def handed_out(admin, campaign, vault, points, kind=ExportKind.SAFE):
    """An export of what was earned in some weeks; `points` says who had how many in each."""
    weeks = max(len(some) for some in points.values())
    campaign.start_date = clock.now() - weeks * WEEK - timedelta(hours=3)
    campaign.claim_window_seconds *= weeks + 1
    funding.vouch_for(campaign, admin, vault=vault, tx_hash=a_hash(), amount=10_000, reason="Test")
    campaigns.activate(campaign, admin)
    for name, some in points.items():
        member = make_earner(name)
        for week, value in enumerate(some):
            make_scored(member, value, campaign.start_date + week * WEEK + timedelta(days=1))
    for week in range(weeks):
        with at(campaign.start_date + week * WEEK + timedelta(hours=1)):
            rolling.roll(campaign.id)
    rolling.roll(campaign.id)
    account = db.session.get_one(Account, campaign.account_id)
    approve(payouts.payouts_of_campaign(campaign.id), make_decision(account, admin))
    for payout in payouts.payouts_of_campaign(campaign.id):
        payout.not_before = clock.now() - timedelta(seconds=1)
    db.session.flush()
    return exports.export(campaign, admin, kind)


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
        settling.settle_by_chain(made, ida, tx)
    chain.mine(2)
    assert settling.settle_by_chain(made, ida, tx) == 2
    assert statuses() == [PayoutStatus.COMPLETED] * 2
    assert {payout.tx_hash for payout in db.session.scalars(select(Payout))} == {tx}
    assert len(db.session.scalars(select(UsedLog)).all()) == 2
    assert checking.verify(ida.account_id).problems == ()


def test_an_export_may_need_several_transactions(made, ida, chain):
    first, second = payments(made)
    one, other = pay(chain, made, [first]), pay(chain, made, [second])
    chain.mine(2)
    assert settling.settle_by_chain(made, ida, one) == 1
    assert len(exports.still_going(made)) == 1
    with pytest.raises(Conflict, match="pays nobody of this export"):
        settling.settle_by_chain(made, ida, one)
    assert settling.settle_by_chain(made, ida, other) == 1
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
            settling.settle_by_chain(made, ida, tx)
    assert statuses() == [PayoutStatus.PROCESSING] * 2


def test_a_reverted_or_unknown_transaction_settles_nothing(made, ida, chain):
    reverted = chain.revert(chain.vault)
    chain.mine(2)
    with pytest.raises(Conflict, match="reverted"):
        settling.settle_by_chain(made, ida, reverted)
    with pytest.raises(Conflict, match="in no block"):
        settling.settle_by_chain(made, ida, a_hash())


def test_a_payment_that_is_taken_back_settles_nothing(made, ida, chain):
    with chain.forgotten():
        tx = pay(chain, made, payments(made))
        chain.mine(2)
    chain.mine(5)
    with pytest.raises(Conflict, match="in no block"):
        settling.settle_by_chain(made, ida, tx)


def test_a_payment_that_the_chain_takes_back_is_taken_back_in_the_books(made, ida, chain):
    campaign = db.session.get_one(Campaign, made.campaign_id)
    with chain.forgotten():
        tx = pay(chain, made, payments(made))
        signed = chain.rpc("eth_getRawTransactionByHash", tx)
        chain.mine(2)
        settling.settle_by_chain(made, ida, tx)
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


def test_what_was_paid_is_not_taken_back(made, ida, chain):
    first, _second = payments(made)
    tx = pay(chain, made, [first])
    with pytest.raises(Conflict, match=tx):
        settling.withdraw(made, ida, "Nobody executed it")
    chain.mine(2)
    settling.settle_by_chain(made, ida, tx)
    assert settling.withdraw(made, ida, "The rest was not executed") == 1
    assert statuses() == [PayoutStatus.COMPLETED, PayoutStatus.FAILED]


def test_a_transfer_for_all_payouts_of_a_wallet_settles_them(twice, ida, chain):
    (wallet, amount), same = payments(twice)
    assert same == (wallet, amount)
    tx = pay(chain, twice, [(wallet, 2 * amount)])
    chain.mine(2)
    assert settling.settle_by_chain(twice, ida, tx) == 2
    assert len(db.session.scalars(select(UsedLog)).all()) == 1
    assert checking.verify(ida.account_id).problems == ()


def test_a_transfer_of_one_amount_settles_one_payout_of_a_wallet(twice, ida, chain):
    (payment, _same) = payments(twice)
    tx = pay(chain, twice, [payment])
    chain.mine(2)
    assert settling.settle_by_chain(twice, ida, tx) == 1
    with pytest.raises(Conflict, match="pays nobody of this export"):
        settling.settle_by_chain(twice, ida, tx)


def test_a_tree_has_one_leaf_for_each_wallet(twice):
    (wallet, amount), _same = payments(twice)
    (leaf,) = exports.merkle_file(twice)["values"]
    assert leaf["value"] == [checksummed(wallet), str(2 * amount)]


def test_what_ally_has_sent_itself_settles_no_export(made, ida, chain):
    """Its key and an export may pay from one vault."""
    first, _second = exports.attempts_of(made)
    settling.withdraw(made, ida, "Ally pays it itself")
    payout = payouts.lock_payout(first.payout_id)
    payouts.retry(payout, ida)
    chains.use({CHAIN_ID: chain.url}, 3)
    hot_key.use("0x" + VAULT.key.hex())
    chain.mint(chain.vault, 10_000)
    attempt = hot_key.sign(chains.chain_of(CHAIN_ID), payout.campaign, payout)
    chain.wait(chain.web3.eth.send_raw_transaction(bytes(attempt.raw)))
    chain.mine(3)
    with pytest.raises(Conflict, match="sent this transaction itself"):
        settling.settle_by_chain(made, ida, attempt.tx_hash)


# The chain's own coin, paid by a contract


@pytest.fixture
def contract(chain):
    contract = chain.deploy(2)
    chain.send(contract.address, 10_000)
    return contract


@pytest.fixture
def native(ida, chain):
    return make_campaign(ida, chain_id=CHAIN_ID, is_native=True, token_address=None, decimals=2)


def send_many(chain, contract, some):
    wallets = [chain.web3.to_checksum_address(wallet) for wallet, _units in some]
    call = contract.functions.sendMany(wallets, [units for _wallet, units in some])
    return call.transact({"from": chain.funder, "gas": 500_000})


def test_what_a_contract_paid_is_seen_by_the_balances(native, contract, ida, chain):
    made = handed_out(ida, native, contract.address, {"Noor": (6,), "Ola": (4,)})
    tx = chain.hash_of(chain.wait(send_many(chain, contract, payments(made))))
    chain.mine(2)
    assert settling.settle_by_chain(made, ida, tx) == 2


def test_a_gain_counts_for_one_of_its_blocks_transactions(native, contract, ida, chain):
    made = handed_out(ida, native, contract.address, {"Noor": (1, 1)})
    (payment, _same) = payments(made)
    chain.rpc("evm_setAutomine", False)
    try:
        paying = send_many(chain, contract, [payment])
        nothing = send_many(chain, contract, [])
        chain.mine(1)
    finally:
        chain.rpc("evm_setAutomine", True)
    chain.mine(2)
    one, two = (chain.hash_of(chain.wait(sent)) for sent in (paying, nothing))
    assert settling.settle_by_chain(made, ida, one) == 1
    with pytest.raises(Conflict, match="pays nobody"):
        settling.settle_by_chain(made, ida, two)


def test_what_the_chain_cannot_tell_another_admin_answers_for(native, contract, acme, ida, chain):
    made = handed_out(ida, native, contract.address, {"Noor": (1,)})
    with pytest.raises(Conflict, match="Another admin"):
        settling.settle_by_hand(made, ida, a_hash(), "Seen in the Safe")
    other = make_user(acme, "Omar Admin", role=Role.ADMIN)
    assert settling.settle_by_hand(made, other, a_hash(), "Seen in the Safe") == 1

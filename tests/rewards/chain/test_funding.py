"""A funding is counted when the chain shows it, and refused with everything that is wrong."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from ally import clock
from ally.db import db
from ally.errors import Conflict
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, verifying, watching
from ally.rewards import chain as chains
from ally.rewards.chain import Chain
from ally.rewards.models import Campaign, CampaignStatus, FundingState, UsedLog
from tests.rewards.chain.local import CHAIN_ID
from tests.rewards.factories import a_hash, make_campaign

POOL = 10_000
OTHER = "0x" + "5" * 40


@pytest.fixture(autouse=True)
def nobody_else_works(monkeypatch):
    """The jobs are run by the tests themselves."""
    asked = []
    monkeypatch.setattr(verifying, "enqueue", lambda name, **more: asked.append((name, more)))
    return asked


def claim(campaign, admin, chain, tx_hash, amount=POOL, vault=None):
    funding = verifying.claim(
        campaign, admin, vault=vault or chain.vault, tx_hash=tx_hash, amount=amount
    )
    verifying.verify(str(funding.id))
    return funding


def test_what_came_to_the_vault_is_counted(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    funding = claim(campaign, ida, chain, tx)
    assert funding.state is FundingState.VERIFIED
    assert campaign.is_funded
    assert books.balances(campaign.book_id)[Name.UNALLOCATED] == POOL
    (used,) = db.session.scalars(select(UsedLog)).all()
    assert (used.tx_hash, used.amount, used.recipient) == (tx, POOL, chain.vault.lower())


def test_looking_twice_counts_once(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    funding = claim(campaign, ida, chain, tx)
    verifying.verify(str(funding.id))
    assert books.balances(campaign.book_id)[Name.UNALLOCATED] == POOL


def test_several_transfers_of_one_transaction_are_summed(campaign, ida, chain):
    chain.mint(chain.funder, POOL)
    tx = chain.pay_many([(chain.vault, 4_000), (chain.vault, 6_000)], by=chain.funder)
    chain.mine(2)
    assert claim(campaign, ida, chain, tx).state is FundingState.VERIFIED


def test_too_few_confirmations_are_waited_for(campaign, ida, chain, nobody_else_works):
    tx = chain.pay(chain.vault, POOL)
    funding = claim(campaign, ida, chain, tx)
    assert funding.state is FundingState.CLAIMED
    assert nobody_else_works[-1][1]["at"] > clock.now()
    chain.mine(2)
    verifying.verify(str(funding.id))
    assert funding.state is FundingState.VERIFIED


def refusal(funding):
    assert funding.state is FundingState.REFUSED
    return set(funding.failed_checks)


def test_a_wrong_vault_is_refused(campaign, ida, chain):
    tx = chain.pay(OTHER, POOL)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"vault"}


def test_a_wrong_token_is_refused(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL, token=chain.deploy(2))
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"token"}


@pytest.mark.parametrize("came", [POOL - 1, POOL + 1])
def test_a_wrong_amount_is_refused(campaign, ida, chain, came):
    tx = chain.pay(chain.vault, came)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"amount"}


def test_a_token_that_takes_a_fee_brings_less(campaign, ida, chain):
    token = chain.deploy(2)
    chain.wait(token.functions.setFee(7).transact({"from": chain.funder}))
    campaign.token_address = token.address.lower()
    tx = chain.pay(chain.vault, POOL, token=token)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"amount"}


def test_a_reverted_transaction_is_refused(campaign, ida, chain):
    tx = chain.revert(chain.vault)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"succeeded"}


def test_another_chain_is_refused(ida, chain):
    chains.use({10: chain.url}, 3)
    campaign = make_campaign(
        ida, chain_id=10, token_address=chain.token.address.lower(), decimals=2
    )
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"chain"}


def test_another_number_of_digits_is_refused(campaign, ida, chain):
    campaign.decimals = 18
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, tx)) == {"decimals"}


def test_what_is_older_than_the_campaign_is_refused(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    db.session.execute(update(Campaign).values(created_at=clock.now() + timedelta(hours=1)))
    db.session.expire_all()
    assert refusal(claim(campaign, ida, chain, tx)) == {"recent"}


def test_what_is_never_mined_is_refused_after_a_day(campaign, ida, chain, monkeypatch):
    funding = claim(campaign, ida, chain, a_hash())
    assert funding.state is FundingState.CLAIMED
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    verifying.verify(str(funding.id))
    assert refusal(funding) == {"found"}


def test_a_transaction_funds_one_campaign(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    claim(campaign, ida, chain, tx)
    other = make_campaign(
        ida, chain_id=CHAIN_ID, token_address=chain.token.address.lower(), decimals=2
    )
    with pytest.raises(Conflict, match="counted already"):
        claim(other, ida, chain, tx)


def test_everything_that_is_wrong_is_told_at_once(campaign, ida, chain):
    campaign.decimals = 6
    db.session.execute(update(Campaign).values(created_at=clock.now() + timedelta(hours=1)))
    tx = chain.pay(OTHER, POOL)
    chain.mine(2)
    funding = claim(campaign, ida, chain, tx)
    assert refusal(funding) >= {"vault", "decimals"}
    assert "another address" in verifying.in_words(funding.failed_checks)


def test_a_silent_node_is_told_as_such_and_asked_again(campaign, ida, chain, nobody_else_works):
    chains.use({CHAIN_ID: "http://127.0.0.1:1"}, 3)
    funding = verifying.claim(campaign, ida, vault=chain.vault, tx_hash=a_hash(), amount=POOL)
    verifying.verify(str(funding.id))
    assert (funding.state, funding.failed_checks) == (FundingState.CLAIMED, ["node"])
    assert nobody_else_works[-1][1]["at"] > clock.now()
    chains.use({CHAIN_ID: chain.url}, 3)
    verifying.verify(str(funding.id))
    assert funding.failed_checks == ["found"]


# The chain's own coin


def test_the_chains_own_coin_is_counted(ida, chain):
    campaign = make_campaign(
        ida, chain_id=CHAIN_ID, is_native=True, token_address=None, decimals=18
    )
    tx = chain.send(chain.vault, POOL)
    chain.mine(2)
    assert claim(campaign, ida, chain, tx).state is FundingState.VERIFIED
    wrong = chain.send(OTHER, POOL)
    chain.mine(2)
    assert refusal(claim(campaign, ida, chain, wrong)) == {"vault"}


# After it was counted


def test_a_reorganisation_pauses_the_campaign(campaign, ida, chain):
    with chain.forgotten():
        tx = chain.pay(chain.vault, POOL)
        chain.mine(2)
        funding = claim(campaign, ida, chain, tx)
        campaigns.activate(campaign, ida)
        watching.watch_fundings()
        assert campaign.status is CampaignStatus.ACTIVE
    chain.mine(9)  # other blocks in their place
    watching.watch_fundings()
    assert funding.state is FundingState.REVERSED
    assert campaign.status is CampaignStatus.PAUSED
    with pytest.raises(Conflict, match="not funded any more"):
        campaigns.resume(campaign, ida)


def test_a_vault_that_holds_too_little_pauses_the_campaign(campaign, ida, chain):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    claim(campaign, ida, chain, tx)
    campaigns.activate(campaign, ida)
    watching.watch_vaults()
    assert campaign.status is CampaignStatus.ACTIVE
    left = chain.balance(chain.vault)
    call = chain.token.functions.transfer(OTHER, left - POOL + 1)
    chain.wait(call.transact({"from": chain.vault}))
    watching.watch_vaults()
    assert campaign.status is CampaignStatus.PAUSED


def test_campaigns_that_share_a_vault_are_counted_together(campaign, ida, chain):
    other = make_campaign(
        ida, chain_id=CHAIN_ID, token_address=chain.token.address.lower(), decimals=2
    )
    left = chain.balance(chain.vault)
    if left:
        chain.wait(chain.token.functions.transfer(OTHER, left).transact({"from": chain.vault}))
    for each in (campaign, other):
        tx = chain.pay(chain.vault, POOL)
        chain.mine(2)
        claim(each, ida, chain, tx)
        campaigns.activate(each, ida)
    watching.watch_vaults()
    assert {campaign.status, other.status} == {CampaignStatus.ACTIVE}
    # Enough for each of them alone.
    chain.wait(chain.token.functions.transfer(OTHER, 1).transact({"from": chain.vault}))
    watching.watch_vaults()
    assert {campaign.status, other.status} == {CampaignStatus.PAUSED}


def test_a_node_that_lags_takes_no_funding_away(campaign, ida, chain, monkeypatch):
    tx = chain.pay(chain.vault, POOL)
    chain.mine(2)
    funding = claim(campaign, ida, chain, tx)
    campaigns.activate(campaign, ida)
    with monkeypatch.context() as lagging:
        behind = funding.block_number - 1
        lagging.setattr(Chain, "head", lambda _self: behind)
        lagging.setattr(Chain, "block_hash", lambda _self, _number: None)
        lagging.setattr(Chain, "mined", lambda _self, _tx_hash: None)
        watching.watch_fundings()
    assert funding.state is FundingState.VERIFIED
    assert campaign.status is CampaignStatus.ACTIVE


def test_a_chain_that_is_silent_keeps_nobody_from_looking_at_another(campaign, ida, chain):
    with chain.forgotten():
        tx = chain.pay(chain.vault, POOL)
        chain.mine(2)
        funding = claim(campaign, ida, chain, tx)
    chain.mine(9)
    chains.use({CHAIN_ID: chain.url, 10: "http://127.0.0.1:1"}, 3)
    silent = make_campaign(ida, chain_id=10, token_address=chain.token.address.lower(), decimals=2)
    newer = verifying.claim(silent, ida, vault=chain.vault, tx_hash=a_hash(), amount=POOL)
    newer.state, newer.block_number, newer.block_hash = FundingState.VERIFIED, 1, a_hash()
    db.session.flush()
    watching.watch_fundings()
    assert (newer.state, funding.state) == (FundingState.VERIFIED, FundingState.REVERSED)


def test_a_claim_that_nobody_looks_up_is_asked_for_again(campaign, ida, chain, monkeypatch):
    funding = verifying.claim(campaign, ida, vault=chain.vault, tx_hash=a_hash(), amount=POOL)
    asked = []
    monkeypatch.setattr(watching, "ask", asked.append)
    watching.sweep_claims()
    assert asked == []
    later = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    watching.sweep_claims()
    assert asked == [funding]

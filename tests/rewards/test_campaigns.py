"""A campaign from its draft to its end: what it may be, and what it waits for."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ally.db import as_account, db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, funding, payouts, verifying
from ally.rewards.models import CampaignStatus, PayoutStatus
from ally.rewards.rolling import roll
from tests.factories import make_account
from tests.rewards.factories import (
    START,
    VAULT,
    WEEK,
    a_hash,
    approve,
    at,
    fund,
    make_campaign,
    make_decision,
    make_earner,
    make_running,
    make_scored,
)


def actions(campaign):
    return [event.action for event in trail.timeline(campaign)]


def test_a_draft_has_a_book_of_its_own_and_the_usual_times(ida):
    campaign = make_campaign(ida)

    assert campaign.status is CampaignStatus.DRAFT
    assert books.balances(campaign.book_id) == dict.fromkeys(Name, 0)
    assert (campaign.payout_interval_seconds, campaign.claim_window_seconds) == (604_800, 604_800)
    assert campaign.recycle_unclaimed
    assert campaigns.get_campaign(campaign.id).epochs == []


@pytest.mark.parametrize(
    ("terms", "because"),
    [
        ({"pool": 0}, "must hold something"),
        ({"cap": 0}, "no more than the pool"),
        ({"cap": 10_001}, "no more than the pool"),
        ({"max_rewards_per_user": 0}, "more than nothing"),
        ({"end_date": START}, "ends after it starts"),
        ({"platforms": []}, "at least one platform"),
    ],
)
def test_terms_that_contradict_each_other_are_refused(ida, terms, because):
    with pytest.raises(Invalid, match=because):
        make_campaign(ida, **terms)


@pytest.mark.parametrize(
    ("column", "value"),
    [("epoch_reward_cap", "10001"), ("payout_interval_seconds", "0"), ("decimals", "37")],
)
def test_the_database_refuses_them_too(ida, column, value):
    make_campaign(ida)

    with pytest.raises(IntegrityError):
        db.session.execute(text(f"UPDATE campaign SET {column} = {value}"))


def test_a_draft_is_changed_and_the_change_is_told(ida):
    campaign = make_campaign(ida)
    campaigns.update_campaign(campaign, ida, epoch_reward_cap=500, name=campaign.name)

    assert (campaign.epoch_reward_cap, campaign.version) == (500, 2)
    (_, changed) = trail.timeline(campaign)
    assert changed.particulars["what"] == "epoch_reward_cap"
    assert changed.particulars["before"] == {"epoch_reward_cap": "1000"}


def test_what_is_no_term_is_not_changed(ida):
    with pytest.raises(TypeError, match="no status"):
        campaigns.update_campaign(make_campaign(ida), ida, status=CampaignStatus.ACTIVE)


def test_terms_stay_once_people_earn_by_them(ida):
    campaign = make_running(ida)

    with pytest.raises(campaigns.NotEditable, match="stay as they are"):
        campaigns.update_campaign(campaign, ida, epoch_reward_cap=500)
    with pytest.raises(IntegrityError, match="never change"):
        db.session.execute(text("UPDATE campaign SET epoch_reward_cap = 500"))


def test_campaigns_come_the_newest_first_page_by_page(ida):
    made = [make_campaign(ida) for _ in range(5)]

    first = campaigns.all_campaigns(limit=3)
    then = campaigns.all_campaigns(limit=3, after=(first[-1].created_at, first[-1].id))

    assert [*first, *then] == made[::-1]


def test_another_accounts_campaign_is_none(ida):
    campaign = make_campaign(ida)
    globex = make_account("Globex")

    with as_account(globex.id), pytest.raises(NotFound, match="no such campaign"):
        campaigns.get_campaign(campaign.id)


# Funding


def test_a_funding_fills_the_pool_and_a_second_one_makes_it_grow(ida):
    campaign = make_campaign(ida)
    fund(campaign, ida, 6_000)
    assert not campaign.is_funded
    fund(campaign, ida, 5_000)

    assert campaign.is_funded
    assert campaign.total_reward_pool == 11_000
    assert books.balances(campaign.book_id)[Name.UNALLOCATED] == 11_000


@pytest.mark.parametrize(
    "terms",
    [
        {"chain_id": 1},
        {"token_address": "0x" + "b" * 40},
        {"token_address": None, "is_native": True},
        {"decimals": 18},
        {"token_symbol": "OTHER"},
        {"vault_address": "0x" + "b" * 40},
    ],
)
def test_what_is_funded_keeps_its_token_and_vault(ida, terms):
    campaign = make_campaign(ida)
    fund(campaign, ida, 5)
    with pytest.raises(campaigns.NotEditable, match="has been funded"):
        campaigns.update_campaign(campaign, ida, **terms)
    campaigns.update_campaign(campaign, ida, name="Another name")


def test_the_database_keeps_the_token_too(ida):
    campaign = make_campaign(ida)
    fund(campaign, ida, 5)
    campaign.decimals = 18
    with pytest.raises(IntegrityError, match="keeps its token"):
        db.session.flush()


def test_a_pool_is_funded_when_so_much_has_come(ida):
    campaign = make_campaign(ida)
    fund(campaign, ida, 6_000)
    with pytest.raises(Invalid, match="at least what it was funded with"):
        campaigns.update_campaign(campaign, ida, total_reward_pool=5_999)
    campaigns.update_campaign(campaign, ida, total_reward_pool=6_000)
    assert campaign.is_funded
    campaigns.update_campaign(campaign, ida, total_reward_pool=6_001)
    assert not campaign.is_funded


def test_a_second_funding_goes_to_the_same_vault(ida):
    campaign = make_campaign(ida)
    fund(campaign, ida)
    told = {"tx_hash": a_hash(), "amount": 5, "reason": "Seen"}
    with pytest.raises(Invalid, match=f"vault is {VAULT}"):
        funding.vouch_for(campaign, ida, vault="0x" + "b" * 40, **told)
    with pytest.raises(Invalid, match=f"vault is {VAULT}"):
        verifying.claim(campaign, ida, vault="0x" + "b" * 40, tx_hash=a_hash(), amount=5)


def test_a_transaction_funds_one_campaign_once(ida):
    first, second = make_campaign(ida), make_campaign(ida)
    told = {"vault": VAULT, "tx_hash": a_hash(), "amount": 10_000, "reason": "Seen"}
    funding.vouch_for(first, ida, **told)

    for campaign in (first, second):
        with pytest.raises(funding.AlreadyCounted, match="counted already"):
            funding.vouch_for(
                campaign, ida, **told | {"tx_hash": told["tx_hash"].upper().replace("0X", "0x")}
            )
    assert books.balances(first.book_id)[Name.UNALLOCATED] == 10_000
    assert not second.is_funded


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ({"vault": "0x12"}, "40 digits"),
        ({"tx_hash": "0x12"}, "64 digits"),
        ({"amount": 0}, "brings something"),
        ({"reason": " "}, "Say why"),
    ],
)
def test_a_funding_that_says_too_little_is_refused(ida, wrong, because):
    told = {"vault": VAULT, "tx_hash": a_hash(), "amount": 10_000, "reason": "Seen"}

    with pytest.raises(Invalid, match=because):
        funding.vouch_for(make_campaign(ida), ida, **told | wrong)


def test_a_campaign_that_is_over_takes_no_funding(ida):
    campaign = make_campaign(ida)
    campaigns.cancel(campaign, ida, "Never mind", campaign.name)

    with pytest.raises(Conflict, match="takes no more"):
        fund(campaign, ida)


# From status to status


def test_a_campaign_begins_when_it_is_funded(ida):
    campaign = make_campaign(ida)
    with pytest.raises(campaigns.NotReady, match="cannot begin: it is not funded yet"):
        campaigns.activate(campaign, ida)

    fund(campaign, ida)
    campaigns.activate(campaign, ida)

    assert (campaign.status, campaign.is_active) == (CampaignStatus.ACTIVE, True)
    assert actions(campaign)[-1] == "campaign.activated"
    with pytest.raises(campaigns.NotReady, match="begun already"):
        campaigns.activate(campaign, ida)


def test_a_campaign_whose_end_is_past_does_not_begin(ida):
    campaign = make_campaign(ida, end_date=START + WEEK)
    fund(campaign, ida)

    with at(START + WEEK), pytest.raises(campaigns.NotReady, match="its end is past"):
        campaigns.activate(campaign, ida)


def test_one_without_a_start_does_not_begin_after_its_end(ida):
    campaign = make_campaign(ida, start_date=None, end_date=START + WEEK)
    fund(campaign, ida)

    with at(START + WEEK), pytest.raises(campaigns.NotReady, match="its end is past"):
        campaigns.activate(campaign, ida)


def test_one_that_has_no_start_begins_now(ida):
    campaign = make_running(ida, start_date=None)

    assert campaign.start_date == START


def test_a_pause_has_a_reason_and_is_ended_once(ida):
    campaign = make_running(ida)
    with pytest.raises(Invalid, match="Say why"):
        campaigns.pause(campaign, ida, " ")
    campaigns.pause(campaign, ida, "A look at the vault")
    with pytest.raises(campaigns.NotReady, match="not running"):
        campaigns.pause(campaign, ida, "Again")
    campaigns.resume(campaign, ida)

    with pytest.raises(campaigns.NotReady, match="not paused"):
        campaigns.resume(campaign, ida)
    assert actions(campaign)[-2:] == ["campaign.paused", "campaign.resumed"]


def test_a_campaign_is_complete_when_its_end_has_come(ida):
    campaign = make_running(ida, end_date=START + WEEK)
    with at(START + WEEK - timedelta(seconds=1)):
        with pytest.raises(campaigns.NotReady, match="its end has not come"):
            campaigns.complete(campaign, ida)
        assert campaigns.refundable(campaign) == 0
    with at(START + WEEK):
        campaigns.complete(campaign, ida)

    assert campaigns.refundable(campaign) == 10_000
    with pytest.raises(campaigns.NotReady, match="not so much"):
        campaigns.record_refund(campaign, ida, 10_001, a_hash())


def test_cancelling_asks_for_the_name_and_why(ida):
    campaign = make_running(ida)
    for reason, name, because in [
        ("", campaign.name, "Say why"),
        ("Over", "another", "Type the campaign's name"),
    ]:
        with pytest.raises(Invalid, match=because):
            campaigns.cancel(campaign, ida, reason, name)
    campaigns.cancel(campaign, ida, "Over", f" {campaign.name} ")

    assert campaign.status is CampaignStatus.CANCELED
    with pytest.raises(campaigns.NotReady, match="over already"):
        campaigns.cancel(campaign, ida, "Over", campaign.name)


@pytest.mark.parametrize("status", ["COMPLETED", "PAUSED"])
def test_the_database_lets_no_draft_skip_its_beginning(ida, status):
    make_campaign(ida)

    with pytest.raises(IntegrityError, match=r"does not go from DRAFT|is_funded"):
        db.session.execute(text(f"UPDATE campaign SET status = '{status}'"))


def test_the_two_words_for_an_early_end_keep_their_spellings():
    assert CampaignStatus("CANCELED") is CampaignStatus.CANCELED
    assert PayoutStatus("CANCELLED") is PayoutStatus.CANCELLED


def test_a_campaign_is_funded_and_begins_in_one_step(ida):
    campaign = make_campaign(ida)
    told = {"vault": VAULT, "tx_hash": a_hash(), "reason": "Seen"}
    funding.fund_campaign(campaign, ida, **told, start_date=START + WEEK)

    assert (campaign.is_funded, campaign.is_active) == (True, True)
    assert campaign.start_date == START + WEEK


def test_each_status_is_reached_by_its_own_step(ida):
    campaign = make_running(ida, end_date=START + WEEK)
    steps = [
        (CampaignStatus.PAUSED, {"reason": "A look"}),
        (CampaignStatus.ACTIVE, {}),
        (CampaignStatus.COMPLETED, {}),
    ]
    with at(START + WEEK):
        for status, told in steps:
            campaigns.update_campaign_status(campaign, status, ida, **told)
            assert campaign.status is status
    with pytest.raises(campaigns.NotReady, match="draft again"):
        campaigns.update_campaign_status(campaign, CampaignStatus.DRAFT, ida)

    other = make_campaign(ida)
    fund(other, ida)
    campaigns.update_campaign_status(other, CampaignStatus.ACTIVE, ida)
    told = {"reason": "Over", "typed_name": other.name}
    campaigns.update_campaign_status(other, CampaignStatus.CANCELED, ida, **told)
    assert other.status is CampaignStatus.CANCELED


def test_each_status_of_a_payout_is_reached_by_its_own_step(ida, acme):
    campaign = make_running(ida)
    make_scored(make_earner(), 1, START)
    with at(START + WEEK + timedelta(hours=1)):
        roll(campaign.id)
        (payout,) = payouts.payouts_of_campaign(campaign.id)
        approve([payout], make_decision(acme, ida))
        for status, told in [
            (PayoutStatus.PROCESSING, {}),
            (PayoutStatus.FAILED, {"error_message": "reverted"}),
            (PayoutStatus.PENDING, {"by": ida}),
            (PayoutStatus.PROCESSING, {}),
            (PayoutStatus.COMPLETED, {"tx_hash": a_hash()}),
        ]:
            payouts.update_payout_status(payouts.lock_payout(payout.id), status, **told)
            assert payout.status is status
        with pytest.raises(Invalid, match="by which transaction"):
            payouts.update_payout_status(payout, PayoutStatus.COMPLETED)
    assert payouts.payouts_of_person(payout.person_id) == [payout]

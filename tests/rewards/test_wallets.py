"""What a wallet that is linked, changed or shared means for payouts."""

from datetime import timedelta

import pytest

from ally.community import wallets
from ally.community.models import HoldReason, MergeRequest
from ally.db import db
from ally.rewards import payouts, rolling
from ally.rewards.models import Payout, PayoutStatus
from ally.rewards.payouts import NotPayable
from tests.rewards.factories import (
    START,
    WEEK,
    approve,
    at,
    make_decision,
    make_earner,
    make_running,
    make_scored,
)

DAY = timedelta(days=1)
CLOSED = START + WEEK + timedelta(hours=2)
WALLET = "0x" + "9" * 40


@pytest.fixture
def owed(acme, ida):
    """Closes an epoch in which the members earned; its payouts, approved, and when that was."""

    def close(*members, **terms):
        campaign = make_running(ida, claim_window_seconds=30 * 86_400, **terms)
        for member in members:
            make_scored(member, 5, START + DAY)
        with at(START + timedelta(hours=1)):
            rolling.roll(campaign.id)
        with at(CLOSED):
            rolling.roll(campaign.id)
        found = payouts.payouts_of_campaign(campaign.id)
        approve(found, make_decision(acme, ida))
        return found

    return close


def test_who_links_a_wallet_a_second_before_the_end_is_paid(owed):
    member = make_earner(has_wallet=False)
    (payout,) = owed(member)
    assert payout.hold_reason is HoldReason.NO_WALLET
    with at(payout.epoch.claim_window_ends - timedelta(seconds=1)):
        wallets.link(wallets.lock_person(member.person_id), WALLET)
        payout = payouts.lock_payout(payout.id)
        payouts.begin(payout)
    assert (payout.status, payout.wallet) == (PayoutStatus.PROCESSING, WALLET)


def test_a_second_later_it_is_too_late(owed):
    member = make_earner(has_wallet=False)
    (payout,) = owed(member)
    with at(payout.epoch.claim_window_ends):
        wallets.link(wallets.lock_person(member.person_id), WALLET)
        with pytest.raises(NotPayable, match="over"):
            payouts.begin(payouts.lock_payout(payout.id))


def test_a_changed_wallet_is_not_paid_before_the_cool_down(owed):
    member = make_earner()
    (payout,) = owed(member)
    with at(CLOSED):
        wallets.link(wallets.lock_person(member.person_id), WALLET)
        with pytest.raises(NotPayable, match="changed their wallet"):
            payouts.begin(payouts.lock_payout(payout.id))
    with at(CLOSED + timedelta(hours=48)):
        payouts.begin(payouts.lock_payout(payout.id))
    assert payouts.get_payout(payout.id).wallet == WALLET


def test_two_who_become_one_are_held_beyond_the_limit(acme, ida, owed):
    one, other = make_earner("Noor"), make_earner("Ola", has_wallet=False)
    owed(one, other, max_rewards_per_user=500)
    wallet = wallets.lock_person(one.person_id).wallet
    asked = MergeRequest(
        account_id=acme.id, kept_id=one.person_id, other_id=other.person_id, wallet=wallet
    )
    db.session.add(asked)
    db.session.flush()
    wallets.merge(asked, ida)
    db.session.expire_all()
    held = {payout.hold_reason for payout in db.session.query(Payout)}
    assert held == {None, HoldReason.OVER_LIMIT}


def test_what_is_held_beyond_the_limit_is_released_when_there_is_room(acme, ida, owed):
    test_two_who_become_one_are_held_beyond_the_limit(acme, ida, owed)
    (held,) = db.session.query(Payout).filter(Payout.hold_reason == HoldReason.OVER_LIMIT)
    (other,) = db.session.query(Payout).filter(Payout.hold_reason.is_(None))
    with pytest.raises(NotPayable, match="more than one may"):
        payouts.release(payouts.lock_payout(held.id), ida)
    payouts.cancel(payouts.lock_payout(other.id), ida, "One is enough")
    payouts.release(payouts.lock_payout(held.id), ida)
    assert payouts.get_payout(held.id).hold_reason is None


def test_a_member_who_is_held_is_not_paid(owed):
    member = make_earner()
    (payout,) = owed(member)
    with at(CLOSED):
        wallets.lock_person(member.person_id).hold_reason = HoldReason.SANCTION
        with pytest.raises(NotPayable, match="held"):
            payouts.begin(payouts.lock_payout(payout.id))

"""Whatever does not fit between campaigns and their books is named."""

import pytest
from sqlalchemy import text

from ally.db import db
from ally.ledger import checking
from ally.rewards import payouts, rolling
from tests.ledger.test_checking import forge
from tests.rewards.factories import (
    DAY,
    START,
    WEEK,
    a_hash,
    approve,
    at,
    make_decision,
    make_earner,
    make_running,
    make_scored,
)


@pytest.fixture
def account(acme, ida):
    """With a campaign of which one payout has arrived, one is on its way, and one waits."""
    campaign = make_running(ida, max_rewards_per_user=600)
    for name in ("Noor", "Ola", "Pia"):
        make_scored(make_earner(name), 5, START + DAY)
    for moment in (START + DAY, START + WEEK + DAY):
        with at(moment):
            rolling.roll(campaign.id)
    with at(START + WEEK + DAY):
        first, second, _third = payouts.payouts_of_campaign(campaign.id)
        approve([first, second], make_decision(acme, ida))
        for payout in (first, second):
            payouts.begin(payouts.lock_payout(payout.id))
        payouts.settle(payouts.lock_payout(first.id), a_hash())
    return acme


def test_what_fits_has_no_problem(account):
    assert checking.verify(account.id).problems == ()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE funding SET amount = amount + 1", "I3"),
        ("UPDATE payout SET amount = amount + 1 WHERE status = 'PENDING'", "I4"),
        ("UPDATE payout SET amount = amount + 1 WHERE status = 'COMPLETED'", "I4"),
        (
            "UPDATE payout SET status = 'COMPLETED', tx_hash = '0x' || repeat('e', 64),"
            " payout_at = now() WHERE status = 'PROCESSING'",
            "I4",
        ),
        ("UPDATE payout SET status = 'FAILED' WHERE status = 'PROCESSING'", "I4"),
        ("UPDATE payout SET status = 'PENDING' WHERE status = 'COMPLETED'", "I4"),
        ("UPDATE campaign_epoch SET claimed = claimed + 1 WHERE epoch_number = 1", "I5"),
        ("UPDATE campaign SET epoch_reward_cap = 1", "I5"),
        ("UPDATE campaign SET max_rewards_per_user = 1", "I6"),
        (
            "UPDATE campaign_epoch SET state = 'CLOSED', closed_at = now() WHERE epoch_number = 1",
            "I7",
        ),
        ("UPDATE campaign SET total_reward_pool = 999, epoch_reward_cap = 999", "I12"),
    ],
)
def test_what_somebody_has_changed_by_hand_is_named(account, statement, found):
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    forge(statement)
    problems = checking.verify(account.id).problems
    assert {problem.partition(":")[0] for problem in problems} >= {found}

"""Faults that somebody might make, planted one at a time: each must be found.

A test of invariants that finds none of them would be worth nothing.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ally.errors import AllyError
from ally.ledger.models import Movement
from ally.rewards import campaigns, closing, payouts, rolling
from ally.rewards.models import Policy
from tests.rewards.machine import Life

SEARCH = settings(
    max_examples=200,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def life(acme, ida, monkeypatch):
    monkeypatch.setattr(Life, "account", acme)
    monkeypatch.setattr(Life, "admin", ida)
    return Life


def without(movement, verb):
    """The verb, which leaves entries of this movement out."""
    return lambda book, which, *rest, **more: (
        None if which is movement else verb(book, which, *rest, **more)
    )


def recycling_leaves_the_books(patch):
    patch.setattr(rolling, "post", without(Movement.RECYCLE, rolling.post))


def what_expires_goes_back_into_the_pool(patch):
    post = rolling.post
    patch.setattr(
        rolling,
        "post",
        lambda book, which, *rest, **more: post(book, Movement.RECYCLE, *rest, **more),
    )


def unpaid_payouts_stay_when_the_window_ends(patch):
    patch.setattr(rolling, "give_up_unpaid", rolling.open_units)


def the_limit_of_a_member_is_forgotten(patch):
    allocate = closing.allocate
    patch.setattr(
        closing, "allocate", lambda *args, **more: allocate(*args, **{**more, "cap": None})
    )


def what_a_member_had_before_is_forgotten(patch):
    patch.setattr(closing, "already_of", lambda campaign, weights: {})


def the_minimum_is_forgotten(patch):
    allocate = closing.allocate
    patch.setattr(
        closing, "allocate", lambda *args, **more: allocate(*args, **{**more, "min_payout": 0})
    )


def more_is_allocated_than_the_pool_holds(patch):
    patch.setattr(closing, "unallocated", lambda campaign: campaign.epoch_reward_cap)


def a_pause_earns(patch):
    frozen = str(closing.FREEZE).replace("b.campaign_id = :campaign_id", "false")
    patch.setattr(closing, "FREEZE", text(frozen))


def a_post_counts_in_every_epoch(patch):
    frozen = str(closing.FREEZE).replace("e.campaign_id = :campaign_id", "false")
    patch.setattr(closing, "FREEZE", text(frozen))


def an_epoch_is_closed_twice(patch):
    close = rolling.close

    def twice(campaign, epoch):
        close(campaign, epoch)
        close(campaign, epoch)

    patch.setattr(rolling, "close", twice)


def the_last_instant_is_in_the_window(patch):
    patch.setattr(payouts, "is_over", lambda epoch: payouts.clock.now() > epoch.claim_window_ends)


def held_payouts_are_paid(patch):
    refuse = payouts.refuse_unpayable

    def refuse_others(payout):
        reason, payout.hold_reason = payout.hold_reason, None
        try:
            refuse(payout)
        finally:
            payout.hold_reason = reason

    patch.setattr(payouts, "refuse_unpayable", refuse_others)


def a_payment_is_counted_twice(patch):
    patch.setattr(payouts, "refuse_unless", lambda payout, *statuses: None)


def a_second_attempt_has_the_key_of_the_first(patch):
    move = payouts.move
    patch.setattr(
        payouts,
        "move",
        lambda payout, which, key: move(payout, which, f"{which}:{payout.id}"),
    )


def a_failure_leaves_the_units_on_their_way(patch):
    patch.setattr(payouts, "post", without(Movement.FAIL, payouts.post))


def a_cancelled_payout_keeps_its_units(patch):
    patch.setattr(payouts, "post", without(Movement.CANCEL, payouts.post))


def the_epoch_is_not_told_what_arrived(patch):
    class Nobody:
        claimed = cancelled = 0

    patch.setattr(payouts, "lock_epoch", lambda payout: Nobody())


def a_funding_is_counted_twice(patch):
    post = campaigns.post

    def twice(book, which, amount, *, key, **more):
        post(book, which, amount, key=key, **more)
        return post(book, which, amount, key=f"{key}:again", **more)

    patch.setattr(campaigns, "post", twice)


def a_campaign_is_done_while_payouts_are_on_their_way(patch):
    patch.setattr(rolling, "is_paying", lambda epoch: False)


MUTANTS = [
    recycling_leaves_the_books,
    what_expires_goes_back_into_the_pool,
    unpaid_payouts_stay_when_the_window_ends,
    the_limit_of_a_member_is_forgotten,
    what_a_member_had_before_is_forgotten,
    the_minimum_is_forgotten,
    more_is_allocated_than_the_pool_holds,
    a_pause_earns,
    a_post_counts_in_every_epoch,
    an_epoch_is_closed_twice,
    the_last_instant_is_in_the_window,
    held_payouts_are_paid,
    a_payment_is_counted_twice,
    a_second_attempt_has_the_key_of_the_first,
    a_failure_leaves_the_units_on_their_way,
    a_cancelled_payout_keeps_its_units,
    the_epoch_is_not_told_what_arrived,
    a_funding_is_counted_twice,
    a_campaign_is_done_while_payouts_are_on_their_way,
]


STORIES = {
    "what is held waits, what is paid arrives": [
        ("write", {"points": [1, 2, 3, 4]}),
        ("the_open_epoch_closes", {}),
        ("release_all", {}),
        *[("hold_one", {"which": which}) for which in range(4)],
        *[("send", {"which": which}) for which in range(4)],
        ("arrive", {"which": 0}),
    ],
    "a payment is on its way when the window ends": [
        ("write", {"points": [1, 2, 3, 4]}),
        ("the_open_epoch_closes", {}),
        ("release_all", {}),
        # One of the four has no wallet; nobody knows which comes first.
        *[("send", {"which": 0}) for _ in range(3)],
        ("a_window_ends", {"which": 0}),
        ("time_passes", {"hours": 48}),
        ("arrive", {"which": 0}),
        ("time_passes", {"hours": 48}),
    ],
}


def tell(life, story):
    """Have it happen, step by step; after each, everything must hold."""
    told = life()
    try:
        told.begin(100, 2, None, Policy.PRO_RATA, True, 0, 7, 7, None)
        told.time_passes(1)  # the first epoch opens
        for act, particulars in story:
            getattr(told, act)(**particulars)
            told.everything_holds()
        assert told.payouts(), "a story is about somebody who earns"
    finally:
        told.teardown()


def live(life):
    for story in STORIES.values():
        tell(life, story)
    run_state_machine_as_test(life, settings=SEARCH)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_story_without_a_fault_holds(life, story):
    tell(life, story)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_fault_is_found(life, monkeypatch, mutant):
    """By a story that chance seldom tells, or by chance."""
    mutant(monkeypatch)

    with pytest.raises((AssertionError, IntegrityError, AllyError)):
        live(life)

"""Epochs in time: who earns in which, what is owed, and what becomes of the rest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from ally.community import people, posts
from ally.community.models import HoldReason, ScoreVerdict
from ally.db import db
from ally.jobs import worker
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, epochs, payouts
from ally.rewards.models import EpochScore, EpochState, Payout, PayoutStatus, Policy
from ally.rewards.rolling import roll, roll_campaigns
from tests.community.factories import make_place, make_post
from tests.rewards.factories import (
    DAY,
    START,
    WEEK,
    a_hash,
    add_score,
    approve,
    at,
    link,
    make_campaign,
    make_decision,
    make_earner,
    make_running,
    make_scored,
)

HOUR = timedelta(hours=1)
SETTLED = START + WEEK + HOUR  # when the scores of the first epoch are final


@pytest.fixture
def campaign(ida):
    return make_running(ida)


def rolled(moment, campaign):
    with at(moment):
        return roll(campaign.id)


def owed(campaign, number=1):
    """What each member is owed of an epoch, by name."""
    epoch = epochs.get_campaign_epoch(campaign.id, number)
    return {each.person.name: each.amount for each in payouts.payouts_of_epoch(epoch.id)}


def state(campaign, number=1):
    return epochs.get_campaign_epoch(campaign.id, number).state


def test_an_epoch_opens_when_the_campaign_starts(campaign):
    rolled(START - HOUR, campaign)
    assert epochs.active_epochs() == []

    rolled(START, campaign)

    (epoch,) = epochs.active_epochs()
    assert (epoch.epoch_number, epoch.epoch_start, epoch.epoch_end) == (1, START, START + WEEK)


def test_members_are_owed_by_their_points_when_scores_are_settled(campaign):
    noor, tom = make_earner("Noor"), make_earner("Tom")
    make_scored(noor, 3, START + DAY)
    make_scored(tom, 1, START + 2 * DAY)

    rolled(SETTLED - timedelta(seconds=1), campaign)
    assert state(campaign) is EpochState.OPEN
    rolled(SETTLED, campaign)

    assert state(campaign) is EpochState.CLAIMING
    assert owed(campaign) == {"Noor": 750, "Tom": 250}
    held = books.balances(campaign.book_id)
    assert (held[Name.UNALLOCATED], held[Name.ALLOCATED]) == (9_000, 1_000)
    assert [epoch.epoch_number for epoch in epochs.active_epochs(campaign.id)] == [2]


def test_windows_are_half_open(campaign):
    noor, tom = make_earner("Noor"), make_earner("Tom")
    make_scored(noor, 1, START)
    make_scored(tom, 1, START + WEEK)
    rolled(SETTLED, campaign)
    rolled(SETTLED + WEEK, campaign)

    assert (owed(campaign, 1), owed(campaign, 2)) == ({"Noor": 1_000}, {"Tom": 1_000})


def test_what_was_written_before_the_start_earns_nothing(campaign):
    make_scored(make_earner(), 5, START - timedelta(seconds=1), scored_at=START)
    rolled(SETTLED, campaign)

    assert state(campaign) is EpochState.CLOSED
    assert books.balances(campaign.book_id)[Name.UNALLOCATED] == 10_000


def test_a_late_score_counts_in_the_next_epoch_and_once(campaign):
    post = make_scored(make_earner(), 5, START + DAY, scored_at=SETTLED + HOUR)
    rolled(SETTLED, campaign)
    add_score(post, 9, SETTLED + WEEK + HOUR)
    for week in (1, 2, 3):
        rolled(SETTLED + week * WEEK, campaign)

    assert owed(campaign, 2) == {"Noor": 1_000}
    assert db.session.scalars(select(EpochScore.value)).all() == [Decimal(5)]


def test_that_an_answer_could_not_be_read_is_no_score(campaign):
    post = make_post(make_place(), make_earner(), posted_at=START + DAY)
    add_score(post, 0, START + DAY, details={"unread": True})
    rolled(START + HOUR, campaign)
    rolled(SETTLED, campaign)
    add_score(post, 5, SETTLED + HOUR)
    rolled(SETTLED + WEEK, campaign)

    assert owed(campaign, 2) == {"Noor": 1_000}


def test_a_rescore_after_the_close_changes_nothing(campaign):
    noor, tom = make_earner("Noor"), make_earner("Tom")
    post = make_scored(noor, 1, START + DAY)
    make_scored(tom, 1, START + DAY)
    rolled(SETTLED, campaign)
    add_score(post, 99, SETTLED + HOUR)
    rolled(SETTLED + WEEK, campaign)

    assert owed(campaign, 1) == {"Noor": 500, "Tom": 500}
    assert state(campaign, 2) is EpochState.CLOSED


def test_the_newest_score_before_the_cut_off_counts_and_a_persons_first(campaign, ida):
    noor, tom = make_earner("Noor"), make_earner("Tom")
    post = make_scored(noor, 9, START + DAY)
    add_score(post, 1, START + 2 * DAY)
    other = make_scored(tom, 1, START + DAY)
    add_score(other, 3, START + 2 * DAY, user_id=ida.id, reason="A good answer")
    add_score(other, 7, START + 3 * DAY)
    rolled(SETTLED, campaign)

    assert owed(campaign) == {"Noor": 250, "Tom": 750}


def test_what_an_admin_dismissed_earns_nothing(campaign, ida):
    post = make_scored(make_earner(), 9, START + DAY)
    make_scored(make_earner("Tom"), 1, START + DAY)
    verdict = {"verdict": ScoreVerdict.DUPLICATE, "user_id": ida.id, "reason": "Copied"}
    add_score(post, 9, START + 2 * DAY, **verdict)
    rolled(SETTLED, campaign)

    assert owed(campaign) == {"Tom": 1_000}


def test_who_is_no_person_or_not_on_a_platform_of_the_campaign_earns_nothing(campaign):
    make_scored(make_earner("Bot"), 9, START + DAY, earns=False)
    other = make_earner("Elsewhere")
    other.platform = "telegram"
    make_scored(other, 9, START + DAY)
    make_scored(make_earner("Noor"), 1, START + DAY)
    rolled(SETTLED, campaign)

    assert owed(campaign) == {"Noor": 1_000}


@pytest.mark.parametrize(("deleted", "earned"), [(SETTLED, {}), (SETTLED + HOUR, {"Noor": 1_000})])
def test_what_is_deleted_before_the_cut_off_earns_nothing(campaign, deleted, earned):
    post = make_scored(make_earner(), 9, START + DAY)
    with at(deleted):
        posts.update_post(post.id, is_deleted=True)
    rolled(SETTLED + HOUR, campaign)

    assert owed(campaign) == earned


def test_the_snapshot_stays_and_has_a_digest(campaign):
    make_scored(make_earner(), 1, START + DAY)
    rolled(SETTLED, campaign)

    epoch = epochs.get_campaign_epoch(campaign.id, 1)
    assert len(epoch.snapshot_digest) == 64
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("DELETE FROM epoch_score"))


def test_rolling_again_does_nothing_twice(campaign):
    make_scored(make_earner(), 1, START + DAY)
    assert rolled(SETTLED, campaign) == 3  # opens, closes, opens
    before = books.balances(campaign.book_id)

    assert rolled(SETTLED, campaign) == 0
    assert books.balances(campaign.book_id) == before


def test_missed_weeks_are_caught_up_in_order_each_with_its_own_time_to_claim(campaign):
    noor = make_earner()
    for week in range(3):
        make_scored(noor, 1, START + week * WEEK + DAY)
    late = START + 10 * WEEK
    rolled(late, campaign)

    assert [owed(campaign, number) for number in (1, 2, 3)] == [{"Noor": 1_000}] * 3
    for number in (1, 2, 3):
        epoch = epochs.get_campaign_epoch(campaign.id, number)
        assert epoch.published_at == late
        assert epoch.claim_window_ends == late + WEEK


def test_the_cap_holds_over_all_of_a_members_accounts(ida):
    campaign = make_running(ida, max_rewards_per_user=600, claim_window_seconds=3_000_000)
    noor, tom = make_earner("Noor"), make_earner("Tom")
    again = make_earner("Noor again", has_wallet=False)
    again.person_id = noor.person_id
    make_scored(noor, 5, START + DAY)
    make_scored(again, 5, START + DAY)
    make_scored(tom, 1, START + DAY)
    rolled(SETTLED, campaign)
    make_scored(noor, 5, START + WEEK + DAY)
    rolled(SETTLED + WEEK, campaign)

    assert owed(campaign, 1) == {"Noor": 600, "Tom": 400}
    assert state(campaign, 2) is EpochState.CLOSED


def test_a_pool_that_runs_low_pays_what_is_left(ida):
    campaign = make_running(ida, pool=1_500, cap=1_000, claim_window_seconds=3_000_000)
    noor = make_earner()
    for week in range(3):
        make_scored(noor, 1, START + week * WEEK + DAY)
        rolled(SETTLED + week * WEEK, campaign)

    assert (owed(campaign, 1), owed(campaign, 2)) == ({"Noor": 1_000}, {"Noor": 500})
    assert epochs.get_campaign_epoch(campaign.id, 2).is_reduced
    assert epochs.get_campaign_epoch(campaign.id, 3) is None


def test_the_last_epoch_ends_with_the_campaign(ida):
    campaign = make_running(ida, end_date=START + WEEK + DAY)
    rolled(START + 5 * WEEK, campaign)

    last = epochs.campaign_epochs(campaign.id)[0]
    assert (last.epoch_number, last.epoch_end) == (2, campaign.end_date)


# Paying


@pytest.fixture
def owing(campaign, acme, ida):
    """Noor is owed 750 and can be paid, Tom 250 and has no wallet."""
    make_scored(make_earner("Noor"), 3, START + DAY)
    make_scored(make_earner("Tom", has_wallet=False), 1, START + DAY)
    rolled(SETTLED, campaign)
    approve(db.session.scalars(select(Payout)), make_decision(acme, ida))
    return campaign


def of(name):
    return next(each for each in db.session.scalars(select(Payout)) if each.person.name == name)


def step(moment, act, name, *arguments):
    with at(moment):
        return act(payouts.lock_payout(of(name).id), *arguments)


def test_a_payout_goes_and_arrives(owing):
    assert step(SETTLED + DAY, payouts.begin, "Noor") == 1
    assert books.balances(owing.book_id)[Name.IN_FLIGHT] == 750
    step(SETTLED + DAY, payouts.settle, "Noor", a_hash())

    held = books.balances(owing.book_id)
    assert (held[Name.PAID], held[Name.ALLOCATED], held[Name.IN_FLIGHT]) == (750, 250, 0)
    assert epochs.get_campaign_epoch(owing.id, 1).claimed == 750
    with pytest.raises(payouts.NotPayable, match="moved on"):
        step(SETTLED + DAY, payouts.settle, "Noor", a_hash())


def test_who_has_no_wallet_is_held_and_paid_if_it_is_linked_in_the_last_second(owing):
    assert of("Tom").hold_reason is HoldReason.NO_WALLET
    last = epochs.get_campaign_epoch(owing.id, 1).claim_window_ends - timedelta(seconds=1)
    with pytest.raises(payouts.NotPayable, match="held"):
        step(last, payouts.begin, "Tom")

    link(of("Tom").person)
    of("Tom").hold_reason = None
    step(last, payouts.begin, "Tom")

    assert of("Tom").status is PayoutStatus.PROCESSING


def test_at_the_last_instant_the_claim_is_refused_and_recycling_allowed(owing):
    ends = epochs.get_campaign_epoch(owing.id, 1).claim_window_ends
    with pytest.raises(payouts.NotPayable, match="is over"):
        step(ends, payouts.begin, "Noor")
    rolled(ends - timedelta(seconds=1), owing)
    assert state(owing) is EpochState.CLAIMING

    rolled(ends, owing)

    assert state(owing) is EpochState.RECYCLED
    held = books.balances(owing.book_id)
    assert (held[Name.UNALLOCATED], held[Name.ALLOCATED]) == (10_000, 0)
    assert of("Noor").status is PayoutStatus.CANCELLED


def test_an_epoch_with_a_payout_on_its_way_waits_for_it(owing):
    ends = epochs.get_campaign_epoch(owing.id, 1).claim_window_ends
    step(ends - HOUR, payouts.begin, "Noor")
    rolled(ends, owing)
    assert state(owing) is EpochState.CLAIMING

    step(ends + HOUR, payouts.settle, "Noor", a_hash())
    rolled(ends + HOUR, owing)

    epoch = epochs.get_campaign_epoch(owing.id, 1)
    assert (epoch.state, epoch.recycled, epoch.claimed) == (EpochState.RECYCLED, 250, 750)


def test_what_expires_is_never_allocated_again(acme, ida):
    campaign = make_running(ida, recycle_unclaimed=False)
    make_scored(make_earner(), 1, START + DAY)
    rolled(SETTLED, campaign)
    rolled(SETTLED + WEEK, campaign)

    held = books.balances(campaign.book_id)
    assert state(campaign) is EpochState.EXPIRED
    assert (held[Name.UNALLOCATED], held[Name.EXPIRED]) == (9_000, 1_000)


def test_recycled_units_are_paid_to_others_and_give_headroom_back(acme, ida):
    campaign = make_running(ida, pool=1_000, cap=1_000, max_rewards_per_user=1_000)
    noor = make_earner()
    make_scored(noor, 1, START + DAY)
    rolled(SETTLED, campaign)
    rolled(SETTLED + WEEK, campaign)
    make_scored(noor, 1, SETTLED + WEEK + DAY)
    rolled(SETTLED + 2 * WEEK + HOUR, campaign)

    later = [e for e in epochs.campaign_epochs(campaign.id) if e.state is EpochState.CLAIMING]
    assert [epoch.allocated for epoch in later] == [1_000]


def test_a_settled_epoch_is_closed_and_a_recycled_one_a_day_later(owing, ida):
    step(SETTLED, payouts.begin, "Noor")
    step(SETTLED, payouts.settle, "Noor", a_hash())
    step(SETTLED, payouts.cancel, "Tom", ida, "Asked to be left out")
    rolled(SETTLED, owing)

    assert state(owing) is EpochState.CLOSED
    assert books.balances(owing.book_id)[Name.UNALLOCATED] == 9_250


def test_a_failed_payout_is_tried_again_while_there_is_time(owing, ida):
    step(SETTLED, payouts.begin, "Noor")
    step(SETTLED, payouts.fail, "Noor", "reverted")
    step(SETTLED, payouts.retry, "Noor", ida)

    assert step(SETTLED, payouts.begin, "Noor") == 2
    assert books.balances(owing.book_id)[Name.IN_FLIGHT] == 750


def test_what_nobody_released_is_not_paid(owing):
    of("Noor").approved_action_id = None
    with pytest.raises(payouts.NotPayable, match="Nobody has released"):
        step(SETTLED, payouts.begin, "Noor")

    of("Noor").approved_action_id, of("Noor").not_before = of("Tom").approved_action_id, SETTLED
    with pytest.raises(payouts.NotPayable, match="Nobody has released"):
        step(SETTLED - timedelta(seconds=1), payouts.begin, "Noor")
    step(SETTLED, payouts.begin, "Noor")


def test_a_payout_that_arrived_never_changes(owing):
    step(SETTLED, payouts.begin, "Noor")
    step(SETTLED, payouts.settle, "Noor", a_hash())

    for change in ("status = 'FAILED'", "amount = 1", "tx_hash = NULL", "wallet = NULL"):
        with pytest.raises(IntegrityError, match="never changes"), db.session.begin_nested():
            db.session.execute(text(f"UPDATE payout SET {change} WHERE status = 'COMPLETED'"))


# Standing still, and the end


def test_nothing_happens_in_a_pause_and_deadlines_move_by_it(owing, ida):
    ends = epochs.get_campaign_epoch(owing.id, 1).claim_window_ends
    with at(SETTLED + DAY):
        campaigns.pause(owing, ida, "The vault is checked")
    make_scored(make_earner("Eve"), 50, SETTLED + DAY + HOUR)
    with pytest.raises(payouts.NotPayable, match="not paying"):
        step(SETTLED + DAY, payouts.begin, "Noor")
    assert rolled(ends + WEEK, owing) == 0

    with at(SETTLED + 11 * DAY):
        campaigns.resume(owing, ida)
    assert epochs.get_campaign_epoch(owing.id, 1).claim_window_ends == ends + 10 * DAY

    make_scored(make_earner("Ann"), 1, SETTLED + 12 * DAY)
    rolled(SETTLED + 3 * WEEK, owing)
    assert {name for number in (2, 3) for name in owed(owing, number)} == {"Ann"}


def test_a_cancelled_campaign_drops_the_open_epoch_and_pays_what_was_earned(owing, ida):
    make_scored(make_earner("Eve"), 1, SETTLED + HOUR)
    with at(SETTLED + DAY):
        campaigns.cancel(owing, ida, "The season is over", owing.name)
    rolled(SETTLED + 2 * DAY, owing)
    step(SETTLED + 2 * DAY, payouts.begin, "Noor")
    step(SETTLED + 2 * DAY, payouts.settle, "Noor", a_hash())

    assert (state(owing, 1), state(owing, 2)) == (EpochState.CLAIMING, EpochState.CLOSED)
    assert campaigns.refundable(owing) == 9_000
    rolled(SETTLED + 9 * DAY, owing)
    assert campaigns.refundable(owing) == 9_250
    campaigns.record_refund(owing, ida, 9_250, a_hash())
    assert campaigns.refundable(owing) == 0
    assert books.balances(owing.book_id)[Name.REFUND] == 9_250


# The worker


def test_the_worker_rolls_every_running_campaign(app, ida, acme):
    campaigns_made = [make_running(ida), make_running(ida)]
    draft = make_campaign(ida)
    db.session.commit()

    with at(SETTLED):
        roll_campaigns()
        worker.drain(app)

    assert [state(each) for each in campaigns_made] == [EpochState.CLOSED] * 2
    assert epochs.get_campaign_epoch(draft.id, 1) is None


def test_the_epochs_of_a_campaign_that_is_complete_are_closed_too(app, ida):
    campaign = make_running(ida, end_date=START + WEEK)
    make_scored(make_earner(), 5, START + DAY)
    rolled(START + HOUR, campaign)
    rolled(SETTLED, campaign)
    ends = epochs.get_campaign_epoch(campaign.id, 1).claim_window_ends
    rolled(ends, campaign)
    with at(ends):
        campaigns.complete(campaign)
    db.session.commit()
    assert state(campaign) is EpochState.RECYCLED
    with at(ends + DAY):
        roll_campaigns()
        worker.drain(app)
    assert state(campaign) is EpochState.CLOSED


def test_two_who_became_one_are_one_in_what_is_balanced(ida):
    campaign = make_running(ida, policy=Policy.BALANCED, claim_window_seconds=30 * 86_400)
    one, other, third = (make_earner(name) for name in ("Noor", "Ola", "Pia"))
    for member in (one, other, third):
        make_scored(member, 5, START + DAY)
    rolled(START + HOUR, campaign)
    rolled(SETTLED, campaign)
    merged = people.get_person(other.person_id)
    merged.wallet = merged.wallet_verified_at = merged.wallet_linked_at = None
    merged.merged_into_id = one.person_id
    other.person_id = one.person_id
    make_scored(third, 5, START + WEEK + DAY)
    db.session.flush()
    rolled(SETTLED + WEEK, campaign)
    # Half of all points are Noor's, and so is half of 2,000 units, of which she has had two thirds
    # of the first 1,000.
    had = sum(units for name, units in owed(campaign).items() if name != "Pia")
    assert owed(campaign, 2)["Noor"] == 1_000 - had

"""A campaign's whole life by chance: every act at any time, and what must hold after each.

The invariants are those of section 5 of the rules of rewards.
"""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select, text

from ally.community.models import HoldReason
from ally.db import db
from ally.errors import AllyError
from ally.ledger import books, checking
from ally.ledger.models import LedgerAccountName as Name
from ally.rewards import campaigns, payouts, rolling
from ally.rewards.models import CampaignEpoch, EpochState, Payout, PayoutStatus, Policy
from tests.community.factories import make_place
from tests.rewards.factories import (
    START,
    a_hash,
    approve,
    at,
    fund,
    link,
    make_campaign,
    make_decision,
    make_earner,
    make_scored,
)

OPEN = {PayoutStatus.PENDING, PayoutStatus.FAILED}
ENDED = {PayoutStatus.COMPLETED, PayoutStatus.CANCELLED}
HOUR = timedelta(hours=1)
LATE = 720 * HOUR  # before which no campaign is given up
CHOSEN = st.integers(0, 11)
POINTS = st.lists(st.decimals(0, 50, places=3), min_size=4, max_size=4)


class Life(RuleBasedStateMachine):
    """One campaign of Acme, run by Ida; `account` and `admin` are set by the test.

    What is refused is no error: an act may come at any time.  `funded` and `paid` are told
    apart from the books.
    """

    account = None
    admin = None

    def __init__(self):
        super().__init__()
        db.session.expunge_all()
        self.attempt = db.session.begin_nested()
        self.now = START
        self.funded = 0
        self.paid = {}
        self.members = []

    def teardown(self):
        self.attempt.rollback()
        db.session.expunge_all()

    def act(self, verb, *arguments, **more):
        """What the verb gives; None when it refuses, which changes nothing."""
        tried = db.session.begin_nested()
        try:
            with at(self.now):
                done = verb(*arguments, **more)
            db.session.flush()
            tried.commit()
            return done
        except AllyError:
            tried.rollback()
            db.session.expire_all()
            return None

    @initialize(
        cap=st.integers(20, 400),
        times=st.integers(1, 3),
        limit=st.integers(1, 90) | st.none(),
        policy=st.sampled_from(list(Policy)),
        recycles=st.booleans(),
        minimum=st.integers(0, 20),
        days=st.integers(1, 9),
        window=st.integers(1, 12),
        ends=st.none() | st.integers(5, 40),
    )
    def begin(self, cap, times, limit, policy, recycles, minimum, days, window, ends):
        self.place = make_place()
        self.members = [make_earner(f"M{n}", has_wallet=n != 3) for n in range(4)]
        self.campaign = make_campaign(
            self.admin,
            pool=cap * times,
            cap=cap,
            max_rewards_per_user=limit,
            policy=policy,
            recycle_unclaimed=recycles,
            min_payout=minimum,
            payout_interval_seconds=days * 86_400,
            claim_window_seconds=window * 86_400,
            end_date=START + ends * 24 * HOUR if ends else None,
        )
        fund(self.campaign, self.admin)
        self.funded = cap * times
        with at(self.now):
            campaigns.activate(self.campaign, self.admin)
        self.decision = make_decision(self.account, self.admin)

    @rule(points=POINTS)
    def write(self, points):
        self.now += HOUR
        for member, worth in zip(self.members, points, strict=True):
            make_scored(member, worth, self.now, place=self.place)

    @rule(hours=st.integers(1, 24 * 3))
    def time_passes(self, hours):
        self.now += hours * HOUR
        self.roll()

    @rule()
    def the_open_epoch_closes(self):
        for epoch in self.epochs(EpochState.OPEN):
            self.now = max(self.now, epoch.epoch_end + HOUR)
        self.roll()

    @rule(points=POINTS, which=CHOSEN)
    def nobody_is_paid(self, points, which):
        self.write(points)
        self.the_open_epoch_closes()
        self.cancel_one(which)
        self.a_window_ends(which)

    def a_window_ends(self, which):
        claiming = self.epochs(EpochState.CLAIMING)
        if claiming:
            self.now = max(self.now, claiming[0].claim_window_ends)
            self.release_all()
            self.send(which)
            self.roll()

    def roll(self):
        """Do what is due, which is never refused."""
        with at(self.now):
            rolling.roll(self.campaign.id)

    @rule()
    def release_all(self):
        approve(self.payouts(PayoutStatus.PENDING), self.decision)

    @rule(points=POINTS, held=CHOSEN, broken=st.booleans(), late=st.booleans())
    def pay_day(self, points, held, broken, late):
        """An epoch closes and is paid, all but the one that is held; one maybe at a second try,
        one maybe so late that the window has ended by then."""
        self.write(points)
        self.the_open_epoch_closes()
        self.release_all()
        self.hold_one(held)
        for which in range(len(self.payouts(PayoutStatus.PENDING)), -1, -1):
            self.send(which)
        if broken:
            self.break_down(held)
            self.try_again(0)
            for which in range(len(self.payouts(PayoutStatus.PENDING)), -1, -1):
                self.send(which)
        if late:
            self.a_window_ends(held)
        for _ in self.payouts(PayoutStatus.PROCESSING)[late:]:
            self.arrive(0)
        self.arrive_twice(held)

    @rule(who=CHOSEN)
    def link_a_wallet(self, who):
        person = self.members[who % len(self.members)].person
        if person.wallet is None:
            link(person)
            for payout in self.payouts(PayoutStatus.PENDING):
                if payout.person_id == person.id and payout.hold_reason is HoldReason.NO_WALLET:
                    payout.hold_reason = None

    @rule(which=CHOSEN)
    def send(self, which):
        payout = self.step(payouts.begin, which, PayoutStatus.PENDING)
        if payout is not None:
            assert self.now < payout.epoch.claim_window_ends, "claims end with the window"

    @rule(which=CHOSEN)
    def arrive(self, which):
        payout = self.step(payouts.settle, which, PayoutStatus.PROCESSING, a_hash())
        if payout is not None:
            self.paid[payout.id] = (payout.amount, payout.wallet, payout.tx_hash)
            self.roll()  # it may have been what its epoch was waiting for

    @rule(which=CHOSEN)
    def break_down(self, which):
        self.step(payouts.fail, which, PayoutStatus.PROCESSING, "reverted")

    @rule(which=CHOSEN)
    def try_again(self, which):
        self.step(payouts.retry, which, PayoutStatus.FAILED, self.admin)

    @rule(which=CHOSEN)
    def cancel_one(self, which):
        self.step(payouts.cancel, which, PayoutStatus.PENDING, self.admin, "Left out")

    @rule(which=CHOSEN)
    def hold_one(self, which):
        self.step(
            payouts.hold, which, PayoutStatus.PENDING, self.admin, HoldReason.BY_HAND, "Looked into"
        )

    @rule(which=CHOSEN)
    def let_one_go(self, which):
        self.step(payouts.release, which, PayoutStatus.PENDING, self.admin)

    @rule(which=CHOSEN)
    def arrive_twice(self, which):
        self.step(payouts.settle, which, PayoutStatus.COMPLETED, a_hash())

    @rule(days=st.integers(1, 5), points=st.integers(1, 50))
    def pause(self, days, points):
        if self.act(campaigns.pause, self.campaign, self.admin, "A look") is None:
            self.now += days * 12 * HOUR
            make_scored(self.members[0], points, self.now, place=self.place)
            self.roll()
            self.now += days * 12 * HOUR
            self.act(campaigns.resume, self.campaign, self.admin)

    @rule(amount=st.integers(1, 300))
    def top_up(self, amount):
        if self.act(fund, self.campaign, self.admin, amount) is not None:
            self.funded += amount

    @precondition(lambda self: self.now > START + LATE)
    @rule()
    def complete(self):
        self.act(campaigns.complete, self.campaign, self.admin)

    @precondition(lambda self: self.now > START + LATE)
    @rule()
    def cancel(self):
        self.act(campaigns.cancel, self.campaign, self.admin, "Over", self.campaign.name)

    @rule(part=st.integers(1, 3))
    def give_back(self, part):
        amount = campaigns.refundable(self.campaign) // part
        if amount:
            self.act(campaigns.record_refund, self.campaign, self.admin, amount, a_hash())

    def step(self, verb, which, status, *arguments):
        """Take the step with one of the payouts of that status; the payout, if it was taken."""
        there = self.payouts(status)
        if not there:
            return None
        held = payouts.lock_payout(there[which % len(there)].id)
        before = held.status
        self.act(verb, held, *arguments)
        return held if held.status is not before else None

    def payouts(self, *statuses):
        asked = select(Payout).where(Payout.campaign_id == self.campaign.id)
        if statuses:
            asked = asked.where(Payout.status.in_(statuses))
        return db.session.scalars(asked.order_by(Payout.id)).all()

    def epochs(self, *states):
        asked = select(CampaignEpoch).where(CampaignEpoch.campaign_id == self.campaign.id)
        if states:
            asked = asked.where(CampaignEpoch.state.in_(states))
        return db.session.scalars(asked.order_by(CampaignEpoch.epoch_number)).all()

    # What holds after every step

    @invariant()
    def everything_holds(self):
        if not self.members:
            return
        db.session.flush()
        db.session.expire_all()
        held, all_payouts = books.balances(self.campaign.book_id), self.payouts()
        of = {status: total(all_payouts, {status}) for status in PayoutStatus}
        assert checking.verify(self.account.id).problems == ()
        assert sum(held.values()) == 0, "I1"
        assert all(held[name] >= 0 for name in Name if name.startswith("vault:")), "I2"
        assert self.funded == -held[Name.FUNDER] == sum(held.values()) - held[Name.FUNDER], "I3"
        assert held[Name.ALLOCATED] == total(all_payouts, OPEN), "I4: allocated"
        assert held[Name.IN_FLIGHT] == of[PayoutStatus.PROCESSING], "I4: in flight"
        assert held[Name.PAID] == of[PayoutStatus.COMPLETED], "I4: paid"
        expired = sum(epoch.expired for epoch in self.epochs())
        assert held[Name.EXPIRED] <= expired, "what expires stays apart"
        assert held[Name.REFUND] or held[Name.EXPIRED] == expired, "what expires stays apart"
        self.every_epoch_adds_up(all_payouts)
        self.nobody_has_too_much(all_payouts)
        self.what_was_paid_stays(all_payouts)
        assert checking.verify(self.account.id).problems == (), "I9"
        back = sum(e.recycled + e.cancelled for e in self.epochs())
        assert sum(e.allocated for e in self.epochs()) - back <= self.funded, "I12"

    def every_epoch_adds_up(self, all_payouts):
        for epoch in self.epochs():
            its = [each for each in all_payouts if each.epoch_id == epoch.id]
            gone = epoch.claimed + epoch.recycled + epoch.expired + epoch.cancelled
            still = total(its, {*OPEN, PayoutStatus.PROCESSING})
            assert epoch.allocated == gone + still, "I5"
            assert epoch.allocated == sum(each.amount for each in its), "I5: payouts"
            assert epoch.allocated <= self.campaign.epoch_reward_cap, "I5: cap"
            assert epoch.claimed == total(its, {PayoutStatus.COMPLETED}), "I5: claimed"
            if epoch.state is EpochState.CLOSED:
                assert {each.status for each in its} <= ENDED, "I7"
            if epoch.state is EpochState.CLAIMING and self.campaign.is_active:
                assert self.now < epoch.claim_window_ends or still, "ended windows end"
            if epoch.state is not EpochState.OPEN:
                self.nothing_counts_that_was_written_in_a_pause(epoch)

    def nothing_counts_that_was_written_in_a_pause(self, epoch):
        counted = text("""
            SELECT count(*) FROM epoch_score e JOIN post p ON p.id = e.post_id
              JOIN campaign_pause b ON b.campaign_id = e.campaign_id
             WHERE e.epoch_id = :epoch_id AND p.posted_at >= b.began_at
               AND p.posted_at < coalesce(b.ended_at, 'infinity')""")
        assert db.session.scalar(counted, {"epoch_id": epoch.id}) == 0, "a pause earns nothing"

    def nobody_has_too_much(self, all_payouts):
        limit = self.campaign.max_rewards_per_user
        for member in self.members:
            its = [e for e in all_payouts if e.person_id == member.person_id]
            had = sum(e.amount for e in its if e.status is not PayoutStatus.CANCELLED)
            assert limit is None or had <= limit, "I6"
        assert all(each.amount >= self.campaign.min_payout for each in all_payouts), "minimum"

    def what_was_paid_stays(self, all_payouts):
        paid = {
            each.id: (each.amount, each.wallet, each.tx_hash)
            for each in all_payouts
            if each.status is PayoutStatus.COMPLETED
        }
        assert paid == self.paid, "I8"
        held = [each for each in all_payouts if each.hold_reason is not None]
        assert not [e for e in held if e.status is PayoutStatus.PROCESSING], "held is not paid"


def total(some, statuses):
    return sum(each.amount for each in some if each.status in statuses)

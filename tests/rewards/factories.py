"""Campaigns, and members who earn by them."""

import itertools
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ally import clock
from ally.community import people
from ally.community.models import Score
from ally.db import db
from ally.review.models import ActionType, Draft, DraftAction
from ally.rewards import campaigns, funding
from tests.community.factories import make_member, make_place, make_post

numbers = itertools.count(1)
START = datetime(2026, 9, 7, tzinfo=UTC)  # before now: what the database times itself comes later
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
VAULT = "0x" + "7" * 40


@contextmanager
def at(moment):
    """The clock shows this moment, and stands still."""
    before = clock.now
    clock.now = lambda: moment
    try:
        yield
    finally:
        clock.now = before


def a_hash():
    return f"0x{next(numbers):064x}"


def make_campaign(by, *, pool=10_000, cap=1_000, **terms):
    """A draft that pays a token of two decimals weekly on Discord."""
    return campaigns.create_campaign(
        by,
        **{
            "name": f"Season {next(numbers)}",
            "token_symbol": "ALLY",
            "is_native": False,
            "chain_id": 8453,
            "token_address": "0x" + "a" * 40,
            "decimals": 2,
            "total_reward_pool": pool,
            "epoch_reward_cap": cap,
            "platforms": ["discord"],
            "start_date": START,
            "settle_delay_seconds": 3600,
            **terms,
        },
    )


def fund(campaign, by, amount=None):
    return funding.vouch_for(
        campaign,
        by,
        vault=VAULT,
        tx_hash=a_hash(),
        amount=campaign.total_reward_pool if amount is None else amount,
        reason="Seen in the Safe.",
    )


def make_running(by, **terms):
    """A campaign that is funded and has begun."""
    campaign = make_campaign(by, **terms)
    fund(campaign, by)
    with at(campaign.start_date or START):
        campaigns.activate(campaign, by)
    return campaign


def make_earner(name="Noor", *, has_wallet=True):
    """A member, with a wallet that is known to be theirs."""
    member = make_member(name)
    person = people.get_person(member.person_id)
    if has_wallet:
        link(person)
    return member


def link(person):
    person.wallet = f"0x{next(numbers):040x}"
    person.wallet_verified_at = person.wallet_linked_at = START
    db.session.flush()


def make_scored(member, points, at, *, scored_at=None, place=None, **fields):
    """A post of the member that is worth so many points."""
    post = make_post(place or make_place(), member, posted_at=at, **fields)
    add_score(post, points, scored_at or at)
    return post


def add_score(post, points, at, **fields):
    score = Score(
        account_id=post.account_id,
        value=Decimal(points),
        post_id=post.id,
        platform_user_id=post.author_id,
        scorer="embedded",
        scorer_version="1",
        created_at=at,
        **fields,
    )
    db.session.add(score)
    db.session.flush()
    return score


def make_decision(account, by):
    """An approval at the gate, which releases payouts."""
    draft = Draft(
        account_id=account.id,
        kind="payout_batch",
        model_key="pro_rata",
        prompt_version="1",
        suggested_text="A batch",
    )
    db.session.add(draft)
    db.session.flush()
    action = DraftAction(
        account_id=account.id, draft_id=draft.id, user_id=by.id, type=ActionType.APPROVE
    )
    db.session.add(action)
    db.session.flush()
    return action


def approve(payouts, action):
    for payout in payouts:
        payout.approved_action_id = action.id
    db.session.flush()

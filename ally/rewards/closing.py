"""An epoch is closed: its scores are frozen, its budget is shared out, and members are owed.

Source: sections 3, 6 and 7 of the rules of rewards.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select, text

from ally import clock
from ally.community.models import Person
from ally.community.people import ours
from ally.community.standing import STANDING
from ally.db import db
from ally.events import trail
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.models import Movement
from ally.ledger.posting import post
from ally.rewards.allocation import allocate
from ally.rewards.batches import propose
from ally.rewards.models import (
    Campaign,
    CampaignEpoch,
    EpochScore,
    EpochState,
    Payout,
    PayoutStatus,
    Policy,
)

# A post counts once in a campaign, with the score that stood when the epoch closed: in the
# epoch in which it was written, or in a later one if it had no score by then.
FREEZE = text(f"""
    INSERT INTO epoch_score (epoch_id, score_id, account_id, campaign_id, post_id, person_id, value)
    SELECT :epoch_id, s.score_id, :account_id, :campaign_id, s.post_id,
           coalesce(o.merged_into_id, o.id), s.value
      FROM ({STANDING}) s
      JOIN post p ON p.account_id = :account_id AND p.id = s.post_id
      JOIN platform_user u ON u.account_id = :account_id AND u.id = p.author_id
      JOIN person o ON o.account_id = :account_id AND o.id = u.person_id
     WHERE p.posted_at >= :first AND p.posted_at < :last AND p.earns
       AND (p.deleted_at IS NULL OR p.deleted_at > :until)
       AND u.platform = ANY (:platforms)
       AND NOT EXISTS (SELECT FROM epoch_score e WHERE e.account_id = :account_id
             AND e.campaign_id = :campaign_id AND e.post_id = p.id)
       AND NOT EXISTS (SELECT FROM campaign_pause b WHERE b.account_id = :account_id
             AND b.campaign_id = :campaign_id AND p.posted_at >= b.began_at
             AND p.posted_at < coalesce(b.ended_at, 'infinity'))
""")  # noqa: S608 - a statement of ours within another
DIGEST = text("""
    SELECT encode(sha256(convert_to(coalesce(string_agg(
             concat_ws(':', post_id, score_id, person_id, value), E'\\n' ORDER BY post_id), ''),
             'UTF8')), 'hex')
      FROM epoch_score WHERE account_id = :account_id AND epoch_id = :epoch_id
""")

OWE = text("""
    INSERT INTO payout (account_id, campaign_id, epoch_id, person_id, amount, weight, hold_reason,
                        period_start, period_end, created_at, updated_at)
    SELECT :account_id, :campaign_id, :epoch_id, x.person_id, x.amount, x.weight,
           CASE WHEN o.hold_reason IS NOT NULL THEN o.hold_reason
                WHEN o.wallet IS NULL THEN 'NO_WALLET'
                WHEN o.wallet_verified_at IS NULL THEN 'WALLET_UNVERIFIED' END,
           :start, :end, :now, :now
      FROM unnest(CAST(:people AS uuid[]), CAST(:amounts AS numeric[]), CAST(:weights AS numeric[]))
             AS x (person_id, amount, weight)
      JOIN person o ON o.account_id = :account_id AND o.id = x.person_id
     ORDER BY x.person_id
""")


def cut_off(campaign: Campaign, epoch: CampaignEpoch) -> datetime:
    """Until when a score counts in the epoch."""
    return epoch.epoch_end + timedelta(seconds=campaign.settle_delay_seconds)


def close(campaign: Campaign, epoch: CampaignEpoch) -> None:
    """Freeze the scores, share the budget out, and owe it: all of it or nothing."""
    freeze(campaign, epoch)
    weights = weights_of(campaign, epoch)
    epoch.budget = min(campaign.epoch_reward_cap, unallocated(campaign))
    epoch.is_reduced = epoch.budget < campaign.epoch_reward_cap
    shares = allocate(
        epoch.budget,
        weights,
        policy=campaign.policy,
        version=campaign.policy_version,
        cap=campaign.max_rewards_per_user,
        already=already_of(campaign, weights),
        min_payout=campaign.min_payout,
        activity_floor=campaign.activity_floor,
    )
    epoch.allocated = epoch.budget - shares.left
    epoch.participants = len(weights)
    epoch.published_at = clock.now()
    # From when it is really out: a late close takes nobody's time to claim.
    window = timedelta(seconds=campaign.claim_window_seconds)
    epoch.claim_window_ends = max(epoch.published_at, epoch.epoch_end) + window
    if epoch.allocated == 0:
        epoch.state, epoch.closed_at = EpochState.CLOSED, epoch.published_at
    else:
        epoch.state = EpochState.CLAIMING
        key = f"alloc:{epoch.id}"
        post(campaign.book_id, Movement.ALLOC, epoch.allocated, key=key, about=epoch.id)
        owe(epoch, shares.amounts, weights)
    db.session.flush()
    trail.record(
        epoch,
        "epoch.closed",
        number=epoch.epoch_number,
        amount=str(epoch.allocated),
        members=len(shares.amounts),
        digest=epoch.snapshot_digest,
    )
    if epoch.state is EpochState.CLAIMING:
        propose(epoch)


def freeze(campaign: Campaign, epoch: CampaignEpoch) -> None:
    """Keep the scores that count, and their digest."""
    about = {"account_id": campaign.account_id, "epoch_id": epoch.id}
    db.session.execute(
        FREEZE,
        {
            **about,
            "campaign_id": campaign.id,
            "scorer": campaign.scorer,
            "scorer_version": campaign.scorer_version,
            "first": campaign.start_date,
            "last": epoch.epoch_end,
            "until": cut_off(campaign, epoch),
            "platforms": campaign.platforms,
        },
    )
    epoch.snapshot_digest = db.session.scalar(DIGEST, about)


def weights_of(campaign: Campaign, epoch: CampaignEpoch) -> dict[UUID, Decimal]:
    """The points of each person: of this epoch, or of all that have closed where the policy
    balances what was paid over the campaign's life."""
    which = (
        EpochScore.campaign_id == campaign.id
        if campaign.policy is Policy.BALANCED
        else EpochScore.epoch_id == epoch.id
    )
    payee = func.coalesce(Person.merged_into_id, Person.id)
    rows = db.session.execute(
        select(payee.label("payee"), func.sum(EpochScore.value).label("points"))
        .join(Person, Person.id == EpochScore.person_id)
        .where(*ours(EpochScore), which)
        .group_by(payee)
        .having(func.sum(EpochScore.value) > 0)
    )
    return {row.payee: row.points for row in rows}


def already_of(campaign: Campaign, weights: Mapping[UUID, Decimal]) -> dict[UUID, int]:
    """What each person has had of the campaign, in base units; what was cancelled counts not."""
    payee = func.coalesce(Person.merged_into_id, Person.id)
    rows = db.session.execute(
        select(payee.label("payee"), func.sum(Payout.amount).label("had"))
        .join(Person, Person.id == Payout.person_id)
        .where(
            *ours(Payout),
            Payout.campaign_id == campaign.id,
            Payout.status != PayoutStatus.CANCELLED,
        )
        .group_by(payee)
    )
    return {row.payee: int(row.had) for row in rows}


def owe(epoch: CampaignEpoch, amounts: Mapping[UUID, int], weights: Mapping[UUID, Decimal]) -> None:
    """Make the payouts; those without a wallet that is known to be theirs are held."""
    people = sorted(amounts)
    db.session.execute(
        OWE,
        {
            "account_id": epoch.account_id,
            "campaign_id": epoch.campaign_id,
            "epoch_id": epoch.id,
            "people": people,
            "amounts": [Decimal(amounts[person_id]) for person_id in people],
            "weights": [weights[person_id] for person_id in people],
            "start": epoch.epoch_start,
            "end": epoch.epoch_end,
            "now": clock.now(),
        },
    )


def unallocated(campaign: Campaign) -> int:
    return books.balances(campaign.book_id)[Name.UNALLOCATED]

"""What a linked wallet, and two members who turn out to be one, change about payouts."""

from uuid import UUID

from sqlalchemy import Select, select, update

from ally.community.models import HoldReason, Person
from ally.community.people import ours
from ally.db import db
from ally.events import trail
from ally.rewards.models import FOR_WANT_OF_A_WALLET, Campaign, Payout, PayoutStatus


def release_waiting(person: Person) -> None:
    """Hold back no longer what waited for the person's wallet, while there is time to pay it."""
    db.session.execute(
        update(Payout)
        .where(
            *ours(Payout),
            Payout.person_id.in_(
                select(Person.id).where(
                    *ours(Person), (Person.id == person.id) | (Person.merged_into_id == person.id)
                )
            ),
            Payout.status == PayoutStatus.PENDING,
            Payout.hold_reason.in_(FOR_WANT_OF_A_WALLET),
        )
        .values(hold_reason=None)
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def hold_excess(kept: Person, other: Person) -> None:
    """Hold back what the two together would get beyond a campaign's limit for one member."""
    if kept.wallet is not None and kept.wallet_verified_at is not None:
        release_waiting(kept)
    one = select(Person.id).where(
        *ours(Person), (Person.id == kept.id) | (Person.merged_into_id == kept.id)
    )
    limited = db.session.scalars(
        select(Campaign).where(
            *ours(Campaign),
            Campaign.max_rewards_per_user.is_not(None),
            Campaign.id.in_(
                select(Payout.campaign_id).where(*ours(Payout), Payout.person_id == other.id)
            ),
        )
    ).all()
    for campaign in limited:
        hold_beyond(campaign, one)


def hold_beyond(campaign: Campaign, one: Select[UUID]) -> None:
    payouts = db.session.scalars(
        select(Payout)
        .where(
            *ours(Payout),
            Payout.campaign_id == campaign.id,
            Payout.person_id.in_(one),
            Payout.status != PayoutStatus.CANCELLED,
        )
        .order_by(Payout.id.desc())
        .with_for_update()
    ).all()
    assert campaign.max_rewards_per_user is not None
    excess = sum(payout.amount for payout in payouts) - campaign.max_rewards_per_user
    for payout in payouts:
        if excess <= 0:
            break
        if payout.status in {PayoutStatus.PENDING, PayoutStatus.FAILED}:
            payout.hold_reason = HoldReason.OVER_LIMIT
            excess -= payout.amount
            trail.record(
                payout, "payout.held", reason="Two members are one, and had more than one may"
            )
    db.session.flush()

"""Time goes on: epochs begin, close and end when they are due, and catch up when they were not.

Source: section 3 of the rules of rewards.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select, update

from ally import clock
from ally.community.people import ours
from ally.db import db
from ally.events import trail
from ally.jobs.queue import enqueue, job, run_for_every_account
from ally.language import named
from ally.ledger.models import Movement
from ally.ledger.posting import post
from ally.rewards.batches import set_aside
from ally.rewards.campaigns import lock_campaign
from ally.rewards.closing import close, cut_off, unallocated
from ally.rewards.epochs import active_epochs, campaign_epochs, create_campaign_epoch
from ally.rewards.models import (
    Campaign,
    CampaignEpoch,
    CampaignStatus,
    EpochState,
    Payout,
    PayoutStatus,
)

ENDLESS = 10_000  # steps of one catch-up: more than any downtime asks for
FINAL_AFTER = timedelta(days=1)  # no chain that we know takes a payment back so late
CLAIM_IS_OVER = named("The time to claim it was over.")
UNPAID = (PayoutStatus.PENDING, PayoutStatus.FAILED)
PUBLISHED = (EpochState.CLAIMING, EpochState.RECYCLED, EpochState.EXPIRED)


@job("rewards.roll", cron="* * * * *")
def roll_all() -> None:
    run_for_every_account(roll_campaigns)


def roll_campaigns() -> None:
    """Have every campaign of the account do what is due, each in a transaction of its own."""
    ends = exists().where(
        *ours(CampaignEpoch),
        CampaignEpoch.campaign_id == Campaign.id,
        CampaignEpoch.state.in_(PUBLISHED),
    )
    going = select(Campaign.id).where(
        *ours(Campaign),
        (Campaign.status == CampaignStatus.ACTIVE)
        | (Campaign.status.in_([CampaignStatus.CANCELED, CampaignStatus.COMPLETED]) & ends),
    )
    for campaign_id in db.session.scalars(going.order_by(Campaign.id)).all():
        enqueue("rewards.roll_campaign", lock=f"roll:{campaign_id}", campaign_id=str(campaign_id))


@job("rewards.roll_campaign")
def roll_campaign(campaign_id: str) -> None:
    roll(UUID(campaign_id))


def roll(campaign_id: UUID) -> int:
    """Do what is due, in order, as often as was missed; how many steps that took.

    The campaign is held until the transaction ends, so that each step is taken once.
    """
    campaign = lock_campaign(campaign_id)
    for steps in range(ENDLESS):
        if not (end_windows(campaign) or close_due(campaign) or open_next(campaign)):
            return steps
    raise RuntimeError("an epoch follows the other without end")


def open_next(campaign: Campaign) -> bool:
    """Begin the next epoch if its time has come; whether it has."""
    if campaign.status is not CampaignStatus.ACTIVE or active_epochs(campaign.id):
        return False
    newest = next(iter(campaign_epochs(campaign.id, limit=1)), None)
    start = newest.epoch_end if newest else campaign.start_date
    assert start is not None, "a campaign that runs has begun"
    is_past_end = campaign.end_date is not None and start >= campaign.end_date
    if is_past_end or start > clock.now() or unallocated(campaign) == 0:
        return False
    create_campaign_epoch(campaign, start)
    return True


def close_due(campaign: Campaign) -> bool:
    """Close the open epoch if its scores are settled; whether they are."""
    if campaign.status is not CampaignStatus.ACTIVE:
        return False
    for epoch in active_epochs(campaign.id):
        if cut_off(campaign, epoch) <= clock.now():
            close(campaign, epoch)
            return True
    return False


def end_windows(campaign: Campaign) -> bool:
    """End the first epoch whose time to be claimed is over; whether there was one."""
    if campaign.status is CampaignStatus.PAUSED:
        return False
    return any(end_window(campaign, epoch) for epoch in due_to_end(campaign))


def due_to_end(campaign: Campaign) -> Sequence[CampaignEpoch]:
    return db.session.scalars(
        select(CampaignEpoch)
        .where(
            *ours(CampaignEpoch),
            CampaignEpoch.campaign_id == campaign.id,
            CampaignEpoch.state.in_(PUBLISHED),
        )
        .order_by(CampaignEpoch.epoch_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def end_window(campaign: Campaign, epoch: CampaignEpoch) -> bool:
    """Take the epoch a step nearer to its end, if it may go; whether it did."""
    if epoch.state is not EpochState.CLAIMING:
        is_final = clock.now() >= epoch.claim_window_ends + FINAL_AFTER
        return finish(epoch) if is_final else False
    if open_units(epoch) == 0:
        return finish(epoch)
    if clock.now() < epoch.claim_window_ends or is_paying(epoch):
        return False
    set_aside(epoch)
    unclaimed = give_up_unpaid(epoch)
    movement, state = (
        (Movement.RECYCLE, EpochState.RECYCLED)
        if campaign.recycle_unclaimed
        else (Movement.EXPIRE, EpochState.EXPIRED)
    )
    if campaign.recycle_unclaimed:
        epoch.recycled, epoch.recycled_at = unclaimed, clock.now()
    else:
        epoch.expired = unclaimed
    epoch.state = state
    db.session.flush()
    post(campaign.book_id, movement, unclaimed, key=f"{movement}:{epoch.id}", about=epoch.id)
    trail.record(epoch, f"epoch.{state.lower()}", number=epoch.epoch_number, amount=str(unclaimed))
    return True


def finish(epoch: CampaignEpoch) -> bool:
    epoch.state, epoch.closed_at = EpochState.CLOSED, clock.now()
    db.session.flush()
    trail.record(epoch, "epoch.ended", number=epoch.epoch_number)
    return True


def open_units(epoch: CampaignEpoch) -> int:
    """What of the epoch is still owed."""
    done = epoch.claimed + epoch.recycled + epoch.expired + epoch.cancelled
    return epoch.allocated - done


def is_paying(epoch: CampaignEpoch) -> bool:
    asked = select(Payout.id).where(
        *ours(Payout), Payout.epoch_id == epoch.id, Payout.status == PayoutStatus.PROCESSING
    )
    return db.session.scalar(asked.limit(1)) is not None


def give_up_unpaid(epoch: CampaignEpoch) -> int:
    """Cancel what nobody took; how many units that is."""
    rows = db.session.execute(
        update(Payout)
        .where(*ours(Payout), Payout.epoch_id == epoch.id, Payout.status.in_(UNPAID))
        .values(status=PayoutStatus.CANCELLED, error_message=CLAIM_IS_OVER)
        .returning(Payout.amount)
        .execution_options(synchronize_session=False)
    )
    given_up = sum(row.amount for row in rows)
    db.session.expire_all()
    return given_up

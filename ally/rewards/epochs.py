"""Epochs of a campaign: the windows in which members earn (contract 000-86 to 91)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from ally.community.people import ours
from ally.db import db
from ally.events import trail
from ally.rewards.models import Campaign, CampaignEpoch, EpochState

MOST = 100  # epochs that are read at once


def create_campaign_epoch(campaign: Campaign, start: datetime) -> CampaignEpoch:
    """The campaign's next epoch, from `start`; the last one is cut off at the campaign's end."""
    number = 1 + (
        db.session.scalar(
            select(func.max(CampaignEpoch.epoch_number)).where(
                *ours(CampaignEpoch), CampaignEpoch.campaign_id == campaign.id
            )
        )
        or 0
    )
    whole = start + timedelta(seconds=campaign.payout_interval_seconds)
    end = min(whole, campaign.end_date) if campaign.end_date else whole
    epoch = CampaignEpoch(
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        epoch_number=number,
        epoch_start=start,
        epoch_end=end,
        claim_window_ends=end + timedelta(seconds=campaign.claim_window_seconds),
    )
    db.session.add(epoch)
    db.session.flush()
    trail.record(epoch, "epoch.opened", number=number)
    return epoch


def get_campaign_epoch(campaign_id: UUID, epoch_number: int) -> CampaignEpoch | None:
    return db.session.scalar(
        select(CampaignEpoch).where(
            *ours(CampaignEpoch),
            CampaignEpoch.campaign_id == campaign_id,
            CampaignEpoch.epoch_number == epoch_number,
        )
    )


def campaign_epochs(
    campaign_id: UUID, limit: int = MOST, before: int | None = None
) -> Sequence[CampaignEpoch]:
    """The newest first; those whose number is less than `before`."""
    asked = select(CampaignEpoch).where(
        *ours(CampaignEpoch), CampaignEpoch.campaign_id == campaign_id
    )
    if before is not None:
        asked = asked.where(CampaignEpoch.epoch_number < before)
    return db.session.scalars(asked.order_by(CampaignEpoch.epoch_number.desc()).limit(limit)).all()


def active_epochs(campaign_id: UUID | None = None) -> Sequence[CampaignEpoch]:
    """Every epoch that is open, of one campaign or of all."""
    return in_state(EpochState.OPEN, campaign_id)


def claiming_epochs(campaign_id: UUID | None = None) -> Sequence[CampaignEpoch]:
    """Every epoch that pays, of one campaign or of all."""
    return in_state(EpochState.CLAIMING, campaign_id)


def in_state(state: EpochState, campaign_id: UUID | None) -> Sequence[CampaignEpoch]:
    asked = select(CampaignEpoch).where(*ours(CampaignEpoch), CampaignEpoch.state == state)
    if campaign_id is not None:
        asked = asked.where(CampaignEpoch.campaign_id == campaign_id)
    return db.session.scalars(
        asked.order_by(CampaignEpoch.campaign_id, CampaignEpoch.epoch_number)
    ).all()

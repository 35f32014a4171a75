"""What a campaign is funded with: claimed, and counted once.

Source: sections 2 and 9 of the rules of rewards.
"""

import re
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from ally import clock
from ally.accounts.models import User
from ally.community.addresses import lower_address
from ally.db import db
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import _
from ally.rewards.campaigns import (
    activate,
    count_funding,
    refuse_other_vault,
    refuse_without_reason,
    update_campaign,
)
from ally.rewards.models import Campaign, CampaignStatus, Funding, FundingState

TX_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
TAKING = frozenset({CampaignStatus.DRAFT, CampaignStatus.ACTIVE, CampaignStatus.PAUSED})


class AlreadyCounted(Conflict):
    """A transaction funds one campaign, once."""


def vouch_for(
    campaign: Campaign, by: User, *, vault: str, tx_hash: str, amount: int, reason: str
) -> Funding:
    """Count a funding that `by` answers for, where no chain can be asked; shown as such.

    `amount` is in base units.  The campaign must be held (`lock_campaign`).
    Raises AlreadyCounted, Conflict for a campaign that is over, Invalid.
    """
    refuse_without_reason(reason)
    refuse_unfit(campaign, vault, amount)
    funding = Funding(
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        chain_id=campaign.chain_id,
        vault_address=lower_address(vault),
        tx_hash=read_hash(tx_hash),
        amount=amount,
        state=FundingState.BY_HAND,
        reason=reason.strip(),
        claimed_by_id=by.id,
        settled_at=clock.now(),
    )
    keep(funding)
    count_funding(campaign, funding, key=f"fund:{funding.chain_id}:{funding.tx_hash}:by_hand")
    trail.record(
        campaign,
        "campaign.vouched",
        by=by,
        amount=str(amount),
        tx=funding.tx_hash,
        reason=funding.reason,
    )
    return funding


def refuse_unfit(campaign: Campaign, vault: str, amount: int) -> None:
    """Raises Conflict for a campaign that is over, Invalid."""
    if campaign.status not in TAKING:
        raise Conflict(_("This campaign is over, and takes no more funding."))
    if amount <= 0:
        raise Invalid(_("A funding brings something."))
    refuse_other_vault(campaign, lower_address(vault))


def fund_campaign(
    campaign: Campaign,
    by: User,
    *,
    vault: str,
    tx_hash: str,
    reason: str,
    start_date: datetime | None = None,
) -> Funding:
    """Count a funding of the whole pool, and begin (contract 000-85).

    Raises what `vouch_for` and `activate` raise.
    """
    if start_date is not None:
        update_campaign(campaign, by, start_date=start_date)
    funding = vouch_for(
        campaign,
        by,
        vault=vault,
        tx_hash=tx_hash,
        amount=campaign.total_reward_pool,
        reason=reason,
    )
    activate(campaign, by)
    return funding


def read_hash(text: str) -> str:
    """A transaction's hash in lower case.  Raises Invalid."""
    written = text.strip().lower()
    if TX_HASH.fullmatch(written) is None:
        raise Invalid(_("A transaction's hash is 0x and 64 digits from 0 to 9 and a to f."))
    return written


def keep(funding: Funding) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(funding)
    except IntegrityError as refused:
        if "uq_funding_counted" in str(refused.orig):
            raise AlreadyCounted(_("This transaction has been counted already.")) from None
        raise

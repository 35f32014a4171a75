"""Campaigns: what one may be made of, and how it goes from a draft to its end.

Source: section 2 of the rules of rewards.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_, update

from ally import clock
from ally.accounts.models import User
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.models import Movement
from ally.ledger.posting import post
from ally.rewards.models import (
    Campaign,
    CampaignEpoch,
    CampaignPause,
    CampaignStatus,
    EpochState,
    Funding,
    FundingState,
    Payout,
    PayoutStatus,
)

MOST = 50  # campaigns that are read at once
COUNTED = (FundingState.VERIFIED, FundingState.BY_HAND)
CLAIMED = FundingState.CLAIMED
TERMS = frozenset(
    {
        *("name", "description", "token_symbol", "is_native", "chain_id", "token_address"),
        *("decimals", "total_reward_pool", "start_date", "end_date", "max_rewards_per_user"),
        *("min_payout", "payout_interval_seconds", "epoch_reward_cap", "claim_window_seconds"),
        *("settle_delay_seconds", "recycle_unclaimed", "platforms", "policy", "policy_version"),
        *("activity_floor", "scorer", "scorer_version", "vault_address"),
    }
)


# What a funding is counted in: it cannot turn into another coin, or be somewhere else.
FUNDED_IN = frozenset(
    ("chain_id", "token_address", "is_native", "decimals", "token_symbol", "vault_address")
)


class NotReady(Conflict):
    """What is asked for has conditions that are not met; the text lists them."""


class NotEditable(Conflict):
    """People earn by these terms already."""


def create_campaign(by: User, **terms: Any) -> Campaign:
    """A new campaign, which pays nobody before it is funded and begins.  Amounts in base units.

    Raises Invalid for terms that contradict each other.
    """
    refuse_contradicting(terms)
    book = books.open_book(by.account_id, terms["name"])
    campaign = Campaign(
        account_id=by.account_id, book_id=book.id, created_by_id=by.id, **known_terms(terms)
    )
    db.session.add(campaign)
    db.session.flush()
    trail.record(campaign, "campaign.created", by=by, name=campaign.name)
    return campaign


def known_terms(terms: dict[str, Any]) -> dict[str, Any]:
    unknown = terms.keys() - TERMS
    if unknown:
        raise TypeError(f"a campaign has no {', '.join(sorted(unknown))}")
    return terms


def refuse_contradicting(terms: dict[str, Any]) -> None:
    """Raises Invalid with the first thing that cannot be so."""
    pool, cap = terms["total_reward_pool"], terms["epoch_reward_cap"]
    limit, start, end = (terms.get(n) for n in ("max_rewards_per_user", "start_date", "end_date"))
    if pool <= 0:
        raise Invalid(_("The pool must hold something."))
    if not 0 < cap <= pool:
        raise Invalid(_("An epoch pays something, and no more than the pool holds."))
    if limit is not None and limit <= 0:
        raise Invalid(_("What one member may get must be more than nothing."))
    if start and end and end <= start:
        raise Invalid(_("A campaign ends after it starts."))
    if not terms["platforms"]:
        raise Invalid(_("Choose at least one platform."))


def update_campaign(campaign: Campaign, by: User, **terms: Any) -> Campaign:
    """The campaign with these terms changed.  Raises NotEditable, Invalid."""
    if not campaign.is_editable:
        raise NotEditable(_("This campaign has begun, and its terms stay as they are."))
    before = {name: getattr(campaign, name) for name in TERMS}
    refuse_contradicting(before | known_terms(terms))
    changed = [name for name, value in terms.items() if before[name] != value]
    if FUNDED_IN & set(changed) and has_funding(campaign, CLAIMED, *COUNTED):
        raise NotEditable(_("This campaign has been funded, so that its token and vault stay."))
    brought = funded_so_far(campaign)
    if terms.get("total_reward_pool", brought) < brought:
        raise Invalid(_("The pool holds at least what it was funded with."))
    for name in changed:
        setattr(campaign, name, terms[name])
    campaign.is_funded = brought >= campaign.total_reward_pool
    campaign.version += 1
    trail.record(
        campaign,
        "campaign.changed",
        by=by,
        what=", ".join(changed),
        before={name: str(before[name]) for name in changed},
        after={name: str(terms[name]) for name in changed},
    )
    return campaign


def get_campaign(campaign_id: UUID) -> Campaign:
    """The current account's campaign, with its epochs at hand.  Raises NotFound."""
    return found(campaigns().where(Campaign.id == campaign_id))


def lock_campaign(campaign_id: UUID) -> Campaign:
    """The same as it is now, held until the transaction ends.  Raises NotFound."""
    asked = campaigns().where(Campaign.id == campaign_id).with_for_update()
    return found(asked.execution_options(populate_existing=True))


def all_campaigns(
    limit: int = MOST, after: tuple[datetime, UUID] | None = None
) -> Sequence[Campaign]:
    """The newest first; those that follow the place `after` in that order."""
    asked = campaigns()
    if after is not None:
        asked = asked.where(tuple_(Campaign.created_at, Campaign.id) < tuple_(*after))
    newest_first = (Campaign.created_at.desc(), Campaign.id.desc())
    return db.session.scalars(asked.order_by(*newest_first).limit(limit)).all()


def scorers_chosen() -> set[tuple[str, str]]:
    """By which scorers, and which versions of them, campaigns count that are not over."""
    going = (CampaignStatus.DRAFT, CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
    rows = db.session.execute(
        select(Campaign.scorer, Campaign.scorer_version)
        .where(*ours(Campaign), Campaign.status.in_(going))
        .distinct()
    )
    return {(row.scorer, row.scorer_version) for row in rows}


def campaigns() -> Select[Campaign]:
    return select(Campaign).where(*ours(Campaign))


def found(asked: Select[Campaign]) -> Campaign:
    campaign = db.session.scalar(asked)
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    return campaign


# Funding


def funded_so_far(campaign: Campaign) -> int:
    """What fundings that count have brought, in base units."""
    brought = db.session.scalar(
        select(func.sum(Funding.amount)).where(
            *ours(Funding), Funding.campaign_id == campaign.id, Funding.state.in_(COUNTED)
        )
    )
    return int(brought or 0)


def has_funding(campaign: Campaign, *states: FundingState) -> bool:
    asked = select(Funding.id).where(
        *ours(Funding), Funding.campaign_id == campaign.id, Funding.state.in_(states)
    )
    return db.session.scalar(asked.limit(1)) is not None


def refuse_other_vault(campaign: Campaign, vault: str) -> None:
    """What a campaign holds lies in one place.  Raises Invalid."""
    if has_funding(campaign, *COUNTED) and vault != campaign.vault_address:
        raise Invalid(
            _("This campaign's vault is %(vault)s. Fund that one.", vault=campaign.vault_address)
        )


def count_funding(campaign: Campaign, funding: Funding, key: str) -> None:
    """Put what a funding brought into the pool, once; a second one makes the pool grow."""
    post(campaign.book_id, Movement.FUND, funding.amount, key=key, about=funding.id)
    db.session.flush()
    brought = funded_so_far(campaign)
    campaign.vault_address = funding.vault_address
    campaign.funding_tx_hash = campaign.funding_tx_hash or funding.tx_hash
    campaign.is_funded = brought >= campaign.total_reward_pool
    campaign.total_reward_pool = max(campaign.total_reward_pool, brought)
    db.session.flush()


# From status to status


def activate(campaign: Campaign, by: User) -> None:
    """Begin: what is written from the start date on earns.  Raises NotReady."""
    missing = [] if campaign.status is CampaignStatus.DRAFT else [_("it has begun already")]
    if not campaign.is_funded:
        missing.append(_("it is not funded yet"))
    if campaign.end_date and campaign.end_date <= clock.now():
        missing.append(_("its end is past"))
    refuse_if(missing, _("This campaign cannot begin"))
    campaign.start_date = campaign.start_date or clock.now()
    go(campaign, CampaignStatus.ACTIVE)
    trail.record(campaign, "campaign.activated", by=by)


def pause(campaign: Campaign, by: User | None, reason: str) -> None:
    """Stand still: no epoch begins or ends, nothing is paid, and what is written does not earn.

    Without `by` Ally does so itself.  Raises NotReady, Invalid.
    """
    refuse_without_reason(reason)
    going = campaign.status is CampaignStatus.ACTIVE
    refuse_if([] if going else [_("it is not running")], _("This campaign cannot be paused"))
    db.session.add(
        CampaignPause(
            account_id=campaign.account_id,
            campaign_id=campaign.id,
            reason=reason.strip(),
            paused_by_id=by.id if by else None,
            began_at=clock.now(),
        )
    )
    go(campaign, CampaignStatus.PAUSED)
    trail.record(campaign, "campaign.paused", by=by, reason=reason.strip())


def resume(campaign: Campaign, by: User) -> None:
    """Go on; whoever had time to claim has as much of it left as when it stopped."""
    missing = [] if campaign.status is CampaignStatus.PAUSED else [_("it is not paused")]
    if funded_so_far(campaign) < campaign.total_reward_pool:
        missing.append(_("it is not funded any more"))
    refuse_if(missing, _("This campaign cannot be resumed"))
    end_pause(campaign)
    go(campaign, CampaignStatus.ACTIVE)
    trail.record(campaign, "campaign.resumed", by=by)


def end_pause(campaign: Campaign) -> None:
    """End the pause, and let the deadlines of claims move by as long as it was."""
    now = clock.now()
    stop = db.session.scalars(
        select(CampaignPause).where(
            *ours(CampaignPause),
            CampaignPause.campaign_id == campaign.id,
            CampaignPause.ended_at.is_(None),
        )
    ).one()
    stop.ended_at = now
    db.session.execute(
        update(CampaignEpoch)
        .where(*epochs_in(campaign, EpochState.CLAIMING))
        .values(claim_window_ends=CampaignEpoch.claim_window_ends + (now - stop.began_at))
        .execution_options(synchronize_session="fetch")
    )


def complete(campaign: Campaign, by: User | None = None) -> None:
    """End well: everything that was earned is paid or given back.  Raises NotReady."""
    missing = [] if campaign.status is CampaignStatus.ACTIVE else [_("it is not running")]
    held = books.balances(campaign.book_id)
    is_over = campaign.end_date is not None and campaign.end_date <= clock.now()
    if not is_over and held[Name.UNALLOCATED] > 0:
        missing.append(_("its end has not come, and the pool is not empty"))
    if has_epochs(campaign, EpochState.OPEN, EpochState.CLAIMING):
        missing.append(_("an epoch is still going on"))
    if held[Name.IN_FLIGHT] > 0:
        missing.append(_("payouts are on their way"))
    refuse_if(missing, _("This campaign is not over"))
    go(campaign, CampaignStatus.COMPLETED)
    trail.record(campaign, "campaign.completed", by=by)


def cancel(campaign: Campaign, by: User, reason: str, typed_name: str) -> None:
    """End now: the open epoch is dropped, and what was earned before is still paid.

    `typed_name` shows that the person means this campaign.  Raises NotReady, Invalid.
    """
    refuse_without_reason(reason)
    if typed_name.strip() != campaign.name:
        raise Invalid(_("Type the campaign's name to cancel it."))
    over = campaign.status in {CampaignStatus.COMPLETED, CampaignStatus.CANCELED}
    missing = [_("it is over already")] if over else []
    if is_paying(campaign):
        missing.append(_("payouts are on their way"))
    refuse_if(missing, _("This campaign cannot be cancelled"))
    if campaign.status is CampaignStatus.PAUSED:
        end_pause(campaign)
    now = clock.now()
    db.session.execute(
        update(CampaignEpoch)
        .where(*epochs_in(campaign, EpochState.OPEN))
        .values(state=EpochState.CLOSED, published_at=now, closed_at=now)
    )
    go(campaign, CampaignStatus.CANCELED)
    trail.record(campaign, "campaign.cancelled", by=by, reason=reason.strip())


def update_campaign_status(
    campaign: Campaign, status: CampaignStatus, by: User, *, reason: str = "", typed_name: str = ""
) -> None:
    """Take the step that leads to this status (contract 000-84).  Raises NotReady, Invalid."""
    if status is CampaignStatus.ACTIVE and campaign.status is CampaignStatus.PAUSED:
        resume(campaign, by)
    elif status is CampaignStatus.ACTIVE:
        activate(campaign, by)
    elif status is CampaignStatus.PAUSED:
        pause(campaign, by, reason)
    elif status is CampaignStatus.COMPLETED:
        complete(campaign, by)
    elif status is CampaignStatus.CANCELED:
        cancel(campaign, by, reason, typed_name)
    else:
        raise NotReady(_("No campaign becomes a draft again."))


def go(campaign: Campaign, status: CampaignStatus) -> None:
    campaign.status, campaign.is_active = status, status is CampaignStatus.ACTIVE
    db.session.flush()


def refuse_if(missing: list[str], beginning: str) -> None:
    if missing:
        because = _(" and ").join(missing)
        raise NotReady(_("%(what)s: %(because)s.", what=beginning, because=because))


def refuse_without_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(_("Say why, for those who read this later."))


def epochs_in(campaign: Campaign, *states: EpochState) -> list[Any]:
    return [
        *ours(CampaignEpoch),
        CampaignEpoch.campaign_id == campaign.id,
        CampaignEpoch.state.in_(states),
    ]


def has_epochs(campaign: Campaign, *states: EpochState) -> bool:
    asked = select(CampaignEpoch.id).where(*epochs_in(campaign, *states)).limit(1)
    return db.session.scalar(asked) is not None


def is_paying(campaign: Campaign) -> bool:
    asked = select(Payout.id).where(
        *ours(Payout),
        Payout.campaign_id == campaign.id,
        Payout.status == PayoutStatus.PROCESSING,
    )
    return db.session.scalar(asked.limit(1)) is not None


# What is left at the end


def refundable(campaign: Campaign) -> int:
    """What may go back to the funder now, in base units: nothing before the end."""
    if campaign.status not in {CampaignStatus.COMPLETED, CampaignStatus.CANCELED}:
        return 0
    held = books.balances(campaign.book_id)
    return held[Name.UNALLOCATED] + held[Name.EXPIRED]


def record_refund(campaign: Campaign, by: User, amount: int, tx_hash: str) -> None:
    """Note that so much has gone back, from what was never allocated first.  Raises Conflict."""
    if amount > refundable(campaign):
        raise NotReady(_("There is not so much to give back."))
    unallocated = books.balances(campaign.book_id)[Name.UNALLOCATED]
    parts = {Name.UNALLOCATED: min(amount, unallocated), Name.EXPIRED: amount - unallocated}
    for source, part in parts.items():
        if part > 0:
            key = f"refund:{campaign.id}:{tx_hash}:{source}"
            post(campaign.book_id, Movement.REFUND, part, key=key, source=source, tx=tx_hash)
    trail.record(campaign, "campaign.refunded", by=by, amount=str(amount), tx=tx_hash)

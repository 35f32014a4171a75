"""What was final once is looked at again: what funded campaigns, what was paid, what is left.

Source: sections 4, 5 (I11) and 9 of the rules of rewards.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from ally import clock
from ally.community.people import ours
from ally.db import db
from ally.events import trail
from ally.jobs.queue import job, run_for_every_account
from ally.language import _
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.models import Movement
from ally.notifications.models import NotificationType
from ally.rewards import chain as chains
from ally.rewards import payouts
from ally.rewards.batches import tell_admins_of
from ally.rewards.campaigns import has_funding, lock_campaign, pause
from ally.rewards.chain import Chain, Mined, Transfer, Unreachable
from ally.rewards.models import (
    Campaign,
    CampaignStatus,
    Funding,
    FundingState,
    LogUse,
    Payout,
    PayoutStatus,
    UsedLog,
)
from ally.rewards.verifying import ask, use_up

MOST = 500  # fundings, and payments, that are looked at in one turn
RECENT = timedelta(hours=6)  # how long a payment is looked at again
STALE = timedelta(minutes=2)  # after which a claim is asked for that nobody looks up
WITH_MONEY = frozenset(CampaignStatus) - {CampaignStatus.COMPLETED}

log = logging.getLogger(__name__)


@job("rewards.watch_chain", cron="*/5 * * * *")
def watch() -> None:
    """See that what was counted still stands on its chain, and that the vaults hold enough."""
    run_for_every_account(sweep_claims, watch_fundings, watch_payments, watch_vaults)


def sweep_claims() -> None:
    """Have those claims looked up that wait, so that none is left behind by a job that failed."""
    for funding in newest_fundings(
        Funding.state == FundingState.CLAIMED, Funding.created_at < clock.now() - STALE
    ):
        if chains.is_connected(funding.chain_id):
            ask(funding)


def watch_fundings() -> None:
    heed(
        see_that_it_stands,
        newest_fundings(Funding.state == FundingState.VERIFIED, Campaign.status.in_(WITH_MONEY)),
    )


def newest_fundings(*which: ColumnElement[bool]) -> Sequence[Funding]:
    return db.session.scalars(
        select(Funding)
        .join(Campaign, Campaign.id == Funding.campaign_id)
        .where(*ours(Funding), *which)
        .order_by(Funding.id.desc())
        .limit(MOST)
    ).all()


def watch_payments() -> None:
    heed(see_that_it_is_paid, recent_payments())


def watch_vaults() -> None:
    running = select(Campaign).where(*ours(Campaign), Campaign.status == CampaignStatus.ACTIVE)
    heed(see_that_the_vault_holds, db.session.scalars(running).all())


def heed(
    look: Callable[[Chain, Any], None], things: Sequence[Funding | UsedLog | Campaign]
) -> None:
    """Look at each on its chain; one that does not answer is left alone until the next turn, and
    keeps nobody from looking at the others."""
    by_chain: dict[int, list[Funding | UsedLog | Campaign]] = {}
    for thing in things:
        by_chain.setdefault(thing.chain_id, []).append(thing)
    for chain_id in filter(chains.is_connected, by_chain):
        try:
            chain = chains.sure_chain_of(chain_id)
            for thing in by_chain[chain_id]:
                look(chain, thing)
        except Unreachable as error:
            log.warning("chain %s: %s", chain_id, error)


def found_on_chain(chain: Chain, used: Funding | UsedLog) -> Mined | bool | None:
    """The transaction as it stands now; None where it is gone, True where nothing has changed,
    or where the node lags behind what is final, and cannot tell."""
    number = int(used.block_number or 0)
    if chain.head() < number + chains.confirmations() - 1:
        return True
    if chain.block_hash(number) == used.block_hash:
        return True
    mined = chain.mined(used.tx_hash)
    return mined if mined is not None and mined.succeeded else None


def see_that_it_stands(chain: Chain, funding: Funding) -> None:
    """Pause the campaign where a reorganisation of the chain has taken its funding away."""
    found = found_on_chain(chain, funding)
    if found is True:
        return
    if isinstance(found, Mined):  # it stands in another block now
        funding.block_number, funding.block_hash = found.block_number, found.block_hash
        return
    campaign = lock_campaign(funding.campaign_id)
    funding.state = FundingState.REVERSED
    db.session.flush()
    trail.record(campaign, "campaign.funding_gone", tx=funding.tx_hash)
    stop(campaign, _("The transaction that funded it is not part of the chain any more."))


def see_that_the_vault_holds(chain: Chain, running: Campaign) -> None:
    """Pause the campaign when its vault holds less than is owed from it (invariant I11),
    whichever campaigns share the vault.

    What is on its way may have left already, and is not asked for.  A campaign that was funded
    by an admin's word is not compared: nobody claims that its vault is where the money is.
    """
    campaign = lock_campaign(running.id)
    if campaign.vault_address is None or is_vouched_for(campaign):
        return
    owed = sum(owed_by(each) for each in sharing_vault(campaign) if not is_vouched_for(each))
    there = (
        chain.token_balance(campaign.token_address, campaign.vault_address)
        if campaign.token_address
        else chain.balance(campaign.vault_address)
    )
    if there < owed:
        stop(campaign, _("Its vault holds less than is owed from it."))


def sharing_vault(campaign: Campaign) -> Sequence[Campaign]:
    """All campaigns whose money is of the same token and in the same vault, this one too."""
    return db.session.scalars(
        select(Campaign).where(
            *ours(Campaign),
            Campaign.vault_address == campaign.vault_address,
            Campaign.chain_id == campaign.chain_id,
            Campaign.token_address.is_not_distinct_from(campaign.token_address),
        )
    ).all()


def owed_by(campaign: Campaign) -> int:
    held = books.balances(campaign.book_id)
    return held[Name.UNALLOCATED] + held[Name.ALLOCATED] + held[Name.EXPIRED]


def is_vouched_for(campaign: Campaign) -> bool:
    return has_funding(campaign, FundingState.BY_HAND)


def stop(campaign: Campaign, reason: str) -> None:
    """Pause the campaign, by Ally itself, and tell the admins."""
    if campaign.status is CampaignStatus.ACTIVE:
        pause(campaign, None, reason)
    tell_admins_of(
        campaign.account_id,
        NotificationType.CAMPAIGN_PAUSED,
        about=campaign.name,
        reason=reason,
        url=f"/campaigns/{campaign.id}",
    )


# Payments


def recent_payments() -> Sequence[UsedLog]:
    """What was paid lately, or taken back: for each payout what was noted last."""
    again = aliased(UsedLog)
    return db.session.scalars(
        select(UsedLog)
        .where(
            *ours(UsedLog),
            UsedLog.used_for == LogUse.PAYOUT,
            UsedLog.block_number.is_not(None),
            UsedLog.created_at > clock.now() - RECENT,
            ~select(again.id)
            .where(
                again.account_id == UsedLog.account_id,
                again.used_for_id == UsedLog.used_for_id,
                again.id > UsedLog.id,
            )
            .exists(),
        )
        .order_by(UsedLog.id.desc())
        .limit(MOST)
    ).all()


def see_that_it_is_paid(chain: Chain, used: UsedLog) -> None:
    """Take a payment back in the books that the chain has taken back, and count it again when it
    comes again.  The payout itself stays as it is: its payment was final, by all that was known."""
    found, was_taken_back = found_on_chain(chain, used), used.reversed_at is not None
    if found is None and not was_taken_back:
        take_back(used)
    elif isinstance(found, Mined) and was_taken_back and is_deep(chain, found):
        count_again(used, found)


def is_deep(chain: Chain, mined: Mined) -> bool:
    return chain.depth(mined) >= chains.confirmations()


def take_back(used: UsedLog) -> None:
    used.reversed_at = clock.now()
    for payout in paid_by(used):
        payouts.move(payout, Movement.REVERSE, f"reverse:{payout.id}:{used.block_hash}")
        trail.record(payout, "payout.taken_back", tx=used.tx_hash)
        tell_admins_of(
            payout.account_id,
            NotificationType.PAYOUT_FAILED,
            whom=payout.person.name,
            reason=_("The chain has taken the payment back. Look whether it comes again."),
            url=f"/payouts?campaign={payout.campaign_id}",
        )


def count_again(used: UsedLog, mined: Mined) -> None:
    transfer = Transfer(used.log_index, mined.sender, used.recipient, used.amount)
    use_up([transfer], mined, used.chain_id, LogUse.PAYOUT, used.used_for_id)
    for payout in paid_by(used):
        payouts.move(payout, Movement.SETTLE, f"settle:{payout.id}:{mined.block_hash}")
        trail.record(payout, "payout.settled", amount=str(payout.amount), tx=mined.tx_hash)


def paid_by(used: UsedLog) -> list[Payout]:
    """The payouts that the transfer has paid, each held: one, or all of a wallet together."""
    ids = db.session.scalars(
        select(Payout.id)
        .where(
            *ours(Payout),
            Payout.status == PayoutStatus.COMPLETED,
            Payout.tx_hash == used.tx_hash,
            Payout.wallet == used.recipient,
        )
        .order_by(Payout.id)
    )
    return [payouts.lock_payout(payout_id) for payout_id in ids.all()]

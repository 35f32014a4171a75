"""A claimed funding is looked up on its chain: counted, or refused with what is wrong.

Source: section 9 of the rules of rewards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from ally import clock
from ally.accounts.models import User
from ally.community.addresses import lower_address
from ally.community.people import ours
from ally.db import current_account_id, db
from ally.errors import Conflict, NotFound
from ally.events import trail
from ally.jobs.queue import enqueue, job
from ally.language import _, named
from ally.notifications.models import NotificationType
from ally.rewards import chain as chains
from ally.rewards.batches import tell_admins_of
from ally.rewards.campaigns import (
    COUNTED,
    count_funding,
    has_funding,
    lock_campaign,
)
from ally.rewards.chain import Chain, Mined, Transfer, Unreachable
from ally.rewards.funding import keep, read_hash, refuse_unfit
from ally.rewards.models import (
    Campaign,
    Funding,
    FundingState,
    LogUse,
    UsedLog,
)

AGAIN = timedelta(seconds=15)
WAIT_FOR = timedelta(hours=24)  # for a block and its confirmations
# What stands for the log's number where the chain's own coin was moved, of which there is no log:
NATIVE = -1  # by the transaction itself
BY_BALANCE = -2  # by a contract, as the balance at the block's end tells

CHECKS = {
    "node": named("the node of its chain does not answer"),
    "chain": named("the node is of another chain"),
    "unused": named("the transaction has been counted already"),
    "found": named("there is no such transaction"),
    "succeeded": named("the transaction was reverted"),
    "confirmed": named("it has too few confirmations"),
    "canonical": named("its block is not part of the chain any more"),
    "recent": named("it is older than the campaign"),
    "token": named("nothing of this token came to the vault"),
    "vault": named("it went to another address"),
    "amount": named("the amount is another"),
    "decimals": named("the token has another number of digits"),
}
WAITS = {"node", "found", "confirmed", "canonical"}  # what may still come right


@dataclass(frozen=True)
class Found:
    """What the chain says: the names of the checks that failed, and what came to the vault."""

    failed: Sequence[str]
    mined: Mined | None
    came: Sequence[Transfer]


def claim(campaign: Campaign, by: User, *, vault: str, tx_hash: str, amount: int) -> Funding:
    """Claim that the transaction brought so much; a job looks it up on the chain.

    The campaign must be held.  Raises AlreadyCounted, Conflict, Invalid.
    """
    refuse_unfit(campaign, vault, amount)
    funding = Funding(
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        chain_id=campaign.chain_id,
        vault_address=lower_address(vault),
        tx_hash=read_hash(tx_hash),
        amount=amount,
        claimed_by_id=by.id,
    )
    keep(funding)
    trail.record(campaign, "campaign.claimed", by=by, amount=str(amount), tx=funding.tx_hash)
    ask(funding)
    return funding


def ask(funding: Funding, at: datetime | None = None) -> None:
    """Have a job look it up."""
    which = str(funding.id)
    enqueue("rewards.verify_funding", at=at, once=f"funding:{which}", funding_id=which)


@job("rewards.verify_funding")
def verify(funding_id: str) -> None:
    """Look it up; count it, refuse it, or look again later."""
    known = find_funding(UUID(funding_id))
    campaign = lock_campaign(known.campaign_id)
    funding = find_funding(known.id)
    if funding.state is not FundingState.CLAIMED:
        return
    try:
        found = look_up(campaign, funding)
    except Unreachable:
        found = Found(["node"], None, ())
    is_early = clock.now() < funding.created_at + WAIT_FOR
    if found.failed and set(found.failed) <= WAITS and (is_early or found.failed == ["node"]):
        funding.failed_checks = list(found.failed)
        ask(funding, at=clock.now() + AGAIN)
    elif found.failed:
        refuse(campaign, funding, found)
    else:
        count(campaign, funding, found)


def look_up(campaign: Campaign, funding: Funding) -> Found:
    """Every check that can be made, so that all that is wrong is told at once."""
    chain = chains.chain_of(campaign.chain_id)
    mined = chain.mined(funding.tx_hash)
    came = arrived(chain, campaign, funding, mined) if mined and mined.succeeded else []
    return Found(list(failures(chain, campaign, funding, mined, came)), mined, came)


def failures(
    chain: Chain,
    campaign: Campaign,
    funding: Funding,
    mined: Mined | None,
    came: Sequence[Transfer],
) -> Iterator[str]:
    if chain.told_id() != campaign.chain_id:
        yield "chain"
    if is_used(funding):
        yield "unused"
    if campaign.token_address and chain.decimals(campaign.token_address) != campaign.decimals:
        yield "decimals"
    if mined is None:
        yield "found"
        return
    if chain.depth(mined) < chains.confirmations():
        yield "confirmed"
    if not chain.holds(mined):
        yield "canonical"
    moment = chain.block_time(mined.block_number)
    if moment is not None and moment < campaign.created_at - timedelta(minutes=1):
        yield "recent"
    if not mined.succeeded:
        yield "succeeded"
        return
    if has_funding(campaign, *COUNTED) and funding.vault_address != campaign.vault_address:
        yield "vault"  # another claim was counted meanwhile, for another vault
    elif not came:
        moved = campaign.token_address and mined.transfers(campaign.token_address)
        yield "vault" if moved or not campaign.token_address else "token"
    elif sum(transfer.amount for transfer in came) != funding.amount:
        yield "amount"


def arrived(
    chain: Chain, campaign: Campaign, funding: Funding, mined: Mined | None
) -> list[Transfer]:
    """What of the campaign's coin the transaction brought to the vault."""
    if mined is None:
        return []
    vault = funding.vault_address
    if campaign.token_address is not None:
        moved = mined.transfers(campaign.token_address)
        return [transfer for transfer in moved if transfer.recipient == vault]
    if mined.to == vault and mined.value:
        native = Transfer(NATIVE, mined.sender, vault, mined.value)
        return [] if BY_BALANCE in counted_in_block(chain, mined, vault) else [native]
    # A contract may have paid it: then nothing but the balance tells.
    gained = gained_in_block(chain, mined, vault)
    return [Transfer(BY_BALANCE, mined.sender, vault, gained)] if gained > 0 else []


def gained_in_block(chain: Chain, mined: Mined, address: str) -> int:
    """By how much the address had more of the chain's coin after the block than before it, less
    what of it was counted already, as a transfer of whichever of the block's transactions."""
    block = mined.block_number
    gained = chain.balance(address, block) - chain.balance(address, block - 1)
    return gained - sum(counted_in_block(chain, mined, address).values())


def counted_in_block(chain: Chain, mined: Mined, address: str) -> dict[int, int]:
    """What of the chain's own coin was counted of the block: amounts by how they were seen."""
    rows = db.session.execute(
        select(UsedLog.log_index, func.sum(UsedLog.amount))
        .where(
            *ours(UsedLog),
            UsedLog.chain_id == chain.chain_id,
            UsedLog.block_hash == mined.block_hash,
            UsedLog.recipient == address,
            UsedLog.log_index.in_([NATIVE, BY_BALANCE]),
            UsedLog.reversed_at.is_(None),
        )
        .group_by(UsedLog.log_index)
    )
    return {log_index: int(amount) for log_index, amount in rows}


def is_used(funding: Funding) -> bool:
    """Whether the transaction's transfer to the vault was counted for something else."""
    asked = select(UsedLog.id).where(
        *ours(UsedLog),
        UsedLog.chain_id == funding.chain_id,
        UsedLog.tx_hash == funding.tx_hash,
        UsedLog.recipient == funding.vault_address,
        UsedLog.reversed_at.is_(None),
    )
    return db.session.scalar(asked.limit(1)) is not None


def count(campaign: Campaign, funding: Funding, found: Found) -> None:
    """Put it into the pool; each transfer is used up by it."""
    assert found.mined is not None
    use_up(found.came, found.mined, campaign.chain_id, LogUse.FUNDING, funding.id)
    funding.state, funding.settled_at = FundingState.VERIFIED, clock.now()
    funding.failed_checks = None
    funding.block_number, funding.block_hash = found.mined.block_number, found.mined.block_hash
    db.session.flush()
    logs = ",".join(str(transfer.log_index) for transfer in found.came)
    count_funding(campaign, funding, key=f"fund:{funding.chain_id}:{funding.tx_hash}:{logs}")
    trail.record(campaign, "campaign.funded", amount=str(funding.amount), tx=funding.tx_hash)


def use_up(
    transfers: Sequence[Transfer], mined: Mined, chain_id: int, use: LogUse, for_id: UUID
) -> None:
    """Note that the transfers are counted, once.  Raises Conflict when one is already."""
    rows = [
        {
            "account_id": current_account_id(),
            "chain_id": chain_id,
            "tx_hash": mined.tx_hash,
            "log_index": transfer.log_index,
            "recipient": transfer.recipient,
            "amount": transfer.amount,
            "used_for": use,
            "used_for_id": for_id,
            "block_number": mined.block_number,
            "block_hash": mined.block_hash,
        }
        for transfer in transfers
    ]
    try:
        with db.session.begin_nested():
            db.session.execute(insert(UsedLog), rows)
    except IntegrityError:
        raise Conflict(_("This transfer has been counted already.")) from None


def refuse(campaign: Campaign, funding: Funding, found: Found) -> None:
    funding.state, funding.settled_at = FundingState.REFUSED, clock.now()
    funding.failed_checks = list(found.failed)
    db.session.flush()
    trail.record(
        campaign, "campaign.funding_refused", tx=funding.tx_hash, reason=in_words(found.failed)
    )
    tell_admins_of(
        campaign.account_id,
        NotificationType.FUNDING_REFUSED,
        about=campaign.name,
        url=f"/campaigns/{campaign.id}",
    )


def in_words(failed: Sequence[str]) -> str:
    return "; ".join(_(CHECKS[name]) for name in failed)


def find_funding(funding_id: UUID) -> Funding:
    """Raises NotFound."""
    found = db.session.scalar(
        select(Funding)
        .where(*ours(Funding), Funding.id == funding_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such funding."))
    return found

"""What became of an export: settled by the transactions that paid it, or taken back.

Source: section 4 of the rules of rewards.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from ally import clock
from ally.accounts.models import User
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, NotFound
from ally.events import trail
from ally.language import _
from ally.rewards import chain as chains
from ally.rewards import payouts
from ally.rewards.campaigns import lock_campaign, refuse_without_reason
from ally.rewards.chain import Chain, Mined, Transfer
from ally.rewards.exports import GOING, MOST, still_going
from ally.rewards.funding import read_hash
from ally.rewards.models import (
    AttemptState,
    Campaign,
    LogUse,
    Payout,
    PayoutAttempt,
    PayoutExport,
    UsedLog,
)
from ally.rewards.verifying import BY_BALANCE, NATIVE, gained_in_block, use_up


def settle_by_hand(made: PayoutExport, by: User, tx_hash: str, reason: str) -> int:
    """Note that everything of the export that is still on its way was paid by this transaction,
    which `by` answers for; how many payouts that were.

    Where the chain can be asked and cannot tell, another admin answers than who handed it out.
    Raises Invalid, Conflict.
    """
    refuse_without_reason(reason)
    known = read_hash(tx_hash)
    campaign = lock_campaign(made.campaign_id)
    if chains.is_connected(campaign.chain_id) and by.id == made.created_by_id:
        raise Conflict(_("Another admin than the one who handed it out answers for it."))
    going = all_going(made)
    for attempt in going:
        arrive(attempt, known, reason.strip())
    trail.record(
        campaign, "campaign.paid_by_hand", by=by, tx=known, count=str(len(going)), reason=reason
    )
    return len(going)


def settle_by_chain(made: PayoutExport, by: User, tx_hash: str) -> int:
    """Settle those payouts of the export that the transaction paid, by its own transfers; how many.

    One transaction may pay many, and an export may need several.  The chain is asked before
    anything is held.  Raises Invalid, Conflict when it is not mined, reverted, not final yet,
    counted already, or pays nobody of the export; Unreachable.
    """
    campaign = db.session.get_one(Campaign, made.campaign_id)
    chain, known = chains.sure_chain_of(campaign.chain_id), read_hash(tx_hash)
    mined = final(chain, known)
    found = payments_in(chain, campaign, mined)
    lock_campaign(campaign.id)
    refuse_signed(known)
    paid, free = 0, uncounted(campaign.chain_id, known, found)
    for transfer, attempts in matched(free, still_going(made)):
        settle(attempts, transfer, mined, campaign.chain_id)
        paid += len(attempts)
    if not paid:
        raise Conflict(_("This transaction pays nobody of this export."))
    trail.record(campaign, "campaign.paid_by_chain", by=by, tx=known, count=str(paid))
    return paid


def refuse_signed(tx_hash: str) -> None:
    """What Ally has sent itself settles what it was sent for.  Raises Conflict."""
    asked = select(PayoutAttempt.id).where(
        *ours(PayoutAttempt), PayoutAttempt.tx_hash == tx_hash, PayoutAttempt.raw.is_not(None)
    )
    if db.session.scalar(asked.limit(1)) is not None:
        raise Conflict(_("Ally has sent this transaction itself, for another payout."))


def matched(
    transfers: Sequence[Transfer], going: Sequence[PayoutAttempt]
) -> Iterator[tuple[Transfer, list[PayoutAttempt]]]:
    """What each transfer pays: one payout of its wallet, or all that are left of it together."""
    left = list(going)
    for transfer in transfers:
        of_wallet = [attempt for attempt in left if attempt.wallet == transfer.recipient]
        paid = [attempt for attempt in of_wallet if attempt.amount == transfer.amount][:1]
        if not paid and sum(attempt.amount for attempt in of_wallet) == transfer.amount:
            paid = of_wallet
        if paid:
            left = [attempt for attempt in left if attempt not in paid]
            yield transfer, paid


def settle(
    attempts: Sequence[PayoutAttempt], transfer: Transfer, mined: Mined, chain_id: int
) -> None:
    """Note that the transfer has paid them.  Raises Conflict when it is counted already."""
    use_up([transfer], mined, chain_id, LogUse.PAYOUT, attempts[0].payout_id)
    for attempt in attempts:
        arrive(attempt, mined.tx_hash, "seen on the chain")


def arrive(attempt: PayoutAttempt, tx_hash: str, outcome: str) -> None:
    payouts.settle(payouts.lock_payout(attempt.payout_id), tx_hash)
    finish(attempt, AttemptState.CONFIRMED, outcome, tx_hash)


def all_going(made: PayoutExport) -> Sequence[PayoutAttempt]:
    """Raises Conflict where there is nothing."""
    going = still_going(made)
    if not going:
        raise Conflict(_("Nothing of this export is on its way."))
    return going


def final(chain: Chain, tx_hash: str) -> Mined:
    """The transaction, once nothing is likely to take it back.  Raises Conflict."""
    mined = chain.mined(tx_hash)
    if mined is None:
        raise Conflict(_("This transaction is in no block yet."))
    if not mined.succeeded:
        raise Conflict(_("This transaction was reverted, and paid nobody."))
    depth, wanted = chain.depth(mined), chains.confirmations()
    if depth < wanted:
        raise Conflict(
            _("It has %(depth)s of %(wanted)s confirmations.", depth=depth, wanted=wanted)
        )
    if not chain.holds(mined):
        raise Conflict(_("Its block is not part of the chain any more."))
    return mined


def payments_in(chain: Chain, campaign: Campaign, mined: Mined) -> list[Transfer]:
    """What left the vault by the transaction, in the campaign's own coin."""
    vault = str(campaign.vault_address)
    if campaign.token_address is not None:
        moved = mined.transfers(campaign.token_address)
        return [transfer for transfer in moved if transfer.sender == vault]
    if mined.to and mined.value and mined.sender == vault:
        return [Transfer(NATIVE, vault, mined.to, mined.value)]
    return by_balances(chain, campaign, mined) if mined.touches(vault) else []


def by_balances(chain: Chain, campaign: Campaign, mined: Mined) -> list[Transfer]:
    """What a contract paid in the chain's own coin, of which there is no log: each payee's
    balance before and after the block tells, and each gain counts once."""
    block, vault = mined.block_number, str(campaign.vault_address)
    if chain.balance(vault, block - 1) <= chain.balance(vault, block):
        return []
    wallets = db.session.scalars(
        select(PayoutAttempt.wallet)
        .join(Payout, Payout.id == PayoutAttempt.payout_id)
        .where(
            *ours(PayoutAttempt), Payout.campaign_id == campaign.id, PayoutAttempt.state.in_(GOING)
        )
        .distinct()
    ).all()
    gained = {one: gained_in_block(chain, mined, one) for one in wallets}
    return [
        Transfer(BY_BALANCE, vault, one, amount) for one, amount in gained.items() if amount > 0
    ]


def withdraw(made: PayoutExport, by: User, reason: str) -> int:
    """Take the export back, since nobody has executed it and nobody will; how many payouts.

    Where a token's chain can be asked, it is: what was paid is not taken back.  Raises Invalid,
    Conflict when nothing is on its way, or something was paid; Unreachable.
    """
    refuse_without_reason(reason)
    refuse_executed(made)
    campaign = lock_campaign(made.campaign_id)
    going = all_going(made)
    for attempt in going:
        payouts.fail(payouts.lock_payout(attempt.payout_id), reason.strip())
        finish(attempt, AttemptState.WITHDRAWN, reason.strip(), None)
    made.withdrawn_at = clock.now()
    trail.record(campaign, "campaign.export_withdrawn", by=by, reason=reason.strip())
    return len(going)


def refuse_executed(made: PayoutExport) -> None:
    """Raises Conflict, with the transaction that has paid something of the export."""
    campaign = db.session.get_one(Campaign, made.campaign_id)
    token, vault = campaign.token_address, campaign.vault_address
    if token is None or vault is None or not chains.is_connected(campaign.chain_id):
        return
    chain, going = chains.sure_chain_of(campaign.chain_id), still_going(made)
    found = chain.transfers_from(token, vault, chain.block_at(made.created_at))
    for tx_hash, transfers in found.items():
        if any(matched(uncounted(campaign.chain_id, tx_hash, transfers), going)):
            raise Conflict(
                _("The transaction %(tx)s has paid some of it: note that first.", tx=tx_hash)
            )


def uncounted(chain_id: int, tx_hash: str, transfers: Sequence[Transfer]) -> list[Transfer]:
    """Those of the transaction's transfers that were not counted yet."""
    rows = db.session.execute(
        select(UsedLog.log_index, UsedLog.recipient).where(
            *ours(UsedLog),
            UsedLog.chain_id == chain_id,
            UsedLog.tx_hash == tx_hash,
            UsedLog.reversed_at.is_(None),
        )
    )
    counted = {(row.log_index, row.recipient) for row in rows}
    return [one for one in transfers if (one.log_index, one.recipient) not in counted]


# Payments of Ally's own that moved something else than they should have

IN_DOUBT = (
    PayoutAttempt.state == AttemptState.BROADCAST,
    PayoutAttempt.outcome.is_not(None),
)


def doubted(campaign_id: UUID) -> Sequence[PayoutAttempt]:
    """What Ally has sent and the chain has taken, without paying the very amount."""
    return db.session.scalars(
        select(PayoutAttempt)
        .join(Payout, Payout.id == PayoutAttempt.payout_id)
        .where(*ours(PayoutAttempt), Payout.campaign_id == campaign_id, *IN_DOUBT)
        .options(contains_eager(PayoutAttempt.payout).joinedload(Payout.person))
        .order_by(PayoutAttempt.id)
        .limit(MOST)
    ).all()


def clear_up(attempt_id: UUID, by: User, *, is_paid: bool, reason: str) -> Payout:
    """Say of a payment in doubt whether it counts as paid; if not, it can be tried again.

    Raises Invalid, NotFound when it is not in doubt.
    """
    refuse_without_reason(reason)
    attempt = db.session.scalar(
        select(PayoutAttempt).where(*ours(PayoutAttempt), PayoutAttempt.id == attempt_id, *IN_DOUBT)
    )
    if attempt is None:
        raise NotFound(_("There is no such payment in doubt."))
    payout, tx_hash = payouts.lock_payout(attempt.payout_id), str(attempt.tx_hash)
    if is_paid:
        arrive(attempt, tx_hash, reason.strip())
    else:
        payouts.fail(payout, reason.strip())
        finish(attempt, AttemptState.DEAD, reason.strip(), tx_hash)
    trail.record(payout, "payout.cleared_up", by=by, tx=tx_hash, reason=reason.strip())
    return payout


def finish(attempt: PayoutAttempt, state: AttemptState, outcome: str, tx: str | None) -> None:
    attempt.state, attempt.outcome, attempt.tx_hash = state, outcome[:500], tx
    attempt.finished_at = clock.now()
    db.session.flush()

"""Payouts handed out together for somebody who holds the key (mode A: no key on the server).

An export sets its payouts on their way; the same payout stands in one export that counts.
What came of it is settled by the transaction that paid it, or withdrawn when there was none.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ally import clock
from ally.accounts.models import User
from ally.audit.exports import harmless, lines
from ally.community.addresses import checksummed
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.ledger.amounts import in_tokens
from ally.rewards import chain as chains
from ally.rewards import merkle, payouts
from ally.rewards.campaigns import refuse_without_reason
from ally.rewards.chain import Chain, Mined, Transfer
from ally.rewards.funding import read_hash
from ally.rewards.models import (
    AttemptState,
    Campaign,
    ExportKind,
    LogUse,
    Payout,
    PayoutAttempt,
    PayoutExport,
    PayoutStatus,
)
from ally.rewards.payouts import NotPayable
from ally.rewards.verifying import NATIVE, use_up

SAFE_BATCH = 200  # transfers that one Safe transaction carries well within a block's gas
MOST = 1_000  # payouts of one export, each locked and posted by itself
GOING = (AttemptState.EXPORTED, AttemptState.SIGNED, AttemptState.BROADCAST)
TRANSFER = {
    "inputs": [
        {"internalType": "address", "name": "to", "type": "address"},
        {"internalType": "uint256", "name": "value", "type": "uint256"},
    ],
    "name": "transfer",
    "payable": False,
}


def payable(campaign: Campaign) -> Sequence[Payout]:
    """The campaign's payouts that were released and may be paid now, the first first."""
    waiting = db.session.scalars(
        select(Payout)
        .where(
            *ours(Payout),
            Payout.campaign_id == campaign.id,
            Payout.status == PayoutStatus.PENDING,
            Payout.hold_reason.is_(None),
            Payout.approved_action_id.is_not(None),
            Payout.not_before <= clock.now(),
        )
        .options(joinedload(Payout.campaign), joinedload(Payout.epoch), joinedload(Payout.person))
        .order_by(Payout.id)
        .limit(MOST)
    ).all()
    return [payout for payout in waiting if is_payable(payout)]


def is_payable(payout: Payout) -> bool:
    try:
        payouts.refuse_unpayable(payout)
    except NotPayable:
        return False
    return True


def export(campaign: Campaign, by: User, kind: ExportKind) -> PayoutExport:
    """Hand out everything that may be paid now, and set it on its way.

    The campaign must be held (`lock_campaign`).  Raises Conflict when there is nothing.
    """
    found = [payouts.lock_payout(payout.id) for payout in payable(campaign)]
    if not found:
        raise Conflict(_("Nothing may be paid now."))
    numbers = [payouts.begin(payout, by) for payout in found]
    made = PayoutExport(
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        kind=kind,
        payouts=len(found),
        total=sum(payout.amount for payout in found),
        root=root_of(found) if kind is ExportKind.MERKLE else None,
        created_by_id=by.id,
    )
    db.session.add(made)
    db.session.flush()
    db.session.add_all(
        PayoutAttempt(
            account_id=payout.account_id,
            payout_id=payout.id,
            number=number,
            state=AttemptState.EXPORTED,
            export_id=made.id,
            chain_id=campaign.chain_id,
            wallet=payout.wallet,
            amount=payout.amount,
        )
        for payout, number in zip(found, numbers, strict=True)
    )
    db.session.flush()
    trail.record(
        campaign,
        "campaign.exported",
        by=by,
        kind=kind.value,
        payouts=str(made.payouts),
        amount=in_tokens(made.total, campaign.decimals),
    )
    return made


def root_of(some: Sequence[Payout]) -> str:
    return merkle.tree_of([(str(payout.wallet), payout.amount) for payout in some]).root


def find_export(export_id: UUID) -> PayoutExport:
    """The current account's export.  Raises NotFound."""
    found = db.session.scalar(
        select(PayoutExport).where(*ours(PayoutExport), PayoutExport.id == export_id)
    )
    if found is None:
        raise NotFound(_("There is no such export."))
    return found


def exports_of(campaign_id: UUID, limit: int = 50) -> Sequence[PayoutExport]:
    """The newest first."""
    return db.session.scalars(
        select(PayoutExport)
        .where(*ours(PayoutExport), PayoutExport.campaign_id == campaign_id)
        .order_by(PayoutExport.id.desc())
        .limit(limit)
    ).all()


def attempts_of(made: PayoutExport) -> Sequence[PayoutAttempt]:
    return db.session.scalars(
        select(PayoutAttempt)
        .where(*ours(PayoutAttempt), PayoutAttempt.export_id == made.id)
        .order_by(PayoutAttempt.id)
    ).all()


def still_going(made: PayoutExport) -> Sequence[PayoutAttempt]:
    """Those of which it is not known yet what became."""
    return [attempt for attempt in attempts_of(made) if attempt.state in GOING]


# The files


def safe_batches(made: PayoutExport, campaign: Campaign) -> list[dict[str, Any]]:
    """The export for Safe's Transaction Builder, in parts of SAFE_BATCH.

    Source: https://github.com/safe-global/safe-wallet-monorepo, apps/tx-builder, "BatchFile".
    """
    attempts = attempts_of(made)
    parts = [attempts[n : n + SAFE_BATCH] for n in range(0, len(attempts), SAFE_BATCH)]
    return [
        {
            "version": "1.0",
            "chainId": str(campaign.chain_id),
            "createdAt": int(made.created_at.timestamp() * 1000),
            "meta": {
                "name": f"{campaign.name}, part {number} of {len(parts)}",
                "description": f"Ally export {made.id}",
                "txBuilderVersion": "1.16.5",
                "createdFromSafeAddress": vault_of(campaign),
            },
            "transactions": [transfer(attempt, campaign) for attempt in part],
        }
        for number, part in enumerate(parts, start=1)
    ]


def vault_of(campaign: Campaign) -> str:
    return checksummed(campaign.vault_address) if campaign.vault_address else ""


def transfer(attempt: PayoutAttempt, campaign: Campaign) -> dict[str, Any]:
    to, amount = checksummed(attempt.wallet), str(attempt.amount)
    if campaign.token_address is None:
        return {"to": to, "value": amount, "data": None}
    return {
        "to": checksummed(campaign.token_address),
        "value": "0",
        "data": None,
        "contractMethod": TRANSFER,
        "contractInputsValues": {"to": to, "value": amount},
    }


def merkle_file(made: PayoutExport) -> dict[str, Any]:
    """The tree as OpenZeppelin's package loads it, with each payee's proof."""
    paid = [(checksummed(attempt.wallet), attempt.amount) for attempt in attempts_of(made)]
    tree = merkle.tree_of(paid)
    proofs = {tree.leaves[n][0]: tree.proof(n) for n in range(len(tree.leaves))}
    return {"root": tree.root, **merkle.dumped(tree), "proofs": proofs}


def as_csv(made: PayoutExport, campaign: Campaign) -> Iterator[str]:
    """One line for each payout: its wallet, the amount in tokens and in base units."""
    yield lines([("wallet", "amount", "units", "token", "chain", "payout")])
    token = checksummed(campaign.token_address) if campaign.token_address else "native"
    for attempt in attempts_of(made):
        yield lines(
            [
                [
                    checksummed(attempt.wallet),
                    in_tokens(attempt.amount, campaign.decimals),
                    str(attempt.amount),
                    harmless(token),
                    str(campaign.chain_id),
                    str(attempt.payout_id),
                ]
            ]
        )


def file_of(made: PayoutExport, campaign: Campaign, part: int = 1) -> tuple[str, str, str]:
    """The export as a file: its name, its type and what is in it.  Raises NotFound."""
    if made.kind is ExportKind.CSV:
        return "payouts.csv", "text/csv", "".join(as_csv(made, campaign))
    if made.kind is ExportKind.MERKLE:
        return "merkle.json", "application/json", json.dumps(merkle_file(made), indent=2)
    parts = safe_batches(made, campaign)
    if not 1 <= part <= len(parts):
        raise NotFound(_("There is no such part."))
    return f"safe-{part}-of-{len(parts)}.json", "application/json", json.dumps(parts[part - 1])


def parts_of(made: PayoutExport) -> int:
    """In how many files it comes."""
    return -(-made.payouts // SAFE_BATCH) if made.kind is ExportKind.SAFE else 1


# What became of it


def settle_by_hand(made: PayoutExport, by: User, tx_hash: str, reason: str) -> int:
    """Note that everything of the export that is still on its way was paid by this transaction,
    which `by` answers for where no chain can be asked; how many payouts that were.

    Raises Invalid, Conflict when nothing is on its way.
    """
    refuse_without_reason(reason)
    known = read_hash(tx_hash)
    going = still_going(made)
    if not going:
        raise Conflict(_("Nothing of this export is on its way."))
    for attempt in going:
        payout = payouts.lock_payout(attempt.payout_id)
        payouts.settle(payout, known)
        finish(attempt, AttemptState.CONFIRMED, reason.strip(), known)
    campaign = db.session.get_one(Campaign, made.campaign_id)
    trail.record(
        campaign, "campaign.paid_by_hand", by=by, tx=known, count=str(len(going)), reason=reason
    )
    return len(going)


def settle_by_chain(made: PayoutExport, by: User, tx_hash: str) -> int:
    """Settle those payouts of the export that the transaction paid, by its own transfers; how many.

    One transaction may pay many, and an export may need several.  Raises Invalid, Conflict when
    it is not mined, reverted, not final yet, or pays nobody of the export; Unreachable.
    """
    campaign = db.session.get_one(Campaign, made.campaign_id)
    chain, known = chains.chain_of(campaign.chain_id), read_hash(tx_hash)
    mined = final(chain, known)
    left, paid = payments_in(chain, campaign, mined), 0
    for attempt in still_going(made):
        transfer = next((one for one in left if pays(one, attempt)), None)
        if transfer is None:
            continue
        left.remove(transfer)
        settle_one(attempt, transfer, mined, campaign.chain_id)
        paid += 1
    if not paid:
        raise Conflict(_("This transaction pays nobody of this export."))
    trail.record(campaign, "campaign.paid_by_chain", by=by, tx=known, count=str(paid))
    return paid


def settle_one(attempt: PayoutAttempt, transfer: Transfer, mined: Mined, chain_id: int) -> None:
    payout = payouts.lock_payout(attempt.payout_id)
    use_up([transfer], mined, chain_id, LogUse.PAYOUT, payout.id)
    payouts.settle(payout, mined.tx_hash)
    finish(attempt, AttemptState.CONFIRMED, "seen on the chain", mined.tx_hash)


def final(chain: Chain, tx_hash: str) -> Mined:
    """The transaction, once nothing is likely to take it back.  Raises Conflict."""
    mined = chain.mined(tx_hash)
    if mined is None:
        raise Conflict(_("This transaction is in no block yet."))
    if not mined.succeeded:
        raise Conflict(_("This transaction was reverted, and paid nobody."))
    depth, wanted = chain.head() - mined.block_number + 1, chains.confirmations()
    if depth < wanted:
        raise Conflict(
            _("It has %(depth)s of %(wanted)s confirmations.", depth=depth, wanted=wanted)
        )
    if chain.block_hash(mined.block_number) != mined.block_hash:
        raise Conflict(_("Its block is not part of the chain any more."))
    return mined


def payments_in(chain: Chain, campaign: Campaign, mined: Mined) -> list[Transfer]:
    """What left the vault by the transaction, in the campaign's own coin."""
    if campaign.token_address is not None:
        moved = mined.transfers(campaign.token_address)
        return [transfer for transfer in moved if transfer.sender == campaign.vault_address]
    if mined.to and mined.value and mined.sender == campaign.vault_address:
        return [Transfer(NATIVE, mined.sender, mined.to, mined.value)]
    return by_balances(chain, campaign, mined)


def by_balances(chain: Chain, campaign: Campaign, mined: Mined) -> list[Transfer]:
    """What a contract paid in the chain's own coin, of which there is no log: each payee's
    balance before and after the block tells."""
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
    )
    gained = {one: chain.balance(one, block) - chain.balance(one, block - 1) for one in wallets}
    return [Transfer(NATIVE, vault, one, amount) for one, amount in gained.items() if amount > 0]


def pays(transfer: Transfer, attempt: PayoutAttempt) -> bool:
    return transfer.recipient == attempt.wallet and transfer.amount == attempt.amount


def withdraw(made: PayoutExport, by: User, reason: str) -> int:
    """Take the export back, since nobody has executed it and nobody will; how many payouts.

    Raises Invalid, Conflict when nothing is on its way.
    """
    refuse_without_reason(reason)
    going = still_going(made)
    if not going:
        raise Conflict(_("Nothing of this export is on its way."))
    for attempt in going:
        payout = payouts.lock_payout(attempt.payout_id)
        payouts.fail(payout, reason.strip())
        finish(attempt, AttemptState.WITHDRAWN, reason.strip(), None)
    made.withdrawn_at = clock.now()
    campaign = db.session.get_one(Campaign, made.campaign_id)
    trail.record(campaign, "campaign.export_withdrawn", by=by, reason=reason.strip())
    return len(going)


def finish(attempt: PayoutAttempt, state: AttemptState, outcome: str, tx: str | None) -> None:
    attempt.state, attempt.outcome, attempt.tx_hash = state, outcome[:500], tx
    attempt.finished_at = clock.now()
    db.session.flush()


def kind_named(written: str) -> ExportKind:
    """Raises Invalid."""
    try:
        return ExportKind(written)
    except ValueError:
        raise Invalid(_("Choose how it is handed out.")) from None

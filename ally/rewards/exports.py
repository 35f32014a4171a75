"""Payouts handed out together for somebody who holds the key (mode A: no key on the server).

An export sets its payouts on their way; the same payout stands in one export that counts.
What came of it is for `settling`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from ally import clock
from ally.accounts.models import User
from ally.audit.exports import harmless, lines
from ally.community.addresses import checksummed
from ally.community.models import Person
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.ledger.amounts import in_tokens
from ally.rewards import merkle, payouts
from ally.rewards.models import (
    AttemptState,
    Campaign,
    CampaignEpoch,
    EpochState,
    ExportKind,
    Payout,
    PayoutAttempt,
    PayoutExport,
    PayoutStatus,
)
from ally.rewards.payouts import NotPayable

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
    payee = aliased(Person)
    waiting = db.session.scalars(
        select(Payout)
        .join(Payout.epoch)
        .join(Payout.person)
        .join(payee, payee.id == func.coalesce(Person.merged_into_id, Person.id))
        .where(
            *ours(Payout),
            Payout.campaign_id == campaign.id,
            Payout.status == PayoutStatus.PENDING,
            Payout.hold_reason.is_(None),
            Payout.approved_action_id.is_not(None),
            Payout.not_before <= clock.now(),
            # Who waits for something keeps nobody who comes later from being paid.
            CampaignEpoch.state == EpochState.CLAIMING,
            payee.wallet_verified_at.is_not(None),
            payee.hold_reason.is_(None),
        )
        .options(
            joinedload(Payout.campaign), contains_eager(Payout.epoch), contains_eager(Payout.person)
        )
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
    return merkle.tree_of(summed((str(payout.wallet), payout.amount) for payout in some)).root


def summed(payments: Iterable[merkle.Leaf]) -> list[merkle.Leaf]:
    """One leaf for each wallet: a contract lets each claim once."""
    sums: dict[str, int] = {}
    for wallet, amount in payments:
        sums[wallet] = sums.get(wallet, 0) + amount
    return list(sums.items())


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
    paid = summed((checksummed(attempt.wallet), attempt.amount) for attempt in attempts_of(made))
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


def kind_named(written: str) -> ExportKind:
    """Raises Invalid."""
    try:
        return ExportKind(written)
    except ValueError:
        raise Invalid(_("Choose how it is handed out.")) from None

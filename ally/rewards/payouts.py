"""Payouts: from what is owed to what has arrived, each step once.

Every step goes with its entry of the ledger and the count of its epoch, in one transaction.
Source: section 4 of the rules of rewards.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from ally import clock
from ally.accounts.models import User
from ally.community.models import HoldReason, Person
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.language import _
from ally.ledger.models import Movement
from ally.ledger.posting import post
from ally.rewards.batches import propose_rest
from ally.rewards.models import (
    Campaign,
    CampaignEpoch,
    CampaignStatus,
    EpochState,
    Payout,
    PayoutStatus,
)

MOST = 100  # payouts that are read at once
PAYING = frozenset({CampaignStatus.ACTIVE, CampaignStatus.CANCELED})
"""While it runs, and while one that was cancelled pays what was earned before."""


class NotPayable(Conflict):
    """The payout may not take this step now; the text says why."""


def create_payout(
    epoch: CampaignEpoch,
    person: Person,
    amount: int,
    *,
    weight: Decimal = Decimal(0),
    hold_reason: HoldReason | None = None,
) -> Payout:
    """What the person gets of the epoch, in base units.  The units must be allocated already."""
    payout = Payout(
        account_id=epoch.account_id,
        campaign_id=epoch.campaign_id,
        epoch_id=epoch.id,
        person_id=person.id,
        amount=amount,
        weight=weight,
        hold_reason=hold_reason,
        period_start=epoch.epoch_start,
        period_end=epoch.epoch_end,
    )
    db.session.add(payout)
    db.session.flush()
    return payout


def get_payout(payout_id: UUID) -> Payout:
    """The current account's payout.  Raises NotFound."""
    return found(payouts().where(Payout.id == payout_id))


def lock_payout(payout_id: UUID) -> Payout:
    """The payout as it is now, held with its epoch, the epoch first.  Raises NotFound."""
    known = get_payout(payout_id)
    lock_epoch(known)
    asked = payouts().where(Payout.id == payout_id).with_for_update()
    return found(asked.execution_options(populate_existing=True))


def lock_epoch(payout: Payout) -> CampaignEpoch:
    return db.session.scalars(
        select(CampaignEpoch)
        .where(*ours(CampaignEpoch), CampaignEpoch.id == payout.epoch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def payouts_of_person(
    person_id: UUID, limit: int = MOST, after: UUID | None = None
) -> Sequence[Payout]:
    """The newest first; those that follow the payout `after`."""
    return listed(Payout.person_id == person_id, limit, after)


def payouts_of_campaign(
    campaign_id: UUID, limit: int = MOST, after: UUID | None = None
) -> Sequence[Payout]:
    """The newest first; those that follow the payout `after`."""
    return listed(Payout.campaign_id == campaign_id, limit, after)


def payouts_of_epoch(
    epoch_id: UUID, limit: int = MOST, after: UUID | None = None
) -> Sequence[Payout]:
    """The newest first; those that follow the payout `after`."""
    return listed(Payout.epoch_id == epoch_id, limit, after)


def listed(which: Any, limit: int, after: UUID | None) -> Sequence[Payout]:
    asked = payouts().where(which)
    if after is not None:
        asked = asked.where(Payout.id < after)
    return db.session.scalars(asked.order_by(Payout.id.desc()).limit(limit)).all()


def payouts() -> Select[Payout]:
    return select(Payout).where(*ours(Payout))


def found(asked: Select[Payout]) -> Payout:
    payout = db.session.scalar(asked)
    if payout is None:
        raise NotFound(_("There is no such payout."))
    return payout


# The steps.  Each takes a payout that is held (`lock_payout`).


def begin(payout: Payout, by: User | None = None) -> int:
    """Set the payout on its way; the number of this attempt.  Raises NotPayable."""
    refuse_unpayable(payout)
    payout.attempts += 1
    payout.wallet = payee_of(payout).wallet
    payout.status = PayoutStatus.PROCESSING
    payout.processed_by_id = by.id if by else None
    payout.error_message = None
    move(payout, Movement.SEND, f"send:{payout.id}:{payout.attempts}")
    return payout.attempts


def refuse_unpayable(payout: Payout) -> None:
    """Raises NotPayable with the first thing that stands against paying it now."""
    epoch, campaign, payee = payout.epoch, payout.campaign, payee_of(payout)
    if payout.status is not PayoutStatus.PENDING:
        raise NotPayable(_("This payout is not waiting to be paid."))
    if campaign.status not in PAYING:
        raise NotPayable(_("The campaign is not paying now."))
    if epoch is None or epoch.state is not EpochState.CLAIMING or is_over(epoch):
        raise NotPayable(_("The time to pay this epoch is over."))
    if payout.approved_action_id is None or not_yet(payout):
        raise NotPayable(_("Nobody has released this payout yet."))
    if payout.hold_reason is not None or payee.hold_reason is not None:
        raise NotPayable(_("This payout is held."))
    if payee.wallet is None or payee.wallet_verified_at is None:
        raise NotPayable(_("This member has no wallet that is known to be theirs."))
    if payee.wallet_linked_at is not None and clock.now() < payee.wallet_linked_at:
        raise NotPayable(_("This member has changed their wallet lately."))


def payee_of(payout: Payout) -> Person:
    """Who gets it: the person, or whom they turned out to be."""
    person = payout.person
    if person.merged_into_id is not None:
        return db.session.get_one(Person, person.merged_into_id)
    return person


def is_over(epoch: CampaignEpoch) -> bool:
    """Whether the window has ended: its last instant is no longer in it."""
    return clock.now() >= epoch.claim_window_ends


def not_yet(payout: Payout) -> bool:
    return payout.not_before is not None and clock.now() < payout.not_before


def settle(payout: Payout, tx_hash: str, at: datetime | None = None) -> None:
    """Note that it has arrived, for good.  Raises NotPayable."""
    refuse_unless(payout, PayoutStatus.PROCESSING)
    payout.status, payout.tx_hash, payout.payout_at = (
        PayoutStatus.COMPLETED,
        tx_hash,
        at or clock.now(),
    )
    lock_epoch(payout).claimed += payout.amount
    move(payout, Movement.SETTLE, f"settle:{payout.id}")
    trail.record(payout, "payout.settled", amount=str(payout.amount), tx=tx_hash)


def fail(payout: Payout, because: str) -> None:
    """Note that the attempt is provably dead; a timeout proves nothing.  Raises NotPayable."""
    refuse_unless(payout, PayoutStatus.PROCESSING)
    payout.status, payout.error_message = PayoutStatus.FAILED, because
    move(payout, Movement.FAIL, f"fail:{payout.id}:{payout.attempts}")
    trail.record(payout, "payout.failed", reason=because)


def retry(payout: Payout, by: User) -> None:
    """Have it wait to be paid again, while there is time.  Raises NotPayable."""
    refuse_unless(payout, PayoutStatus.FAILED)
    if payout.epoch is None or payout.epoch.state is not EpochState.CLAIMING:
        raise NotPayable(_("The time to pay this epoch is over."))
    payout.status = PayoutStatus.PENDING
    db.session.flush()
    trail.record(payout, "payout.retried", by=by)


def cancel(payout: Payout, by: User, reason: str) -> None:
    """Take it out of the epoch: the units go back into the pool.  Raises NotPayable, Invalid."""
    if not reason.strip():
        raise Invalid(_("Say why, for those who read this later."))
    refuse_unless(payout, PayoutStatus.PENDING, PayoutStatus.FAILED)
    payout.status, payout.error_message = PayoutStatus.CANCELLED, reason.strip()
    lock_epoch(payout).cancelled += payout.amount
    move(payout, Movement.CANCEL, f"cancel:{payout.id}")
    trail.record(payout, "payout.cancelled", by=by, reason=reason.strip())


def hold(payout: Payout, by: User, reason: HoldReason, note: str) -> None:
    """Keep it from being paid; it stays owed until the window ends.  Raises NotPayable, Invalid."""
    if not note.strip():
        raise Invalid(_("Say why, for those who read this later."))
    refuse_unless(payout, PayoutStatus.PENDING, PayoutStatus.FAILED)
    payout.hold_reason, payout.hold_note = reason, note.strip()
    db.session.flush()
    trail.record(payout, "payout.held", by=by, reason=note.strip())


def release(payout: Payout, by: User) -> None:
    """Hold it no longer; one that nobody has approved yet comes before the admins.

    Raises NotPayable, also while the member has more than one may of the campaign.
    """
    if payout.hold_reason is None:
        raise NotPayable(_("This payout is not held."))
    if payout.hold_reason is HoldReason.OVER_LIMIT and is_over_limit(payout):
        raise NotPayable(
            _("This member has more than one may of this campaign. Leave something out first.")
        )
    payout.hold_reason = payout.hold_note = None
    db.session.flush()
    trail.record(payout, "payout.released", by=by)
    if payout.approved_action_id is None and payout.epoch is not None:
        propose_rest(payout.epoch)


def is_over_limit(payout: Payout) -> bool:
    """Whether what stands for the payee is more than the campaign has for one member."""
    limit = payout.campaign.max_rewards_per_user
    payee = payee_of(payout)
    had = db.session.scalar(
        select(func.sum(Payout.amount))
        .join(Person, Person.id == Payout.person_id)
        .where(
            *ours(Payout),
            Payout.campaign_id == payout.campaign_id,
            Payout.status != PayoutStatus.CANCELLED,
            (Person.id == payee.id) | (Person.merged_into_id == payee.id),
        )
    )
    return limit is not None and int(had or 0) > limit


def refuse_unless(payout: Payout, *statuses: PayoutStatus) -> None:
    if payout.status not in statuses:
        raise NotPayable(_("This payout has moved on. Look again."))


def move(payout: Payout, movement: Movement, key: str) -> None:
    db.session.flush()  # the row is refused before the books are touched
    post(campaign_of(payout).book_id, movement, payout.amount, key=key, about=payout.id)


def campaign_of(payout: Payout) -> Campaign:
    return db.session.get_one(Campaign, payout.campaign_id)


def update_payout_status(
    payout: Payout,
    status: PayoutStatus,
    *,
    by: User | None = None,
    tx_hash: str | None = None,
    error_message: str = "",
) -> None:
    """Take the step that leads to this status (contract 000-97).  Raises NotPayable, Invalid."""
    if status is PayoutStatus.PROCESSING:
        begin(payout, by)
    elif status is PayoutStatus.COMPLETED and tx_hash:
        settle(payout, tx_hash)
    elif status is PayoutStatus.FAILED:
        fail(payout, error_message)
    elif status is PayoutStatus.CANCELLED and by:
        cancel(payout, by, error_message)
    elif status is PayoutStatus.PENDING and by:
        retry(payout, by)
    else:
        raise Invalid(_("Say who does this, and by which transaction."))

"""What the pages of campaigns, epochs and payouts show: named questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select, text, tuple_
from sqlalchemy.orm import joinedload

from ally import clock
from ally.community.people import ours
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.language import _
from ally.ledger import books
from ally.ledger.models import LedgerAccount
from ally.ledger.models import LedgerAccountName as Name
from ally.paging import Page, page_of, place_of
from ally.review.models import Draft, DraftStatus
from ally.rewards.models import (
    Campaign,
    CampaignEpoch,
    CampaignPause,
    Funding,
    Payout,
    PayoutStatus,
)

LENGTH = 50  # rows of a list that are drawn at once
RECENT = 12  # epochs that a campaign's page shows
BATCH = "payout_batch"
APPROVED = "APPROVED"  # what a pending payout is called, once it was released at the gate


@dataclass(frozen=True)
class Pool:
    """Where a campaign's units are now; they add up to what it was funded with."""

    funded: int
    unallocated: int
    allocated: int
    in_flight: int
    paid: int
    expired: int
    refunded: int

    @property
    def adds_up(self) -> bool:
        parts = (self.unallocated, self.allocated, self.in_flight, self.paid)
        return self.funded == sum(parts) + self.expired + self.refunded

    def percent(self, part: int) -> float:
        """How much of the whole this is, for a drawing alone."""
        return round(100 * part / self.funded, 2) if self.funded else 0.0


def pool_of(held: Mapping[Name, int]) -> Pool:
    return Pool(
        funded=-held[Name.FUNDER],
        unallocated=held[Name.UNALLOCATED],
        allocated=held[Name.ALLOCATED],
        in_flight=held[Name.IN_FLIGHT],
        paid=held[Name.PAID],
        expired=held[Name.EXPIRED],
        refunded=held[Name.REFUND],
    )


@dataclass(frozen=True)
class Line:
    """A campaign in the list."""

    campaign: Campaign
    pool: Pool
    epoch: CampaignEpoch | None


def campaigns(after: str = "") -> Page:
    """The account's campaigns as lines, the newest first."""
    asked = select(Campaign).where(*ours(Campaign))
    if (place := place_of(after)) is not None:
        asked = asked.where(tuple_(Campaign.created_at, Campaign.id) < place)
    newest = asked.order_by(Campaign.created_at.desc(), Campaign.id.desc())
    page = page_of(db.session.scalars(newest.limit(LENGTH + 1)).all(), LENGTH, "created_at")
    held, epochs = balances_of(page.rows), newest_epochs(page.rows)
    lines = [Line(c, pool_of(held[c.book_id]), epochs.get(c.id)) for c in page.rows]
    return Page(lines, page.next)


def balances_of(some: Sequence[Campaign]) -> dict[UUID, dict[Name, int]]:
    rows = db.session.execute(
        select(LedgerAccount.book_id, LedgerAccount.name, LedgerAccount.balance).where(
            LedgerAccount.book_id.in_([campaign.book_id for campaign in some])
        )
    )
    held: dict[UUID, dict[Name, int]] = {}
    for row in rows:
        held.setdefault(row.book_id, {})[row.name] = int(row.balance)
    return held


def newest_epochs(some: Sequence[Campaign]) -> dict[UUID, CampaignEpoch]:
    rows = db.session.scalars(
        select(CampaignEpoch)
        .where(*ours(CampaignEpoch), CampaignEpoch.campaign_id.in_([c.id for c in some]))
        .distinct(CampaignEpoch.campaign_id)
        .order_by(CampaignEpoch.campaign_id, CampaignEpoch.epoch_number.desc())
    )
    return {epoch.campaign_id: epoch for epoch in rows}


def pool_now(campaign: Campaign) -> Pool:
    return pool_of(books.balances(campaign.book_id))


def fundings_of(campaign_id: UUID) -> Sequence[Funding]:
    return db.session.scalars(
        select(Funding)
        .where(*ours(Funding), Funding.campaign_id == campaign_id)
        .options(joinedload(Funding.claimed_by))
        .order_by(Funding.id.desc())
        .limit(LENGTH)
    ).all()


def pause_of(campaign_id: UUID) -> CampaignPause | None:
    """The pause that is going on."""
    return db.session.scalar(
        select(CampaignPause).where(
            *ours(CampaignPause),
            CampaignPause.campaign_id == campaign_id,
            CampaignPause.ended_at.is_(None),
        )
    )


# Payouts

SUMS = text("""
    SELECT count(*) AS payouts, coalesce(sum(amount), 0) AS total,
           count(*) FILTER (WHERE hold_reason IS NOT NULL AND status IN ('PENDING', 'FAILED'))
             AS held,
           coalesce(sum(amount) FILTER (WHERE hold_reason IS NOT NULL
             AND status IN ('PENDING', 'FAILED')), 0) AS held_total,
           count(*) FILTER (WHERE status = 'CANCELLED') AS left_out,
           coalesce(sum(amount) FILTER (WHERE status = 'CANCELLED'), 0) AS left_out_total,
           coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY amount), 0) AS middle
      FROM payout WHERE account_id = :account_id AND epoch_id = :epoch_id
""")
# Each payout of an epoch beside what the same person got in the epoch before it.
COMPARED = text("""
    SELECT p.id, p.person_id,
           coalesce(nullif(btrim(o.display_name), ''), left(o.wallet, 10), right(o.id::text, 8))
             AS name, o.wallet, o.wallet_verified_at, p.amount, p.weight, p.status, p.hold_reason,
           p.hold_note, p.error_message, p.approved_action_id, b.amount AS before
      FROM payout p JOIN person o ON o.account_id = :account_id AND o.id = p.person_id
      LEFT JOIN payout b ON b.account_id = :account_id AND b.epoch_id = :before_id
           AND b.person_id = p.person_id AND b.status <> 'CANCELLED'
     WHERE p.account_id = :account_id AND p.epoch_id = :epoch_id
       AND (p.amount, p.id) < (:after_amount, :after_id)
     ORDER BY p.amount DESC, p.id DESC LIMIT :limit
""")
MOST_UNITS = 10**78
LAST_ID = UUID(int=2**128 - 1)


def sums_of(epoch: CampaignEpoch) -> Row[Any]:
    """How many payouts the epoch has and what they come to; held ones, and those left out."""
    return db.session.execute(SUMS, {"account_id": epoch.account_id, "epoch_id": epoch.id}).one()


def epoch_before(epoch: CampaignEpoch) -> CampaignEpoch | None:
    """The last epoch before this one that paid anybody."""
    return db.session.scalar(
        select(CampaignEpoch)
        .where(
            *ours(CampaignEpoch),
            CampaignEpoch.campaign_id == epoch.campaign_id,
            CampaignEpoch.epoch_number < epoch.epoch_number,
            CampaignEpoch.allocated > 0,
        )
        .order_by(CampaignEpoch.epoch_number.desc())
        .limit(1)
    )


def compared(epoch: CampaignEpoch, after: str = "", limit: int = LENGTH) -> Page:
    """The epoch's payouts, the largest first, each beside the one before."""
    before, (amount, row_id) = epoch_before(epoch), place_in_amounts(after)
    rows = db.session.execute(
        COMPARED,
        {
            "account_id": epoch.account_id,
            "epoch_id": epoch.id,
            "before_id": before.id if before else None,
            "after_amount": amount,
            "after_id": row_id,
            "limit": limit + 1,
        },
    ).all()
    shown = rows[:limit]
    return Page(shown, f"{shown[-1].amount}~{shown[-1].id}" if len(rows) > limit else None)


def place_in_amounts(address: str) -> tuple[int, UUID]:
    amount, _tilde, row_id = address.partition("~")
    try:
        return min(int(amount), MOST_UNITS), UUID(row_id)
    except ValueError:
        return MOST_UNITS, LAST_ID


@dataclass(frozen=True)
class PayoutFilters:
    """What was asked for, as the form says it; "" for anything."""

    campaign: str = ""
    epoch: str = ""
    status: str = ""
    member: str = ""

    @property
    def asked(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}


def payouts(filters: PayoutFilters, after: str = "", limit: int = LENGTH) -> Page:
    """The account's payouts that fit, the newest first; `next` is the last one's id."""
    asked = payouts_asked(filters)
    if (after_id := uuid_in(after)) is not None:
        asked = asked.where(Payout.id < after_id)
    rows = db.session.scalars(asked.order_by(Payout.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, str(shown[-1].id) if len(rows) > limit else None)


def payouts_asked(filters: PayoutFilters) -> Select[Payout]:
    asked = (
        select(Payout)
        .where(*ours(Payout))
        .options(joinedload(Payout.campaign), joinedload(Payout.epoch), joinedload(Payout.person))
    )
    if filters.campaign:
        asked = asked.where(Payout.campaign_id == (uuid_in(filters.campaign) or LAST_ID))
    if filters.epoch:
        asked = asked.where(Payout.epoch_id == (uuid_in(filters.epoch) or LAST_ID))
    if filters.member:
        asked = asked.where(Payout.person_id == (uuid_in(filters.member) or LAST_ID))
    if filters.status == "held":
        asked = asked.where(
            Payout.hold_reason.is_not(None),
            Payout.status.in_([PayoutStatus.PENDING, PayoutStatus.FAILED]),
        )
    elif filters.status in {APPROVED, PayoutStatus.PENDING}:
        is_approved = Payout.approved_action_id.is_not(None)
        asked = asked.where(
            Payout.status == PayoutStatus.PENDING,
            is_approved if filters.status == APPROVED else ~is_approved,
        )
    elif filters.status in set(PayoutStatus):
        asked = asked.where(Payout.status == PayoutStatus(filters.status))
    return asked


def uuid_in(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def find_epoch(epoch_id: UUID) -> CampaignEpoch:
    """The current account's epoch, with its campaign.  Raises NotFound."""
    epoch = db.session.scalar(
        select(CampaignEpoch)
        .where(*ours(CampaignEpoch), CampaignEpoch.id == epoch_id)
        .options(joinedload(CampaignEpoch.campaign))
    )
    if epoch is None:
        raise NotFound(_("There is no such epoch."))
    return epoch


def epochs_to_choose(filters: PayoutFilters) -> Sequence[Any]:
    """The newest epochs of the campaign that was asked for, or of all; the asked one first."""
    asked = (
        select(CampaignEpoch.id, CampaignEpoch.epoch_number, Campaign.name)
        .join(Campaign, Campaign.id == CampaignEpoch.campaign_id)
        .where(*ours(CampaignEpoch))
    )
    chosen = CampaignEpoch.id == (uuid_in(filters.epoch) or LAST_ID)
    if (campaign_id := uuid_in(filters.campaign)) is not None:
        asked = asked.where(or_(chosen, CampaignEpoch.campaign_id == campaign_id))
    newest = asked.order_by(chosen.desc(), CampaignEpoch.epoch_start.desc(), CampaignEpoch.id)
    return db.session.execute(newest.limit(LENGTH)).all()


def campaign_names() -> Sequence[Any]:
    """The ids and names of the newest campaigns, to choose from."""
    return db.session.execute(
        select(Campaign.id, Campaign.name)
        .where(*ours(Campaign))
        .order_by(Campaign.created_at.desc())
        .limit(LENGTH)
    ).all()


# Batches at the gate


def batches_of(campaign_id: UUID) -> dict[UUID, UUID]:
    """The campaign's epochs that wait for approval, the oldest first, each with its batch."""
    rows = db.session.execute(
        select(CampaignEpoch.id, CampaignEpoch.draft_id)
        .join(Draft, Draft.id == CampaignEpoch.draft_id)
        .where(
            *ours(CampaignEpoch),
            CampaignEpoch.campaign_id == campaign_id,
            Draft.status == DraftStatus.PENDING,
        )
        .order_by(CampaignEpoch.epoch_number)
    )
    return {row.id: row.draft_id for row in rows if row.draft_id is not None}


def released_of(campaign_id: UUID) -> int:
    """How many of the campaign's payouts were approved and not held, and wait to be paid."""
    asked = select(func.count()).where(
        *ours(Payout),
        Payout.campaign_id == campaign_id,
        Payout.status == PayoutStatus.PENDING,
        Payout.hold_reason.is_(None),
        Payout.not_before <= clock.now(),
    )
    return db.session.scalars(asked).one()


def waiting_batches() -> Sequence[Any]:
    """The batches that wait for a decision, the oldest first, each with its epoch."""
    return db.session.execute(
        select(
            Draft.id,
            Draft.created_at,
            Campaign.name,
            Campaign.decimals,
            Campaign.token_symbol,
            CampaignEpoch.epoch_number,
            CampaignEpoch.allocated,
        )
        .join(CampaignEpoch, CampaignEpoch.draft_id == Draft.id)
        .join(Campaign, Campaign.id == CampaignEpoch.campaign_id)
        .where(
            Draft.account_id == current_account_id(),
            Draft.kind == BATCH,
            Draft.status == DraftStatus.PENDING,
        )
        .order_by(Draft.created_at, Draft.id)
        .limit(LENGTH)
    ).all()

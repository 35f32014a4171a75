"""Payouts at the gate: an epoch's payouts are one draft, which an admin decides on.

Its text is the batch's statement.  What an admin takes out or holds back meanwhile changes
the statement, so that the decision's diff tells it like any other edit.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update

from ally.accounts import config
from ally.accounts.models import Role, User
from ally.community.people import ours
from ally.db import db
from ally.errors import Conflict, NotAllowed, NotFound
from ally.events import trail
from ally.language import Fact, _, named, worded
from ally.ledger.amounts import in_tokens
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftAction, DraftStatus
from ally.rewards.models import (
    FOR_WANT_OF_A_WALLET,
    BatchApproval,
    CampaignEpoch,
    EpochState,
    Payout,
    PayoutStatus,
)

MOST_TOLD = 200  # payouts that a statement names one by one
WAITING = (PayoutStatus.PENDING, PayoutStatus.FAILED)
KIND = "payout_batch"
FOUR_EYES = "payouts.four_eyes_above"
CLAIM_ENDED = named("the time to claim it was over")

# A hold by hand and a cancellation are somebody's decision; that a wallet is missing is not.
# What an earlier batch of the epoch released is none of this one's.
LINES = text("""
    SELECT p.id, p.person_id, p.amount, p.hold_note, p.error_message,
           coalesce(nullif(btrim(o.display_name), ''), left(o.wallet, 10), right(o.id::text, 8))
             AS name,
           CASE WHEN p.status = 'CANCELLED' THEN 'out' WHEN p.hold_reason IS NOT NULL
             AND p.hold_reason NOT IN ('NO_WALLET', 'WALLET_UNVERIFIED') THEN 'held'
             ELSE 'pays' END AS becomes
      FROM payout p JOIN person o ON o.account_id = p.account_id AND o.id = p.person_id
     WHERE p.account_id = :account_id AND p.epoch_id = :epoch_id
       AND p.approved_action_id IS NULL
     ORDER BY p.id
""")


class NeedsAnother(Conflict):
    """One admin alone may not release so much."""


class PayoutBatch:
    """The payouts of an epoch: one kind of draft.  Admins decide on it, some two by two."""

    name = KIND
    teaches = False
    amendable: Collection[str] = ()

    def refuse_others(self, draft: Draft, by: User) -> None:
        if not by.may_act_as(Role.ADMIN):
            raise NotAllowed(_("Only an admin may do this."))

    def final(self, draft: Draft, text: str | None) -> str:
        return statement_of(epoch_of(draft))

    def hold(self, draft: Draft) -> None:
        epoch_of(draft, for_update=True)

    def covered(self, draft: Draft) -> dict[str, Any]:
        return {"batch": statement_of(epoch_of(draft))}

    def described(self, draft: Draft, name: str, part: Any) -> str:
        return str(part)

    def current(self, draft: Draft) -> Draft:
        return db.session.get_one(Draft, epoch_of(draft).draft_id)

    def prepare(
        self, draft: Draft, action: DraftAction, text: str, amended: Mapping[str, str]
    ) -> dict[str, Any]:
        epoch = epoch_of(draft)
        if epoch.state is not EpochState.CLAIMING:
            raise Conflict(_("The time to pay this epoch is over."))
        if needs_another(draft, epoch, action.user_id):
            raise NeedsAnother(_("Another admin must approve this batch first."))
        return {}

    def apply(self, draft: Draft, action: DraftAction, text: str, *, not_before: datetime) -> None:
        epoch = epoch_of(draft)
        db.session.execute(
            update(Payout)
            .where(
                *ours(Payout),
                Payout.epoch_id == epoch.id,
                Payout.status.in_(WAITING),
                Payout.approved_action_id.is_(None),
                # Who is held is not approved: to release them asks for a decision of its own.
                Payout.hold_reason.is_(None) | Payout.hold_reason.in_(FOR_WANT_OF_A_WALLET),
            )
            .values(approved_action_id=action.id, not_before=not_before)
            .execution_options(synchronize_session=False)
        )
        db.session.expire_all()
        trail.record(epoch, "epoch.released", by=action_user(action), number=epoch.epoch_number)

    def put_off(self, draft: Draft, until: datetime | None) -> None:
        """A batch is not put off."""

    def bring_back(self, draft: Draft, by: User) -> None:
        """The epoch never went away."""

    def due_at(self, draft: Draft, action: DraftAction) -> datetime:
        refuse_begun(action)
        return decisions.undo_until(action)

    def revert(self, draft: Draft, action: DraftAction, by: User | None) -> None:
        refuse_begun(action)
        db.session.execute(
            update(Payout)
            .where(*ours(Payout), Payout.approved_action_id == action.id)
            .values(approved_action_id=None, not_before=None)
            .execution_options(synchronize_session=False)
        )
        db.session.expire_all()


def refuse_begun(action: DraftAction) -> None:
    """Raises Conflict once something of what was approved is on its way."""
    asked = select(Payout.id).where(
        *ours(Payout),
        Payout.approved_action_id == action.id,
        Payout.attempts > 0,
    )
    if db.session.scalar(asked.limit(1)) is not None:
        raise Conflict(_("It is too late to undo: payouts of this batch are on their way."))


def action_user(action: DraftAction) -> User:
    return db.session.get_one(User, action.user_id)


# What a batch says


def statement_of(epoch: CampaignEpoch) -> str:
    """What approving the batch pays, and what not, in a few lines; the same batch says the same.

    In English, as it is kept: whoever reads it in years must find what was decided.
    """
    rows = db.session.execute(LINES, {"account_id": epoch.account_id, "epoch_id": epoch.id}).all()
    campaign = epoch.campaign

    def amount(some: Sequence[Row[Any]]) -> str:
        units = sum(int(row.amount) for row in some)
        return f"{in_tokens(units, campaign.decimals)} {campaign.token_symbol}"

    of = {what: [row for row in rows if row.becomes == what] for what in ("pays", "held", "out")}
    said = [
        f"{campaign.name}, epoch {epoch.epoch_number}",
        f"{epoch.epoch_start:%Y-%m-%d %H:%M} to {epoch.epoch_end:%Y-%m-%d %H:%M} UTC",
        f"Pays {len(of['pays'])} members {amount(of['pays'])}",
        f"List: sha256 {digest_of(rows)}",
    ]
    told = [*of["held"], *of["out"]]
    for row in told[:MOST_TOLD]:
        what = "Held" if row.becomes == "held" else "Left out"
        why = row.hold_note if row.becomes == "held" else row.error_message
        said.append(f"{what}: {one_line(row.name)}, {amount([row])}: {one_line(why or '')}")
    if len(told) > MOST_TOLD:
        said.append(f"And {len(told) - MOST_TOLD} others held or left out")
    return "\n".join(said)


def digest_of(rows: Sequence[Row[Any]]) -> str:
    lines = "\n".join(f"{row.person_id}:{row.amount}:{row.becomes}" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()


def one_line(words: str) -> str:
    return " ".join(words.split())[:200]


# The batch of an epoch


def propose(epoch: CampaignEpoch) -> Draft:
    """Put the epoch's payouts before the admins."""
    campaign = epoch.campaign
    draft = Draft(
        account_id=epoch.account_id,
        kind=KIND,
        model_key=campaign.policy.value,
        prompt_version=campaign.policy_version,
        suggested_text=statement_of(epoch),
        payload={
            "epoch_id": str(epoch.id),
            "campaign_id": str(campaign.id),
            "four_eyes_above": config.get_config(FOUR_EYES),
        },
    )
    db.session.add(draft)
    db.session.flush()
    epoch.draft_id = draft.id
    db.session.flush()
    trail.record(epoch, "epoch.proposed", number=epoch.epoch_number)
    tell_admins_of(
        epoch.account_id,
        NotificationType.BATCH_READY,
        about=campaign.name,
        number=str(epoch.epoch_number),
        url=f"/batches/{draft.id}",
    )
    return draft


def propose_again(epoch: CampaignEpoch, by: User) -> Draft:
    """Put a batch that was rejected before the admins anew.  Raises Conflict."""
    before = db.session.get(Draft, epoch.draft_id) if epoch.draft_id else None
    if before is not None and before.status is not DraftStatus.ARCHIVED:
        raise Conflict(_("This batch was not rejected."))
    if epoch.state is not EpochState.CLAIMING:
        raise Conflict(_("The time to pay this epoch is over."))
    trail.record(epoch, "epoch.reconsidered", by=by, number=epoch.epoch_number)
    return propose(epoch)


def propose_rest(epoch: CampaignEpoch) -> Draft | None:
    """Put what is held no longer before the admins, where the epoch's batch is decided already."""
    before = db.session.get(Draft, epoch.draft_id) if epoch.draft_id else None
    is_decided = before is not None and before.status is DraftStatus.SENT
    if epoch.state is not EpochState.CLAIMING or not is_decided:
        return None
    return propose(epoch)


def has_released(epoch: CampaignEpoch) -> bool:
    """Whether something of the epoch was approved."""
    asked = select(Payout.id).where(
        *ours(Payout), Payout.epoch_id == epoch.id, Payout.approved_action_id.is_not(None)
    )
    return db.session.scalar(asked.limit(1)) is not None


def set_aside(epoch: CampaignEpoch, because: Fact = CLAIM_ENDED) -> None:
    """Have the batch wait no longer, if it does."""
    draft = db.session.get(Draft, epoch.draft_id, with_for_update=True) if epoch.draft_id else None
    if draft is None or not draft.is_pending:
        return
    draft.status = DraftStatus.SUPERSEDED
    draft.metadata_ = {**(draft.metadata_ or {}), "set_aside": because}
    trail.record(epoch, "epoch.set_aside", number=epoch.epoch_number, reason=worded(because))


def epoch_of(draft: Draft, *, for_update: bool = False) -> CampaignEpoch:
    """The epoch that the draft pays.  Raises NotFound."""
    asked = select(CampaignEpoch).where(
        *ours(CampaignEpoch), CampaignEpoch.id == (draft.payload or {}).get("epoch_id")
    )
    if for_update:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    epoch = db.session.scalar(asked)
    if epoch is None:
        raise NotFound(_("There is no such epoch."))
    return epoch


# Four eyes


def needs_another(draft: Draft, epoch: CampaignEpoch, by_id: Any) -> bool:
    """Whether the batch comes to more than one admin may release, and nobody but `by_id` has
    approved it as it is now."""
    return comes_to_more(draft, epoch) and first_approval(draft, epoch, besides=by_id) is None


def comes_to_more(draft: Draft, epoch: CampaignEpoch) -> bool:
    """Whether one admin may not release the epoch alone: by the limit that stood when the batch
    was proposed, or by the one that stands now, so that to raise it releases nothing that waits."""
    limits = [(draft.payload or {}).get("four_eyes_above"), config.get_config(FOUR_EYES)]
    known = [Decimal(limit) for limit in limits if limit is not None]
    if not known:
        return False
    total = db.session.scalar(
        select(func.sum(Payout.amount)).where(
            *ours(Payout), Payout.epoch_id == epoch.id, Payout.status != PayoutStatus.CANCELLED
        )
    )
    return Decimal(total or 0) > min(known) * 10**epoch.campaign.decimals


def first_approval(draft: Draft, epoch: CampaignEpoch, besides: Any = None) -> BatchApproval | None:
    """The approval by one admin that counts: of the batch as it is now, by another."""
    now = hashlib.sha256(statement_of(epoch).encode()).hexdigest()
    asked = select(BatchApproval).where(
        *ours(BatchApproval), BatchApproval.draft_id == draft.id, BatchApproval.digest == now
    )
    if besides is not None:
        asked = asked.where(BatchApproval.user_id != besides)
    return db.session.scalar(asked.order_by(BatchApproval.id).limit(1))


def approve(draft: Draft, by: User, *, shown: str) -> DraftAction | None:
    """Release the batch; None where it was the first of two approvals.

    The draft must be held, and as it was `shown`.  Raises what `decisions.approve` raises.
    """
    epoch = epoch_of(draft)
    if not needs_another(draft, epoch, by.id):
        return decisions.approve(draft, by, seen=shown)
    decisions.refuse_unless_decidable(draft, by, shown, kept=None)
    keep_first(draft, epoch, by)
    return None


def keep_first(draft: Draft, epoch: CampaignEpoch, by: User) -> None:
    """Note that one admin has approved the batch as it is."""
    now = hashlib.sha256(statement_of(epoch).encode()).hexdigest()
    known = db.session.scalar(
        select(BatchApproval).where(
            *ours(BatchApproval),
            BatchApproval.draft_id == draft.id,
            BatchApproval.user_id == by.id,
        )
    )
    if known is not None and known.digest == now:
        raise NeedsAnother(_("You have approved this batch. Another admin must do so too."))
    if known is not None:
        db.session.delete(known)  # of the batch as it was
        db.session.flush()
    db.session.add(
        BatchApproval(account_id=draft.account_id, draft_id=draft.id, user_id=by.id, digest=now)
    )
    db.session.flush()
    trail.record(epoch, "epoch.approved_once", by=by, number=epoch.epoch_number)


def shown_of(draft: Draft) -> str:
    """What a form of the batch carries back."""
    return seen(draft)


def tell_admins_of(account_id: UUID, what: NotificationType, **payload: str) -> None:
    """Put a line into the feed of every admin of the account."""
    admins = db.session.scalars(
        select(User.id).where(
            User.account_id == account_id, User.role == Role.ADMIN, User.is_active
        )
    ).all()
    feed.notify(account_id, what, to=admins, **payload)

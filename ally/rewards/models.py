"""Campaigns, their epochs and payouts, and what is known of the chain."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.accounts.models import User
from ally.community.models import HoldReason, Person
from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    datetime_touched,
    json_object,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)
from ally.ledger.models import Units, units

ADDRESS = "~ '^0x[0-9a-f]{40}$'"
TX_HASH = "~ '^0x[0-9a-f]{64}$'"
WEEK = 604_800  # seconds


class CampaignStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"  # one L, as its source spells it


class Policy(StrEnum):
    """How an epoch's budget is shared."""

    PRO_RATA = "pro_rata"
    EQUAL = "equal"
    BALANCED = "balanced"
    SQUARE_ROOT = "square_root"


class Campaign(Model):
    """A pool of one token that pays a community epoch by epoch (contract 000-39).

    Amounts are base units.  `decimals` is read from the chain at funding and frozen; before
    that it is what the admin typed.  `total_reward_pool` is what is to be funded at least,
    `max_rewards_per_user` per person over the whole campaign, null for no limit.
    `ends_early` is set when it was cancelled while epochs were still paying.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("user", "created_by_id"),
        belongs_to("ledger_book", "book_id"),
        one_per_account("book_id"),
        one_of("status", CampaignStatus),
        one_of("policy", Policy),
        CheckConstraint("char_length(name) BETWEEN 1 AND 120", name="name_is_short"),
        CheckConstraint("total_reward_pool > 0", name="pool_is_positive"),
        CheckConstraint(
            "epoch_reward_cap > 0 AND epoch_reward_cap <= total_reward_pool",
            name="cap_is_within_the_pool",
        ),
        CheckConstraint("max_rewards_per_user > 0", name="limit_is_positive"),
        CheckConstraint("min_payout >= 0", name="minimum_is_not_negative"),
        CheckConstraint("payout_interval_seconds > 0", name="interval_is_positive"),
        CheckConstraint("claim_window_seconds > 0", name="window_is_positive"),
        CheckConstraint("settle_delay_seconds >= 0", name="delay_is_not_negative"),
        CheckConstraint("end_date > start_date", name="it_ends_after_it_starts"),
        CheckConstraint("decimals BETWEEN 0 AND 36", name="decimals_are_known"),
        CheckConstraint(f"token_address {ADDRESS}", name="token_is_an_address"),
        CheckConstraint(f"vault_address {ADDRESS}", name="vault_is_an_address"),
        CheckConstraint("is_native = (token_address IS NULL)", name="a_token_has_an_address"),
        CheckConstraint("status = 'DRAFT' OR status = 'CANCELED' OR is_funded", name="is_funded"),
        CheckConstraint("is_active = (status = 'ACTIVE')", name="active_is_a_status"),
        CheckConstraint("cardinality(platforms) > 0", name="it_has_platforms"),
        Index(None, "account_id", "created_at", "id"),
        Index(
            "ix_campaign_running",
            "account_id",
            "id",
            postgresql_where=text("status IN ('ACTIVE', 'PAUSED', 'CANCELED')"),
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    book_id: Mapped[UUID]
    name: Mapped[str]
    description: Mapped[str | None]
    token_symbol: Mapped[str]
    is_native: Mapped[bool]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    token_address: Mapped[str | None]
    decimals: Mapped[int] = mapped_column(Integer)
    total_reward_pool: Mapped[units]
    start_date: Mapped[datetime | None]
    end_date: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_funded: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    status: Mapped[CampaignStatus] = mapped_column(
        default=CampaignStatus.DRAFT, server_default="DRAFT"
    )
    vault_address: Mapped[str | None]
    funding_tx_hash: Mapped[str | None]
    max_rewards_per_user: Mapped[int | None] = mapped_column(Units())
    min_payout: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    payout_interval_seconds: Mapped[int] = mapped_column(default=WEEK, server_default=str(WEEK))
    epoch_reward_cap: Mapped[units]
    claim_window_seconds: Mapped[int] = mapped_column(default=WEEK, server_default=str(WEEK))
    settle_delay_seconds: Mapped[int] = mapped_column(default=3600, server_default="3600")
    recycle_unclaimed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    platforms: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    policy: Mapped[Policy] = mapped_column(default=Policy.PRO_RATA, server_default="pro_rata")
    policy_version: Mapped[str] = mapped_column(default="1", server_default="1")
    activity_floor: Mapped[int | None]
    """How many members must earn for the whole cap to be paid; null for no such floor."""
    scorer: Mapped[str] = mapped_column(default="embedded", server_default="embedded")
    scorer_version: Mapped[str] = mapped_column(default="1", server_default="1")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_by_id: Mapped[UUID]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    created_by: Mapped[User] = relationship(viewonly=True)
    epochs: Mapped[list["CampaignEpoch"]] = relationship(
        viewonly=True, order_by="CampaignEpoch.epoch_number"
    )

    @property
    def timeline_id(self) -> UUID:
        return self.id

    @property
    def is_editable(self) -> bool:
        return self.status is CampaignStatus.DRAFT


class CampaignPause(Model):
    """A time in which a campaign stood still: what is written in it does not earn."""

    __table_args__ = (
        belongs_to("campaign", "campaign_id"),
        belongs_to("user", "paused_by_id"),
        CheckConstraint("ended_at >= began_at", name="it_ends_after_it_began"),
        Index(
            "uq_campaign_pause_open",
            "campaign_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "account_id", "campaign_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    reason: Mapped[str]
    paused_by_id: Mapped[UUID | None]
    """Null when Ally itself did."""
    began_at: Mapped[datetime_now]
    ended_at: Mapped[datetime | None]


class EpochState(StrEnum):
    OPEN = "OPEN"
    CLAIMING = "CLAIMING"
    RECYCLED = "RECYCLED"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"


class CampaignEpoch(Model):
    """One window of a campaign, [start, end), and what it pays (contract 000-42).

    `budget` is what there was to share, `allocated` what was; `claimed`, `recycled`,
    `expired` and `cancelled` what became of it.  `snapshot_digest` is the sha256 of the
    scores that counted.  `is_reduced` says that the pool held less than the cap.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("campaign_id", "epoch_number"),
        belongs_to("campaign", "campaign_id"),
        belongs_to("draft", "draft_id"),
        one_of("state", EpochState),
        CheckConstraint("epoch_number > 0", name="number_is_positive"),
        CheckConstraint("epoch_end > epoch_start", name="it_ends_after_it_starts"),
        CheckConstraint("claim_window_ends > epoch_end", name="window_follows_the_end"),
        CheckConstraint(
            "least(budget, allocated, claimed, recycled, expired, cancelled) >= 0",
            name="amounts_are_not_negative",
        ),
        CheckConstraint("allocated <= budget", name="within_the_budget"),
        CheckConstraint(
            "claimed + recycled + expired + cancelled <= allocated",
            name="within_what_was_allocated",
        ),
        CheckConstraint("(state = 'OPEN') = (published_at IS NULL)", name="open_is_unpublished"),
        CheckConstraint("recycled = 0 OR recycled_at IS NOT NULL", name="recycling_has_a_time"),
        Index(
            "ix_campaign_epoch_due",
            "account_id",
            "campaign_id",
            postgresql_where=text("state IN ('OPEN', 'CLAIMING', 'RECYCLED', 'EXPIRED')"),
        ),
        Index(None, "account_id", "draft_id"),
        Index(
            "uq_campaign_epoch_one_open",
            "campaign_id",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    epoch_number: Mapped[int]
    epoch_start: Mapped[datetime]
    epoch_end: Mapped[datetime]
    claim_window_ends: Mapped[datetime]
    state: Mapped[EpochState] = mapped_column(default=EpochState.OPEN, server_default="OPEN")
    budget: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    allocated: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    claimed: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    recycled: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    expired: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    cancelled: Mapped[units] = mapped_column(Units(), default=0, server_default="0")
    recycled_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    participants: Mapped[int] = mapped_column(default=0, server_default="0")
    is_reduced: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    snapshot_digest: Mapped[str | None]
    draft_id: Mapped[UUID | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    campaign: Mapped[Campaign] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.campaign_id


class EpochScore(Model):
    """A score that counted in an epoch: the frozen snapshot.  Append-only.

    A post earns once in a campaign, by the unique key.
    """

    __table_args__ = (
        belongs_to("campaign_epoch", "epoch_id"),
        belongs_to("score", "score_id"),
        belongs_to("person", "person_id"),
        one_per_account("campaign_id", "post_id"),
        Index(None, "account_id", "epoch_id", "person_id"),
        CheckConstraint("value >= 0", name="value_is_not_negative"),
    )

    epoch_id: Mapped[UUID] = mapped_column(primary_key=True)
    score_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    post_id: Mapped[UUID]
    person_id: Mapped[UUID]
    value: Mapped[Decimal] = mapped_column(Numeric(30, 12))


FOR_WANT_OF_A_WALLET = (HoldReason.NO_WALLET, HoldReason.WALLET_UNVERIFIED)
"""What holds a payout by itself, and lets go of it by itself."""


class PayoutStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"  # two Ls, as its source spells it


class Payout(Model):
    """What one person gets of one epoch (contract 000-46).  Base units.

    `weight` is the points that it was worked out from.  `approved_action_id` is the
    decision at the gate that released it, effective at `not_before`; without one it is
    not paid.  `wallet` is where it goes, set when it begins to; a wallet that is changed
    later does not matter to it.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("epoch_id", "person_id"),
        belongs_to("campaign", "campaign_id"),
        belongs_to("campaign_epoch", "epoch_id"),
        belongs_to("person", "person_id"),
        belongs_to("platform_user", "platform_user_id"),
        belongs_to("user", "processed_by_id"),
        belongs_to("draft_action", "approved_action_id"),
        one_of("status", PayoutStatus),
        one_of("hold_reason", HoldReason),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint(f"wallet {ADDRESS}", name="wallet_is_an_address"),
        CheckConstraint(f"tx_hash {TX_HASH}", name="hash_is_one"),
        CheckConstraint(
            "status NOT IN ('PROCESSING', 'COMPLETED')"
            " OR (wallet IS NOT NULL AND approved_action_id IS NOT NULL)",
            name="paid_when_approved_to_a_wallet",
        ),
        CheckConstraint(
            "status <> 'COMPLETED' OR (tx_hash IS NOT NULL AND payout_at IS NOT NULL)",
            name="what_is_complete_has_a_hash",
        ),
        Index(
            "ix_payout_due",
            "account_id",
            "campaign_id",
            "not_before",
            postgresql_where=text("status IN ('PENDING', 'PROCESSING') AND hold_reason IS NULL"),
        ),
        Index(None, "account_id", "campaign_id", "status", "id"),
        Index(None, "account_id", "epoch_id", "status", "id"),
        Index(None, "account_id", "epoch_id", "amount", "id"),
        Index(
            "ix_payout_held",
            "account_id",
            "id",
            postgresql_where=text("hold_reason IS NOT NULL AND status IN ('PENDING', 'FAILED')"),
        ),
        Index(None, "account_id", "person_id", "id"),
        Index(None, "account_id", "status", "id"),
        Index(None, "account_id", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    epoch_id: Mapped[UUID | None]
    person_id: Mapped[UUID]
    platform_user_id: Mapped[UUID | None]
    amount: Mapped[units]
    weight: Mapped[Decimal] = mapped_column(Numeric(40, 12), default=Decimal(0), server_default="0")
    status: Mapped[PayoutStatus] = mapped_column(
        default=PayoutStatus.PENDING, server_default="PENDING"
    )
    hold_reason: Mapped[HoldReason | None]
    hold_note: Mapped[str | None]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    wallet: Mapped[str | None]
    tx_hash: Mapped[str | None]
    payout_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    processed_by_id: Mapped[UUID | None]
    approved_action_id: Mapped[UUID | None]
    not_before: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    campaign: Mapped[Campaign] = relationship(viewonly=True)
    epoch: Mapped[CampaignEpoch | None] = relationship(viewonly=True)
    person: Mapped[Person] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.campaign_id

    @property
    def is_open(self) -> bool:
        return self.status in {PayoutStatus.PENDING, PayoutStatus.PROCESSING, PayoutStatus.FAILED}


class BatchApproval(Model):
    """The first of two approvals of a batch that one person alone may not release."""

    __table_args__ = (
        belongs_to("draft", "draft_id", ondelete="CASCADE"),
        belongs_to("user", "user_id"),
        one_per_account("draft_id", "user_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    draft_id: Mapped[UUID]
    user_id: Mapped[UUID]
    digest: Mapped[str]
    """Of the batch as it was: when it has changed since, the approval counts no more."""
    created_at: Mapped[datetime_now]

    user: Mapped[User] = relationship(viewonly=True)


class ExportKind(StrEnum):
    SAFE = "safe"
    CSV = "csv"
    MERKLE = "merkle"


class PayoutExport(Model):
    """Payouts handed out together, for somebody who holds the key to pay them.

    `root` is the Merkle root of the EpochVault, for exports of that kind.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("campaign", "campaign_id"),
        belongs_to("user", "created_by_id"),
        one_of("kind", ExportKind),
        CheckConstraint("total > 0", name="total_is_positive"),
        CheckConstraint("payouts > 0", name="it_pays_somebody"),
        Index(None, "account_id", "campaign_id", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    kind: Mapped[ExportKind]
    payouts: Mapped[int]
    total: Mapped[units]
    root: Mapped[str | None]
    created_by_id: Mapped[UUID]
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]

    created_by: Mapped[User] = relationship(viewonly=True)


class AttemptState(StrEnum):
    """SIGNED is stored before anything is sent; after it, only the chain says what happened."""

    EXPORTED = "exported"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    CONFIRMED = "confirmed"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class PayoutAttempt(Model):
    """One try to pay a payout: handed out in an export, or signed with our own key."""

    __table_args__ = (
        one_per_account("id"),
        one_per_account("payout_id", "number"),
        belongs_to("payout", "payout_id"),
        belongs_to("payout_export", "export_id"),
        one_of("state", AttemptState),
        CheckConstraint("(export_id IS NULL) = (raw IS NOT NULL)", name="exported_or_signed"),
        CheckConstraint(f"tx_hash {TX_HASH}", name="hash_is_one"),
        # One nonce is one transaction, whoever signs.
        Index(
            "uq_payout_attempt_nonce",
            "account_id",
            "chain_id",
            "sender",
            "nonce",
            unique=True,
            postgresql_where=text("nonce IS NOT NULL"),
        ),
        Index(
            "uq_payout_attempt_one_going",
            "payout_id",
            unique=True,
            postgresql_where=text("state IN ('exported', 'signed', 'broadcast')"),
        ),
        Index(None, "account_id", "export_id"),
        Index(None, "account_id", "tx_hash"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    payout_id: Mapped[UUID]
    number: Mapped[int]
    state: Mapped[AttemptState]
    export_id: Mapped[UUID | None]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[str | None]
    nonce: Mapped[int | None] = mapped_column(BigInteger)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    tx_hash: Mapped[str | None]
    wallet: Mapped[str]
    amount: Mapped[units]
    outcome: Mapped[str | None]
    created_at: Mapped[datetime_now]
    broadcast_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    payout: Mapped[Payout] = relationship(viewonly=True)


class FundingState(StrEnum):
    CLAIMED = "claimed"
    VERIFIED = "verified"
    BY_HAND = "by_hand"
    REFUSED = "refused"
    REVERSED = "reversed"


class Funding(Model):
    """A claim that a campaign was funded by one transaction, and what the chain says of it.

    BY_HAND is what an admin vouched for, with a reason, where no chain could be asked.
    `failed_checks` lists what was wrong, by the names of the checks.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("campaign", "campaign_id"),
        belongs_to("user", "claimed_by_id"),
        one_of("state", FundingState),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint(f"vault_address {ADDRESS}", name="vault_is_an_address"),
        CheckConstraint(f"tx_hash {TX_HASH}", name="hash_is_one"),
        CheckConstraint("(state = 'by_hand') <= (reason IS NOT NULL)", name="by_hand_has_a_reason"),
        # However many campaigns name it, a transaction funds one.
        Index(
            "uq_funding_counted",
            "account_id",
            "chain_id",
            "tx_hash",
            unique=True,
            postgresql_where=text("state IN ('claimed', 'verified', 'by_hand')"),
        ),
        Index(None, "account_id", "campaign_id", "id"),
        under_64_kb("failed_checks"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    vault_address: Mapped[str]
    tx_hash: Mapped[str]
    amount: Mapped[units]
    state: Mapped[FundingState] = mapped_column(
        default=FundingState.CLAIMED, server_default="claimed"
    )
    failed_checks: Mapped[list[Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None]
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None]
    claimed_by_id: Mapped[UUID]
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    claimed_by: Mapped[User] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.campaign_id


class LogUse(StrEnum):
    FUNDING = "funding"
    PAYOUT = "payout"
    REFUND = "refund"


class UsedLog(Model):
    """A transfer on a chain that was counted, once.  Append-only but for `reversed_at`.

    `log_index` is -1 for a transfer of the chain's own coin, of which a transaction has one
    to each `recipient`.  Funding and payouts use one table, so that nothing counts as both.
    """

    __table_args__ = (
        Index(
            "uq_used_log_once",
            "account_id",
            "chain_id",
            "tx_hash",
            "log_index",
            "recipient",
            unique=True,
            postgresql_where=text("reversed_at IS NULL"),
        ),
        one_of("used_for", LogUse),
        CheckConstraint(f"tx_hash {TX_HASH}", name="hash_is_one"),
        CheckConstraint(f"recipient {ADDRESS}", name="recipient_is_an_address"),
        Index(None, "account_id", "used_for_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    tx_hash: Mapped[str]
    log_index: Mapped[int]
    recipient: Mapped[str]
    amount: Mapped[units]
    used_for: Mapped[LogUse]
    used_for_id: Mapped[UUID]
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None]
    reversed_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]


class Simulation(Model):
    """What the last weeks would have paid under some terms: asked for, then worked out by a job."""

    __table_args__ = (
        one_per_account("id"),
        belongs_to("campaign", "campaign_id", ondelete="CASCADE"),
        belongs_to("user", "created_by_id"),
        under_64_kb("terms"),
        under_64_kb("outcome"),
        Index(None, "account_id", "campaign_id", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    campaign_id: Mapped[UUID]
    terms: Mapped[json_object]
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_by_id: Mapped[UUID]
    created_at: Mapped[datetime_now]
    finished_at: Mapped[datetime | None]

"""Where messages come from and go to: channels, raw facts from outside, and the outbox."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    datetime_touched,
    json_list,
    json_object,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)


class ChannelType(StrEnum):
    EMAIL = "email"
    CHAT = "chat"
    SHOPIFY = "shopify"
    SLACK = "slack"


class Channel(Model):
    """A mailbox, chat or shop that the desk serves.

    `key` names it in webhook addresses, among all accounts.  `external_id` is its
    id at the provider (for mail: our address), unique within the account.
    `secret_sealed` is the webhook secret, encrypted with the application's key,
    because checking a signature needs the secret itself.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("external_id"),
        UniqueConstraint("key"),
        Index("idx_channel_account_type", "account_id", "type"),
        one_of("type", ChannelType),
        under_64_kb("metadata"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    type: Mapped[ChannelType]
    external_id: Mapped[str]
    name: Mapped[str]
    key: Mapped[str]
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    from_address: Mapped[str | None]
    from_name: Mapped[str | None]
    metadata_: Mapped[json_object] = mapped_column("metadata")
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]


class EventsRaw(Model):
    """A fact from outside, exactly as it came, before anything is made of it.

    Append-only.  What became of it is its IntakeOutcome; without one it still waits.
    """

    __tablename__ = "events_raw"
    __table_args__ = (
        one_per_account("id"),
        one_per_account("idempotency_key"),
        belongs_to("channel", "channel_id"),
        Index(None, "account_id", "created_at"),
        under_64_kb("payload"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    idempotency_key: Mapped[str]
    platform: Mapped[str]
    type: Mapped[str]
    source: Mapped[str]
    ts: Mapped[datetime]
    payload: Mapped[json_object]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime_now]


class IntakeState(StrEnum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class IntakeOutcome(Model):
    """What became of one raw event."""

    __table_args__ = (
        belongs_to("events_raw", "event_id"),
        belongs_to("conversation", "conversation_id"),
        belongs_to("message", "message_id"),
        one_of("state", IntakeState),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    state: Mapped[IntakeState]
    conversation_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime_now]


class DeliveryStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Delivery(Model):
    """The sending of one decision's message, at most once.

    `raw` is the whole mail, made when it was approved: what goes out is what was seen.
    `rfc_message_id` is fixed before the first attempt.  `sending` holds from the
    committed intent until the outcome or the end of the lease, after which the
    outcome cannot be known and the row becomes `unknown`.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("action_id"),
        one_per_account("rfc_message_id"),
        belongs_to("draft_action", "action_id"),
        belongs_to("message", "message_id"),
        belongs_to("conversation", "conversation_id"),
        belongs_to("channel", "channel_id"),
        one_of("status", DeliveryStatus),
        under_64_kb("recipients"),
        CheckConstraint(
            "(status = 'sending') = (lease_expires_at IS NOT NULL)", name="sending_has_a_lease"
        ),
        CheckConstraint(
            "(status = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_has_a_time"
        ),
        Index(
            "ix_delivery_due",
            "account_id",
            "not_before",
            postgresql_where=text("status IN ('queued', 'sending')"),
        ),
        Index(None, "account_id", "conversation_id"),
        Index(
            "ix_delivery_undelivered",
            "account_id",
            "conversation_id",
            postgresql_where=text("status IN ('rejected', 'unknown')"),
        ),
        Index(None, "account_id", "message_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    action_id: Mapped[UUID]
    message_id: Mapped[UUID]
    conversation_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    rfc_message_id: Mapped[str]
    sender: Mapped[str]
    recipients: Mapped[json_list]
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    body_digest: Mapped[str]
    status: Mapped[DeliveryStatus] = mapped_column(
        default=DeliveryStatus.QUEUED, server_default="queued"
    )
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    worker: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    channel: Mapped[Channel] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.conversation_id

    @property
    def is_final(self) -> bool:
        return self.status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}


class DeliveryAttempt(Model):
    """One try to hand a delivery over, kept with the provider's answer."""

    __table_args__ = (
        belongs_to("delivery", "delivery_id"),
        one_per_account("delivery_id", "number"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    delivery_id: Mapped[UUID]
    number: Mapped[int]
    worker: Mapped[str]
    started_at: Mapped[datetime_now]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    answer: Mapped[str | None]

"""Where messages come from and go to: channels, raw facts from outside, and the outbox."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.channels.options import Options
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


class Platform(StrEnum):
    """Who carries a channel's messages: a webhook's sender, a mailbox, or a chat."""

    MAIL = "mail"
    POSTMARK = "postmark"
    MAILGUN = "mailgun"
    SENDGRID = "sendgrid"
    SES = "ses"
    ZOHO_DESK = "zoho_desk"
    ZOHO_MAIL = "zoho_mail"
    JSON = "json"
    IMAP = "imap"
    INTERCOM = "intercom"
    SHOPIFY = "shopify"
    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    COMMUNITY = "community"


# Where a community writes in public: what comes in becomes posts, and no conversations.
COMMUNITIES = frozenset({Platform.DISCORD, Platform.TELEGRAM, Platform.COMMUNITY})


class Channel(Model):
    """A mailbox, chat or shop that the desk serves.

    `key` names it in webhook addresses, among all accounts.  `external_id` is its
    id at the provider (for mail: our address), unique within the account.
    `secret_sealed` is the webhook secret, encrypted with the application's key,
    because checking a signature needs the secret itself; the one before it counts
    until `old_secret_until`.  `credentials_sealed` is a JSON object, encrypted in the
    same way, of what the provider's API asks for.  `metadata` holds `Options`.
    `last_error` is the newest trouble on the channel, in one line, or null once
    something went well again.

    A community's channel has the `platform_id` that its platform knows it by, the `name` that
    it had there at `named_at`, and the
    `parent_id` of the server or bot that it belongs to, which has the credentials;
    `crawl_config` says how it is read (contract 000-23).
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("external_id"),
        one_per_account("platform", "platform_id"),
        belongs_to("channel", "parent_id"),
        UniqueConstraint("key"),
        Index("idx_channel_account_type", "account_id", "type"),
        Index("ix_channel_external_id_lower", func.lower(text("external_id"))),
        Index("ix_channel_from_address_lower", func.lower(text("from_address"))),
        one_of("type", ChannelType),
        one_of("platform", Platform),
        under_64_kb("metadata"),
        under_64_kb("crawl_config"),
        Index("ix_channel_parent", "account_id", "parent_id"),
        CheckConstraint(
            "(old_secret_sealed IS NULL) = (old_secret_until IS NULL)",
            name="an_old_secret_ends",
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    type: Mapped[ChannelType]
    platform: Mapped[Platform] = mapped_column(default=Platform.MAIL, server_default="mail")
    external_id: Mapped[str]
    name: Mapped[str]
    key: Mapped[str]
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[datetime | None]
    credentials_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]
    from_address: Mapped[str | None]
    from_name: Mapped[str | None]
    platform_id: Mapped[str | None]
    named_at: Mapped[datetime | None]
    description: Mapped[str | None]
    parent_id: Mapped[UUID | None]
    crawl_config: Mapped[json_object]
    metadata_: Mapped[json_object] = mapped_column("metadata")
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    @property
    def timeline_id(self) -> UUID:
        return self.id

    @property
    def options(self) -> Options:
        """What an admin has chosen for it."""
        return Options.model_validate(self.metadata_ or {})


class EventsRaw(Model):
    """A fact from outside, exactly as it came, before anything is made of it.

    Append-only.  What became of it is its IntakeOutcome; without one it still waits.
    """

    __tablename__ = "events_raw"
    __table_args__ = (
        one_per_account("id"),
        one_per_account("idempotency_key"),
        belongs_to("channel", "channel_id"),
        Index(None, "account_id", "channel_id", "created_at"),
        under_64_kb("payload"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[UUID]  # the channel's: every key and index is one more to wait for
    channel_id: Mapped[UUID]
    idempotency_key: Mapped[str]
    platform: Mapped[str]
    type: Mapped[str]
    source: Mapped[str]
    ts: Mapped[datetime]
    payload: Mapped[json_object]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime_now]


class IntakeWaiting(Model):
    """A raw event that no worker has been told of; `hand_out_events` makes it a job.

    Written together with its event, `place` after `place`.
    """

    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID]
    event_id: Mapped[UUID]


class IntakeState(StrEnum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


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


class ReportKind(StrEnum):
    """What became of a mail after the first server had taken it."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPENED = "opened"


class Delivery(Model):
    """The sending of one decision's message, at most once.

    `raw` is the whole mail, made when it was approved: what goes out is what was seen.
    `rfc_message_id` is fixed before the first attempt.  `sending` holds from the
    committed intent until the outcome or the end of the lease, after which the
    outcome cannot be known and the row becomes `unknown`.  `provider_id` is the
    provider's name for it, once it has given one.  `reported` is the weightiest of
    its DeliveryReports; a bounce counts as one when it is for good, else as a delay.
    `acknowledged_at` is when a person has seen that it came back.
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
        one_of("reported", ReportKind),
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
        Index(
            "ix_delivery_returned",
            "account_id",
            "conversation_id",
            postgresql_where=text("reported = 'bounced' AND acknowledged_at IS NULL"),
        ),
        Index(None, "account_id", "message_id"),
        Index(
            "ix_delivery_failed",
            "account_id",
            "updated_at",
            "id",
            postgresql_where=text(
                "acknowledged_at IS NULL AND (status = 'rejected' OR reported = 'bounced')"
            ),
        ),
        Index(
            "ix_delivery_unknown",
            "account_id",
            "updated_at",
            "id",
            postgresql_where=text("status = 'unknown'"),
        ),
        Index(
            "ix_delivery_sent",
            "account_id",
            "channel_id",
            "accepted_at",
            postgresql_where=text("accepted_at IS NOT NULL"),
        ),
        Index(
            "ix_delivery_provider",
            "account_id",
            "provider_id",
            postgresql_where=text("provider_id IS NOT NULL"),
        ),
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
    provider_id: Mapped[str | None]
    reported: Mapped[ReportKind | None]
    acknowledged_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    channel: Mapped[Channel] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.conversation_id


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


class DeliveryReport(Model):
    """What a provider, or a bounce, said about a delivery afterwards.  Append-only.

    `digest` makes the same report, told twice, one row.  `detail` is one line.
    """

    __table_args__ = (
        belongs_to("delivery", "delivery_id"),
        belongs_to("events_raw", "event_id"),
        one_per_account("digest"),
        one_of("kind", ReportKind),
        Index(None, "account_id", "delivery_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    delivery_id: Mapped[UUID]
    event_id: Mapped[UUID | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[ReportKind]
    is_permanent: Mapped[bool]
    recipient: Mapped[str | None]
    detail: Mapped[str]
    at: Mapped[datetime]
    created_at: Mapped[datetime_now]


class CheckpointStatus(StrEnum):
    IDLE = "idle"
    RUNNING = "running"
    FAILED = "failed"


class IngestCheckpoint(Model):
    """How far a channel that we read from ourselves has been read (contract 000-37).

    `cursor` is the reader's own place, such as a mailbox's UIDVALIDITY and last UID.
    """

    __table_args__ = (
        belongs_to("channel", "channel_id", ondelete="CASCADE"),
        one_per_account("channel_id", "name"),
        one_of("status", CheckpointStatus),
        under_64_kb("cursor"),
        CheckConstraint("error_count >= 0", name="error_count_is_not_negative"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    name: Mapped[str]
    last_message_id: Mapped[str | None]
    last_timestamp: Mapped[datetime | None]
    cursor: Mapped[json_object]
    status: Mapped[CheckpointStatus] = mapped_column(
        default=CheckpointStatus.IDLE, server_default="idle"
    )
    error_count: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]
    updated_at: Mapped[datetime_touched]

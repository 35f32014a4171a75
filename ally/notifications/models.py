"""What people should hear about."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    json_object,
    one_of,
    primary_key,
    under_64_kb,
)


class NotificationType(StrEnum):
    DRAFT_READY = "draft_ready"
    DRAFT_FAILED = "draft_failed"
    SEND_FAILED = "send_failed"
    SEND_UNKNOWN = "send_unknown"
    MAIL_QUARANTINED = "mail_quarantined"
    JOB_FAILED = "job_failed"
    MENTION = "mention"
    ASSIGNED = "assigned"
    SNOOZE_ENDED = "snooze_ended"
    SENDING_HELD = "sending_held"
    CHAIN_BROKEN = "chain_broken"
    BATCH_READY = "batch_ready"
    PAYOUT_FAILED = "payout_failed"
    CAMPAIGN_PAUSED = "campaign_paused"
    FUNDING_REFUSED = "funding_refused"
    WALLET_TAKEN = "wallet_taken"
    LEDGER_BROKEN = "ledger_broken"


# What somebody should hear of at once, wherever they are.
LOUD = frozenset(
    {NotificationType.MENTION, NotificationType.ASSIGNED, NotificationType.SEND_FAILED}
)


class Notification(Model):
    """One line in one person's feed; `payload` holds what the line names and links to."""

    __table_args__ = (
        belongs_to("user", "user_id", ondelete="CASCADE"),
        Index("idx_notification_account_created", "account_id", "created_at"),
        Index("idx_notification_user_created", "user_id", "created_at"),
        Index(
            "ix_notification_unread",
            "account_id",
            "user_id",
            postgresql_where=text("read_at IS NULL"),
        ),
        Index(
            "ix_notification_place",
            "account_id",
            "user_id",
            text("split_part(payload ->> 'url', '#', 1)"),
            postgresql_where=text("read_at IS NULL"),
        ),
        one_of("type", NotificationType),
        under_64_kb("payload"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    user_id: Mapped[UUID | None]
    type: Mapped[NotificationType]
    payload: Mapped[json_object]
    read_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]

    @property
    def is_loud(self) -> bool:
        return self.type in LOUD

    @property
    def url(self) -> str:
        """The path that the line leads to."""
        return str((self.payload or {}).get("url") or "")

"""The gate: proposals, the decisions on them, what is learned, and who holds what."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.accounts.models import User
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
from ally.language import Fact

BY_HAND = "person"  # the model key of what nobody but a person writes


class DraftStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"


class ActionType(StrEnum):
    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"


class RejectionReason(StrEnum):
    WRONG_FACTS = "wrong_facts"
    NOT_IN_SOURCES = "not_in_sources"
    TONE = "tone"
    NOT_NEEDED = "not_needed"
    LANGUAGE = "language"
    OTHER = "other"


class EditKind(StrEnum):
    """What one change of a decision was about; only some should teach."""

    FACT = "fact"
    CAVEAT = "caveat"
    REMOVAL = "removal"
    TONE = "tone"
    GREETING = "greeting"
    FORMAT = "format"


class Draft(Model):
    """Something a machine proposes and a person decides on, once.

    `kind` says what approving does (see `review.kinds`).  For a reply `payload`
    holds `sentences`, each `{"start", "end", "source"}` with code point offsets
    into `suggested_text` and the number of a row of `top_sources`, or null; and
    `problem`, why nothing could be written, when `suggested_text` is empty.
    One with `snoozed_until` is out of the queue until then, or until it is woken.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("trigger_message_id"),
        belongs_to("conversation", "conversation_id"),
        belongs_to("message", "trigger_message_id"),
        belongs_to("user", "author_user_id"),
        Index("idx_draft_conversation_status", "conversation_id", "status"),
        Index("idx_draft_status_created", "status", "created_at"),
        Index(
            "ix_draft_waiting",
            "account_id",
            "created_at",
            "id",
            postgresql_where=text("status = 'pending' AND snoozed_until IS NULL"),
        ),
        Index(
            "ix_draft_snoozed",
            "account_id",
            "snoozed_until",
            "id",
            postgresql_where=text("status = 'pending' AND snoozed_until IS NOT NULL"),
        ),
        Index(
            "ix_draft_no_reply",
            "account_id",
            "created_at",
            "id",
            postgresql_where=text("status = 'pending' AND kind <> 'reply'"),
        ),
        # One proposal waits per conversation: a newer one supersedes the older.
        Index(
            "uq_draft_one_pending_per_conversation",
            "conversation_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        CheckConstraint(
            "kind <> 'reply' OR conversation_id IS NOT NULL", name="a_reply_has_a_conversation"
        ),
        one_of("status", DraftStatus),
        under_64_kb("payload"),
        under_64_kb("top_sources"),
        under_64_kb("metadata"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kind: Mapped[str] = mapped_column(default="reply", server_default="reply")
    conversation_id: Mapped[UUID | None]
    trigger_message_id: Mapped[UUID | None]
    author_user_id: Mapped[UUID | None]
    model_key: Mapped[str]
    prompt_version: Mapped[str]
    status: Mapped[DraftStatus] = mapped_column(
        default=DraftStatus.PENDING, server_default="pending"
    )
    suggested_text: Mapped[str]
    suggested_html: Mapped[str | None]
    top_sources: Mapped[json_list]
    payload: Mapped[json_object]
    metadata_: Mapped[json_object] = mapped_column("metadata")
    snoozed_until: Mapped[datetime | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    actions: Mapped[list["DraftAction"]] = relationship(
        order_by="DraftAction.created_at", viewonly=True
    )
    claim: Mapped["Claim | None"] = relationship(viewonly=True, uselist=False)

    @property
    def timeline_id(self) -> UUID:
        return self.conversation_id or self.id

    @property
    def is_pending(self) -> bool:
        return self.status is DraftStatus.PENDING

    @property
    def is_by_hand(self) -> bool:
        """Whether a person began it with no suggestion, so that there is nothing to learn from."""
        return self.model_key == BY_HAND

    @property
    def problem(self) -> Fact | None:
        """Why there is no text, for the agent; None when there is one."""
        return (self.payload or {}).get("problem")

    @property
    def written_at(self) -> datetime:
        """When its text was written: one that takes another's place waits as long as that did."""
        written = (self.metadata_ or {}).get("written_at")
        return datetime.fromisoformat(written) if written else self.created_at

    @property
    def decision(self) -> "DraftAction | None":
        """The decision that stands: the newest one that was not undone."""
        standing = [action for action in self.actions if action.undone_at is None]
        return standing[-1] if standing else None

    @property
    def grounded(self) -> int:
        """How many different sources its sentences rest on."""
        sentences = (self.payload or {}).get("sentences", [])
        return len({s["source"] for s in sentences if s.get("source") is not None})


class DraftAlternative(Model):
    """Another text for the same draft, to be looked at beside it.  Never changed.

    Choosing it makes a new draft of it; `payload` and `top_sources` are as a draft's.
    """

    __table_args__ = (
        belongs_to("draft", "draft_id", ondelete="CASCADE"),
        one_per_account("draft_id", "number"),
        CheckConstraint("number > 0", name="number_is_positive"),
        under_64_kb("payload"),
        under_64_kb("top_sources"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    draft_id: Mapped[UUID]
    number: Mapped[int]
    model_key: Mapped[str]
    prompt_version: Mapped[str]
    suggested_text: Mapped[str]
    top_sources: Mapped[json_list]
    payload: Mapped[json_object]
    created_at: Mapped[datetime_now]


class DraftAction(Model):
    """One decision, with the operations that turn the suggestion into what was decided.

    `send_at` is set where the effect waits longer than the undo window.
    Append-only, but for `undone_at` and `undone_by_id`.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("draft", "draft_id"),
        belongs_to("user", "user_id"),
        belongs_to("user", "undone_by_id"),
        belongs_to("message", "message_id"),
        Index("idx_action_draft", "draft_id"),
        Index("idx_action_user_created", "user_id", "created_at"),
        Index(
            "ix_draft_action_recent",
            "account_id",
            "created_at",
            postgresql_where=text("undone_at IS NULL"),
        ),
        # However many approve at once, one decision stands.
        Index(
            "uq_draft_action_one_standing",
            "draft_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        CheckConstraint(
            "(type = 'reject') = (reason IS NOT NULL)", name="a_rejection_has_a_reason"
        ),
        one_of("type", ActionType),
        under_64_kb("diff_json"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    draft_id: Mapped[UUID]
    user_id: Mapped[UUID]
    type: Mapped[ActionType]
    final_text: Mapped[str | None]
    final_html: Mapped[str | None]
    sent_msg_id: Mapped[str | None]
    reason: Mapped[RejectionReason | None]
    notes: Mapped[str | None]
    diff_json: Mapped[dict[str, Any] | None]
    message_id: Mapped[UUID | None]
    send_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[UUID | None]

    draft: Mapped[Draft] = relationship(viewonly=True)
    user: Mapped[User] = relationship(
        viewonly=True,
        primaryjoin="DraftAction.user_id == User.id",
        foreign_keys="DraftAction.user_id",
    )
    undone_by: Mapped[User | None] = relationship(
        viewonly=True,
        primaryjoin="DraftAction.undone_by_id == User.id",
        foreign_keys="DraftAction.undone_by_id",
    )


class LearningSample(Model):
    """What a decision teaches: from the suggestion to what a person sent."""

    __table_args__ = (
        one_per_account("draft_id"),
        one_per_account("action_id"),
        belongs_to("draft", "draft_id"),
        belongs_to("draft_action", "action_id"),
        Index(None, "account_id", "created_at"),
        under_64_kb("diff_json"),
        under_64_kb("embeddings_json"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    draft_id: Mapped[UUID]
    action_id: Mapped[UUID]
    diff_json: Mapped[dict[str, Any]]
    embeddings_json: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime_now]


class Claim(Model):
    """Who holds a draft, until when: at most one agent, by the primary key."""

    __table_args__ = (
        belongs_to("draft", "draft_id", ondelete="CASCADE"),
        belongs_to("user", "user_id", ondelete="CASCADE"),
    )

    draft_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    user_id: Mapped[UUID]
    claimed_at: Mapped[datetime_now]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(viewonly=True)


class EditLabel(Model):
    """What one change of a decision was about; `position` counts its changes from 0.

    A change is a run of neighbouring `-` and `+` operations of the decision's diff.
    `user_id` is null while the label is the rule's own.
    """

    __table_args__ = (
        belongs_to("draft_action", "action_id"),
        belongs_to("user", "user_id"),
        one_per_account("action_id", "position"),
        one_of("kind", EditKind),
        CheckConstraint("position >= 0", name="position_is_not_negative"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    action_id: Mapped[UUID]
    position: Mapped[int]
    kind: Mapped[EditKind]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    action: Mapped[DraftAction] = relationship(viewonly=True)


class Presence(Model):
    """Who looks at something now, or writes on it.  `timeline_id` is that of its timeline.

    Kept in an unlogged table: after a crash of the server nobody is anywhere.
    """

    __table_args__ = (
        belongs_to("user", "user_id", ondelete="CASCADE"),
        Index(None, "account_id", "seen_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    timeline_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    seen_at: Mapped[datetime_now]
    typing_at: Mapped[datetime | None]

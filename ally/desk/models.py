"""Conversations with customers: the messages and their files."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Computed, Index, text
from sqlalchemy.dialects.postgresql import BYTEA, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.accounts.models import User
from ally.channels.mail.parsed import Category
from ally.channels.models import Channel, Delivery
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
from ally.review.models import Draft


class ConversationStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class MessageDirection(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    SYSTEM = "system"


class Customer(Model):
    """Somebody who writes to the desk, under one address or several.

    An address joins a customer when its mail first arrives, or when an agent says so;
    no mail can bring two customers together.
    """

    __table_args__ = (one_per_account("id"),)

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    name: Mapped[str | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    addresses: Mapped[list["CustomerAddress"]] = relationship(
        order_by="CustomerAddress.created_at", viewonly=True
    )

    @property
    def timeline_id(self) -> UUID:
        return self.id


class CustomerAddress(Model):
    """One address of a customer, in lower case."""

    __table_args__ = (
        one_per_account("email"),
        belongs_to("customer", "customer_id"),
        Index(None, "account_id", "customer_id"),
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    customer_id: Mapped[UUID]
    email: Mapped[str]
    created_at: Mapped[datetime_now]


class Conversation(Model):
    """A thread with one customer on one channel.

    `is_quarantined` marks mail that could not be read in full; it waits for a
    person, with the original to download, and gets no draft.  `reference` is short,
    cannot be guessed, and may stand in a subject.  One that was merged into another
    is closed, has no messages, and says where they went.  `is_spam` keeps it apart
    from the others until a person says that it is none, or until the customer writes again,
    unless `called_spam_by_id`, a person, has said that it is.  One with `snoozed_until` is
    open and out of the lists until then, or until the customer writes.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("external_id"),
        belongs_to("channel", "channel_id"),
        Index("idx_conversation_account_status", "account_id", "status"),
        Index("idx_conversation_channel_created", "channel_id", "created_at"),
        Index(None, "account_id", "status", "last_message_at", "id"),
        Index(None, "account_id", "customer_email", "created_at"),
        Index(
            "ix_conversation_quarantined",
            "account_id",
            "last_message_at",
            "id",
            postgresql_where=text("is_quarantined"),
        ),
        Index(
            "ix_conversation_spam",
            "account_id",
            "last_message_at",
            "id",
            postgresql_where=text("is_spam"),
        ),
        one_of("status", ConversationStatus),
        one_per_account("reference"),
        belongs_to("customer", "customer_id"),
        belongs_to("conversation", "merged_into_id"),
        Index(None, "account_id", "customer_id", "last_message_at", "id"),
        belongs_to("user", "assignee_id"),
        belongs_to("user", "called_spam_by_id"),
        Index(
            "ix_conversation_assigned",
            "account_id",
            "assignee_id",
            "last_message_at",
            "id",
            postgresql_where=text("status = 'open' AND assignee_id IS NOT NULL"),
        ),
        Index(
            "ix_conversation_snoozed",
            "account_id",
            "snoozed_until",
            "id",
            postgresql_where=text("snoozed_until IS NOT NULL"),
        ),
        CheckConstraint("snoozed_until IS NULL OR status = 'open'", name="a_snoozed_one_is_open"),
        CheckConstraint(
            "merged_into_id IS NULL OR (merged_into_id <> id AND status = 'closed')",
            name="a_merged_one_is_closed",
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    merged_into_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    snoozed_until: Mapped[datetime | None]
    reference: Mapped[str | None]
    external_id: Mapped[str]
    subject: Mapped[str | None]
    status: Mapped[ConversationStatus] = mapped_column(
        default=ConversationStatus.OPEN, server_default="open"
    )
    customer_email: Mapped[str | None]
    customer_name: Mapped[str | None]
    is_quarantined: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_spam: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    called_spam_by_id: Mapped[UUID | None]
    last_message_at: Mapped[datetime_now]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    channel: Mapped[Channel] = relationship(viewonly=True)
    assignee: Mapped[User | None] = relationship(
        viewonly=True,
        primaryjoin="Conversation.assignee_id == User.id",
        foreign_keys="Conversation.assignee_id",
    )
    tags: Mapped[list["Tag"]] = relationship(
        secondary="conversation_tag",
        primaryjoin="Conversation.id == ConversationTag.conversation_id",
        secondaryjoin="ConversationTag.tag_id == Tag.id",
        order_by="Tag.name",
        viewonly=True,
    )
    messages: Mapped[list["Message"]] = relationship(
        back_populates="conversation", order_by="Message.sent_at, Message.id", viewonly=True
    )
    drafts: Mapped[list[Draft]] = relationship(order_by="Draft.created_at", viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.id

    @property
    def is_kept_in_spam(self) -> bool:
        """Whether a person has said that it is spam, so that no further message opens it."""
        return self.is_spam and self.called_spam_by_id is not None

    @property
    def customer(self) -> str:
        """What to call the customer in a list."""
        return self.customer_name or self.customer_email or "Unknown sender"


class Message(Model):
    """One message of a conversation.

    `external_id` is the Message-ID, without angle brackets, or the provider's id.
    `intake_digest` makes the same mail, delivered twice, one message.  `category` says
    what kind of mail it is; `reply_token` stands in the address that answers to it go
    to.  `metadata` of a mail holds `to`, `cc`, `reply_to`, `references`, `quoted_from`
    (the code point in `body_text` where quoted history begins, or null), `segments` (see
    `Parsed`), `auto_submitted` (a program sent it), `remote_images` (how many are
    blocked in `body_html`), `tracking_images` (how many were taken out of it), `verdicts`
    of mail servers, `notes` for the reader, and `flags`, what an agent should decide
    about it (see `desk.flags`).  `by_hand` says that a draft for it is written only when
    a person asks, `relayed_by` whose program passed a customer's words on, and `comment`
    what a colleague wrote above a mail passed on.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("intake_digest"),
        belongs_to("conversation", "conversation_id"),
        belongs_to("events_raw", "event_id"),
        Index("idx_message_conversation_sent", "conversation_id", "sent_at"),
        Index(None, "account_id", "external_id"),
        one_per_account("reply_token"),
        one_of("direction", MessageDirection),
        one_of("category", Category),
        under_64_kb("metadata"),
        Column(
            "search",
            TSVECTOR,
            Computed(
                "message_words(subject, author_name, author_email, body_text)", persisted=True
            ),
        ),
        Index("ix_message_search", "search", postgresql_using="gin"),
    )
    # Found by, never read: a row that is loaded or written does not bring its words along.
    __mapper_args__ = {"exclude_properties": ["search"]}  # noqa: RUF012

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    conversation_id: Mapped[UUID]
    event_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    intake_digest: Mapped[bytes | None] = mapped_column(BYTEA)
    direction: Mapped[MessageDirection]
    category: Mapped[Category] = mapped_column(default=Category.ORDINARY, server_default="ordinary")
    reply_token: Mapped[str | None]
    author_name: Mapped[str | None]
    author_email: Mapped[str | None]
    subject: Mapped[str | None]
    body_text: Mapped[str]
    body_html: Mapped[str | None]
    sent_at: Mapped[datetime_now]
    metadata_: Mapped[json_object] = mapped_column("metadata")

    conversation: Mapped[Conversation] = relationship(back_populates="messages", viewonly=True)
    attachments: Mapped[list["Attachment"]] = relationship(
        order_by="Attachment.created_at, Attachment.id", viewonly=True
    )
    delivery: Mapped[Delivery | None] = relationship(
        primaryjoin="Message.id == foreign(Delivery.message_id)", viewonly=True, uselist=False
    )

    @property
    def timeline_id(self) -> UUID:
        return self.conversation_id

    @property
    def is_inbound(self) -> bool:
        return self.direction is MessageDirection.INBOUND

    @property
    def own_text(self) -> str:
        """What its author says: no quoted history and no signature, but what is passed on."""
        return "\n\n".join(self.parts("own")) or self.body_text

    @property
    def quoted_text(self) -> str:
        start = self.metadata_.get("quoted_from")
        return "" if start is None else self.body_text[start:]

    def parts(self, kind: str) -> list[str]:
        """The texts of its segments of this kind, in order; blank ones are left out."""
        told = self.metadata_.get("segments") or segments_of(self.quoted_text, self.body_text)
        found = (self.body_text[start:end].strip() for name, start, end in told if name == kind)
        return [part for part in found if part]


def segments_of(quoted: str, text: str) -> list[list[Any]]:
    """The segments of a message that came before they were told apart."""
    start = len(text) - len(quoted)
    return [["own", 0, start], ["quote", start, len(text)]]


class Attachment(Model):
    """A file of a message or of a draft.  `file_url` names it in the file store."""

    __table_args__ = (
        belongs_to("message", "message_id"),
        belongs_to("draft", "draft_id"),
        CheckConstraint(
            "(message_id IS NULL) <> (draft_id IS NULL)", name="belongs_to_a_message_or_a_draft"
        ),
        CheckConstraint("size_bytes >= 0", name="size_is_not_negative"),
        Index("idx_attachment_message", "message_id"),
        Index(
            "ix_attachment_draft",
            "draft_id",
            "created_at",
            "id",
            postgresql_where=text("draft_id IS NOT NULL"),
        ),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    message_id: Mapped[UUID | None]
    draft_id: Mapped[UUID | None]
    file_name: Mapped[str]
    mime_type: Mapped[str]
    size_bytes: Mapped[int]
    file_url: Mapped[str]
    content_id: Mapped[str | None]
    is_inline: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    note: Mapped[str | None]
    created_at: Mapped[datetime_now]


class Note(Model):
    """What one colleague writes for the others about a conversation.  No customer sees it."""

    __table_args__ = (
        one_per_account("id"),
        belongs_to("conversation", "conversation_id"),
        belongs_to("user", "author_id"),
        Index(None, "account_id", "conversation_id", "created_at"),
        CheckConstraint("octet_length(body) BETWEEN 1 AND 50000", name="body_is_not_empty"),
        Column("search", TSVECTOR, Computed("message_words(body, NULL, NULL, '')", persisted=True)),
        Index("ix_note_search", "search", postgresql_using="gin"),
    )
    __mapper_args__ = {"exclude_properties": ["search"]}  # noqa: RUF012

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    conversation_id: Mapped[UUID]
    author_id: Mapped[UUID]
    body: Mapped[str]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    author: Mapped[User] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.conversation_id


class Mention(Model):
    """A colleague whom a note names."""

    __table_args__ = (
        belongs_to("note", "note_id", ondelete="CASCADE"),
        belongs_to("user", "user_id", ondelete="CASCADE"),
        Index(None, "account_id", "user_id"),
    )

    note_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]


class Tag(Model):
    """A word that conversations are sorted by; its case is kept, and makes no other tag."""

    __table_args__ = (
        one_per_account("id"),
        Index("uq_tag_account_id_name", "account_id", text("lower(name)"), unique=True),
        CheckConstraint("char_length(name) BETWEEN 1 AND 40", name="name_is_short"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    name: Mapped[str]
    created_at: Mapped[datetime_now]


class ConversationTag(Model):
    """A tag of a conversation."""

    __table_args__ = (
        belongs_to("conversation", "conversation_id", ondelete="CASCADE"),
        belongs_to("tag", "tag_id", ondelete="CASCADE"),
        Index(None, "account_id", "tag_id", "conversation_id"),
    )

    conversation_id: Mapped[UUID] = mapped_column(primary_key=True)
    tag_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    created_at: Mapped[datetime_now]


class SavedView(Model):
    """A search that is kept under a name; everybody's without `user_id`."""

    __table_args__ = (
        one_per_account("id"),
        belongs_to("user", "user_id", ondelete="CASCADE"),
        Index(None, "account_id", "user_id", "name"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 60", name="name_is_short"),
        CheckConstraint("char_length(query) <= 500", name="query_is_short"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    user_id: Mapped[UUID | None]
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime_now]


class Macro(Model):
    """A text that agents put into replies; fields such as `{{customer.name}}` are filled in."""

    __table_args__ = (
        one_per_account("id"),
        Index("uq_macro_account_id_name", "account_id", text("lower(name)"), unique=True),
        CheckConstraint("char_length(name) BETWEEN 1 AND 60", name="name_is_short"),
        CheckConstraint("octet_length(body) BETWEEN 1 AND 50000", name="body_is_not_empty"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    name: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    @property
    def timeline_id(self) -> UUID:
        return self.id

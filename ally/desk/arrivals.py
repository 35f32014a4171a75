"""What customers write, put into its conversation: by mail, or through the API."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert

from ally.channels import files
from ally.channels.mail.parsed import Category, ParsedFile
from ally.channels.models import Channel
from ally.db import db
from ally.desk.drafting import supersede_pending
from ally.desk.models import (
    Attachment,
    Conversation,
    ConversationStatus,
    Message,
    MessageDirection,
)
from ally.events import trail
from ally.jobs.queue import enqueue

NOBODY = "Unknown sender"
LIST_BYTES = 12 * 1024  # of one list in a message's metadata, which must stay under 64 KB in all


@dataclass(frozen=True)
class Arrival:
    """A customer's message before it is one.  `digest` is the same for the same message."""

    account_id: UUID
    channel_id: UUID
    digest: bytes
    author_name: str | None
    author_email: str | None
    subject: str | None
    body_text: str
    body_html: str | None
    sent_at: datetime
    external_id: str | None = None
    event_id: UUID | None = None
    category: Category = Category.ORDINARY
    metadata: dict[str, Any] = field(default_factory=dict)
    attachments: list[ParsedFile] = field(default_factory=list)

    @property
    def customer(self) -> str:
        return self.author_name or self.author_email or NOBODY

    @property
    def needs_draft(self) -> bool:
        return not self.metadata.get("auto_submitted")


class Known(Exception):
    """The message has arrived before; whoever catches it takes back what was made for it."""


def find_message(account_id: UUID, digest: bytes) -> Message | None:
    """The message that arrived with this digest."""
    return db.session.scalar(
        select(Message).where(Message.account_id == account_id, Message.intake_digest == digest)
    )


def open_conversation(arrival: Arrival, external_id: str) -> Conversation | None:
    """A new conversation under this name, or None when the account has one, also one made just
    now by somebody else."""
    values = {
        "account_id": arrival.account_id,
        "channel_id": arrival.channel_id,
        "external_id": external_id,
        "subject": arrival.subject,
        "customer_email": arrival.author_email and arrival.author_email.lower(),
        "customer_name": arrival.author_name,
        "last_message_at": arrival.sent_at,
    }
    return db.session.scalar(
        insert(Conversation)
        .values(values)
        .on_conflict_do_nothing(index_elements=["account_id", "external_id"])
        .returning(Conversation)
    )


def add(arrival: Arrival, conversation: Conversation, *, is_new: bool = False) -> Message:
    """Put the message into its conversation, which the caller holds, and ask for a draft.

    What waits there for a review is set aside, since the customer has written again;
    not so by a program's mail, which gets no draft in its place.  Raises Known.
    """
    message = write(arrival, conversation)
    for file in arrival.attachments:
        db.session.add(attachment(message, file))
    trail.record(message, "message.received", actor_name=arrival.customer)
    if not is_new:
        reopen(conversation, arrival)
    if arrival.needs_draft:
        if not is_new:
            supersede_pending(conversation)
        enqueue("desk.write_draft", message_id=str(message.id))
    return message


def write(arrival: Arrival, conversation: Conversation) -> Message:
    """The row.  Raises Known when its digest is there, also from a transaction just committed."""
    message = db.session.scalar(
        insert(Message)
        .values(
            account_id=arrival.account_id,
            conversation_id=conversation.id,
            event_id=arrival.event_id,
            external_id=arrival.external_id,
            intake_digest=arrival.digest,
            direction=MessageDirection.INBOUND,
            category=arrival.category,
            author_name=arrival.author_name,
            author_email=arrival.author_email,
            subject=arrival.subject,
            body_text=arrival.body_text,
            body_html=arrival.body_html,
            sent_at=arrival.sent_at,
            metadata_=arrival.metadata,
        )
        .on_conflict_do_nothing(index_elements=["account_id", "intake_digest"])
        .returning(Message)
    )
    if message is None:
        raise Known
    return message


def attachment(message: Message, file: ParsedFile) -> Attachment:
    return Attachment(
        account_id=message.account_id,
        message_id=message.id,
        file_name=file.file_name,
        mime_type=file.mime_type,
        size_bytes=len(file.content),
        file_url=files.store(file.content),
        content_id=file.content_id,
        is_inline=file.is_inline,
        note=file.note,
    )


def reopen(conversation: Conversation, arrival: Arrival) -> None:
    conversation.last_message_at = max(conversation.last_message_at, arrival.sent_at)
    conversation.status = ConversationStatus.OPEN
    conversation.customer_name = conversation.customer_name or arrival.author_name


def is_ours(account_id: UUID, email: str | None) -> bool:
    """Whether the address is one that we answer from: a draft for it would answer ourselves."""
    if email is None:
        return False
    ours = select(Channel.id).where(
        Channel.account_id == account_id,
        or_(
            func.lower(Channel.from_address) == email.lower(),
            func.lower(Channel.external_id) == email.lower(),
        ),
    )
    return db.session.scalar(ours.limit(1)) is not None


def fitting(values: list[Any]) -> list[Any]:
    """As many of the first values as the column has room for."""
    kept, size = [], 0
    for value in values:
        size += len(json.dumps(value, ensure_ascii=False).encode()) + 2
        if size > LIST_BYTES:
            break
        kept.append(value)
    return kept

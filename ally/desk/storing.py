"""A message before it is one, and how it is stored with its files."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import marks
from ally.channels import files
from ally.channels.mail.parsed import Category, ParsedFile
from ally.db import db
from ally.desk.flags import UNDRAFTED, Flag
from ally.desk.models import (
    Attachment,
    Conversation,
    ConversationStatus,
    Message,
    MessageDirection,
)
from ally.desk.senders import Person, Role
from ally.events import trail
from ally.notifications import feed
from ally.notifications.models import NotificationType

NOBODY = "Unknown sender"


@dataclass(frozen=True)
class Arrival:
    """A message before it is one.  `digest` is the same for the same message.

    `customer` is whom a new conversation is with.  `role` says as what the author wrote,
    `most_acts` how often Ally may draft in the thread by itself (None: as often as the
    customer writes), and `written_at` when the author says it was.
    """

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
    direction: MessageDirection = MessageDirection.INBOUND
    role: Role = Role.CUSTOMER
    customer: Person = field(default_factory=Person)
    customer_id: UUID | None = None
    most_acts: int | None = None
    written_at: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    attachments: list[ParsedFile] = field(default_factory=list)

    @property
    def author(self) -> str:
        return self.author_name or self.author_email or NOBODY

    @property
    def is_ours(self) -> bool:
        """Whether one of us sent it to the customer, which is proven."""
        return self.direction is MessageDirection.OUTBOUND

    @property
    def is_spam(self) -> bool:
        return self.category is Category.SPAM

    @property
    def is_customers(self) -> bool:
        """Whether a person has written to us, themselves or through a list."""
        if self.is_ours or self.role is not Role.CUSTOMER:
            return False
        return self.category is Category.LIST or not self.metadata.get("auto_submitted")

    @property
    def needs_draft(self) -> bool:
        """Whether a draft is written for it by itself."""
        by_itself = not self.metadata.get("auto_submitted") and not self.metadata.get("by_hand")
        return not self.is_ours and by_itself

    def flagged(self, *flags: Flag, **details: Any) -> "Arrival":
        """The same with more flags, and more in its metadata."""
        both = [*self.metadata.get("flags", []), *flags]
        return replace(self, metadata={**self.metadata, **details, "flags": both})


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
    email = arrival.customer.email
    values = {
        "account_id": arrival.account_id,
        "channel_id": arrival.channel_id,
        "external_id": external_id,
        "subject": arrival.subject,
        "status": ConversationStatus.CLOSED if arrival.is_spam else ConversationStatus.OPEN,
        "customer_id": arrival.customer_id,
        "customer_email": email and email.lower(),
        "customer_name": arrival.customer.name,
        "is_spam": arrival.is_spam,
        "last_message_at": arrival.sent_at,
    }
    return db.session.scalar(
        insert(Conversation)
        .values(values)
        .on_conflict_do_nothing(index_elements=["account_id", "external_id"])
        .returning(Conversation)
    )


def store(arrival: Arrival, conversation: Conversation) -> Message:
    """The row with its files and its event.  Raises Known."""
    message = write(arrival, conversation)
    for file in arrival.attachments:
        db.session.add(attachment(message, file))
    did = "message.sent_outside" if arrival.is_ours else "message.received"
    trail.record(message, did, actor_name=arrival.author)
    for flag in UNDRAFTED:
        if is_flagged(arrival, flag) and not is_flagged_already(message, flag):
            tell_of_undrafted(message)
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
            direction=arrival.direction,
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


def is_flagged(arrival: Arrival, flag: Flag) -> bool:
    return flag in arrival.metadata.get("flags", [])


def is_flagged_already(message: Message, flag: Flag) -> bool:
    """Whether another message of the conversation waits to be looked at for the same."""
    others = select(Message.id).where(
        Message.account_id == message.account_id,
        Message.conversation_id == message.conversation_id,
        Message.id != message.id,
        Message.metadata_["flags"].contains([flag.value]),
    )
    return db.session.scalar(others.limit(1)) is not None


def tell_of_undrafted(message: Message) -> None:
    """Put it into everybody's feed: no draft brings it into the queue."""
    feed.notify(
        message.account_id,
        NotificationType.DRAFT_FAILED,
        about=marks.shortened(message.subject or ""),
        url=f"/conversations/{message.conversation_id}",
        conversation_id=str(message.conversation_id),
    )

"""Conversations held, and the reply that waits in one set aside."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select

from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk.models import Conversation, Message
from ally.errors import Conflict
from ally.events import trail
from ally.language import Fact, _
from ally.review.models import Draft, DraftStatus


def hold(conversation_id: UUID) -> Conversation:
    """The conversation, held until the transaction ends: always before any of its drafts."""
    return hold_all([conversation_id])[0]


def hold_all(conversation_ids: Iterable[UUID]) -> list[Conversation]:
    """The conversations, held until the transaction ends, in the order of their ids.

    One order for everybody, so that nobody waits for somebody who waits for them.
    """
    return list(
        db.session.scalars(
            select(Conversation)
            .where(Conversation.id.in_(set(conversation_ids)))
            .order_by(Conversation.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def hold_to_change(conversation_id: UUID) -> Conversation:
    """The conversation, held.  Raises Conflict when it was merged: the other one counts now."""
    conversation = hold(conversation_id)
    if conversation.merged_into_id is not None:
        raise Conflict(_("This conversation was merged into another one. Open that one instead."))
    return conversation


def hold_where_it_went(conversation_id: UUID) -> Conversation:
    """The conversation, or the one that it was merged into since, held."""
    while True:
        conversation = hold(where_it_went(conversation_id))
        if conversation.merged_into_id is None:
            return conversation
        conversation_id = conversation.merged_into_id


def where_it_went(conversation_id: UUID) -> UUID:
    """The conversation that this one's messages are in now; not held."""
    while True:
        into = db.session.scalar(
            select(Conversation.merged_into_id).where(Conversation.id == conversation_id)
        )
        if into is None:
            return conversation_id
        conversation_id = into


def waiting_in(conversation: Conversation) -> Draft | None:
    """The reply that waits for a decision in the conversation, held."""
    return db.session.scalar(
        select(Draft)
        .where(
            Draft.account_id == conversation.account_id,
            Draft.conversation_id == conversation.id,
            Draft.kind == "reply",
            Draft.status == DraftStatus.PENDING,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def supersede_pending(conversation: Conversation, because: Fact | None = None) -> Draft | None:
    """Set the waiting reply aside, if there is one, since the customer wrote again, or
    `because` of something else."""
    waiting = waiting_in(conversation)
    if waiting is None:
        return None
    set_aside(waiting, because)
    if because is None:
        trail.record(waiting, "draft.superseded")
    else:
        trail.record(waiting, "draft.overtaken", reason=because)
    db.session.flush()  # before the new one takes its place as the only pending draft
    return waiting


def set_aside(draft: Draft, because: Fact | None = None) -> None:
    """Let the draft wait no longer, since the customer wrote again, or `because` of something
    else.

    It gives its message up and keeps it in `metadata`, so that at most one draft, the
    newest, stands for each message (contract 001-35).
    """
    draft.status = DraftStatus.SUPERSEDED
    give_up_trigger(draft)
    if because is not None:
        draft.metadata_ = {**draft.metadata_, "set_aside": because}


def free(message: Message) -> None:
    """Have every draft give the message up, so that the one that follows can have it."""
    for draft in drafts_for(message):
        give_up_trigger(draft)
    db.session.flush()  # before the one that follows takes it


def give_up_trigger(draft: Draft) -> None:
    if draft.trigger_message_id is None:
        return
    trigger = str(draft.trigger_message_id)
    draft.metadata_ = {**draft.metadata_, "trigger_message_id": trigger}
    draft.trigger_message_id = None


def drafts_for(message: Message) -> list[Draft]:
    """Every draft that was written for the message, also one that has given it up.

    They are not held; whoever changes one holds the conversation.
    """
    return list(
        db.session.scalars(
            select(Draft)
            .where(
                Draft.account_id == message.account_id,
                Draft.conversation_id == message.conversation_id,
                or_(
                    Draft.trigger_message_id == message.id,
                    Draft.metadata_["trigger_message_id"].as_string() == str(message.id),
                ),
            )
            .execution_options(populate_existing=True)
        )
    )


def has_waiting(message: Message) -> bool:
    """Whether a draft for the message waits for a decision."""
    return any(draft.is_pending for draft in drafts_for(message))


def stands() -> ColumnElement[bool]:
    """That a message was not taken back before it went out."""
    return ~exists().where(
        Delivery.account_id == Message.account_id,
        Delivery.message_id == Message.id,
        Delivery.status == DeliveryStatus.CANCELLED,
    )

"""Replies at the gate: what a reviewer sees of one, and what approving it does."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.channels import outbox
from ally.channels.mail import ids
from ally.channels.mail.compose import Letter, html_of
from ally.channels.models import Channel, ChannelType, Delivery
from ally.db import db
from ally.desk.models import Conversation, Message, MessageDirection
from ally.errors import Invalid
from ally.review.models import Draft, DraftAction, DraftStatus

LONGEST_CHAIN = 20  # References that a reply names; mail programs thread by the last few


class Reply:
    """A reply to a customer: one kind of draft."""

    name = "reply"

    def hold(self, draft: Draft) -> None:
        db.session.execute(
            select(Conversation.id)
            .where(Conversation.id == draft.conversation_id)
            .with_for_update()
        )

    def covered(self, draft: Draft) -> dict[str, Any]:
        conversation, trigger = conversation_of(draft), trigger_of(draft)
        return {
            "recipients": [list(address) for address in recipients_of(conversation, trigger)],
            "subject": reply_subject(conversation),
            "newest_message": str(newest_inbound_id(conversation)),
        }

    def current(self, draft: Draft) -> Draft:
        waiting = db.session.scalar(
            select(Draft).where(
                Draft.account_id == draft.account_id,
                Draft.conversation_id == draft.conversation_id,
                Draft.kind == self.name,
                Draft.status == DraftStatus.PENDING,
            )
        )
        return waiting or draft

    def prepare(self, draft: Draft, action: DraftAction, text: str) -> None:
        conversation = conversation_of(draft)
        message = outbound_message(conversation, trigger_of(draft), text)
        db.session.add(message)
        db.session.flush()  # the decision's row names it
        action.message_id, action.sent_msg_id = message.id, message.external_id
        action.final_html = message.body_html

    def apply(self, draft: Draft, action: DraftAction, text: str, *, not_before: datetime) -> None:
        conversation = conversation_of(draft)
        message = db.session.get_one(Message, action.message_id)
        conversation.last_message_at = message.sent_at
        outbox.queue(
            action_id=action.id,
            message_id=message.id,
            conversation_id=conversation.id,
            channel=conversation.channel,
            letter=letter_of(conversation, message),
            not_before=not_before,
        )

    def revert(self, draft: Draft, action: DraftAction, by: User) -> None:
        delivery = db.session.scalars(
            select(Delivery)
            .where(Delivery.account_id == draft.account_id, Delivery.action_id == action.id)
            .with_for_update()
        ).one()
        outbox.cancel(delivery, by)


def recipients_of(
    conversation: Conversation, trigger: Message | None
) -> list[tuple[str | None, str]]:
    """Whom a reply goes to, as (name, address): the Reply-To of the message it answers, or its
    author, or the customer; nobody when no address is known."""
    if trigger is not None:
        if asked := (trigger.metadata_ or {}).get("reply_to"):
            return [(name or None, address) for name, address in asked]
        if trigger.author_email:
            return [(trigger.author_name, trigger.author_email)]
    if conversation.customer_email:
        return [(conversation.customer_name, conversation.customer_email)]
    return []


def reply_subject(conversation: Conversation) -> str:
    subject = conversation.subject or "Your message"
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def outbound_message(conversation: Conversation, trigger: Message | None, text: str) -> Message:
    """The message that the customer will get.  Raises Invalid when nobody can get it."""
    channel, to = conversation.channel, recipients_of(conversation, trigger)
    if not to:
        raise Invalid("No address is known for this customer, so no reply can be sent.")
    if channel.type is not ChannelType.EMAIL or not channel.from_address:
        raise Invalid("This channel has no address to send from. Ask an admin to set one.")
    return Message(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        external_id=ids.new_message_id(channel.from_address),
        direction=MessageDirection.OUTBOUND,
        author_name=channel.from_name,
        author_email=channel.from_address,
        subject=reply_subject(conversation),
        body_text=text,
        body_html=html_of(text),
        sent_at=clock.now(),
        metadata_={
            "to": [list(address) for address in to],
            "references": references_of(trigger),
        },
    )


def references_of(trigger: Message | None) -> list[str]:
    """The chain of Message-IDs that a reply to `trigger` continues, oldest first."""
    if trigger is None or not trigger.external_id:
        return []
    before = (trigger.metadata_ or {}).get("references", [])
    return [*before[-LONGEST_CHAIN:], trigger.external_id]


def letter_of(conversation: Conversation, message: Message) -> Letter:
    channel: Channel = conversation.channel
    references = message.metadata_["references"]
    return Letter(
        from_name=channel.from_name,
        from_address=channel.from_address or "",
        to=[(name, address) for name, address in message.metadata_["to"]],
        subject=message.subject or "",
        text=message.body_text,
        message_id=message.external_id or "",
        in_reply_to=references[-1] if references else None,
        references=references,
        date=message.sent_at,
    )


def newest_inbound_id(conversation: Conversation) -> Any:
    return db.session.scalar(
        select(Message.id)
        .where(
            Message.account_id == conversation.account_id,
            Message.conversation_id == conversation.id,
            Message.direction == MessageDirection.INBOUND,
        )
        .order_by(Message.id.desc())  # as they arrived: a mail may give itself any date
        .limit(1)
    )


def conversation_of(draft: Draft) -> Conversation:
    return db.session.get_one(Conversation, draft.conversation_id)


def trigger_of(draft: Draft) -> Message | None:
    if draft.trigger_message_id is None:
        return None
    return db.session.get_one(Message, draft.trigger_message_id)


def in_words(address: tuple[str | None, str]) -> str:
    """An address as a person reads it: Dana Whitfield <dana@example.com>."""
    name, email = address
    return f"{name} <{email}>" if name else email

"""Replies at the gate: what a reviewer sees of one, and what approving it does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from ally import clock
from ally.accounts.models import User
from ally.channels import outbox
from ally.channels.mail import ids
from ally.channels.mail.compose import Letter, markup_of, text_of
from ally.channels.models import Delivery
from ally.db import db
from ally.desk import closing, snoozing
from ally.desk.envelopes import (
    Envelope,
    amended_envelope,
    in_words,
    others_of,
    proposed_envelope,
    written,
)
from ally.desk.models import Attachment, Conversation, Message, MessageDirection
from ally.desk.outgoing import (
    Address,
    enclosures_of,
    files_of,
    letter_of,
    named_in,
    new_token,
    quotation_of,
    recipients_of,
    reference_of,
    references_of,
    refuse_unsendable,
    reply_subject,
    sender_of,
    shape_of,
    trigger_of,
)
from ally.marks import size
from ally.review.decisions import sendable_text
from ally.review.models import Draft, DraftAction, DraftStatus

LONGEST_NEWS = 4_000  # characters of a new message that a refusal shows


class Reply:
    """A reply to a customer: one kind of draft."""

    name = "reply"
    teaches = True
    amendable: Collection[str] = ("cc", "bcc", "subject")

    def refuse_others(self, draft: Draft, by: User) -> None:
        """Whoever works at the desk may answer."""

    def final(self, draft: Draft, text: str | None) -> str:
        return sendable_text(draft, text)

    def hold(self, draft: Draft) -> None:
        # With its channel, which whatever follows looks at.
        db.session.scalars(
            select(Conversation)
            .where(Conversation.id == draft.conversation_id)
            .options(joinedload(Conversation.channel))
            .with_for_update(of=Conversation)
            .execution_options(populate_existing=True)
        ).one()

    def covered(self, draft: Draft) -> dict[str, Any]:
        conversation, trigger = conversation_of(draft), trigger_of(draft)
        quotation = quotation_of(conversation, trigger)
        return {
            "sender": [conversation.channel.from_name, sender_of(conversation)],
            "recipients": pairs(recipients_of(conversation, trigger)),
            "others": pairs(others_of(conversation, trigger)),
            "subject": reply_subject(conversation),
            "newest_message": str(newest_inbound_id(conversation)),
            "signature": conversation.channel.options.signature,
            "history": quotation and [quotation.introduction, quotation.text],
            "attachments": [
                {
                    "id": file.id,
                    "name": file.file_name,
                    "size": file.size_bytes,
                    "is": file.file_url,
                }
                for file in files_of(draft)
            ],
        }

    def described(self, draft: Draft, name: str, part: Any) -> str:
        if name == "newest_message":
            return newest_in_words(draft, part)
        if name == "attachments":
            return "\n".join(f"{file['name']} ({size(file['size'])})" for file in part)
        if name in {"recipients", "others"}:
            return ", ".join(in_words((told, address)) for told, address in part)
        if name == "sender":
            return in_words((part[0], part[1]))
        return "\n\n".join(part) if isinstance(part, list) else str(part or "")

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

    def prepare(
        self, draft: Draft, action: DraftAction, text: str, amended: Mapping[str, str]
    ) -> dict[str, Any]:
        conversation, trigger = conversation_of(draft), trigger_of(draft)
        proposed = proposed_envelope(conversation, trigger)
        envelope = amended_envelope(proposed, conversation, amended)
        message = outbound_message(conversation, trigger, envelope)
        letter = letter_of(draft, conversation, message, text)
        message.body_text, message.body_html = text_of(letter), markup_of(letter)
        message.metadata_ = {**message.metadata_, **shape_of(letter)}
        conversation.reference = reference_of(conversation)
        conversation.last_message_at = message.sent_at
        db.session.add(message)
        db.session.flush()  # the decision's row names it
        action.message_id, action.sent_msg_id = message.id, message.external_id
        action.final_html = message.body_html
        return envelope.amendments(proposed)

    def apply(self, draft: Draft, action: DraftAction, text: str, *, not_before: datetime) -> None:
        conversation = conversation_of(draft)
        message = db.session.get_one(Message, action.message_id)
        going = files_of(draft)
        db.session.add_all(copy_of(file, message) for file in going)
        letter = letter_of(draft, conversation, message, text)
        outbox.queue(
            action_id=action.id,
            message_id=message.id,
            conversation_id=conversation.id,
            channel=conversation.channel,
            letter=replace(letter, enclosures=enclosures_of(going, conversation)),
            not_before=not_before,
        )

    def put_off(self, draft: Draft, until: datetime | None) -> None:
        snoozing.put_off(conversation_of(draft), until)

    def bring_back(self, draft: Draft, by: User) -> None:
        closing.open_for(draft, conversation_of(draft), by)

    def due_at(self, draft: Draft, action: DraftAction) -> datetime:
        delivery = db.session.scalars(
            delivery_of(action).execution_options(populate_existing=True)
        ).one()
        outbox.refuse_begun(delivery)
        return delivery.not_before

    def revert(self, draft: Draft, action: DraftAction, by: User | None) -> None:
        delivery = db.session.scalars(delivery_of(action).with_for_update()).one()
        outbox.cancel(delivery, by)


def delivery_of(action: DraftAction) -> Select[Delivery]:
    return select(Delivery).where(
        Delivery.account_id == action.account_id, Delivery.action_id == action.id
    )


def envelope_taken_back(action: DraftAction) -> dict[str, str]:
    """The copies and the subject of an approval that was taken back, as they were typed."""
    if action.message_id is None:
        return {}
    message = db.session.get_one(Message, action.message_id)
    typed = {name: written(named_in(message, name)) for name in ("cc", "bcc")}
    if message.subject != reply_subject(message.conversation):
        typed["subject"] = message.subject or ""
    return {name: said for name, said in typed.items() if said}


def letter_for(draft: Draft, text: str) -> Letter:
    """The letter that `text` would go out in, for looking at its words."""
    conversation = conversation_of(draft)
    return Letter(
        from_name=None,
        from_address="",
        to=[],
        subject="",
        text=text,
        message_id="",
        signature=conversation.channel.options.signature,
        quotation=quotation_of(conversation, trigger_of(draft)),
        date=clock.now(),
    )


def outbound_message(
    conversation: Conversation, trigger: Message | None, envelope: Envelope
) -> Message:
    """The message that the customer will get, without its text.

    Raises Invalid when nobody can get it.
    """
    channel = conversation.channel
    refuse_unsendable(conversation, envelope.to)
    return Message(
        account_id=conversation.account_id,
        conversation_id=conversation.id,
        external_id=ids.new_message_id(channel.from_address or ""),
        direction=MessageDirection.OUTBOUND,
        reply_token=new_token(conversation),
        author_name=channel.from_name,
        author_email=channel.from_address,
        subject=envelope.subject,
        sent_at=clock.now(),
        metadata_={
            "to": pairs(envelope.to),
            "cc": pairs(envelope.cc),
            "bcc": pairs(envelope.bcc),
            "references": references_of(trigger),
        },
    )


def newest_in_words(draft: Draft, message_id: str) -> str:
    """Who wrote the message, and what; cut where it is long."""
    message = db.session.scalar(
        select(Message).where(Message.account_id == draft.account_id, Message.id == message_id)
    )
    if message is None:
        return ""
    author = message.author_name or message.author_email or ""
    return f"{author}\n\n{message.own_text[:LONGEST_NEWS]}".strip()


def pairs(people: Sequence[Address]) -> list[list[str | None]]:
    return [list(address) for address in people]


def copy_of(file: Attachment, message: Message) -> Attachment:
    """The same file, as it went out with the message: a draft's may still change."""
    return Attachment(
        account_id=message.account_id,
        message_id=message.id,
        file_name=file.file_name,
        mime_type=file.mime_type,
        size_bytes=file.size_bytes,
        file_url=file.file_url,
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

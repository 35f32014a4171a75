"""What a reply is made of, beside the words that a person approves."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from ally.channels import adapters, files
from ally.channels.adapters import Adapter, Nowhere
from ally.channels.mail import headers, ids
from ally.channels.mail.compose import Enclosure, Letter, Quotation, quoted_in, signature_of
from ally.db import db
from ally.desk.models import Attachment, Conversation, Message
from ally.errors import Invalid, NotFound
from ally.language import _
from ally.review.models import Draft

LONGEST_CHAIN = 20  # References that a reply names; mail programs thread by the last few
MOST_BYTES = 18 * 1024 * 1024  # of all files; in a mail that is 25 MB, which most servers take

Address = tuple[str | None, str]


def adapter_of(conversation: Conversation) -> Adapter:
    return adapters.for_channel(conversation.channel)


def recipients_of(conversation: Conversation, trigger: Message | None) -> list[Address]:
    """Whom a reply goes to, as (name, address): the Reply-To of the message it answers, or its
    author; to the customer where it follows our own; nobody when no address is known.

    In a chat it goes to the customer, whose address is "".
    """
    if not adapter_of(conversation).capabilities.addresses:
        return [(conversation.customer, "")]
    if trigger is not None and trigger.is_inbound:
        if asked := (trigger.metadata_ or {}).get("reply_to"):
            return [(name or None, address) for name, address in asked]
        if trigger.author_email:
            return [(trigger.author_name, trigger.author_email)]
    if conversation.customer_email:
        return [(conversation.customer_name, conversation.customer_email)]
    return []


def reply_subject(conversation: Conversation) -> str:
    """The customer's subject as an answer's, with the conversation's name where that is wished."""
    subject = headers.clean(conversation.subject) or "Your message"
    subject = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    reference = reference_of(conversation)
    if not conversation.channel.options.subject_reference or reference in ids.references_in(
        subject
    ):
        return subject
    tag = f" [#{reference}]"
    return subject[: headers.LONGEST_VALUE - len(tag)].rstrip() + tag


def reference_of(conversation: Conversation) -> str:
    return conversation.reference or ids.reference_of(conversation.id)


def sender_of(conversation: Conversation) -> str:
    """Whom the customer sees as the sender; "" when nobody is set."""
    channel = conversation.channel
    if adapter_of(conversation).capabilities.addresses:
        return channel.from_address or ""
    return channel.from_name or channel.name


def quotation_of(conversation: Conversation, trigger: Message | None) -> Quotation | None:
    """The message that is answered, where the channel quotes it."""
    quotes = conversation.channel.options.quotes_history
    if trigger is None or not quotes or not adapter_of(conversation).capabilities.addresses:
        return None
    name = headers.clean(trigger.author_name or trigger.author_email) or "you"
    day = f"{trigger.sent_at.day} {trigger.sent_at:%B %Y at %H:%M} UTC"
    return Quotation(f"On {day}, {name} wrote:", trigger.own_text)


def references_of(trigger: Message | None) -> list[str]:
    """The chain of Message-IDs that a reply to `trigger` continues, oldest first."""
    if trigger is None or not trigger.external_id:
        return []
    before = (trigger.metadata_ or {}).get("references", [])
    return [*before[-LONGEST_CHAIN:], trigger.external_id]


def files_of(draft: Draft) -> Sequence[Attachment]:
    """The files that go along with a draft, the first first."""
    return db.session.scalars(
        select(Attachment)
        .where(Attachment.account_id == draft.account_id, Attachment.draft_id == draft.id)
        .order_by(Attachment.created_at, Attachment.id)
    ).all()


def letter_of(draft: Draft, conversation: Conversation, message: Message, text: str) -> Letter:
    """The letter that brings `text` to the customer, as `message` records it; without files."""
    channel, references = conversation.channel, message.metadata_["references"]
    return Letter(
        from_name=channel.from_name,
        from_address=channel.from_address or "",
        to=named_in(message, "to"),
        cc=named_in(message, "cc"),
        bcc=named_in(message, "bcc"),
        subject=message.subject or "",
        text=text,
        message_id=message.external_id or "",
        in_reply_to=references[-1] if references else None,
        references=references,
        reply_to=reply_address(conversation, message.reply_token),
        signature=channel.options.signature,
        quotation=quotation_of(conversation, trigger_of(draft)),
        thread=thread_of(conversation),
        date=message.sent_at,
    )


def named_in(message: Message, field: str) -> list[Address]:
    return [(name, address) for name, address in message.metadata_.get(field, [])]


def reply_address(conversation: Conversation, token: str | None) -> str | None:
    return ids.address_with(token, conversation.channel.from_address or "") if token else None


def new_token(conversation: Conversation) -> str | None:
    """A token for the address of the answer, where the channel takes such; None elsewhere."""
    address = conversation.channel.from_address
    wanted = conversation.channel.options.reply_tokens
    if not wanted or not address or not adapter_of(conversation).capabilities.addresses:
        return None
    token = ids.new_reply_token()
    return token if ids.address_with(token, address) else None


def thread_of(conversation: Conversation) -> str | None:
    """The provider's name for the conversation, where it has one."""
    mark = f"{conversation.channel.platform}:"
    if not conversation.external_id.startswith(mark):
        return None
    # Two channels may know one name; the second one's conversation bears its channel's too.
    return conversation.external_id.removeprefix(mark).removesuffix(f"@{conversation.channel_id}")


def enclosures_of(going: Sequence[Attachment], conversation: Conversation) -> list[Enclosure]:
    """A draft's files with their bytes.  Raises Invalid when they cannot go along."""
    if going and not adapter_of(conversation).capabilities.attachments:
        raise Invalid(_("Files cannot be sent on this channel. Take them off the reply."))
    total = sum(file.size_bytes for file in going)
    if total > MOST_BYTES:
        megabytes = f"{total / 1024 / 1024:.1f}"
        raise Invalid(
            _(
                "The files have %(megabytes)s MB together, and 18 MB can be sent.",
                megabytes=megabytes,
            )
        )
    return [Enclosure(file.file_name, file.mime_type, content_of(file)) for file in going]


def content_of(file: Attachment) -> bytes:
    try:
        return files.read(file.file_url)
    except NotFound:
        name = headers.clean(file.file_name)
        raise Invalid(
            _("“%(name)s” is no longer in the store. Take it off the reply.", name=name)
        ) from None


def refuse_unsendable(conversation: Conversation, to: list[Address]) -> None:
    """Raises Invalid when nothing can go out, with what can be done about it."""
    adapter = adapter_of(conversation)
    if not to:
        raise Invalid(_("No address is known for this customer, so no reply can be sent."))
    if adapter.capabilities.addresses and not conversation.channel.from_address:
        raise Invalid(_("This channel has no address to send from. Ask an admin to set one."))
    if isinstance(adapter, Nowhere) and not adapter.capabilities.addresses:
        raise Invalid(_("Nothing can be sent on this channel yet. Ask an admin to set it up."))


def shape_of(letter: Letter) -> dict[str, Any]:
    """What a message says of its text: where the signature is, and where history begins."""
    own, signature = len(letter.text), len(signature_of(letter.signature))
    quoted = len(quoted_in(letter))
    if not signature and not quoted:
        return {}
    segments = [["own", 0, own]]
    if signature:
        segments.append(["signature", own, own + signature])
    if not quoted:
        return {"segments": segments}
    start = own + signature
    return {"segments": [*segments, ["quote", start, start + quoted]], "quoted_from": start}


def trigger_of(draft: Draft) -> Message | None:
    if draft.trigger_message_id is None:
        return None
    return db.session.get_one(Message, draft.trigger_message_id)

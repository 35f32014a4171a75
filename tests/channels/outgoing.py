"""Deliveries for tests: a decision on a draft, with its mail in the outbox."""

import itertools

from ally import clock
from ally.channels import outbox
from ally.channels.mail import ids
from ally.channels.mail.compose import Letter
from ally.channels.models import Channel, ChannelType
from ally.db import db
from ally.desk.models import MessageDirection
from ally.review.models import ActionType, DraftAction, DraftStatus
from tests.factories import make_channel, make_conversation, make_draft, make_message

numbers = itertools.count(1)


def make_delivery(user, to="dana@example.com", text="The 255 lph pump is enough.", **fields):
    """A delivery that is due, of the user's account, which must be the current one."""
    channel = fields.pop("channel", None) or make_channel(user.account, key=fields.pop("key", None))
    conversation = make_conversation(user.account, channel, customer_email=to)
    draft = make_draft(conversation, text, status=DraftStatus.SENT)
    message_id = ids.new_message_id(channel.from_address)
    message = make_message(
        conversation, text, direction=MessageDirection.OUTBOUND, external_id=message_id
    )
    action = DraftAction(
        account_id=user.account_id,
        draft_id=draft.id,
        user_id=user.id,
        type=ActionType.APPROVE,
        final_text=text,
        message_id=message.id,
    )
    db.session.add(action)
    db.session.flush()
    delivery = outbox.queue(
        action_id=action.id,
        message_id=message.id,
        conversation_id=conversation.id,
        channel=channel,
        letter=letter_of(channel, to, text, message_id),
        not_before=fields.pop("not_before", None) or clock.now(),
    )
    db.session.commit()
    return delivery


def letter_of(channel: Channel, to, text, message_id):
    return Letter(
        from_name=channel.from_name,
        from_address=channel.from_address,
        to=[("Dana Whitfield", to)],
        subject="Re: Which pump for 450 hp?",
        text=text,
        message_id=message_id,
        date=clock.now(),
    )


def chat_channel(account):
    return make_channel(account, type=ChannelType.CHAT)

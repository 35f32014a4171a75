"""How much Ally does by itself, so that two programs that answer each other come to an end."""

import hashlib
from datetime import timedelta

from sqlalchemy import text

from ally import throttle
from ally.channels.models import Channel, ChannelType
from ally.db import db
from ally.desk.models import Conversation

# Messages of one sender that may get drafts: a person writes fewer mails, and more in a chat.
MAILS_PER_HOUR = 20
LINES_PER_HOUR = 120
AN_HOUR = timedelta(hours=1)

# What Ally has drafted in the conversation by itself since a person last did something there.
ACTS = text("""
    SELECT count(*) FROM draft d
     WHERE d.account_id = :account_id AND d.conversation_id = :conversation_id
       AND d.metadata->>'asked_by' IS NULL
       AND d.created_at > greatest(
           (SELECT max(a.created_at) FROM draft_action a JOIN draft x ON x.id = a.draft_id
             WHERE x.account_id = :account_id AND x.conversation_id = :conversation_id),
           (SELECT max(x.created_at) FROM draft x WHERE x.account_id = :account_id
               AND x.conversation_id = :conversation_id AND x.metadata->>'asked_by' IS NOT NULL),
           (SELECT max(m.sent_at) FROM message m WHERE m.account_id = :account_id
               AND m.conversation_id = :conversation_id AND m.direction = 'outbound'),
           '-infinity')
""")


def writes_a_lot(channel: Channel, sender: str | None) -> bool:
    """Count one message of the sender; whether they were more than a person writes in an hour.

    The count is held until the transaction ends: mails of one sender are taken in one
    after the other.
    """
    name = f"{channel.account_id} {(sender or '').lower()}"
    key = f"mails:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"
    most = MAILS_PER_HOUR if channel.type is ChannelType.EMAIL else LINES_PER_HOUR
    return throttle.count(key, per=AN_HOUR) > most


def has_done_enough(conversation: Conversation, most: int) -> bool:
    """Whether Ally has drafted `most` times here without a person doing anything."""
    asked = {"account_id": conversation.account_id, "conversation_id": conversation.id}
    return (db.session.scalar(ACTS, asked) or 0) >= most

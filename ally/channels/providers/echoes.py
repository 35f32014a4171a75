"""Our own answers, which a provider tells us of like any other message."""

from sqlalchemy import select

from ally.channels.models import Delivery, EventsRaw
from ally.db import db


def is_echo(event: EventsRaw, provider_id: str) -> bool:
    """Whether the message with this id at the provider is one that we sent there."""
    if not provider_id:
        return False
    ours = select(Delivery.id).where(
        Delivery.account_id == event.account_id,
        Delivery.channel_id == event.channel_id,
        Delivery.provider_id == provider_id,
    )
    return db.session.scalar(ours.limit(1)) is not None

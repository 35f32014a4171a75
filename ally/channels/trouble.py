"""What goes wrong on a channel until an admin mends it: noted there, and told once a day."""

from datetime import timedelta

from sqlalchemy import update

from ally import clock, throttle
from ally.channels.models import Channel
from ally.db import db
from ally.notifications import feed
from ally.notifications.models import NotificationType

TOLD_AGAIN_AFTER = timedelta(days=1)


def note(channel: Channel, reason: str, url: str) -> None:
    """Keep the newest trouble with the channel, and tell everybody the first time.

    `url` leads to what met with it.
    """
    remember(channel, reason)
    if throttle.count(f"channel-trouble:{channel.id}", per=TOLD_AGAIN_AFTER) == 1:
        feed.notify(
            channel.account_id,
            NotificationType.SEND_FAILED,
            failure="channel",
            channel=channel.name,
            reason=reason,
            url=url,
            channel_id=str(channel.id),
        )


def forget(channel: Channel) -> None:
    """Something went well again.  The row is left alone while there was no trouble."""
    if channel.last_error is not None:
        remember(channel, None)


def remember(channel: Channel, reason: str | None) -> None:
    at = clock.now() if reason else None
    # Nobody has changed the channel: an admin's open form must not be refused for this.
    changes = {"last_error": reason, "last_error_at": at, "updated_at": Channel.updated_at}
    db.session.execute(update(Channel).where(Channel.id == channel.id).values(changes))

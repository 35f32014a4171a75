"""How far a channel that we read ourselves has been read (contract 000-75 to 77)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.channels.mail.headers import clean
from ally.channels.models import Channel, CheckpointStatus, IngestCheckpoint
from ally.db import current_account_id, db


def hold_checkpoint(channel: Channel, name: str) -> IngestCheckpoint:
    """The channel's checkpoint of this name, held; a new one where there is none."""
    db.session.execute(
        insert(IngestCheckpoint)
        .values(account_id=channel.account_id, channel_id=channel.id, name=name)
        .on_conflict_do_nothing(index_elements=["account_id", "channel_id", "name"])
    )
    return db.session.scalars(
        select(IngestCheckpoint)
        .where(
            IngestCheckpoint.account_id == channel.account_id,
            IngestCheckpoint.channel_id == channel.id,
            IngestCheckpoint.name == name,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def advance(
    checkpoint: IngestCheckpoint, cursor: dict[str, Any], last_timestamp: datetime | None = None
) -> None:
    """Note that everything up to this place is stored."""
    checkpoint.cursor, checkpoint.status = cursor, CheckpointStatus.RUNNING
    checkpoint.last_timestamp = last_timestamp or checkpoint.last_timestamp


def record_success(checkpoint: IngestCheckpoint) -> None:
    """Note that there is nothing more to read for now."""
    checkpoint.status, checkpoint.error_count = CheckpointStatus.IDLE, 0
    checkpoint.last_error = checkpoint.last_error_at = None


def record_error(channel: Channel, name: str, error: str) -> int:
    """Count the error, and show it; how many there were in a row."""
    checkpoint = hold_checkpoint(channel, name)
    checkpoint.status = CheckpointStatus.FAILED
    checkpoint.error_count += 1
    checkpoint.last_error, checkpoint.last_error_at = clean(error), clock.now()
    channel.last_error, channel.last_error_at = checkpoint.last_error, checkpoint.last_error_at
    return checkpoint.error_count


def checkpoints() -> Sequence[Any]:
    """The account's checkpoints with the names of their channels, by channel and name."""
    return db.session.execute(
        select(IngestCheckpoint, Channel.name.label("channel"))
        .join(Channel, Channel.id == IngestCheckpoint.channel_id)
        .where(IngestCheckpoint.account_id == current_account_id())
        .order_by(Channel.name, IngestCheckpoint.name)
        .limit(200)
    ).all()

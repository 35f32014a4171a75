"""Threads of a channel: what is written in one has a channel of its own, as Discord sees it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally.channels.models import Channel
from ally.community.models import CommunityThread
from ally.community.people import given, ours, upserted
from ally.db import current_account_id, db


def open_thread(
    channel: Channel,
    external_id: str,
    *,
    name: str,
    opened_at: datetime,
    starter_external_id: str | None,
    is_archived: bool,
) -> CommunityThread:
    """The thread as it is told now; one that was deleted stays so."""
    row = insert(CommunityThread).values(
        account_id=current_account_id(),
        channel_id=channel.id,
        external_id=external_id,
        name=name,
        starter_external_id=starter_external_id,
        is_archived=is_archived,
        opened_at=opened_at,
    )
    new = row.excluded
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id"],
            set_={
                "name": new.name,
                "is_archived": new.is_archived,
                "opened_at": new.opened_at,
                "starter_external_id": given(
                    new.starter_external_id, CommunityThread.starter_external_id
                ),
            },
        ).returning(CommunityThread)
    )


def delete_thread(channel: Channel, external_id: str, at: datetime) -> CommunityThread:
    """The thread as deleted, also when nobody told that it was begun."""
    row = insert(CommunityThread).values(
        account_id=current_account_id(),
        channel_id=channel.id,
        external_id=external_id,
        name="",
        opened_at=at,
        deleted_at=at,
    )
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id"],
            set_={"deleted_at": given(CommunityThread.deleted_at, row.excluded.deleted_at)},
        ).returning(CommunityThread)
    )


def thread_of(channel: Channel, server_id: UUID) -> CommunityThread | None:
    """The thread whose own channel this is, among those of the same server."""
    parents = select(Channel.id).where(*ours(Channel), Channel.parent_id == server_id)
    return db.session.scalar(
        select(CommunityThread).where(
            *ours(CommunityThread),
            CommunityThread.channel_id.in_(parents),
            CommunityThread.external_id == channel.platform_id,
        )
    )

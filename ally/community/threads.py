"""Threads of a channel: what is written in one has a channel of its own, as Discord sees it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select
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
    told_at: datetime,
    starter_external_id: str | None,
    is_archived: bool,
) -> CommunityThread:
    """The thread as it was told last, at `told_at`; one that was deleted stays so."""
    row = insert(CommunityThread).values(
        account_id=current_account_id(),
        channel_id=channel.id,
        external_id=external_id,
        name=name,
        starter_external_id=starter_external_id,
        is_archived=is_archived,
        told_at=told_at,
        opened_at=opened_at,
    )
    new = row.excluded
    is_older = CommunityThread.told_at > new.told_at
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id"],
            set_={
                "name": case((is_older, CommunityThread.name), else_=new.name),
                "is_archived": case((is_older, CommunityThread.is_archived), else_=new.is_archived),
                "told_at": func.greatest(CommunityThread.told_at, new.told_at),
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


def those_with_channels(platform_ids: Iterable[str], server_id: UUID) -> set[str]:
    """Which of these are threads of channels of the server."""
    parents = select(Channel.id).where(*ours(Channel), Channel.parent_id == server_id)
    return set(
        db.session.scalars(
            select(CommunityThread.external_id).where(
                *ours(CommunityThread),
                CommunityThread.channel_id.in_(parents),
                CommunityThread.external_id.in_(list(platform_ids)),
            )
        )
    )


def is_switched_off(channel: Channel, server_id: UUID) -> bool:
    """Whether this is the channel of a thread whose own channel above is not read."""
    off = select(CommunityThread.id).join(
        Channel,
        (Channel.account_id == CommunityThread.account_id)
        & (Channel.id == CommunityThread.channel_id),
    )
    found = off.where(
        *ours(CommunityThread),
        Channel.parent_id == server_id,
        ~Channel.is_active,
        CommunityThread.external_id == channel.platform_id,
    )
    return db.session.scalar(select(found.exists())) or False

"""Where a community writes: its channels (contract 000-58 to 60, `Source` there).

A platform that Ally has no reader for is kept under the name COMMUNITY, and its own name
begins the channel's id there.
"""

import secrets as chance
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.channels import secrets
from ally.channels.models import COMMUNITIES, Channel, ChannelType, Platform
from ally.community.people import changed, given, newest, ours, upserted
from ally.db import current_account_id, db
from ally.language import _


def upsert_channel(
    platform: str,
    platform_id: str,
    *,
    parent_id: UUID | None = None,
    name: str | None = None,
    named_at: datetime | None = None,
    description: str | None = None,
    crawl_config: dict[str, Any] | None = None,
) -> Channel:
    """The channel, made if it is not known; what is not given stays, and so does a name that is
    newer than the given one."""
    kept, kept_id = named_here(platform, platform_id)
    row = insert(Channel).values(
        account_id=current_account_id(),
        type=ChannelType.CHAT,
        platform=kept,
        platform_id=kept_id,
        external_id=f"{kept}:{kept_id}",
        parent_id=parent_id,
        name=name or platform_id,
        named_at=None if name is None else named_at or clock.now(),
        description=description,
        crawl_config=crawl_config or {},
        # Nothing is posted to it yet: a key that nobody knows, and a secret that nobody has.
        key=chance.token_urlsafe(24),
        secret_sealed=secrets.seal(chance.token_urlsafe(32)),
    )
    return upserted(
        row.on_conflict_do_update(
            index_elements=["account_id", "platform", "platform_id"],
            set_={
                "name": Channel.name if name is None else newest(Channel, row, "name"),
                "named_at": func.greatest(Channel.named_at, row.excluded.named_at),
                "parent_id": given(row.excluded.parent_id, Channel.parent_id),
                "description": given(row.excluded.description, Channel.description),
                "crawl_config": Channel.crawl_config if crawl_config is None else crawl_config,
            },
        ).returning(Channel)
    )


def get_channel(platform: str, platform_id: str) -> Channel | None:
    kept, kept_id = named_here(platform, platform_id)
    return db.session.scalar(
        select(Channel).where(
            *ours(Channel), Channel.platform == kept, Channel.platform_id == kept_id
        )
    )


def get_channels(platform: str, platform_ids: Iterable[str]) -> dict[str, Channel]:
    """Those of the channels that are known, by the ids that were asked for."""
    named = {named_here(platform, each)[1]: each for each in platform_ids}
    found = db.session.scalars(
        select(Channel).where(
            *ours(Channel),
            Channel.platform == named_here(platform, "")[0],
            Channel.platform_id.in_(named),
        )
    )
    return {named[channel.platform_id or ""]: channel for channel in found}


def update_channel_status(channel_id: UUID, *, is_active: bool) -> Channel:
    """Read the channel from now on, or leave it out.  Raises NotFound."""
    return changed(Channel, channel_id, _("There is no such channel."), is_active=is_active)


def named_here(platform: str, platform_id: str) -> tuple[Platform, str]:
    """The platform and the id as the channel's row has them."""
    if platform in COMMUNITIES:
        return Platform(platform), platform_id
    return Platform.COMMUNITY, f"{platform}:{platform_id}"

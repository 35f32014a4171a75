"""The Discord servers that are read, and what of them is stored: each call is a transaction.

Nothing here knows how it came: live by the gateway, or read by REST.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from ally.channels import checkpoints, credentials
from ally.channels.credentials import BotCredentials
from ally.channels.models import Channel, Platform
from ally.community import places
from ally.community.discord.reading import time_in
from ally.community.discord.storing import store_event
from ally.community.models import Post
from ally.community.people import ours
from ally.db import db, use_account
from ally.errors import AllyError

log = logging.getLogger(__name__)

BEGINNING = "0"  # before the first message of any channel
ROUNDING = timedelta(seconds=1)  # of a message's time against that in its id
Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Server:
    """A channel that is connected to one Discord server.  `base_url` stands in for Discord's."""

    account_id: UUID
    channel_id: UUID
    key: str
    guild_id: str
    token: str
    base_url: str


def servers(app: Flask, keys: Sequence[str] = ()) -> list[Server]:
    """The servers of all accounts that are switched on; of these keys alone, if any are given."""
    found = []
    with app.app_context():
        for account_id in db.session.scalars(text("SELECT account_ids()")).all():
            use_account(account_id)
            asked = select(Channel).where(
                Channel.account_id == account_id,
                Channel.platform == Platform.DISCORD,
                Channel.parent_id.is_(None),
                Channel.credentials_sealed.is_not(None),
                Channel.is_active,
            )
            for channel in db.session.scalars(asked):
                found += server_of(channel)
        db.session.rollback()
    return [server for server in found if not keys or server.key in keys]


def server_of(channel: Channel) -> list[Server]:
    try:
        told = credentials.read(channel, BotCredentials)
    except AllyError as wrong:
        log.warning("%s", wrong)
        return []
    known = (channel.account_id, channel.id, channel.key, channel.external_id)
    return [Server(*known, told.bot_token, told.base_url)]


@dataclass(frozen=True)
class Store:
    """Keeps what is read of one server."""

    app: Flask
    server: Server

    def live(self, events: Iterable[tuple[str, Payload, str]]) -> None:
        """Keep what the gateway told: an event's name, its payload, and its place there."""
        with self.app.app_context():
            channel = self.enter()
            for name, payload, place in events:
                store_event(channel, name, payload, place=place)
            db.session.commit()

    def names(self, channels: Iterable[Payload], threads: Iterable[Payload]) -> None:
        """Keep how the server's channels are called, and its threads."""
        with self.app.app_context():
            channel = self.enter()
            for told in channels:
                places.upsert_channel(
                    "discord",
                    told["id"],
                    parent_id=channel.id,
                    name=told.get("name"),
                    description=told.get("topic"),
                )
            for thread in threads:
                store_event(channel, "THREAD_UPDATE", thread, source="backfill")
            db.session.commit()

    def place(self, channel_id: str) -> str:
        """The newest message of the channel that is stored."""
        with self.app.app_context():
            checkpoint = checkpoints.hold_checkpoint(self.enter(), channel_id)
            after = str((checkpoint.cursor or {}).get("after", BEGINNING))
            db.session.rollback()
            return after

    def page(self, channel_id: str, messages: Sequence[Payload], after: str) -> None:
        """Keep a page of the channel, and that everything up to `after` is kept."""
        with self.app.app_context():
            channel = self.enter()
            for message in messages:
                store_event(channel, "MESSAGE", message, source="backfill")
            checkpoint = checkpoints.hold_checkpoint(channel, channel_id)
            checkpoint.last_message_id = after
            newest = max(messages, key=lambda message: int(message["id"]))
            moment = datetime.fromisoformat(newest["timestamp"])
            checkpoints.advance(checkpoint, {"after": after}, moment)
            db.session.commit()

    def again(self, channel_id: str, messages: Sequence[Payload]) -> None:
        """Keep what was edited, and that what stood among these messages and is gone was deleted.

        The gateway tells neither to somebody who was away.
        """
        with self.app.app_context():
            channel = self.enter()
            for message in messages:
                store_event(channel, "MESSAGE", message, source="backfill")
            for gone in missing(channel_id, [message["id"] for message in messages]):
                told = {"id": gone, "channel_id": channel_id}
                store_event(channel, "MESSAGE_DELETE", told, source="backfill")
            checkpoint = checkpoints.hold_checkpoint(channel, channel_id)
            checkpoints.record_success(checkpoint)
            db.session.commit()

    def error(self, name: str, said: str) -> None:
        """Count and show that the channel could not be read."""
        with self.app.app_context():
            try:
                checkpoints.record_error(self.enter(), name, said)
                db.session.commit()
            except SQLAlchemyError as again:  # the database may be what is away
                db.session.rollback()
                log.error("discord: the error was not noted: %s", type(again).__name__)

    def enter(self) -> Channel:
        use_account(self.server.account_id)
        return db.session.get_one(Channel, self.server.channel_id)


def missing(channel_id: str, ids: Sequence[str]) -> list[str]:
    """The posts of the channel that we know between the first and the last of the ids, and that
    are none of them."""
    place = places.get_channel("discord", channel_id)
    if place is None or not ids:
        return []
    first, last = min(map(int, ids)), max(map(int, ids))
    known = db.session.scalars(
        select(Post.external_id).where(
            *ours(Post),
            Post.channel_id == place.id,
            Post.posted_at >= time_in(str(first)) - ROUNDING,
            Post.posted_at <= time_in(str(last)) + ROUNDING,
            ~Post.is_deleted,
        )
    )
    told = set(ids)
    return [one for one in known if first < int(one) < last and one not in told]

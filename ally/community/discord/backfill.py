"""What was written while nobody listened is read by REST: from each channel's checkpoint on.

Rate limits are kept by discord.py: by bucket, by Retry-After, and for all at once when Discord
says so; 5xx is tried again.  Source: https://docs.discord.com/developers/topics/rate-limits
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient

from ally.community.discord.servers import Payload, Store

log = logging.getLogger(__name__)

PAGE = 100  # messages, the most that Discord gives at once
HOLDS_MESSAGES = frozenset({0, 2, 5, 13})  # text, voice, announcements, stages
HOLDS_THREADS = frozenset({0, 5, 15, 16})  # text, announcements, forums, media
NO_ACCESS = "The bot may not read this channel. Give it View Channel and Read Message History."

Say = Callable[[str, int], None]  # the channel's name, and how many messages of it were read


class Outcome(IntEnum):
    """How the reading went, from good to bad.  What is closed to the bot somebody has to open;
    what failed is read again soon."""

    READ = 0
    CLOSED = 1
    FAILED = 2


async def read_server(http: HTTPClient, store: Store, say: Say) -> Outcome:
    """Read every channel and thread of the server to its end; the worst that came of one."""
    guild = int(store.server.guild_id)
    channels = await http.get_all_guild_channels(guild)
    threads = await threads_of(http, guild, channels)
    readable = [told for told in channels if told["type"] in HOLDS_MESSAGES | HOLDS_THREADS]
    await asyncio.to_thread(store.names, readable, threads)
    worst = Outcome.READ
    for told in [*readable, *threads]:
        if told["type"] in {15, 16}:
            continue  # a forum holds threads alone
        worst = max(worst, await tried(http, store, told, say))
    return worst


async def threads_of(
    http: HTTPClient, guild: int, channels: Sequence[Payload]
) -> list[dict[str, Any]]:
    """The server's threads: those that are active, and those that were archived in public."""
    active = (await http.get_active_threads(guild))["threads"]
    found = {thread["id"]: dict(thread) for thread in active}
    for channel in channels:
        if channel["type"] not in HOLDS_THREADS:
            continue
        before, has_more = None, True
        while has_more:
            try:
                page: Any = await http.get_public_archived_threads(
                    channel["id"],
                    before=before,
                )
            except discord.Forbidden:
                break  # told when the channel itself is read
            found |= {thread["id"]: dict(thread) for thread in page["threads"]}
            has_more = bool(page.get("has_more")) and bool(page["threads"])
            if has_more:
                before = page["threads"][-1]["thread_metadata"]["archive_timestamp"]
    return list(found.values())


async def tried(http: HTTPClient, store: Store, told: Payload, say: Say) -> Outcome:
    """Read one channel; what stands against it is counted and shown, and the others go on."""
    try:
        await read_channel(http, store, told, say)
    except discord.Forbidden:
        await asyncio.to_thread(store.error, told["id"], NO_ACCESS)
        return Outcome.CLOSED
    except discord.NotFound:
        return Outcome.READ  # it was deleted meanwhile, which the gateway tells
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        said = f"Discord answered {getattr(error, 'status', type(error).__name__)}."
        log.warning("discord channel %s: %s", told["id"], said)
        await asyncio.to_thread(store.error, told["id"], said)
        return Outcome.FAILED
    return Outcome.READ


async def read_channel(http: HTTPClient, store: Store, told: Payload, say: Say) -> None:
    channel_id, read = told["id"], 0
    after = await asyncio.to_thread(store.place, channel_id)
    while True:
        page: Any = await http.logs_from(channel_id, PAGE, after=after)
        if not page:
            break
        after = str(max(int(message["id"]) for message in page))
        await asyncio.to_thread(store.page, channel_id, page, after)
        read += len(page)
        say(told.get("name") or channel_id, read)
        if len(page) < PAGE:
            break
    newest: Any = await http.logs_from(channel_id, PAGE)
    await asyncio.to_thread(store.again, channel_id, newest)

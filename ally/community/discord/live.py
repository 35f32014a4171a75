"""A Discord server as it goes on: what the gateway tells is stored in order, as it came.

The library keeps the connection: heartbeats, resuming, and sessions that cannot be resumed.
After each new session what was missed is read by REST.
"""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from yarl import URL

from ally.community.discord import backfill
from ally.community.discord.backfill import Outcome, Say
from ally.community.discord.reading import READERS
from ally.community.discord.servers import Payload, Server, Store, servers

log = logging.getLogger(__name__)

AT_ONCE = 200  # events of one transaction
LOOK_SECONDS = 60.0  # between two looks for servers that were added or taken away
READ_AGAIN_SECONDS = 6 * 3600.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds after a failure, twice as long after each
GATEWAY = "gateway"  # the checkpoint that trouble with the connection is counted on
WANTED = discord.Intents(
    guilds=True, guild_messages=True, message_content=True, guild_reactions=True
)
WRONG_TOKEN = "Discord does not know the bot's token. Enter it again."  # noqa: S105 - a sentence
NO_INTENT = "Switch the Message Content Intent on, on the bot's page in the Developer Portal."


class Reader(discord.Client):
    """One connection, which stores what it hears of its server."""

    def __init__(self, store: Store, say: Say):
        super().__init__(
            intents=WANTED,
            enable_debug_events=True,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        # What we store ourselves the library need not understand, and cannot stumble over.
        for name in READERS:
            self._connection.parsers.pop(name, None)
        self.store, self.say = store, say
        self.heard: asyncio.Queue[tuple[str, Payload, str]] = asyncio.Queue()
        self.session = ""
        self.has_missed = asyncio.Event()
        self.reading: asyncio.Task[None] | None = None
        self.storing: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Leave; what was heard is stored first."""
        if not self.is_closed():
            for task in filter(None, (self.reading, self.storing)):
                task.cancel()
            heard = [self.heard.get_nowait() for _ in range(self.heard.qsize())]
            if heard:
                try:
                    await asyncio.to_thread(self.store.live, heard)
                except SQLAlchemyError as error:  # what is not stored is read after the next start
                    log.error("discord events were not stored: %s", type(error).__name__)
        await super().close()

    async def setup_hook(self) -> None:
        self.storing = asyncio.create_task(self.store_for_ever())
        self.reading = asyncio.create_task(self.read_what_was_missed())

    async def on_socket_raw_receive(self, raw: str) -> None:
        told = json.loads(raw)
        name, payload = told.get("t"), told.get("d")
        if name == "READY":
            self.session = payload["session_id"]
            self.has_missed.set()
        elif name in READERS and payload.get("guild_id") == self.store.server.guild_id:
            self.heard.put_nowait((name, payload, f"{self.session}:{told['s']}"))

    async def read_what_was_missed(self) -> None:
        """Read the server after each new session, also one that begins meanwhile, and from time
        to time, since a channel may have been opened to the bot; again, with longer pauses, while
        a part of it does not answer."""
        while True:
            await self.has_missed.wait()
            self.has_missed.clear()
            pause = FIRST_PAUSE
            while await self.read_once() is Outcome.FAILED:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.has_missed.wait(), READ_AGAIN_SECONDS)
            self.has_missed.set()

    async def read_once(self) -> Outcome:
        try:
            return await backfill.read_server(self.http, self.store, self.say)
        except discord.Forbidden:
            said = "The bot is not on this server. Invite it, then start again."
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            said = f"Discord answered {getattr(error, 'status', type(error).__name__)}."
        except SQLAlchemyError as error:
            said = f"What was read could not be stored: {type(error).__name__}."
        await asyncio.to_thread(self.store.error, GATEWAY, said)
        return Outcome.FAILED

    async def store_for_ever(self) -> None:
        while True:
            events = [await self.heard.get()]
            while len(events) < AT_ONCE and not self.heard.empty():
                events.append(self.heard.get_nowait())
            await self.keep(events)

    async def keep(self, events: list[tuple[str, Payload, str]]) -> None:
        """Store them; a database that is away is waited for, and nothing is left out."""
        pause = 1.0
        while True:
            try:
                return await asyncio.to_thread(self.store.live, events)
            except Exception as error:
                log.error("discord events wait: %s", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)


async def read_for_ever(app: Flask, over: asyncio.Event, keys: tuple[str, ...], say: Say) -> None:
    """Read the servers that are switched on, of these keys or all, until `over`."""
    going: dict[Server, asyncio.Task[None]] = {}
    while not over.is_set():
        try:
            wanted = set(await asyncio.to_thread(servers, app, keys))
        except SQLAlchemyError as error:  # those that are read go on
            log.error("the servers could not be looked up: %s", type(error).__name__)
            wanted = set(going)
        for server in going.keys() - wanted:
            going.pop(server).cancel()
        for server in [one for one in wanted if one not in going or going[one].done()]:
            going[server] = asyncio.create_task(stay(Store(app, server), say))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LOOK_SECONDS)
    for task in going.values():
        task.cancel()
    await asyncio.gather(*going.values(), return_exceptions=True)


async def stay(store: Store, say: Say) -> None:
    """Stay connected; after a failure come back, with longer pauses."""
    pause = FIRST_PAUSE
    while True:
        try:
            await connect(store, say)
        except discord.LoginFailure:
            said = WRONG_TOKEN
        except discord.PrivilegedIntentsRequired:
            said = NO_INTENT
        except Exception as error:  # whatever it was, the server is asked again later
            said = f"The connection broke: {type(error).__name__}."
        else:
            return
        log.warning("discord %s: %s", store.server.key, said)
        await asyncio.to_thread(store.error, GATEWAY, said)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def connect(store: Store, say: Say) -> None:
    use_stand_in(store.server)
    async with Reader(store, say) as reader:
        await reader.start(store.server.token)


async def read_once(app: Flask, keys: tuple[str, ...], say: Say) -> bool:
    """Read what is new on each server by REST, and leave; whether all could be read."""
    is_whole = True
    for server in servers(app, keys):
        use_stand_in(server)
        store = Store(app, server)
        async with Reader(store, say) as reader:
            try:
                await reader.login(server.token)
            except discord.LoginFailure:
                await asyncio.to_thread(store.error, GATEWAY, WRONG_TOKEN)
                is_whole = False
                continue
            is_whole &= await reader.read_once() is Outcome.READ
    return is_whole


def use_stand_in(server: Server) -> None:
    """Speak to another server in Discord's place, where the channel names one."""
    if server.base_url:
        Route.BASE = f"{server.base_url.rstrip('/')}/api/v10"
        address: Any = URL(server.base_url.replace("http", "ws", 1)) / "gateway"
        DiscordWebSocket.DEFAULT_GATEWAY = address

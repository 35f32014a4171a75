"""A server that speaks as Discord does: REST with rate limits, and the gateway.

Source: https://docs.discord.com/developers/topics/rate-limits and .../events/gateway
"""

import asyncio
import json
import threading
import time
import zlib
from collections import deque
from contextlib import contextmanager

from aiohttp import WSMsgType, web

GUILD = "500"
BOT = {"id": "1", "username": "ally", "discriminator": "0", "avatar": None, "bot": True}
TOKEN = "a-bots-token"


class Discord:
    """One guild.  `faults` are answered to the next requests for messages, one each."""

    def __init__(self):
        self.channels = {"10": {"id": "10", "type": 0, "name": "general", "topic": "All"}}
        self.messages = {"10": []}
        self.threads, self.forbidden = [], set()
        self.faults, self.asked = deque(), []
        self.sessions, self.resumed = [], []
        self.sockets, self.sequence = [], 0
        self.missed = []

    # what happens there

    def write(self, number, content="Hello", channel="10", **fields):
        told = message(number, content, channel, **fields)
        self.messages.setdefault(channel, []).append(told)
        return told

    def say(self, event, payload):
        """Tell it to whoever is connected, from another thread."""
        asyncio.run_coroutine_threadsafe(self.tell(event, payload), self.loop).result(10)

    async def tell(self, event, payload):
        self.sequence += 1
        told = {"op": 0, "t": event, "s": self.sequence, "d": payload}
        self.missed.append(told)
        for socket in list(self.sockets):
            await socket.send(told)

    def hang_up(self, code=4000):
        """Break every connection, in a way after which a session may be resumed."""

        async def close():
            for socket in list(self.sockets):
                await socket.ws.close(code=code)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(10)

    # REST

    def routes(self):
        base = "/api/v10"
        return [
            web.get(f"{base}/users/@me", self.myself),
            web.get(f"{base}/oauth2/applications/@me", self.application),
            web.get(f"{base}/guilds/{{guild}}/channels", self.list_channels),
            web.get(f"{base}/guilds/{{guild}}/threads/active", self.list_threads),
            web.get(f"{base}/channels/{{channel}}/threads/archived/public", self.archived),
            web.get(f"{base}/channels/{{channel}}/messages", self.list_messages),
            web.get("/gateway", self.gateway),
        ]

    async def myself(self, request):
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return answered({"message": "401: Unauthorized", "code": 0}, status=401)
        return answered(BOT)

    async def application(self, request):
        told = {"id": "1", "name": "ally", "description": "", "verify_key": "", "icon": None}
        told |= {"owner": BOT, "flags": 1 << 18}
        return answered({**told, "bot_public": True, "bot_require_code_grant": False})

    async def list_channels(self, request):
        return answered(list(self.channels.values()))

    async def list_threads(self, request):
        return answered({"threads": self.threads, "members": []})

    async def archived(self, request):
        return answered({"threads": [], "members": [], "has_more": False})

    async def list_messages(self, request):
        channel, after = request.match_info["channel"], request.query.get("after")
        self.asked.append((time.monotonic(), channel, after))
        if channel in self.forbidden:
            return answered({"message": "Missing Access", "code": 50001}, status=403)
        if self.faults:
            return self.faults.popleft()()
        limit = int(request.query.get("limit", 50))
        there = sorted(self.messages.get(channel, []), key=lambda told: int(told["id"]))
        if after is not None:
            page = [told for told in there if int(told["id"]) > int(after)][:limit]
        else:
            page = there[-limit:]
        return answered(page[::-1], headers=bucket(remaining=4))

    # The gateway

    async def gateway(self, request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        socket = Socket(ws, request.query.get("compress"))
        await socket.send({"op": 10, "d": {"heartbeat_interval": 41_250}})
        async for received in ws:
            if received.type is not WSMsgType.TEXT:
                continue
            told = json.loads(received.data)
            if told["op"] == 2:
                await self.identify(socket, told["d"])
            elif told["op"] == 6:
                await self.resume(socket, told["d"])
            elif told["op"] == 1:
                await socket.send({"op": 11})
        if socket in self.sockets:
            self.sockets.remove(socket)
        return ws

    async def identify(self, socket, told):
        session = f"session-{len(self.sessions)}"
        self.sessions.append((session, told["intents"]))
        self.sequence, self.missed = 1, []
        ready = {
            "v": 10,
            "user": BOT,
            "guilds": [],
            "session_id": session,
            "resume_gateway_url": self.url.replace("http", "ws") + "/gateway",
            "application": {"id": "1", "flags": 1 << 18},
        }
        await socket.send({"op": 0, "t": "READY", "s": 1, "d": ready})
        self.sockets.append(socket)

    async def resume(self, socket, told):
        self.resumed.append((told["session_id"], told["seq"]))
        for one in self.missed:
            if one["s"] > told["seq"]:
                await socket.send(one)
        await socket.send({"op": 0, "t": "RESUMED", "s": self.sequence, "d": {}})
        self.sockets.append(socket)


class Socket:
    """One connection, whose messages are parts of one compressed stream where it asks for that."""

    def __init__(self, ws, compress):
        self.ws = ws
        self.packer = zlib.compressobj() if compress == "zlib-stream" else None

    async def send(self, told):
        raw = json.dumps(told).encode()
        if self.packer is None:
            await self.ws.send_str(raw.decode())
        else:
            packed = self.packer.compress(raw) + self.packer.flush(zlib.Z_SYNC_FLUSH)
            await self.ws.send_bytes(packed)


def answered(told, *, status=200, headers=None):
    """JSON with the very content type that Discord names."""
    kind = {"Content-Type": "application/json"}
    return web.Response(body=json.dumps(told), status=status, headers=kind | (headers or {}))


def message(number, content="Hello", channel="10", **fields):
    """A message whose id grows with its time, as Discord's do."""
    return {
        "id": str(((1_700_000_000_000 + number * 60_000 - 1_420_070_400_000) << 22) + number),
        "type": 0,
        "channel_id": channel,
        "content": content,
        "timestamp": time.strftime(
            "%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_700_000_000 + number * 60)
        ),
        "edited_timestamp": None,
        "author": {
            "id": "7",
            "username": "noor",
            "global_name": "Noor",
            "discriminator": "0",
            "avatar": None,
        },
        "embeds": [],
        "attachments": [],
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        **fields,
    }


def bucket(remaining, reset=0.05):
    return {
        "X-RateLimit-Bucket": "messages",
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(time.time() + reset),
        "X-RateLimit-Reset-After": str(reset),
        "Via": "1.1 google",
    }


def too_many(seconds, *, everybody=False):
    """429 as Discord sends it: how long to wait in the body, whole seconds in the header."""

    def answer():
        body = {"message": "You are being rate limited.", "retry_after": seconds}
        headers = bucket(0, seconds) | {
            "Retry-After": str(int(seconds) + 1),
            "X-RateLimit-Scope": "global" if everybody else "user",
        }
        if everybody:
            headers["X-RateLimit-Global"] = "true"
        return answered(body | {"global": everybody}, status=429, headers=headers)

    return answer


def broken(status):
    return lambda: web.Response(status=status, text="upstream connect error")


@contextmanager
def running():
    """The server, at its `url`, until the block ends."""
    discord, started = Discord(), threading.Event()

    def serve():
        discord.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(discord.loop)

        async def begin():
            app = web.Application()
            app.add_routes(discord.routes())
            discord.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await discord.runner.setup()
            site = web.TCPSite(discord.runner, "127.0.0.1", 0)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]
            discord.url = f"http://127.0.0.1:{port}"
            started.set()

        discord.loop.run_until_complete(begin())
        discord.loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield discord
    finally:
        asyncio.run_coroutine_threadsafe(discord.runner.cleanup(), discord.loop).result(10)
        discord.loop.call_soon_threadsafe(discord.loop.stop)
        thread.join(10)

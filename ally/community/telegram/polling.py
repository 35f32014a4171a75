"""Updates of Telegram bots, fetched by getUpdates, for who has no address that Telegram can reach.

An update is confirmed to Telegram by asking for those after it, which is done only once it is
stored.  Source: https://core.telegram.org/bots/api#getupdates
"""

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from ally.channels import checkpoints, credentials
from ally.channels.credentials import TelegramCredentials
from ally.channels.models import Channel, Platform
from ally.channels.webhooks import Caller, Fact, store
from ally.db import db, use_account
from ally.errors import AllyError

log = logging.getLogger(__name__)

TELEGRAM = "https://api.telegram.org"
LOOK_SECONDS = 60.0  # between two looks for bots that were added or taken away
WAIT_SECONDS = 50  # that Telegram holds a question open while there is nothing new
AT_ONCE = 100
WANTED = [
    *("message", "edited_message", "channel_post", "edited_channel_post"),
    *("message_reaction", "message_reaction_count"),
]
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds after a failure, twice as long after each
UPDATES = "updates"  # the checkpoint's name
TROUBLE = {
    401: "Telegram does not know the bot's token. Enter it again.",
    409: "A webhook is set for this bot. Call deleteWebhook, or let the webhook bring the updates.",
}


class NotRead(Exception):
    """Telegram refused, or could not be reached; `pause` is how long it wants us to wait."""

    def __init__(self, said: str, pause: float | None = None):
        super().__init__(said)
        self.pause = pause


@dataclass(frozen=True)
class Bot:
    """A channel whose updates are fetched.  `base_url` stands in for Telegram's own address."""

    account_id: UUID
    channel_id: UUID
    key: str
    token: str
    base_url: str


def bots(app: Flask, keys: Sequence[str] = ()) -> list[Bot]:
    """The bots of all accounts that are switched on and have a token; of these keys, if any."""
    found = []
    with app.app_context():
        for account_id in db.session.scalars(text("SELECT account_ids()")).all():
            use_account(account_id)
            asked = select(Channel).where(
                Channel.account_id == account_id,
                Channel.platform == Platform.TELEGRAM,
                Channel.parent_id.is_(None),
                Channel.is_active,
            )
            for channel in db.session.scalars(asked):
                found += bot_of(channel)
        db.session.rollback()
    return [bot for bot in found if not keys or bot.key in keys]


def bot_of(channel: Channel) -> list[Bot]:
    try:
        told = credentials.read(channel, TelegramCredentials)
    except AllyError as wrong:
        log.warning("%s", wrong)
        return []
    if not told.bot_token:
        return []  # its webhook brings them
    return [Bot(channel.account_id, channel.id, channel.key, told.bot_token, told.base_url)]


def read_all(app: Flask, over: threading.Event, keys: Sequence[str] = ()) -> None:
    """Fetch for all bots, of these keys if any, until `over` is set; those that are added later,
    or have another token, too, and no longer for those that are switched off."""
    readers: dict[Bot, Reader] = {}
    while not over.is_set():
        try:
            wanted = set(bots(app, keys))
        except SQLAlchemyError as error:  # those that are read go on
            log.error("the bots could not be looked up: %s", type(error).__name__)
            wanted = set(readers)
        for bot in readers.keys() - wanted:
            readers.pop(bot).over.set()
        for bot in wanted - readers.keys():
            readers[bot] = Reader(app, bot, threading.Event())
            readers[bot].start()
        over.wait(LOOK_SECONDS)
    for reader in readers.values():
        reader.over.set()


class Reader(threading.Thread):
    """Fetches one bot's updates until `over` is set."""

    def __init__(self, app: Flask, bot: Bot, over: threading.Event):
        super().__init__(name=f"telegram {bot.key}", daemon=True)
        self.app, self.bot, self.over = app, bot, over

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self.over.is_set():
            try:
                fetch(self.app, self.bot, wait=WAIT_SECONDS)
                pause = FIRST_PAUSE
            except Exception as error:  # whatever it was, the bot is asked again later
                log.warning("telegram %s: %s", self.bot.key, in_words(error))
                note_error(self.app, self.bot, error)
                self.over.wait(getattr(error, "pause", None) or pause)
                pause = min(pause * 2, LONGEST_PAUSE)


def fetch(app: Flask, bot: Bot, *, wait: int = 0) -> int:
    """Ask once, and store what came with how far that is; how many updates.  Raises NotRead."""
    updates = ask(bot, offset_of(app, bot), wait)
    with app.app_context():
        channel = enter(bot)
        for update in updates:
            keep(channel, update)
        checkpoint = checkpoints.hold_checkpoint(channel, UPDATES)
        if updates:
            newest = max(update["update_id"] for update in updates)
            checkpoints.advance(checkpoint, {"offset": newest + 1})
        else:
            checkpoints.record_success(checkpoint)
        db.session.commit()
    return len(updates)


def ask(bot: Bot, offset: int, wait: int) -> list[dict[str, Any]]:
    url = f"{(bot.base_url or TELEGRAM).rstrip('/')}/bot{bot.token}/getUpdates"
    asked: dict[str, Any] = {
        "offset": offset,
        "timeout": wait,
        "limit": AT_ONCE,
        "allowed_updates": WANTED,
    }
    try:
        answer = requests.post(url, json=asked, timeout=wait + 10)
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        # The address holds the token, and stands in the error's own words.
        raise NotRead(f"Telegram cannot be reached: {type(error).__name__}.") from None
    if not told.get("ok"):
        pause = told.get("parameters", {}).get("retry_after")
        said = TROUBLE.get(answer.status_code, f"Telegram answered {answer.status_code}.")
        raise NotRead(said, float(pause) if pause else None)
    updates: list[dict[str, Any]] = told["result"]
    return updates


def keep(channel: Channel, update: dict[str, Any]) -> None:
    """Store the update under the key that the webhook would give it."""
    body = json.dumps(update).encode()
    key = f"telegram:{channel.id}:{update['update_id']}"
    caller = Caller(channel.account_id, channel.id, channel.platform, ())
    store(caller, Fact(key, "telegram", "update", {"size": len(body)}, body, "polling"))


def offset_of(app: Flask, bot: Bot) -> int:
    with app.app_context():
        checkpoint = checkpoints.hold_checkpoint(enter(bot), UPDATES)
        offset = int((checkpoint.cursor or {}).get("offset", 0))
        db.session.commit()
        return offset


def enter(bot: Bot) -> Channel:
    use_account(bot.account_id)
    return db.session.get_one(Channel, bot.channel_id)


def note_error(app: Flask, bot: Bot, error: Exception) -> None:
    with app.app_context():
        try:
            checkpoints.record_error(enter(bot), UPDATES, in_words(error))
            db.session.commit()
        except SQLAlchemyError as again:  # the database may be what is away
            db.session.rollback()
            log.error("telegram %s: the error was not noted: %s", bot.key, type(again).__name__)


def in_words(error: Exception) -> str:
    return str(error) if isinstance(error, NotRead) else type(error).__name__

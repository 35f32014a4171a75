"""Archives that other programs made, read as if their platform had told them just now.

Telegram Desktop writes `result.json`, DiscordChatExporter one file for each channel.  Each of
their messages becomes the payload that the platform itself would send, and is stored once.
Sources: https://core.telegram.org/import-export and
https://github.com/Tyrrrz/DiscordChatExporter/blob/master/.docs
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ally.channels.models import Channel, Platform
from ally.channels.webhooks import Caller, Fact, store
from ally.community import places
from ally.community.discord.storing import store_event
from ally.errors import Invalid
from ally.language import _

Payload = Mapping[str, Any]
AT_ONCE = 500  # messages of one transaction
DISCORD_TYPES = {"Default": 0, "Reply": 19, "ThreadStarterMessage": 21}
OTHER_TYPE = 7  # somebody joined: of the system, and no post


@dataclass(frozen=True)
class Archive:
    """`messages` are as the program wrote them; `keep` stores one for the channel."""

    platform: Platform
    messages: Sequence[Payload]
    keep: Callable[[Channel, Payload], bool]
    enter: Callable[[Channel], None]
    """Note how the place is called, once."""


def read(path: Path) -> Archive:
    """The archive in the file.  Raises Invalid for what is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
        if "guild" in told and "channel" in told:
            return of_discord(told)
        return of_telegram(told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid(
            _("This is neither a result.json of Telegram Desktop nor JSON of DiscordChatExporter.")
        ) from None


def batches(archive: Archive) -> Iterator[Sequence[Payload]]:
    for start in range(0, len(archive.messages), AT_ONCE):
        yield archive.messages[start : start + AT_ONCE]


# DiscordChatExporter


def of_discord(told: Payload) -> Archive:
    place = told["channel"]

    def keep(channel: Channel, message: Payload) -> bool:
        payload = discord_message(message, str(place["id"]))
        return any(one.is_new for one in store_event(channel, "MESSAGE", payload, source="archive"))

    def enter(channel: Channel) -> None:
        places.upsert_channel(
            "discord",
            str(place["id"]),
            parent_id=channel.id,
            name=place.get("name"),
            description=place.get("topic"),
        )

    return Archive(Platform.DISCORD, list(told["messages"]), keep, enter)


def discord_message(message: Payload, channel_id: str) -> dict[str, Any]:
    author, answered = message["author"], message.get("reference")
    return {
        "id": message["id"],
        "type": DISCORD_TYPES.get(message["type"], OTHER_TYPE),
        "channel_id": channel_id,
        "content": message.get("content") or "",
        "timestamp": message["timestamp"],
        "edited_timestamp": message.get("timestampEdited"),
        "author": {
            "id": author["id"],
            "username": author["name"],
            "global_name": author.get("nickname") or author["name"],
            "bot": bool(author.get("isBot")),
        },
        "embeds": message.get("embeds") or [],
        "attachments": message.get("attachments") or [],
        "reactions": [
            {"emoji": {"id": one["emoji"].get("id") or None, "name": one["emoji"]["name"]}}
            | {"count": one["count"]}
            for one in message.get("reactions") or []
        ],
        **(
            {
                "message_reference": {
                    "message_id": answered["messageId"],
                    "channel_id": answered.get("channelId") or channel_id,
                }
            }
            if answered and answered.get("messageId")
            else {}
        ),
    }


# Telegram Desktop


def of_telegram(told: Payload) -> Archive:
    chat = {"id": bot_id(told), "type": "supergroup", "title": told.get("name")}

    def keep(channel: Channel, message: Payload) -> bool:
        payload = {"message": telegram_message(message, chat)}
        body = json.dumps(payload, ensure_ascii=False).encode()
        key = f"telegram:{channel.id}:archive:{chat['id']}:{message['id']}"
        version = message.get("edited_unixtime") or ""
        caller = Caller(channel.account_id, channel.id, channel.platform, ())
        fact = Fact(f"{key}:{version}", "telegram", "update", {"size": len(body)}, body, "archive")
        return store(caller, fact).is_new

    def enter(channel: Channel) -> None:
        name = told.get("name")
        places.upsert_channel("telegram", str(chat["id"]), parent_id=channel.id, name=name)

    said = [one for one in told["messages"] if one["type"] == "message" and one.get("from_id")]
    return Archive(Platform.TELEGRAM, said, keep, enter)


def bot_id(told: Payload) -> int:
    """The chat's id as a bot knows it: an archive leaves its sign and its beginning out."""
    number, kind = int(told["id"]), told["type"]
    return int(f"-100{number}") if "supergroup" in kind or "channel" in kind else -number


def telegram_message(message: Payload, chat: Payload) -> dict[str, Any]:
    written = int(message.get("date_unixtime") or seconds_of(message["date"]))
    edited = message.get("edited_unixtime")
    answered = message.get("reply_to_message_id")
    who = str(message["from_id"])
    is_person = who.startswith("user")
    digits = who.removeprefix("user").removeprefix("channel").removeprefix("chat")
    name = message.get("from") or "Deleted account"
    return {
        "message_id": message["id"],
        "chat": chat,
        "date": written,
        "text": text_of(message.get("text", "")),
        **({"edit_date": int(edited)} if edited else {}),
        **({"reply_to_message": {"message_id": answered}} if answered else {}),
        **(
            {"from": {"id": int(digits), "first_name": name}}
            if is_person
            else {"sender_chat": {"id": int(f"-100{digits}"), "title": name}}
        ),
    }


def seconds_of(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def text_of(parts: Any) -> str:
    """The words; Telegram Desktop parts them where their look changes."""
    if isinstance(parts, str):
        return parts
    return "".join(part if isinstance(part, str) else part["text"] for part in parts)

"""From Telegram's updates to facts: pure functions, tolerant of what is missing.

Source: Bot API 10.1, https://core.telegram.org/bots/api#update.  Telegram never tells of
deletions in groups, and of anonymous reactions only how many there are.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ally.community.facts import (
    Author,
    CountsTold,
    Fact,
    Place,
    PlaceMoved,
    PostWritten,
    ReactionAdded,
    ReactionRemoved,
    ReactionTold,
    Relation,
    Unreadable,
    stored,
)
from ally.community.models import RelationKind

Payload = Mapping[str, Any]
POSTS = ("message", "edited_message", "channel_post", "edited_channel_post")
PUBLIC = frozenset({"group", "supergroup", "channel"})  # what is said to the bot alone is no post


def facts_of(event: str, payload: Payload, at: datetime) -> list[Fact]:
    """What the update says; nothing for one that is not about posts.  Raises Unreadable."""
    try:
        return list(read(payload, at))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as wrong:
        raise Unreadable(f"{event}: {type(wrong).__name__}") from None


def read(update: Payload, at: datetime) -> Iterator[Fact]:
    for name in POSTS:
        if name in update and update[name]["chat"]["type"] in PUBLIC:
            yield from posted(update[name], order_of(update))
    if "message_reaction" in update:
        yield from reacted(update["message_reaction"], order_of(update))
    if "message_reaction_count" in update:
        told = update["message_reaction_count"]
        each = {sign_of(one["type"]): int(one["total_count"]) for one in told["reactions"]}
        likes = {"like_count": sum(each.values())}
        yield CountsTold(
            place_of(told["chat"]), str(told["message_id"]), moment(told["date"]), likes, each
        )


def order_of(update: Payload) -> timedelta:
    """What tells apart the updates of one second, in which Telegram counts: their numbers go up."""
    return timedelta(microseconds=int(update.get("update_id", 0)) % 1_000_000)


def posted(message: Payload, order: timedelta) -> Iterator[Fact]:
    place = place_of(message["chat"])
    if "migrate_to_chat_id" in message:
        yield PlaceMoved(place, Place(str(message["migrate_to_chat_id"]), place.name))
        return
    words = message.get("text", message.get("caption"))
    if words is None and not any(kind in message for kind in MEDIA):
        return  # somebody came, left or changed something
    posted_at = moment(message["date"])
    edited_at = moment(message["edit_date"]) if "edit_date" in message else None
    author = author_of(message.get("from") or message["sender_chat"])
    answered = message.get("reply_to_message")
    is_answer = answered is not None and "forum_topic_created" not in answered
    yield PostWritten(
        place=place,
        external_id=str(message["message_id"]),
        author=author,
        content=stored(words),
        posted_at=posted_at,
        version_at=(edited_at or posted_at) + order,
        edited_at=edited_at,
        content_lang=message.get("from", {}).get("language_code"),
        earns=not author.is_bot and "sender_chat" not in message and "via_bot" not in message,
        relations=(Relation(RelationKind.REPLY_TO, str(answered["message_id"])),)
        if is_answer and answered
        else (),
    )


MEDIA = (
    "photo",
    "video",
    "animation",
    "document",
    "audio",
    "voice",
    "video_note",
    "sticker",
    "poll",
)


def reacted(told: Payload, order: timedelta) -> Iterator[Fact]:
    """What somebody's reactions are now, against what they were."""
    by = author_of(told.get("user") or told["actor_chat"])
    place, post = place_of(told["chat"]), str(told["message_id"])
    at = moment(told["date"]) + order
    before = {sign_of(one) for one in told["old_reaction"]}
    after = {sign_of(one) for one in told["new_reaction"]}
    for sign in sorted(after - before):
        yield ReactionAdded(place, post, ReactionTold(sign, by), at)
    for sign in sorted(before - after):
        yield ReactionRemoved(place, post, ReactionTold(sign, by), at)


def sign_of(kind: Payload) -> str:
    if kind["type"] == "emoji":
        return stored(kind["emoji"])
    return f"custom:{kind['custom_emoji_id']}" if kind["type"] == "custom_emoji" else kind["type"]


def place_of(chat: Payload) -> Place:
    title, description = chat.get("title"), chat.get("description")
    return Place(str(chat["id"]), stored(title) or None, stored(description) or None)


def author_of(who: Payload) -> Author:
    """A user, or the chat that somebody wrote as."""
    names = [who.get("first_name"), who.get("last_name")]
    full = " ".join(name for name in names if name) or who.get("title") or who.get("username")
    return Author(str(who["id"]), stored(full) if full else None, None, who.get("is_bot"))


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)

"""From Discord's events to facts: pure functions of a payload, tolerant of what is missing.

Source: Discord's documentation of API version 10, and recorded answers of 2020 and 2021,
which lack what was added since.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ally.community.facts import (
    Author,
    CountsTold,
    Detail,
    Fact,
    Place,
    PlaceDeleted,
    PostDeleted,
    PostWritten,
    ReactionAdded,
    ReactionRemoved,
    ReactionsCleared,
    ReactionTold,
    Relation,
    ThreadDeleted,
    ThreadOpened,
    Unreadable,
    stored,
)
from ally.community.models import RelationKind

Payload = Mapping[str, Any]
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)  # from which the ids of Discord count milliseconds
ORDINARY = 0
REPLY = 19
FORWARD = 1  # the type of a reference
PEOPLES_OWN = frozenset({ORDINARY, REPLY})  # types of messages that a person wrote
MOST_KEPT = 20  # embeds or files of one message


def facts_of(event: str, payload: Payload, at: datetime) -> list[Fact]:
    """What the event says, which came at that time; nothing for events that are not about posts.

    `MESSAGE` is a message that was read by REST.  Raises Unreadable for a payload that lacks
    what every such event has.
    """
    read = READERS.get(event)
    if read is None:
        return []
    try:
        return list(read(payload, at))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as wrong:
        raise Unreadable(f"{event}: {type(wrong).__name__}") from None


def written(payload: Payload, at: datetime) -> Iterator[Fact]:
    """A message that was made or edited.  An update of old that tells a part only says nothing."""
    if "author" not in payload:
        return
    posted, edited = time_of(payload["timestamp"]), time_of(payload.get("edited_timestamp"))
    if posted is None:
        raise ValueError("a message has a time")
    yield PostWritten(
        place=place_of(payload),
        external_id=text_of(payload["id"]),
        author=author_of(payload),
        content=stored(payload.get("content")),
        posted_at=posted,
        version_at=edited or posted,
        edited_at=edited,
        earns=is_a_persons(payload),
        relations=tuple(relations_of(payload)),
        detail=detail_of(payload),
    )


def read_again(payload: Payload, at: datetime) -> Iterator[Fact]:
    """A message as REST tells it: with how many reacted, if anybody did."""
    yield from written(payload, at)
    told = payload.get("reactions") or []
    if told:
        each = {emoji_of(one["emoji"]): int(one["count"]) for one in told}
        yield CountsTold(
            place_of(payload),
            text_of(payload["id"]),
            at,
            counts={"like_count": sum(each.values())},
            meta={"reactions": each},
        )


def deleted(payload: Payload, at: datetime) -> Iterator[Fact]:
    yield PostDeleted(place_of(payload), text_of(payload["id"]), at)


def deleted_together(payload: Payload, at: datetime) -> Iterator[Fact]:
    for message_id in payload["ids"]:
        yield PostDeleted(place_of(payload), text_of(message_id), at)


def reacted(payload: Payload, at: datetime) -> Iterator[Fact]:
    yield ReactionAdded(place_of(payload), text_of(payload["message_id"]), sign_of(payload), at)


def reaction_removed(payload: Payload, at: datetime) -> Iterator[Fact]:
    yield ReactionRemoved(place_of(payload), text_of(payload["message_id"]), sign_of(payload), at)


def reactions_cleared(payload: Payload, at: datetime) -> Iterator[Fact]:
    kind = emoji_of(payload["emoji"]) if "emoji" in payload else None
    yield ReactionsCleared(place_of(payload), text_of(payload["message_id"]), at, kind)


def thread_opened(payload: Payload, at: datetime) -> Iterator[Fact]:
    thread_id = text_of(payload["id"])
    yield ThreadOpened(
        place=Place(text_of(payload["parent_id"])),
        external_id=thread_id,
        name=stored(payload.get("name")),
        at=time_in(thread_id),
        told_at=at,
        # A thread that was begun from a message has that message's id.
        starter_external_id=thread_id,
        is_archived=bool((payload.get("thread_metadata") or {}).get("archived")),
    )


def thread_deleted(payload: Payload, at: datetime) -> Iterator[Fact]:
    yield ThreadDeleted(Place(text_of(payload["parent_id"])), text_of(payload["id"]), at)


def threads_told(payload: Payload, at: datetime) -> Iterator[Fact]:
    for thread in payload["threads"]:
        yield from thread_opened(thread, at)


def channel_deleted(payload: Payload, at: datetime) -> Iterator[Fact]:
    yield PlaceDeleted(Place(text_of(payload["id"])), at)


READERS: Mapping[str, Callable[[Payload, datetime], Iterator[Fact]]] = {
    "CHANNEL_DELETE": channel_deleted,
    "MESSAGE": read_again,
    "MESSAGE_CREATE": written,
    "MESSAGE_UPDATE": written,
    "MESSAGE_DELETE": deleted,
    "MESSAGE_DELETE_BULK": deleted_together,
    "MESSAGE_REACTION_ADD": reacted,
    "MESSAGE_REACTION_REMOVE": reaction_removed,
    "MESSAGE_REACTION_REMOVE_ALL": reactions_cleared,
    "MESSAGE_REACTION_REMOVE_EMOJI": reactions_cleared,
    "THREAD_CREATE": thread_opened,
    "THREAD_UPDATE": thread_opened,
    "THREAD_DELETE": thread_deleted,
    "THREAD_LIST_SYNC": threads_told,
}


# The parts of a payload


def place_of(payload: Payload) -> Place:
    return Place(text_of(payload["channel_id"]))


def author_of(payload: Payload) -> Author:
    user = payload["author"]
    nick = (payload.get("member") or {}).get("nick")
    name = nick or user.get("global_name") or user.get("username")
    return Author(
        platform_id=text_of(user["id"]),
        display_name=stored(name) or None,
        avatar_url=avatar_of(user),
        is_bot=bool(user.get("bot") or user.get("system") or payload.get("webhook_id")),
    )


def avatar_of(user: Payload) -> str | None:
    if not user.get("avatar"):
        return None
    return f"https://cdn.discordapp.com/avatars/{user['id']}/{user['avatar']}.png"


def is_a_persons(payload: Payload) -> bool:
    """Whether a person wrote it: no bot, no webhook, and not Discord itself."""
    user = payload["author"]
    if user.get("bot") or user.get("system") or payload.get("webhook_id"):
        return False
    return payload.get("type", ORDINARY) in PEOPLES_OWN


def relations_of(payload: Payload) -> Iterator[Relation]:
    reference = payload.get("message_reference") or {}
    if not reference.get("message_id"):
        return
    if payload.get("guild_id") and reference.get("guild_id") not in {None, payload["guild_id"]}:
        return  # from another server, whose channels are not read
    place = Place(text_of(reference.get("channel_id") or payload["channel_id"]))
    if reference.get("type") == FORWARD or payload.get("message_snapshots"):
        kind = RelationKind.REPOST_OF
    elif payload.get("type", ORDINARY) == REPLY:
        kind = RelationKind.REPLY_TO
    else:
        return
    yield Relation(kind, text_of(reference["message_id"]), place)


def detail_of(payload: Payload) -> Detail:
    guild = payload.get("guild_id")
    return Detail(
        guild_id=text_of(guild) if guild else None,
        channel_id=text_of(payload["channel_id"]),
        embeds=[embed_of(each) for each in payload.get("embeds") or []][:MOST_KEPT],
        attachments=[file_of(each) for each in payload.get("attachments") or []][:MOST_KEPT],
    )


def embed_of(embed: Payload) -> dict[str, Any]:
    """What an embed is about: the rest of it is how it looks."""
    kept = {name: stored(embed.get(name))[:500] for name in ("type", "title", "description", "url")}
    return {name: value for name, value in kept.items() if value}


def file_of(attachment: Payload) -> dict[str, Any]:
    return {
        "id": text_of(attachment["id"]),
        "filename": stored(attachment.get("filename"))[:300],
        "size": int(attachment.get("size") or 0),
        "url": stored(attachment.get("url"))[:1000],
    }


def sign_of(payload: Payload) -> ReactionTold:
    member = payload.get("member") or {}
    name = member.get("nick") or (member.get("user") or {}).get("username")
    is_bot = (member.get("user") or {}).get("bot")
    author = Author(text_of(payload["user_id"]), stored(name) or None, is_bot=is_bot)
    return ReactionTold(emoji_of(payload["emoji"]), author)


def emoji_of(emoji: Payload) -> str:
    """The sign itself, or name and id of one that a server has made."""
    name = stored(emoji.get("name"))
    return f"{name}:{text_of(emoji['id'])}" if emoji.get("id") else name


def text_of(snowflake: Any) -> str:
    """An id as Discord writes it: digits."""
    return str(int(snowflake))


def time_in(snowflake: str) -> datetime:
    """When the thing was made that has this id."""
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def time_of(written: str | None) -> datetime | None:
    if not written:
        return None
    at = datetime.fromisoformat(written)
    return at if at.tzinfo else at.replace(tzinfo=UTC)

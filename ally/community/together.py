"""Many new posts written at once: one statement for each table, with the same end as one by one.

Whatever is more than a new post is left to `community.applying`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from ally.channels.models import Channel
from ally.community import parking, people, places, threads
from ally.community.applying import Source, do_parked, is_news
from ally.community.facts import Author, Place, PostWritten, Relation
from ally.community.models import (
    DiscordPostDetail,
    ParkedFact,
    ParkedKind,
    PlatformUser,
    Post,
    PostRelation,
)
from ally.community.people import inserted, ours
from ally.db import current_account_id, db

Key = tuple[str, str]  # of a post: its place's id on the platform, and its own there


def key_of(fact: PostWritten) -> Key:
    return fact.place.platform_id, fact.external_id


def write(told: Sequence[PostWritten], source: Source) -> set[Key]:
    """Write those that are new, stand in no thread, and are read; their keys.

    `told` has no post twice.
    """
    channels = read_channels(told, source)
    plain = [fact for fact in told if fact.place.platform_id in channels]
    if not plain:
        return set()
    made = write_posts(plain, channels, accounts_of(plain, source))
    new = [(fact, made[key_of(fact)]) for fact in plain if key_of(fact) in made]
    write_details(new)
    relate(new, channels, source)
    do_what_was_parked([post_id for _, post_id in new], source)
    return set(made)


def read_channels(told: Sequence[PostWritten], source: Source) -> dict[str, Channel]:
    """Where the posts are, by the platform's id; without threads, and what is switched off."""
    # Of a place the newest first: what it was called before is no news then.
    newest = sorted(told, key=lambda fact: fact.version_at, reverse=True)
    found = channels_of(((fact.place, fact.version_at) for fact in newest), source)
    thread_ids = threads.those_with_channels(found, source.server.id)
    return {
        name: channel
        for name, channel in found.items()
        if channel.is_active and name not in thread_ids
    }


def channels_of(told: Iterable[tuple[Place, Any]], source: Source) -> dict[str, Channel]:
    """The channels of places as they were named then, made when they are first heard of."""
    named = list(told)
    known = places.get_channels(source.platform, {place.platform_id for place, _ in named})
    for place, at in named:
        channel = known.get(place.platform_id)
        if channel is None or is_news(place.name, at, channel.named_at):
            known[place.platform_id] = source.heard_of(place, at)
    return known


def accounts_of(told: Sequence[PostWritten], source: Source) -> dict[str, UUID]:
    """The ids of the authors' accounts, by the platform's id."""
    newest: dict[str, PostWritten] = {}
    found: dict[str, UUID] = {}
    for fact in sorted(told, key=lambda fact: fact.version_at):
        before = newest.get(fact.author.platform_id)
        if before is not None and before.author != fact.author:
            # Who changed their name in between is told of one by one.
            source.account(before.author, before.version_at)
        newest[fact.author.platform_id] = fact
    known = people.lock_accounts(source.platform, newest)
    rows = []
    for platform_id in sorted(newest):  # in one order, or two who write at once would deadlock
        fact = newest[platform_id]
        account = known.get(platform_id)
        if fact.author.is_bot is None or (account and changes(account, fact.author)):
            found[platform_id] = source.account(fact.author, fact.version_at).id
        else:
            rows.append(row_of(fact, account))
    return found | people.upsert_platform_users(source.platform, rows)


def changes(account: PlatformUser, author: Author) -> bool:
    return author.display_name not in {None, account.display_name}


def row_of(fact: PostWritten, account: PlatformUser | None) -> dict[str, Any]:
    author = fact.author
    return {
        "person_id": account.person_id if account else None,
        "platform_id": author.platform_id,
        "display_name": author.display_name,
        "named_at": fact.version_at if author.display_name is not None else None,
        "avatar_url": author.avatar_url,
        "is_bot": author.is_bot,
    }


def write_posts(
    told: Sequence[PostWritten], channels: Mapping[str, Channel], accounts: Mapping[str, UUID]
) -> dict[Key, UUID]:
    """The ids of the posts that were not known."""
    rows = [
        {
            "account_id": current_account_id(),
            "channel_id": channels[fact.place.platform_id].id,
            "external_id": fact.external_id,
            "author_id": accounts[fact.author.platform_id],
            "content": fact.content,
            "content_lang": fact.content_lang,
            "earns": fact.earns,
            "posted_at": fact.posted_at,
            "edited_at": fact.edited_at,
            "version_at": fact.version_at,
        }
        for fact in told
    ]
    new = inserted(Post, rows).on_conflict_do_nothing()
    made = db.session.execute(new.returning(Post.channel_id, Post.external_id, Post.id)).all()
    names = {channel.id: name for name, channel in channels.items()}
    return {(names[row.channel_id], row.external_id): row.id for row in made}


New = Sequence[tuple[PostWritten, UUID]]


def write_details(new: New) -> None:
    rows = [
        {
            "account_id": current_account_id(),
            "post_id": post_id,
            "guild_id": fact.detail.guild_id,
            "channel_id": fact.detail.channel_id,
            "thread_id": fact.detail.thread_id,
            "embeds": fact.detail.embeds,
            "attachments": fact.detail.attachments,
            "version_at": fact.version_at,
        }
        for fact, post_id in new
        if fact.detail is not None
    ]
    if rows:
        db.session.execute(inserted(DiscordPostDetail, rows))


def relate(new: New, channels: Mapping[str, Channel], source: Source) -> None:
    """Note how the posts refer to others, now or when those come."""
    told = [(fact, post_id, to) for fact, post_id in new for to in fact.relations]
    if not told:
        return
    elsewhere = {to.place for _, _, to in told if to.place} - {fact.place for fact, _ in new}
    known = channels_of(((place, None) for place in elsewhere), source) | dict(channels)

    def target(fact: PostWritten, to: Relation) -> tuple[UUID, str]:
        return known[(to.place or fact.place).platform_id].id, to.external_id

    targets = {target(fact, to) for fact, _, to in told}
    found = db.session.execute(
        select(Post.channel_id, Post.external_id, Post.id).where(
            *ours(Post), tuple_(Post.channel_id, Post.external_id).in_(targets)
        )
    )
    ids = {(row.channel_id, row.external_id): row.id for row in found}
    there, later = [], []
    for fact, post_id, to in told:
        at = target(fact, to)
        if at in ids:
            there.append({"from_id": post_id, "to_id": ids[at], "kind": to.kind})
        else:
            later.append(parking.relation(*at, post_id, to.kind, fact.posted_at))
    if there:
        mine = [{"account_id": current_account_id(), **row} for row in there]
        db.session.execute(inserted(PostRelation, mine).on_conflict_do_nothing())
    parking.park_all(later)


def do_what_was_parked(post_ids: Sequence[UUID], source: Source) -> None:
    waited_for = (
        select(Post)
        .join(
            ParkedFact,
            (ParkedFact.account_id == Post.account_id)
            & (ParkedFact.channel_id == Post.channel_id)
            & (ParkedFact.external_id == Post.external_id),
        )
        .where(*ours(Post), Post.id.in_(post_ids), ParkedFact.kind != ParkedKind.TAKEN_BACK)
        .distinct()
    )
    for post in db.session.scalars(waited_for).all():
        for parked in parking.unpark(post.channel_id, post.external_id):
            do_parked(post, parked, source)

"""New posts that come together are written together: one statement for each table.

Nothing is done here that `applying` would not do post by post, with the same end.  What is more
than a new post, or not quite new, is left to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from ally.channels.models import Channel
from ally.community import parking
from ally.community.applying import Source
from ally.community.facts import Author, PostWritten
from ally.community.models import (
    CommunityThread,
    DiscordPostDetail,
    ParkedFact,
    ParkedKind,
    PlatformUser,
    Post,
    PostRelation,
)
from ally.community.people import new_platform_users, ours
from ally.community.places import get_channels
from ally.db import current_account_id, db

Key = tuple[UUID, str]  # of a post: its channel, and its id there


def write_new(source: Source, told: Sequence[PostWritten]) -> set[int]:
    """Write those of the posts that are plainly new; their places in `told`."""
    channels = channels_of(source, told)
    told_there = [fact for fact in told if fact.place.platform_id in channels]
    accounts = accounts_of(source, told_there)
    new: dict[Key, int] = {}
    for number, fact in enumerate(told):
        channel = channels.get(fact.place.platform_id)
        if channel and fact.author.platform_id in accounts and stays_in_its_channel(fact):
            new.setdefault((channel.id, fact.external_id), number)
    for key in awaited(new):
        del new[key]
    facts = {key: told[number] for key, number in new.items()}
    made = insert_posts(facts, accounts)
    insert_details({made[key]: fact for key, fact in facts.items() if key in made})
    relate({key: fact for key, fact in facts.items() if key in made}, made)
    return {new[key] for key in made}


def stays_in_its_channel(fact: PostWritten) -> bool:
    """Whether whatever the post refers to is in its own channel."""
    return all(each.place in {None, fact.place} for each in fact.relations)


def channels_of(source: Source, told: Sequence[PostWritten]) -> dict[str, Channel]:
    """The channels by their ids on the platform: those that are read and are no threads."""
    places = alone(fact.place for fact in told)
    known = get_channels(source.platform, places)
    channels = {name: source.named(place, known.get(name)) for name, place in places.items()}
    parents = select(Channel.id).where(*ours(Channel), Channel.parent_id == source.server.id)
    threads = db.session.scalars(
        select(CommunityThread.external_id).where(
            *ours(CommunityThread),
            CommunityThread.channel_id.in_(parents),
            CommunityThread.external_id.in_(channels),
        )
    ).all()
    return {
        name: channel
        for name, channel in channels.items()
        if channel.is_active and name not in threads
    }


def accounts_of(source: Source, told: Sequence[PostWritten]) -> dict[str, UUID]:
    """The authors' accounts by their ids on the platform, made or renamed where that is due."""
    authors = alone(fact.author for fact in told)
    rows = db.session.scalars(
        select(PlatformUser)
        .where(
            *ours(PlatformUser),
            PlatformUser.platform == source.platform,
            PlatformUser.platform_id.in_(authors),
        )
        .execution_options(populate_existing=True)
    )
    known = {row.platform_id: row for row in rows}
    unknown = {
        name: (author.display_name, author.avatar_url, author.is_bot)
        for name, author in authors.items()
        if name not in known
    }
    return new_platform_users(source.platform, unknown) | {
        name: row.id if is_told(row, authors[name]) else source.account(authors[name]).id
        for name, row in known.items()
    }


def alone(told: Iterable[Any]) -> dict[str, Any]:
    """Places or authors by their ids, but for those that are told in several ways: which of them
    is the last is for `applying` to see."""
    ways: dict[str, set[Any]] = {}
    for one in told:
        ways.setdefault(one.platform_id, set()).add(one)
    return {name: way.pop() for name, way in ways.items() if len(way) == 1}


def is_told(known: PlatformUser, author: Author) -> bool:
    """Whether the account is known just as it is told now."""
    return (
        author.display_name in {None, known.display_name}
        and author.avatar_url in {None, known.avatar_url}
        and author.is_bot in {None, known.is_bot}
    )


def awaited(keys: Iterable[Key]) -> Sequence[Key]:
    """Those of the posts for which something waits until they come."""
    rows = db.session.execute(
        select(ParkedFact.channel_id, ParkedFact.external_id)
        .where(
            *ours(ParkedFact), tuple_(ParkedFact.channel_id, ParkedFact.external_id).in_(list(keys))
        )
        .distinct()
    )
    return [(row.channel_id, row.external_id) for row in rows]


def insert_posts(facts: Mapping[Key, PostWritten], accounts: Mapping[str, UUID]) -> dict[Key, UUID]:
    """The ids of those that were not there before."""
    rows = [
        {
            "account_id": current_account_id(),
            "channel_id": channel_id,
            "external_id": external_id,
            "author_id": accounts[fact.author.platform_id],
            "content": fact.content,
            "content_lang": fact.content_lang,
            "earns": fact.earns,
            "posted_at": fact.posted_at,
            "edited_at": fact.edited_at,
            "version_at": fact.version_at,
        }
        for (channel_id, external_id), fact in facts.items()
    ]
    if not rows:
        return {}
    made = db.session.execute(
        insert(Post)
        .on_conflict_do_nothing(index_elements=["account_id", "channel_id", "external_id"])
        .returning(Post.id, Post.channel_id, Post.external_id),
        rows,
    )
    return {(row.channel_id, row.external_id): row.id for row in made}


def insert_details(facts: Mapping[UUID, PostWritten]) -> None:
    rows = [
        {
            "account_id": current_account_id(),
            "post_id": post_id,
            "guild_id": fact.detail.guild_id,
            "channel_id": fact.detail.channel_id,
            "thread_id": fact.detail.thread_id,
            "embeds": fact.detail.embeds,
            "attachments": fact.detail.attachments,
        }
        for post_id, fact in facts.items()
        if fact.detail is not None
    ]
    if rows:
        db.session.execute(insert(DiscordPostDetail), rows)


def relate(facts: Mapping[Key, PostWritten], made: Mapping[Key, UUID]) -> None:
    """Note how the posts refer to others of their channels, now or when those come."""
    wanted = [
        (key, relation.kind, (key[0], relation.external_id))
        for key, fact in facts.items()
        for relation in fact.relations
    ]
    known = posts_by_key({target for _key, _kind, target in wanted})
    rows = []
    for key, kind, target in wanted:
        if target in known:
            rows.append(
                {
                    "account_id": current_account_id(),
                    "from_id": made[key],
                    "to_id": known[target],
                    "kind": kind,
                }
            )
        else:
            payload = {"from_id": str(made[key]), "kind": kind}
            name, at = f"{kind}:{made[key]}", facts[key].posted_at
            parking.park(*target, ParkedKind.RELATION, name, at, payload)
    if rows:
        db.session.execute(insert(PostRelation).on_conflict_do_nothing(), rows)


def posts_by_key(keys: Iterable[Key]) -> dict[Key, UUID]:
    rows = db.session.execute(
        select(Post.id, Post.channel_id, Post.external_id).where(
            *ours(Post), tuple_(Post.channel_id, Post.external_id).in_(list(keys))
        )
    )
    return {(row.channel_id, row.external_id): row.id for row in rows}

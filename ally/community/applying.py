"""Facts become rows: each as often as it comes, in whatever order, with the same end."""

from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Any

from sqlalchemy import func, select, update

from ally.channels.models import Channel
from ally.community import facts, metrics, parking, people, places, posts, reactions, threads
from ally.community.models import (
    CommunityThread,
    DiscordPostDetail,
    ParkedFact,
    ParkedKind,
    PlatformUser,
    Post,
    RelationKind,
)
from ally.community.people import ours
from ally.db import db


class LeftOut(Exception):
    """The channel is not read: an admin has switched it off."""


@dataclass(frozen=True)
class Source:
    """Where facts come from: the server or bot that is connected, and its platform's name."""

    server: Channel
    platform: str

    def channel(self, place: facts.Place, at: datetime | None = None) -> Channel:
        """The channel of the place as it was named at that time, made when it is first heard of.

        Raises LeftOut, also for a thread of a channel that is switched off.
        """
        known = self.heard_of(place, at)
        if not known.is_active or threads.is_switched_off(known, self.server.id):
            raise LeftOut(known.name)
        return known

    def heard_of(self, place: facts.Place, at: datetime | None = None) -> Channel:
        """The same, whether it is read or not: what is taken away is so everywhere."""
        known = places.get_channel(self.platform, place.platform_id)
        if known is None or is_news(place.name, at, known.named_at):
            known = places.upsert_channel(
                self.platform,
                place.platform_id,
                parent_id=self.server.id,
                name=place.name,
                named_at=at,
                description=place.description,
            )
        return known

    def account(self, author: facts.Author, at: datetime) -> PlatformUser:
        return people.upsert_platform_user(
            self.platform,
            author.platform_id,
            display_name=author.display_name,
            named_at=at,
            avatar_url=author.avatar_url,
            is_bot=author.is_bot,
        )


def is_news(name: str | None, at: datetime | None, named_at: datetime | None) -> bool:
    """Whether a name that was told at that time may be newer than the one that is known."""
    return name is not None and (at is None or named_at is None or named_at < at)


@singledispatch
def apply(fact: Any, source: Source) -> None:
    """Let one fact change the tables.  Raises LeftOut."""
    raise TypeError(f"nothing is known of {type(fact).__name__}")


@apply.register
def write(fact: facts.PostWritten, source: Source) -> None:
    channel = source.channel(fact.place, fact.version_at)
    post = posts.save_post(
        channel.id,
        fact.external_id,
        source.account(fact.author, fact.version_at).id,
        fact.content,
        fact.posted_at,
        version_at=fact.version_at,
        edited_at=fact.edited_at,
        content_lang=fact.content_lang,
        earns=fact.earns,
    )
    thread = threads.thread_of(channel, source.server.id)
    note_detail(post, fact, thread)
    for relation in fact.relations:
        relate(post, relation.kind, source.heard_of(relation.place or fact.place), relation)
    if thread is not None:
        join_thread(post, thread, source)
    for parked in parking.unpark(channel.id, fact.external_id):
        do_parked(post, parked, source)


def note_detail(post: Post, fact: facts.PostWritten, thread: CommunityThread | None) -> None:
    """What stands beside the words, of the version that is kept.

    Of the same version the one that tells more: embeds are found some time after the words.
    """
    if fact.detail is None or post.is_deleted or post.version_at > fact.version_at:
        return
    told = fact.detail
    known = db.session.get(DiscordPostDetail, post.id, populate_existing=True)
    embeds = told.embeds
    is_same = known is not None and known.version_at in {None, fact.version_at}
    if known is not None and is_same and len(known.embeds or []) > len(embeds or []):
        embeds = None
    posts.save_discord_post_detail(
        post.id,
        guild_id=told.guild_id,
        channel_id=told.channel_id,
        thread_id=thread.external_id if thread else told.thread_id,
        embeds=embeds,
        attachments=told.attachments,
        version_at=fact.version_at,
    )


def relate(post: Post, kind: RelationKind, there: Channel, to: facts.Relation) -> None:
    """Note how the post refers to another one, now or when that one comes."""
    target = posts.get_post_by_external_id(there.id, to.external_id)
    if target is not None:
        posts.add_post_relation(post.id, target.id, kind)
        return
    parking.park_all([parking.relation(there.id, to.external_id, post.id, kind, post.posted_at)])


def join_thread(post: Post, thread: CommunityThread, source: Source) -> None:
    """What a post has since it stands in a thread: the post that it hangs on, and its end."""
    starter = thread.starter_external_id
    above = db.session.get_one(Channel, thread.channel_id)
    if starter == post.external_id:
        # A thread of a forum begins in itself; those who came before looked for it above.
        for parked in parking.unpark(above.id, starter):
            do_parked(post, parked, source)
    elif starter is not None:
        own = db.session.get_one(Channel, post.channel_id)
        is_own = posts.get_post_by_external_id(own.id, starter) is not None
        kind = RelationKind.THREAD_PARENT
        relate(post, kind, own if is_own else above, facts.Relation(kind, starter))
    if thread.deleted_at is not None:
        blank(thread.deleted_at, Post.id == post.id)


def do_parked(post: Post, parked: ParkedFact, source: Source) -> None:
    told = parked.payload
    if parked.kind is ParkedKind.RELATION:
        posts.add_post_relation(told["from_id"], post.id, RelationKind(told["kind"]))
    elif parked.kind is ParkedKind.DELETION:
        blank(parked.at, Post.id == post.id)
    elif parked.kind is ParkedKind.DETAIL:
        metrics.save_metric_snapshot(post.id, captured_at=parked.at, **told)
    else:
        author = facts.Author(told["author"], told["name"])
        reaction = facts.ReactionTold(told["kind"], author, told["weight"])
        add_reaction(post, reaction, source.account(author, parked.at), parked.at)


def blank(at: datetime, *which: Any) -> None:
    """Take the words of deleted posts away; one was deleted when that was told first."""
    asked = [*ours(Post), *which]
    db.session.execute(
        update(DiscordPostDetail)
        .where(
            *ours(DiscordPostDetail), DiscordPostDetail.post_id.in_(select(Post.id).where(*asked))
        )
        .values(embeds=[], attachments=[])
    )
    db.session.execute(
        update(Post)
        .where(*asked)
        .values(content="", is_deleted=True, deleted_at=func.least(Post.deleted_at, at))
    )


@apply.register
def remove(fact: facts.PostDeleted, source: Source) -> None:
    channel = source.heard_of(fact.place)
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is None:
        key = fact.at.isoformat()
        parking.park(channel.id, fact.external_id, ParkedKind.DELETION, key, fact.at)
    else:
        blank(fact.at, Post.id == post.id)


@apply.register
def react(fact: facts.ReactionAdded, source: Source) -> None:
    channel, author = source.channel(fact.place), fact.reaction.author
    post, account = reacted(channel, fact, source)
    if author is None or account is None:
        return
    if post is not None:
        add_reaction(post, fact.reaction, account, fact.at)
        return
    payload = {
        "author": author.platform_id,
        "name": author.display_name,
        "kind": fact.reaction.kind,
        "weight": fact.reaction.weight,
    }
    key = parking.key_of(author.platform_id, fact.reaction.kind)
    parking.park(channel.id, fact.external_id, ParkedKind.REACTION, key, fact.at, payload)


def reacted(
    channel: Channel, fact: facts.ReactionAdded | facts.ReactionRemoved, source: Source
) -> tuple[Post | None, PlatformUser | None]:
    """The post if it is known, and who reacted if that is told."""
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    author = fact.reaction.author
    return post, source.account(author, fact.at) if author else None


def add_reaction(
    post: Post, reaction: facts.ReactionTold, account: PlatformUser, at: datetime
) -> None:
    whose = (account.platform_id, reaction.kind)
    if not parking.is_taken_back(post.channel_id, post.external_id, *whose, at):
        reactions.add_reaction(post.id, account.id, reaction.kind, reaction.weight, told_at=at)


@apply.register
def unreact(fact: facts.ReactionRemoved, source: Source) -> None:
    channel = source.heard_of(fact.place)
    post, account = reacted(channel, fact, source)
    if account is None:
        return
    kind = fact.reaction.kind
    key = parking.key_of(account.platform_id, kind)
    parking.park(channel.id, fact.external_id, ParkedKind.TAKEN_BACK, key, fact.at)
    if post is not None:
        reactions.take_reactions_back(post.id, fact.at, platform_user_id=account.id, kind=kind)


@apply.register
def clear_reactions(fact: facts.ReactionsCleared, source: Source) -> None:
    channel = source.heard_of(fact.place)
    key = parking.key_of("", fact.kind or "")
    parking.park(channel.id, fact.external_id, ParkedKind.TAKEN_BACK, key, fact.at)
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is not None:
        reactions.take_reactions_back(post.id, fact.at, kind=fact.kind)


@apply.register
def count(fact: facts.CountsTold, source: Source) -> None:
    channel = source.channel(fact.place)
    told: dict[str, Any] = {**fact.counts, "meta": dict(fact.meta) if fact.meta else None}
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is None:
        key = fact.at.isoformat()
        parking.park(channel.id, fact.external_id, ParkedKind.DETAIL, key, fact.at, told)
    else:
        metrics.save_metric_snapshot(post.id, captured_at=fact.at, **told)


@apply.register
def begin_thread(fact: facts.ThreadOpened, source: Source) -> None:
    thread = threads.open_thread(
        source.heard_of(fact.place),
        fact.external_id,
        name=fact.name,
        opened_at=fact.at,
        told_at=fact.told_at,
        starter_external_id=fact.starter_external_id,
        is_archived=fact.is_archived,
    )
    own = source.heard_of(facts.Place(fact.external_id, thread.name or None), thread.told_at)
    db.session.execute(
        update(DiscordPostDetail)
        .where(
            *ours(DiscordPostDetail),
            DiscordPostDetail.post_id.in_(select(Post.id).where(Post.channel_id == own.id)),
        )
        .values(thread_id=fact.external_id)
    )
    for post in posts_of(own):
        join_thread(post, thread, source)


@apply.register
def end_thread(fact: facts.ThreadDeleted, source: Source) -> None:
    thread = threads.delete_thread(source.heard_of(fact.place), fact.external_id, fact.at)
    assert thread.deleted_at is not None
    own = source.heard_of(facts.Place(fact.external_id))
    blank(thread.deleted_at, Post.channel_id == own.id)


@apply.register
def close(fact: facts.PlaceDeleted, source: Source) -> None:
    """Take away what was written in the channel and its threads, and read nothing more of it."""
    known = places.get_channel(source.platform, fact.place.platform_id)
    if known is None:
        return
    told = select(CommunityThread.external_id).where(
        *ours(CommunityThread), CommunityThread.channel_id == known.id
    )
    within = select(Channel.id).where(
        *ours(Channel), Channel.platform == known.platform, Channel.platform_id.in_(told)
    )
    blank(fact.at, (Post.channel_id == known.id) | Post.channel_id.in_(within))
    places.update_channel_status(known.id, is_active=False)


def posts_of(channel: Channel) -> list[Post]:
    return list(
        db.session.scalars(select(Post).where(*ours(Post), Post.channel_id == channel.id)).all()
    )


@apply.register
def move(fact: facts.PlaceMoved, source: Source) -> None:
    """Leave the new place out if the old one is: no post of the one is a post of the other."""
    before, after = source.heard_of(fact.before), source.heard_of(fact.after)
    if not before.is_active:
        places.update_channel_status(after.id, is_active=False)

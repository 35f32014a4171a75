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
    Reaction,
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

    def channel(self, place: facts.Place) -> Channel:
        """The channel of the place, made when it is first heard of.  Raises LeftOut."""
        known = self.heard_of(place)
        if not known.is_active:
            raise LeftOut(known.name)
        return known

    def heard_of(self, place: facts.Place) -> Channel:
        """The same, whether it is read or not."""
        return self.named(place, places.get_channel(self.platform, place.platform_id))

    def named(self, place: facts.Place, known: Channel | None) -> Channel:
        """The channel that is known of the place, or a new one, with the name that was told."""
        if known is None or place.name not in {None, known.name}:
            known = places.upsert_channel(
                self.platform,
                place.platform_id,
                parent_id=self.server.id,
                name=place.name,
                description=place.description,
            )
        return known

    def account(self, author: facts.Author) -> PlatformUser:
        return people.upsert_platform_user(
            self.platform,
            author.platform_id,
            display_name=author.display_name,
            avatar_url=author.avatar_url,
            is_bot=author.is_bot,
        )


@singledispatch
def apply(fact: Any, source: Source) -> None:
    """Let one fact change the tables.  Raises LeftOut."""
    raise TypeError(f"nothing is known of {type(fact).__name__}")


@apply.register
def write(fact: facts.PostWritten, source: Source) -> None:
    channel = source.channel(fact.place)
    thread = threads.thread_of(channel, source.server.id)
    if thread is not None and not db.session.get_one(Channel, thread.channel_id).is_active:
        raise LeftOut(channel.name)
    post = posts.save_post(
        channel.id,
        fact.external_id,
        source.account(fact.author).id,
        fact.content,
        fact.posted_at,
        version_at=fact.version_at,
        edited_at=fact.edited_at,
        content_lang=fact.content_lang,
        earns=fact.earns,
    )
    note_detail(post, fact, thread)
    for relation in fact.relations:
        relate(post, relation.kind, source.heard_of(relation.place or fact.place), relation)
    if thread is not None:
        join_thread(post, thread)
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
    if known is not None and len(known.embeds or []) > len(embeds or []):
        embeds = None
    posts.save_discord_post_detail(
        post.id,
        guild_id=told.guild_id,
        channel_id=told.channel_id,
        thread_id=thread.external_id if thread else told.thread_id,
        embeds=embeds,
        attachments=told.attachments,
    )


def relate(post: Post, kind: RelationKind, there: Channel, to: facts.Relation) -> None:
    """Note how the post refers to another one, now or when that one comes."""
    target = posts.get_post_by_external_id(there.id, to.external_id)
    if target is not None:
        posts.add_post_relation(post.id, target.id, kind)
        return
    payload = {"from_id": str(post.id), "kind": kind}
    key = f"{kind}:{post.id}"
    parking.park(there.id, to.external_id, ParkedKind.RELATION, key, post.posted_at, payload)


def join_thread(post: Post, thread: CommunityThread) -> None:
    """What a post has since it stands in a thread: the post that it hangs on, and its end."""
    if thread.starter_external_id is not None:
        above = db.session.get_one(Channel, thread.channel_id)
        starter = facts.Relation(RelationKind.THREAD_PARENT, thread.starter_external_id)
        relate(post, RelationKind.THREAD_PARENT, above, starter)
    if thread.deleted_at is not None:
        blank(post, thread.deleted_at)


def do_parked(post: Post, parked: ParkedFact, source: Source) -> None:
    told = parked.payload
    if parked.kind is ParkedKind.RELATION:
        posts.add_post_relation(told["from_id"], post.id, RelationKind(told["kind"]))
    elif parked.kind is ParkedKind.DELETION:
        blank(post, parked.at)
    elif parked.kind is ParkedKind.DETAIL:
        metrics.save_metric_snapshot(post.id, captured_at=parked.at, **told)
    else:
        account = source.account(facts.Author(told["author"], told["name"]))
        if told["is_there"]:
            reactions.add_reaction(post.id, account.id, told["kind"], told["weight"], at=parked.at)
        else:
            reactions.remove_reaction(post.id, account.id, told["kind"], at=parked.at)


def blank(post: Post, at: datetime) -> None:
    """Take the words of a deleted post away; it was deleted when that was told first."""
    db.session.execute(
        update(Post)
        .where(*ours(Post), Post.id == post.id)
        .values(content="", is_deleted=True, deleted_at=func.least(Post.deleted_at, at))
    )
    db.session.execute(
        update(DiscordPostDetail)
        .where(*ours(DiscordPostDetail), DiscordPostDetail.post_id == post.id)
        .values(embeds=[], attachments=[])
    )


@apply.register
def remove(fact: facts.PostDeleted, source: Source) -> None:
    # What takes something away counts in a channel that is not read any more too.
    channel = source.heard_of(fact.place)
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is not None:
        blank(post, fact.at)
    else:
        channel = source.channel(fact.place)
        parking.park(channel.id, fact.external_id, ParkedKind.DELETION, "", fact.at)


@apply.register
def react(fact: facts.ReactionAdded, source: Source) -> None:
    note_reaction(fact, source, is_there=True)


@apply.register
def unreact(fact: facts.ReactionRemoved, source: Source) -> None:
    note_reaction(fact, source, is_there=False)


def note_reaction(
    fact: facts.ReactionAdded | facts.ReactionRemoved, source: Source, *, is_there: bool
) -> None:
    author, kind, weight = fact.reaction.author, fact.reaction.kind, fact.reaction.weight
    if author is None:
        return
    channel = source.channel(fact.place) if is_there else source.heard_of(fact.place)
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is None:
        channel = source.channel(fact.place)
        payload = {
            "author": author.platform_id,
            "name": author.display_name,
            "kind": kind,
            "weight": weight,
            "is_there": is_there,
        }
        key = f"{author.platform_id}:{kind}"
        parking.park(channel.id, fact.external_id, ParkedKind.REACTION, key, fact.at, payload)
    elif is_there:
        reactions.add_reaction(post.id, source.account(author).id, kind, weight, at=fact.at)
    else:
        reactions.remove_reaction(post.id, source.account(author).id, kind, at=fact.at)


@apply.register
def clear_reactions(fact: facts.ReactionsCleared, source: Source) -> None:
    channel = source.heard_of(fact.place)
    parking.drop_reactions(channel.id, fact.external_id, fact.kind, fact.at)
    post = posts.get_post_by_external_id(channel.id, fact.external_id)
    if post is None:
        return
    gone = update(Reaction).where(
        *ours(Reaction), Reaction.post_id == post.id, Reaction.told_at <= fact.at
    )
    if fact.kind is not None:
        gone = gone.where(Reaction.kind == fact.kind)
    db.session.execute(gone.values(is_there=False, told_at=fact.at))


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
        source.channel(fact.place),
        fact.external_id,
        name=fact.name,
        opened_at=fact.at,
        starter_external_id=fact.starter_external_id,
        is_archived=fact.is_archived,
    )
    own = source.channel(facts.Place(fact.external_id, fact.name or None))
    db.session.execute(
        update(DiscordPostDetail)
        .where(
            *ours(DiscordPostDetail),
            DiscordPostDetail.post_id.in_(select(Post.id).where(Post.channel_id == own.id)),
        )
        .values(thread_id=fact.external_id)
    )
    for post in posts_of(own):
        join_thread(post, thread)


@apply.register
def end_thread(fact: facts.ThreadDeleted, source: Source) -> None:
    thread = threads.delete_thread(source.heard_of(fact.place), fact.external_id, fact.at)
    assert thread.deleted_at is not None
    for post in posts_of(source.heard_of(facts.Place(fact.external_id))):
        blank(post, thread.deleted_at)


def posts_of(channel: Channel) -> list[Post]:
    return list(
        db.session.scalars(select(Post).where(*ours(Post), Post.channel_id == channel.id)).all()
    )


@apply.register
def rename(fact: facts.PlaceRenamed, source: Source) -> None:
    """Give the channel its new id, unless that one has been heard of as another channel."""
    before = places.get_channel(source.platform, fact.before.platform_id)
    if before is None or places.get_channel(source.platform, fact.after.platform_id):
        return
    before.platform_id = fact.after.platform_id
    before.external_id = f"{source.platform}:{fact.after.platform_id}"
    db.session.flush()

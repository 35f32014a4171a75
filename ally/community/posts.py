"""What members write, and how posts refer to each other (contract 000-61 to 74)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.community.models import DiscordPostDetail, Post, PostRelation, RelationKind
from ally.community.people import changed, given, ours, upserted
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.language import _

MOST = 100  # posts that are read at once


def save_post(
    channel_id: UUID,
    external_id: str,
    author_id: UUID,
    content: str,
    posted_at: datetime,
    *,
    version_at: datetime | None = None,
    edited_at: datetime | None = None,
    content_lang: str | None = None,
    earns: bool = True,
) -> Post:
    """The post, made if it is not known.  An older version than the one that is known, and any
    version of one that was deleted, changes nothing."""
    row = insert(Post).values(
        account_id=current_account_id(),
        channel_id=channel_id,
        external_id=external_id,
        author_id=author_id,
        content=content,
        content_lang=content_lang,
        earns=earns,
        posted_at=posted_at,
        edited_at=edited_at,
        version_at=version_at or edited_at or posted_at,
    )
    new = row.excluded
    made = db.session.scalar(
        row.on_conflict_do_update(
            index_elements=["account_id", "channel_id", "external_id"],
            set_={
                "content": new.content,
                "content_lang": given(new.content_lang, Post.content_lang),
                "edited_at": given(new.edited_at, Post.edited_at),
                "version_at": new.version_at,
                "updated_at": clock.now(),
            },
            where=(Post.version_at < new.version_at) & ~Post.is_deleted,
        )
        .returning(Post)
        .execution_options(populate_existing=True)
    )
    return made or known_post(channel_id, external_id)


def known_post(channel_id: UUID, external_id: str) -> Post:
    post = get_post_by_external_id(channel_id, external_id)
    assert post is not None, "an upsert that changed nothing has found one"
    return post


def update_post(
    post_id: UUID,
    *,
    content: str | None = None,
    content_lang: str | None = None,
    edited_at: datetime | None = None,
    is_deleted: bool | None = None,
) -> Post:
    """The post with what is given changed.  One that is deleted loses its words, and stays so.

    Raises NotFound.
    """
    missing = _("There is no such post.")
    if is_deleted:
        return changed(Post, post_id, missing, content="", is_deleted=True, deleted_at=clock.now())
    return changed(
        Post,
        post_id,
        missing,
        content=content,
        content_lang=content_lang,
        edited_at=edited_at,
        version_at=edited_at,
    )


def get_post_by_external_id(channel_id: UUID, external_id: str) -> Post | None:
    return db.session.scalar(
        select(Post).where(
            *ours(Post), Post.channel_id == channel_id, Post.external_id == external_id
        )
    )


def posts_by_author(
    author_id: UUID, limit: int = MOST, after: tuple[datetime, UUID] | None = None
) -> Sequence[Post]:
    """The author's posts, the newest first; those that follow the place `after` in that order."""
    asked = select(Post).where(*ours(Post), Post.author_id == author_id)
    if after is not None:
        asked = asked.where(tuple_(Post.posted_at, Post.id) < tuple_(*after))
    return db.session.scalars(
        asked.order_by(Post.posted_at.desc(), Post.id.desc()).limit(limit)
    ).all()


def add_post_relation(from_id: UUID, to_id: UUID, kind: RelationKind) -> None:
    """Note how one post refers to another; once, however often it is told."""
    db.session.execute(
        insert(PostRelation)
        .values(account_id=current_account_id(), from_id=from_id, to_id=to_id, kind=kind)
        .on_conflict_do_nothing()
    )


def post_relations(post_id: UUID, kind: RelationKind | None = None) -> Sequence[PostRelation]:
    """How the post refers to others, and they to it; the first that was told first."""
    either = (PostRelation.from_id == post_id) | (PostRelation.to_id == post_id)
    asked = select(PostRelation).where(*ours(PostRelation), either)
    if kind is not None:
        asked = asked.where(PostRelation.kind == kind)
    return db.session.scalars(asked.order_by(PostRelation.created_at, PostRelation.id)).all()


def save_discord_post_detail(
    post_id: UUID,
    *,
    guild_id: str | None = None,
    channel_id: str | None = None,
    thread_id: str | None = None,
    embeds: list[Any] | None = None,
    attachments: list[Any] | None = None,
    version_at: datetime | None = None,
) -> DiscordPostDetail:
    """What Discord tells of the post; what is not given stays."""
    row = insert(DiscordPostDetail).values(
        account_id=current_account_id(),
        post_id=post_id,
        guild_id=guild_id,
        channel_id=channel_id,
        thread_id=thread_id,
        embeds=embeds,
        attachments=attachments,
        version_at=version_at,
    )
    told: dict[str, Any] = {
        "guild_id": guild_id,
        "channel_id": channel_id,
        "thread_id": thread_id,
        "embeds": embeds,
        "attachments": attachments,
        "version_at": version_at,
    }
    new = {name: value for name, value in told.items() if value is not None}
    return upserted(
        row.on_conflict_do_update(
            index_elements=["post_id"], set_=new or {"post_id": DiscordPostDetail.post_id}
        ).returning(DiscordPostDetail)
    )


def update_discord_post_detail(post_id: UUID, **told: Any) -> DiscordPostDetail:
    """The same for one that is known, as when a thread is begun later.  Raises NotFound."""
    known = db.session.scalar(
        select(DiscordPostDetail).where(
            *ours(DiscordPostDetail), DiscordPostDetail.post_id == post_id
        )
    )
    if known is None:
        raise NotFound(_("There is no such post."))
    return save_discord_post_detail(post_id, **told)


def posts_in_thread(thread_id: str, limit: int = MOST) -> Sequence[Post]:
    """The posts of a Discord thread, the first first."""
    return db.session.scalars(
        select(Post)
        .join(DiscordPostDetail, DiscordPostDetail.post_id == Post.id)
        .where(*ours(DiscordPostDetail), DiscordPostDetail.thread_id == thread_id)
        .order_by(Post.posted_at, Post.id)
        .limit(limit)
    ).all()

"""Members, their accounts on platforms, what they write, and what is made of it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    Numeric,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ally.accounts.models import User
from ally.channels.models import Channel
from ally.db import (
    Model,
    account_key,
    belongs_to,
    datetime_now,
    datetime_touched,
    json_object,
    one_of,
    one_per_account,
    primary_key,
    under_64_kb,
)

WALLET = "~ '^0x[0-9a-f]{40}$'"  # lower case; shown with its EIP-55 checksum


class HoldReason(StrEnum):
    """Why what is owed to a person is not paid for now."""

    NO_WALLET = "NO_WALLET"
    WALLET_UNVERIFIED = "WALLET_UNVERIFIED"
    DUPLICATE_WALLET = "DUPLICATE_WALLET"
    SUSPECTED_SYBIL = "SUSPECTED_SYBIL"
    SANCTION = "SANCTION"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    OVER_LIMIT = "OVER_LIMIT"
    BY_HAND = "BY_HAND"


class Person(Model):
    """A member of the community, whatever platforms they write on (contract 000-18).

    `wallet` is lower case, unique in the account, counts once `wallet_verified_at` is set,
    and is paid to from `wallet_linked_at` on.  `hold_reason` keeps every payout of theirs
    back.  One who turned out to be another person too has `merged_into_id`, and neither
    accounts nor a wallet.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("wallet"),
        belongs_to("person", "merged_into_id"),
        one_of("hold_reason", HoldReason),
        CheckConstraint(f"wallet {WALLET}", name="wallet_is_an_address"),
        CheckConstraint(
            "wallet IS NOT NULL OR wallet_verified_at IS NULL", name="what_is_verified_is_there"
        ),
        CheckConstraint("merged_into_id IS NULL OR wallet IS NULL", name="merged_has_no_wallet"),
        CheckConstraint("trust = trust AND trust < 'Infinity'", name="trust_is_a_number"),
        Index("ix_person_name", "account_id", text("lower(display_name)"), "id"),
        Index(None, "account_id", "created_at", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    wallet: Mapped[str | None]
    wallet_verified_at: Mapped[datetime | None]
    wallet_linked_at: Mapped[datetime | None]
    display_name: Mapped[str | None]
    trust: Mapped[float] = mapped_column(default=0.0, server_default="0")
    hold_reason: Mapped[HoldReason | None]
    hold_note: Mapped[str | None]
    customer_email: Mapped[str | None]
    """The address that they write to the desk from, if an admin has said so."""
    merged_into_id: Mapped[UUID | None]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    platform_users: Mapped[list["PlatformUser"]] = relationship(
        viewonly=True, order_by="PlatformUser.platform"
    )

    @property
    def timeline_id(self) -> UUID:
        return self.id

    @property
    def name(self) -> str:
        return (self.display_name or "").strip() or (self.wallet or "")[:10] or str(self.id)[-8:]


class PlatformUser(Model):
    """An account of a person on one platform (contract 000-20).

    `display_name` is what they were called there at `named_at`.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("platform", "platform_id"),
        belongs_to("person", "person_id"),
        Index(None, "account_id", "person_id"),
        Index("ix_platform_user_name", "account_id", text("lower(display_name)")),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    person_id: Mapped[UUID]
    platform: Mapped[str]
    platform_id: Mapped[str]
    display_name: Mapped[str | None]
    named_at: Mapped[datetime | None]
    avatar_url: Mapped[str | None]
    is_bot: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    person: Mapped[Person] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.person_id


class Post(Model):
    """What a member wrote in public (contract 000-26).  One that is deleted loses its words only.

    `earns` is false for bots, webhooks and system messages.  `version_at` is the time of
    the newest version that we know of: an older one that arrives later changes nothing.
    """

    __table_args__ = (
        one_per_account("id"),
        one_per_account("channel_id", "external_id"),
        belongs_to("channel", "channel_id"),
        belongs_to("platform_user", "author_id"),
        CheckConstraint("is_deleted = (deleted_at IS NOT NULL)", name="a_deletion_has_a_time"),
        CheckConstraint("NOT is_deleted OR content = ''", name="what_is_deleted_is_blank"),
        Index(None, "account_id", "author_id", "posted_at", "id"),
        Index(None, "account_id", "channel_id", "posted_at", "id"),
        Index(None, "account_id", "posted_at", "id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    external_id: Mapped[str]
    author_id: Mapped[UUID]
    content: Mapped[str]
    content_lang: Mapped[str | None]
    earns: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    is_deleted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    deleted_at: Mapped[datetime | None]
    posted_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    version_at: Mapped[datetime]
    created_at: Mapped[datetime_now]
    updated_at: Mapped[datetime_touched]

    channel: Mapped[Channel] = relationship(viewonly=True)
    author: Mapped[PlatformUser] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.id


class ScoreVerdict(StrEnum):
    """What an admin says of a post beside its value: neither of these earns anything."""

    DUPLICATE = "duplicate"
    DISMISSED = "dismissed"


class Score(Model):
    """What a post was worth to one scorer, at one time (contract 000-29).  Append-only.

    Of the scores of a post by one `scorer` and `scorer_version` the newest by a person
    counts, else the newest.  `value` is in points, 0 or more; `details` holds the raw
    parts of it.  A person's has `user_id` and `reason`, and maybe a `verdict`.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("post", "post_id"),
        belongs_to("platform_user", "platform_user_id"),
        belongs_to("user", "user_id"),
        one_of("verdict", ScoreVerdict),
        CheckConstraint("value >= 0", name="value_is_not_negative"),
        CheckConstraint(
            "(user_id IS NULL) = (reason IS NULL)", name="who_overrides_gives_a_reason"
        ),
        CheckConstraint("verdict IS NULL OR user_id IS NOT NULL", name="a_verdict_is_a_persons"),
        Index(
            "ix_score_of_post",
            "account_id",
            "post_id",
            "scorer",
            "scorer_version",
            "created_at",
        ),
        Index(None, "account_id", "platform_user_id", "created_at", "id"),
        Index(None, "account_id", "created_at", "id"),
        under_64_kb("details"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kind: Mapped[str] = mapped_column(default="contribution", server_default="contribution")
    value: Mapped[Decimal] = mapped_column(Numeric(30, 12))
    post_id: Mapped[UUID]
    platform_user_id: Mapped[UUID]
    scorer: Mapped[str]
    scorer_version: Mapped[str]
    details: Mapped[json_object]
    verdict: Mapped[ScoreVerdict | None]
    user_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime_now]

    post: Mapped[Post] = relationship(viewonly=True)
    platform_user: Mapped[PlatformUser] = relationship(viewonly=True)
    user: Mapped[User | None] = relationship(viewonly=True)

    @property
    def timeline_id(self) -> UUID:
        return self.post_id


class Reaction(Model):
    """What somebody said to a post with one sign, at `told_at` (contract 000-30)."""

    __table_args__ = (
        belongs_to("post", "post_id"),
        belongs_to("platform_user", "platform_user_id"),
        one_per_account("post_id", "platform_user_id", "kind"),
        Index(None, "account_id", "platform_user_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kind: Mapped[str]
    weight: Mapped[float | None]
    post_id: Mapped[UUID]
    platform_user_id: Mapped[UUID]
    told_at: Mapped[datetime_now]
    created_at: Mapped[datetime_now]

    platform_user: Mapped[PlatformUser] = relationship(viewonly=True)


class RelationKind(StrEnum):
    REPLY_TO = "REPLY_TO"
    QUOTE_OF = "QUOTE_OF"
    RETWEET_OF = "RETWEET_OF"
    REPOST_OF = "REPOST_OF"
    THREAD_PARENT = "THREAD_PARENT"
    MENTIONS = "MENTIONS"


class PostRelation(Model):
    """How one post refers to another (contract 000-32, `MessageRelation` there)."""

    __table_args__ = (
        belongs_to("post", "from_id"),
        belongs_to("post", "to_id"),
        one_per_account("from_id", "to_id", "kind"),
        one_of("kind", RelationKind),
        Index(None, "account_id", "to_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kind: Mapped[RelationKind]
    from_id: Mapped[UUID]
    to_id: Mapped[UUID]
    created_at: Mapped[datetime_now]


class ParkedKind(StrEnum):
    RELATION = "relation"
    DELETION = "deletion"
    REACTION = "reaction"
    DETAIL = "detail"
    TAKEN_BACK = "taken_back"


class ParkedFact(Model):
    """What is known of a post that has not arrived yet; done, and deleted, when it does.

    `external_id` is that of the awaited post in `channel_id`, `key` tells equal facts.  That
    reactions were taken back is kept for good: one that was given before may come later.
    """

    __table_args__ = (
        one_per_account("channel_id", "external_id", "kind", "key"),
        belongs_to("channel", "channel_id", ondelete="CASCADE"),
        one_of("kind", ParkedKind),
        under_64_kb("payload"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    external_id: Mapped[str]
    kind: Mapped[ParkedKind]
    key: Mapped[str]
    at: Mapped[datetime]
    payload: Mapped[json_object]


class DiscordPostDetail(Model):
    """What Discord tells of a post beside its words; one for each post at most (000-34).

    `version_at` is that of the version of the post that it is of.
    """

    __table_args__ = (
        belongs_to("post", "post_id"),
        Index("ix_discord_post_detail_thread", "account_id", "thread_id"),
        under_64_kb("embeds"),
        under_64_kb("attachments"),
    )

    post_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[account_key]
    guild_id: Mapped[str | None]
    channel_id: Mapped[str | None]
    thread_id: Mapped[str | None]
    embeds: Mapped[list[Any] | None] = mapped_column(JSONB)
    attachments: Mapped[list[Any] | None] = mapped_column(JSONB)
    version_at: Mapped[datetime | None]

    post: Mapped[Post] = relationship(viewonly=True)


class CommunityThread(Model):
    """A thread of a channel from its creation to its deletion (contract 000-104).

    `starter_external_id` is the post that it was begun from, if any.  Its name, and whether it
    is archived, are as of `told_at`.
    """

    __table_args__ = (
        one_per_account("channel_id", "external_id"),
        belongs_to("channel", "channel_id", ondelete="CASCADE"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    channel_id: Mapped[UUID]
    external_id: Mapped[str]
    name: Mapped[str]
    starter_external_id: Mapped[str | None]
    is_archived: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    told_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    updated_at: Mapped[datetime_touched]


class MetricSnapshot(Model):
    """How much a post was noticed, at one time.  Append-only (contract 000-35 and 36)."""

    __table_args__ = (
        belongs_to("post", "post_id"),
        one_per_account("post_id", "captured_at"),
        CheckConstraint(
            "least(like_count, reply_count, repost_count, quote_count, view_count) >= 0",
            name="counts_are_not_negative",
        ),
        under_64_kb("meta"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    post_id: Mapped[UUID]
    captured_at: Mapped[datetime]
    like_count: Mapped[int | None] = mapped_column(BigInteger)
    reply_count: Mapped[int | None] = mapped_column(BigInteger)
    repost_count: Mapped[int | None] = mapped_column(BigInteger)
    quote_count: Mapped[int | None] = mapped_column(BigInteger)
    view_count: Mapped[int | None] = mapped_column(BigInteger)
    meta: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class WalletChallenge(Model):
    """What a member signs to show that a wallet is theirs (EIP-4361): once, and not for long."""

    __table_args__ = (
        one_per_account("nonce"),
        belongs_to("person", "person_id", ondelete="CASCADE"),
        CheckConstraint(f"wallet {WALLET}", name="wallet_is_an_address"),
        Index(None, "account_id", "person_id"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    person_id: Mapped[UUID]
    wallet: Mapped[str]
    nonce: Mapped[str]
    message: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]


class MergeState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    REFUSED = "refused"


class MergeRequest(Model):
    """Two persons who may be one, since they gave the same wallet; an admin says whether.

    `kept_id` is who has the wallet, `other_id` who asked for it.
    """

    __table_args__ = (
        one_per_account("id"),
        belongs_to("person", "kept_id"),
        belongs_to("person", "other_id"),
        belongs_to("user", "decided_by_id"),
        one_of("state", MergeState),
        CheckConstraint(f"wallet {WALLET}", name="wallet_is_an_address"),
        CheckConstraint("kept_id <> other_id", name="nobody_merges_with_themselves"),
        Index(
            "uq_merge_request_open",
            "account_id",
            "kept_id",
            "other_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "account_id", "state", "created_at"),
    )

    id: Mapped[primary_key]
    account_id: Mapped[account_key]
    kept_id: Mapped[UUID]
    other_id: Mapped[UUID]
    wallet: Mapped[str]
    state: Mapped[MergeState] = mapped_column(default=MergeState.OPEN, server_default="open")
    reason: Mapped[str | None]
    decided_by_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime_now]

    kept: Mapped[Person] = relationship(
        viewonly=True,
        primaryjoin="MergeRequest.kept_id == Person.id",
        foreign_keys="MergeRequest.kept_id",
    )
    other: Mapped[Person] = relationship(
        viewonly=True,
        primaryjoin="MergeRequest.other_id == Person.id",
        foreign_keys="MergeRequest.other_id",
    )

    @property
    def timeline_id(self) -> UUID:
        return self.kept_id


class PostWaiting(Model):
    """A raw event of a community's platform that is to be taken in, `place` after `place`."""

    __table_args__ = (Index(None, "account_id", "place"),)

    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID]
    event_id: Mapped[UUID]

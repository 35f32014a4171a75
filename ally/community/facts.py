"""What a platform told us, in our own words: the seam between platforms and the tables.

A platform's reader is a pure function from its payload to these; taking them in
(`community.taking_in`) is the same for all.  Facts may come twice and in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ally.community.models import RelationKind


class Unreadable(Exception):
    """What came is not what its platform says it sends; the text says which part, for operators."""


def stored(words: Any) -> str:
    """The words as Postgres can keep them."""
    if words is None:
        return ""
    # JSON may hold halves of characters, and zeros; a database may not.
    return str(words).replace("\x00", "").encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Place:
    """A channel as its platform names it; its rows are made when it is first heard of.

    `platform_id` is unique on the platform.  `name` is None where the platform did not say.
    """

    platform_id: str
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Author:
    """Who wrote or reacted, on their platform.  None means that the platform did not say."""

    platform_id: str
    display_name: str | None = None
    avatar_url: str | None = None
    is_bot: bool | None = None


@dataclass(frozen=True)
class Relation:
    """How a post refers to another; `external_id` is that one's id, in `place` or the same."""

    kind: RelationKind
    external_id: str
    place: Place | None = None


@dataclass(frozen=True)
class Detail:
    """What Discord tells beside the words; None leaves what is known."""

    guild_id: str | None = None
    channel_id: str | None = None
    thread_id: str | None = None
    embeds: list[Any] | None = None
    attachments: list[Any] | None = None


@dataclass(frozen=True)
class ReactionTold:
    """`author` is None where the platform tells how many reacted, and not who."""

    kind: str
    author: Author | None
    weight: float | None = None


@dataclass(frozen=True)
class PostWritten:
    """A post as it is at `version_at`: new, edited, or read again."""

    place: Place
    external_id: str
    author: Author
    content: str
    posted_at: datetime
    version_at: datetime
    edited_at: datetime | None = None
    content_lang: str | None = None
    earns: bool = True
    relations: tuple[Relation, ...] = ()
    detail: Detail | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of `like_count`, `reply_count`, `repost_count`, `quote_count` and `view_count`."""


@dataclass(frozen=True)
class PostDeleted:
    place: Place
    external_id: str
    at: datetime


@dataclass(frozen=True)
class ReactionAdded:
    place: Place
    external_id: str
    reaction: ReactionTold
    at: datetime


@dataclass(frozen=True)
class ReactionRemoved:
    place: Place
    external_id: str
    reaction: ReactionTold
    at: datetime


@dataclass(frozen=True)
class ReactionsCleared:
    """All reactions of a post are gone, or all of one `kind`."""

    place: Place
    external_id: str
    at: datetime
    kind: str | None = None


@dataclass(frozen=True)
class CountsTold:
    """How much a post was noticed, at one time."""

    place: Place
    external_id: str
    at: datetime
    counts: Mapping[str, int]
    meta: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ThreadOpened:
    """A thread began, or was changed; it began `at`, and was so at `told_at`.

    `starter_external_id` is the post it hangs on.
    """

    place: Place
    external_id: str
    name: str
    at: datetime
    told_at: datetime
    starter_external_id: str | None = None
    is_archived: bool = False


@dataclass(frozen=True)
class ThreadDeleted:
    place: Place
    external_id: str
    at: datetime


@dataclass(frozen=True)
class PlaceDeleted:
    """A channel is gone, with its threads and all that was written there."""

    place: Place
    at: datetime


@dataclass(frozen=True)
class PlaceMoved:
    """A place goes on as another one, with ids of its own, as a Telegram group that grew does."""

    before: Place
    after: Place


PlaceFact = ThreadOpened | ThreadDeleted | PlaceDeleted | PlaceMoved
Fact = (
    PostWritten
    | PostDeleted
    | ReactionAdded
    | ReactionRemoved
    | ReactionsCleared
    | CountsTold
    | PlaceFact
)

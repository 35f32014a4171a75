"""From the events of a community's own platform to facts; docs/webhooks.md has their form."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ally.community.facts import (
    Author,
    CountsTold,
    Fact,
    Place,
    PostDeleted,
    PostWritten,
    ReactionAdded,
    ReactionRemoved,
    ReactionTold,
    Relation,
    Unreadable,
)
from ally.community.models import RelationKind

COUNTS = {
    "likes": "like_count",
    "replies": "reply_count",
    "reposts": "repost_count",
    "quotes": "quote_count",
    "views": "view_count",
}


def facts_of(event: str, payload: Mapping[str, Any], at: datetime) -> list[Fact]:
    """What the event says.  Raises Unreadable for one that lacks what its kind has."""
    try:
        return [fact_of(event, payload)]
    except (KeyError, TypeError, ValueError) as wrong:
        raise Unreadable(f"{event}: {type(wrong).__name__}") from None


def fact_of(event: str, told: Mapping[str, Any]) -> Fact:
    place = Place(told["channel"]["id"], told["channel"].get("name"))
    post, at = told["post"], datetime.fromisoformat(told["at"])
    if event == "post.written":
        return written(place, post, at, told)
    if event == "post.deleted":
        return PostDeleted(place, post, at)
    if event == "post.counted":
        counts = {ours: told[theirs] for theirs, ours in COUNTS.items() if theirs in told}
        return CountsTold(place, post, at, counts)
    reaction = ReactionTold(told["kind"], author_of(told["by"]))
    if event == "reaction.added":
        return ReactionAdded(place, post, reaction, at)
    if event == "reaction.removed":
        return ReactionRemoved(place, post, reaction, at)
    raise ValueError(event)


def written(place: Place, post: str, at: datetime, told: Mapping[str, Any]) -> PostWritten:
    posted_at = datetime.fromisoformat(told["posted_at"])
    author = author_of(told["author"])
    referred = {"reply_to": RelationKind.REPLY_TO, "quote_of": RelationKind.QUOTE_OF}
    return PostWritten(
        place=place,
        external_id=post,
        author=author,
        content=told["text"],
        posted_at=posted_at,
        version_at=at,
        edited_at=at if at > posted_at else None,
        content_lang=told.get("language"),
        earns=not author.is_bot,
        relations=tuple(
            Relation(kind, told[name]) for name, kind in referred.items() if name in told
        ),
    )


def author_of(told: Mapping[str, Any]) -> Author:
    return Author(told["id"], told.get("name"), told.get("avatar"), told.get("bot"))

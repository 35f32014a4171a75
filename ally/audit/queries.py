"""Which events the Audit page shows: by who, what, when and about what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select, text

from ally.accounts.models import User
from ally.db import db
from ally.events import reading, topics
from ally.events.models import Event
from ally.events.reading import Leaf, Order
from ally.paging import written_place

LENGTH = 50  # events that are drawn at once
# Where things are shown that have a page of their own.
PAGES = {
    "channel": "/settings/channels/{id}",
    "jobrun": "/jobs",
    "campaign": "/campaigns/{id}",
    "campaignepoch": "/epochs/{id}",
    "payout": "/campaigns/{timeline}",
    "person": "/members/{id}",
    "score": "/scores/{timeline}",
    "systemconfig": "/settings/account",
}
FOR_ADMINS = ("/settings/", "/campaigns/", "/epochs/", "/batches/")
MOST_PEOPLE = 500
ALLY = "ally"
OUTSIDE = "outside"  # customers, and the programs that wrote

# Events are found by their timeline: what stands on another thing's is looked up first.
TIMELINE = text("""
    SELECT coalesce(
        (SELECT conversation_id FROM draft WHERE account_id = :account_id AND id = :id),
        (SELECT conversation_id FROM message WHERE account_id = :account_id AND id = :id),
        (SELECT conversation_id FROM delivery WHERE account_id = :account_id AND id = :id),
        (SELECT conversation_id FROM note WHERE account_id = :account_id AND id = :id),
        :id)
""")


@dataclass(frozen=True)
class Filters:
    """What was asked for, as the form says it; "" for anything.

    `who` is a user's id, ALLY or OUTSIDE, `what` a topic or an action, `since` and `until` are
    days of the reader, both included, and `about` is the id of anything.
    """

    who: str = ""
    what: str = ""
    since: str = ""
    until: str = ""
    about: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """Those that narrow the list, by name."""
        return {name: value for name, value in vars(self).items() if value}


def events(account_id: UUID, filters: Filters, zone: ZoneInfo, after: str, before: str) -> Leaf:
    """A page of the account's events, the newest first."""
    return reading.leaf(
        alternatives(account_id, filters, zone),
        order=Order.NEWEST,
        length=LENGTH,
        after=after,
        before=before,
    )


def alternatives(account_id: UUID, filters: Filters, zone: ZoneInfo) -> list[list[Any]]:
    """The conditions, once for each action of a topic: together they would have no index."""
    common = conditions(account_id, filters, zone)
    if not filters.what:
        return [common]
    return [[*common, Event.action == one] for one in actions_asked(filters.what)]


def together(account_id: UUID, filters: Filters, zone: ZoneInfo) -> list[Any]:
    """The same conditions in one list, for reading everything from one end to the other."""
    common = conditions(account_id, filters, zone)
    if not filters.what:
        return common
    return [*common, Event.action.in_(actions_asked(filters.what))]


def actions_asked(what: str) -> Collection[str]:
    """The actions of a topic; an action itself, and what is neither, which nothing has."""
    return topics.actions_of_topic(what) or [what]


def conditions(account_id: UUID, filters: Filters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Event.account_id == account_id]
    found += by_whom(filters.who)
    if (start := beginning_of(filters.since, zone)) is not None:
        found.append(Event.at >= start)
    if (end := beginning_of(filters.until, zone, days=1)) is not None:
        found.append(Event.at < end)
    if filters.about:
        found += about(account_id, filters.about)
    return found


def by_whom(who: str) -> list[ColumnElement[bool]]:
    if who == ALLY:
        return [Event.actor_id.is_(None), Event.actor_name == "Ally"]
    if who == OUTSIDE:
        return [Event.actor_id.is_(None), Event.actor_name != "Ally"]
    user_id = as_uuid(who)
    return [Event.actor_id == user_id] if user_id else []


def about(account_id: UUID, written: str) -> list[ColumnElement[bool]]:
    subject_id = as_uuid(written)
    if subject_id is None:
        return [Event.id.is_(None)]  # nothing is about what is no id
    timeline_id = db.session.scalar(TIMELINE, {"account_id": account_id, "id": subject_id})
    ours = or_(Event.subject_id == subject_id, Event.timeline_id == subject_id)
    return [Event.timeline_id == timeline_id, ours]


def beginning_of(day: str, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """When the day begins in the zone, or so many days later; None for what is no day."""
    try:
        found = date.fromisoformat(day) + timedelta(days=days)
        return datetime.combine(found, time(), tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def as_uuid(written: str) -> UUID | None:
    try:
        return UUID(written.strip())
    except ValueError:
        return None


def people_of(account_id: UUID) -> Sequence[Any]:
    """The ids and names of the account's users, by name; also of those who have left."""
    return db.session.execute(
        select(User.id, User.display_name)
        .where(User.account_id == account_id)
        .order_by(User.display_name, User.id)
        .limit(MOST_PEOPLE)
    ).all()


def link_of(event: Event) -> str | None:
    """The page on which the event is told among others, if there is one."""
    if event.subject_type in PAGES:
        return PAGES[event.subject_type].format(id=event.subject_id, timeline=event.timeline_id)
    if event.subject_type == "draft" and event.timeline_id == event.subject_id:
        return f"/batches/{event.subject_id}"  # it has no conversation: payouts at the gate
    if event.subject_type in {"conversation", "message", "draft", "delivery", "note"}:
        just_before = event.at - timedelta(microseconds=1)
        place = written_place(just_before, event.id)
        return f"/conversations/{event.timeline_id}/timeline?after={place}#event-{event.id}"
    return None


def is_for_admins(link: str) -> bool:
    """Whether only an admin may follow the link."""
    return link.startswith(FOR_ADMINS)

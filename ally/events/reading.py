"""Events a page at a time, in either order and in both directions, by the indexes that exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_, union_all

from ally.db import db
from ally.events.models import Event
from ally.paging import Place, place_of, written_place


class Order(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"

    @property
    def reversed(self) -> "Order":
        return Order.OLDEST if self is Order.NEWEST else Order.NEWEST


@dataclass(frozen=True)
class Leaf:
    """A page of events, and the address parts that lead to the pages around it, if any."""

    events: Sequence[Event]
    before: str | None
    after: str | None


def leaf(
    alternatives: Sequence[Sequence[ColumnElement[bool]]],
    *,
    order: Order,
    length: int,
    after: str = "",
    before: str = "",
) -> Leaf:
    """The events that meet all conditions of one of the alternatives.

    The page that follows the place `after`, or that leads up to the place `before`, or else the
    first one.  Each alternative is a statement of its own, so that each goes by its index: of a
    rare action among millions Postgres would else read them all.
    """
    back = place_of(before)
    place, way = (back, order.reversed) if back else (place_of(after), order)
    found = list(db.session.scalars(asked(alternatives, place, way, length + 1)))
    more, shown = len(found) > length, found[:length]
    if back:
        shown.reverse()
    first, last = (written(shown[0]), written(shown[-1])) if shown else (None, None)
    if back:
        return Leaf(shown, before=first if more else None, after=last)
    return Leaf(shown, before=first if place else None, after=last if more else None)


def asked(
    alternatives: Sequence[Sequence[ColumnElement[bool]]],
    place: Place | None,
    order: Order,
    limit: int,
) -> Select[Event]:
    each = [
        in_order(select(Event.id).where(*conditions), place, order).limit(limit)
        for conditions in alternatives
    ]
    if len(each) == 1:
        return in_order(select(Event).where(*alternatives[0]), place, order).limit(limit)
    ids = union_all(*[select(one.subquery().c.id) for one in each]).scalar_subquery()
    return in_order(select(Event).where(Event.id.in_(ids)), None, order).limit(limit)


def in_order(statement: Select[Any], place: Place | None, order: Order) -> Select[Any]:
    key = tuple_(Event.at, Event.id)
    if place is not None:
        statement = statement.where(key < place if order is Order.NEWEST else key > place)
    if order is Order.NEWEST:
        return statement.order_by(Event.at.desc(), Event.id.desc())
    return statement.order_by(Event.at, Event.id)


def written(event: Any) -> str:
    """The place of an event as an address has it."""
    return written_place(event.at, event.id)

"""Doing today what is to look as if it was done before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Insert, event, inspect, update
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.functions import Function

from ally import clock
from ally.db import db
from ally.notifications.models import Notification

READ_AFTER = timedelta(hours=4)  # what is older, everybody has seen


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """What the block does, it does at `moment` and in the seconds after it.

    The verbs take the time from our clock; times that Postgres would put into new
    rows are taken from it too.
    """
    began = datetime.now(UTC)
    event.listen(Session, "before_flush", date_rows)
    event.listen(Session, "do_orm_execute", date_inserts)
    try:
        with clock.at(moment):
            yield
            db.session.flush()
            date_notifications(since=began)
    finally:
        event.remove(Session, "before_flush", date_rows)
        event.remove(Session, "do_orm_execute", date_inserts)


def date_rows(session: Session, *_: Any) -> None:
    for row in session.new:
        for name in dated_columns(inspect(row).mapper):
            if getattr(row, name) is None:
                setattr(row, name, clock.now())
    for row in session.dirty:
        if "updated_at" in inspect(row).mapper.columns:
            row.updated_at = clock.now()


def date_inserts(asked: ORMExecuteState) -> None:
    """Name the times in an INSERT of one row that leaves them to Postgres."""
    statement = asked.statement
    mapper = asked.bind_mapper
    if not isinstance(statement, Insert) or mapper is None or statement.select is not None:
        return
    named = {getattr(column, "name", column) for column in statement._values or ()}
    missing = {
        mapper.columns[name].name: clock.now()
        for name in dated_columns(mapper)
        if mapper.columns[name].name not in named
    }
    asked.statement = statement.values(**missing) if missing else statement


def dated_columns(mapper: Any) -> list[str]:
    """The attributes that Postgres' clock would fill."""
    return [
        attribute.key
        for attribute in mapper.column_attrs
        if is_clock(getattr(attribute.columns[0].server_default, "arg", None))
    ]


def is_clock(default: Any) -> bool:
    return isinstance(default, Function) and default.name == "clock_timestamp"


def date_notifications(since: datetime) -> None:
    # They come from an INSERT ... SELECT, where no value can be named.
    is_old = clock.now() < datetime.now(UTC) - READ_AFTER
    db.session.execute(
        update(Notification)
        .where(Notification.created_at >= since)
        .values(
            created_at=clock.now(), read_at=clock.now() + timedelta(minutes=9) if is_old else None
        )
        .execution_options(synchronize_session=False)
    )

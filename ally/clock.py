"""The one clock: aware, in UTC.  Tests move it by patching `now`, demo data by `at`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_shift: ContextVar[timedelta] = ContextVar("clock_shift", default=timedelta())


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _shift.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """The clock shows `moment` and goes on from there, until the block ends."""
    token = _shift.set(moment - datetime.now(UTC))
    try:
        yield
    finally:
        _shift.reset(token)

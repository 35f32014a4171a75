from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from ally import clock
from ally.db import db
from ally.demo import past
from ally.events import trail
from ally.notifications import feed
from ally.notifications.models import Notification, NotificationType
from tests.factories import make_conversation, make_draft

LAST_YEAR = datetime(2025, 5, 17, 9, 30, tzinfo=UTC)


def is_then(moment):
    return timedelta() <= moment - LAST_YEAR < timedelta(minutes=1)


def test_the_clock_goes_on_from_the_moment_and_comes_back():
    with clock.at(LAST_YEAR):
        first, second = clock.now(), clock.now()

    assert LAST_YEAR <= first <= second
    assert is_then(second)
    assert not is_then(clock.now())


def test_clocks_within_clocks_come_back_one_by_one():
    with clock.at(LAST_YEAR):
        with clock.at(LAST_YEAR + timedelta(days=1)):
            pass
        assert is_then(clock.now())


def test_new_rows_and_events_are_dated_back(acme, ada):
    with past.at(LAST_YEAR):
        draft = make_draft(make_conversation(acme))
        trail.record(draft, "draft.claimed", by=ada)
    trail.seal()

    (event,) = trail.timeline(draft)
    assert is_then(event.at)
    assert is_then(draft.created_at)
    assert is_then(draft.updated_at)


def test_changed_rows_are_dated_back(acme):
    draft = make_draft(make_conversation(acme))

    with past.at(LAST_YEAR):
        draft.suggested_text = "Something else."

    assert is_then(draft.updated_at)


def test_notifications_are_dated_back_and_read(acme, ada):
    feed.notify(acme.id, NotificationType.DRAFT_READY, title="Today", url="/")
    with past.at(LAST_YEAR):
        feed.notify(acme.id, NotificationType.DRAFT_READY, title="Then", url="/")

    lines = {line.payload["title"]: line for line in db.session.scalars(select(Notification))}
    assert is_then(lines["Then"].created_at)
    assert lines["Then"].read_at is not None
    assert not is_then(lines["Today"].created_at)
    assert lines["Today"].read_at is None


def test_afterwards_rows_have_the_present_time_again(acme):
    with past.at(LAST_YEAR):
        pass

    assert not is_then(make_draft(make_conversation(acme)).created_at)

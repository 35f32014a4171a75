"""Times in words: in the reader's language, by the reader's day, through changes of the clock."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from timeit import timeit

import pytest
from flask import Flask

from ally import clock, language, times

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
VIENNA, NEW_YORK = "Europe/Vienna", "America/New_York"


@contextmanager
def reading(zone, tag="en"):
    """As somebody who reads in this zone and this language."""
    app = Flask("reading")
    language.init_app(app, wanted_language=lambda: tag, wanted_zone=lambda: zone)
    with app.test_request_context("/"):
        yield


def words_of(drawn):
    return re.sub("<[^>]*>", "", drawn)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=40), "Jan 2026"),
    ],
)
def test_ages_as_people_say_them(monkeypatch, span, words):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert times.ago(NOON - span) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=40), "in Jan 2026"),
    ],
)
def test_ages_within_a_sentence(monkeypatch, span, words):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert times.how_long_ago(NOON - span) == words


@pytest.mark.parametrize(
    ("zone", "moment", "words"),
    [
        # The clocks of Vienna go forward on 29 March at 01:00 UTC, and back on 25 October.
        (VIENNA, "2026-03-29T00:59:00Z", "01:59"),
        (VIENNA, "2026-03-29T01:00:00Z", "03:00"),
        (VIENNA, "2026-10-25T00:30:00Z", "02:30"),
        (VIENNA, "2026-10-25T01:30:00Z", "02:30"),
        # Those of New York on 8 March at 07:00 UTC, and on 1 November at 06:00 UTC.
        (NEW_YORK, "2026-03-08T06:59:00Z", "01:59"),
        (NEW_YORK, "2026-03-08T07:00:00Z", "03:00"),
        (NEW_YORK, "2026-11-01T05:30:00Z", "01:30"),
        (NEW_YORK, "2026-11-01T06:30:00Z", "01:30"),
    ],
)
def test_the_clock_is_the_readers_also_when_it_is_changed(monkeypatch, zone, moment, words):
    moment = datetime.fromisoformat(moment)
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(minutes=10))
    with reading(zone):
        assert words_of(times.at_clock(moment)) == words


def test_both_hours_that_a_change_makes_of_one_are_told_apart():
    before, after = (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )
    with reading(VIENNA):
        assert times.exactly(before) == "2026-10-25 02:30:00 CEST"
        assert times.exactly(after) == "2026-10-25 02:30:00 CET"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "23:30"),  # now is 23:40 there, of the same day
        (VIENNA, "00:30"),
        (NEW_YORK, "18:30"),
    ],
)
def test_ten_minutes_ago_was_today_wherever_one_reads(monkeypatch, zone, words):
    now = datetime(2026, 3, 5, 23, 40, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    with reading(zone):
        assert words_of(times.at_clock(now - timedelta(minutes=10))) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-03-04T22:59:00Z", "4 Mar 23:59"),
        ("2026-03-04T23:00:00Z", "yesterday 00:00"),
        ("2026-03-05T22:59:00Z", "yesterday 23:59"),
        ("2026-03-05T23:00:00Z", "00:00"),
        ("2026-03-06T22:59:00Z", "23:59"),
        ("2026-03-06T23:00:00Z", "tomorrow 00:00"),
        ("2025-12-31T22:59:00Z", "31 Dec 2025 23:59"),
        ("2025-12-31T23:00:00Z", "1 Jan 00:00"),
    ],
)
def test_a_day_begins_at_the_readers_midnight(monkeypatch, moment, words):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 6, 8, tzinfo=UTC))
    with reading(VIENNA):
        assert words_of(times.at_clock(datetime.fromisoformat(moment))) == words


def test_what_is_due_today_is_told_with_its_day(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with reading(VIENNA):
        assert words_of(times.with_day(NOON)) == "today 13:00"
        assert words_of(times.with_day(NOON + timedelta(days=1))) == "tomorrow 13:00"
        assert words_of(times.with_day(NOON + timedelta(days=8))) == "13 Mar 13:00"


def test_a_month_is_the_readers_too(monkeypatch):
    with reading(VIENNA):
        assert times.month(datetime(2026, 2, 28, 23, 30, tzinfo=UTC)) == "Mar 2026"
    with reading(VIENNA, "de"):
        assert times.month(datetime(2026, 2, 28, 23, 30, tzinfo=UTC)).startswith("März")


def test_a_job_has_no_reader_and_tells_utc(app, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with app.app_context():
        assert words_of(times.at_clock(NOON)) == "12:00"
        assert times.exactly(NOON) == "2026-03-05 12:00:00 UTC"
    assert times.exactly(NOON) == "2026-03-05 12:00:00 UTC"


@pytest.mark.parametrize("zone", ["Nowhere/Here", "../../etc/passwd", "", None])
def test_a_zone_that_there_is_not_is_utc(zone):
    with reading(zone):
        assert times.exactly(NOON) == "2026-03-05 12:00:00 UTC"


@pytest.mark.parametrize(
    "tell", [times.ago, times.at_clock, times.with_day, times.exactly, times.since]
)
def test_telling_a_time_costs_next_to_nothing(tell):
    """A list tells a hundred; the limit leaves room for a machine that is busy."""
    moment = clock.now() - timedelta(days=3)
    with reading(VIENNA, "de"):
        tell(moment)
        assert min(timeit(lambda: tell(moment), number=200) for _ in range(5)) / 200 < 60e-6

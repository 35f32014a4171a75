"""When a reply goes out that is sent later: in the reader's zone, never past, never too far."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally import clock
from ally.errors import Invalid
from ally.review import later
from ally.review.later import send_time

VIENNA = ZoneInfo("Europe/Vienna")
FRIDAY = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)  # half past midnight on Saturday in Vienna


@pytest.mark.parametrize(
    ("choice", "moment"),
    [
        ("hour", datetime(2026, 11, 28, 0, 30, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 29, 7, 0, tzinfo=UTC)),
        ("monday", datetime(2026, 11, 30, 7, 0, tzinfo=UTC)),
        ("2026-12-01T09:15", datetime(2026, 12, 1, 8, 15, tzinfo=UTC)),
        ("2026-12-01T09:15+03:00", datetime(2026, 12, 1, 6, 15, tzinfo=UTC)),
    ],
)
def test_a_choice_is_read_in_the_readers_zone(choice, moment):
    with clock.at(FRIDAY):
        found = send_time(choice, "", VIENNA)
    assert abs(found - moment) < timedelta(seconds=5)


def test_on_a_monday_the_next_one_is_meant():
    with clock.at(datetime(2026, 11, 30, 4, 0, tzinfo=UTC)):
        assert send_time("monday", "", VIENNA) == datetime(2026, 12, 7, 7, 0, tzinfo=UTC)


def test_no_choice_is_at_once_whatever_the_field_says():
    assert send_time("", "2026-12-01T09:15", VIENNA) is None


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "Choose a date"),
        ("nonsense", "Choose a date"),
        ("2026-11-27T23:30", "has passed"),
        ("0001-01-01T00:00+14:00", "has passed"),
        ("2028-01-01T00:00", "within a year"),
        ("9999-12-31T23:59-12:00", "within a year"),
    ],
)
def test_what_cannot_be_is_refused_in_words(written, words):
    with clock.at(FRIDAY), pytest.raises(Invalid, match=words):
        send_time(later.CHOSEN, written, VIENNA)


@given(
    st.integers(0, 15 * 365 * 24 * 60),
    st.sampled_from(["UTC", "Europe/Vienna", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
)
def test_what_is_offered_is_always_ahead(minutes, name):
    with clock.at(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)):
        offered = later.send_times(ZoneInfo(name))
        for choice in (offered.hour, offered.tomorrow, offered.monday):
            assert timedelta(0) < choice - clock.now() < timedelta(days=8)
        assert (offered.tomorrow.hour, offered.monday.weekday()) == (8, 0)

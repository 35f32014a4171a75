"""Limits whose clock is set back."""

from datetime import timedelta

import pytest

from ally import clock, throttle
from ally.errors import TooMany

MINUTE = timedelta(minutes=1)


def test_a_limit_counts_within_its_window(rolled_back):
    throttle.limit("a key", hits=1, per=MINUTE)
    with pytest.raises(TooMany):
        throttle.limit("a key", hits=1, per=MINUTE)

    with clock.at(clock.now() + MINUTE):
        throttle.limit("a key", hits=1, per=MINUTE)


def test_a_clock_that_is_set_back_shuts_nobody_out_for_longer(rolled_back):
    with clock.at(clock.now() + timedelta(hours=3)):
        throttle.limit("a key", hits=1, per=MINUTE)

    throttle.limit("a key", hits=1, per=MINUTE)


def test_clocks_that_differ_a_little_open_no_way_around(rolled_back):
    with clock.at(clock.now() + timedelta(seconds=2)):
        throttle.limit("a key", hits=1, per=MINUTE)

    with pytest.raises(TooMany):
        throttle.limit("a key", hits=1, per=MINUTE)

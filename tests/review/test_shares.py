"""The interval of a share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.review.shares import Share

shares = st.integers(1, 10**6).flatmap(
    lambda of: st.builds(Share, st.integers(0, of), st.just(of)),
)


@given(shares)
def test_an_interval_lies_within_0_and_1_and_holds_the_share(share):
    low, high = share.interval
    assert 0 <= low <= share.value <= high <= 1
    assert low < high


@given(shares)
def test_more_of_the_same_is_a_narrower_interval(share):
    low, high = share.interval
    closer_low, closer_high = Share(share.count * 4, share.of * 4).interval
    assert closer_high - closer_low < high - low


def test_it_is_wilsons():
    assert Share(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 10).interval == pytest.approx((0, 0.2775), abs=1e-4)

"""Amounts as people write and read them, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.errors import Invalid
from ally.ledger.amounts import MOST_UNITS, grouped, in_tokens, units_of

UNITS = st.integers(0, MOST_UNITS)
DECIMALS = st.integers(0, 36)


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [("12.5", 6, 12_500_000), ("0", 18, 0), (" 40000 ", 2, 4_000_000), ("1", 0, 1), ("0.01", 2, 1)],
)
def test_tokens_become_units(text, decimals, units):
    assert units_of(text, decimals) == units


@given(UNITS, DECIMALS)
def test_what_is_written_is_read_again(units, decimals):
    assert units_of(in_tokens(units, decimals), decimals) == units


@pytest.mark.parametrize(("text", "decimals"), [("1.123", 2), ("1.0000000", 6), ("0.1", 0)])
def test_more_digits_than_the_token_has_are_refused(text, decimals):
    with pytest.raises(Invalid, match="digits after the dot"):
        units_of(text, decimals)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", "1,000", "1.2.3", ".5", "5.", "NaN", "٣", "0x1", "1 000"]
)
def test_only_digits_and_one_dot_are_an_amount(text):
    with pytest.raises(Invalid, match="in digits"):
        units_of(text, 18)


def test_what_no_chain_can_count_is_refused():
    assert units_of(str(MOST_UNITS), 0) == MOST_UNITS
    with pytest.raises(Invalid, match="No chain"):
        units_of(str(MOST_UNITS + 1), 0)


@pytest.mark.parametrize(
    ("units", "decimals", "read"),
    [
        (40_000_000_000, 6, "40,000.00"),
        (320_117_404, 6, "320.117404"),
        (5, 6, "0.000005"),
        (0, 18, "0.00"),
        (1_234_567, 0, "1,234,567"),
        (-1_500_000, 6, "-1.50"),
        (7, 1, "0.7"),
    ],
)
def test_amounts_are_read_in_groups(units, decimals, read):
    assert grouped(units, decimals) == read

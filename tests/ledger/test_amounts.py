"""Amounts as people write and read them, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from ally.errors import Invalid
from ally.ledger.amounts import MOST_UNITS, grouped, in_tokens, shown, typed, units_of, units_typed
from tests.test_times import reading

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


@pytest.mark.parametrize(
    ("units", "places", "words", "whole"),
    [
        (1_691_916_499_190_881_313_408, 2, "1,691.91", "1,691.916499190881313408"),
        (201_480_517_864_802_249_221, 6, "201.480517", "201.480517864802249221"),
        (-6_912_540_999_918_666_744, 6, "-6.912540", "-6.912540999918666744"),
        (1, 6, "<\N{NO-BREAK SPACE}0.000001", "0.000000000000000001"),
        (-1, 2, ">\N{NO-BREAK SPACE}-0.01", "-0.000000000000000001"),
        (10**18, 6, "1.000000", ""),
        (0, 2, "0.00", ""),
    ],
)
def test_an_amount_for_the_eye_is_cut_and_the_whole_stands_behind_it(units, places, words, whole):
    title = f' title="{whole}"' if whole else ""
    drawn = shown(units, 18, places)
    assert drawn == f'<span class="num"{title}>{escape(words)}</span>'


@given(UNITS, DECIMALS, st.integers(0, 6))
def test_nobody_is_shown_more_than_there_is_nor_nothing_for_something(units, decimals, places):
    words = shown(units, decimals, places).striptags()
    assert (set(words) <= set("0.")) == (units == 0)
    if not words.startswith("<"):
        assert units_of(words.replace(",", ""), decimals) <= units


def test_amounts_are_read_and_typed_in_the_readers_signs():
    with reading("UTC", "de"):
        assert grouped(1_234_567_890, 6) == "1.234,56789"
        assert typed(12_500_000, 6) == "12,5"
        assert units_typed("1.250,5", 2) == 125_050
        assert units_typed("12.500", 2) == 1_250_000
    assert units_typed("1,250.5", 2) == 125_050


@pytest.mark.parametrize("text", ["12,5", "1,2500", "0,125", ",125", "1.250,5", "1,250,50"])
def test_a_sign_that_could_be_meant_otherwise_is_refused(text):
    with pytest.raises(Invalid, match="in digits"):
        units_typed(text, 6)


@given(UNITS, DECIMALS, st.sampled_from(["en", "de"]))
def test_what_a_form_was_filled_with_is_read_again(units, decimals, tag):
    with reading("UTC", tag):
        assert units_typed(typed(units, decimals), decimals) == units
        assert units_typed(grouped(units, decimals), decimals) == units

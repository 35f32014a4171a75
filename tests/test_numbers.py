"""Numbers in the signs of the reader's language."""

from decimal import Decimal

import pytest

from ally import numbers
from tests.test_times import reading


@pytest.mark.parametrize(("tag", "words"), [("en", "-1,234.50"), ("de", "-1.234,50")])
def test_every_digit_is_kept_and_thousands_stand_apart(tag, words):
    with reading("UTC", tag):
        assert numbers.written("-1234.50") == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(Decimal("10"), "10"), (Decimal("5.571000"), "5,571"), (0.25, "0,25"), ("1200.5", "1.200,5")],
)
def test_a_number_has_no_more_digits_than_it_needs(value, words):
    with reading("UTC", "de"):
        assert numbers.number(value) == words


@pytest.mark.parametrize(("tag", "words"), [("en", "11.1K"), ("de", "11.100")])
def test_a_bar_says_its_value_in_few_letters(tag, words):
    with reading("UTC", tag):
        assert numbers.compact(11_065.691) == words
        assert len(numbers.compact(0.000123456)) < 9


def test_a_number_in_a_form_has_no_signs_but_one():
    with reading("UTC", "de"):
        assert numbers.typed("12345.50") == "12345,50"
        assert numbers.read("12345,50") == "12345.50"


def test_points_have_two_places():
    assert numbers.points(Decimal("1234.5678")) == "1,234.57"
    with reading("UTC", "de"):
        assert numbers.points(Decimal("5.5")) == "5,50"

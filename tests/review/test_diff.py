"""Edits replay exactly, for any text."""

import base64
import json
import string
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.errors import Invalid
from ally.review.diff import NotReplayable, apply, diff, digest, ops_of, replay

# Whatever Postgres stores: no NUL and no lone surrogates.
anything = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300
)
words = st.sampled_from(
    [
        "pump ",
        "255 lph",
        "\r\n",
        "\n",
        "مضخة",
        "👩‍👩‍👧",
        "e\u0301",
        "  ",
        "AN-6",
        "…",
        "\u200f",
        "\u2028",
        "",
    ]
)
letters = st.lists(words, max_size=60).map("".join)
texts = st.one_of(anything, letters)


@given(texts, texts)
@settings(max_examples=500, deadline=None)
def test_the_operations_lead_from_one_text_to_the_other(old, new):
    record = json.loads(json.dumps(diff(old, new)))

    assert apply(old, ops_of(record)) == new
    assert replay(old, record) == new
    assert (record["from"], record["to"]) == (digest(old), digest(new))


@given(texts)
@settings(deadline=None)
def test_no_change_is_one_operation_or_none(text):
    assert ops_of(diff(text, text)) == ([["=", len(text)]] if text else [])


def test_the_operations_read_as_people_edit():
    assert diff("The 340 pump is required.", "The 255 pump is enough.")["ops"] == [
        ["=", 4],
        ["-", "340"],
        ["+", "255"],
        ["=", 9],
        ["-", "required"],
        ["+", "enough"],
        ["=", 1],
    ]


def test_a_crlf_is_one_token():
    assert diff("a\r\nb", "a\nb")["ops"] == [["=", 1], ["-", "\r\n"], ["+", "\n"], ["=", 1]]


@pytest.mark.parametrize("unit", ["wort ", "👍🏽é ", "مرحبا ", "a\r\n"])
def test_texts_of_50_kb_stay_small_and_replay(unit):
    old = (unit * 50_000).encode()[:50_000].decode(errors="ignore")
    new = old[::-1].replace(" ", "  ")[: len(old)]
    record = diff(old, new)

    assert replay(old, record) == new
    assert len(json.dumps(record, ensure_ascii=False).encode()) < 65_536


def test_a_long_list_of_operations_is_packed():
    old = " ".join(string.ascii_lowercase * 200)
    record = diff(old, old.upper())

    assert "packed" in record
    assert replay(old, record) == old.upper()


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_cannot_be_stored_is_refused(text):
    with pytest.raises(Invalid):
        diff("a", text)


@given(texts, texts, texts)
@settings(deadline=None)
def test_a_record_fits_its_own_text_alone(old, new, other):
    record = diff(old, new)
    if other != old:
        with pytest.raises(NotReplayable):
            replay(other, record)


def test_a_record_that_was_tampered_with_does_not_replay():
    record = diff("Refund in 5 days.", "Refund in 3 days.")
    for change in ({"ops": [["=", 16]]}, {"to": digest("else")}, {"ops": [["=", 99]]}):
        with pytest.raises(NotReplayable):
            replay("Refund in 5 days.", record | change)


def test_a_packed_bomb_is_refused():
    packed = base64.b64encode(zlib.compress(b" " * 50_000_000)).decode()
    record = diff("a", "b")
    del record["ops"]
    with pytest.raises(NotReplayable):
        replay("a", record | {"packed": packed})

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.knowledge import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It fits. It holds.", ["It fits.", "It holds."]),
        ("It costs 9.95 dollars. Pay here.", ["It costs 9.95 dollars.", "Pay here."]),
        ("Use paste, e.g. PTFE. Wait.", ["Use paste, e.g. PTFE.", "Wait."]),
        ("Order No. 5 is here. No. Try it.", ["Order No. 5 is here.", "No.", "Try it."]),
        ("Give it 13.5 V. The pump runs.", ["Give it 13.5 V.", "The pump runs."]),
        ("Ask A. Smith. He knows.", ["Ask A. Smith.", "He knows."]),
        ("1. Cut it.\n2. Test it.", ["1. Cut it.", "2. Test it."]),
        ("Which one? “This.” Good!", ["Which one?", "“This.”", "Good!"]),
        ("可能ですか。何日ですか？", ["可能ですか。", "何日ですか？"]),
        ("a heading\n\nThen text", ["a heading", "Then text"]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, expected):
    assert sentences.split(text) == expected


@given(st.text(max_size=300))
def test_nothing_but_white_space_is_lost(text):
    spans = sentences.spans(text)

    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


def test_a_long_text_takes_no_long_time():
    assert len(sentences.spans("It fits. " * 20_000)) == 20_000

"""Small words and marks: what a person reads."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from ally import marks
from ally.dev import translations
from ally.review.diff import diff, ops_of
from tests.test_times import reading


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 byte"), (900, "900 bytes"), (188_416, "184 KB"), (3_500_000, "3.3 MB")],
)
def test_sizes_as_people_say_them(count, words):
    assert marks.size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.05, "unter 0,1 s"), (30, "30,0 s"), (200, "3 min"), (-5, "-5,0 s")],
)
def test_how_long_something_took_is_told_in_the_readers_words(seconds, words):
    translations.compile_catalogs()
    with reading("UTC", "de"):
        assert marks.lasting(timedelta(seconds=seconds)) == words


def test_neighbouring_words_stand_under_one_mark():
    drawn = marks.marked("The pump holds <58> psi, or so.", {"pump", "holds", "58", "psi"})
    assert drawn == "The <mark>pump holds</mark> &lt;<mark>58</mark>&gt; <mark>psi</mark>, or so."


@given(st.text(), st.frozensets(st.text(max_size=3)))
def test_marking_changes_no_letter(text, words):
    drawn = marks.marked(text, words)
    assert drawn.replace("<mark>", "").replace("</mark>", "") == escape(text)


def test_a_rewritten_sentence_reads_as_one():
    operations = [["-", "Thank"], ["+", "Please"], ["=", 1], ["-", "you"], ["+", "ask"], ["=", 1]]
    assert marks.changes("Thank you.", operations) == ("<del>Thank you</del><ins>Please ask</ins>.")


WORDS = st.text("ab \n.", max_size=30)


@given(WORDS, WORDS)
def test_drawn_changes_hold_both_texts(old, new):
    drawn = marks.changes(old, ops_of(diff(old, new)))
    assert re.sub("(?s)<ins>.*?</ins>|</?del>", "", drawn) == old
    assert re.sub("(?s)<del>.*?</del>|</?ins>", "", drawn) == new


def test_a_customers_words_keep_their_direction_after_ours():
    assert marks.isolated("Re: <b>") == "Re: <bdi>&lt;b&gt;</bdi>"
    assert marks.isolated("Warranty") == "<bdi>Warranty</bdi>"


@given(st.text())
def test_a_letter_stays_text(text):
    for drawn in (
        marks.paragraphs(text),
        marks.cited(text, []),
        marks.changes(text, [["=", len(text)]]),
    ):
        assert "<script" not in drawn
        left = drawn.replace('<p dir="auto">', "").replace("</p>", "").replace("<br>", "")
        assert Markup("<") not in left


def test_sentences_keep_their_sources_in_an_edited_text():
    draft = "Yes. It holds 58 psi. It is blue."
    sentences = [
        {"start": 0, "end": 4, "source": 1},
        {"start": 5, "end": 21, "source": 2},
        {"start": 22, "end": 33, "source": None},
    ]
    drawn = marks.cited("Well. It holds 58 psi. It is red.", sentences, draft)
    assert 'Well. <span class="said" data-rests-on="2">It holds 58 psi\N{NO-BREAK SPACE}' in drawn
    assert "#s1" not in drawn
    assert "unsupported" not in drawn


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/review/1", "/review/1"),
        ("//evil.example", "/review"),
        ("/\\evil.example", "/review"),
        ("https://evil.example", "/review"),
        ("javascript:alert(1)", "/review"),
        (None, "/review"),
    ],
)
def test_only_paths_of_ours_are_followed(path, kept):
    assert marks.own_path(path) == kept


def test_a_badge_shows_two_letters_or_one_wide_one():
    assert marks.initials("Ada Lovelace") == "AL"
    assert marks.initials("Ada") == "AD"
    assert marks.initials("佐藤 健一") == "佐"
    assert marks.initials("") == "?"

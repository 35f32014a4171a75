"""Every change of a decision is labelled once, by rule, and people may say otherwise."""

from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.review.diff import operations
from ally.review.labels import changes_in, label
from tests.review.label_pairs import PAIRS

ENOUGH = 0.85  # of the changes that people labelled by hand


def labelled(before, after):
    return [kind.value for kind in label(before, after, operations(before, after))]


def test_the_rules_agree_with_people_most_of_the_time():
    right = wrong = 0
    for before, after, kinds in PAIRS:
        found = labelled(before, after)
        agreed = sum(a == b for a, b in zip(found, kinds, strict=False))
        right, wrong = right + agreed, wrong + max(len(found), len(kinds)) - agreed
        if found != kinds:
            print(f"{found} instead of {kinds}: {before!r} -> {after!r}")

    accuracy = right / (right + wrong)
    print(f"{right} of {right + wrong} changes in {len(PAIRS)} pairs: {accuracy:.1%}")
    assert len(PAIRS) >= 60
    assert accuracy >= ENOUGH


WORDS = st.lists(
    st.sampled_from(
        [
            *" \n.,-$",
            "Hi Dana,\n",
            "\n\n",
            "58",
            "psi",
            "not",
            "if",
            "Please",
            "the",
            "Best regards,\n",
        ]
    )
    | st.text(max_size=5),
    max_size=25,
).map("".join)


@given(WORDS, WORDS)
def test_every_operation_is_in_exactly_one_change(before, after):
    ops = operations(before, after)
    changes = changes_in(before, ops)

    assert [change.position for change in changes] == [*range(len(changes))]
    assert len(label(before, after, ops)) == len(changes)
    assert replayed(before, changes) == after
    taken = sum(len(words) for kind, words in ops if kind == "-")
    assert sum(len(change.dropped) for change in changes) >= taken


def replayed(before, changes):
    """The text that the changes alone, put where they say, make of the one before."""
    pieces, at = [], 0
    for change in changes:
        assert before[change.start : change.start + len(change.dropped)] == change.dropped
        pieces += [before[at : change.start], change.added]
        at = change.start + len(change.dropped)
    return "".join([*pieces, before[at:]])


def test_labels_of_the_longest_texts_are_quick():
    before = "If you may ask 58 psi. " * 1000
    after = "if you should Ask 59 bar, " * 1000
    began = monotonic()
    labelled(before, after)
    labelled("", "if you " * 7000)
    assert monotonic() - began < 2


@pytest.mark.parametrize("text", ["", "Hi Dana,", "a" * 20_000, "\n" * 500, "🙂" * 50])
def test_no_change_has_no_label(text):
    assert labelled(text, text) == []


@pytest.mark.parametrize(
    "run", ["1", " ", "\t", "1,", "- ", "1) ", "a'", "if you ", "please ", "hi ", "a ", "\n"]
)
def test_a_long_run_of_anything_takes_no_time(run):
    long = run * (48_000 // len(run))
    begun = monotonic()
    for old, new in (("The pump.", f"x {long}y"), (f"x {long}y", "The pump.")):
        label(old, new, [["-", old], ["+", new]])
    assert monotonic() - begun < 5

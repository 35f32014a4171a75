import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.group_commit import GroupCommit


def at_once(calls):
    """Run the calls in threads of their own; what each came to, in order."""
    came = [None] * len(calls)

    def run(number, call):
        try:
            came[number] = call()
        except Exception as error:
            came[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return came


@given(st.integers(1, 40), st.integers(1, 8))
def test_each_is_written_once_and_gets_its_own_answer(count, most):
    groups = []

    def write(asked):
        groups.append(list(asked))
        return [number * 2 for number in asked]

    commits = GroupCommit(write, most)
    came = at_once([lambda n=n: commits.save(n) for n in range(count)])

    assert came == [n * 2 for n in range(count)]
    assert sorted(n for group in groups for n in group) == list(range(count))
    assert max(map(len, groups)) <= most


def test_those_who_come_meanwhile_are_written_together():
    writing, go_on = threading.Event(), threading.Event()
    groups = []

    def write(asked):
        groups.append(list(asked))
        writing.set()
        go_on.wait(10)
        return asked

    commits = GroupCommit(write, most=10)
    first = threading.Thread(target=commits.save, args=["first"])
    first.start()
    writing.wait(10)
    others = [threading.Thread(target=commits.save, args=[n]) for n in range(5)]
    for thread in others:
        thread.start()
    while len(commits.waiting) < 5:
        threading.Event().wait(0.001)
    go_on.set()
    for thread in [first, *others]:
        thread.join(10)

    assert groups[0] == ["first"]
    assert sorted(groups[1]) == [0, 1, 2, 3, 4]


def test_an_error_is_told_to_its_group_and_the_next_has_its_turn():
    def write(asked):
        if "bad" in asked:
            raise ValueError("no")
        return asked

    commits = GroupCommit(write, most=1)
    came = at_once([lambda n=n: commits.save(n) for n in ["bad", "good", "bad", "good"]])

    assert [str(c) if isinstance(c, ValueError) else c for c in came] == ["no", "good"] * 2
    with pytest.raises(ValueError, match="no"):
        commits.save("bad")

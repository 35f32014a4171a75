"""What each change of a decision was about: first by rule, then as people say.

A change is a run of neighbouring `-` and `+` operations; a single space between two
replaced words goes with them, so that a rewritten sentence is one change, as it is drawn.

The rules, of which the first that fits counts:

1. format: only white space, punctuation, case or list marks are not the same; a mark
   between two digits is a fact.
2. greeting: it stands in nothing but the lines of the greeting or of the closing.
3. removal: words were taken out, and none put in.
4. caveat: words were only put in, a hedge or a condition among them.
5. fact: not the same numbers, units, codes, names, days, or words that turn a statement
   around (not, before, at most); or a whole new statement was put in.
6. caveat: a hedge or a condition was put in for something else.
7. tone: the rest.

Labels of a decision that was taken back stay where they are and count for nothing: they
are only ever read of decisions that stand.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ally.marks import stretches
from ally.review.diff import Operation
from ally.review.label_words import (
    CLOSING,
    COURTESY,
    DAYS,
    GREETING,
    HEDGE,
    LAST_WORDS,
    NUMBERS,
    OPPOSITES,
    POLITE_IF,
    SYMBOLS,
    THANKS,
    UNITS,
)
from ally.review.models import EditKind

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# A number with marks inside that are part of it; thousands are told apart or not.
# Like other runs it begins where nothing of it stands before: else a long one takes minutes.
NUMBER = re.compile(r"(?<!\d)\d+(?:[.,:/]\d+)+")
THOUSANDS = re.compile(r",(?=\d{3}\b)")
LINE = re.compile(r"[^\n]+")
LIST_MARK = re.compile(r"(?<![ \t])[ \t]*(?:[-*•–]|\d{1,2}[.)])[ \t]+")
SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:\n])[\s\"'“‘(\-*•]*\Z")
LONGEST_GREETING = 80  # characters of a line that can be a greeting or a last word
LONGEST_LAST_WORDS = 160
CLOSING_LINES = 8  # of the last lines, those that are searched for a closing
LOOK_BACK = 60  # characters before a word that tell whether a sentence begins with it
STATEMENT = 4  # words from which something put in says something by itself

Span = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """One change: what was taken out at `start`, and what was put in at `place` of the new text."""

    position: int
    dropped: str
    added: str
    start: int
    place: int


def changes_in(old: str, operations: Sequence[Operation]) -> list[Change]:
    """The changes of a diff, in order; every `-` and `+` of it belongs to exactly one."""
    found: list[Change] = []
    at = place = 0
    for dropped, added, kept in stretches(old, operations):
        if dropped or added:
            found.append(Change(len(found), dropped, added, at, place))
        at, place = at + len(dropped) + len(kept), place + len(added) + len(kept)
    return found


def label(old: str, new: str, operations: Sequence[Operation]) -> list[EditKind]:
    """What each change is about, by the rules, in the order of `changes_in`."""
    frames = frame_of(old), frame_of(new)
    return [kind_of(change, old, new, frames) for change in changes_in(old, operations)]


def kind_of(change: Change, old: str, new: str, frames: tuple[list[Span], list[Span]]) -> EditKind:
    if is_format(change, old, new):
        return EditKind.FORMAT
    if is_framed(change, frames):
        return EditKind.GREETING
    if not WORD.search(change.added) and WORD.search(change.dropped):
        return EditKind.REMOVAL
    hedged = hedges(change.added) > hedges(change.dropped)
    if hedged and not WORD.search(change.dropped):
        return EditKind.CAVEAT
    if is_fact(change, old, new):
        return EditKind.FACT
    return EditKind.CAVEAT if hedged else EditKind.TONE


def is_format(change: Change, old: str, new: str) -> bool:
    if SYMBOLS.search(change.dropped + change.added) or is_between_digits(change, old, new):
        return False
    if numbers_in(change.dropped) != numbers_in(change.added):
        return False
    return bare(change.dropped, old, change.start) == bare(change.added, new, change.place)


def numbers_in(words: str) -> list[str]:
    return NUMBER.findall(THOUSANDS.sub("", words))


def is_between_digits(change: Change, old: str, new: str) -> bool:
    """Whether nothing but marks was changed within a number, as in 1.5 and 15."""
    if WORD.search(change.dropped + change.added):
        return False
    before = new[max(0, change.place - 1) : change.place]
    after = new[change.place + len(change.added) :][:1]
    return before.isdigit() and after.isdigit()


def bare(words: str, text: str, at: int) -> str:
    """The letters and digits alone, in one case, without the marks of a list."""
    lines = words.split("\n")
    if at and text[at - 1] != "\n":
        first, lines = lines[:1], lines[1:]
    else:
        first = []
    listed = first + [LIST_MARK.sub("", line, count=1) for line in lines]
    return "".join("".join(WORD.findall(line)) for line in listed).casefold()


def is_framed(change: Change, frames: tuple[list[Span], list[Span]]) -> bool:
    """Whether both sides stand in greeting and closing lines; an empty side says nothing."""
    sides = ((change.dropped, change.start), (change.added, change.place))
    return all(
        any(start <= at and at + len(words.rstrip()) <= end for start, end in frame)
        for (words, at), frame in zip(sides, frames, strict=True)
        if words.strip()
    )


def frame_of(text: str) -> list[Span]:
    """Where the greeting's lines and the closing's stand."""
    lines = [line.span() for line in LINE.finditer(text) if line[0].strip()]
    return [*opening_of(text, lines), *closing_of(text, lines)]


def opening_of(text: str, lines: Sequence[Span]) -> Iterator[Span]:
    """The line of the greeting, and the line of thanks that follows it."""
    said = [text[start:end].strip() for start, end in lines[:2]]
    if not said or len(said[0]) > LONGEST_GREETING or not GREETING.match(said[0]):
        return
    has_thanks = len(said) > 1 and len(said[1]) <= LONGEST_GREETING and THANKS.match(said[1])
    yield 0, lines[1 if has_thanks else 0][1]


def closing_of(text: str, lines: Sequence[Span]) -> Iterator[Span]:
    """From the closing's line, or the last words before it, to the end."""
    begins: int | None = None
    for start, end in reversed(lines[1:][-CLOSING_LINES:]):
        said = text[start:end].strip()
        if CLOSING.match(said) and len(said) <= LONGEST_GREETING:
            begins = start
        elif begins is not None:
            if len(said) > LONGEST_LAST_WORDS or not LAST_WORDS.match(said):
                break
            begins = start
    if begins is not None:
        yield begins, len(text)


def hedges(words: str) -> int:
    return len(HEDGE.findall(POLITE_IF.sub(" ", words)))


def is_fact(change: Change, old: str, new: str) -> bool:
    before = facts_in(change.dropped, old, change.start)
    after = facts_in(change.added, new, change.place)
    is_other = before != after or is_between_digits(change, old, new)
    return is_other or is_statement(change) or is_address(change, new)


def is_address(change: Change, new: str) -> bool:
    """Whether it is part of a mail address."""
    end = change.place + len(change.added)
    return "@" in new[max(0, change.place - 1) : change.place] + new[end : end + 1]


def facts_in(words: str, text: str, at: int) -> set[str]:
    """The numbers, units, codes, names and turning words of a stretch that stands at `at`."""
    found = set(SYMBOLS.findall(words))
    for word in WORD.finditer(words):
        begins = at + word.start()
        starts = SENTENCE_BEGINS.search(text[max(0, begins - LOOK_BACK) : begins])
        if tells(word[0], starts=starts is not None):
            found.add(word[0].casefold().replace("’", "'"))
    return found


def tells(word: str, starts: bool) -> bool:
    """Whether the word is a number, unit, code, name or the like; `starts` a sentence or not."""
    folded = word.casefold().replace("’", "'")
    if any(character.isdigit() for character in word):
        return True
    if folded in NUMBERS or folded in UNITS or folded in DAYS or folded in OPPOSITES:
        return True
    is_code = len(word) > 1 and word.isupper()
    return is_code or (word[0].isupper() and not starts and folded != "i" and "i'" not in folded)


def is_statement(change: Change) -> bool:
    """Whether it was only put in, and says something that no courtesy is."""
    said = WORD.findall(change.added)
    return (
        not WORD.search(change.dropped)
        and len(said) >= STATEMENT
        and COURTESY.search(change.added) is None
    )

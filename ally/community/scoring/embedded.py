"""The embedded scorer, version 1: what a post is worth by what can be counted, without a network.

docs/scoring.md tells it in words.  Pure, and in decimals alone: the same facts give the same
points on every machine.  A change of any number here is a new version.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

NAME, VERSION = "embedded", "1"

FULL_LENGTH = 60  # words that earn the whole of it; more earn no more
POINTS_OF_LENGTH = Decimal(4)
POINT_OF_REPLY, MOST_REPLIES = Decimal(1), 5
POINT_OF_REACTION, MOST_REACTIONS = Decimal("0.5"), 6
SHORTEST = 3  # words; less says too little to earn by itself
SAME = Decimal("0.8")  # from this likeness on it is said again, and earns nothing
OFTEN = 5  # posts of one author in an hour that count in full
MOST_MENTIONS = 5
PLACES = Decimal("0.000001")

WORD = re.compile(r"\w+")
LINK = re.compile(r"https?://\S+", re.IGNORECASE)
MENTION = re.compile(r"<@[!&]?\d+>|@everyone|@here|(?<!\w)@\w+")
REPEATED = re.compile(r"(.)\1{9,}", re.DOTALL)


@dataclass(frozen=True)
class Facts:
    """What is known of a post when it is scored.

    `earlier` are the texts that stood in its channel just before it, `recent` how many the
    author wrote in the hour before, `replies` and `reactions` how many others gave each.
    """

    content: str
    earlier: Sequence[str] = ()
    recent: int = 0
    replies: int = 0
    reactions: int = 0


@dataclass(frozen=True)
class Worth:
    """Points, 0 or more, and the raw parts that they come from."""

    value: Decimal
    details: dict[str, Any]


def worth_of(facts: Facts) -> Worth:
    """What the post is worth."""
    words = words_in(facts.content)
    length = POINTS_OF_LENGTH * min(len(words), FULL_LENGTH) / FULL_LENGTH
    likeness = max((alike(set_of(facts.content), set_of(e)) for e in facts.earlier), default=ZERO)
    novelty = ZERO if likeness >= SAME else 1 - likeness
    replies = POINT_OF_REPLY * min(facts.replies, MOST_REPLIES)
    reactions = POINT_OF_REACTION * min(facts.reactions, MOST_REACTIONS)
    signs = signs_of_spam(facts.content, words)
    damping = Decimal(1) if not signs else Decimal("0.1")
    if likeness >= SAME:
        signs, damping = [*signs, "said before"], ZERO
    pace = Decimal(1) if facts.recent < OFTEN else Decimal(OFTEN) / (facts.recent + 1)
    own = length * novelty if len(words) >= SHORTEST else ZERO
    value = ((own + replies + reactions) * damping * pace).quantize(PLACES)
    return Worth(
        value,
        {
            "words": len(words),
            "length": written(length),
            "novelty": written(novelty),
            "replies": written(replies),
            "reactions": written(reactions),
            "signs": signs,
            "damping": written(damping),
            "pace": written(pace),
        },
    )


ZERO = Decimal(0)


def written(number: Decimal) -> str:
    return format(number.quantize(Decimal("0.0001")).normalize(), "f")


def words_in(text: str) -> list[str]:
    """The words; links and mentions are none.  A script without spaces counts by two letters."""
    said = MENTION.sub(" ", LINK.sub(" ", text))
    words: list[str] = []
    for word in WORD.findall(said.casefold()):
        unspaced = is_unspaced(word)
        words += [word[i : i + 2] for i in range(0, len(word), 2)] if unspaced else [word]
    return words


def is_unspaced(word: str) -> bool:
    """Whether it is of a script that puts no spaces between words: Han, kana, Thai."""
    return any("\u0e00" <= c <= "\u0e7f" or "\u3040" <= c <= "\u9fff" for c in word)


@lru_cache(maxsize=4096)
def set_of(text: str) -> frozenset[str]:
    return frozenset(words_in(text))


def alike(one: frozenset[str], other: frozenset[str]) -> Decimal:
    """The part of all their words that both have (Jaccard's index)."""
    together = len(one | other)
    return Decimal(len(one & other)) / together if together else ZERO


def signs_of_spam(text: str, words: Sequence[str]) -> list[str]:
    """Why it looks like spam, in words for whoever reviews it."""
    signs = []
    if LINK.search(text) and len(words) < SHORTEST:
        signs.append("only a link")
    if len(MENTION.findall(text)) > MOST_MENTIONS:
        signs.append("many mentions")
    if REPEATED.search(text):
        signs.append("one sign again and again")
    if len(words) >= 10 and len(set(words)) * 4 < len(words):
        signs.append("few words again and again")
    return signs

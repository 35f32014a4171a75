"""Which texts say nearly the same: their longest common sequence of words makes up ALIKE of both.

The rows that are compared have an `id`, a `channel_id` and a `suggested_text`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from time import thread_time
from typing import Any
from uuid import UUID

from rapidfuzz.distance import Indel
from sqlalchemy import Row

ALIKE = 0.9
PATIENCE = 1.0  # seconds of work


def grouped(rows: Sequence[Row[Any]]) -> list[list[UUID]]:
    """Each draft with those like it that are in no group before.

    What is left after PATIENCE is in none.
    """
    until = thread_time() + PATIENCE
    written, left, groups = Written(rows), list(rows), []
    while left and thread_time() < until:
        group = {row.id for row in left if written.are_alike(left[0], row)} | {left[0].id}
        groups.append([row.id for row in left if row.id in group])
        left = [row for row in left if row.id not in group]
    return groups


class Written:
    """The texts in a form that is quickly compared.

    Each word becomes one letter.  Of two texts that share ALIKE of their words, each has one
    of the other's rarest among its own: most pairs need no closer look.
    Source: "prefix filtering", Chaudhuri, Ganti and Kaushik, "A primitive operator for
    similarity joins in data cleaning" (2006)
    """

    def __init__(self, rows: Sequence[Row[Any]]):
        words = {row.id: row.suggested_text.split() for row in rows}
        common = Counter(word for said in words.values() for word in said)
        letters = {word: chr(0x10000 + number) for number, word in enumerate(common)}
        self.letters = {one: "".join(map(letters.__getitem__, said)) for one, said in words.items()}
        self.rarest = {one: rarest(said, common) for one, said in words.items()}

    def are_alike(self, one: Row[Any], other: Row[Any]) -> bool:
        if one.channel_id != other.channel_id:
            return False
        if self.rarest[one.id].isdisjoint(self.rarest[other.id]):
            return False
        return likeness(self.letters[one.id], self.letters[other.id]) >= ALIKE


def rarest(words: Sequence[str], common: Counter[str]) -> frozenset[tuple[int, str, int]]:
    """As many of the rarest words as the text may lack in common with one that is alike, and
    one more; a word that comes again counts as another."""
    seen: Counter[str] = Counter()
    numbered = []
    for word in words:
        seen[word] += 1
        numbered.append((common[word], word, seen[word]))
    shared = math.ceil(len(words) * ALIKE / (2 - ALIKE))
    return frozenset(sorted(numbered)[: len(words) - shared + 1])


def likeness(one: str, other: str) -> float:
    """From 0 to 1; 0 for whatever is below ALIKE."""
    return float(Indel.normalized_similarity(one, other, score_cutoff=ALIKE))

"""Cutting a document into passages, long enough to be understood, short enough to be quoted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ally.knowledge import sentences
from ally.knowledge.documents import Document
from ally.knowledge.models import DocumentKind

SHORTEST, LONGEST = 40, 120  # words of a passage, where sections and sentences allow it
CUT_VERSION = "1"  # part of each digest: a new way of cutting takes every document in again


@dataclass(frozen=True)
class Stretch:
    """A passage that is not stored yet."""

    heading: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def cut(document: Document) -> list[Stretch]:
    """The passages of a document: a golden is one, a page has one or more per section."""
    if document.kind is DocumentKind.GOLDEN:
        return [Stretch(document.title, fold(document.text))]
    sections = [
        Stretch(heading, piece)
        for heading, body in sections_of(document.text)
        for piece in pieces_of(body)
    ]
    return [Stretch(under(document.title, s.heading), s.text) for s in join_short(sections)]


def under(title: str, heading: str) -> str:
    """The heading with its document's title in front: "Warranty" alone says too little."""
    return f"{title}: {heading}" if heading else title


def sections_of(body: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text below it; text before the first heading has an empty one."""
    parts = re.split(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", body, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def pieces_of(body: str) -> list[str]:
    """The text in pieces of whole sentences, at most LONGEST words unless one sentence is more.

    A piece ends with its paragraph once it has SHORTEST words.
    """
    pieces: list[list[str]] = [[]]
    for paragraph in re.split(r"\n\s*\n", body):
        if words_in(pieces[-1]) >= SHORTEST:
            pieces.append([])
        for sentence in sentences.split(paragraph):
            if pieces[-1] and words_in([*pieces[-1], sentence]) > LONGEST:
                pieces.append([])
            pieces[-1].append(sentence)
    return [" ".join(piece) for piece in pieces if piece]


def words_in(piece: list[str]) -> int:
    return sum(len(sentence.split()) for sentence in piece)


def join_short(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours joined while one of them is short and both together are not too long."""
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and may_join(joined[-1], stretch):
            joined[-1] = join(joined[-1], stretch)
        else:
            joined.append(stretch)
    return joined


def may_join(one: Stretch, other: Stretch) -> bool:
    return min(one.words, other.words) < SHORTEST and one.words + other.words <= LONGEST


def join(one: Stretch, other: Stretch) -> Stretch:
    headings = list(dict.fromkeys(h for h in (one.heading, other.heading) if h))
    return Stretch("; ".join(headings), f"{one.text} {other.text}")


def fold(body: str) -> str:
    return " ".join(body.split())

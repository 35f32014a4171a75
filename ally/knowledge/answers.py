"""Which sentences of the passages answer which question."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ally.knowledge import sentences
from ally.knowledge.models import DocumentKind
from ally.knowledge.questions import Asked
from ally.knowledge.retrieval import Found
from ally.knowledge.words import lexemes_of

MOST_SENTENCES = 6

CONTEXT_WEIGHT = 0.35  # a word of the rest of the mail, beside one of the question itself
HEADING_SHARE = 0.4  # a word that only the passage's heading has
UNKNOWN = 2.0  # rarity of a word that no passage holds
USUAL_WORDS = 10  # lexemes of a sentence of usual length
GOLDEN_MATCH = 0.62  # share of a golden's own question that the mail must hold
GOLDEN_MATCH_FIRST = 0.45  # the same for a golden that the index found before all else
COVERS = 0.5  # share of a question that a golden or a further passage must hold
ALIKE = 0.7  # share of common words from which two sentences say the same

# Sentences that lean on the one before them read wrong alone.
LEANS = re.compile(r"(?:it|they|this|these|those|that|he|she|then|after that)\b", re.IGNORECASE)
SIZE = re.compile(r"-\d{1,2}")  # the lexeme of the number in AN-6


@dataclass(frozen=True)
class Room:
    """How much an answer may say.

    `each` is the sentences for one question, by the number of questions; one when there are
    more.  `follows` is the share of the best sentence's score that others of its passage
    must reach, `elsewhere` the same for sentences of other passages.
    """

    each: dict[int, int]
    most: int = MOST_SENTENCES
    follows: float = 0.55
    elsewhere: float = 0.8
    golden: int | None = None  # sentences of an approved answer; all of them without it
    beside_golden: int = 0  # sentences of pages that are said too for what a golden answers


USUAL = Room({1: 4, 2: 2, 3: 2})
SHORT = Room({}, golden=1)
LONG = Room({1: 6, 2: 4, 3: 3, 4: 2}, most=10, follows=0.4, elsewhere=0.65, beside_golden=3)


@dataclass(frozen=True)
class Sentence:
    """One sentence of a passage, with the lexemes that it and its heading hold."""

    found: Found
    position: int
    text: str
    words: frozenset[str]
    heading: frozenset[str]

    @property
    def is_golden(self) -> bool:
        return self.found.kind is DocumentKind.GOLDEN

    @property
    def held(self) -> frozenset[str]:
        return self.words | self.heading


@dataclass(frozen=True)
class Answer:
    """What is said to one question.  One that is answered by what was said before is empty."""

    sentences: tuple[Sentence, ...] = ()
    is_given: bool = False


def sentences_of(found: Iterable[Found]) -> list[Sentence]:
    """The sentences of the passages, in their order."""
    pairs = [
        (hit, position, said)
        for hit in found
        for position, said in enumerate(sentences.split(hit.text))
    ]
    lexemes = lexemes_of([*(said for _, _, said in pairs), *(headings_of(h) for h, _, _ in pairs)])
    own, headings = lexemes[: len(pairs)], lexemes[len(pairs) :]
    return [
        Sentence(hit, position, said, words, heading)
        for (hit, position, said), words, heading in zip(pairs, own, headings, strict=True)
    ]


def headings_of(hit: Found) -> str:
    return f"{hit.title} {hit.heading}"


def choose(
    asked: Sequence[Asked],
    offered: Sequence[Sentence],
    rarity: dict[str, float],
    room: Room = USUAL,
) -> list[Answer]:
    """An answer to each question; nothing is said twice.

    A golden that fits the mail comes first, whole, and answers every question that it
    covers, or else the first.
    """
    golden = golden_for(asked, offered, rarity)
    covered = covered_by(golden, asked, rarity)
    golden = golden[: room.golden]
    pages = [s for s in offered if not s.is_golden]
    said = list(golden)
    answers: list[Answer] = []
    for question in asked:
        is_covered = question in covered
        begins = golden if is_covered and question is covered[0] else ()
        each = room.beside_golden if is_covered else room.each.get(len(asked), 1)
        left = min(each, room.most - len(said))
        more = answer_to(question, pages, rarity, said, left, room)
        answers.append(Answer(begins + more.sentences, is_covered or more.is_given))
        said += more.sentences
    return answers


def golden_for(
    asked: Sequence[Asked], offered: Sequence[Sentence], rarity: dict[str, float]
) -> tuple[Sentence, ...]:
    """The whole of the golden whose question the mail asks too, if there is one."""
    goldens = [s for s in offered if s.is_golden]
    if not asked or not goldens:
        return ()
    everything = asked[0].context.union(*(question.words for question in asked))
    best = max(goldens, key=lambda s: share(s.heading, everything, rarity))
    for candidate, enough in ((best, GOLDEN_MATCH), (offered[0], GOLDEN_MATCH_FIRST)):
        if candidate.is_golden and fits(candidate, everything, rarity, enough):
            return tuple(s for s in goldens if s.found.passage_id == candidate.found.passage_id)
    return ()


def fits(
    sentence: Sentence, everything: frozenset[str], rarity: dict[str, float], enough: float
) -> bool:
    """Whether the mail holds enough of the golden's own question, and every number of it.

    An answer about 255 lph is wrong for 340, however alike the questions are.
    """
    numbers = {word for word in sentence.heading if any(c.isdigit() for c in word)}
    return numbers <= everything and share(sentence.heading, everything, rarity) >= enough


def covered_by(
    golden: Sequence[Sentence], asked: Sequence[Asked], rarity: dict[str, float]
) -> list[Asked]:
    """The questions that the golden answers: those that it covers, or else the first."""
    if not golden:
        return []
    held = frozenset[str]().union(*(s.held for s in golden))
    return [q for q in asked if share(q.words, held, rarity) >= COVERS] or [asked[0]]


def answer_to(
    question: Asked,
    offered: Sequence[Sentence],
    rarity: dict[str, float],
    said: Sequence[Sentence],
    most: int,
    room: Room = USUAL,
) -> Answer:
    """At most `most` sentences, the passage of the best one first."""
    ranked = sorted(
        ((score(question, s, rarity), s) for s in offered if may_answer(question, s, rarity)),
        key=lambda pair: (-pair[0], pair[1].found.url, pair[1].position),
    )
    near = [s for points, s in ranked if follows(question, s, points, ranked[0], rarity, room)]
    chosen: list[Sentence] = []
    for sentence in near:
        if len(chosen) < most and not is_said(sentence, [*said, *chosen]):
            chosen.append(sentence)
    is_given = bool(chosen) or any(is_said(sentence, said) for sentence in near[:1])
    return Answer(in_reading_order(chosen), is_given)


def follows(
    question: Asked,
    sentence: Sentence,
    points: float,
    best: tuple[float, Sentence],
    rarity: dict[str, float],
    room: Room,
) -> bool:
    """Whether a sentence is near enough to the best one to be said with it."""
    if sentence.found.passage_id == best[1].found.passage_id:
        return points >= room.follows * best[0]
    held = share(question.words, sentence.held, rarity)
    return points >= room.elsewhere * best[0] and held >= COVERS


def may_answer(question: Asked, sentence: Sentence, rarity: dict[str, float]) -> bool:
    if LEANS.match(sentence.text) or names_other_sizes(question, sentence):
        return False
    # One word in common may be chance, unless the question has hardly more.
    if len(question.words & sentence.held) < min(2, len(question.words) - 1):
        return False
    return share(question.words, sentence.held, rarity) >= question.threshold


def names_other_sizes(question: Asked, sentence: Sentence) -> bool:
    """Whether it is about AN-10 and the like only, while the mail names other sizes."""
    theirs = {word for word in sentence.words if SIZE.fullmatch(word)}
    ours = {word for word in question.words | question.context if SIZE.fullmatch(word)}
    return bool(theirs and ours) and not theirs & ours


def share(wanted: frozenset[str], held: frozenset[str], rarity: dict[str, float]) -> float:
    """The share of the wanted words that are held, each counted by its rarity; 0 to 1."""
    whole = sum(rarity.get(word, UNKNOWN) for word in wanted)
    return sum(rarity.get(word, UNKNOWN) for word in wanted & held) / whole if whole else 0.0


def score(question: Asked, sentence: Sentence, rarity: dict[str, float]) -> float:
    """How much of the question the sentence holds; long ones need to hold a little more."""

    def weight(word: str) -> float:
        if word in question.words:
            return rarity.get(word, 0.0)
        return CONTEXT_WEIGHT * rarity.get(word, 0.0) if word in question.context else 0.0

    own = sum(map(weight, sentence.words))
    above = sum(map(weight, sentence.heading - sentence.words))
    return (own + HEADING_SHARE * above) / (3 + len(sentence.words) / USUAL_WORDS)


def is_said(sentence: Sentence, said: Sequence[Sentence]) -> bool:
    """Whether another sentence has said the same, by the words that both hold."""
    return any(
        len(sentence.words & other.words) >= ALIKE * min(len(sentence.words), len(other.words))
        for other in said
    )


def in_reading_order(chosen: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Passages in the order of their best sentence, the sentences of one as they stand there."""
    order = list(dict.fromkeys(s.found.passage_id for s in chosen))
    return tuple(sorted(chosen, key=lambda s: (order.index(s.found.passage_id), s.position)))


def quoted_in(answers: Sequence[Answer]) -> list[UUID]:
    """The passages that are quoted, in the order of the text."""
    return list(dict.fromkeys(s.found.passage_id for answer in answers for s in answer.sentences))

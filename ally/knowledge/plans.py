"""Which answers a letter is made of: as asked for, or really different from another letter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ally.knowledge.answers import (
    LONG,
    SHORT,
    USUAL,
    Answer,
    Room,
    Sentence,
    answer_to,
    choose,
    is_said,
    share,
)
from ally.knowledge.instructions import Wishes
from ally.knowledge.questions import Asked, as_a_whole
from ally.knowledge.retrieval import Found

ROOMS = {-1: SHORT, 0: USUAL, 1: LONG}  # by the length that is wished for
TOPIC_SENTENCES = 2  # about what the instruction wants mentioned; one in a short letter
NEAR = 0.8  # what another answer must hold of a question, as a share of what the usual one does
ALIKE = 0.6  # share of all their statements that two different letters may have in common


@dataclass(frozen=True)
class Material:
    """What an answer can be made of: the questions, the passages, their sentences.

    `topics` are what the instruction wants mentioned; `spoken` is every word of the
    passages, also of the sentences that are not offered.
    """

    said: str
    asked: Sequence[Asked]
    topics: Sequence[Asked]
    found: Sequence[Found]
    offered: Sequence[Sentence]
    rarity: dict[str, float]
    spoken: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """The answers to the customer's questions, and to the topics of the instruction."""

    wishes: Wishes
    answers: Sequence[Answer]
    on_topics: Sequence[Answer]

    @property
    def told(self) -> list[Answer]:
        """What stands in the letter; a topic that no source knows is none of the customer's."""
        return [*self.answers, *(answer for answer in self.on_topics if answer.is_given)]

    @property
    def statements(self) -> list[Sentence]:
        return [sentence for answer in self.told for sentence in answer.sentences]


def plan(material: Material, wishes: Wishes) -> Plan:
    """The answers as the instruction wants them."""
    answers = answers_from(material, ROOMS[wishes.length])
    said = [sentence for answer in answers for sentence in answer.sentences]
    on_topics = []
    for topic in material.topics:
        most = 1 if wishes.length < 0 else TOPIC_SENTENCES
        on_topics.append(answer_to(topic, material.offered, material.rarity, said, most))
        said += on_topics[-1].sentences
    return Plan(wishes, answers, on_topics)


def answers_from(material: Material, room: Room) -> list[Answer]:
    asked, offered, rarity = material.asked, material.offered, material.rarity
    answers = choose(asked, offered, rarity, room)
    if asked and not any(answer.is_given for answer in answers):
        return choose([as_a_whole(asked)], offered, rarity, room)
    return answers


def other_plan(material: Material, wishes: Wishes, than: str) -> Plan | None:
    """A plan that answers as much, and is really different from the letter `than`.

    First from other passages, then shorter, as usual, and longer; None if all of these say
    much the same, or answer less.
    """
    quoted = [s for s in material.offered if s.text in than]
    needed = plan(material, wishes)
    for other in other_plans(material, needed, quoted):
        if answers_as_much(other, needed) and differs(other.statements, quoted):
            return other
    return None


def other_plans(material: Material, usual: Plan, quoted: Sequence[Sentence]) -> Iterator[Plan]:
    """`usual` is the plan as the instruction wants it."""
    passages = {sentence.found.passage_id for sentence in quoted}
    unquoted = [s for s in material.offered if s.found.passage_id not in passages]
    elsewhere = plan(replace(material, offered=unquoted), usual.wishes)
    if quoted and is_as_near(elsewhere, usual, material):
        yield elsewhere
    for length in (-1, 0, 1):
        yield plan(material, replace(usual.wishes, length=length))


def is_as_near(other: Plan, usual: Plan, material: Material) -> bool:
    """Whether it holds nearly as much of each question as what is usually said."""
    if len(other.answers) != len(usual.answers):
        return False
    pairs = zip(material.asked, other.answers, usual.answers, strict=False)
    return all(
        held_by(question, its, material) >= NEAR * held_by(question, theirs, material)
        for question, its, theirs in pairs
    )


def held_by(question: Asked, answer: Answer, material: Material) -> float:
    """The share of the question that the best sentence of the answer holds."""
    shares = (share(question.words, s.held, material.rarity) for s in answer.sentences)
    return max(shares, default=0.0)


def answers_as_much(other: Plan, needed: Plan) -> bool:
    given = [sum(answer.is_given for answer in one.told) for one in (other, needed)]
    return given[1] > 0 and given[0] >= given[1]


def differs(statements: Sequence[Sentence], quoted: Sequence[Sentence]) -> bool:
    """Whether few enough of all the statements are in both, in the same words or nearly so."""
    common = sum(is_said(sentence, quoted) for sentence in statements)
    every = len(statements) + len(quoted) - common
    return bool(statements) and common <= ALIKE * every

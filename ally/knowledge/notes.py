"""What an agent should know before reading a draft: what is missing, what was not followed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ally.knowledge.answers import Answer
from ally.knowledge.plans import Material, Plan, plan
from ally.knowledge.questions import looks_english
from ally.knowledge.words import lexemes_of
from ally.language import Fact, fact, named

NOT_ENGLISH = named("The mail does not seem to be in English, while the sources are.")
ONLY_PROMISES = named("No source answers this, so the draft only promises an answer.")
UNANSWERED = named("No source for question %(missing)s of %(all)s.")
UNCLEAR = named("Not followed, since it was not understood: “%(words)s”.")
NO_SOURCE = named("No source says anything about “%(topic)s”.")
NOTHING_LEFT_OUT = named("There was nothing about “%(topic)s” to leave out.")
ONLY_FRAME = named(
    "Only the greeting and the closing are %(how)s: what stands between them is quoted."
)
ONE_SENTENCE = named("Only the words around the answer are fewer: it is one sentence already.")
NO_LONGER = named("It is no longer, since the sources say no more about this.")


def notes_on(said: str, answers: Sequence[Answer]) -> list[Fact]:
    """What is missing in the answers to the customer's questions."""
    notes: list[Fact] = []
    if not looks_english(said):
        notes.append(NOT_ENGLISH)
    missing = [str(n) for n, answer in enumerate(answers, start=1) if not answer.is_given]
    if len(missing) == len(answers):
        notes.append(ONLY_PROMISES)
    elif missing:
        notes.append(fact(UNANSWERED, missing=", ".join(missing), all=str(len(answers))))
    return notes


def notes_on_wishes(material: Material, planned: Plan) -> Iterator[Fact]:
    """Which parts of the instruction could not be followed, and which only in part."""
    wishes = planned.wishes
    for words in wishes.unclear:
        yield fact(UNCLEAR, words=words)
    for topic, answer in zip(wishes.about, planned.on_topics, strict=True):
        if not answer.is_given:
            yield fact(NO_SOURCE, topic=topic)
    for topic, lexemes in zip(wishes.without, lexemes_of(wishes.without), strict=True):
        if not lexemes or not lexemes <= material.spoken:
            yield fact(NOTHING_LEFT_OUT, topic=topic)
    if wishes.reframed:
        yield fact(ONLY_FRAME, how=wishes.reframed)
    if wishes.length:
        yield from note_on_length(material, planned)


def note_on_length(material: Material, planned: Plan) -> Iterator[Fact]:
    usual = plan(material, replace(planned.wishes, length=0))
    gained = len(planned.statements) - len(usual.statements)
    if planned.wishes.length < 0 <= gained:
        yield ONE_SENTENCE
    if planned.wishes.length > 0 >= gained:
        yield NO_LONGER

"""What an agent should know before reading a draft: what is missing, what was not followed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ally.knowledge.answers import Answer
from ally.knowledge.plans import Material, Plan, plan
from ally.knowledge.questions import looks_english
from ally.knowledge.words import lexemes_of


def notes_on(said: str, answers: Sequence[Answer]) -> list[str]:
    """What is missing in the answers to the customer's questions."""
    notes = []
    if not looks_english(said):
        notes.append("The mail does not seem to be in English, while the sources are.")
    missing = [str(n) for n, answer in enumerate(answers, start=1) if not answer.is_given]
    if len(missing) == len(answers):
        notes.append("No source answers this, so the draft only promises an answer.")
    elif missing:
        notes.append(f"No source for question {', '.join(missing)} of {len(answers)}.")
    return notes


def notes_on_wishes(material: Material, planned: Plan) -> Iterator[str]:
    """Which parts of the instruction could not be followed, and which only in part."""
    wishes = planned.wishes
    for words in wishes.unclear:
        yield f"Not followed, since it was not understood: “{words}”."
    for topic, answer in zip(wishes.about, planned.on_topics, strict=True):
        if not answer.is_given:
            yield f"No source says anything about “{topic}”."
    for topic, lexemes in zip(wishes.without, lexemes_of(wishes.without), strict=True):
        if not lexemes or not lexemes <= material.spoken:
            yield f"There was nothing about “{topic}” to leave out."
    if wishes.reframed:
        yield (
            f"Only the greeting and the closing are {wishes.reframed}:"
            " what stands between them is quoted."
        )
    if wishes.length:
        yield from note_on_length(material, planned)


def note_on_length(material: Material, planned: Plan) -> Iterator[str]:
    usual = plan(material, replace(planned.wishes, length=0))
    gained = len(planned.statements) - len(usual.statements)
    if planned.wishes.length < 0 <= gained:
        yield "Only the words around the answer are fewer: it is one sentence already."
    if planned.wishes.length > 0 >= gained:
        yield "It is no longer, since the sources say no more about this."

"""A reply as a letter: its greeting, its closing, and where each of its sentences stands."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from ally.knowledge.answers import Answer, quoted_in

THANKS = "Thank you for writing to us."
PARTLY = "Part of your question we have to look up first, and we will come back to you about it."
NOTHING = "We do not want to guess, so we will check this and come back to you with an answer."
CLOSING = "If anything is still open, just reply to this mail."

NAME = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
NOT_NAMES = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "madam",
        "the",
        "team",
        "info",
        "sales",
        "support",
        "admin",
        "office",
        "service",
        "customer",
        "shop",
        "store",
        "parts",
        "garage",
        "unknown",
        "sender",
        "noreply",
        "mail",
        "contact",
    }
)


class Letter:
    """A text that grows by paragraphs and knows where each of its sentences stands."""

    def __init__(self) -> None:
        self.text = ""
        self.sentences: list[dict[str, Any]] = []

    def add(self, paragraph: Sequence[tuple[str, int | None]]) -> None:
        """Add a paragraph of sentences, each with the number of its source or None."""
        gap = "\n\n" if self.text else ""
        for sentence, source in paragraph:
            self.text += gap
            gap = " "
            start = len(self.text)
            self.text += sentence
            mark: dict[str, Any] = {"start": start, "end": len(self.text), "source": source}
            self.sentences.append(mark if source else mark | {"role": "frame"})


def letter_to(name: str | None, answers: Sequence[Answer], signature: str) -> Letter:
    """The whole reply: greeting, a paragraph for each question that has an answer, closing."""
    numbers = {passage_id: number for number, passage_id in enumerate(quoted_in(answers), start=1)}
    letter = Letter()
    letter.add([(greeting(name), None)])
    letter.add([(THANKS, None)])
    for answer in answers:
        letter.add([(s.text, numbers[s.found.passage_id]) for s in answer.sentences])
    letter.add([(closing_of(answers), None)])
    letter.add([(f"Best regards,\n{signature}", None)])
    return letter


def greeting(name: str | None) -> str:
    """ "Hi Dana," when the name begins with what looks like a first name, else "Hello,"."""
    first = first_name(name or "")
    return f"Hi {first}," if first else "Hello,"


def first_name(name: str) -> str | None:
    """The first name, in Latin letters and 2 to 40 of them; None when there seems to be none.

    Other scripts often put the family name first, which is no way to greet anybody.
    """
    words = unicodedata.normalize("NFC", name).split(",")[-1].split()
    first = words[0] if words else ""
    if not (2 <= len(first) <= 40 and NAME.fullmatch(first) and is_latin(first)):
        return None
    if first.lower() in NOT_NAMES:
        return None
    return first.capitalize() if first.islower() or first.isupper() else first


def is_latin(word: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in word if c.isalpha())


def closing_of(answers: Sequence[Answer]) -> str:
    if not any(answer.is_given for answer in answers):
        return NOTHING
    return CLOSING if all(answer.is_given for answer in answers) else PARTLY

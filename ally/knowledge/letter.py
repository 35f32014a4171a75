"""A reply as a letter: its greeting, its closing, and where each of its sentences stands."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

from ally.knowledge.answers import Answer, quoted_in
from ally.knowledge.frames import PLAIN, Frame

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


def letter_to(
    name: str | None,
    answers: Sequence[Answer],
    signature: str,
    frame: Frame = PLAIN,
    leaves_out: Collection[str] = (),
) -> Letter:
    """The whole reply: greeting, a paragraph for each question that has an answer, closing.

    `leaves_out` names parts of the frame: greeting, thanks, last words, closing.
    """
    numbers = {passage_id: number for number, passage_id in enumerate(quoted_in(answers), start=1)}
    letter = Letter()
    if "greeting" not in leaves_out:
        letter.add([(greeting(name, frame), None)])
    if "thanks" not in leaves_out:
        letter.add([(frame.thanks, None)])
    for answer in answers:
        letter.add([(s.text, numbers[s.found.passage_id]) for s in answer.sentences])
    promised = promise_of(answers, frame)
    if promised or not {"last words", "closing"} & {*leaves_out}:
        letter.add([(promised or frame.closing, None)])
    if "closing" not in leaves_out:
        letter.add([(f"{frame.regards}\n{signature}", None)])
    return letter


def greeting(name: str | None, frame: Frame = PLAIN) -> str:
    """ "Hi Dana," when the name begins with what looks like a first name, else "Hello,"."""
    first = first_name(name or "")
    return frame.named.format(name=first) if first else frame.unnamed


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


def promise_of(answers: Sequence[Answer], frame: Frame) -> str:
    """What is promised of an answer that is not whole; "" of one that is."""
    if not any(answer.is_given for answer in answers):
        return frame.nothing
    return "" if all(answer.is_given for answer in answers) else frame.partly

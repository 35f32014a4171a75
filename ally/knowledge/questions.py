"""What a mail asks: its questions, as the words that an answer must hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ally.knowledge import sentences
from ally.knowledge.words import lexemes_of

MOST_QUESTIONS = 6
ANSWERS = 0.34  # share of a question's weight that a sentence and its heading must hold
ANSWERS_MAIL = 0.2  # the same for a whole mail, whose story no sentence can hold

QUESTION_MARK = re.compile(r"[?？؟]")
ASKING_WORD = (
    r"(?:which|what|how|where|when|who|why|do|does|is|are|can|could|should|must|will|would)\s"
)
NEXT_CLAUSE = re.compile(
    rf"(?:,\s+(?:(?:and|but)\s+)?|\s+(?:and|but)\s+)(?={ASKING_WORD})", re.IGNORECASE
)
BEGINS = re.compile(ASKING_WORD, re.IGNORECASE)
ASKS = re.compile(
    r"(?:when|where|how|what|which|why|who)\s+(?:do|does|did|is|are|am|can|could|should|will)\s",
    re.IGNORECASE,
)

ENGLISH = frozenset(
    {
        "the",
        "is",
        "and",
        "to",
        "of",
        "for",
        "my",
        "it",
        "do",
        "does",
        "i",
        "you",
        "with",
        "on",
        "have",
        "that",
        "this",
        "what",
        "which",
        "how",
        "can",
        "are",
        "be",
        "not",
        "your",
        "or",
        "from",
        "will",
        "there",
        "if",
        "me",
        "we",
        "at",
        "by",
        "when",
    }
)
ENGLISH_SHARE = 0.15
LATIN_SHARE = 0.7


@dataclass(frozen=True)
class Asked:
    """One question of a mail: its own lexemes, and those of the mail around it.

    A sentence answers it from `threshold` on, the share of its weight that is held.
    """

    words: frozenset[str]
    context: frozenset[str]
    threshold: float = ANSWERS


def questions_in(said: str) -> list[str]:
    """What is asked, clause by clause; the whole mail when nothing in it reads like a question."""
    asking = [s for s in sentences.split(said) if QUESTION_MARK.search(s[-3:]) or ASKS.match(s)]
    clauses = [clause for sentence in asking for clause in clauses_of(sentence)]
    return clauses[:MOST_QUESTIONS] or [said]


def clauses_of(sentence: str) -> list[str]:
    """The questions in "Which wire do I need, and how is it grounded?".

    What stands before the first question word belongs to the question that follows.
    """
    clauses: list[str] = []
    for clause in NEXT_CLAUSE.split(sentence):
        if clauses and not BEGINS.match(clauses[-1]):
            clauses[-1] += f", {clause}"
        else:
            clauses.append(clause)
    return clauses


def ask(subject: str, said: str, parts: Sequence[str]) -> list[Asked]:
    """The questions in their words; one of a single word counts only if nothing else is asked."""
    context, *words = lexemes_of([f"{subject}\n{said}", *parts])
    return [Asked(own, context) for own in words if len(own) > 1 or len(parts) == len(own) == 1]


def only_known(question: Asked, rarity: dict[str, float]) -> Asked:
    """The question without words that no passage knows, as another language's are."""
    known = question.words & rarity.keys()
    return replace(question, words=known if len(known) > 1 else frozenset())


def as_a_whole(asked: Sequence[Asked]) -> Asked:
    """The mail as one question, for when no single question of it found an answer."""
    return Asked(asked[0].context, asked[0].context, ANSWERS_MAIL)


def looks_english(said: str) -> bool:
    """Whether enough of the letters are Latin and enough of the words are English."""
    letters = [character for character in said if character.isalpha()]
    if not letters:
        return True
    if sum(character.isascii() for character in letters) < LATIN_SHARE * len(letters):
        return False
    # Whole words between blanks: a log or a list of parts is no language.
    words = [word.strip(".,;:!?()\"'").lower() for word in said.split()]
    words = [word for word in words if word.isalpha()]
    return len(words) < 8 or sum(word in ENGLISH for word in words) >= ENGLISH_SHARE * len(words)

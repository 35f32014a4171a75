"""Writing an answer from passages: sentences that others have written and checked, with sources."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

from ally.db import current_account_id
from ally.knowledge import sentences
from ally.knowledge.models import DocumentKind
from ally.knowledge.retrieval import Found, Index
from ally.knowledge.words import lexemes_of, rarity_of, storable

MODEL_KEY = "retrieval-1"
PROMPT_VERSION = "2026-11-20"  # of the rules below, since there is no prompt

READ_LIMIT = 8000  # code points of a mail that are read
MOST_QUESTIONS = 6
MOST_SENTENCES = 6
SENTENCES_EACH = {1: 4, 2: 2, 3: 2}  # by the number of questions; one each when there are more
PASSAGES_PER_QUERY = 6
MOST_SOURCES = 6
EXCERPT_LIMIT = 600

CONTEXT_WEIGHT = 0.35  # a word of the rest of the mail, beside one of the question itself
HEADING_SHARE = 0.4  # a word that only the passage's heading has
ANSWERS = 0.34  # share of a question's weight that a sentence and its heading must hold
ANSWERS_MAIL = 0.2  # the same for a whole mail, whose story no sentence can hold
UNKNOWN = 2.0  # rarity of a word that no passage holds
FOLLOWS = 0.55  # share of the best sentence's score that others of its passage must reach
FOLLOWS_ELSEWHERE = 0.8  # the same for sentences of other passages
USUAL_WORDS = 10  # lexemes of a sentence of usual length
GOLDEN_MATCH = 0.62  # share of a golden's own question that the mail must hold
GOLDEN_MATCH_FIRST = 0.45  # the same for a golden that the index found before all else
COVERS = 0.5  # share of a question that a golden or a further passage must hold
ALIKE = 0.7  # share of common words from which two sentences say the same

QUESTION_MARK = re.compile(r"[?？؟]")
ASKING_WORD = (
    r"(?:which|what|how|where|when|who|why|do|does|is|are|can|could|should|must|will|would)\s"
)
NEXT_CLAUSE = re.compile(
    rf"(?:,\s+(?:(?:and|but)\s+)?|\s+(?:and|but)\s+)(?={ASKING_WORD})", re.IGNORECASE
)
BEGINS = re.compile(ASKING_WORD, re.IGNORECASE)
# Sentences that lean on the one before them read wrong alone.
LEANS = re.compile(r"(?:it|they|this|these|those|that|he|she|then|after that)\b", re.IGNORECASE)
ASKS = re.compile(
    r"(?:when|where|how|what|which|why|who)\s+(?:do|does|did|is|are|am|can|could|should|will)\s",
    re.IGNORECASE,
)
SIZE = re.compile(r"-\d{1,2}")  # the lexeme of the number in AN-6
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

THANKS = "Thank you for writing to us."
PARTLY = "Part of your question we have to look up first, and we will come back to you about it."
NOTHING = "We do not want to guess, so we will check this and come back to you with an answer."
CLOSING = "If anything is still open, just reply to this mail."


@dataclass(frozen=True)
class Question:
    """What a customer wrote, without quoted history, and who answers."""

    customer_name: str | None
    subject: str
    text: str
    agent_signature: str


@dataclass(frozen=True)
class Written:
    """An answer.

    `sentences` are `{"start", "end", "source"}` with code point offsets `[start, end)`
    into `text` and the number of one of `sources`; greeting, closing and the like have
    source None and `"role": "frame"`, since they claim nothing.  `notes` are for the agent.
    """

    text: str
    sentences: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    model_key: str
    prompt_version: str
    notes: list[str] = field(default_factory=list)


class Writer(Protocol):
    """Whatever writes answers."""

    def write(self, question: Question) -> Written: ...


@dataclass(frozen=True)
class Sentence:
    """One sentence of a passage, with the lexemes that it and its heading hold."""

    found: Found
    position: int
    text: str
    words: frozenset[str]
    heading: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """One question of a mail: its own lexemes, and those of the mail around it.

    A sentence answers it from `threshold` on, the share of its weight that is held.
    """

    words: frozenset[str]
    context: frozenset[str]
    threshold: float = ANSWERS


@dataclass(frozen=True)
class Answer:
    """What is said to one question.  One that is answered by what was said before is empty."""

    sentences: tuple[Sentence, ...] = ()
    is_given: bool = False


class RetrievalWriter:
    """Answers with whole sentences of the passages that fit best, word for word.

    Deterministic, and never repeats anything of the customer's but a cleaned first name.
    """

    def __init__(self, index: Index, account_id: UUID | None = None):
        self.index = index
        self.account_id = account_id or current_account_id()

    def write(self, question: Question) -> Written:
        said = storable(question.text)[:READ_LIMIT]
        subject = storable(question.subject)[:300]
        parts = questions_in(said)
        found = self.search(subject, said, parts)
        offered = sentences_of(found)
        asked = ask(subject, said, parts)
        rarity = self.rarity(asked, offered)
        if not looks_english(said):
            asked = [only_known(question, rarity) for question in asked]
        answers = choose(asked, offered, rarity)
        if asked and not any(answer.is_given for answer in answers):
            answers = choose([as_a_whole(asked)], offered, rarity)
        return compose(question, answers, found, notes_on(said, answers))

    def search(self, subject: str, said: str, parts: Sequence[str]) -> list[Found]:
        """The passages for the mail and for each of its questions, the best first."""
        queries = [f"{subject}\n{said}", *(f"{part}\n{subject}" for part in parts)]
        found: dict[UUID, Found] = {}
        for query in dict.fromkeys(queries):
            for hit in self.index.search(query, PASSAGES_PER_QUERY):
                best = found.get(hit.passage_id)
                if best is None or hit.score > best.score:
                    found[hit.passage_id] = hit
        return sorted(found.values(), key=lambda f: (-f.score, f.url, f.text))

    def rarity(self, asked: Sequence[Asked], offered: Sequence[Sentence]) -> dict[str, float]:
        spoken = (question.words | question.context for question in asked)
        every = frozenset[str]().union(*spoken, *(s.heading for s in offered))
        assert self.account_id is not None
        return rarity_of(every, self.account_id)


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
    """The questions that hold any word; what the subject says belongs to a single one."""
    context, *words = lexemes_of([f"{subject}\n{said}", *parts])
    return [Asked(own, context) for own in words if len(own) > 1 or len(parts) == len(own) == 1]


def only_known(question: Asked, rarity: dict[str, float]) -> Asked:
    """The question without words that no passage knows, as another language's are."""
    known = question.words & rarity.keys()
    return replace(question, words=known if len(known) > 1 else frozenset())


def as_a_whole(asked: Sequence[Asked]) -> Asked:
    """The mail as one question, for when no single question of it found an answer."""
    return Asked(asked[0].context, asked[0].context, ANSWERS_MAIL)


def sentences_of(found: Iterable[Found]) -> list[Sentence]:
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
    asked: Sequence[Asked], offered: Sequence[Sentence], rarity: dict[str, float]
) -> list[Answer]:
    """An answer to each question; nothing is said twice.

    A golden that fits the mail comes first, whole, and answers every question that it
    covers, or else the first.
    """
    golden = golden_for(asked, offered, rarity)
    covered = [question for question in asked if is_covered(question, golden, rarity)]
    covered = covered or list(asked[: len(golden)][:1])
    pages = [s for s in offered if s.found.kind is not DocumentKind.GOLDEN]
    said = list(golden)
    answers: list[Answer] = []
    for question in asked:
        if golden and question in covered:
            is_first = question is covered[0]
            answers.append(Answer(golden if is_first else (), is_given=True))
            continue
        room = min(SENTENCES_EACH.get(len(asked), 1), MOST_SENTENCES - len(said))
        answers.append(answer_to(question, pages, rarity, said, room))
        said += answers[-1].sentences
    return answers


def golden_for(
    asked: Sequence[Asked], offered: Sequence[Sentence], rarity: dict[str, float]
) -> tuple[Sentence, ...]:
    """The whole of the golden whose question the mail asks too, if there is one."""
    if not asked or not offered:
        return ()
    everything = asked[0].context.union(*(question.words for question in asked))
    goldens = [s for s in offered if s.found.kind is DocumentKind.GOLDEN]
    best = max(goldens, key=lambda s: share(s.heading, everything, rarity), default=None)
    for candidate, enough in ((best, GOLDEN_MATCH), (offered[0], GOLDEN_MATCH_FIRST)):
        if candidate in goldens and fits(candidate, everything, rarity, enough):
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


def is_covered(question: Asked, golden: Sequence[Sentence], rarity: dict[str, float]) -> bool:
    held = frozenset[str]().union(*(s.words | s.heading for s in golden))
    return bool(golden) and share(question.words, held, rarity) >= COVERS


def answer_to(
    question: Asked,
    offered: Sequence[Sentence],
    rarity: dict[str, float],
    said: Sequence[Sentence],
    room: int,
) -> Answer:
    """At most `room` sentences, the passage of the best one first."""
    ranked = sorted(
        ((score(question, s, rarity), s) for s in offered if may_answer(question, s, rarity)),
        key=lambda pair: (-pair[0], pair[1].found.url, pair[1].position),
    )
    best = ranked[0] if ranked else None
    near = [s for points, s in ranked if best and follows(question, s, points, best, rarity)]
    chosen: list[Sentence] = []
    for sentence in near:
        if len(chosen) < room and not is_said(sentence, [*said, *chosen]):
            chosen.append(sentence)
    is_given = bool(chosen) or any(is_said(sentence, said) for sentence in near[:1])
    return Answer(in_reading_order(chosen), is_given)


def follows(
    question: Asked,
    sentence: Sentence,
    points: float,
    best: tuple[float, Sentence],
    rarity: dict[str, float],
) -> bool:
    """Whether a sentence is near enough to the best one to be said with it."""
    if sentence.found.passage_id == best[1].found.passage_id:
        return points >= FOLLOWS * best[0]
    held = share(question.words, sentence.words | sentence.heading, rarity)
    return points >= FOLLOWS_ELSEWHERE * best[0] and held >= COVERS


def may_answer(question: Asked, sentence: Sentence, rarity: dict[str, float]) -> bool:
    if LEANS.match(sentence.text) or names_other_sizes(question, sentence):
        return False
    held = sentence.words | sentence.heading
    # One word in common may be chance, unless the question has hardly more.
    if len(question.words & held) < min(2, len(question.words) - 1):
        return False
    return share(question.words, held, rarity) >= question.threshold


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
    return any(
        len(sentence.words & other.words) >= ALIKE * min(len(sentence.words), len(other.words))
        for other in said
    )


def in_reading_order(chosen: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Passages in the order of their best sentence, the sentences of one as they stand there."""
    order = list(dict.fromkeys(s.found.passage_id for s in chosen))
    return tuple(sorted(chosen, key=lambda s: (order.index(s.found.passage_id), s.position)))


def compose(
    question: Question,
    answers: Sequence[Answer],
    found: Sequence[Found],
    notes: list[str],
) -> Written:
    """The whole reply: greeting, a paragraph for each question that has an answer, closing."""
    used = list(dict.fromkeys(s.found.passage_id for answer in answers for s in answer.sentences))
    numbers = {passage_id: number for number, passage_id in enumerate(used, start=1)}
    letter = Letter()
    letter.add([(greeting(question.customer_name), None)])
    letter.add([(THANKS, None)])
    for answer in answers:
        letter.add([(s.text, numbers[s.found.passage_id]) for s in answer.sentences])
    letter.add([(closing_of(answers), None)])
    letter.add([(f"Best regards,\n{question.agent_signature}", None)])
    return Written(
        text=letter.text,
        sentences=letter.sentences,
        sources=sources_of(used, found) if used else [],
        model_key=MODEL_KEY,
        prompt_version=PROMPT_VERSION,
        notes=notes,
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


def sources_of(used: Sequence[UUID], found: Sequence[Found]) -> list[dict[str, Any]]:
    """The sources that are quoted, by their numbers, then the next best that are not."""
    by_id = {hit.passage_id: hit for hit in found}
    others = [hit.passage_id for hit in found if hit.passage_id not in used]
    listed = [*used, *others[: max(0, MOST_SOURCES - len(used))]]
    return [source_of(number, by_id[listed_id]) for number, listed_id in enumerate(listed, 1)]


def source_of(number: int, hit: Found) -> dict[str, Any]:
    return {
        "number": number,
        "document_id": str(hit.document_id),
        "passage_id": str(hit.passage_id),
        "title": hit.title,
        "url": hit.url,
        "kind": hit.kind.value,
        "score": hit.score,
        "excerpt": hit.text[:EXCERPT_LIMIT],
        "indexed_at": hit.indexed_at.isoformat(),
    }


def notes_on(said: str, answers: Sequence[Answer]) -> list[str]:
    """What the agent should know before reading the draft."""
    notes = []
    if not looks_english(said):
        notes.append("The mail does not seem to be in English, while the sources are.")
    missing = [str(n) for n, answer in enumerate(answers, start=1) if not answer.is_given]
    if len(missing) == len(answers):
        notes.append("No source answers this, so the draft only promises an answer.")
    elif missing:
        notes.append(f"No source for question {', '.join(missing)} of {len(answers)}.")
    return notes


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

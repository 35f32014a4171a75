"""Writing an answer from passages: sentences that others have written and checked, with sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from ally.db import current_account_id
from ally.knowledge.answers import Answer, Sentence, quoted_in, sentences_of
from ally.knowledge.instructions import Wishes, understand
from ally.knowledge.letter import letter_to
from ally.knowledge.notes import notes_on, notes_on_wishes
from ally.knowledge.plans import Material, Plan, other_plan, plan
from ally.knowledge.questions import Asked, ask, looks_english, only_known, questions_in
from ally.knowledge.retrieval import Found, Index
from ally.knowledge.words import lexemes_of, rarity_of, storable
from ally.language import Fact

MODEL_KEY = "retrieval-1"
PROMPT_VERSION = "2026-11-20"  # of the rules in questions and answers, since there is no prompt

READ_LIMIT = 8000  # code points of a mail that are read
SUBJECT_LIMIT = 300  # the same for its subject
PASSAGES_PER_QUERY = 6
MOST_SOURCES = 6
EXCERPT_LIMIT = 600
BRIEFLY = frozenset({"thanks", "last words"})  # what a short letter goes without


@dataclass(frozen=True)
class Question:
    """What a customer wrote, without quoted history, and who answers.

    `instruction` is what an agent asks of this writing, in their own words; a writer follows
    what it can of it, and says in its notes what it could not.
    """

    customer_name: str | None
    subject: str
    text: str
    agent_signature: str
    instruction: str = ""


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
    notes: list[Fact] = field(default_factory=list)


class Writer(Protocol):
    """Whatever writes answers."""

    def write(self, question: Question) -> Written: ...

    def write_other(self, question: Question, than: str) -> Written | None:
        """Another answer that is really different from the text `than`; None if there is none."""
        ...


class RetrievalWriter:
    """Answers with whole sentences of the passages that fit best, word for word.

    Deterministic, and never repeats anything of the customer's but a cleaned first name.
    """

    def __init__(self, index: Index, account_id: UUID | None = None):
        self.index = index
        self.account_id = account_id or current_account_id()

    def write(self, question: Question) -> Written:
        wishes = understand(question.instruction)
        material = self.gather(question, wishes)
        return put_down(question, material, plan(material, wishes))

    def write_other(self, question: Question, than: str) -> Written | None:
        wishes = understand(question.instruction)
        material = self.gather(question, wishes)
        other = other_plan(material, wishes, than)
        return put_down(question, material, other) if other else None

    def gather(self, question: Question, wishes: Wishes) -> Material:
        """What an answer can be made of; sentences about what is left out are not offered."""
        said = storable(question.text)[:READ_LIMIT]
        subject = storable(question.subject)[:SUBJECT_LIMIT]
        parts = questions_in(said)
        found = self.search(subject, said, parts, wishes.about)
        held_back = [words for words in lexemes_of(wishes.without) if words]
        every = sentences_of(found)
        offered = [s for s in every if not any(words <= s.words for words in held_back)]
        topics = [Asked(words, words) for words in lexemes_of(wishes.about)]
        asked = ask(subject, said, parts)
        rarity = self.rarity([*asked, *topics], offered)
        if not looks_english(said):
            asked = [only_known(each, rarity) for each in asked]
        spoken = frozenset[str]().union(*(s.words for s in every))
        return Material(said, asked, topics, found, offered, rarity, spoken)

    def search(
        self, subject: str, said: str, parts: Sequence[str], topics: Sequence[str] = ()
    ) -> list[Found]:
        """The passages for the mail, each of its questions and each topic, the best first."""
        queries = [f"{subject}\n{said}", *(f"{part}\n{subject}" for part in parts), *topics]
        found: dict[UUID, Found] = {}
        for query in dict.fromkeys(queries):
            for hit in self.index.search(query, PASSAGES_PER_QUERY):
                best = found.get(hit.passage_id)
                if best is None or hit.score > best.score:
                    found[hit.passage_id] = hit
        return sorted(found.values(), key=lambda f: (-f.score, f.url, f.text))

    def rarity(self, asked: Sequence[Asked], offered: Sequence[Sentence]) -> dict[str, float]:
        """How rare each word of the questions and of the headings is."""
        spoken = (question.words | question.context for question in asked)
        every = frozenset[str]().union(*spoken, *(s.heading for s in offered))
        assert self.account_id is not None
        return rarity_of(every, self.account_id)


def put_down(question: Question, material: Material, planned: Plan) -> Written:
    """The letter of a plan, with its sources and with what the agent should know."""
    wishes, answers = planned.wishes, planned.told
    letter = letter_to(
        question.customer_name,
        answers,
        question.agent_signature,
        wishes.frame,
        wishes.leaves_out | (BRIEFLY if wishes.length < 0 else frozenset()),
    )
    return Written(
        text=letter.text,
        sentences=letter.sentences,
        sources=sources_of(answers, material.found),
        model_key=MODEL_KEY,
        prompt_version=PROMPT_VERSION,
        notes=[*notes_on(material.said, planned.answers), *notes_on_wishes(material, planned)],
    )


def sources_of(answers: Sequence[Answer], found: Sequence[Found]) -> list[dict[str, Any]]:
    """The passages that are quoted, by their numbers, then the next best that are not.

    None at all when nothing is quoted.
    """
    quoted = quoted_in(answers)
    if not quoted:
        return []
    by_id = {hit.passage_id: hit for hit in found}
    others = [hit for hit in found if hit.passage_id not in quoted]
    listed = [by_id[passage_id] for passage_id in quoted]
    listed += others[: max(0, MOST_SOURCES - len(quoted))]
    return [source_of(number, hit) for number, hit in enumerate(listed, start=1)]


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

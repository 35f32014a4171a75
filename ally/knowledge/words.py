"""Words as the index knows them: lexemes, and how rare each of them is."""

import math
import re
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select, text

from ally.db import db
from ally.knowledge.models import Passage

LANGUAGE = "english"
GLUED_UNIT = re.compile(r"(?<![\w-])(\d{1,6})([a-z]{2,4})\b", re.IGNORECASE)


def storable(said: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates."""
    return said.replace("\0", " ").encode("utf-8", "ignore").decode()


def with_units(said: str) -> str:
    """The text with "340lph" told once more as "340 lph", since pages write it so."""
    apart = " ".join(f"{number} {unit}" for number, unit in GLUED_UNIT.findall(said))
    return f"{said} {apart}" if apart else said


def lexemes_of(texts: Sequence[str]) -> list[frozenset[str]]:
    """The lexemes of each text, stop words left out."""
    if not texts:
        return []
    found = db.session.execute(
        text(
            "SELECT tsvector_to_array(to_tsvector(CAST(:language AS regconfig), said))"
            " FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t (said, number)"
            " ORDER BY number"
        ),
        {"language": LANGUAGE, "texts": [with_units(storable(said)) for said in texts]},
    )
    return [frozenset(lexemes) for (lexemes,) in found]


def rarity_of(lexemes: Collection[str], account_id: UUID) -> dict[str, float]:
    """How much each lexeme tells, by how few of the account's passages hold it; 0 or more.

    Lexemes that no passage holds are left out.
    The idf of BM25, ln(1 + (N - n + 0.5) / (n + 0.5)).
    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
    Beyond" (2009), with Lucene's 1 added so that it is never negative.
    """
    passages = db.session.scalar(
        select(func.count()).select_from(Passage).where(Passage.account_id == account_id)
    )
    counts = db.session.execute(
        text("SELECT lexeme, passages FROM count_passages(CAST(:lexemes AS text[]))"),
        {"lexemes": sorted(lexemes)},
    )
    return {
        lexeme: math.log(1 + ((passages or 0) - count + 0.5) / (count + 0.5))
        for lexeme, count in counts
        if count
    }

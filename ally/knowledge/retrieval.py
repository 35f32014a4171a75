"""Finding the passages that answer a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import text

from ally.db import db
from ally.knowledge.models import DocumentKind
from ally.knowledge.words import LANGUAGE, storable, with_units

QUESTION_LIMIT = 2000  # code points that are read; what a mail asks stands near its beginning
MOST_LEXEMES = 40  # the rarest of them; the common rest moves no result and costs time
MOST_IDENTIFIERS = 10
# BM25's usual constants: how soon a repeated word stops counting, and how much length matters.
# Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.
K1, B = 1.2, 0.75
HEADING_WEIGHT = 2  # a word of the heading counts as if it were said twice in the text
GOLDEN_BOOST = 1.1  # an answer that people have approved goes before a page that is as near
HALF_WAY = 8.0  # points of BM25 that map to the middle of the scale
IDENTIFIER_FLOOR = 0.9  # exact identifiers take the scale above it, everything else stays below
RARE_SHARE = 0.02  # an identifier in more passages than this tells nothing by itself
RARE_COUNT = 3

IDENTIFIER = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
# Years, prices, measures and fractions are in every mail and name nothing.
MEASURE = re.compile(r"(?:19|20)\d\d|\d+[.,]\d+|(?:\d+-)?\d+/\d+|\d{1,6}[a-z]{1,4}")


@dataclass(frozen=True)
class Found:
    """A passage that may answer, with its document.  `score` goes from 0 to 1, see `search`."""

    passage_id: UUID
    document_id: UUID
    title: str
    url: str
    kind: DocumentKind
    heading: str
    text: str
    score: float
    indexed_at: datetime


class Index(Protocol):
    """Whatever finds passages of one account for a question."""

    def search(self, question: str, limit: int) -> list[Found]:
        """At most `limit` passages, the best first.  Any text may be asked."""
        ...


SEARCH = text(
    """
WITH asked AS (
  SELECT DISTINCT lexeme FROM unnest(to_tsvector(CAST(:language AS regconfig), :question))
), named AS (
  SELECT lexeme FROM unnest(to_tsvector(CAST(:language AS regconfig), :identifiers))
), counted AS (
  SELECT c.lexeme, c.passages
    FROM count_passages(ARRAY(SELECT lexeme FROM asked UNION SELECT lexeme FROM named)) AS c
   WHERE c.passages > 0
   ORDER BY c.lexeme IN (SELECT lexeme FROM named) DESC, c.passages, c.lexeme
   LIMIT :most_lexemes
), corpus AS (
  SELECT count(*) AS passages, greatest(avg(length(words)), 1) AS mean_length
    FROM passage WHERE account_id = :account_id
), hits AS (
  SELECT h.passage_id, c.lexeme, h.length, :heading_weight * h.in_heading + h.in_text AS times,
         ln(1 + (corpus.passages - c.passages + 0.5) / (c.passages + 0.5)) AS rarity
    FROM find_postings(ARRAY(SELECT lexeme FROM counted)) AS h
    JOIN counted AS c USING (lexeme), corpus
), scored AS (
  SELECT h.passage_id, sum(
           h.rarity * h.times * (:k1 + 1)
           / (h.times + :k1 * (1 - :b + :b * h.length / corpus.mean_length))) AS points
    FROM hits AS h, corpus GROUP BY h.passage_id
), exact AS (
  SELECT n.passage_id, count(*) AS identifiers FROM (
    SELECT p.id AS passage_id, count(*) OVER (PARTITION BY pattern) AS passages
      FROM scored AS s JOIN passage AS p ON p.id = s.passage_id,
           unnest(CAST(:patterns AS text[])) AS pattern
     WHERE p.account_id = :account_id AND lower(p.heading || E'\\n' || p.text) ~ pattern
  ) AS n, corpus
   WHERE n.passages <= greatest(:rare_count, :rare_share * corpus.passages)
   GROUP BY n.passage_id
)
SELECT p.id AS passage_id, d.id AS document_id, coalesce(d.title, d.source_url) AS title,
       d.source_url AS url, d.kind, p.heading, p.text, d.indexed_at,
       coalesce(e.identifiers, 0) AS identifiers,
       s.points * CASE WHEN d.kind = 'golden' THEN :golden_boost ELSE 1 END AS points
  FROM scored AS s
  JOIN passage AS p ON p.id = s.passage_id
  JOIN source_document AS d ON d.account_id = p.account_id AND d.id = p.document_id
  LEFT JOIN exact AS e ON e.passage_id = p.id
 WHERE p.account_id = :account_id
 ORDER BY identifiers DESC, points DESC, d.source_url, p.position
 LIMIT :limit
"""
)


class PostgresIndex:
    """Full-text search by Postgres, ranked by BM25.

    Points p of BM25 become p / (p + HALF_WAY), so that 0 stays 0 and 1 is never
    reached, times IDENTIFIER_FLOOR.  A passage that holds an exact identifier of the
    question, rare among the account's passages, takes the rest of the scale and so
    stands before every passage without one.
    """

    def __init__(self, account_id: UUID):
        self.account_id = account_id

    def search(self, question: str, limit: int) -> list[Found]:
        said = storable(question)[:QUESTION_LIMIT]
        named = identifiers_in(said)
        rows = db.session.execute(
            SEARCH,
            {
                "account_id": self.account_id,
                "language": LANGUAGE,
                "question": with_units(said),
                "identifiers": " , ".join(named),
                "patterns": [pattern_of(identifier) for identifier in named],
                "most_lexemes": MOST_LEXEMES,
                "heading_weight": HEADING_WEIGHT,
                "golden_boost": GOLDEN_BOOST,
                "rare_share": RARE_SHARE,
                "rare_count": RARE_COUNT,
                "k1": K1,
                "b": B,
                "limit": max(0, limit),
            },
        )
        return [found_of(row) for row in rows]


def identifiers_in(said: str) -> list[str]:
    """Order numbers, part numbers and the like: 4 characters or more, one of them a digit."""
    tokens = dict.fromkeys(token.lower() for token in IDENTIFIER.findall(said))
    return [token for token in tokens if is_identifier(token)][:MOST_IDENTIFIERS]


def is_identifier(token: str) -> bool:
    has_digit = any(character.isdigit() for character in token)
    return has_digit and 4 <= len(token) <= 60 and not MEASURE.fullmatch(token)


def pattern_of(identifier: str) -> str:
    """A regular expression of Postgres for the identifier as a whole word, in lower case."""
    return rf"(^|[^[:alnum:]]){re.escape(identifier)}($|[^[:alnum:]])"


def found_of(row: Sequence[object]) -> Found:
    fields = dict(row._mapping)  # type: ignore[attr-defined]
    score = scale(float(fields.pop("points")), fields.pop("identifiers"))
    return Found(**{**fields, "kind": DocumentKind(fields["kind"])}, score=score)


def scale(points: float, identifiers: int) -> float:
    """From 0 to 1, to four places."""
    share = points / (points + HALF_WAY)
    if identifiers:
        return round(IDENTIFIER_FLOOR + (1 - IDENTIFIER_FLOOR) * share, 4)
    return round(IDENTIFIER_FLOOR * share, 4)

"""What people's decisions say about the drafts of a period.

Decisions count that stand, on drafts with a text: not those that were undone, not replies that
were written by hand, and not drafts for which nothing could be written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from ally.db import db
from ally.review.models import BY_HAND, EditKind, RejectionReason
from ally.review.shares import Share

MOST_DECISIONS = 20_000  # the newest that are counted, so that a page costs the same for ever
MOST_COMPARED = 2_000  # the newest edits whose changes are looked at
MOST_VERSIONS = 20  # of models and prompts, those that were decided on last

COUNTED = """
    WITH counted AS (
        SELECT a.id, a.type, a.reason, a.created_at, d.model_key, d.prompt_version,
               a.created_at - coalesce(CAST(d.metadata->>'written_at' AS timestamptz),
                                       d.created_at) AS waited
          FROM (SELECT id, draft_id, type, reason, created_at FROM draft_action
                 WHERE account_id = :account_id AND undone_at IS NULL AND created_at > :since
                 ORDER BY created_at DESC LIMIT :most_decisions) a
          JOIN draft d ON d.account_id = :account_id AND d.id = a.draft_id
         WHERE d.model_key <> :by_hand AND d.suggested_text <> ''
    ), edits AS (
        SELECT * FROM counted WHERE type = 'edit' ORDER BY created_at DESC LIMIT :most_compared
    )
"""


def asked(question: str) -> TextClause:
    return text(COUNTED + question)


# The first row is the one for all together.
DECIDED = asked("""
    SELECT grouping(model_key) = 1 AS is_total, model_key, prompt_version, count(*) AS decided,
           count(*) FILTER (WHERE type = 'approve') AS as_drafted,
           count(*) FILTER (WHERE type = 'edit') AS edited,
           count(*) FILTER (WHERE type = 'reject') AS rejected,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS took
      FROM counted GROUP BY GROUPING SETS ((), (model_key, prompt_version))
     ORDER BY is_total DESC, max(created_at) DESC LIMIT :most_versions + 1
""")
# Records too long to be kept as they are (see `diff.diff`) are left out.
KEPT = asked("""
    SELECT e.model_key, e.prompt_version, count(*) AS compared,
           sum(letters.kept) AS kept, sum(letters.kept + letters.dropped) AS drafted
      FROM edits e
      JOIN draft_action a ON a.account_id = :account_id AND a.id = e.id
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN op->>0 = '=' THEN CAST(op->>1 AS int) END), 0) AS kept,
               coalesce(sum(CASE WHEN op->>0 = '-' THEN char_length(op->>1) END), 0) AS dropped
          FROM jsonb_array_elements(a.diff_json->'ops') op) letters
     WHERE a.diff_json->'ops' IS NOT NULL
     GROUP BY GROUPING SETS ((), (e.model_key, e.prompt_version))
""")
KINDS = asked("""
    SELECT l.kind, count(*) AS changes, count(DISTINCT l.action_id) AS edits,
           count(l.user_id) AS by_people
      FROM edits e JOIN edit_label l ON l.account_id = :account_id AND l.action_id = e.id
     GROUP BY l.kind
""")
REASONS = asked("""
    SELECT reason, count(*) AS times FROM counted WHERE type = 'reject' GROUP BY reason
""")


@dataclass(frozen=True)
class Version:
    """The drafts of one model and prompt, or all of them: what was decided, and how soon.

    `kept` is the share of the letters of `compared` edited drafts that stayed; None without any.
    """

    model: str
    prompt: str
    decided: int
    as_drafted: Share
    edited: Share
    rejected: Share
    kept: float | None
    compared: int
    took: timedelta | None


@dataclass(frozen=True)
class About:
    """How many changes of edits were of one kind, in how many edits, and how many of the labels
    are a person's word."""

    changes: int
    edits: int
    by_people: int


@dataclass(frozen=True)
class Learned:
    """What the decisions of a period say; `versions` are the ones decided on last."""

    all: Version
    versions: Sequence[Version]
    kinds: Mapping[EditKind, About]
    reasons: Mapping[RejectionReason, int]

    @property
    def changes(self) -> int:
        return sum(about.changes for about in self.kinds.values())

    @property
    def by_people(self) -> int:
        """How many of the changes a person has labelled."""
        return sum(about.by_people for about in self.kinds.values())


def learned(account_id: UUID, since: datetime) -> Learned:
    """What the account's decisions after `since` say; four statements, however many there are."""
    given = {
        "account_id": account_id,
        "since": since,
        "by_hand": BY_HAND,
        "most_decisions": MOST_DECISIONS,
        "most_compared": MOST_COMPARED,
    }
    kept = {(row.model_key, row.prompt_version): row for row in db.session.execute(KEPT, given)}
    decided = db.session.execute(DECIDED, given | {"most_versions": MOST_VERSIONS})
    total, *versions = [version_from(row, kept) for row in decided]
    return Learned(
        all=total,
        versions=versions,
        kinds=by_kind(db.session.execute(KINDS, given)),
        reasons=by_reason(db.session.execute(REASONS, given)),
    )


def version_from(row: Row[Any], kept: Mapping[tuple[str, str], Row[Any]]) -> Version:
    letters = kept.get((row.model_key, row.prompt_version))
    return Version(
        model=row.model_key or "",
        prompt=row.prompt_version or "",
        decided=row.decided,
        as_drafted=Share(row.as_drafted, row.decided),
        edited=Share(row.edited, row.decided),
        rejected=Share(row.rejected, row.decided),
        kept=float(letters.kept / letters.drafted) if letters and letters.drafted else None,
        compared=letters.compared if letters else 0,
        took=row.took,
    )


def by_kind(rows: Any) -> dict[EditKind, About]:
    """All kinds, in their order."""
    told = {row.kind: About(row.changes, row.edits, row.by_people) for row in rows}
    return {kind: told.get(kind, About(0, 0, 0)) for kind in EditKind}


def by_reason(rows: Any) -> dict[RejectionReason, int]:
    """All reasons, in their order."""
    told = {row.reason: row.times for row in rows}
    return {reason: told.get(reason, 0) for reason in RejectionReason}

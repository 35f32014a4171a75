"""How people decided on drafts of the same model and prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from ally import clock
from ally.db import db
from ally.review.models import Draft

SPAN = timedelta(days=90)
KEPT = timedelta(minutes=1)  # that the shares are shown without being asked for again
MOST_DECISIONS = 5000  # the newest that are looked at, so that a page costs the same for ever
MOST_KEPT = 500  # kinds of drafts

DECISIONS = text("""
    SELECT a.type, count(*) AS decided
      FROM (SELECT draft_id, type FROM draft_action
             WHERE account_id = :account_id AND undone_at IS NULL AND created_at > :since
             ORDER BY created_at DESC LIMIT :most) a
      JOIN draft d ON d.id = a.draft_id
     WHERE d.model_key = :model_key AND d.prompt_version = :prompt_version
     GROUP BY a.type
""")


@dataclass(frozen=True)
class Decisions:
    """How many there were, by the type of the decision."""

    counts: Mapping[str, int]

    @property
    def all(self) -> int:
        return sum(self.counts.values())

    def share(self, type_: str) -> int:
        """The share of one type, in whole percent."""
        return round(100 * self.counts.get(type_, 0) / self.all) if self.all else 0


_known: dict[tuple[UUID, str, str], tuple[datetime, Decisions]] = {}


def decisions_like(draft: Draft) -> Decisions:
    """The standing decisions of SPAN on drafts of this model and prompt; a minute old at most."""
    key, now = (draft.account_id, draft.model_key, draft.prompt_version), clock.now()
    kept_at, known = _known.get(key, (now - KEPT, Decisions({})))
    if now - kept_at < KEPT:
        return known
    if len(_known) >= MOST_KEPT:
        _known.clear()
    found = Decisions(decided_since(draft, now - SPAN))
    _known[key] = now, found
    return found


def decided_since(draft: Draft, since: datetime) -> dict[str, int]:
    rows = db.session.execute(
        DECISIONS,
        {
            "account_id": draft.account_id,
            "model_key": draft.model_key,
            "prompt_version": draft.prompt_version,
            "since": since,
            "most": MOST_DECISIONS,
        },
    )
    return {row.type: row.decided for row in rows}

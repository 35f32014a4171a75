"""Approve what you saw: a digest of everything that was on the reviewer's screen.

It is kept by parts, so that a refusal can say what has moved.
"""

import hashlib
import json
from typing import Any

from ally.review.kinds import kind_of
from ally.review.models import Draft

PART_LENGTH = 16  # hex digits of sha256: 64 bits against accident, not against a forger


def seen(draft: Draft) -> str:
    """What a form carries back: `name:digest` of each part, in order, joined by dots."""
    return digest_of(parts(draft))


def digest_of(parts: dict[str, Any]) -> str:
    return ".".join(f"{name}:{short_digest(part)}" for name, part in sorted(parts.items()))


def moved(draft: Draft, before: str) -> list[str]:
    """The names of the parts that are not as they were in `before`; all, if it is unreadable."""
    then = dict(part.split(":", 1) for part in before.split(".") if ":" in part)
    return [
        name for name, part in sorted(parts(draft).items()) if then.get(name) != short_digest(part)
    ]


def parts(draft: Draft) -> dict[str, Any]:
    return {"draft": str(draft.id), "text": draft.suggested_text} | kind_of(draft).covered(draft)


def short_digest(part: Any) -> str:
    written = json.dumps(part, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:PART_LENGTH]

"""Approve what you saw: a digest of everything that was on the reviewer's screen.

It is kept by parts, so that a refusal can say what has moved; a signed copy of the
parts goes along, so that it can say how they were.
"""

import hashlib
import json
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from ally.review.kinds import kind_of
from ally.review.models import Draft

PART_LENGTH = 16  # hex digits of sha256: 64 bits against accident, not against a forger
LONGEST_COPY = 1_500  # characters of one part; a longer one is not copied, only its digest
ROWS = {"text"}  # what its row still holds later, and needs no copy

_signer: URLSafeSerializer


def use_key(secret_key: str) -> None:
    """Say, once at start-up, what copies are signed with."""
    global _signer
    _signer = URLSafeSerializer(secret_key, salt="what was shown")


def seen(draft: Draft) -> str:
    """What a form carries back: `name:digest` of each part, in order, joined by dots."""
    return digest_of(parts(draft))


def digest_of(parts: dict[str, Any]) -> str:
    return ".".join(f"{name}:{short_digest(part)}" for name, part in sorted(parts.items()))


def copy_of(parts: dict[str, Any]) -> str:
    """The short ones of the parts, signed and packed, for the same form."""
    short = {
        name: part
        for name, part in parts.items()
        if name not in ROWS and len(written(part)) <= LONGEST_COPY
    }
    return str(_signer.dumps(json.loads(written(short))))


def copied(copy: str) -> dict[str, Any]:
    """The parts in a copy; none in one that we did not make."""
    try:
        parts: dict[str, Any] = _signer.loads(copy)
    except BadData:
        return {}
    return parts


def moved(draft: Draft, before: str) -> list[str]:
    """The names of the parts that are not as they were in `before`; all, if it is unreadable."""
    return moved_among(parts(draft), before)


def moved_among(now: dict[str, Any], before: str) -> list[str]:
    """The same for parts that are known."""
    then = dict(part.split(":", 1) for part in before.split(".") if ":" in part)
    return [name for name, part in sorted(now.items()) if then.get(name) != short_digest(part)]


def parts(draft: Draft) -> dict[str, Any]:
    return {"draft": str(draft.id), "text": draft.suggested_text} | kind_of(draft).covered(draft)


def short_digest(part: Any) -> str:
    return hashlib.sha256(written(part).encode()).hexdigest()[:PART_LENGTH]


def written(part: Any) -> str:
    return json.dumps(part, sort_keys=True, ensure_ascii=False, default=str)

"""A draft as it lies open before a reviewer: its thread, its evidence, who holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from ally import clock, marks
from ally.accounts.models import User
from ally.desk import queries
from ally.desk.models import Conversation
from ally.desk.replies import in_words, recipients_of, reply_subject, trigger_of
from ally.review import claims, decisions
from ally.review.digest import seen
from ally.review.kinds import kind_of
from ally.review.models import ActionType, Claim, Draft, DraftAction
from ally.review.queries import find_draft, standing_decision


@dataclass(frozen=True)
class Source:
    """A source of the draft, with the words that the draft took from it."""

    number: int
    title: str
    excerpt: str
    kind: str
    score: float
    url: str | None
    indexed_at: Any
    words: frozenset[str]


@dataclass(frozen=True)
class Opened:
    """Everything that the review page shows of one draft.

    `text` is what stands in the editor; None when nobody has changed the draft yet.
    """

    draft: Draft
    conversation: Conversation
    thread: queries.Thread
    customer: Row[Any]
    to: Sequence[str]
    subject: str
    seen: str
    claim: Claim | None
    decision: DraftAction | None
    newer: UUID | None
    text: str | None = None

    @cached_property
    def sentences(self) -> list[dict[str, Any]]:
        return (self.draft.payload or {}).get("sentences") or []

    @cached_property
    def notes(self) -> list[str]:
        return (self.draft.payload or {}).get("notes") or []

    @cached_property
    def sources(self) -> list[Source]:
        return [source_of(row, self.draft, self.sentences) for row in self.draft.top_sources]

    @property
    def unsupported(self) -> int:
        """How many sentences claim something that no source supports."""
        return sum(
            1 for s in self.sentences if s.get("source") is None and s.get("role") != "frame"
        )


@dataclass(frozen=True)
class Undoable:
    """The decision that the reviewer can still take back, and for how long."""

    draft_id: UUID
    customer: str
    is_rejection: bool
    until: Any
    seconds: int


def open_draft(account_id: UUID, draft_id: UUID, text: str | None = None) -> Opened:
    """The account's draft with all that is shown beside it.  Raises NotFound."""
    draft = find_draft(account_id, draft_id)
    assert draft.conversation_id is not None
    conversation = queries.find_conversation(account_id, draft.conversation_id)
    decision = None if draft.is_pending else standing_decision(draft)
    current = draft if draft.is_pending else kind_of(draft).current(draft)
    return Opened(
        draft=draft,
        conversation=conversation,
        thread=queries.thread_of(conversation),
        customer=queries.customer_facts(conversation),
        to=[in_words(address) for address in recipients_of(conversation, trigger_of(draft))],
        subject=reply_subject(conversation),
        seen=seen(draft),
        claim=claims.holder_of(draft) if draft.is_pending else None,
        decision=decision,
        newer=current.id if current.id != draft.id else None,
        text=text,
    )


def source_of(row: dict[str, Any], draft: Draft, sentences: list[dict[str, Any]]) -> Source:
    said = " ".join(
        draft.suggested_text[s["start"] : s["end"]]
        for s in sentences
        if s.get("source") == row["number"]
    )
    return Source(
        number=row["number"],
        title=row.get("title") or "Untitled",
        excerpt=row.get("excerpt") or "",
        kind=row.get("kind") or "page",
        score=float(row.get("score") or 0),
        url=row.get("url"),
        indexed_at=queries.moment(row.get("indexed_at")),
        words=marks.telling_words(said),
    )


def undoable_by(user: User) -> Undoable | None:
    """The user's last decision, while it can be taken back."""
    now = clock.now()
    action = queries.latest_undoable(user.account_id, user.id, now - decisions.undo_window)
    if action is None or action.draft.conversation_id is None:
        return None
    until = decisions.undo_until(action)
    return Undoable(
        draft_id=action.draft_id,
        customer=queries.customer_of(action.draft.conversation_id),
        is_rejection=action.type is ActionType.REJECT,
        until=until,
        seconds=max(1, round((until - now).total_seconds())),
    )

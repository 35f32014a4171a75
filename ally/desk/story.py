"""A conversation told from its events: decisions with their changes, sendings with receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ally.channels.models import Delivery, DeliveryAttempt
from ally.desk import queries
from ally.desk.models import Conversation
from ally.events.models import Event
from ally.review.diff import NotReplayable, Operation, ops_of, replay
from ally.review.labelling import Labels, labels_of
from ally.review.models import ActionType, DraftAction


@dataclass(frozen=True)
class Change:
    """What a decision made of the draft; `is_verified` when a replay leads to what was sent."""

    before: str
    operations: Sequence[Operation]
    is_verified: bool


@dataclass(frozen=True)
class Told:
    """One event as the timeline tells it."""

    event: Event
    change: Change | None
    notes: str | None
    labels: Labels | None
    delivery: Delivery | None
    attempts: Sequence[DeliveryAttempt]


@dataclass(frozen=True)
class Story:
    told: Sequence[Told]
    next: str | None


def story_of(conversation: Conversation, after: str = "") -> Story:
    """Everything that happened in the conversation, in order, a page of it."""
    page = queries.story_of(conversation, after)
    decisions = queries.decisions_told(conversation.account_id, page.rows)
    deliveries = queries.deliveries_told(conversation.account_id, page.rows)
    attempts = queries.attempts_of(conversation.account_id, list(deliveries))
    edits = [one for one in decisions.values() if one.type is ActionType.EDIT]
    labels = labels_of(conversation.account_id, edits)
    told = [told_of(event, decisions, labels, deliveries, attempts) for event in page.rows]
    return Story(told, page.next)


def told_of(
    event: Any,
    decisions: dict[str, DraftAction],
    labels: dict[Any, Labels],
    deliveries: dict[Any, Delivery],
    attempts: dict[Any, list[DeliveryAttempt]],
) -> Told:
    is_decision = event.action in {"draft.approved", "draft.edited", "draft.rejected"}
    decision = decisions.get(event.particulars.get("action_id", "")) if is_decision else None
    has_receipt = event.action in {"delivery.accepted", "delivery.rejected", "delivery.unknown"}
    delivery = deliveries.get(event.subject_id) if has_receipt else None
    return Told(
        event=event,
        change=change_of(decision) if decision is not None and decision.diff_json else None,
        labels=labels.get(decision.id) if decision is not None else None,
        notes=decision.notes if decision is not None else None,
        delivery=delivery,
        attempts=attempts.get(event.subject_id, []) if delivery is not None else [],
    )


def change_of(decision: DraftAction) -> Change:
    before, record = decision.draft.suggested_text, decision.diff_json or {}
    try:
        return Change(before, ops_of(record), replay(before, record) == decision.final_text)
    except (NotReplayable, KeyError):  # the row was tampered with: that is what is shown
        return Change(before, [], is_verified=False)

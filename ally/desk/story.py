"""A conversation told from its events: decisions with their changes, sendings with receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ally import clock
from ally.channels.models import Delivery, DeliveryAttempt, DeliveryStatus
from ally.desk import telling
from ally.desk.models import Conversation, Note
from ally.events import reading, topics
from ally.events.models import Event
from ally.events.reading import Order
from ally.review import decisions
from ally.review.diff import NotReplayable, Operation, ops_of, replay
from ally.review.labelling import Labels, labels_of
from ally.review.models import ActionType, DraftAction

LENGTH = 100  # events that are drawn at once
PRINTED = 500  # on paper there is more room
DECIDED = frozenset({"draft.approved", "draft.edited", "draft.rejected"})
WITH_RECEIPT = frozenset(
    f"delivery.{did}" for did in ("accepted", "rejected", "unknown", "found", "missing")
)


@dataclass(frozen=True)
class Change:
    """What a decision made of the draft; `is_verified` when a replay leads to what was sent."""

    before: str
    operations: Sequence[Operation]
    is_verified: bool


@dataclass(frozen=True)
class Told:
    """One event as the timeline tells it.

    `decision` is the one that the event is of, `delivery` the sending that it is about.
    """

    event: Event
    change: Change | None
    decision: DraftAction | None
    labels: Labels | None
    delivery: Delivery | None
    attempts: Sequence[DeliveryAttempt]
    note: Note | None
    can_undo: bool

    @property
    def send_at(self) -> datetime | None:
        """When the reply was to go out, if that was put off."""
        return self.decision.send_at if self.decision is not None else None


@dataclass(frozen=True)
class Story:
    """A page of what happened; `show` is the kind it is narrowed to, or "all"."""

    told: Sequence[Told]
    show: str
    order: Order
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Beside:
    """What stands beside the events of a page, found by a few statements for all of them."""

    decisions: dict[str, DraftAction] = field(default_factory=dict)
    labels: dict[UUID, Labels] = field(default_factory=dict)
    deliveries: dict[UUID, Delivery] = field(default_factory=dict)
    sending_of: dict[UUID, Delivery] = field(default_factory=dict)
    attempts: dict[UUID, list[DeliveryAttempt]] = field(default_factory=dict)
    notes: dict[UUID, Note] = field(default_factory=dict)


def story_of(
    conversation: Conversation,
    *,
    show: str = "all",
    order: Order = Order.OLDEST,
    after: str = "",
    before: str = "",
    length: int = LENGTH,
) -> Story:
    """A page of what happened in the conversation."""
    page = reading.leaf(
        [conditions(conversation, show)], order=order, after=after, before=before, length=length
    )
    beside = beside_of(conversation.account_id, page.events)
    told = [told_of(event, beside) for event in page.events]
    return Story(told, show, order, page.before, page.after)


def conditions(conversation: Conversation, show: str = "all") -> list[Any]:
    ours = [
        Event.account_id == conversation.account_id,
        Event.timeline_id == conversation.id,
    ]
    if show in topics.KINDS:
        ours.append(Event.action.in_(topics.actions_of_kind(show)))
    return ours


def beside_of(account_id: UUID, events: Sequence[Any]) -> Beside:
    """Everything that is told beside the events, each with `subject_type` and `subject_id`."""
    made = telling.decisions_told(account_id, events)
    deliveries = telling.deliveries_told(account_id, events, made)
    edits = [one for one in made.values() if one.type is ActionType.EDIT]
    return Beside(
        decisions=made,
        labels=labels_of(account_id, edits) if edits else {},
        deliveries=deliveries,
        sending_of={one.action_id: one for one in deliveries.values()},
        attempts=telling.attempts_of(account_id, list(deliveries)) if deliveries else {},
        notes=telling.notes_told(account_id, events),
    )


def told_of(event: Event, beside: Beside) -> Told:
    decision = decision_of(event, beside)
    delivery = beside.deliveries.get(event.subject_id) if event.action in WITH_RECEIPT else None
    sending = beside.sending_of.get(decision.id) if decision is not None else None
    return Told(
        event=event,
        change=change_of(decision) if decision is not None and decision.diff_json else None,
        decision=decision,
        labels=beside.labels.get(decision.id) if decision is not None else None,
        delivery=delivery,
        attempts=beside.attempts.get(event.subject_id, []) if delivery is not None else [],
        note=beside.notes.get(event.subject_id) if event.subject_type == "note" else None,
        can_undo=decision is not None and can_undo(decision, sending),
    )


def decision_of(event: Any, beside: Beside) -> DraftAction | None:
    """The decision that the event tells of, when it was made."""
    if event.action not in DECIDED:
        return None
    return beside.decisions.get(str(event.particulars.get("action_id", "")))


def can_undo(decision: DraftAction, sending: Delivery | None) -> bool:
    if decision.undone_at is not None:
        return False
    if sending is None:
        return clock.now() < decisions.undo_until(decision)
    return sending.status is DeliveryStatus.QUEUED and clock.now() < sending.not_before


def change_of(decision: DraftAction) -> Change:
    before, record = decision.draft.suggested_text, decision.diff_json or {}
    try:
        return Change(before, ops_of(record), replay(before, record) == decision.final_text)
    except (NotReplayable, KeyError):  # the row was tampered with: that is what is shown
        return Change(before, [], is_verified=False)

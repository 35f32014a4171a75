"""What is told beside the events of a timeline, for a page of them at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload

from ally.channels.models import Delivery, DeliveryAttempt
from ally.db import db
from ally.desk.models import Note
from ally.review.models import Draft, DraftAction


def decisions_told(account_id: UUID, told: Sequence[Any]) -> dict[str, DraftAction]:
    """The decisions that the events are about, by id as events name them, with the drafts and
    whoever took them back."""
    drafts = {event.subject_id for event in told if event.subject_type == "draft"}
    if not drafts:
        return {}
    found = db.session.scalars(
        select(DraftAction)
        .join(DraftAction.draft)
        .where(DraftAction.account_id == account_id, DraftAction.draft_id.in_(drafts))
        .options(
            contains_eager(DraftAction.draft).load_only(Draft.suggested_text),
            joinedload(DraftAction.undone_by),
        )
    )
    return {str(action.id): action for action in found}


def deliveries_told(
    account_id: UUID, told: Sequence[Any], decisions: dict[str, DraftAction]
) -> dict[UUID, Delivery]:
    """The sendings that the events are about, or the decisions, by id, wherever they are now."""
    ids = {event.subject_id for event in told if event.subject_type == "delivery"}
    made = [action.id for action in decisions.values()]
    if not ids and not made:
        return {}
    found = db.session.scalars(
        select(Delivery).where(
            Delivery.account_id == account_id,
            or_(Delivery.id.in_(ids), Delivery.action_id.in_(made)),
        )
    )
    return {delivery.id: delivery for delivery in found}


def attempts_of(account_id: UUID, deliveries: Sequence[UUID]) -> dict[UUID, list[DeliveryAttempt]]:
    """Every try of the given sendings, by sending, the first first."""
    attempts: dict[UUID, list[DeliveryAttempt]] = {}
    for attempt in db.session.scalars(
        select(DeliveryAttempt)
        .where(
            DeliveryAttempt.account_id == account_id,
            DeliveryAttempt.delivery_id.in_(deliveries),
        )
        .order_by(DeliveryAttempt.number)
    ):
        attempts.setdefault(attempt.delivery_id, []).append(attempt)
    return attempts


def notes_told(account_id: UUID, told: Sequence[Any]) -> dict[UUID, Note]:
    """The notes that the events are about, as they read now, by id."""
    ids = {event.subject_id for event in told if event.subject_type == "note"}
    if not ids:
        return {}
    found = db.session.scalars(select(Note).where(Note.account_id == account_id, Note.id.in_(ids)))
    return {note.id: note for note in found}

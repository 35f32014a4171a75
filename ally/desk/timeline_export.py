"""A conversation's timeline as one JSON document, complete, and checkable without Ally.

`docs/exports.md` describes it.
"""

import json
from collections.abc import Iterator
from typing import Any

from ally import clock
from ally.channels.models import Delivery, DeliveryAttempt
from ally.desk.models import Conversation
from ally.desk.story import Beside, beside_of, conditions, decision_of
from ally.events import exporting
from ally.review.models import DraftAction

FORMAT = "ally.timeline/1"


def pieces_of(conversation: Conversation) -> Iterator[str]:
    """The document in pieces, each of a batch of events; their ends join up."""
    yield opening(conversation)
    count = 0
    for rows in exporting.by_time(conditions(conversation)):
        beside = beside_of(conversation.account_id, rows)
        told = [written(exporting.as_link(row) | told_beside(row, beside)) for row in rows]
        yield (",\n" if count else "") + ",\n".join(told)
        count += len(rows)
    yield f'\n],\n"count": {count}\n}}\n'


def opening(conversation: Conversation) -> str:
    about = {
        "format": FORMAT,
        "exported_at": clock.now().isoformat(),
        "account_id": str(conversation.account_id),
        "conversation": {
            "id": str(conversation.id),
            "subject": conversation.subject,
            "customer_name": conversation.customer_name,
            "customer_email": conversation.customer_email,
            "status": conversation.status,
            "created_at": moment(conversation.created_at),
        },
    }
    return written(about)[:-1] + ',\n"events": [\n'


def told_beside(row: Any, beside: Beside) -> dict[str, Any]:
    """What stands beside the event; each part only where there is one."""
    parts: dict[str, Any] = {}
    if (decision := decision_of(row, beside)) is not None:
        parts["decision"] = as_decision(decision)
    if (delivery := beside.deliveries.get(row.subject_id)) is not None:
        parts["delivery"] = as_receipt(delivery, beside.attempts.get(delivery.id, []))
    if (note := beside.notes.get(row.subject_id)) is not None:
        parts["note"] = note.body
    return parts


def as_decision(decision: DraftAction) -> dict[str, Any]:
    return {
        "id": str(decision.id),
        "type": decision.type,
        "draft_text": decision.draft.suggested_text,
        "final_text": decision.final_text,
        "diff": decision.diff_json,
        "reason": decision.reason,
        "notes": decision.notes,
        "send_at": moment(decision.send_at),
        "decided_at": moment(decision.created_at),
        "undone_at": moment(decision.undone_at),
        "undone_by": decision.undone_by.display_name if decision.undone_by else None,
    }


def as_receipt(delivery: Delivery, attempts: list[DeliveryAttempt]) -> dict[str, Any]:
    """The sending as it stands when the document is made."""
    return {
        "id": str(delivery.id),
        "decision_id": str(delivery.action_id),
        "status": delivery.status,
        "message_id": delivery.rfc_message_id,
        "sender": delivery.sender,
        "recipients": delivery.recipients,
        "body_digest": delivery.body_digest,
        "accepted_at": moment(delivery.accepted_at),
        "answer": delivery.answer,
        "reported": delivery.reported,
        "attempts": [as_attempt(attempt) for attempt in attempts],
    }


def as_attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": moment(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "outcome": attempt.outcome,
        "answer": attempt.answer,
    }


def moment(at: Any) -> str | None:
    return at.isoformat() if at else None


def written(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False)

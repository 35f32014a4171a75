"""Conversations put off until a time, with the draft that waits in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from ally import clock, marks
from ally.accounts.models import User
from ally.db import current_account_id, db
from ally.desk.models import Conversation, ConversationStatus
from ally.desk.pending import hold_to_change, waiting_in
from ally.errors import Conflict
from ally.events import trail
from ally.events.models import Event
from ally.jobs.queue import enqueue, job, run_for_every_account
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import snoozing as gate
from ally.review.models import Draft

AT_ONCE = 100  # that one sweep wakes; the rest waits for the next minute
SNOOZED = ("conversation.snoozed", "draft.snoozed")


def snooze(conversation: Conversation, by: User, until: datetime) -> Draft | None:
    """Put the conversation off, with the draft that waits in it, which comes back.

    Raises Conflict for one that is closed or merged, HeldByAnother for a draft that somebody
    else holds, Invalid for a time that makes no sense.
    """
    held = hold_to_change(conversation.id)
    draft = waiting_in(held)
    if draft is not None:
        gate.snooze(draft, by, until)
        return draft
    gate.refuse_unreasonable(until)
    put_off(held, until)
    trail.record(held, "conversation.snoozed", by=by, until=until.isoformat())
    return None


def wake(conversation: Conversation, by: User) -> None:
    """Bring the conversation back by hand.  Raises Conflict when it is not snoozed."""
    held = hold_to_change(conversation.id)
    if held.snoozed_until is None:
        raise Conflict(_("This is not snoozed."))
    end(held)
    trail.record(held, "conversation.woken", by=by)


def put_off(conversation: Conversation, until: datetime | None) -> None:
    """Keep the conversation, which is held, out of sight until then; None ends that."""
    if until is not None and conversation.status is not ConversationStatus.OPEN:
        raise Conflict(_("This conversation is closed. Reopen it before you snooze it."))
    conversation.snoozed_until = until
    if until is not None:
        enqueue("desk.wake", at=until, conversation_id=str(conversation.id))


def end(conversation: Conversation) -> bool:
    """End the snooze of a conversation that is held, and of its draft; whether there was one."""
    if conversation.snoozed_until is None:
        return False
    conversation.snoozed_until = None
    draft = waiting_in(conversation)
    if draft is not None:
        draft.snoozed_until = None
    return True


def end_since_they_wrote(conversation: Conversation) -> None:
    """End the snooze of a conversation, which is held: the customer does not wait for it."""
    if end(conversation):
        trail.record(conversation, "conversation.woken_by_customer")


@job("desk.wake")
def wake_one(conversation_id: str) -> None:
    """Wake the conversation, unless it was woken or snoozed again since this was asked for."""
    wake_due(UUID(conversation_id))


@job("desk.wake_all", cron="* * * * *")
def wake_all() -> None:
    """Wake what is due in every account, and has lost its job."""
    run_for_every_account(wake_due)


def wake_due(conversation_id: UUID | None = None) -> None:
    """Wake the account's conversations whose time has come, the longest due first; or this one
    of them."""
    due = (
        select(Conversation)
        .where(
            Conversation.account_id == current_account_id(),
            Conversation.snoozed_until <= clock.now(),
        )
        .order_by(Conversation.snoozed_until, Conversation.id)
        .limit(AT_ONCE)
        # What somebody acts on now is left to the next sweep.
        .with_for_update(skip_locked=conversation_id is None)
        .execution_options(populate_existing=True)
    )
    if conversation_id is not None:
        due = due.where(Conversation.id == conversation_id)
    for conversation in db.session.scalars(due).all():
        end(conversation)
        trail.record(conversation, "conversation.woken_in_time")
        tell(conversation)


def tell(conversation: Conversation) -> None:
    """Tell whose the conversation is, or else who snoozed it."""
    assignee = conversation.assignee
    user_id = assignee.id if assignee and assignee.is_active else who_snoozed(conversation)
    if user_id is not None:
        feed.notify(
            conversation.account_id,
            NotificationType.SNOOZE_ENDED,
            to=[user_id],
            about=marks.shortened(conversation.subject or ""),
            url=f"/conversations/{conversation.id}",
            conversation_id=str(conversation.id),
        )


def who_snoozed(conversation: Conversation) -> UUID | None:
    return db.session.scalar(
        select(Event.actor_id)
        .where(
            Event.account_id == conversation.account_id,
            Event.timeline_id == conversation.id,
            Event.action.in_(SNOOZED),
        )
        .order_by(Event.at.desc(), Event.id.desc())
        .limit(1)
    )

"""The outbox: each decision's mail leaves at most once, and is never lost without a word.

A delivery is claimed (`sending`, for the time of a lease, committed), handed to the
provider, and its outcome noted.  One whose lease ran out becomes `unknown`.  Where
the provider can be asked, it is (see `lookups`); else it is sent again only by a
person who has looked it up.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import undefer

from ally import clock
from ally.accounts.models import User
from ally.channels import adapters, trouble
from ally.channels.adapters import Kind, Outcome
from ally.channels.mail.compose import Letter, text_of
from ally.channels.models import Channel, Delivery, DeliveryAttempt, DeliveryStatus
from ally.db import db
from ally.errors import Conflict
from ally.events import trail
from ally.jobs.queue import enqueue
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType

# Pauses after temporary refusals: about a day in all, then it is given up.
WAITS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    *[timedelta(hours=2)] * 11,
)
LONGEST_WAIT = timedelta(hours=6)  # that a provider is granted between two tries
OVERDUE = timedelta(seconds=30)  # a due delivery whose job is this late has lost it
NO_REPORT = "the worker stopped before it could tell what the mail server answered"
TOO_LATE = {
    DeliveryStatus.SENDING: "The reply is already on its way.",
    DeliveryStatus.ACCEPTED: "The reply has already been sent.",
    DeliveryStatus.REJECTED: "The mail server has already refused the reply.",
    DeliveryStatus.UNKNOWN: "The reply may already have been sent.",
    DeliveryStatus.CANCELLED: "The sending was already cancelled.",
}

# Set by the application from DELIVERY_LEASE_SECONDS.
lease = timedelta(seconds=120)


def use_lease(seconds: int) -> None:
    """Say, once at start-up, how long a worker may take for one try."""
    global lease
    lease = timedelta(seconds=seconds)


def queue(
    *,
    action_id: UUID,
    message_id: UUID,
    conversation_id: UUID,
    channel: Channel,
    letter: Letter,
    not_before: datetime,
) -> Delivery:
    """Write the letter and have it sent, no sooner than `not_before`.

    Raises Invalid when an address cannot be written to.
    """
    delivery = Delivery(
        account_id=channel.account_id,
        action_id=action_id,
        message_id=message_id,
        conversation_id=conversation_id,
        channel_id=channel.id,
        rfc_message_id=letter.message_id,
        sender=letter.from_address or channel.name,
        recipients=letter.recipients,
        raw=adapters.for_channel(channel).compose(letter),
        body_digest=hashlib.sha256(text_of(letter).encode("utf-8", "replace")).hexdigest(),
        not_before=not_before,
    )
    db.session.add(delivery)
    db.session.flush()  # the job names it
    ask_for(delivery)
    return delivery


def cancel(delivery: Delivery, by: User | None) -> None:
    """Keep it from being sent.  Raises Conflict when a worker was faster."""
    hold(delivery)
    refuse_begun(delivery)
    delivery.status = DeliveryStatus.CANCELLED
    trail.record(delivery, "delivery.cancelled", by=by)


def refuse_begun(delivery: Delivery) -> None:
    """Raises Conflict unless it waits to be sent, or to be tried again."""
    if delivery.status is not DeliveryStatus.QUEUED:
        raise Conflict(TOO_LATE[delivery.status])


def send_now(delivery: Delivery, by: User) -> None:
    """Send it without waiting any longer.  Raises Conflict unless it waits."""
    hold(delivery)
    refuse_begun(delivery)
    delivery.not_before = clock.now()
    trail.record(delivery, "delivery.hastened", by=by)
    ask_for(delivery)


def retry(delivery: Delivery, by: User) -> None:
    """Send it again, now that `by` has made sure that it did not arrive.

    Raises Conflict unless it was refused or its outcome is unknown.
    """
    hold(delivery)
    if delivery.status not in {DeliveryStatus.REJECTED, DeliveryStatus.UNKNOWN}:
        raise Conflict(_("Only a reply that was refused, or may not have arrived, is sent again."))
    delivery.status, delivery.not_before = DeliveryStatus.QUEUED, clock.now()
    delivery.acknowledged_at = None  # what comes of it now is news again
    trail.record(delivery, "delivery.retried", by=by)
    ask_for(delivery)


def settle(delivery: Delivery, by: User) -> None:
    """Note that it did arrive, as `by` has found out.  Raises Conflict unless that was unknown."""
    hold(delivery)
    if delivery.status is not DeliveryStatus.UNKNOWN:
        raise Conflict(_("Only a reply that may not have arrived can be marked as sent."))
    delivery.status, delivery.accepted_at = DeliveryStatus.ACCEPTED, clock.now()
    trail.record(delivery, "delivery.settled", by=by)


def claim(delivery_id: UUID, worker: str) -> Delivery | None:
    """The delivery, `sending` and held by this worker until the lease ends.

    None when it is not to be sent now: claimed, cancelled or done, or before its time.
    """
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .options(undefer(Delivery.raw))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if delivery is None or delivery.status is not DeliveryStatus.QUEUED:
        return None
    if delivery.not_before > clock.now():
        ask_for(delivery)  # the database's clock, by which jobs start, is ahead of ours
        return None
    begin_attempt(delivery, worker)
    return delivery


def begin_attempt(delivery: Delivery, worker: str) -> None:
    delivery.status, delivery.worker = DeliveryStatus.SENDING, worker
    delivery.attempts += 1
    delivery.lease_expires_at = clock.now() + lease
    db.session.add(
        DeliveryAttempt(
            account_id=delivery.account_id,
            delivery_id=delivery.id,
            number=delivery.attempts,
            worker=worker,
        )
    )


def note_outcome(delivery_id: UUID, number: int, worker: str, outcome: Outcome) -> None:
    """What the attempt came to.

    A report that comes after the lease is kept with the attempt and changes nothing else.
    """
    delivery = db.session.scalars(
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if is_held_by(delivery, worker, number):
        finish(delivery, outcome)
    else:
        end_attempt(delivery, number, f"late: {outcome.kind}", outcome.answer)


def is_held_by(delivery: Delivery, worker: str, number: int) -> bool:
    is_theirs = (delivery.worker, delivery.attempts) == (worker, number)
    return delivery.status is DeliveryStatus.SENDING and is_theirs


def finish(delivery: Delivery, outcome: Outcome) -> None:
    end_attempt(delivery, delivery.attempts, outcome.kind, outcome.answer)
    delivery.answer = outcome.answer
    if outcome.needs_admin:
        trouble.note(delivery.channel, outcome.answer, url=url_of(delivery))
    FINISHES[outcome.kind](delivery, outcome)


def end_attempt(delivery: Delivery, number: int, outcome: str, answer: str) -> None:
    attempt = db.session.scalars(
        select(DeliveryAttempt).where(
            DeliveryAttempt.account_id == delivery.account_id,
            DeliveryAttempt.delivery_id == delivery.id,
            DeliveryAttempt.number == number,
        )
    ).one()
    attempt.finished_at, attempt.outcome, attempt.answer = clock.now(), outcome, answer


def accept(delivery: Delivery, outcome: Outcome) -> None:
    become_accepted(delivery, outcome)
    receipt = {"recipients": delivery.recipients, "body_digest": delivery.body_digest}
    record(delivery, "delivery.accepted", outcome.answer, **receipt)


def become_accepted(delivery: Delivery, outcome: Outcome) -> None:
    become(delivery, DeliveryStatus.ACCEPTED)
    delivery.accepted_at = clock.now()
    delivery.provider_id = outcome.provider_id or delivery.provider_id
    trouble.forget(delivery.channel)


def refuse(delivery: Delivery, outcome: Outcome) -> None:
    become(delivery, DeliveryStatus.REJECTED)
    record(delivery, "delivery.rejected", outcome.answer)
    tell(delivery, NotificationType.SEND_FAILED, failure="refused")


def lose_sight(delivery: Delivery, outcome: Outcome) -> None:
    become(delivery, DeliveryStatus.UNKNOWN)
    record(delivery, "delivery.unknown", outcome.answer)
    if adapters.for_channel(delivery.channel).capabilities.look_up:
        enqueue("channels.look_up", delivery_id=str(delivery.id))
    tell(delivery, NotificationType.SEND_UNKNOWN)


def postpone(delivery: Delivery, outcome: Outcome) -> None:
    postponed = deferrals_in_a_row(delivery)
    if postponed > len(WAITS):
        refuse(delivery, replace(outcome, answer=f"given up after a day: {outcome.answer}"))
        return
    become(delivery, DeliveryStatus.QUEUED)
    delivery.not_before = clock.now() + pause(postponed, outcome)
    record(delivery, "delivery.deferred", outcome.answer)
    ask_for(delivery)


def pause(postponed: int, outcome: Outcome) -> timedelta:
    """Until the next try: as long as the provider asks for, and our own patience at least."""
    asked = min(outcome.retry_after or timedelta(0), LONGEST_WAIT)
    return max(WAITS[postponed - 1], asked)


FINISHES = {
    Kind.ACCEPTED: accept,
    Kind.REJECTED: refuse,
    Kind.DEFERRED: postpone,
    Kind.UNKNOWN: lose_sight,
}


def become(delivery: Delivery, status: DeliveryStatus) -> None:
    """End `sending`, and with it the lease."""
    delivery.status, delivery.lease_expires_at = status, None


def deferrals_in_a_row(delivery: Delivery) -> int:
    """How often it was put off since a person last asked for it, the present one included."""
    outcomes = db.session.scalars(
        select(DeliveryAttempt.outcome)
        .where(
            DeliveryAttempt.account_id == delivery.account_id,
            DeliveryAttempt.delivery_id == delivery.id,
        )
        .order_by(DeliveryAttempt.number.desc())
        .limit(len(WAITS) + 1)
    )
    return sum(1 for _ in takewhile(lambda outcome: outcome == Kind.DEFERRED, outcomes))


def expire_leases() -> int:
    """Make the account's deliveries whose lease ran out `unknown`; how many they were."""
    expired = db.session.scalars(
        select(Delivery)
        .where(Delivery.status == DeliveryStatus.SENDING, Delivery.lease_expires_at <= clock.now())
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for delivery in expired:
        finish(delivery, Outcome(Kind.UNKNOWN, NO_REPORT))
    return len(expired)


def ask_again() -> int:
    """Enqueue the account's overdue deliveries that no job is left for; how many they were."""
    has_no_job = text(
        "NOT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'channels.deliver'"
        " AND status IN ('todo', 'doing') AND args->>'delivery_id' = delivery.id::text)"
    )
    lost = db.session.scalars(
        select(Delivery).where(
            Delivery.status == DeliveryStatus.QUEUED,
            Delivery.not_before <= clock.now() - OVERDUE,
            has_no_job,
        )
    ).all()
    for delivery in lost:
        ask_for(delivery)
    return len(lost)


def ask_for(delivery: Delivery) -> None:
    enqueue("channels.deliver", at=delivery.not_before, delivery_id=str(delivery.id))


def hold(delivery: Delivery) -> None:
    """Lock the row, and see it as it is now."""
    db.session.flush()  # a refresh forgets what was changed and not yet saved
    db.session.refresh(delivery, with_for_update=True)


def record(delivery: Delivery, action: str, answer: str, **particulars: Any) -> None:
    trail.record(delivery, action, answer=answer, attempt=delivery.attempts, **particulars)


def tell(delivery: Delivery, type_: NotificationType, **particulars: Any) -> None:
    feed.notify(
        delivery.account_id,
        type_,
        **particulars,
        whom=whom(delivery),
        url=url_of(delivery),
        conversation_id=str(delivery.conversation_id),
        delivery_id=str(delivery.id),
    )


def url_of(delivery: Delivery) -> str:
    return f"/conversations/{delivery.conversation_id}"


def whom(delivery: Delivery) -> str:
    first, *others = delivery.recipients
    return f"{first} (+{len(others)})" if others else str(first)

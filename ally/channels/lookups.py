"""Deliveries of which we do not know whether they were accepted, looked up at the provider."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from ally import clock
from ally.channels import outbox
from ally.channels.adapters import Adapter, Kind, Outcome
from ally.channels.models import Delivery, DeliveryAttempt, DeliveryStatus
from ally.db import db
from ally.jobs.queue import enqueue

# Pauses between look-ups: a provider may show a message some time after it took it.
WAITS = (
    timedelta(seconds=20),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)


def find_unknown(delivery_id: UUID) -> Delivery | None:
    """The delivery, if its outcome is still unknown."""
    return db.session.scalar(
        select(Delivery)
        .where(Delivery.id == delivery_id, Delivery.status == DeliveryStatus.UNKNOWN)
        .options(undefer(Delivery.raw))
        .execution_options(populate_existing=True)
    )


def note(delivery_id: UUID, adapter: Adapter, found: Outcome | None, *, looks: int) -> None:
    """What the provider said at the `looks`-th look.

    A person may have been faster, and then it changes nothing.
    """
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if delivery is None or delivery.status is not DeliveryStatus.UNKNOWN:
        return
    if found is not None and found.kind is Kind.ACCEPTED:
        settle(delivery, found)
    elif looks <= len(WAITS):
        look_again(delivery, looks)
    elif found is not None:
        give_up(delivery, adapter, found)


def settle(delivery: Delivery, found: Outcome) -> None:
    outbox.become_accepted(delivery, found)
    delivery.answer = found.answer
    outbox.record(delivery, "delivery.found", found.answer)


def look_again(delivery: Delivery, looks: int) -> None:
    at = clock.now() + WAITS[looks - 1]
    enqueue("channels.look_up", at=at, delivery_id=str(delivery.id), looks=str(looks + 1))


def give_up(delivery: Delivery, adapter: Adapter, found: Outcome) -> None:
    """It is not there.  Sent again, once, only where the provider drops a second copy."""
    if adapter.capabilities.idempotency and times_unknown(delivery) == 1:
        outbox.become(delivery, DeliveryStatus.QUEUED)
        delivery.not_before = clock.now()
        outbox.record(delivery, "delivery.requeued", found.answer)
        outbox.ask_for(delivery)
    else:
        outbox.record(delivery, "delivery.missing", found.answer)


def times_unknown(delivery: Delivery) -> int:
    unknown = select(func.count()).where(
        DeliveryAttempt.account_id == delivery.account_id,
        DeliveryAttempt.delivery_id == delivery.id,
        DeliveryAttempt.outcome == Kind.UNKNOWN,
    )
    return db.session.scalar(unknown) or 0

"""A worker as most are: it sends, then notes that it did, and tries again what it is not sure of.

It is here to show that the tests of the real one would find it out.
"""

from datetime import timedelta

from ally import clock
from ally.channels import adapters
from ally.channels.adapters import Kind
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.jobs.queue import job, queue

A_WHILE = timedelta(seconds=30)


def take_over():
    """Send by the naive worker from here on, in this process."""
    del queue.tasks["channels.deliver"]
    job("channels.deliver")(deliver)


def deliver(delivery_id):
    delivery = db.session.get_one(Delivery, delivery_id)
    if delivery.status is not DeliveryStatus.QUEUED:
        return
    adapter = adapters.for_channel(delivery.channel)
    outcome = adapter.send(delivery.sender, delivery.recipients, delivery.raw, within=A_WHILE)
    if outcome.kind is not Kind.ACCEPTED:
        raise RuntimeError(outcome.answer)
    delivery.status, delivery.accepted_at = DeliveryStatus.ACCEPTED, clock.now()

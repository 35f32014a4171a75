"""What the worker does for channels: it sends what is due, and heals the outbox."""

import logging
import os
import socket
import time
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError, TimeoutError

from ally import clock
from ally.channels import adapters, lookups, outbox
from ally.channels.adapters import Adapter, Kind, Outcome
from ally.channels.models import Delivery
from ally.db import db
from ally.jobs.queue import job, run_for_every_account

log = logging.getLogger(__name__)

WIRE_SHARE = 0.75  # of what is left of the lease; the rest is for the last answer, and to note it
LOOK_UP_LIMIT = timedelta(seconds=30)  # for all that one look-up asks the provider
PAUSE_SECONDS = 1.0  # before the outcome is noted again, while Postgres is away


@job("channels.deliver")
def deliver(delivery_id: str) -> None:
    """Send one delivery, in three steps: intent, wire, outcome."""
    worker = f"{socket.gethostname()}/{os.getpid()}"
    delivery = outbox.claim(UUID(delivery_id), worker)
    adapter = adapters.for_channel(delivery.channel) if delivery else None
    # Committed here: the intent must be known, whatever becomes of this process on
    # the wire, and no transaction may wait for a mail server.
    db.session.commit()
    if delivery is None or adapter is None:
        return
    note(delivery, worker, send(adapter, delivery))


def send(adapter: Adapter, delivery: Delivery) -> Outcome:
    assert delivery.lease_expires_at is not None
    left = delivery.lease_expires_at - clock.now()
    try:
        return adapter.send(
            delivery.sender, delivery.recipients, delivery.raw, within=left * WIRE_SHARE
        )
    except Exception as error:  # an adapter that fails cannot say how far it came
        log.error("the adapter failed: %s", type(error).__name__)
        return Outcome(Kind.UNKNOWN, f"the sending broke off ({type(error).__name__})")


def note(delivery: Delivery, worker: str, outcome: Outcome) -> None:
    """Note the outcome; while Postgres cannot be reached, again and again until the lease ends."""
    delivery_id, number, lease_ends = delivery.id, delivery.attempts, delivery.lease_expires_at
    assert lease_ends is not None
    while True:
        try:
            outbox.note_outcome(delivery_id, number, worker, outcome)
            # Committed here, as part of the try: an outcome that is known must not be
            # lost to a restart of Postgres.
            db.session.commit()
            return
        except (DBAPIError, TimeoutError):  # also a standby, or a pool without a connection
            db.session.rollback()
            if clock.now() >= lease_ends:
                raise
            time.sleep(PAUSE_SECONDS)


@job("channels.look_up")
def look_up(delivery_id: str, looks: str = "1") -> None:
    """Ask the provider what became of a delivery, and note what it says."""
    delivery = lookups.find_unknown(UUID(delivery_id))
    adapter = adapters.for_channel(delivery.channel) if delivery else None
    db.session.commit()  # no transaction may wait for a provider
    if delivery is None or adapter is None or not adapter.capabilities.look_up:
        return
    found = look(adapter, delivery)
    lookups.note(delivery.id, adapter, found, looks=int(looks))


def look(adapter: Adapter, delivery: Delivery) -> Outcome | None:
    try:
        return adapter.look_up(delivery, within=LOOK_UP_LIMIT)
    except Exception as error:  # what cannot be read is asked for again later
        log.error("the look-up failed: %s", type(error).__name__)
        return None


@job("channels.sweep_outbox", cron="* * * * *")
def sweep_outbox() -> None:
    """Heal every account's outbox."""
    run_for_every_account(sweep_account)


def sweep_account() -> None:
    outbox.expire_leases()
    outbox.ask_again()

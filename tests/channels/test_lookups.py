"""What cannot be known is looked up where the provider can be asked, and never sent twice."""

import pytest
from sqlalchemy import text

from ally.channels import adapters, lookups, outbox
from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.jobs import sweep_account
from ally.channels.mail import compose
from ally.channels.models import DeliveryStatus
from ally.db import db
from ally.events import trail
from ally.jobs import worker
from tests.channels.outgoing import make_delivery

FOUND = Outcome(Kind.ACCEPTED, "part 7", provider_id="7")
ABSENT = Outcome(Kind.DEFERRED, "no such reply")


class Provider:
    """A provider, with what it will say next; it keeps what it was asked."""

    def __init__(self, *, looks, sends=(), **capabilities):
        self.capabilities = Capabilities(look_up=True, **capabilities)
        self.looks, self.sends = list(looks), list(sends)
        self.asked, self.sent = 0, 0

    def compose(self, letter):
        return compose.compose(letter)

    def send(self, sender, recipients, raw, *, within):
        self.sent += 1
        return self.sends.pop(0) if self.sends else Outcome(Kind.UNKNOWN, "cut off")

    def look_up(self, delivery, *, within):
        self.asked += 1
        said = self.looks.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def provider(monkeypatch):
    def use(**said):
        provider = Provider(**said)
        monkeypatch.setattr(adapters, "_mail", lambda channel: provider)
        return provider

    return use


@pytest.fixture
def soon(monkeypatch):
    """No pauses between look-ups."""
    monkeypatch.setattr(lookups, "WAITS", tuple(wait * 0 for wait in lookups.WAITS))


def told(delivery):
    return [event.action for event in trail.timeline(delivery)]


def test_a_reply_that_is_found_was_sent(app, ada, provider):
    provider = provider(looks=[FOUND])
    delivery = make_delivery(ada)

    worker.drain(app)

    db.session.refresh(delivery)
    assert (delivery.status, delivery.provider_id) == (DeliveryStatus.ACCEPTED, "7")
    assert delivery.accepted_at is not None
    assert told(delivery) == ["delivery.unknown", "delivery.found"]
    assert (provider.sent, provider.asked) == (1, 1)


def test_what_is_not_there_yet_is_looked_for_again(app, ada, provider, soon):
    provider = provider(looks=[ABSENT, None, ValueError("nonsense"), FOUND])
    delivery = make_delivery(ada)

    worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert (provider.sent, provider.asked) == (1, 4)


def test_what_is_never_found_waits_for_a_person(app, ada, provider, soon):
    provider = provider(looks=[ABSENT] * 10)
    delivery = make_delivery(ada)

    worker.drain(app)

    assert delivery.status is DeliveryStatus.UNKNOWN
    assert told(delivery) == ["delivery.unknown", "delivery.missing"]
    assert (provider.sent, provider.asked) == (1, len(lookups.WAITS) + 1)


def test_where_nothing_can_be_said_nothing_is_told(app, ada, provider, soon):
    provider(looks=[None] * 10)
    delivery = make_delivery(ada)

    worker.drain(app)

    assert told(delivery) == ["delivery.unknown"]


def test_it_is_sent_again_once_where_the_provider_drops_a_second_copy(app, ada, provider, soon):
    provider = provider(looks=[ABSENT] * 20, idempotency=True)
    delivery = make_delivery(ada)

    worker.drain(app)

    assert (provider.sent, delivery.status) == (2, DeliveryStatus.UNKNOWN)
    assert told(delivery) == [
        "delivery.unknown",
        "delivery.requeued",
        "delivery.unknown",
        "delivery.missing",
    ]


def test_a_lease_that_ran_out_is_looked_up_at_once(app, ada, provider, monkeypatch):
    provider = provider(looks=[FOUND])
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "a worker that died")
    db.session.commit()
    delivery.lease_expires_at = delivery.created_at
    db.session.commit()

    sweep_account()
    db.session.commit()
    worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert (provider.sent, provider.asked) == (0, 1)


def test_a_person_who_was_faster_is_right(app, ada, provider):
    provider = provider(looks=[FOUND])
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    outbox.note_outcome(delivery.id, 1, "w", Outcome(Kind.UNKNOWN, "cut off"))
    outbox.settle(delivery, by=ada)
    db.session.commit()

    worker.drain(app)
    lookups.note(delivery.id, provider, FOUND, looks=1)  # a look that had begun before

    assert delivery.provider_id is None
    assert told(delivery) == ["delivery.unknown", "delivery.settled"]


def test_by_mail_nothing_is_looked_up(ada):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")

    outbox.note_outcome(delivery.id, 1, "w", Outcome(Kind.UNKNOWN, "cut off"))

    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'channels.look_up'"
    assert db.session.scalar(text(jobs)) == 0

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from ally import clock
from ally.channels import adapters, jobs, outbox
from ally.channels.adapters import Kind, Outcome
from ally.channels.jobs import sweep_account, sweep_outbox
from ally.channels.models import DeliveryAttempt, DeliveryStatus
from ally.channels.smtp import Smtp
from ally.db import db, use_account
from ally.errors import Conflict
from ally.events import trail
from ally.jobs import worker
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.notifications.words import title_of
from tests.channels.mailserver import BadServer, mail_server
from tests.channels.outgoing import chat_channel, make_delivery
from tests.factories import act_for, make_account

HOUR = timedelta(hours=1)


@pytest.fixture
def mails(monkeypatch):
    with mail_server() as mails:
        send_by(monkeypatch, mails)
        yield mails


def send_by(monkeypatch, mails, **options):
    monkeypatch.setattr(adapters, "_mail", lambda channel: Smtp(mails.url, **options))


@pytest.fixture
def later(monkeypatch):
    """Time passes, for us, by so much at each call."""
    passed = timedelta(0)
    now = clock.now

    def pass_by(time):
        nonlocal passed
        passed += time

    monkeypatch.setattr(clock, "now", lambda: now() + passed)
    return pass_by


def attempts(delivery):
    return [
        (attempt.number, attempt.outcome, attempt.answer)
        for attempt in db.session.scalars(
            db.select(DeliveryAttempt)
            .where(DeliveryAttempt.delivery_id == delivery.id)
            .order_by(DeliveryAttempt.number)
        )
    ]


def told(delivery):
    return [str(event) for event in trail.timeline(delivery)]


def jobs_for(delivery):
    return db.session.scalars(
        text("SELECT scheduled_at FROM procrastinate_jobs WHERE args->>'delivery_id' = :id"),
        {"id": str(delivery.id)},
    ).all()


def test_a_due_delivery_is_sent_and_leaves_a_receipt(app, ada, mails):
    delivery = make_delivery(ada)

    worker.drain(app)

    ((sender, recipients, raw),) = mails.accepted
    assert (sender, recipients) == (delivery.sender, ["dana@example.com"])
    assert raw == delivery.raw
    assert mails.message_ids == [delivery.rfc_message_id]
    assert delivery.status is DeliveryStatus.ACCEPTED
    assert delivery.body_digest == hashlib.sha256(b"The 255 lph pump is enough.").hexdigest()
    assert attempts(delivery) == [(1, "accepted", "250 2.0.0 Queued as 4711")]
    assert told(delivery) == [
        "Ally sent the reply; the mail server answered: 250 2.0.0 Queued as 4711"
    ]


def test_nothing_is_sent_before_its_time(app, ada, mails, later):
    delivery = make_delivery(ada, not_before=clock.now() + HOUR)

    worker.drain(app)
    assert mails.accepted == []

    later(HOUR)
    worker.drain(app)
    assert len(mails.accepted) == 1
    assert delivery.status is DeliveryStatus.ACCEPTED


def test_a_job_that_comes_too_early_is_asked_for_again(ada):
    delivery = make_delivery(ada, not_before=clock.now() + HOUR)

    assert outbox.claim(delivery.id, "w") is None

    assert delivery.status is DeliveryStatus.QUEUED
    assert jobs_for(delivery) == [delivery.not_before] * 2


def test_a_cancelled_delivery_is_not_sent(app, ada, mails):
    delivery = make_delivery(ada)
    outbox.cancel(delivery, by=ada)

    worker.drain(app)

    assert mails.accepted == []
    assert delivery.status is DeliveryStatus.CANCELLED
    assert told(delivery) == ["Ada Lovelace cancelled the sending"]


def test_what_is_on_its_way_cannot_be_cancelled(app, ada, mails):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    with pytest.raises(Conflict, match="already on its way"):
        outbox.cancel(delivery, by=ada)

    delivery = make_delivery(ada)
    worker.drain(app)
    with pytest.raises(Conflict, match="already been sent"):
        outbox.cancel(delivery, by=ada)


def test_a_second_job_sends_nothing(app, ada, mails):
    delivery = make_delivery(ada)
    outbox.ask_for(delivery)

    assert worker.drain(app) == 2

    assert len(mails.accepted) == 1
    assert len(attempts(delivery)) == 1


def test_what_is_being_sent_is_never_claimed_again(ada):
    delivery = make_delivery(ada)

    assert outbox.claim(delivery.id, "one") is delivery
    assert outbox.claim(delivery.id, "two") is None


def test_greylisting_ends_with_one_mail(app, ada, mails, later):
    mails.refusals["RCPT"] += ["451 4.7.1 Greylisted", "451 4.7.1 Greylisted"]
    delivery = make_delivery(ada)

    worker.drain(app)
    assert delivery.status is DeliveryStatus.QUEUED
    assert worker.drain(app) == 0

    later(timedelta(seconds=30))
    worker.drain(app)
    later(timedelta(minutes=2))
    worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert mails.message_ids == [delivery.rfc_message_id]
    assert [outcome for _, outcome, _ in attempts(delivery)] == ["deferred", "deferred", "accepted"]
    assert told(delivery)[0] == (
        "Ally was asked to try again later by the mail server: 451 4.7.1 Greylisted"
    )


def test_after_a_day_of_asking_it_is_given_up(app, ada, mails, later):
    mails.refusals["MAIL"] += ["421 Busy"] * 100
    delivery, began = make_delivery(ada), clock.now()

    while delivery.status is DeliveryStatus.QUEUED:
        worker.drain(app)
        later(delivery.not_before - clock.now())

    assert delivery.status is DeliveryStatus.REJECTED
    assert delivery.attempts == len(outbox.WAITS) + 1
    assert timedelta(hours=23) < clock.now() - began < timedelta(hours=25)
    assert told(delivery)[-1].endswith("given up after a day: 421 Busy")


def test_a_refusal_is_told_to_everybody(app, ada, ben, mails):
    mails.refusals["RCPT"].append("550 5.1.1 No such mailbox")
    delivery = make_delivery(ada)

    worker.drain(app)

    assert delivery.status is DeliveryStatus.REJECTED
    for user in (ada, ben):
        (line,) = feed.feed_of(user)
        assert line.type is NotificationType.SEND_FAILED
        assert title_of(line.payload, line.type) == "The reply to dana@example.com was refused"
        assert line.payload["url"] == f"/conversations/{delivery.conversation_id}"


@pytest.mark.parametrize("fault", ["cut", "hang"])
def test_no_answer_after_the_dot_is_never_tried_again(app, ada, monkeypatch, later, fault):
    delivery = make_delivery(ada)
    with BadServer(dot=fault) as mails:
        send_by(monkeypatch, mails, step_seconds=0.2)
        worker.drain(app)
        later(HOUR)
        sweep_account()
        worker.drain(app)

    assert delivery.status is DeliveryStatus.UNKNOWN
    assert (mails.tries, mails.dots) == (1, 1)
    (line,) = feed.feed_of(ada)
    assert line.type is NotificationType.SEND_UNKNOWN


@pytest.mark.parametrize("step", ["EHLO", "DATA", "body"])
@pytest.mark.parametrize("fault", ["cut", "hang"])
def test_a_connection_lost_before_the_dot_is_tried_again(app, ada, monkeypatch, later, step, fault):
    text = ("x" * 70 + "\n") * 120_000 if step == "body" else "Hello"
    delivery = make_delivery(ada, text=text)
    with BadServer(**{step: fault}) as bad:
        send_by(monkeypatch, bad, step_seconds=0.2)
        worker.drain(app)
    assert delivery.status is DeliveryStatus.QUEUED

    later(timedelta(seconds=31))
    with mail_server() as good:
        send_by(monkeypatch, good)
        worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert (bad.dots, good.message_ids) == (0, [delivery.rfc_message_id])


def test_a_channel_that_nothing_can_be_sent_on_says_so(app, ada, acme):
    delivery = make_delivery(ada, channel=chat_channel(acme))

    worker.drain(app)

    assert delivery.status is DeliveryStatus.REJECTED


def test_a_lease_that_ran_out_makes_it_unknown(ada, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    db.session.commit()

    sweep_account()
    assert delivery.status is DeliveryStatus.SENDING

    later(outbox.lease)
    sweep_account()
    assert delivery.status is DeliveryStatus.UNKNOWN
    assert delivery.lease_expires_at is None
    assert attempts(delivery) == [(1, "unknown", outbox.NO_REPORT)]
    assert feed.feed_of(ada)[0].type is NotificationType.SEND_UNKNOWN


def test_a_late_report_changes_nothing_but_is_kept(ada, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    later(outbox.lease)
    sweep_account()

    outbox.note_outcome(delivery.id, 1, "w", Outcome(Kind.ACCEPTED, "250 OK"))

    assert delivery.status is DeliveryStatus.UNKNOWN
    assert attempts(delivery) == [(1, "late: accepted", "250 OK")]


def test_a_report_on_an_earlier_attempt_changes_nothing(ada, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    later(outbox.lease)
    sweep_account()
    outbox.retry(delivery, by=ada)
    outbox.claim(delivery.id, "w")

    outbox.note_outcome(delivery.id, 1, "w", Outcome(Kind.REJECTED, "550 No"))

    assert delivery.status is DeliveryStatus.SENDING
    assert attempts(delivery) == [(1, "late: rejected", "550 No"), (2, None, None)]


def test_a_delivery_that_lost_its_job_is_asked_for_again(app, ada, mails, later):
    delivery = make_delivery(ada)
    db.session.execute(text("DELETE FROM procrastinate_jobs"))

    sweep_account()
    assert jobs_for(delivery) == []

    later(timedelta(seconds=31))
    sweep_account()
    sweep_account()
    assert len(jobs_for(delivery)) == 1
    worker.drain(app)
    assert delivery.status is DeliveryStatus.ACCEPTED


def test_the_sweep_reaches_every_account(app, ada, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    db.session.commit()
    later(outbox.lease)
    worker.prepare(app)

    sweep_outbox()

    db.session.expire_all()
    use_account(ada.account_id)
    assert delivery.status is DeliveryStatus.UNKNOWN


def test_what_may_not_have_arrived_is_sent_again_by_a_person(app, ada, mails, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    later(outbox.lease)
    sweep_account()

    outbox.retry(delivery, by=ada)
    worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert mails.message_ids == [delivery.rfc_message_id]
    assert told(delivery)[1] == (
        "Ada Lovelace queued the reply again after checking that it was not sent"
    )


def test_what_arrived_after_all_is_settled_by_a_person(app, ada, mails, later):
    delivery = make_delivery(ada)
    outbox.claim(delivery.id, "w")
    later(outbox.lease)
    sweep_account()

    outbox.settle(delivery, by=ada)
    worker.drain(app)

    assert delivery.status is DeliveryStatus.ACCEPTED
    assert mails.accepted == []
    assert told(delivery)[-1] == "Ada Lovelace marked the reply as sent after checking"


def test_only_what_went_wrong_is_retried_or_settled(app, ada, mails):
    delivery = make_delivery(ada)
    for act in (outbox.retry, outbox.settle):
        with pytest.raises(Conflict):
            act(delivery, by=ada)
    worker.drain(app)
    for act in (outbox.retry, outbox.settle):
        with pytest.raises(Conflict):
            act(delivery, by=ada)


def test_an_adapter_that_breaks_leaves_it_unknown(app, ada, monkeypatch):
    class Broken(Smtp):
        def send(self, *_, **__):
            raise RuntimeError("a bug")

    monkeypatch.setattr(adapters, "_mail", lambda channel: Broken("smtp://localhost"))
    delivery = make_delivery(ada)

    worker.drain(app)

    assert delivery.status is DeliveryStatus.UNKNOWN


def test_nobody_elses_delivery_can_be_claimed(ada):
    delivery = make_delivery(ada)
    act_for(make_account("Globex"))

    assert outbox.claim(UUID(str(delivery.id)), "w") is None


def test_a_standby_that_takes_no_writes_yet_does_not_cost_us_the_answer(
    app, ada, mails, monkeypatch
):
    # Given a database that refuses the first note, as one does that has just taken over
    monkeypatch.setattr(jobs, "PAUSE_SECONDS", 0.01)
    delivery = make_delivery(ada)
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(text(REFUSE_ONCE))
    db.session.execute(text("SET LOCAL ROLE app_rw"))
    db.session.commit()

    # When the delivery is sent
    worker.drain(app)

    # Then what the mail server answered is known
    db.session.refresh(delivery)
    assert delivery.status is DeliveryStatus.ACCEPTED


REFUSE_ONCE = """
CREATE SEQUENCE notes;
GRANT USAGE ON SEQUENCE notes TO app_rw;
CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('notes') = 1 THEN
    RAISE EXCEPTION 'read-only' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_once BEFORE UPDATE ON delivery_attempt
FOR EACH ROW EXECUTE FUNCTION refuse_once();
"""


def note(delivery, kind, answer="", number=1, **said):
    outbox.claim(delivery.id, "w")
    outbox.note_outcome(delivery.id, number, "w", Outcome(kind, answer, **said))
    db.session.commit()


def test_a_provider_is_given_the_time_it_asks_for(ada, later):
    delivery = make_delivery(ada)
    began = clock.now()

    note(delivery, Kind.DEFERRED, "429", retry_after=timedelta(minutes=5))
    assert delivery.not_before - began > timedelta(minutes=4)

    later(HOUR)
    note(delivery, Kind.DEFERRED, "429", number=2, retry_after=timedelta(days=9))
    assert delivery.not_before - clock.now() <= outbox.LONGEST_WAIT


def test_what_an_admin_must_mend_is_told_once_and_shown_on_the_channel(ada, ben, later):
    delivery = make_delivery(ada)
    touched = delivery.channel.updated_at

    for number in (1, 2, 3):
        note(delivery, Kind.DEFERRED, "535 5.7.8 No", number=number, needs_admin=True)
        later(HOUR)

    lines = [title_of(line.payload, line.type) for line in feed.feed_of(ben)]
    assert lines == ["Nothing can be sent on Support: 535 5.7.8 No"]
    db.session.refresh(delivery.channel)
    assert delivery.channel.last_error == "535 5.7.8 No"
    assert delivery.channel.updated_at == touched
    assert delivery.status is DeliveryStatus.QUEUED


def test_the_channel_is_well_again_once_something_was_accepted(ada, later):
    delivery = make_delivery(ada)
    note(delivery, Kind.DEFERRED, "535 5.7.8 No", needs_admin=True)
    db.session.refresh(delivery.channel)
    later(HOUR)

    note(delivery, Kind.ACCEPTED, "250 OK", number=2, provider_id="4711")

    db.session.refresh(delivery.channel)
    assert (delivery.channel.last_error, delivery.channel.last_error_at) == (None, None)
    assert delivery.provider_id == "4711"

"""No mail and no draft is forgotten, whatever became of its job."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.channels import webhooks
from ally.channels.models import IntakeOutcome, IntakeState
from ally.db import db
from ally.desk import intake, sweep
from ally.desk.models import Conversation, ConversationStatus, MessageDirection
from ally.jobs import queue, tables
from ally.notifications.models import Notification, NotificationType
from tests.factories import make_channel, make_conversation, make_draft, make_message, minutes_ago

MAIL = b"From: Dana <dana@example.com>\r\nSubject: Hello\r\n\r\nWhich pump?\r\n"


@pytest.fixture
def event_id(acme):
    """A stored mail whose job is lost."""
    channel = make_channel(acme)
    caller = webhooks.Caller(acme.id, channel.id, channel.platform, ("secret",))
    stored = webhooks.store_mail(caller, MAIL)
    lose_jobs()
    return stored.event_id


def lose_jobs():
    tables.hand_out()
    db.session.execute(text("DELETE FROM procrastinate_jobs"))
    db.session.commit()


def asked_for(name):
    return db.session.scalars(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = :name").bindparams(name=name)
    ).all()


def later(monkeypatch, span):
    moment = clock.now() + span
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_a_lost_mail_is_asked_for_again_once(acme, event_id, monkeypatch):
    sweep.sweep_mails()
    assert asked_for("desk.take_in") == []  # it may still come

    later(monkeypatch, timedelta(minutes=2))
    sweep.sweep_mails()
    sweep.sweep_mails()

    assert [job["event_id"] for job in asked_for("desk.take_in")] == [str(event_id)]


def test_a_mail_that_no_worker_was_told_of_is_not_lost(acme, monkeypatch):
    channel = make_channel(acme)
    caller = webhooks.Caller(acme.id, channel.id, channel.platform, ("secret",))
    webhooks.store_mail(caller, MAIL)

    later(monkeypatch, timedelta(minutes=2))
    sweep.sweep_mails()

    assert asked_for("desk.take_in") == []
    assert tables.hand_out() == 1


def test_a_mail_that_was_dealt_with_is_left_alone(acme, event_id, monkeypatch):
    intake.take_in(event_id=str(event_id))
    later(monkeypatch, timedelta(hours=2))

    sweep.sweep_mails()

    assert asked_for("desk.take_in") == []
    assert db.session.scalars(select(IntakeOutcome.state)).all() == [IntakeState.STORED]


def test_a_mail_that_fails_for_an_hour_is_shown_to_a_person(acme, ada, event_id, monkeypatch):
    later(monkeypatch, timedelta(hours=2))

    sweep.sweep_mails()

    assert db.session.scalars(select(IntakeOutcome.state)).all() == [IntakeState.QUARANTINED]
    assert db.session.scalars(select(Conversation)).one().is_quarantined
    told = db.session.scalars(select(Notification)).one()
    assert (told.type, told.user_id) == (NotificationType.MAIL_QUARANTINED, ada.id)


def conversation_of(acme, minutes, **fields):
    return make_conversation(acme, last_message_at=minutes_ago(minutes), **fields)


def test_a_lost_draft_is_asked_for_again_once(acme):
    conversation = conversation_of(acme, 5)
    make_message(conversation, sent_at=minutes_ago(9))
    newest = make_message(conversation, sent_at=minutes_ago(5))

    sweep.sweep_drafts()
    sweep.sweep_drafts()

    assert [job["message_id"] for job in asked_for("desk.write_draft")] == [str(newest.id)]


def test_what_needs_no_draft_is_left_alone(acme):
    make_draft(conversation_of(acme, 5))
    make_message(conversation_of(acme, 0))
    make_message(conversation_of(acme, 5, status=ConversationStatus.CLOSED))
    make_message(conversation_of(acme, 5, is_quarantined=True))
    make_message(conversation_of(acme, 5), metadata_={"auto_submitted": True})
    answered = conversation_of(acme, 5)
    make_message(answered)
    make_message(answered, direction=MessageDirection.OUTBOUND)

    sweep.sweep_drafts()

    assert asked_for("desk.write_draft") == []


def test_a_sweep_is_run_for_every_account(acme, event_id, monkeypatch):
    swept = []
    monkeypatch.setattr(queue, "run_body", lambda body, account_id, _: swept.append(account_id))

    sweep.sweep()

    assert swept == [acme.id, acme.id]

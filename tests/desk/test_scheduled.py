"""A reply that was approved for later can be taken back, and is held when the talk goes on."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ally import clock
from ally.channels import outbox
from ally.channels.mail.parsed import Category
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk import scheduled
from ally.desk.replies import conversation_of
from ally.errors import Conflict
from ally.events import trail
from ally.notifications.models import Notification, NotificationType
from ally.notifications.words import title_of
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftAction, DraftStatus, LearningSample, RejectionReason
from ally.review.queries import lock_draft
from tests.desk.arriving import actions, arrive, letter
from tests.factories import (
    make_conversation,
    make_draft,
    make_message,
    make_user,
    sign_in,
)
from tests.forms import post

DAYS = timedelta(days=3)


@pytest.fixture
def put_off(draft, ada):
    """Approved, with a change, to go out in three days."""
    decisions.approve(draft, ada, seen=seen(draft), text="Mine.", send_at=clock.now() + DAYS)
    db.session.commit()
    return draft


def delivery():
    return db.session.scalars(select(Delivery).execution_options(populate_existing=True)).one()


def answer_to(draft):
    """The customer writes again, in the thread."""
    named = db.session.scalar(select(Delivery.rfc_message_id))
    return letter("One more thing.", in_reply_to=named, references=[named])


def at(monkeypatch, moment):
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_the_reply_waits_for_the_time_that_was_chosen(put_off):
    action = put_off.actions[0]
    assert delivery().not_before == action.send_at > clock.now() + DAYS - timedelta(minutes=1)
    assert trail.timeline(put_off)[-1].particulars["send_at"] == action.send_at.isoformat()


def test_a_time_within_the_undo_window_changes_nothing(draft, ada):
    soon = clock.now() + timedelta(seconds=1)
    action = decisions.approve(draft, ada, seen=seen(draft), send_at=soon)
    assert delivery().not_before == action.created_at + decisions.undo_window


def test_it_can_be_taken_back_until_then(put_off, ben, monkeypatch):
    at(monkeypatch, clock.now() + DAYS - timedelta(minutes=1))
    decisions.undo(lock_draft(put_off.account_id, put_off.id), ben)
    assert (put_off.status, delivery().status) == (DraftStatus.PENDING, DeliveryStatus.CANCELLED)


def test_it_cannot_be_taken_back_afterwards(put_off, ben, monkeypatch):
    at(monkeypatch, clock.now() + DAYS)
    with pytest.raises(Conflict, match="too late"):
        decisions.undo(put_off, ben)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (DeliveryStatus.SENDING, "already on its way"),
        (DeliveryStatus.ACCEPTED, "already been sent"),
        (DeliveryStatus.REJECTED, "already refused"),
        (DeliveryStatus.UNKNOWN, "may already have been sent"),
    ],
)
def test_what_has_begun_is_refused_in_plain_words(draft, ada, status, words):
    decisions.approve(draft, ada, seen=seen(draft))
    sending = delivery()
    sending.status = status
    sending.lease_expires_at = clock.now() if status is DeliveryStatus.SENDING else None
    sending.accepted_at = clock.now() if status is DeliveryStatus.ACCEPTED else None
    db.session.commit()
    with pytest.raises(Conflict, match=words):
        decisions.undo(draft, ada)


def test_one_that_waits_for_another_try_can_be_taken_back(draft, ada, monkeypatch):
    decisions.approve(draft, ada, seen=seen(draft))
    sending = delivery()
    sending.attempts, sending.not_before = 3, clock.now() + timedelta(hours=2)
    db.session.commit()
    at(monkeypatch, clock.now() + timedelta(hours=1))
    decisions.undo(draft, ada)
    assert draft.is_pending


def test_the_customer_writes_before_and_it_is_held(channel, put_off, ada):
    arrive(channel, answer_to(put_off))

    assert delivery().status is DeliveryStatus.CANCELLED
    assert put_off.status is DraftStatus.SUPERSEDED  # a new draft will take its place
    assert actions(put_off)[-3:] == ["delivery.cancelled", "draft.held_back", "draft.superseded"]
    assert db.session.scalar(select(func.count()).select_from(LearningSample)) == 0
    lines = db.session.scalars(
        select(Notification).where(Notification.type == NotificationType.SENDING_HELD)
    ).all()
    words = title_of(lines[0].payload, lines[0].type)
    assert words == "Held, since the customer wrote again: the reply to Dana Whitfield"


def test_a_program_that_answers_holds_nothing(channel, put_off):
    away = {"category": Category.OUT_OF_OFFICE, "references": [message_id(put_off)]}
    arrive(channel, letter("I am away.", **away))
    assert delivery().status is DeliveryStatus.QUEUED


def message_id(draft):
    return db.session.scalar(select(Delivery.rfc_message_id))


def test_one_that_goes_out_in_seconds_is_not_held(channel, draft, ada):
    decisions.approve(draft, ada, seen=seen(draft))
    db.session.commit()
    arrive(channel, answer_to(draft))
    assert delivery().status is DeliveryStatus.QUEUED


def test_the_new_draft_says_so_and_offers_the_words(client, channel, put_off, ada):
    arrive(channel, answer_to(put_off))
    newer = make_draft(conversation_of(put_off))
    sign_in(client, ada)

    page = client.get(f"/review/{newer.id}").text
    assert "was held back" in page
    assert f"/review/{newer.id}?edit=1&amp;words_of={put_off.id}" in page
    assert "Mine." in client.get(f"/review/{newer.id}?edit=1&words_of={put_off.id}").text
    assert "Held back" in client.get(f"/review/{put_off.id}").text


def test_undo_gives_the_words_back(client, put_off, ada):
    sign_in(client, ada)
    answer = post(client, f"/drafts/{put_off.id}/undo")
    assert answer.location == f"/review/{put_off.id}?words_of={put_off.id}"
    assert "Mine." in client.get(answer.location).text


@pytest.mark.parametrize("choice", ["hour", "tomorrow", "monday", "chosen"])
def test_the_form_sends_later(client, draft, ada, choice):
    sign_in(client, ada)
    on = f"{clock.now() + DAYS:%Y-%m-%dT%H:%M}"
    form = {"seen": seen(draft), "send_at": choice, "send_on": on}
    answer = post(client, f"/drafts/{draft.id}/approval", **form)
    assert answer.status_code == 303
    assert delivery().not_before > clock.now() + timedelta(minutes=50)


def test_a_time_that_has_passed_is_refused_and_nothing_is_decided(client, draft, ada):
    sign_in(client, ada)
    form = {"seen": seen(draft), "send_at": "chosen", "send_on": "2020-01-01T08:00"}
    answer = post(client, f"/drafts/{draft.id}/approval", **form)
    assert (answer.status_code, "has passed" in answer.text) == (422, True)
    assert db.session.scalar(select(func.count()).select_from(DraftAction)) == 0


ACTS = st.lists(
    st.sampled_from(["approve", "edit", "later", "reject", "undo", "now", "wrote", "send"]),
    max_size=12,
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(acts=ACTS)
def test_whatever_is_done_one_decision_stands_and_one_reply_lives(acme, acts):
    """However it is decided, undone, put off, hastened and sent, nothing is ever sent twice."""
    user = make_user(acme)
    conversation = make_conversation(acme)
    draft = make_draft(conversation)
    for act in acts:
        if act == "wrote":
            make_message(conversation)
        try:
            with db.session.begin_nested():
                do(act, lock_draft(acme.id, draft.id), user, conversation)
        except Conflict:
            continue
    actions = rows(DraftAction, DraftAction.draft_id == draft.id)
    deliveries = rows(Delivery, Delivery.conversation_id == conversation.id)
    standing = [action for action in actions if action.undone_at is None]
    alive = [one for one in deliveries if one.status is not DeliveryStatus.CANCELLED]
    assert len(standing) <= 1
    assert {one.action_id for one in alive} == {
        action.id for action in standing if action.message_id
    }
    assert len([one for one in deliveries if one.attempts]) <= 1
    drafts = rows(Draft, Draft.conversation_id == conversation.id)
    assert len([one for one in drafts if one.is_pending]) <= 1
    assert not (standing and drafts[0].is_pending)


def rows(model, *where):
    found = select(model).where(*where).execution_options(populate_existing=True)
    return db.session.scalars(found).all()


def do(act, draft, user, conversation):
    if act in {"approve", "edit", "later"}:
        text = "Mine." if act == "edit" else None
        at = clock.now() + DAYS if act == "later" else None
        decisions.approve(draft, user, seen=seen(draft), text=text, send_at=at)
    elif act == "reject":
        decisions.reject(draft, user, seen=seen(draft), reason=RejectionReason.TONE)
    elif act == "undo":
        decisions.undo(draft, user)
    elif act == "wrote":
        scheduled.hold_back(conversation, "the customer wrote again")
    else:
        for one in rows(Delivery, Delivery.conversation_id == conversation.id):
            if one.status is DeliveryStatus.QUEUED:
                hasten_or_send(act, one, user)


def hasten_or_send(act, one, user):
    outbox.send_now(one, user)
    if act == "send":
        outbox.claim(one.id, "test")

"""A draft is decided once, as it was seen, and the decision can be taken back for a while."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import as_account, db
from ally.desk.models import Message, MessageDirection
from ally.desk.replies import conversation_of
from ally.errors import Conflict, Invalid, NotFound
from ally.events import trail
from ally.review import claims, decisions
from ally.review.diff import replay
from ally.review.digest import moved, seen
from ally.review.models import ActionType, DraftStatus, LearningSample, RejectionReason
from ally.review.queries import lock_draft
from tests.factories import make_account, make_conversation, make_draft, make_message


@pytest.fixture
def draft(acme):
    return make_draft(make_conversation(acme, subject="Pump for 450 hp"))


def told(draft):
    return [event.action for event in trail.timeline(draft)]


def all_of(model):
    return db.session.scalars(select(model)).all()


def test_approving_queues_the_reply_as_it_was_seen(draft, ada):
    action = decisions.approve(draft, by=ada, seen=seen(draft))

    assert (draft.status, action.type) == (DraftStatus.SENT, ActionType.APPROVE)
    delivery = db.session.scalars(select(Delivery)).one()
    message = db.session.get_one(Message, action.message_id)
    assert delivery.status is DeliveryStatus.QUEUED
    assert delivery.recipients == ["dana@example.com"]
    assert delivery.not_before == action.created_at + timedelta(seconds=10)
    assert (message.direction, message.body_text) == (
        MessageDirection.OUTBOUND,
        draft.suggested_text,
    )
    assert message.subject == "Re: Pump for 450 hp"
    assert delivery.rfc_message_id == message.external_id == action.sent_msg_id
    assert told(draft) == ["draft.approved"]


def test_an_edit_is_kept_with_a_diff_that_replays_and_teaches(draft, ada):
    action = decisions.approve(draft, by=ada, seen=seen(draft), text="Hi Dana,\r\ntake the 340.")

    assert action.type is ActionType.EDIT
    assert action.final_text == "Hi Dana,\ntake the 340."
    assert replay(draft.suggested_text, action.diff_json) == action.final_text
    assert [s.diff_json for s in all_of(LearningSample)] == [action.diff_json]
    assert told(draft) == ["draft.edited"]


def test_a_form_that_only_changes_line_ends_is_no_edit(acme, ada):
    draft = make_draft(make_conversation(acme), text="One.\nTwo.")
    action = decisions.approve(draft, by=ada, seen=seen(draft), text="One.\r\nTwo.")
    assert (action.type, action.final_text) == (ActionType.APPROVE, "One.\nTwo.")


def test_rejecting_archives_and_sends_nothing(draft, ada):
    decisions.reject(
        draft, by=ada, seen=seen(draft), reason=RejectionReason.WRONG_FACTS, notes=" 340, not 255 "
    )
    assert draft.status is DraftStatus.ARCHIVED
    assert (all_of(Delivery), all_of(LearningSample)) == ([], [])
    assert str(trail.timeline(draft)[0]) == "Ada Lovelace rejected the draft: wrong facts"


def test_a_draft_is_decided_once(draft, ada, ben):
    as_seen = seen(draft)
    decisions.approve(draft, by=ada, seen=as_seen)

    with pytest.raises(
        decisions.AlreadyDecided, match=r"Ada Lovelace approved this draft at \d\d:\d\d"
    ):
        decisions.approve(draft, by=ben, seen=as_seen, text="My own words.")
    with pytest.raises(decisions.AlreadyDecided) as refusal:
        decisions.approve(draft, by=ben, seen=as_seen, text="My own words.")
    assert refusal.value.kept == "My own words."


def test_what_has_moved_is_named_and_the_edit_is_kept(draft, ada):
    as_seen = seen(draft)
    make_message(conversation_of(draft))

    assert moved(draft, as_seen) == ["newest_message"]
    with pytest.raises(decisions.MovedOn, match="the customer's newest message") as refusal:
        decisions.approve(draft, by=ada, seen=as_seen, text="Mine.")
    assert refusal.value.kept == "Mine."
    assert draft.is_pending


@pytest.mark.parametrize("as_seen", ["", "nonsense", "draft:1.text:2", "a:b.c:d"])
def test_a_form_without_a_digest_is_refused(draft, ada, as_seen):
    with pytest.raises(decisions.MovedOn):
        decisions.approve(draft, by=ada, seen=as_seen)


@pytest.mark.parametrize("text", ["", " \r\n ", "a\x00b", "\ud800", "x" * 50_001])
def test_what_cannot_be_sent_is_refused(draft, ada, text):
    with pytest.raises(Invalid):
        decisions.approve(draft, by=ada, seen=seen(draft), text=text)
    assert all_of(Delivery) == []


def test_nobody_to_send_to_is_a_plain_refusal(acme, ada):
    talk = make_conversation(acme, customer_email=None, customer_name=None)
    draft = make_draft(talk, trigger=make_message(talk, author_email=None))
    with pytest.raises(Invalid, match="No address is known"):
        decisions.approve(draft, by=ada, seen=seen(draft))


def test_undo_cancels_withdraws_and_waits_again(draft, ada, ben):
    decisions.approve(draft, by=ada, seen=seen(draft), text="Mine.")
    decisions.undo(draft, by=ben)

    assert draft.is_pending
    assert [d.status for d in all_of(Delivery)] == [DeliveryStatus.CANCELLED]
    assert all_of(LearningSample) == []
    assert told(draft)[-1] == "draft.undone"
    assert told(draft)[0] == "draft.edited"


def test_after_undo_it_can_be_decided_again(draft, ada):
    decisions.approve(draft, by=ada, seen=seen(draft))
    decisions.undo(draft, by=ada)
    decisions.approve(draft, by=ada, seen=seen(draft), text="Better.")

    assert sorted(d.status for d in all_of(Delivery)) == ["cancelled", "queued"]
    assert len(all_of(LearningSample)) == 1


def test_undo_of_a_rejection_waits_again(draft, ada):
    decisions.reject(draft, by=ada, seen=seen(draft), reason=RejectionReason.TONE)
    decisions.undo(draft, by=ada)
    assert draft.is_pending


def test_undo_ends_with_its_window(draft, ada, monkeypatch):
    decisions.approve(draft, by=ada, seen=seen(draft))
    later = clock.now() + timedelta(seconds=10)
    monkeypatch.setattr(clock, "now", lambda: later)

    with pytest.raises(Conflict, match="too late to undo: Ada Lovelace approved"):
        decisions.undo(draft, by=ada)


def test_there_is_nothing_to_undo_on_a_waiting_draft(draft, ada):
    with pytest.raises(Conflict, match="no decision"):
        decisions.undo(draft, by=ada)


def test_a_decision_stands_when_a_newer_draft_waits(draft, ada):
    decisions.reject(draft, by=ada, seen=seen(draft), reason=RejectionReason.TONE)
    make_draft(conversation_of(draft))
    with pytest.raises(Conflict, match="newer draft"):
        decisions.undo(draft, by=ada)


def test_a_held_draft_is_decided_by_its_holder(draft, ada, ben):
    claims.claim(draft, by=ada)
    with pytest.raises(claims.HeldByAnother, match="Ada Lovelace has held this draft"):
        decisions.approve(draft, by=ben, seen=seen(draft))
    decisions.approve(draft, by=ada, seen=seen(draft))
    assert claims.holder_of(draft) is None


def test_another_accounts_draft_does_not_exist(draft):
    globex = make_account("Globex")
    with as_account(globex.id), pytest.raises(NotFound):
        lock_draft(globex.id, draft.id)

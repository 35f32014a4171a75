"""Conversations closed, opened again, and called spam by an agent; replies begun by hand."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk import asking, closing, drafting, handwriting, merging, snoozing
from ally.desk.models import ConversationStatus, MessageDirection
from ally.errors import Conflict
from ally.notifications.models import Notification
from ally.review import claims, decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus, EditLabel, LearningSample
from ally.review.queries import lock_draft
from tests.desk.arriving import arrive, letter, told
from tests.factories import (
    act_for,
    make_account,
    make_conversation,
    make_draft,
    make_message,
)
from tests.forms import SWAP, post


@pytest.mark.parametrize("act", [closing.close, closing.put_into_spam])
def test_a_draft_that_waits_is_set_aside_with_the_reason(acme, ada, conversation, act):
    draft = make_draft(conversation)
    act(conversation, by=ada)

    assert conversation.status is ConversationStatus.CLOSED
    assert draft.status is DraftStatus.SUPERSEDED
    with pytest.raises(decisions.AlreadyDecided, match="set aside, since Ada Lovelace"):
        decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))


@pytest.mark.parametrize("act", [closing.close, closing.put_into_spam])
def test_what_is_closed_is_snoozed_no_more(ada, conversation, act):
    draft = make_draft(conversation)
    snoozing.snooze(conversation, ada, clock.now() + timedelta(hours=1))
    act(conversation, by=ada)

    assert (conversation.snoozed_until, draft.snoozed_until) == (None, None)


@pytest.mark.parametrize("act", [closing.close, closing.put_into_spam])
def test_a_draft_that_somebody_else_holds_is_not_taken_from_them(ada, ben, conversation, act):
    claims.claim(make_draft(conversation), by=ben)
    with pytest.raises(claims.HeldByAnother):
        act(conversation, by=ada)


@pytest.mark.parametrize("act", [closing.close, closing.reopen, closing.put_into_spam])
def test_what_was_merged_is_left_alone(acme, ada, conversation, act):
    merging.merge(conversation, make_conversation(acme, conversation.channel), by=ada)
    with pytest.raises(Conflict, match="merged into another"):
        act(conversation, by=ada)


def test_it_is_closed_once_and_opened_once(ada, conversation):
    with pytest.raises(Conflict, match="open already"):
        closing.reopen(conversation, by=ada)
    closing.close(conversation, by=ada)
    with pytest.raises(Conflict, match="closed already"):
        closing.close(conversation, by=ada)
    closing.reopen(conversation, by=ada)

    assert conversation.status is ConversationStatus.OPEN
    assert told(conversation) == [
        "Ada Lovelace closed the conversation",
        "Ada Lovelace opened the conversation again",
    ]


def test_the_customer_opens_it_again(ada, conversation):
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    closing.close(conversation, by=ada)
    arrive(conversation.channel, letter("One more thing.", in_reply_to=[ours.external_id]))

    assert conversation.status is ConversationStatus.OPEN


def test_a_draft_asked_for_before_it_was_closed_is_not_written_after(ada, conversation):
    message = make_message(conversation)
    closing.close(conversation, by=ada)
    drafting.write_draft(message_id=str(message.id))

    assert db.session.scalars(select(Draft)).all() == []


def test_spam_is_none_when_somebody_says_so(ada, conversation):
    closing.put_into_spam(conversation, by=ada)
    assert conversation.is_spam
    for act in (closing.put_into_spam, closing.reopen, handwriting.begin_reply):
        with pytest.raises(Conflict, match="in the spam"):
            act(conversation, by=ada)
    asking.take_out_of_spam(conversation, by=ada)

    assert not conversation.is_spam
    assert conversation.status is ConversationStatus.OPEN


def test_what_a_person_called_spam_stays_there_when_the_customer_writes(ada, conversation):
    theirs = make_message(conversation)
    closing.put_into_spam(conversation, by=ada)
    arrive(conversation.channel, letter("Buy more", in_reply_to=[theirs.external_id]))

    assert (conversation.is_spam, conversation.status) == (True, ConversationStatus.CLOSED)
    assert conversation.called_spam_by_id == ada.id
    assert db.session.scalars(select(Notification)).all() == []
    assert queued("desk.write_draft") == 0


def test_what_is_no_spam_after_all_opens_again_when_they_write(ada, conversation):
    theirs = make_message(conversation)
    closing.put_into_spam(conversation, by=ada)
    asking.take_out_of_spam(conversation, by=ada)
    closing.close(conversation, by=ada)
    arrive(conversation.channel, letter("It was me", in_reply_to=[theirs.external_id]))

    assert (conversation.is_spam, conversation.status) == (False, ConversationStatus.OPEN)


@pytest.mark.parametrize(
    ("act", "left"),
    [(closing.close, DeliveryStatus.QUEUED), (closing.put_into_spam, DeliveryStatus.CANCELLED)],
)
def test_what_goes_out_later_is_held_back_by_spam_and_not_by_closing(ada, conversation, act, left):
    draft = approved(make_draft(conversation), ada, send_at=clock.now() + timedelta(days=1))
    act(conversation, by=ada)

    assert db.session.scalars(select(Delivery.status)).all() == [left]
    was_held = left is DeliveryStatus.CANCELLED
    assert draft.status is (DraftStatus.SUPERSEDED if was_held else DraftStatus.SENT)
    assert len(db.session.scalars(select(Notification)).all()) == was_held


def test_undo_opens_what_was_closed_since(acme, ada, conversation):
    draft = approved(make_draft(conversation), ada)
    closing.close(conversation, by=ada)
    decisions.undo(lock_draft(acme.id, draft.id), by=ada)

    assert draft.is_pending
    assert conversation.status is ConversationStatus.OPEN
    assert "Ada Lovelace opened the conversation again" in told(conversation)


def test_undo_in_the_spam_sends_nothing_and_brings_nothing_back(acme, ada, conversation):
    draft = approved(make_draft(conversation), ada)
    closing.put_into_spam(conversation, by=ada)
    decisions.undo(lock_draft(acme.id, draft.id), by=ada)

    assert db.session.scalars(select(Delivery.status)).all() == [DeliveryStatus.CANCELLED]
    assert (draft.status, conversation.is_spam) == (DraftStatus.SUPERSEDED, True)


def approved(draft, by, **when):
    held = lock_draft(draft.account_id, draft.id)
    decisions.approve(held, by, seen=seen(held), **when)
    db.session.commit()
    return held


def queued(name):
    return db.session.scalar(
        text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name"), {"name": name}
    )


def test_a_reply_is_begun_by_hand_for_the_newest_message(ada, conversation):
    make_message(conversation, "First")
    newest = make_message(conversation, "Second")
    closing.close(conversation, by=ada)
    draft = handwriting.begin_reply(conversation, by=ada)

    assert draft.trigger_message_id == newest.id
    assert (draft.author_user_id, draft.model_key) == (ada.id, "person")
    assert conversation.status is ConversationStatus.OPEN
    assert handwriting.begin_reply(conversation, by=ada).id == draft.id


def test_a_second_reply_to_the_same_message_goes_out_too(acme, ada, conversation):
    first = make_draft(conversation)
    decisions.approve(lock_draft(acme.id, first.id), ada, seen=seen(first))
    second = handwriting.begin_reply(conversation, by=ada)
    action = decisions.approve(
        lock_draft(acme.id, second.id), ada, seen=seen(second), text="And one more thing."
    )

    assert action.final_text == "And one more thing."


def test_what_was_written_by_hand_teaches_nothing_and_is_compared_with_nothing(
    desk, acme, ada, conversation
):
    make_message(conversation)
    draft = handwriting.begin_reply(conversation, by=ada)
    assert "Decisions on drafts like this" not in desk.get(f"/review/{draft.id}").text
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft), text="In my words.")

    assert db.session.scalars(select(LearningSample)).all() == []
    assert db.session.scalars(select(EditLabel)).all() == []


def test_there_is_nothing_to_answer_without_a_message(ada, conversation):
    with pytest.raises(Conflict, match="no message"):
        handwriting.begin_reply(conversation, by=ada)


def test_routes_swap_and_redirect(desk, acme, conversation):
    draft, path = make_draft(conversation), f"/conversations/{conversation.id}"
    following = make_draft(make_conversation(acme))
    at_the_gate = post(desk, f"{path}/closing", headers=SWAP, draft=draft.id)
    assert at_the_gate.headers["HX-Push-Url"] == f"/review/{following.id}"
    opened = post(desk, f"{path}/reopening", headers=SWAP)
    assert 'id="work"' in opened.text
    again = post(desk, f"{path}/closing", draft=draft.id)
    assert again.location == f"/review/{following.id}"
    called = post(desk, f"{path}/spam")
    assert (called.status_code, called.location) == (303, path)
    assert "This is no spam" in desk.get(path).text


def test_write_a_reply_opens_the_gate_to_write(desk, conversation):
    make_message(conversation)
    path = f"/conversations/{conversation.id}"
    assert "Write a reply" in desk.get(path).text
    begun = post(desk, f"{path}/replies")
    swapped = post(desk, f"{path}/replies", headers=SWAP)

    assert begun.location == swapped.headers["HX-Redirect"]
    page = desk.get(begun.location).text
    assert 'data-mode="write"' in page
    assert "Write a reply" not in desk.get(path).text


def test_another_accounts_conversation_does_not_exist(desk, acme):
    theirs = make_conversation(make_account("Globex"))
    act_for(acme)
    for act in ("closing", "reopening", "spam", "replies"):
        assert post(desk, f"/conversations/{theirs.id}/{act}").status_code == 404

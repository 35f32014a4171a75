"""A reply that was taken back was never sent: nothing may count it as an answer."""

from datetime import timedelta

import pytest

from ally import clock
from ally.db import db
from ally.desk import asking, drafting, handwriting, merging, search_queries
from ally.desk.models import Message, MessageDirection
from ally.desk.outgoing import recipients_of
from ally.desk.replies import conversation_of
from ally.desk.search import read
from ally.review import decisions
from ally.review.digest import seen
from ally.review.queries import lock_draft
from tests.desk.arriving import arrive, letter
from tests.factories import make_conversation, make_message

DAYS = timedelta(days=3)


@pytest.fixture
def taken_back(draft, ada):
    decisions.approve(draft, ada, seen=seen(draft), text="Words nobody got.")
    decisions.undo(lock_draft(draft.account_id, draft.id), ada)
    db.session.commit()
    return draft


def test_the_next_draft_answers_all_that_has_no_answer(acme, channel, draft, ada):
    decisions.approve(draft, ada, seen=seen(draft), send_at=clock.now() + DAYS)
    db.session.commit()
    sent = draft.actions[0].sent_msg_id
    arrived = arrive(channel, letter("Any news?", in_reply_to=sent, references=[sent]))

    asked = drafting.question_of(db.session.get_one(Message, arrived.message_id)).text

    assert "Would the 255 lph pump hold 58 psi?" in asked
    assert "Any news?" in asked


def test_merged_afterwards_a_draft_is_written_anew(acme, channel, taken_back, ada, asked_for):
    other = make_conversation(acme, channel)

    merging.merge(conversation_of(taken_back), other, by=ada)

    assert asked_for("desk.write_draft") == [str(taken_back.metadata_["trigger_message_id"])]


@pytest.fixture
def asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(asking, "enqueue", lambda name, **given: asked.append((name, given)))
    return lambda name: [given["message_id"] for asked_name, given in asked if asked_name == name]


def test_the_list_shows_what_was_really_said_last(acme, taken_back, ada):
    row = search_queries.find(read("is:open", clock.now()), ada).rows[0]
    assert row.direction == "inbound"
    assert "pump" in row.snippet


def test_what_is_begun_after_our_own_words_goes_to_the_customer(acme, channel, ada):
    talk = make_conversation(acme, channel)
    make_message(
        talk,
        "We wrote first.",
        direction=MessageDirection.OUTBOUND,
        author_email=channel.from_address,
        author_name="Acme support",
    )

    begun = handwriting.begin_reply(talk, by=ada)

    trigger = db.session.get_one(Message, begun.trigger_message_id)
    assert recipients_of(talk, trigger) == [("Dana Whitfield", "dana@example.com")]

"""Two agents act on one conversation at the same moment: real connections, real commits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ally import clock
from ally.accounts.models import User
from ally.channels.models import Delivery
from ally.db import db, use_account
from ally.desk import assigning, bulk, closing, handwriting, queries, snoozing, tagging, together
from ally.desk.models import Conversation, ConversationStatus, ConversationTag, Tag
from ally.errors import AllyError
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from tests.factories import make_account, make_conversation, make_draft, make_message, make_user

MANY = 12


@pytest.fixture
def crowd(committed):
    """An account with two conversations of one draft each, and agents, saved for good."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        first, second = (make_draft(make_conversation(account)) for _ in range(2))
        agents = [make_user(account, f"Agent {number}").id for number in range(MANY)]
        return account.id, (first.id, second.id), agents


def at_once(app, crowd, *acts):
    """What became of the agents, who do the acts in turn at the same moment."""
    account_id, draft_ids, agents = crowd
    start = threading.Barrier(MANY)

    def one(number):
        with app.app_context():
            use_account(account_id)
            agent = db.session.get_one(User, agents[number])
            drafts = [db.session.get_one(Draft, draft_id) for draft_id in draft_ids]
            chats = [
                queries.find_conversation(account_id, draft.conversation_id) for draft in drafts
            ]
            db.session.rollback()
            start.wait()
            try:
                acts[number % len(acts)](account_id, agent, drafts[0].id, chats)
                db.session.commit()
                return "done"
            except AllyError as refusal:
                db.session.rollback()
                return str(refusal)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def close(_account_id, agent, _draft_id, chats):
    closing.close(chats[0], by=agent)


def approve(account_id, agent, draft_id, _chats):
    draft = lock_draft(account_id, draft_id)
    decisions.approve(draft, by=agent, seen=seen(draft))


def snooze(_account_id, agent, _draft_id, chats):
    snoozing.snooze(chats[0], agent, clock.now() + timedelta(hours=1))


def test_of_many_who_assign_what_nobody_had_one_wins(committed, crowd):
    def assign(_account_id, agent, _draft_id, chats):
        assigning.refuse_if_moved(chats[0], seen=None)
        assigning.assign(chats[0], agent, by=agent)

    answers = at_once(committed, crowd, assign)

    assert answers.count("done") == 1
    assert all("Somebody was faster" in answer for answer in answers if answer != "done")


def test_closed_while_it_is_approved_it_goes_out_once_or_not_at_all(committed, crowd):
    answers = at_once(committed, crowd, close, approve, snooze)

    assert all("lock" not in answer for answer in answers)
    with committed.app_context():
        use_account(crowd[0])
        draft = db.session.get_one(Draft, crowd[1][0])
        conversation = db.session.get_one(Conversation, draft.conversation_id)
        sent = db.session.scalar(select(func.count()).select_from(Delivery))
        assert conversation.status is ConversationStatus.CLOSED
        assert (draft.snoozed_until, conversation.snoozed_until) == (None, None)
        assert (draft.status, sent) in {(DraftStatus.SENT, 1), (DraftStatus.SUPERSEDED, 0)}


def test_a_tag_that_many_make_at_once_is_one(committed, crowd):
    def tag(_account_id, agent, _draft_id, chats):
        for conversation in chats[:: 1 if agent.display_name < "Agent 5" else -1]:
            tagging.add(conversation, "Warranty", by=agent)
            db.session.commit()

    assert at_once(committed, crowd, tag) == ["done"] * MANY
    with committed.app_context():
        use_account(crowd[0])
        for model, count in ((Tag, 1), (ConversationTag, 2)):
            assert db.session.scalar(select(func.count()).select_from(model)) == count


def test_many_who_begin_a_reply_write_one(committed, crowd):
    with committed.app_context():
        use_account(crowd[0])
        conversation = make_conversation(db.session.get_one(User, crowd[2][0]).account)
        make_message(conversation)
        here = conversation.id

    def begin(account_id, agent, _draft_id, _chats):
        handwriting.begin_reply(queries.find_conversation(account_id, here), by=agent)

    assert at_once(committed, crowd, begin) == ["done"] * MANY
    with committed.app_context():
        use_account(crowd[0])
        counted = select(func.count()).where(Draft.conversation_id == here)
        assert db.session.scalar(counted) == 1


def test_tagging_several_and_tagging_one_of_them_do_not_wait_for_each_other(committed, crowd):
    tagged, waits = threading.Event(), threading.Event()

    def several(_account_id, agent, _draft_id, chats):
        tagging.add(chats[0], "Warranty", by=agent)
        tagged.set()
        waits.wait(1)
        tagging.add(chats[1], "Warranty", by=agent)

    def one(_account_id, agent, _draft_id, chats):
        tagged.wait(5)
        tagging.add(chats[1], "Warranty", by=agent)

    assert in_turn(committed, crowd, several, one) == ["done", "done"]


def test_approving_several_and_closing_them_do_not_wait_for_each_other(committed, crowd):
    account_id, (first, second), _agents = crowd
    with committed.app_context():
        use_account(account_id)
        moved, other = (db.session.get_one(Draft, one) for one in (first, second))
        # The draft that was written first is in the conversation that came last.
        moved.conversation_id, other.conversation_id = other.conversation_id, moved.conversation_id
        moved.status, held = DraftStatus.SUPERSEDED, moved.status
        db.session.flush()
        moved.status = held
        db.session.commit()
        shown = {draft.id: seen(draft) for draft in (moved, other)}
    both = threading.Barrier(2)

    def approve_both(_account_id, agent, _draft_id, _chats):
        both.wait()
        together.approve_each(shown, by=agent)

    def close_both(_account_id, agent, _draft_id, chats):
        both.wait()
        bulk.act_on_each([chat.id for chat in chats], lambda one: closing.close(one, agent), agent)

    assert in_turn(committed, crowd, approve_both, close_both) == ["done", "done"]


def in_turn(app, crowd, *acts):
    """What became of the first agents, each doing one of the acts."""
    account_id, draft_ids, agents = crowd

    def one(number):
        with app.app_context():
            use_account(account_id)
            agent = db.session.get_one(User, agents[number])
            chats = [
                queries.find_conversation(
                    account_id, db.session.get_one(Draft, draft_id).conversation_id
                )
                for draft_id in draft_ids
            ]
            acts[number](account_id, agent, draft_ids[0], chats)
            db.session.commit()
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, range(len(acts))))

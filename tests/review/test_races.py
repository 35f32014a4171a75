"""Many at once: real connections, real commits."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from ally.accounts.models import User
from ally.channels.models import Delivery
from ally.db import db, use_account
from ally.errors import Conflict
from ally.events import chain
from ally.review import claims, decisions
from ally.review.digest import seen
from ally.review.models import Claim, DraftAction, LearningSample
from ally.review.queries import find_draft, lock_draft
from tests.factories import make_account, make_conversation, make_draft, make_user

MANY = 50


@pytest.fixture
def crowd(committed):
    """An account with a waiting draft and fifty agents, saved for good."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        draft = make_draft(make_conversation(account))
        agents = [make_user(account, f"Agent {number}").id for number in range(MANY)]
        return account.id, draft.id, agents


def at_once(app, crowd, act):
    """What became of fifty agents doing the same at the same moment."""
    account_id, draft_id, agents = crowd
    start = threading.Barrier(MANY)

    def one(agent_id):
        with app.app_context():
            use_account(account_id)
            agent = db.session.get_one(User, agent_id)
            db.session.rollback()  # the connection goes back, so that all can wait together
            start.wait()
            try:
                act(account_id, draft_id, agent)
                db.session.commit()
                return "done"
            except Conflict as refusal:
                db.session.rollback()
                return str(refusal)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, agents))


def counted(app, account_id, model):
    with app.app_context():
        use_account(account_id)
        return db.session.scalar(select(func.count()).select_from(model))


def test_fifty_approvals_are_one_delivery(committed, crowd):
    def approve(account_id, draft_id, agent):
        draft = lock_draft(account_id, draft_id)
        decisions.approve(draft, by=agent, seen=seen(draft))

    answers = at_once(committed, crowd, approve)

    assert answers.count("done") == 1
    assert all("approved this draft at" in answer for answer in answers if answer != "done")
    for model in (Delivery, DraftAction, LearningSample):
        assert counted(committed, crowd[0], model) == 1
    with committed.app_context():
        use_account(crowd[0])
        assert chain.verify(crowd[0]).is_whole


def test_fifty_claims_have_one_holder(committed, crowd):
    def claim(account_id, draft_id, agent):
        claims.claim(lock_draft(account_id, draft_id), by=agent)

    answers = at_once(committed, crowd, claim)

    told = [answer for answer in answers if answer != "done"]
    assert len(told) == MANY - 1
    assert all(answer.startswith(f"{holder(committed, crowd[0])} has held") for answer in told)
    assert counted(committed, crowd[0], Claim) == 1


def test_fifty_claims_without_holding_the_draft_have_one_holder(committed, crowd):
    def claim(account_id, draft_id, agent):
        claims.claim(find_draft(account_id, draft_id), by=agent)

    answers = at_once(committed, crowd, claim)

    assert answers.count("done") == 1
    assert answers.count("Somebody else held this draft a moment ago. Try again.") == 0
    assert counted(committed, crowd[0], Claim) == 1


def holder(app, account_id):
    with app.app_context():
        use_account(account_id)
        return db.session.scalars(select(Claim)).one().user.display_name

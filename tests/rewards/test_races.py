"""Many at once, on real connections with real commits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ally import clock
from ally.accounts.models import Account, Role, User
from ally.db import db, use_account
from ally.errors import Conflict
from ally.ledger import books
from ally.ledger.models import LedgerAccountName as Name
from ally.ledger.models import LedgerEntry
from ally.rewards import funding, payouts
from ally.rewards.campaigns import get_campaign, lock_campaign
from ally.rewards.models import CampaignEpoch, Payout
from ally.rewards.rolling import roll
from tests.factories import make_account, make_user
from tests.rewards.factories import (
    START,
    VAULT,
    WEEK,
    a_hash,
    approve,
    make_campaign,
    make_decision,
    make_earner,
    make_running,
    make_scored,
)

MANY = 8
SETTLED = START + WEEK + timedelta(hours=2)


@pytest.fixture
def season(committed, monkeypatch):
    """A running campaign whose first epoch is due to close, saved for good."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        ida = make_user(account, "Ida Admin", role=Role.ADMIN)
        running, draft = make_running(ida), make_campaign(ida)
        make_scored(make_earner(), 1, START)
        db.session.commit()
        known = account.id, ida.id, running.id, draft.id
    monkeypatch.setattr(clock, "now", lambda: SETTLED)
    return known


def at_once(app, account_id, act):
    """What became of many doing the same at the same moment; None of whoever was refused."""
    start = threading.Barrier(MANY)

    def one(_number):
        with app.app_context():
            use_account(account_id)
            start.wait()
            try:
                done = act()
                db.session.commit()
                return done
            except Conflict:
                db.session.rollback()
                return None

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_many_workers_close_an_epoch_once(committed, season):
    account_id, _, campaign_id, _ = season
    steps = at_once(committed, account_id, lambda: roll(campaign_id))

    assert sorted(steps) == [0] * (MANY - 1) + [3]
    with committed.app_context():
        use_account(account_id)
        assert db.session.scalar(select(func.count()).select_from(CampaignEpoch)) == 2
        assert db.session.scalar(select(func.count()).select_from(Payout)) == 1
        held = books.balances(get_campaign(campaign_id).book_id)
        assert (held[Name.ALLOCATED], held[Name.UNALLOCATED]) == (1_000, 9_000)


def test_a_transaction_is_counted_once_however_many_tell_of_it(committed, season):
    account_id, ida_id, _, draft_id = season
    tx_hash = a_hash()

    def vouch():
        ida = db.session.get_one(User, ida_id)
        told = {"vault": VAULT, "tx_hash": tx_hash, "amount": 10_000, "reason": "Seen"}
        return funding.vouch_for(lock_campaign(draft_id), ida, **told).id

    answers = at_once(committed, account_id, vouch)

    assert len([answer for answer in answers if answer]) == 1
    with committed.app_context():
        use_account(account_id)
        assert books.balances(get_campaign(draft_id).book_id)[Name.UNALLOCATED] == 10_000


def test_a_payout_is_sent_once_however_many_workers_take_it(committed, season):
    account_id, ida_id, campaign_id, _ = season
    with committed.app_context():
        use_account(account_id)
        roll(campaign_id)
        account = db.session.get_one(Account, account_id)
        (payout,) = payouts.payouts_of_campaign(campaign_id)
        approve([payout], make_decision(account, db.session.get_one(User, ida_id)))
        db.session.commit()
        payout_id = payout.id

    attempts = at_once(committed, account_id, lambda: payouts.begin(payouts.lock_payout(payout_id)))

    assert [each for each in attempts if each] == [1]
    with committed.app_context():
        use_account(account_id)
        sent = select(func.count()).select_from(LedgerEntry).filter_by(movement="send")
        assert db.session.scalar(sent) == 1

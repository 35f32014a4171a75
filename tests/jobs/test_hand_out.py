"""What came in becomes jobs: of every account, in the order in which it was stored, each once."""

import pytest
from sqlalchemy import text

from ally.channels import webhooks
from ally.db import current_account_id, db, use_account
from ally.jobs import tables
from tests.factories import act_for, make_account, make_channel


@pytest.fixture
def caller(acme):
    return caller_of(acme)


def caller_of(account):
    channel = make_channel(account)
    return webhooks.Caller(account.id, channel.id, channel.platform, ("secret",))


def store(caller, number):
    return str(webhooks.store_mail(caller, b"Subject: %d\r\n\r\nWhich pump?" % number).event_id)


def jobs():
    asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'desk.take_in' ORDER BY id")
    return [job["event_id"] for job in db.session.scalars(asked)]


def test_events_are_handed_out_once_in_the_order_in_which_they_came(caller):
    events = [store(caller, number) for number in range(3)]

    assert (tables.hand_out(), tables.hand_out()) == (3, 0)

    assert jobs() == events


def test_no_more_than_so_many_are_handed_out_at_once(caller, monkeypatch):
    monkeypatch.setattr(tables, "MOST_HANDED_OUT", 2)
    events = [store(caller, number) for number in range(3)]

    assert tables.hand_out() == 2
    assert jobs() == events[:2]
    assert tables.hand_out() == 1
    assert jobs() == events


def test_the_same_mail_waits_once(caller):
    first = store(caller, 1)

    assert store(caller, 1) == first
    assert tables.hand_out() == 1
    assert store(caller, 1) == first
    assert tables.hand_out() == 0


def test_all_accounts_mails_are_handed_out_and_each_is_named(acme, caller):
    ours = store(caller, 1)
    globex = make_account("Globex")
    act_for(globex)
    theirs = store(caller_of(globex), 1)
    use_account(None)

    assert tables.hand_out() == 2

    asked = text("SELECT args->>'account_id', args->>'event_id' FROM procrastinate_jobs")
    named = {tuple(row) for row in db.session.execute(asked)}
    assert named == {(str(acme.id), ours), (str(globex.id), theirs)}


def test_while_one_hands_out_another_leaves_it_to_it(committed):
    with committed.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        store(caller_of(acme), 1)
        db.session.commit()
        with db.engine.connect() as other:
            asked = text("SELECT hand_out_events(10)")
            assert other.scalar(asked) == 1
            assert tables.hand_out() == 0
            other.rollback()
        db.session.rollback()

        assert tables.hand_out() == 1
        assert current_account_id() == acme.id

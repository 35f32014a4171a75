"""The trail is append-only, and shows every change that somebody made behind its back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlalchemy.exc import ProgrammingError

from ally.db import db, use_account
from ally.events import chain, trail
from ally.review.queries import find_draft
from tests.factories import make_account, make_conversation, make_draft


@pytest.fixture
def told(acme, ada):
    """A draft of which three things are told."""
    draft = make_draft(make_conversation(acme))
    trail.record(draft, "draft.written", sources="3 sources", seconds="0.4")
    trail.record(draft, "draft.claimed", by=ada)
    trail.record(draft, "draft.rejected", by=ada, reason="tone: „zu knapp“ 👎")
    trail.seal()
    return draft


def as_owner(statement):
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(text(statement))
    db.session.execute(text("SET LOCAL ROLE app_rw"))


def test_a_timeline_is_a_list_of_sentences(told):
    db.session.expire_all()
    assert [str(event) for event in trail.timeline(told)] == [
        "Ally wrote a draft from 3 sources in 0.4 s",
        "Ada Lovelace claimed the draft",
        "Ada Lovelace rejected the draft: tone: „zu knapp“ 👎",
    ]


def test_an_untouched_chain_is_whole(acme, told):
    verdict = chain.verify(acme.id)
    assert (verdict.links, verdict.problem) == (3, None)


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE event SET actor_name = 'Mallory' WHERE seq = 2", "What event number 2 says"),
        ("UPDATE event SET particulars = '{}' WHERE seq = 1", "What event number 1 says"),
        ("UPDATE event SET action = 'draft.approved' WHERE seq = 3", "number 3 does not follow"),
        ("UPDATE event SET at = at + interval '1 hour' WHERE seq = 3", "number 3 does not follow"),
        ("DELETE FROM event WHERE seq = 2", "number 2 is missing"),
        ("DELETE FROM event WHERE seq = 3", "after number 2 are missing"),
        ("DELETE FROM event", "after number 0 are missing"),
    ],
)
def test_tampering_is_found(acme, told, tampering, problem):
    as_owner(tampering)
    db.session.expire_all()
    assert problem in chain.verify(acme.id).problem


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor_name = 'Mallory'",
        "DELETE FROM event",
        "TRUNCATE event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "UPDATE event_head SET seq = 0",
        "INSERT INTO event_head SELECT account_id, 9, '' FROM event_head",
        "UPDATE draft_action SET final_text = 'else'",
        "DELETE FROM draft_action",
        "UPDATE events_raw SET body = ''",
        "DELETE FROM events_raw",
        "DELETE FROM message",
        "UPDATE message SET body_text = 'else'",
        "DROP TABLE event",
        "CREATE TABLE mine (id int)",
        "SELECT create_account('Mine', '{}', NULL)",
    ],
)
def test_the_application_may_only_append(told, statement):
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        db.session.execute(text(statement))


def test_each_account_has_a_chain_of_its_own(acme, told):
    globex = make_account("Globex")
    db.session.commit()
    assert chain.verify(globex.id).links == 0
    assert chain.verify(acme.id).links == 3


def tell(app, account_id, draft_id):
    with app.app_context():
        use_account(account_id)
        trail.record(find_draft(account_id, draft_id), "draft.written", sources="1", seconds="1")
        db.session.commit()


def test_an_event_that_comes_while_the_chain_is_read_is_no_fault(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        draft = make_draft(make_conversation(account))
        db.session.commit()

        told_meanwhile = []

        def tell_meanwhile(connection, cursor, statement, *_):
            if "FROM event_head" in statement and not told_meanwhile:
                told_meanwhile.append(True)
                with ThreadPoolExecutor(1) as another:
                    another.submit(tell, committed, account.id, draft.id).result()

        listen(db.engine, "before_cursor_execute", tell_meanwhile)
        verdict = chain.verify(account.id)

    assert told_meanwhile
    assert (verdict.links, verdict.problem) == (1, None)

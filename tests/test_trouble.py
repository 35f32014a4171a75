"""What becomes of a request, and of what is logged about it, when the database says no."""

import logging

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from ally.db import db, use_account
from tests.factories import make_account, make_conversation, make_draft, make_user, sign_in

REFUSING = """
CREATE OR REPLACE FUNCTION chain_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$
"""


@pytest.fixture
def draft_of_ada(committed):
    """A browser that Ada is signed in with, and a draft of hers, saved for good."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        draft = make_draft(make_conversation(account))
        client = committed.test_client()
        sign_in(client, make_user(account, "Ada Lovelace"))
        db.session.commit()
        return client, draft.id


@pytest.mark.parametrize(
    ("code", "status"),
    [("40P01", 503), ("53100", 503), ("22P05", 422), ("XX000", 500)],
    ids=["a deadlock", "a full disk", "what cannot be stored", "a fault of ours"],
)
def test_a_refusal_at_the_commit_is_answered_as_one_before_it(
    committed, draft_of_ada, code, status
):
    client, draft_id = draft_of_ada
    committed.config.update(TESTING=False, WTF_CSRF_ENABLED=False)
    url = committed.config["ALLY"].database_url
    with psycopg.connect(url) as connection:
        connection.execute(REFUSING.format(code=code))

    answer = client.post(f"/drafts/{draft_id}/claim")

    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("2" if status == 503 else None)


def test_what_the_database_refuses_is_not_quoted_in_the_log(rolled_back, caplog):
    said = "DANA".lower()  # the traceback shows this line, too

    with pytest.raises(DataError) as refused:
        db.session.execute(text("SELECT 1 / (length(:said) - 4)"), {"said": said})

    logging.getLogger("ally").error("database unavailable", exc_info=refused.value)

    assert "DataError" in caplog.text
    assert said not in caplog.text


@pytest.mark.parametrize(
    ("path", "said"),
    [("/nowhere", "Diese Seite gibt es nicht."), ("/logout", "nimmt diese Methode nicht an")],
)
def test_what_cannot_be_answered_is_told_in_the_readers_language(client, path, said):
    assert said in client.get(path, headers={"Accept-Language": "de"}).text

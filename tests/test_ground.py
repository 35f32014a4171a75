from sqlalchemy import text

from ally.accounts.models import User
from ally.db import db, use_account
from ally.events import trail
from tests.factories import make_account, make_draft, make_conversation, make_user


def test_alive(client):
    assert client.get("/healthz").status_code == 200


def test_a_session_sees_one_account(acme, ada):
    globex = make_account("Globex")
    make_user(globex, "Gina")
    assert [u.display_name for u in db.session.scalars(db.select(User))] == ["Ada Lovelace"]
    use_account(globex.id)
    assert [u.display_name for u in db.session.scalars(db.select(User))] == ["Gina"]
    use_account(None)
    assert db.session.scalars(db.select(User)).all() == []


def test_events_are_chained(acme, ada):
    draft = make_draft(make_conversation(acme))
    trail.record(draft, "draft.claimed", by=ada)
    trail.record(draft, "draft.released", by=ada)
    trail.seal()
    db.session.expire_all()
    first, second = trail.timeline(draft)
    assert (first.seq, second.seq) == (1, 2)
    assert first.hash != second.hash
    print(db.session.scalar(text("select event_link(e, '') from event e where seq=1")), first.hash)

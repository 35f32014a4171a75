"""The pulse: what open pages hear, and who may hear it, by the short way and by the long one."""

import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.accounts import sessions, users
from ally.accounts.models import User
from ally.db import db, use_account
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import claims, pulse
from ally.review.models import Claim, Presence
from ally.review.pulse_path import PulsePath
from ally.review.queries import find_draft, lock_draft
from tests.factories import make_account, make_conversation, make_draft, make_user, sign_in

OURS = {"Sec-Fetch-Site": "same-origin", "HX-Request": "true"}


@pytest.fixture(params=["short", "long"])
def desk(request, committed, monkeypatch):
    """A desk on real commits, asked before the application and within it."""
    if request.param == "long":
        monkeypatch.setattr("ally.review.pulse_path.PATH", "/nowhere")
    monkeypatch.setattr(pulse, "FRESH", 0)
    monkeypatch.setattr(pulse, "FRESH_UNREAD", 0)
    with committed.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        yield Desk(committed, acme, request.param == "short")


class Desk:
    def __init__(self, app, acme, is_short):
        self.app, self.acme, self.is_short = app, acme, is_short
        self.ada, self.ben = make_user(acme, "Ada Lovelace"), make_user(acme, "Ben Okri")

    def browser(self, user):
        return sign_in(self.app.test_client(), user)

    def draft(self):
        return make_draft(make_conversation(self.acme))

    def ask(self, browser, headers=OURS, **asked):
        answer = browser.get("/pulse", query_string=asked, headers=headers)
        if answer.status_code in {200, 204}:
            assert ("X-Request-Id" not in answer.headers) == self.is_short
        return answer

    def hear(self, browser, **asked):
        return json.loads(self.ask(browser, **asked).data)


def test_a_page_hears_of_a_new_draft_and_of_nothing_while_nothing_changes(desk):
    ada = desk.browser(desk.ada)
    before = desk.hear(ada)
    assert desk.ask(ada, version=before["version"]).status_code == 204

    desk.draft()
    after = desk.hear(ada, version=before["version"])

    assert (before["waiting"], after["waiting"]) == (0, 1)
    assert after["queue"] != before["queue"]


def test_the_queue_has_changed_when_somebody_claims_or_lets_go(desk):
    ada, draft = desk.browser(desk.ada), desk.draft()
    heard = [desk.hear(ada)["queue"]]
    claims.claim(lock_draft(desk.acme.id, draft.id), desk.ben)
    db.session.commit()
    heard.append(desk.hear(ada)["queue"])
    claims.release(lock_draft(desk.acme.id, draft.id), desk.ben)
    db.session.commit()
    heard.append(desk.hear(ada)["queue"])
    assert len(set(heard)) == 3


def test_a_place_has_changed_when_something_happens_there(desk):
    ada, draft, other = desk.browser(desk.ada), desk.draft(), desk.draft()
    before = desk.hear(ada, at=draft.conversation_id)
    claims.claim(lock_draft(desk.acme.id, other.id), desk.ben)
    db.session.commit()
    assert desk.hear(ada, at=draft.conversation_id)["place"] == before["place"]

    claims.claim(lock_draft(desk.acme.id, draft.id), desk.ben)
    db.session.commit()

    assert desk.hear(ada, at=draft.conversation_id)["place"] != before["place"]


def test_each_person_hears_of_their_own_lines(desk):
    ada, ben = desk.browser(desk.ada), desk.browser(desk.ben)
    for browser in (ada, ben):
        assert desk.hear(browser)["unread"] == 0
    feed.notify(
        desk.acme.id, NotificationType.MENTION, to=[desk.ben.id], title="Ada asks", url="/c/1"
    )
    db.session.commit()
    assert [desk.hear(browser)["unread"] for browser in (ada, ben)] == [0, 1]


# --- who is where


def test_a_colleague_is_seen_and_seen_to_write_and_gone_when_they_leave(desk):
    ada, ben, draft = desk.browser(desk.ada), desk.browser(desk.ben), desk.draft()
    place = str(draft.conversation_id)

    desk.ask(ada, at=place)
    assert desk.hear(ben)["here"] == [
        [place, str(desk.ada.id), "Ada Lovelace", "AL", *tint(desk.ada), False]
    ]
    desk.ask(ada, at=place, types=1)
    assert desk.hear(ben)["here"][0][-1] is True
    desk.ask(ada, left=place)
    assert desk.hear(ben)["here"] == []


def tint(user):
    from ally.marks import tint

    return [tint(user.display_name)]


def test_who_is_silent_is_gone_and_swept(desk, monkeypatch):
    from ally.review import presence

    ada, ben = desk.browser(desk.ada), desk.browser(desk.ben)
    desk.ask(ada, at=desk.draft().conversation_id)
    db.session.execute(text("UPDATE presence SET seen_at = seen_at - interval '61 seconds'"))
    db.session.commit()
    assert desk.hear(ben)["here"] == []

    presence.forget_old()
    assert db.session.scalars(select(Presence)).all() == []


def test_presence_is_written_seldom(desk):
    if not desk.is_short:
        return
    ada, place = desk.browser(desk.ada), desk.draft().conversation_id
    desk.ask(ada, at=place)
    seen = written()
    for _ in range(5):
        desk.ask(ada, at=place)
    assert written() == seen
    desk.ask(ada, at=place, types=1)
    assert written() > seen


def written():
    db.session.rollback()
    return db.session.scalar(select(Presence.seen_at))


def test_another_site_cannot_say_where_somebody_is(desk):
    ada, place = desk.browser(desk.ada), desk.draft().conversation_id
    answer = ada.get(f"/pulse?at={place}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert written() is None


# --- claims are kept alive


def test_an_open_page_keeps_its_holders_claim_and_writes_it_seldom(desk):
    ada, draft = desk.browser(desk.ada), desk.draft()
    claims.claim(lock_draft(desk.acme.id, draft.id), desk.ada)
    db.session.commit()
    first = end_of(draft)
    ask_twice(desk, ada, draft)
    assert end_of(draft) == first

    age(draft, claims.CLAIM_LASTS / 2)
    ask_twice(desk, ada, draft)

    assert end_of(draft) > first


def test_a_page_of_somebody_else_keeps_no_claim_alive_nor_one_that_ran_out(desk):
    ada, ben, draft = desk.browser(desk.ada), desk.browser(desk.ben), desk.draft()
    claims.claim(lock_draft(desk.acme.id, draft.id), desk.ada)
    db.session.commit()
    age(draft, timedelta(minutes=4))
    ending = end_of(draft)
    ask_twice(desk, ben, draft)
    assert end_of(draft) == ending

    age(draft, timedelta(minutes=2))
    ask_twice(desk, ada, draft)

    assert claims.holder_of(find_draft(desk.acme.id, draft.id)) is None


def ask_twice(desk, browser, draft):
    for _ in range(2):  # the short way hears of a claim, and writes it with the next
        desk.ask(browser, draft=draft.id)


def end_of(draft):
    db.session.rollback()
    return db.session.scalar(select(Claim.expires_at).where(Claim.draft_id == draft.id))


def age(draft, by):
    db.session.execute(
        text("UPDATE claim SET expires_at = expires_at - :by WHERE draft_id = :id"),
        {"by": by, "id": draft.id},
    )
    db.session.commit()


# --- who may hear


def test_nobody_hears_without_a_session(desk):
    stranger = desk.app.test_client()
    assert desk.ask(stranger).status_code == 401
    stranger.set_cookie("ally", "forged.cookie.value")
    assert desk.ask(stranger).status_code == 401


def test_what_strangers_send_is_not_remembered():
    def token_in(cookie):
        return cookie.removeprefix("signed-") if cookie.startswith("signed-") else None

    path = PulsePath(None, None, cookie="ally", token_in=token_in, idle_hours=1, headers=())
    for cookies in ("ally=forged", "", "other=1", f"ally=signed-1; other={'x' * 8_000}"):
        path.session_in(cookies)
    assert path.sessions == {}

    assert path.session_in("ally=signed-1") is not None
    assert [*path.sessions] == ["ally=signed-1"]


@pytest.mark.parametrize("end", ["sign out", "deactivate", "expire", "idle"])
def test_who_is_shut_out_hears_nothing_within_five_seconds(desk, end, monkeypatch):
    ada = desk.browser(desk.ada)
    assert desk.ask(ada).status_code == 200
    shut_out(desk, end)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 4.5)

    assert desk.ask(ada).status_code == 401


def shut_out(desk, how):
    if how == "sign out":
        sessions.end_all_of(desk.ada.id)
    elif how == "deactivate":
        users.deactivate(db.session.get_one(User, desk.ada.id))
    else:
        column = {"expire": "expires_at", "idle": "last_seen_at"}[how]
        db.session.execute(text(f"UPDATE user_session SET {column} = now() - interval '9 hours'"))
    db.session.commit()


def test_polls_alone_do_not_keep_a_session_alive(desk):
    if not desk.is_short:
        return
    ada = desk.browser(desk.ada)
    db.session.execute(text("UPDATE user_session SET last_seen_at = now() - interval '1 hour'"))
    db.session.commit()
    desk.ask(ada)
    db.session.rollback()
    seen = db.session.scalar(text("SELECT last_seen_at FROM user_session"))
    assert clock.now() - seen > timedelta(minutes=59)


def test_an_account_hears_nothing_of_another(desk):
    ada, draft = desk.browser(desk.ada), desk.draft()
    globex = make_account("Globex")
    use_account(globex.id)
    gina = desk.browser(make_user(globex, "Gina"))
    desk.ask(ada, at=draft.conversation_id, types=1)

    heard = desk.hear(gina, at=draft.conversation_id, draft=draft.id)

    assert (heard["waiting"], heard["place"]) == (0, "")
    assert "Ada" not in str(heard["here"])
    assert "Gina" not in str(desk.hear(ada)["here"])


@pytest.mark.parametrize("asked", ["at=x&draft=%00&left=1", "at=" + "a" * 900, "version=%ff&&=&at"])
def test_what_cannot_be_read_is_left_out(desk, asked):
    ada = desk.browser(desk.ada)
    assert ada.get(f"/pulse?{asked}", headers=OURS).status_code == 200

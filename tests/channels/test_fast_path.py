"""The fast path: the same promises as the whole application, kept in one statement."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select, text

from ally import clock
from ally.channels import secrets
from ally.channels.fast_path import Counts, is_ordinary
from ally.channels.fast_store import Mail, Store
from ally.channels.models import Channel, EventsRaw, IntakeWaiting
from ally.db import db, use_account
from tests.channels.test_group_commit import at_once
from tests.conftest import app_of_its_own
from tests.factories import make_account, make_channel

MAIL = b"Subject: short\r\n\r\nWhich pump?"


@pytest.fixture
def shop(committed):
    with committed.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        make_channel(acme, key="support", secret="secret")
        yield committed


def post(app, body=MAIL, *, secret="secret", key="support", **headers):
    sent = {"Authorization": f"Bearer {secret}", "Content-Type": "message/rfc822"} | headers
    return app.test_client().post(f"/webhooks/mail/{key}", data=body, headers=sent)


def came_by_the_fast_path(answer):
    """The application gives each of its answers a number, and the fast path does not."""
    return "X-Request-Id" not in answer.headers


def stored():
    db.session.rollback()
    return db.session.scalars(select(EventsRaw).order_by(EventsRaw.id)).all()


def waiting():
    """How many events wait to be handed to a worker."""
    return db.session.scalar(select(func.count()).select_from(IntakeWaiting))


def channel():
    return db.session.scalars(select(Channel)).one()


def test_a_mail_is_stored_and_waits_for_a_worker(shop):
    answer = post(shop)

    assert came_by_the_fast_path(answer)
    assert (answer.status_code, answer.json["status"]) == (202, "accepted")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (kept,) = stored()
    assert (str(kept.id), kept.body, kept.platform) == (answer.json["event_id"], MAIL, "mail")
    assert kept.idempotency_key.endswith(hashlib.sha256(MAIL).hexdigest())
    assert waiting() == 1


def test_both_ways_know_each_others_mails(shop):
    by_the_long_way = post(shop, Origin="http://localhost")
    again = post(shop)

    assert not came_by_the_fast_path(by_the_long_way)
    assert came_by_the_fast_path(again)
    assert again.json == by_the_long_way.json | {"status": "duplicate"}
    assert (len(stored()), waiting()) == (1, 1)


def test_fifty_at_once_are_each_stored_once(shop):
    bodies = [b"Subject: %d\r\n\r\nx" % (number % 25) for number in range(50)]
    answers = at_once([lambda body=body: post(shop, body) for body in bodies])

    assert [answer.status_code for answer in answers] == [202] * 50
    assert sorted(answer.json["status"] for answer in answers).count("accepted") == 25
    assert (len(stored()), waiting()) == (25, 25)


def test_two_accounts_in_one_commit_stay_apart(shop):
    globex = make_account("Globex")
    make_channel(globex, key="globex", secret="other")
    calls = [lambda k=k, s=s: post(shop, key=k, secret=s) for k, s in
             [("support", "secret"), ("globex", "other")] * 10]  # fmt: skip
    at_once(calls)

    assert len(stored()) == 1
    use_account(globex.id)
    assert [event.account_id for event in stored()] == [globex.id]


@pytest.mark.parametrize("secret", ["wrong", "", "SECRET", "secret2"])
def test_a_wrong_secret_is_refused_by_the_application(shop, secret):
    answer = post(shop, secret=secret)

    assert answer.status_code == 401
    assert not stored()


def test_a_secret_that_was_changed_counts_no_more(shop):
    assert came_by_the_fast_path(post(shop))
    channel().secret_sealed = secrets.seal("new")
    db.session.commit()

    assert post(shop, b"Subject: 2\r\n\r\nx").status_code == 401
    assert post(shop, b"Subject: 3\r\n\r\nx", secret="new").status_code == 202
    assert len(stored()) == 2


def test_the_old_secret_counts_while_it_overlaps(shop):
    post(shop)
    ours = channel()
    ours.old_secret_sealed, ours.secret_sealed = ours.secret_sealed, secrets.seal("new")
    ours.old_secret_until = clock.now() + timedelta(hours=1)
    db.session.commit()

    assert post(shop, b"Subject: 2\r\n\r\nx").status_code == 202
    assert came_by_the_fast_path(post(shop, b"Subject: 3\r\n\r\nx", secret="new"))


def test_a_channel_that_is_off_takes_nothing(shop):
    post(shop)
    channel().is_active = False
    db.session.commit()

    assert post(shop, b"Subject: 2\r\n\r\nx").status_code == 503
    assert len(stored()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Authorization": "Basic c2VjcmV0"},
    ],
)
def test_whatever_is_unusual_goes_the_long_way(shop, headers):
    answer = post(shop, **headers)

    assert not came_by_the_fast_path(answer)
    assert answer.status_code in {401, 403, 415}
    assert not stored()


def test_an_empty_mail_is_refused_by_the_application(shop):
    assert post(shop, b"\r\n \r\n").status_code == 422
    assert not stored()


def test_a_lost_connection_costs_no_mail(shop, server):
    post(shop)
    with psycopg.connect(server.url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND query LIKE '%%intake_waiting%%'",
            [db.session.scalar(text("SELECT current_database()"))],
        )

    answers = [post(shop, b"Subject: %d\r\n\r\nx" % number) for number in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert came_by_the_fast_path(answers[-1])
    assert (len(stored()), waiting()) == (4, 4)


def test_beyond_the_limit_the_application_counts(server, settings):
    with (
        app_of_its_own(server, settings, "ally_fast_path_limit", mails_per_minute=3) as app,
        app.app_context(),
    ):
        make_channel(make_account("Acme"), key="support", secret="secret")
        answers = [post(app, b"Subject: %d\r\n\r\nx" % number) for number in range(7)]

    assert [answer.status_code for answer in answers] == [202] * 6 + [429]


def test_a_new_minute_begins_a_new_count(monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr("ally.channels.fast_path.time.monotonic", lambda: moment[0])
    counts = Counts(1)

    assert (counts.admits("a"), counts.admits("a"), counts.admits("b")) == (True, False, True)
    moment[0] += 61
    assert counts.admits("a")


def test_nothing_is_stored_for_a_secret_that_is_not_the_channels(shop):
    store = Store(db.engine)
    known = replace(store.known("support"), sealed=b"x")

    assert store.take([Mail("support", known, MAIL)]) == [None]
    assert db.session.scalar(select(func.count()).select_from(EventsRaw)) == 0


def test_a_channel_cannot_be_named_for_another_account(shop):
    store = Store(db.engine)
    known = replace(store.known("support"), account_id=make_account("Globex").id)

    assert store.take([Mail("support", known, MAIL)]) == [None]
    assert not stored()


@pytest.mark.parametrize(
    "size", ["0000000019999999999", "00000000000000000001", "-1", "1e3", "", "٣"]
)
def test_a_size_that_is_oddly_written_is_none_for_the_fast_path(size):
    ordinary = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks/mail/support",
        "CONTENT_TYPE": "message/rfc822",
        "HTTP_AUTHORIZATION": "Bearer x",
    }

    assert is_ordinary(ordinary | {"CONTENT_LENGTH": "28"})
    assert not is_ordinary(ordinary | {"CONTENT_LENGTH": size})

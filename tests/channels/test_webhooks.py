import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from werkzeug.serving import make_server

from ally import clock
from ally.channels import routes, webhooks
from ally.channels.mail import guard
from ally.channels.models import EventsRaw, IntakeOutcome, IntakeWaiting
from ally.db import db, use_account
from ally.desk.models import Conversation, Message
from ally.jobs import worker
from tests.factories import make_account, make_channel

MAIL = b"From: Dana <dana@example.com>\r\nSubject: Pump\r\nMessage-ID: <1@x>\r\n\r\nWhich one?\r\n"
BEARER = {"Authorization": "Bearer secret"}


def post(client, channel, body=MAIL, headers=BEARER, **more):
    more.setdefault("content_type", "message/rfc822")
    return client.post(f"/webhooks/mail/{channel.key}", data=body, headers=headers, **more)


def signed(body=MAIL, secret="secret", moment=None):
    moment = str(int(clock.now().timestamp())) if moment is None else moment
    return {"X-Ally-Signature": f"t={moment},v1={webhooks.sign(secret, moment, body)}"}


def stored():
    return db.session.scalars(select(EventsRaw).order_by(EventsRaw.id)).all()


def waiting():
    """How many events wait to be handed to a worker."""
    return db.session.scalar(select(func.count()).select_from(IntakeWaiting))


def test_a_mail_is_stored_as_it_came_and_queued(client, channel):
    answer = post(client, channel)

    (kept,) = stored()
    assert answer.status_code == 202
    assert answer.json == {"status": "accepted", "event_id": str(kept.id)}
    assert kept.body == MAIL
    assert kept.channel_id == channel.id
    assert kept.payload == {"content_type": "message/rfc822", "size": len(MAIL)}
    assert waiting() == 1


def test_the_same_mail_again_is_a_duplicate(client, channel):
    first = post(client, channel)
    second = post(client, channel)

    assert second.status_code == 202
    assert second.json == {"status": "duplicate", "event_id": first.json["event_id"]}
    assert (len(stored()), waiting()) == (1, 1)


def test_the_same_mail_to_two_channels_is_two(client, acme, channel):
    post(client, channel)
    post(client, make_channel(acme))

    assert len(stored()) == 2


def test_a_signature_stands_for_the_secret(client, channel):
    assert post(client, channel, headers=signed()).status_code == 202


def wrong_signatures():
    now = int(clock.now().timestamp())
    right = signed()["X-Ally-Signature"]
    return {
        "none": {},
        "empty": {"X-Ally-Signature": ""},
        "wrong": {"X-Ally-Signature": f"t={now},v1={'0' * 64}"},
        "for another body": signed(MAIL + b"x"),
        "of another secret": signed(secret="other"),
        "upper case": {"X-Ally-Signature": right.upper().replace("T=", "t=").replace("V1", "v1")},
        "twice": [("X-Ally-Signature", right), ("X-Ally-Signature", right)],
        "joined": {"X-Ally-Signature": f"{right}, {right}"},
        "six minutes old": signed(moment=str(now - 360)),
        "six minutes early": signed(moment=str(now + 360)),
        "text for a time": signed(moment="now"),
        "a negative time": signed(moment=f"-{now}"),
        "a time beyond 64 bits": signed(moment=str(2**63)),
        "no number": signed(moment="NaN"),
        "other digits": {"X-Ally-Signature": f"t=1e9,v1={'0' * 64}"},
        "no time": {"X-Ally-Signature": right.partition(",")[2]},
        "blanks": {"X-Ally-Signature": right.replace(",", ", ")},
        "more after it": {"X-Ally-Signature": right + "\t"},
        "a wrong token": {"Authorization": "Bearer wrong"},
        "a token of another kind": {"Authorization": "Basic secret"},
        "an empty token": {"Authorization": "Bearer "},
        "no kind": {"Authorization": "secret"},
        "a token twice": [("Authorization", "Bearer secret"), ("Authorization", "Bearer wrong")],
        "a token that is no ASCII": {"Authorization": "Bearer s\xe9cret"},
    }


@pytest.mark.parametrize("case", wrong_signatures())
def test_who_does_not_prove_the_secret_stores_nothing(client, channel, case):
    answer = post(client, channel, headers=wrong_signatures()[case])

    assert answer.status_code == 401
    assert set(answer.json) == {"error"}
    assert (stored(), waiting()) == ([], 0)


def test_another_accounts_secret_opens_nothing(client, acme, channel):
    globex = make_account("Globex")
    make_channel(globex, secret="globex secret")
    for headers in ({"Authorization": "Bearer globex secret"}, signed(secret="globex secret")):
        assert post(client, channel, headers=headers).status_code == 401


def test_an_unknown_channel_is_not_found(client, acme):
    for key in ("nobody", "x" * 500, "a%00b", "a b", "%F0%9F%92%A9"):
        answer = client.post(f"/webhooks/mail/{key}", data=MAIL, headers=BEARER)
        assert answer.status_code == 404, key


def test_an_empty_body_is_refused(client, channel):
    assert post(client, channel, body=b"").status_code == 422
    assert post(client, channel, body=b"\r\n", headers=signed(b"\r\n")).status_code == 422
    assert stored() == []


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "Text/Plain; a=b"],
)
def test_what_a_browsers_form_can_send_is_refused(client, channel, content_type):
    assert post(client, channel, content_type=content_type).status_code == 415


def test_a_packed_body_is_refused(client, channel):
    assert post(client, channel, headers=BEARER | {"Content-Encoding": "gzip"}).status_code == 415
    assert (
        post(client, channel, headers=BEARER | {"Content-Encoding": "identity"}).status_code == 202
    )


class Untouched:
    """A body that must not be read."""

    def read(self, *_):
        raise AssertionError("the body was read")


def test_a_body_over_the_limit_is_refused_before_it_is_read(app, client, channel):
    size = str(app.config["ALLY"].max_mail_bytes + 1)
    body = {"wsgi.input": Untouched(), "CONTENT_LENGTH": size}
    answer = post(client, channel, environ_overrides=body)

    assert answer.status_code == 413
    assert answer.json == {"error": "Send at most 25.0 MB."}


def test_a_stranger_is_refused_before_the_body_is_read(client, channel):
    body = {"wsgi.input": Untouched(), "CONTENT_LENGTH": "1000000"}
    answer = post(client, channel, headers={}, environ_overrides=body)

    assert answer.status_code == 401


def test_the_webhook_starts_no_session(client, channel):
    assert "Set-Cookie" not in post(client, channel).headers
    assert "Set-Cookie" not in post(client, channel, headers={}).headers


def test_no_other_method_is_taken(client, channel):
    assert client.get(f"/webhooks/mail/{channel.key}").status_code == 405


def test_strangers_are_slowed_down_and_the_channel_is_not(client, channel, monkeypatch):
    monkeypatch.setattr(routes, "REFUSALS_A_MINUTE", 3)
    answers = [post(client, channel, headers={}).status_code for _ in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    assert post(client, channel).status_code == 202


def test_a_channel_has_a_limit_of_its_own(client, acme, channel, settings, monkeypatch):
    few = settings.model_copy(update={"mails_per_minute": 2})
    monkeypatch.setitem(client.application.config, "ALLY", few)
    answers = [post(client, channel, body=MAIL + b"%d" % n).status_code for n in range(3)]

    assert answers == [202, 202, 429]
    assert post(client, make_channel(acme)).status_code == 202


def test_a_mail_costs_few_statements(client, channel):
    post(client, channel)
    with statements() as asked:
        post(client, channel, body=MAIL + b"again")

    assert len(asked) <= 4


@contextmanager
def statements():
    """What is asked of the database meanwhile, but for the savepoints that only tests have."""
    asked, connection = [], db.session.get_bind()

    def note(_connection, _cursor, statement, *_):
        if "SAVEPOINT" not in statement:
            asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(connection, "before_cursor_execute", note)


# At once, with real commits


@pytest.fixture
def shop(committed):
    """An account with a channel, in a database where commits are real."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        make_channel(account, key="support")
        yield committed
        db.session.remove()
    guard.stop()


@pytest.fixture
def address(shop):
    server = make_server("127.0.0.1", 0, shop, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address
    server.shutdown()
    thread.join()
    server.server_close()


def post_to(address, body, headers=BEARER, encode_chunked=False):
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request(
        "POST",
        "/webhooks/mail/support",
        body,
        headers | {"Content-Type": "message/rfc822"},
        encode_chunked=encode_chunked,
    )
    answer = connection.getresponse()
    read = json.loads(answer.read())
    connection.close()
    return answer.status, read


def test_200_identical_posts_at_once_are_one_message(shop, address):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post_to(address, MAIL), range(200)))

    # Some find every connection of the small pool taken; their provider tries again.
    taken = [read for status, read in answers if status == 202]
    assert {status for status, _ in answers} <= {202, 503}
    assert len(taken) > 100
    assert len({read["event_id"] for read in taken}) == 1
    assert [read["status"] for read in taken].count("accepted") == 1
    assert (len(stored()), waiting()) == (1, 1)

    worker.drain(shop)

    assert db.session.scalar(select(func.count()).select_from(Message)) == 1
    assert db.session.scalar(select(func.count()).select_from(Conversation)) == 1
    assert db.session.scalars(select(IntakeOutcome.state)).all() == ["stored"]


@pytest.fixture
def granian(shop, tmp_path):
    """The real server, as in production, on a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = listener.getsockname()
    settings = shop.config["ALLY"]
    names = ("database_url", "secret_key", "public_url", "smtp_url", "oidc_issuer")
    environment = {name.upper(): getattr(settings, name) for name in names}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "app:app"),
            *("--blocking-threads", "4", "--log-level", "error", "--port", str(address[1])),
        ],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment | {"ALLY_HOME": str(tmp_path)},
    )
    wait_for(address, process)
    yield address
    process.terminate()
    process.wait(20)


def wait_for(address, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError("granian did not start")


def chunks(size):
    whole, rest = divmod(size, 65536)
    first = b"Subject: large\r\n\r\n".ljust(65536, b"x")
    return [first, *[os.urandom(65536) for _ in range(whole - 1)], b"y" * rest]


def test_granian_hands_chunked_mails_over_whole_or_not_at_all(shop, granian):
    sent = chunks(3 * 1024 * 1024 + 17)
    status, read = post_to(granian, iter(sent), encode_chunked=True)

    assert (status, read["status"]) == (202, "accepted")
    (kept,) = stored()
    assert hashlib.sha256(kept.body).digest() == hashlib.sha256(b"".join(sent)).digest()

    whole = b"".join(sent)
    assert post_to(granian, whole, signed(whole)) == (202, read | {"status": "duplicate"})

    status, read = refused_by(granian, chunks(26 * 1024 * 1024))
    assert (status, read) == (413, {"error": "Send at most 25.0 MB."})
    db.session.rollback()
    assert len(stored()) == 1


def refused_by(address, sent):
    """The answer to a chunked body that the server stops reading."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.putrequest("POST", "/webhooks/mail/support")
    for name, value in (BEARER | {"Transfer-Encoding": "chunked"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for piece in sent:
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has answered already
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_secret_sealed_with_another_key_is_a_plain_503(client, acme):
    channel = make_channel(acme, key="sealed-before")
    channel.secret_sealed = b"sealed with another key"
    db.session.commit()

    answer = client.post("/webhooks/mail/sealed-before", data=b"Subject: hi\r\n\r\nhi")

    assert answer.status_code == 503
    assert "SECRET_KEY" in answer.json["error"]

"""Mailboxes read by IMAP: each mail once, whatever happens."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from ally.channels import credentials, imap, ingest, registry  # noqa: F401 - the cycle is as in the app
from ally.channels.credentials import ImapCredentials
from ally.channels.models import Channel, EventsRaw, IngestCheckpoint, Platform
from ally.db import db, use_account
from ally.jobs import worker
from tests.channels import mailboxes
from tests.factories import make_account, make_channel
from tests.waiting import until


@pytest.fixture
def house(tmp_path, monkeypatch):
    with mailboxes.running(tmp_path) as house:
        monkeypatch.setenv("SSL_CERT_FILE", house.certificate)
        yield house


@pytest.fixture
def shop(committed):
    with committed.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        yield committed


@pytest.fixture
def box(shop, house):
    """The mailbox of Acme's channel, read once before anything was in it."""
    account = db.session.info["account_id"]
    channel = make_channel(
        type("Acme", (), {"id": account, "name": "Acme"}),
        key="mailbox",
        platform=Platform.IMAP,
        credentials_sealed=credentials.seal(ImapCredentials(**house.credentials)),
    )
    found = ingest.Mailbox(account, channel.id, "mailbox")
    read(shop, found)
    return found


def read(shop, box, **asked):
    """How many mails were new.  Reading goes on in a context of its own, as in the command."""
    account = db.session.info["account_id"]
    db.session.rollback()
    came = []

    def run():
        try:
            came.append(ingest.read_now(shop, box, say=lambda *_: None, **asked))
        except Exception as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    use_account(account)
    if isinstance(came[0], Exception):
        raise came[0]
    return came[0]


def mail(number, size=0):
    text = f"Message-ID: <{number}@customer.example>\r\nFrom: dana@customer.example\r\n"
    return f"{text}Subject: {number}\r\n\r\nHello {number}\r\n".encode() + b"x" * size


def stored():
    db.session.rollback()
    return db.session.scalars(select(EventsRaw).order_by(EventsRaw.id)).all()


def checkpoint(name="INBOX"):
    db.session.rollback()
    return db.session.scalars(select(IngestCheckpoint).where(IngestCheckpoint.name == name)).one()


def test_new_mail_is_stored_as_it_came_and_the_mailbox_stays_as_it_is(shop, house, box):
    house.deliver(mail(1))

    assert read(shop, box) == 1
    (event,) = stored()
    assert (event.body, event.platform, event.source) == (mail(1), "mail", "imap")
    assert checkpoint().cursor == {"uidvalidity": 1, "uid": 1}
    assert not any("STORE" in asked or "SELECT" in asked for asked in house.commands)
    assert all("BODY[" not in asked for asked in house.commands if "FETCH" in asked)


@pytest.mark.parametrize("tells_next", [True, False])
def test_what_was_there_before_is_left_unless_it_is_asked_for(shop, house, tells_next):
    house.tells_next = tells_next
    account = db.session.info["account_id"]
    for number in range(3):
        house.deliver(mail(number))
    channel = make_channel(
        type("Acme", (), {"id": account, "name": "Acme"}),
        key="mailbox",
        platform=Platform.IMAP,
        credentials_sealed=credentials.seal(ImapCredentials(**house.credentials)),
    )
    box = ingest.Mailbox(account, channel.id, "mailbox")

    assert read(shop, box) == 0
    house.deliver(mail(3))
    assert read(shop, box) == 1
    assert read(shop, box, everything=True) == 3
    assert read(shop, box) == 0
    assert len(stored()) == 4


def test_a_mailbox_that_was_numbered_anew_gives_nothing_twice(shop, house, box):
    house.deliver(mail(1))
    read(shop, box)
    house.folders["INBOX"].validity = 2
    house.deliver(mail(2))

    assert read(shop, box) == 1
    assert [event.body for event in stored()] == [mail(1), mail(2)]
    assert checkpoint().cursor == {"uidvalidity": 2, "uid": 2}


def test_a_mail_that_also_came_by_webhook_is_one(shop, house, box):
    from ally.channels import webhooks
    from ally.channels.webhooks import Caller

    webhooks.store_mail(Caller(box.account_id, box.channel_id, Platform.IMAP, ()), mail(1))
    db.session.commit()
    house.deliver(mail(1))

    assert read(shop, box) == 0
    assert len(stored()) == 1


def test_a_mail_that_is_too_large_is_shown_and_left(shop, house, box):
    small = shop.config["ALLY"].model_copy(update={"max_mail_bytes": 2_000})
    shop.config["ALLY"] = small
    house.deliver(mail(1, size=3_000))
    house.deliver(mail(2))

    assert read(shop, box) == 2
    large, usual = stored()
    assert large.payload["is_too_large"]
    assert b"Hello" not in large.body
    assert usual.body == mail(2)


def test_mail_in_the_sent_folder_was_written_by_us(shop, house, box):
    from ally.channels import incoming

    house.deliver(mail(1), folder="Sent")
    read(shop, box)

    (event,) = stored()
    assert incoming.read(event).is_ours


def test_the_folder_that_customers_write_to_is_never_what_we_have_sent(house):
    known = ImapCredentials(**(house.credentials | {"inbox": "INBOX", "sent": "Inbox"}))

    assert [(folder.name, folder.kind) for folder in imap.folders_of(known)] == [("INBOX", "inbox")]


def test_a_refused_password_is_counted_and_shown(shop, house, box):
    house.password = "another"
    with pytest.raises(Exception, match="Authentication failed") as refused:
        read(shop, box)
    ingest.note_error(shop, box, refused.value)
    ingest.note_error(shop, box, refused.value)
    use_account(box.account_id)

    at = checkpoint()
    assert (at.status, at.error_count) == ("failed", 2)
    assert "Authentication failed" in at.last_error
    assert "Authentication failed" in db.session.get_one(Channel, box.channel_id).last_error

    house.password = mailboxes.PASSWORD
    read(shop, box)
    assert (checkpoint().status, checkpoint().error_count) == ("idle", 0)


def test_a_certificate_that_nobody_vouches_for_is_refused(shop, house, box, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OSError, match="certificate"):
        read(shop, box)


def test_a_connection_that_breaks_anywhere_loses_and_doubles_nothing(shop, house, box):
    for number in range(45):
        house.deliver(mail(number))
    for moment in ("EXAMINE", "SEARCH", "RFC822.SIZE", "BODY.PEEK", "UID FETCH 21,22"):
        house.fail_at = moment
        with pytest.raises(Exception, match=r"."):
            read(shop, box)
    house.fail_at = ""
    read(shop, box)

    assert sorted(event.body for event in stored()) == sorted(mail(n) for n in range(45))


@given(st.lists(st.sampled_from(["mail", "again", "sent", "renumber", "read"]), max_size=12))
@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_mail_is_stored_once_in_any_order_of_things(shop, house, box, acts):
    sent = {event.body for event in stored()}
    for act in [*acts, "read"]:
        raw = mail(len(sent) if act != "again" else 0)
        if act in {"mail", "again"}:
            house.deliver(raw)
            sent.add(raw)
        elif act == "sent":
            house.deliver(raw, folder="Sent")
            sent.add(raw)
        elif act == "renumber":
            house.folders["INBOX"].validity += 1
        else:
            read(shop, box)

    bodies = [event.body for event in stored()]
    assert sorted(bodies) == sorted(sent)


def run_command(shop, tmp_path, *arguments):
    ours = shop.config["ALLY"]
    names = ("database_url", "secret_key", "public_url", "smtp_url", "oidc_issuer")
    environment = os.environ | {name.upper(): str(getattr(ours, name)) for name in names}
    environment |= {"ALLY_HOME": str(tmp_path), "FLASK_APP": "app.py"}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "ingest", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_takes_mail_in_as_it_comes_and_stops_when_told(shop, house, box, tmp_path):
    process = run_command(shop, tmp_path, "imap")
    try:
        until(lambda: "IDLE" in house.commands)
        house.deliver(mail(1))
        until(lambda: len(stored()) == 1)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    worker.drain(shop)


def test_without_idle_it_asks_again(shop, house, box, tmp_path):
    house.capabilities = "IMAP4rev1"
    process = run_command(shop, tmp_path, "imap", "--once", "mailbox")

    assert process.wait(30) == 0
    assert "mailbox: 0 new" in process.stderr.read()


def test_an_unknown_mailbox_is_refused(shop, house, box, tmp_path):
    process = run_command(shop, tmp_path, "imap", "nobody")

    assert process.wait(30) == 1
    assert "No mailbox of this name is switched on: nobody." in process.stderr.read()


def test_killed_at_any_moment_it_loses_and_doubles_nothing(shop, house, box, tmp_path):
    for number in range(120):
        house.deliver(mail(number))
    for limit in (1, 21, 61):
        process = run_command(shop, tmp_path, "imap")
        until(lambda limit=limit: len(stored()) >= limit)
        process.kill()
        process.wait(10)
        process.stderr.close()
    read(shop, box)

    assert sorted(event.body for event in stored()) == sorted(mail(n) for n in range(120))

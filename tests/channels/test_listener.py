"""Mail that is delivered to us: stored before it is answered, for our addresses alone."""

import asyncio
import smtplib
import socket
import threading

import psycopg
import pytest
from sqlalchemy import select, text

from ally.channels import incoming, listener
from ally.channels.models import EventsRaw
from ally.db import as_account, db, use_account
from ally.jobs import worker
from tests.factories import make_account, make_channel

MAIL = b"Message-ID: <1@c.example>\r\nFrom: dana@c.example\r\nSubject: Hi\r\n\r\nHello\r\n"
LARGEST = 100_000


@pytest.fixture
def shop(committed):
    with committed.app_context():
        acme = make_account("Acme")
        use_account(acme.id)
        committed.acme, committed.channel = acme, make_channel(acme)
        yield committed


def serving(shop, speaks, port=0):
    """The port of a listener that runs in a thread of its own until the test is over."""
    loop, over, ready, place = asyncio.new_event_loop(), asyncio.Event(), threading.Event(), []

    async def serve():
        server = await listener.serve(
            shop, host="127.0.0.1", port=port, speaks=speaks, largest=LARGEST
        )
        place.append(server.sockets[0].getsockname()[1])
        ready.set()
        async with server:
            await over.wait()
        await loop.shutdown_default_executor()

    def run():
        loop.run_until_complete(serve())
        # Left to the garbage collector, it would complain in the middle of another test.
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(20)
    yield place[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(20)


@pytest.fixture
def smtp(shop):
    yield from serving(shop, "smtp")


@pytest.fixture
def lmtp(shop):
    yield from serving(shop, "lmtp")


def send(port, to, raw=MAIL, sender="dana@customer.example", kind=smtplib.SMTP):
    db.session.rollback()
    with kind("127.0.0.1", port, timeout=20) as talk:
        return talk.sendmail(sender, to, raw)


def stored():
    db.session.rollback()
    return db.session.scalars(select(EventsRaw).order_by(EventsRaw.id)).all()


def test_a_mail_for_a_channel_is_stored_with_its_envelope(shop, smtp):
    address = shop.channel.from_address
    send(smtp, [address], sender="bounce@customer.example")

    (event,) = stored()
    assert (event.body, event.source) == (MAIL, "listener")
    came = incoming.read(event).mail
    assert came.envelope_from == "bounce@customer.example"
    assert came.delivered_to[0] == address


def test_what_stands_behind_a_plus_is_kept(shop, smtp):
    local, _, domain = shop.channel.from_address.partition("@")
    send(smtp, [f"{local}+token@{domain}".upper()])

    assert incoming.read(stored()[0]).mail.delivered_to[0].lower() == f"{local}+token@{domain}"


def test_nobody_else_gets_mail_here(shop, smtp):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(smtp, ["someone@elsewhere.example"])

    assert refused.value.recipients["someone@elsewhere.example"][0] == 550
    assert not stored()


@pytest.mark.parametrize("odd", [b"a\0b@acme.example", b"\xff@acme.example", b"@", b"\xc3\xa9"])
def test_an_address_that_can_be_none_is_nobodys(shop, smtp, odd):
    with socket.create_connection(("127.0.0.1", smtp), timeout=20) as wire:
        lines = wire.makefile("rwb")
        answers = []
        for line in (b"EHLO c", b"MAIL FROM:<d@c.example> SMTPUTF8", b"RCPT TO:<" + odd + b">"):
            lines.write(line + b"\r\n")
        lines.write(b"QUIT\r\n")
        lines.flush()
        answers = lines.read().decode().split("\r\n")

    assert answers[-3][:3] in {"550", "553", "501"}
    assert "codec" not in answers[-3]
    assert "psycopg" not in answers[-3]


def test_what_goes_wrong_with_us_is_tried_again_and_not_told(shop, smtp, server):
    database = db.session.scalar(text("SELECT current_database()"))
    db.session.rollback()
    function = "EXECUTE ON FUNCTION find_channel_by_address(text)"
    with psycopg.connect(server.url, dbname=database, autocommit=True) as owner:
        owner.execute(f"REVOKE {function} FROM app_rw")
        with smtplib.SMTP("127.0.0.1", smtp, timeout=20) as talk:
            talk.ehlo()
            talk.mail("dana@customer.example")
            code, words = talk.rcpt(shop.channel.from_address)
        owner.execute(f"GRANT {function} TO app_rw")

    assert (code, b"find_channel" in words) == (451, False)


def test_two_channels_of_two_accounts_get_one_each(shop, smtp):
    globex = make_account("Globex")
    theirs = make_channel(globex)
    send(smtp, [shop.channel.from_address, theirs.from_address])

    assert len(stored()) == 1
    use_account(globex.id)
    (event,) = stored()
    assert event.payload["envelope_to"] == [theirs.from_address]


def test_an_address_that_two_accounts_claim_stays_with_the_first(shop, smtp):
    globex = make_account("Globex")
    thief = make_channel(globex)
    with as_account(globex.id):
        thief.from_address = shop.channel.from_address
        db.session.commit()
    send(smtp, [shop.channel.from_address])

    use_account(shop.acme.id)
    assert len(stored()) == 1
    use_account(globex.id)
    assert not stored()


def test_a_channel_that_is_off_asks_to_try_later(shop, smtp):
    shop.channel.is_active = False
    db.session.commit()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(smtp, [shop.channel.from_address])

    assert next(iter(refused.value.recipients.values()))[0] == 450


def test_a_mail_that_is_too_large_is_refused(shop, smtp):
    with pytest.raises(smtplib.SMTPException, match="exceeds"):
        send(smtp, [shop.channel.from_address], MAIL + b"x" * LARGEST)

    assert not stored()


def test_it_says_yes_only_when_the_mail_is_stored(shop, smtp, server):
    with smtplib.SMTP("127.0.0.1", smtp, timeout=20) as talk:
        talk.ehlo()
        talk.mail("dana@customer.example")
        talk.rcpt(shop.channel.from_address)
        database = db.session.scalar(text("SELECT current_database()"))
        db.session.rollback()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
            away = talk.data(MAIL)
            connection.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    assert away[0] == 451
    assert send(smtp, [shop.channel.from_address]) == {}
    assert len(stored()) == 1


def test_the_same_mail_again_is_the_same_mail(shop, smtp):
    send(smtp, [shop.channel.from_address])
    send(smtp, [shop.channel.from_address])
    worker.drain(shop)

    assert len(stored()) == 1


def test_lmtp_answers_for_each_recipient(shop, lmtp):
    other = make_channel(shop.acme)
    with socket.create_connection(("127.0.0.1", lmtp), timeout=20) as wire:
        lines = wire.makefile("rwb")

        def say(*said):
            for line in said:
                lines.write(line + b"\r\n")
            lines.flush()

        def answer():
            line = lines.readline()
            while line[3:4] == b"-":
                line = lines.readline()
            return int(line[:3])

        assert answer() == 220
        say(b"LHLO client")
        assert answer() == 250
        say(b"MAIL FROM:<dana@customer.example>")
        assert answer() == 250
        for address in (shop.channel.from_address, "nobody@acme.example", other.from_address):
            say(f"RCPT TO:<{address}>".encode())
        assert [answer(), answer(), answer()] == [250, 550, 250]
        say(b"DATA")
        assert answer() == 354
        say(MAIL.rstrip(b"\r\n"), b".")
        assert [answer(), answer()] == [250, 250]
    assert len(stored()) == 2


def test_a_bare_line_feed_ends_no_mail(shop, smtp):
    """Two programs that read the end of a mail differently would let one mail be two."""
    inside = MAIL + b"a\n.\nMAIL FROM:<ceo@acme.example>\r\n"
    send(smtp, [shop.channel.from_address], inside)

    assert len(stored()) == 1

"""Telegram's updates are fetched in order, stored before they are confirmed, and told once."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from ally.channels import checkpoints, credentials
from ally.channels.credentials import TelegramCredentials
from ally.channels.models import Channel, EventsRaw, IngestCheckpoint, Platform
from ally.community.models import Post
from ally.community.telegram import polling
from ally.db import db, use_account
from ally.jobs import worker
from tests.community.test_webhooks import message, update
from tests.factories import make_account, make_channel
from tests.waiting import until

TOKEN = "8001:token"


class Telegram(BaseHTTPRequestHandler):
    """Answers getUpdates as Telegram does: what is asked for again was not confirmed."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.asked.append(asked)
        if self.path != f"/bot{TOKEN}/getUpdates":
            return self.answer(401, {"ok": False, "error_code": 401})
        if server.faults:
            return self.answer(*server.faults.pop(0))
        server.updates = [one for one in server.updates if one["update_id"] >= asked["offset"]]
        return self.answer(200, {"ok": True, "result": server.updates[: asked["limit"]]})

    def answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told):
        """Quiet."""


@pytest.fixture
def telegram():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Telegram)
    server.updates, server.asked, server.faults = [], [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def bot(committed, telegram):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        told = TelegramCredentials(
            bot_token=TOKEN, base_url=f"http://127.0.0.1:{telegram.server_port}"
        )
        make_channel(
            account,
            key="bot",
            platform=Platform.TELEGRAM,
            credentials_sealed=credentials.seal(told),
        )
        db.session.commit()
        (found,) = polling.bots(committed)
        use_account(account.id)
        yield found


def stored():
    db.session.rollback()
    return db.session.scalars(select(EventsRaw)).all()


def checkpoint():
    db.session.rollback()
    asked = select(IngestCheckpoint).execution_options(populate_existing=True)
    return db.session.scalars(asked).one()


def test_updates_are_stored_and_only_then_confirmed(committed, telegram, bot):
    telegram.updates = [update(n, message=message(n)) for n in (5, 6, 7)]
    assert polling.fetch(committed, bot) == 3
    assert [asked["offset"] for asked in telegram.asked] == [0]
    assert len(stored()) == 3
    assert polling.fetch(committed, bot) == 0
    assert telegram.asked[-1]["offset"] == 8
    assert telegram.updates == []
    worker.drain(committed)
    db.session.rollback()
    assert len(db.session.scalars(select(Post)).all()) == 3


def test_what_the_webhook_brought_too_is_stored_once(committed, telegram, bot):
    told = update(5, message=message(5))
    committed.test_client().post(
        "/webhooks/telegram/bot", json=told, headers={"X-Telegram-Bot-Api-Secret-Token": "secret"}
    )
    telegram.updates = [told]
    polling.fetch(committed, bot)
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "does not know the bot's token"), (409, "A webhook is set"), (502, "answered 502")],
)
def test_trouble_is_counted_and_shown(committed, telegram, bot, status, said):
    telegram.faults = [(status, {"ok": False, "error_code": status})] * 2
    for count in (1, 2):
        with pytest.raises(polling.NotRead) as trouble:
            polling.fetch(committed, bot)
        polling.note_error(committed, bot, trouble.value)
        assert said in checkpoint().last_error
        assert checkpoint().error_count == count
    polling.fetch(committed, bot)
    assert checkpoint().error_count == 0


def test_a_429_says_how_long_to_wait(committed, telegram, bot):
    refusal = {"ok": False, "error_code": 429, "parameters": {"retry_after": 7}}
    telegram.faults = [(429, refusal)]
    with pytest.raises(polling.NotRead) as trouble:
        polling.fetch(committed, bot)
    assert trouble.value.pause == 7


def test_the_token_stands_in_no_error(committed, telegram, bot):
    telegram.shutdown()
    telegram.server_close()
    with pytest.raises(polling.NotRead) as trouble:
        polling.fetch(committed, bot)
    assert TOKEN not in str(trouble.value)


def test_a_reader_goes_on_until_it_is_stopped(committed, telegram, bot, monkeypatch):
    monkeypatch.setattr(polling, "WAIT_SECONDS", 0)
    over = threading.Event()
    reader = polling.Reader(committed, bot, over)
    db.session.rollback()
    reader.start()
    telegram.updates = [update(5, message=message(5))]
    until(stored)
    over.set()
    reader.join(20)
    assert not reader.is_alive()


@pytest.fixture
def reading(committed, telegram, bot, monkeypatch):
    """All bots are read, in a thread of its own."""
    for name in ("WAIT_SECONDS", "LOOK_SECONDS", "FIRST_PAUSE"):
        monkeypatch.setattr(polling, name, 0.05)
    db.session.rollback()
    over = threading.Event()
    thread = threading.Thread(target=polling.read_all, args=(committed, over))
    yield thread
    over.set()
    thread.join(20)
    assert not thread.is_alive()


def test_a_bot_that_is_switched_on_later_is_read_too(committed, telegram, bot, reading):
    use_account(bot.account_id)
    db.session.get_one(Channel, bot.channel_id).is_active = False
    db.session.commit()
    reading.start()
    telegram.updates = [update(5, message=message(5))]
    use_account(bot.account_id)
    db.session.get_one(Channel, bot.channel_id).is_active = True
    db.session.commit()
    until(stored)


def test_a_database_that_is_away_ends_no_reading(telegram, bot, reading, monkeypatch):
    asked, hold, lookup = [], checkpoints.hold_checkpoint, polling.bots

    def away(real):
        def ask(*arguments):
            asked.append(real)
            if asked.count(real) in {2, 4, 5}:
                raise OperationalError("SELECT 1", {}, Exception("gone"))
            return real(*arguments)

        return ask

    monkeypatch.setattr(checkpoints, "hold_checkpoint", away(hold))
    monkeypatch.setattr(polling, "bots", away(lookup))
    reading.start()
    until(lambda: asked.count(hold) > 5 and asked.count(lookup) > 5)
    telegram.updates = [update(5, message=message(5))]
    until(stored)


def test_the_command_fetches_what_is_new(committed, telegram, bot):
    telegram.updates = [update(5, message=message(5))]
    db.session.rollback()
    answer = committed.test_cli_runner().invoke(args=["ingest", "telegram", "--once"])
    assert answer.exit_code == 0
    assert len(stored()) == 1
    refused = committed.test_cli_runner().invoke(args=["ingest", "telegram", "nobody"])
    assert "No bot with a token is switched on: nobody." in refused.output

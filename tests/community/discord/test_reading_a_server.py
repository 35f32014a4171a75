"""A Discord server is read by REST and live: its limits are obeyed, and nothing is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from ally.channels import checkpoints, credentials
from ally.channels.credentials import BotCredentials
from ally.channels.models import Channel, EventsRaw, IngestCheckpoint, Platform
from ally.community.discord import backfill, live
from ally.community.discord.backfill import Outcome
from ally.community.discord.servers import Store, servers
from ally.community.models import Post, Reaction
from ally.db import db, use_account
from ally.jobs import worker
from tests.community.discord.server import GUILD, TOKEN, broken, message, running, too_many
from tests.factories import make_account, make_channel
from tests.waiting import until


@pytest.fixture
def discord():
    with running() as discord:
        yield discord


@pytest.fixture
def house(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        yield committed


@pytest.fixture
def guild(house, discord):
    """Acme's channel for the server."""
    return connect(discord)


def connect(discord, token=TOKEN):
    account = db.session.info["account_id"]
    channel = make_channel(
        type("Acme", (), {"id": account, "name": "Acme"}),
        key="guild",
        platform=Platform.DISCORD,
        external_id=GUILD,
        credentials_sealed=credentials.seal(BotCredentials(bot_token=token, base_url=discord.url)),
    )
    db.session.commit()
    return channel


def read(house):
    """Read what is new, as `flask ingest discord --once` does; whether all could be read."""
    db.session.rollback()
    # In a thread of its own: a browser's test leaves a loop running in this one.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(
            lambda: asyncio.run(live.read_once(house, (), lambda *told: None))
        ).result(60)


def taken_in(house):
    db.session.rollback()
    worker.drain(house)


def contents():
    db.session.rollback()
    return list(db.session.scalars(select(Post.content).order_by(Post.posted_at)))


def checkpoint(name="10"):
    db.session.rollback()
    asked = select(IngestCheckpoint).where(IngestCheckpoint.name == name)
    return db.session.scalars(asked.execution_options(populate_existing=True)).one()


def test_a_server_is_read_to_its_end_page_by_page(house, guild, discord):
    for number in range(250):
        discord.write(number, f"Post {number}")
    assert read(house)
    taken_in(house)
    assert contents() == [f"Post {number}" for number in range(250)]
    assert checkpoint().cursor == {"after": discord.messages["10"][-1]["id"]}
    place = db.session.scalars(select(Channel).where(Channel.platform_id == "10")).one()
    assert (place.name, place.description, place.parent_id) == ("general", "All", guild.id)


def test_reading_goes_on_where_it_ended(house, guild, discord):
    discord.write(1)
    read(house)
    discord.write(2, "More")
    discord.asked.clear()
    read(house)
    taken_in(house)
    assert contents() == ["Hello", "More"]
    assert discord.asked[0][2] == discord.messages["10"][0]["id"]


def test_reading_twice_stores_nothing_twice(house, guild, discord):
    for number in range(5):
        discord.write(number)
    read(house)
    before = db.session.scalar(select(func.count()).select_from(EventsRaw))
    read(house)
    assert db.session.scalar(select(func.count()).select_from(EventsRaw)) == before


def test_what_was_edited_or_deleted_meanwhile_is_found(house, guild, discord):
    for number in range(4):
        discord.write(number, f"Post {number}")
    read(house)
    taken_in(house)
    there = discord.messages["10"]
    there[1] |= {"content": "Edited", "edited_timestamp": "2026-01-01T00:00:00+00:00"}
    del there[2]
    read(house)
    taken_in(house)
    assert contents() == ["Post 0", "Edited", "", "Post 3"]


def test_threads_are_read_too(house, guild, discord):
    discord.threads.append(
        {
            "id": "77",
            "type": 11,
            "name": "A thread",
            "parent_id": "10",
            "guild_id": GUILD,
            "thread_metadata": {"archived": False},
        }
    )
    discord.write(1, "In the thread", channel="77")
    read(house)
    taken_in(house)
    assert contents() == ["In the thread"]


@pytest.mark.parametrize("everybody", [False, True], ids=["bucket", "global"])
def test_a_429_is_waited_out(house, guild, discord, everybody):
    discord.write(1)
    discord.faults.append(too_many(0.4, everybody=everybody))
    assert read(house)
    first, second = discord.asked[:2]
    assert second[0] - first[0] >= 0.4
    taken_in(house)
    assert contents() == ["Hello"]


def test_a_5xx_is_tried_again(house, guild, discord):
    discord.write(1)
    discord.faults.append(broken(502))
    assert read(house)
    taken_in(house)
    assert contents() == ["Hello"]


def test_what_cannot_be_read_is_counted_and_shown_and_the_rest_is_read(house, guild, discord):
    discord.channels["11"] = {"id": "11", "type": 0, "name": "secret"}
    discord.forbidden.add("11")
    discord.write(1)
    assert not read(house)
    assert not read(house)
    taken_in(house)
    assert contents() == ["Hello"]
    found = checkpoint("11")
    assert (found.status, found.error_count) == ("failed", 2)
    assert "View Channel" in found.last_error
    discord.forbidden.clear()
    assert read(house)
    assert (checkpoint("11").status, checkpoint("11").error_count) == ("idle", 0)


def test_what_is_closed_to_the_bot_is_not_asked_for_again_at_once(house, guild, discord):
    discord.channels["11"] = {"id": "11", "type": 0, "name": "secret"}
    discord.forbidden.add("11")
    assert outcome(house) is Outcome.CLOSED
    discord.faults += [broken(502)] * 10  # more than the library tries
    assert outcome(house) is Outcome.FAILED


def outcome(house):
    """What came of one reading of the server."""
    db.session.rollback()
    (server,) = servers(house)
    live.use_stand_in(server)

    async def once():
        async with live.Reader(Store(house, server), lambda *told: None) as reader:
            await reader.login(server.token)
            return await reader.read_once()

    with ThreadPoolExecutor(1) as alone:
        return alone.submit(lambda: asyncio.run(once())).result(60)


def test_a_database_that_is_away_ends_no_reading(house, guild, discord, monkeypatch):
    def away(*_arguments):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(Store, "names", away)
    monkeypatch.setattr(checkpoints, "record_error", away)
    assert outcome(house) is Outcome.FAILED


def test_a_connection_that_breaks_off_ends_no_reading(house, guild, discord, monkeypatch):
    async def broken_off(*_arguments):
        raise aiohttp.ServerDisconnectedError

    monkeypatch.setattr(backfill, "read_channel", broken_off)
    assert outcome(house) is Outcome.FAILED
    assert "ServerDisconnectedError" in checkpoint("10").last_error


def test_a_wrong_token_is_told(house, discord):
    connect(discord, token="wrong")
    assert not read(house)
    assert checkpoint("gateway").last_error == live.WRONG_TOKEN


# Live


@pytest.fixture
def listening(house, guild, discord):
    """The reader goes on in a thread of its own; `stop` ends it."""
    db.session.rollback()
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(
            live.read_for_ever(house, over, (), lambda *told: None)
        )
    )
    thread.start()
    until(lambda: discord.sockets)
    yield discord
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    assert not thread.is_alive()


def stored(event):
    def question():
        db.session.rollback()
        return db.session.scalars(select(EventsRaw).where(EventsRaw.type == event)).all()

    return question


def test_what_happens_is_stored_as_it_comes(house, listening):
    told = message(1, "Live")
    there = {"channel_id": "10", "message_id": told["id"], "guild_id": GUILD}
    listening.say("MESSAGE_CREATE", told | {"guild_id": GUILD})
    listening.say("MESSAGE_REACTION_ADD", there | {"user_id": "8", "emoji": {"name": "👍"}})
    listening.say("MESSAGE_CREATE", message(2, "Elsewhere") | {"guild_id": "501"})
    listening.say(
        "MESSAGE_UPDATE",
        told
        | {"guild_id": GUILD, "content": "Edited", "edited_timestamp": "2026-01-01T00:00:00+00:00"},
    )
    until(stored("MESSAGE_UPDATE"))
    taken_in(house)
    assert contents() == ["Edited"]
    assert db.session.scalar(select(func.count()).select_from(Reaction)) == 1


def test_it_asks_for_what_it_needs_and_no_more(listening):
    (_session, intents) = listening.sessions[0]
    assert intents == 1 << 0 | 1 << 9 | 1 << 10 | 1 << 15


def test_a_broken_connection_is_resumed_and_nothing_is_missed(house, listening):
    listening.say("MESSAGE_CREATE", message(1, "Before") | {"guild_id": GUILD})
    until(stored("MESSAGE_CREATE"))
    listening.hang_up()
    until(lambda: not listening.sockets or listening.resumed)
    asyncio.run_coroutine_threadsafe(
        listening.tell("MESSAGE_CREATE", message(2, "Meanwhile") | {"guild_id": GUILD}),
        listening.loop,
    ).result(10)
    until(lambda: listening.resumed)
    until(lambda: len(stored("MESSAGE_CREATE")()) == 2)
    taken_in(house)
    assert contents() == ["Before", "Meanwhile"]
    assert len(listening.sessions) == 1


def test_after_a_kill_what_was_missed_is_read(house, guild, discord, settings):
    """The command itself, killed while it listens; another one reads what it has not heard."""
    discord.write(1, "Before")
    db.session.rollback()
    urls = {
        "DATABASE_URL": house.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", ""),
        "SECRET_KEY": settings.secret_key,
        "ALLY_ENV": "development",
        "ALLY_HOME": str(settings.ally_home),
        "STORAGE_URL": "",
    }

    def start():
        before = len(discord.sessions)
        command = [sys.executable, "-m", "flask", "--app", "app", "ingest", "discord"]
        process = subprocess.Popen(command, env={**os.environ, **urls})
        until(lambda: len(discord.sessions) > before, 60)
        return process

    first = start()
    until(stored("MESSAGE"))
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    discord.write(2, "While nobody listened")
    second = start()
    until(lambda: len(stored("MESSAGE")()) == 2)
    second.terminate()
    assert second.wait(30) == 0
    taken_in(house)
    assert contents() == ["Before", "While nobody listened"]

"""Archives of other programs are read once, and join what the platform tells itself."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from ally.channels.models import Channel, EventsRaw, Platform
from ally.community.discord.storing import store_event
from ally.community.models import MetricSnapshot, PlatformUser, Post, PostRelation
from ally.db import db, use_account
from ally.jobs import worker
from tests.factories import make_account, make_channel

TELEGRAM = {
    "name": "Builders",
    "type": "private_supergroup",
    "id": 1234,
    "messages": [
        {"id": 1, "type": "service", "date": "2026-01-05T10:00:00", "action": "create_group"},
        {
            "id": 2,
            "type": "message",
            "date": "2026-01-05T10:01:00",
            "date_unixtime": "1767603660",
            "from": "Pia R",
            "from_id": "user42",
            "text": ["See ", {"type": "link", "text": "https://a.example"}, " there"],
        },
        {
            "id": 3,
            "type": "message",
            "date": "2026-01-05T10:02:00",
            "date_unixtime": "1767603720",
            "edited_unixtime": "1767603730",
            "from": None,
            "from_id": "user43",
            "reply_to_message_id": 2,
            "text": "Yes",
        },
        {
            "id": 4,
            "type": "message",
            "date": "2026-01-05T10:03:00",
            "date_unixtime": "1767603780",
            "from": "News",
            "from_id": "channel77",
            "text": "Announced",
        },
    ],
}
NOOR = {"id": "7", "name": "noor", "nickname": "Noor", "isBot": False}
DISCORD = {
    "guild": {"id": "500", "name": "Builders"},
    "channel": {"id": "10", "type": "GuildTextChat", "name": "general", "topic": "All"},
    "messages": [
        {
            "id": "1300000000000000001",
            "type": "Default",
            "timestamp": "2026-01-05T10:00:00+00:00",
            "timestampEdited": None,
            "content": "Hello",
            "author": NOOR,
            "reactions": [{"emoji": {"id": "", "name": "👍"}, "count": 2}],
        },
        {
            "id": "1300000000000000002",
            "type": "Reply",
            "timestamp": "2026-01-05T10:01:00+00:00",
            "timestampEdited": None,
            "content": "Hi",
            "author": {**NOOR, "id": "8", "name": "bot", "isBot": True},
            "reference": {"messageId": "1300000000000000001", "channelId": "10"},
        },
        {
            "id": "1300000000000000003",
            "type": "GuildMemberJoin",
            "timestamp": "2026-01-05T10:02:00+00:00",
            "content": "Joined",
            "author": NOOR,
        },
    ],
}


@pytest.fixture
def house(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        for platform in (Platform.DISCORD, Platform.TELEGRAM):
            make_channel(account, key=platform.value, platform=platform)
        yield committed


def load(house, key, told, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(json.dumps(told) if not isinstance(told, str) else told)
    db.session.rollback()
    answer = house.test_cli_runner().invoke(args=["ingest", "archive", key, str(file)])
    worker.drain(house)
    db.session.rollback()
    return answer


def posts():
    rows = db.session.execute(select(Post.content, Post.earns).order_by(Post.posted_at))
    return [tuple(row) for row in rows]


def test_an_archive_of_telegram_desktop(house, tmp_path):
    answer = load(house, "telegram", TELEGRAM, tmp_path)
    assert "3 messages, 3 of them new." in answer.output
    assert posts() == [("See https://a.example there", True), ("Yes", True), ("Announced", False)]
    names = set(db.session.scalars(select(PlatformUser.display_name)))
    assert names == {"Pia R", "Deleted account", "News"}
    assert db.session.scalar(select(func.count()).select_from(PostRelation)) == 1
    place = db.session.scalars(select(Channel).where(Channel.platform_id == "-1001234")).one()
    assert place.name == "Builders"
    assert "0 of them new." in load(house, "telegram", TELEGRAM, tmp_path).output


def test_an_archive_of_discord_chat_exporter(house, tmp_path):
    answer = load(house, "discord", DISCORD, tmp_path)
    assert "3 messages, 3 of them new." in answer.output
    assert posts() == [("Hello", True), ("Hi", False), ("Joined", False)]
    assert db.session.scalar(select(func.count()).select_from(PostRelation)) == 1
    assert db.session.scalar(select(MetricSnapshot.like_count)) == 2
    assert "0 of them new." in load(house, "discord", DISCORD, tmp_path).output


def test_what_the_platform_tells_too_is_the_same_post(house, tmp_path):
    load(house, "discord", DISCORD, tmp_path)
    server = db.session.scalars(select(Channel).where(Channel.key == "discord")).one()
    told = {
        "id": "1300000000000000001",
        "type": 0,
        "channel_id": "10",
        "guild_id": "500",
        "content": "Hello",
        "timestamp": datetime(2026, 1, 5, 10, tzinfo=UTC).isoformat(),
        "author": {"id": "7", "username": "noor"},
    }
    store_event(server, "MESSAGE_CREATE", told)
    db.session.commit()
    worker.drain(house)
    assert len(posts()) == 3


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"messages": 5}', '{"guild": 1, "channel": 2}'])
def test_what_is_no_archive_is_refused(house, tmp_path, told):
    answer = load(house, "discord", told, tmp_path)
    assert answer.exit_code == 1
    assert "neither a result.json" in answer.output
    assert db.session.scalar(select(func.count()).select_from(EventsRaw)) == 0


def test_an_archive_goes_into_a_channel_of_its_platform(house, tmp_path):
    assert "archive of Telegram" in load(house, "discord", TELEGRAM, tmp_path).output
    assert "no channel of this key" in load(house, "nowhere", TELEGRAM, tmp_path).output

"""Posts that come by webhook: from a program of the community's own, and from Telegram."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from ally.channels import registry
from ally.channels.credentials import Credentials
from ally.channels.forms import Wanted
from ally.channels.models import Channel, EventsRaw, Platform
from ally.channels.options import Options
from ally.community import places, taking_in
from ally.community.models import (
    MetricSnapshot,
    PlatformUser,
    Post,
    PostRelation,
    Reaction,
    RelationKind,
)
from ally.community.telegram import reading as telegram
from ally.db import db
from ally.jobs import tables

SECRET = "0123456789abcdef0123456789abcdef"
AT = "2026-11-02T09:00:00+00:00"
NOOR = {"id": "u1", "name": "Noor"}
OLA = {"id": "u2", "name": "Ola"}
GENERAL = {"id": "general", "name": "General"}


def connect(account, admin, platform, external_id):
    wanted = Wanted(external_id, "", external_id, None, None, Credentials(), Options())
    made = registry.create(account.id, platform, wanted, secret=SECRET, by=admin)
    db.session.commit()
    return made.channel


@pytest.fixture
def forum(acme, ida):
    return connect(acme, ida, Platform.COMMUNITY, "forum.example.com")


@pytest.fixture
def bot(acme, ida):
    return connect(acme, ida, Platform.TELEGRAM, "8001")


def written(number, **fields):
    return {
        "type": "post.written",
        "id": f"e{number}",
        "at": AT,
        "channel": GENERAL,
        "post": f"p{number}",
        "author": NOOR,
        "text": f"Post {number}",
        "posted_at": AT,
        **fields,
    }


def tell(client, channel, payload, *, secret=SECRET):
    return client.post(
        f"/webhooks/community/{channel.key}",
        json=payload,
        headers={"Authorization": f"Bearer {secret}"},
    )


def take_all():
    tables.hand_out()
    taking_in.take_in()
    db.session.commit()


def rows(model):
    return db.session.scalars(select(model).execution_options(populate_existing=True)).all()


def test_what_a_program_tells_becomes_posts(client, forum):
    events = [
        written(2, author=OLA, reply_to="p1", text="Yes"),  # before what it answers
        {**written(0), "type": "reaction.added", "kind": "👍", "by": OLA, "post": "p1"},
        written(1),
        {"type": "post.counted", "id": "c", "at": AT, "channel": GENERAL, "post": "p1", "views": 9},
    ]
    for event in events[1:2]:
        for name in ("author", "text", "posted_at"):
            del event[name]
    answer = tell(client, forum, {"events": events})
    assert answer.status_code == 202
    take_all()
    assert {post.content for post in rows(Post)} == {"Post 1", "Yes"}
    assert {user.display_name for user in rows(PlatformUser)} == {"Noor", "Ola"}
    assert [relation.kind for relation in rows(PostRelation)] == [RelationKind.REPLY_TO]
    assert [reaction.kind for reaction in rows(Reaction)] == ["👍"]
    assert [metric.view_count for metric in rows(MetricSnapshot)] == [9]
    place = db.session.scalars(select(Channel).where(Channel.platform_id == "general")).one()
    assert (place.name, place.parent_id) == ("General", forum.id)


def test_the_same_event_counts_once(client, forum):
    assert tell(client, forum, written(1)).json["status"] == "accepted"
    assert tell(client, forum, written(1)).json["status"] == "duplicate"
    take_all()
    take_all()
    assert len(rows(Post)) == 1


def test_an_edit_and_a_deletion_come_in_any_order(client, forum):
    later = "2026-11-02T10:00:00+00:00"
    tell(client, forum, written(9, post="p1", at=later, text="Edited"))
    tell(client, forum, written(1))
    take_all()
    assert [post.content for post in rows(Post)] == ["Edited"]
    gone = {"type": "post.deleted", "id": "d", "at": later, "channel": GENERAL, "post": "p1"}
    tell(client, forum, gone)
    take_all()
    assert [(post.is_deleted, post.content) for post in rows(Post)] == [(True, "")]


def test_bots_do_not_earn(client, forum):
    tell(client, forum, written(1, author={**NOOR, "bot": True}))
    take_all()
    assert [post.earns for post in rows(Post)] == [False]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "event"),
        ({"events": []}, "events"),
        ({"type": "post.burnt"}, "event"),
        (written(1, text=7), "text"),
        (written(1, at="yesterday"), "at"),
        (written(1, at="2026-11-02T09:00:00"), "at"),
        (written(1, colour="red"), "colour"),
        (written(1, post="x" * 201), "post"),
        (written(1, text="a\0b"), "text"),
        ({"events": [written(n) for n in range(101)]}, "events"),
        ({"events": [written(1), {"type": "post.deleted"}]}, "events.1"),
    ],
)
def test_a_wrong_event_is_refused_with_where_and_nothing_is_stored(client, forum, payload, said):
    answer = tell(client, forum, payload)
    assert answer.status_code == 422
    assert said in answer.json["error"]
    assert db.session.scalar(select(func.count()).select_from(EventsRaw)) == 0


def test_a_stranger_is_refused(client, forum):
    assert tell(client, forum, written(1), secret="wrong").status_code == 401
    assert client.post(f"/webhooks/community/{forum.key}", json=written(1)).status_code == 401
    assert client.post(f"/webhooks/json/{forum.key}", json=written(1)).status_code == 404


# Telegram

CHAT = {"id": -1001, "type": "supergroup", "title": "Builders"}
PIA = {"id": 42, "is_bot": False, "first_name": "Pia", "last_name": "R", "language_code": "en"}
QUIN = {"id": 43, "is_bot": False, "first_name": "Quin"}
NOW = 1_793_610_000


def message(number, **fields):
    told = {"message_id": number, "from": PIA, "chat": CHAT, "date": NOW, "text": f"Hi {number}"}
    return {**told, **fields}


def update(number, **kind):
    return {"update_id": number, **kind}


def post_update(client, bot, told, secret=SECRET):
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
    return client.post(f"/webhooks/telegram/{bot.key}", json=told, headers=headers)


def test_what_telegram_tells_becomes_posts(client, bot):
    like = {"type": "emoji", "emoji": "❤"}
    told = [
        update(1, message=message(1)),
        update(2, message=message(2, **{"from": QUIN}, reply_to_message=message(1))),
        update(3, edited_message=message(1, text="Hi all", edit_date=NOW + 5)),
        update(
            4,
            message_reaction={
                "chat": CHAT,
                "message_id": 1,
                "user": QUIN,
                "date": NOW + 9,
                "old_reaction": [],
                "new_reaction": [like],
            },
        ),
    ]
    for one in [*told, *told]:
        assert post_update(client, bot, one).status_code == 200
    take_all()
    assert {post.content for post in rows(Post)} == {"Hi all", "Hi 2"}
    assert {user.display_name for user in rows(PlatformUser)} == {"Pia R", "Quin"}
    assert len(rows(PostRelation)) == len(rows(Reaction)) == 1


def test_of_two_edits_in_one_second_the_later_counts(client, bot):
    edits = [message(1, text=text, edit_date=NOW) for text in ("Second", "Third")]
    post_update(client, bot, update(3, edited_message=edits[1]))
    post_update(client, bot, update(1, message=message(1)))
    post_update(client, bot, update(2, edited_message=edits[0]))
    take_all()
    assert [post.content for post in rows(Post)] == ["Third"]


def test_letters_that_no_database_holds_are_taken_out_everywhere(client, bot):
    half = "a\0b\ud800c"
    author, chat = PIA | {"first_name": half}, CHAT | {"title": half}
    told = message(1, **{"from": author}, chat=chat, text=half)
    post_update(client, bot, update(1, message=told))
    take_all()
    assert [post.content for post in rows(Post)] == ["ab?c"]
    assert [user.display_name for user in rows(PlatformUser)] == ["ab?c R"]
    assert "ab?c" in {channel.name for channel in rows(Channel)}


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_telegram_proves_itself_by_the_secret_token(client, bot, secret):
    assert post_update(client, bot, update(1, message=message(1)), secret).status_code == 401


def test_what_is_no_update_is_refused(client, bot):
    assert post_update(client, bot, {"ok": True}).status_code == 400


def facts(told):
    return telegram.facts_of("update", told, datetime.now(UTC))


@pytest.mark.parametrize(
    "told",
    [
        update(1, message=message(1, chat={"id": 7, "type": "private"})),
        update(1, message={**message(1), "text": None, "new_chat_title": "X"} | {"text": None}),
        update(1, poll={"id": "1"}),
        update(1),
    ],
)
def test_what_is_no_public_post_says_nothing(told):
    if "message" in told and told["message"].get("text", "") is None:
        del told["message"]["text"]
    assert facts(told) == []


def test_a_reaction_that_changes_is_one_taken_and_one_given():
    told = {
        "chat": CHAT,
        "message_id": 1,
        "user": QUIN,
        "date": NOW,
        "old_reaction": [{"type": "emoji", "emoji": "👍"}],
        "new_reaction": [{"type": "custom_emoji", "custom_emoji_id": "5"}, {"type": "paid"}],
    }
    kinds = [
        (type(fact).__name__, fact.reaction.kind)
        for fact in facts(update(1, message_reaction=told))
    ]
    assert kinds == [
        ("ReactionAdded", "custom:5"),
        ("ReactionAdded", "paid"),
        ("ReactionRemoved", "👍"),
    ]


def grow(client, bot):
    old = {"id": -7, "type": "group", "title": "Builders"}
    post_update(client, bot, update(1, message=message(1, chat=old)))
    take_all()
    yield
    post_update(client, bot, update(2, message=message(2, chat=old, migrate_to_chat_id=-1001)))
    post_update(client, bot, update(3, message=message(1, **{"from": QUIN}, text="Hi new")))
    take_all()


def test_a_group_that_grows_keeps_its_posts_apart_from_those_that_follow(client, bot):
    list(grow(client, bot))
    told = {(post.channel.platform_id, post.content) for post in rows(Post)}
    assert told == {("-7", "Hi 1"), ("-1001", "Hi new")}  # both are the first of their chat
    names = select(Channel.name).where(Channel.platform_id.in_(["-7", "-1001"]))
    assert db.session.scalars(names).all() == ["Builders", "Builders"]


def test_a_group_that_is_switched_off_stays_so_when_it_grows(client, bot):
    for _ in grow(client, bot):
        old = places.get_channel("telegram", "-7")
        places.update_channel_status(old.id, is_active=False)
        db.session.commit()
    assert [post.content for post in rows(Post)] == ["Hi 1"]

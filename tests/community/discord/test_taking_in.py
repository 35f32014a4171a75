"""Discord's pages and events become the same tables, however they come."""

import json
import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from ally.channels.models import EventsRaw, IntakeOutcome, IntakeState
from ally.community import places, posts, taking_in
from ally.community.applying import Source, apply
from ally.community.discord.reading import facts_of
from ally.community.discord.storing import store_event
from ally.community.models import CommunityThread, Post, PostRelation, PostWaiting, RelationKind
from ally.db import db
from ally.jobs import worker
from tests.community.factories import make_place
from tests.community.tables import tables

RECORDED = Path(__file__).parent / "recorded"
PAGES = [json.loads(page.read_text()) for page in sorted(RECORDED.glob("*.json"))]
MESSAGES = [message for page in PAGES for message in page]
AT = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def guild(acme):
    return make_place(platform_id="678348980639498428", name="SourceCred")


def message(number, content="Hello", channel="10", **fields):
    posted = AT + timedelta(minutes=number)
    return {
        "id": str(number),
        "type": 0,
        "channel_id": channel,
        "guild_id": "1",
        "content": content,
        "timestamp": posted.isoformat(),
        "edited_timestamp": None,
        "author": {"id": "7", "username": "noor", "global_name": "Noor"},
        "embeds": [],
        "attachments": [],
        **fields,
    }


def edited(number, version, **fields):
    at = AT + timedelta(hours=version)
    return message(number, f"Version {version}", edited_timestamp=at.isoformat(), **fields)


def taken_in(app):
    """Have everything that waits taken in; what became of each event, by its state."""
    worker.drain(app)
    counted = select(IntakeOutcome.state, func.count().label("count")).group_by(IntakeOutcome.state)
    return {row.state: row.count for row in db.session.execute(counted)}


# Recorded pages


def test_recorded_pages_become_posts(app, guild):
    for each in MESSAGES:
        store_event(guild, "MESSAGE", each, source="rest")

    assert len(MESSAGES) == 39  # some of them are on two pages
    assert taken_in(app) == {IntakeState.STORED: 25}
    assert db.session.scalar(select(func.count()).select_from(Post)) == 25
    channel = places.get_channel("discord", "678394406507905129")
    post = posts.get_post_by_external_id(channel.id, "678394436757094410")
    assert post.author.display_name == "Beanow"
    (kind,) = [row for row in tables()["counts"] if "678394436757094410" in row]
    assert "sourcecred:" in kind


def test_whoever_joined_earns_nothing_by_it(app, guild):
    for each in MESSAGES:
        store_event(guild, "MESSAGE", each, source="rest")
    taken_in(app)

    quiet = db.session.scalars(select(Post).where(~Post.earns)).all()
    assert len(quiet) == 4  # "joined the server", of type 7


@pytest.mark.parametrize("seed", range(4))
def test_pages_twice_shuffled_and_with_crashes_give_the_same_tables(
    app, acme, guild, seed, monkeypatch
):
    for each in MESSAGES:
        store_event(guild, "MESSAGE", each, source="rest")
    taken_in(app)
    straight = tables()
    forget_everything(acme)

    again = make_place(platform_id="678348980639498428", name="SourceCred")
    shuffled = [*MESSAGES, *MESSAGES]
    random.Random(seed).shuffle(shuffled)
    for each in shuffled:
        store_event(again, "MESSAGE", each, source="rest")
    crash_after_every_event(app, monkeypatch)

    assert tables() == straight


def forget_everything(account):
    """Begin again, with nothing of the first time left."""
    db.session.execute(text("SET ROLE NONE"))
    for table in (
        *("metric_snapshot", "post_relation", "reaction", "discord_post_detail", "post"),
        *("platform_user", "person", "community_thread", "parked_fact", "post_waiting"),
        *("intake_outcome", "events_raw", "channel"),
    ):
        db.session.execute(
            text(f"DELETE FROM {table} WHERE account_id = :account_id"),
            {"account_id": account.id},
        )
    db.session.execute(text("SET ROLE app_rw"))
    db.session.commit()
    db.session.expunge_all()


class Crash(BaseException):
    """The end of the process, in the middle of whatever it did."""


def crash_after_every_event(app, monkeypatch):
    """Take events in one by one, and die once after each, before it is saved."""
    monkeypatch.setattr(taking_in, "AT_ONCE", 1)
    outcome_of, crashed = taking_in.outcome_of, set()

    def dies_once(event, *facts):
        outcome = outcome_of(event, *facts)
        if event.id not in crashed:
            crashed.add(event.id)
            raise Crash
        return outcome

    monkeypatch.setattr(taking_in, "outcome_of", dies_once)
    worker.tables.hand_out()
    db.session.commit()
    while db.session.scalar(select(func.count()).select_from(PostWaiting)):
        try:
            taking_in.take_in()
            db.session.commit()
        except Crash:
            db.session.rollback()
    assert len(crashed) == db.session.scalar(select(func.count()).select_from(EventsRaw))


# Events in any order

REPLY = {"type": 19, "message_reference": {"message_id": "1", "channel_id": "10"}}
ELSEWHERE = {"message_reference": {"type": 1, "message_id": "3", "channel_id": "10"}}
EVENTS = [
    ("MESSAGE_CREATE", message(1, "Version 0")),
    ("MESSAGE_UPDATE", edited(1, 1)),
    ("MESSAGE_UPDATE", edited(1, 2)),
    ("MESSAGE_UPDATE", edited(1, 2, embeds=[{"type": "link", "title": "Found later"}])),
    ("MESSAGE_CREATE", message(2, "An answer", **REPLY)),
    ("MESSAGE_CREATE", message(3, "Said in error")),
    ("MESSAGE_DELETE", {"id": "3", "channel_id": "10", "guild_id": "1"}),
    ("MESSAGE_CREATE", message(4, "", channel="11", message_snapshots=[{}], **ELSEWHERE)),
    ("THREAD_CREATE", {"id": "1", "parent_id": "10", "name": "Funding", "guild_id": "1"}),
    ("MESSAGE_CREATE", message(5, "In the thread", channel="1")),
    ("MESSAGE_CREATE", message(6, "Also there", channel="1")),
    ("THREAD_CREATE", {"id": "20", "parent_id": "19", "name": "Asked", "guild_id": "1"}),
    ("MESSAGE_CREATE", message(20, "The question of a forum", channel="20")),
    ("MESSAGE_CREATE", message(21, "Its answer", channel="20")),
    (
        "MESSAGE_CREATE",
        message(22, message_reference={"guild_id": "5", "message_id": "4", "channel_id": "55"})
        | {"message_snapshots": [{}]},
    ),
    ("THREAD_CREATE", {"id": "9", "parent_id": "10", "name": "Gone", "guild_id": "1"}),
    ("MESSAGE_CREATE", message(8, "In what is gone", channel="9")),
    ("THREAD_DELETE", {"id": "9", "parent_id": "10", "guild_id": "1", "type": 11}),
    (
        "MESSAGE_REACTION_ADD",
        {"user_id": "8", "channel_id": "10", "message_id": "1", "emoji": {"name": "🎉"}},
    ),
    (
        "MESSAGE_REACTION_ADD",
        {"user_id": "8", "channel_id": "10", "message_id": "1", "emoji": {"id": "5", "name": "ok"}},
    ),
    ("MESSAGE_CREATE", message(12, "A link", embeds=[{"type": "link", "title": "Taken out"}])),
    ("MESSAGE_UPDATE", edited(12, 1)),
    ("MESSAGE_CREATE", message(7, "I am a bot", author={"id": "6", "username": "b", "bot": True})),
]


def sign(name, user="8", number="1", **fields):
    emoji = {"name": name}
    return {"user_id": user, "channel_id": "10", "message_id": number, "emoji": emoji, **fields}


def thread(name, **fields):
    return {"id": "1", "parent_id": "10", "name": name, "guild_id": "1", **fields}


LATER = [  # each a minute after the one before
    ("MESSAGE_REACTION_REMOVE", sign("🎉")),
    ("MESSAGE_REACTION_ADD", sign("👍", member={"nick": "Ola", "user": {}})),
    ("MESSAGE_REACTION_ADD", sign("👍", "7")),
    ("MESSAGE_REACTION_REMOVE", sign("👍")),
    ("MESSAGE_REACTION_ADD", sign("👍", member={"nick": "Ola R.", "user": {}})),
    ("MESSAGE_REACTION_ADD", sign("🔧", "7")),
    ("MESSAGE_REACTION_REMOVE_EMOJI", {**sign("🔧")}),
    ("MESSAGE_REACTION_ADD", sign("🔧", "8")),
    ("MESSAGE_REACTION_ADD", sign("👀", "7", "2")),
    ("MESSAGE_REACTION_REMOVE_ALL", {"channel_id": "10", "message_id": "2"}),
    ("MESSAGE_REACTION_REMOVE", sign("👍", "7")),
    ("THREAD_UPDATE", thread("Grants", thread_metadata={"archived": True})),
    ("THREAD_UPDATE", thread("Funding", thread_metadata={"archived": False})),
]
TIMED = [*((0, each) for each in EVENTS), *enumerate(LATER, start=1)]
FACTS = [
    fact for minutes, told in TIMED for fact in facts_of(*told, AT + timedelta(minutes=minutes))
]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(FACTS), again=st.lists(st.sampled_from(FACTS), max_size=8))
def test_whatever_the_order_the_tables_are_the_same(acme, guild, order, again):
    with db.session.begin_nested() as straight_try:
        everything(guild, FACTS)
        straight = tables()
        straight_try.rollback()
    with db.session.begin_nested() as other_try:
        everything(guild, [*order[:5], *again, *order])
        other = tables()
        other_try.rollback()

    assert other == straight


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TIMED))), at_once=st.integers(2, 12))
def test_many_at_once_become_what_they_become_one_by_one(acme, guild, order, at_once):
    with db.session.begin_nested() as straight_try:
        straight_states = {taking_in.outcome_of(each)["state"] for each in stored_events(guild)}
        straight = tables()
        straight_try.rollback()
    with db.session.begin_nested() as other_try:
        events = stored_events(guild, order)
        for start in range(0, len(events), at_once):
            taking_in.outcomes_of(events[start : start + at_once])
        other = tables()
        other_try.rollback()

    assert other == straight
    assert straight_states == {IntakeState.STORED}


EVERY = range(len(TIMED))


def stored_events(guild, order=EVERY):
    """What was told, each as a raw event, in this order."""
    events = [
        EventsRaw(
            account_id=guild.account_id,
            channel_id=guild.id,
            idempotency_key=str(number),
            platform="discord",
            type=TIMED[number][1][0],
            source="gateway",
            ts=AT + timedelta(minutes=TIMED[number][0]),
            payload={},
            body=json.dumps(TIMED[number][1][1]).encode(),
        )
        for number in order
    ]
    db.session.add_all(events)
    db.session.flush()
    return events


def test_plain_posts_are_written_by_few_statements(guild):
    store = [store_event(guild, "MESSAGE_CREATE", message(n, **REPLY)) for n in range(1, 40)]
    worker.tables.hand_out()
    with counted_statements() as told:
        taking_in.take_in()

    assert len(store) == db.session.scalar(select(func.count()).select_from(Post))
    assert len(told) < 25


@contextmanager
def counted_statements():
    told, engine = [], db.session.get_bind()

    def note(connection, cursor, statement, *rest):
        told.append(statement)

    sqlalchemy.event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sqlalchemy.event.remove(engine, "before_cursor_execute", note)


def test_one_that_cannot_be_written_lets_the_others_be(app, guild):
    for number in range(1, 5):
        store_event(guild, "MESSAGE_CREATE", message(number))
    wrong = {"id": "7", "username": random.Random(1).randbytes(9000).hex()}
    store_event(guild, "MESSAGE_CREATE", message(9, author=wrong))

    assert taken_in(app) == {IntakeState.STORED: 4, IntakeState.QUARANTINED: 1}


def everything(guild, facts):
    source = Source(guild, "discord")
    for fact in facts:
        apply(fact, source)
    db.session.flush()
    db.session.expire_all()


def test_the_tables_say_what_happened(guild):
    everything(guild, FACTS)

    told = tables()
    waiting = [row for row in told["parked"] if "taken_back" not in row]
    assert waiting == ["('10', '9', 'relation')"]  # that thread hangs on no post
    assert told["relations"] == [
        "('REPLY_TO', '2', '1')",
        "('REPOST_OF', '4', '3')",
        "('THREAD_PARENT', '21', '20')",
        "('THREAD_PARENT', '5', '1')",
        "('THREAD_PARENT', '6', '1')",
    ]
    assert not any("'55'" in row for row in told["channels"])  # of another server
    assert told["reactions"] == ["('1', '8', 'ok:5')", "('1', '8', '👍')", "('1', '8', '🔧')"]
    assert told["people"][2] == "('discord', '8', 'Ola R.', False, 'Ola R.')"
    assert told["threads"][0] == "('10', '1', 'Funding', '1', False, False)"
    assert sum("Found later" in row for row in told["details"]) == 1
    assert not any("Taken out" in row for row in told["details"])
    by_id = {post.external_id: post for post in db.session.scalars(select(Post))}
    assert by_id["1"].content == "Version 2"
    assert [n for n, post in by_id.items() if post.is_deleted] == ["3", "8"]
    assert not by_id["7"].earns
    assert [post.external_id for post in posts.posts_in_thread("1")] == ["5", "6"]


def test_a_thread_that_was_deleted_is_not_opened_again(guild):
    deleted = [fact for fact in FACTS if type(fact).__name__ == "ThreadDeleted"]
    everything(guild, [*deleted, *FACTS])

    gone = db.session.scalars(select(CommunityThread).filter_by(external_id="9")).one()
    assert (gone.name, gone.deleted_at) == ("Gone", AT)


def test_a_reaction_that_was_taken_back_before_the_post_came_is_none(guild):
    added = {"user_id": "8", "channel_id": "10", "message_id": "1", "emoji": {"name": "🎉"}}
    told = ["MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"]
    everything(guild, [fact for event in told for fact in facts_of(event, added, AT)])
    everything(guild, facts_of("MESSAGE_CREATE", message(1), AT))

    assert tables()["reactions"] == []


@pytest.mark.parametrize(("emoji", "left"), [({"name": "👍"}, 2), (None, 0)])
def test_cleared_reactions_are_gone(guild, emoji, left):
    everything(guild, FACTS)
    payload = {"channel_id": "10", "message_id": "1"} | ({"emoji": emoji} if emoji else {})
    kind = "EMOJI" if emoji else "ALL"
    everything(guild, facts_of(f"MESSAGE_REACTION_REMOVE_{kind}", payload, AT + timedelta(days=1)))

    assert len(tables()["reactions"]) == left


# Stored first


def test_many_deleted_together_are_kept_one_by_one(app, guild):
    payload = {"ids": ["1", "2"], "channel_id": "10", "guild_id": "1"}
    stored = store_event(guild, "MESSAGE_DELETE_BULK", payload)
    again = store_event(guild, "MESSAGE_DELETE", {"id": "2", "channel_id": "10", "guild_id": "1"})

    assert [each.is_new for each in [*stored, *again]] == [True, True, False]
    keys = set(db.session.scalars(select(EventsRaw.idempotency_key)))
    assert keys == {"discord:MD:1", "discord:MD:2"}
    assert taken_in(app) == {IntakeState.STORED: 2}


def test_reactions_are_told_apart_by_their_place_in_the_session(guild):
    payload = {"user_id": "8", "channel_id": "10", "message_id": "1", "emoji": {"name": "🎉"}}
    places_told = ["session:1", "session:2", "session:1"]
    stored = [
        store_event(guild, "MESSAGE_REACTION_ADD", payload, place=place)[0].is_new
        for place in places_told
    ]

    assert stored == [True, True, False]


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("MESSAGE_CREATE", {"id": "1", "author": {}}),
        ("MESSAGE_CREATE", {**message(1), "id": "x"}),
        ("MESSAGE_CREATE", {**message(1), "timestamp": "yesterday"}),
        ("MESSAGE_CREATE", {**message(1), "author": []}),
        ("MESSAGE_DELETE", {"id": "1"}),
        ("THREAD_CREATE", {"id": "1", "parent_id": None}),
    ],
)
def test_what_cannot_be_read_is_kept_and_holds_nothing_up(app, guild, event, payload):
    store_event(guild, event, payload)
    store_event(guild, "MESSAGE_CREATE", message(2))

    assert taken_in(app) == {IntakeState.QUARANTINED: 1, IntakeState.STORED: 1}
    reason = db.session.scalar(
        select(IntakeOutcome.reason).where(IntakeOutcome.reason.is_not(None))
    )
    assert reason.startswith(event)
    assert db.session.scalar(select(func.count()).select_from(Post)) == 1


def test_what_no_index_holds_is_put_aside_and_holds_nothing_up(app, guild):
    sign = {"name": random.Random(1).randbytes(4000).hex()}
    payload = {"user_id": "8", "channel_id": "10", "message_id": "2", "emoji": sign}
    store_event(guild, "MESSAGE_CREATE", message(2))
    store_event(guild, "MESSAGE_REACTION_ADD", payload)
    store_event(guild, "MESSAGE_CREATE", message(3))

    assert taken_in(app) == {IntakeState.QUARANTINED: 1, IntakeState.STORED: 2}
    reason = select(IntakeOutcome.reason).where(IntakeOutcome.reason.is_not(None))
    assert db.session.scalar(reason) == "MESSAGE_REACTION_ADD: ProgramLimitExceeded"


def test_trouble_of_the_database_is_not_the_events(guild, monkeypatch):
    def deadlock(fact, source):
        raise OperationalError("", {}, errors.DeadlockDetected())

    store_event(guild, "MESSAGE_CREATE", message(1))
    worker.tables.hand_out()
    monkeypatch.setattr(taking_in, "apply", deadlock)

    with pytest.raises(OperationalError):
        taking_in.take_in()


def test_letters_that_no_database_holds_are_taken_out(app, guild):
    store_event(guild, "MESSAGE_CREATE", message(1, "a\x00b\ud800c"))

    assert taken_in(app) == {IntakeState.STORED: 1}
    assert db.session.scalars(select(Post.content)).one() == "ab?c"


def test_a_channel_that_is_switched_off_is_left_out(app, guild):
    channel = places.upsert_channel("discord", "10", parent_id=guild.id)
    places.update_channel_status(channel.id, is_active=False)
    store_event(guild, "MESSAGE_CREATE", message(1))
    store_event(guild, "MESSAGE_CREATE", message(2, channel="11", **REPLY))

    assert taken_in(app) == {IntakeState.IGNORED: 1, IntakeState.STORED: 1}
    assert db.session.scalar(select(func.count()).select_from(Post)) == 1


def test_what_is_deleted_is_so_where_nothing_is_read_any_more(app, guild):
    everything(guild, FACTS)
    channel = places.get_channel("discord", "10")
    places.update_channel_status(channel.id, is_active=False)
    store_event(guild, "MESSAGE_DELETE", {"id": "2", "channel_id": "10", "guild_id": "1"})
    store_event(guild, "MESSAGE_REACTION_REMOVE", sign("🔧"))
    store_event(guild, "THREAD_DELETE", {"id": "1", "parent_id": "10", "guild_id": "1"})

    assert taken_in(app) == {IntakeState.STORED: 3}
    gone = select(Post.external_id).where(Post.is_deleted).order_by(Post.external_id)
    assert db.session.scalars(gone).all() == ["2", "3", "5", "6", "8"]
    assert "('1', '8', '🔧')" not in tables()["reactions"]


def test_a_channel_that_is_deleted_takes_its_words_and_threads_along(app, guild):
    everything(guild, FACTS)
    store_event(guild, "CHANNEL_DELETE", {"id": "10", "guild_id": "1", "type": 0})
    store_event(guild, "CHANNEL_DELETE", {"id": "404", "guild_id": "1", "type": 2})
    store_event(guild, "MESSAGE_CREATE", message(9, channel="1"))

    assert taken_in(app) == {IntakeState.STORED: 2, IntakeState.IGNORED: 1}
    left = select(Post.external_id).where(~Post.is_deleted)
    assert set(db.session.scalars(left)) == {"4", "20", "21"}  # in other channels
    assert not places.get_channel("discord", "10").is_active


def test_threads_of_a_channel_that_is_switched_off_are_left_out(app, guild):
    channel = places.upsert_channel("discord", "10", parent_id=guild.id)
    places.update_channel_status(channel.id, is_active=False)
    store_event(guild, "THREAD_CREATE", thread("Funding"))
    store_event(guild, "MESSAGE_CREATE", message(5, channel="1"))

    assert taken_in(app) == {IntakeState.STORED: 1, IntakeState.IGNORED: 1}
    assert tables()["posts"] == []


def test_a_channel_that_nobody_told_of_is_made_under_its_server(app, guild):
    store_event(guild, "MESSAGE_CREATE", message(1, channel="77"))
    taken_in(app)

    assert places.get_channel("discord", "77").parent_id == guild.id


def test_more_than_one_transaction_takes_are_all_taken_in(app, guild, monkeypatch):
    monkeypatch.setattr(taking_in, "AT_ONCE", 4)
    for number in range(1, 12):
        store_event(guild, "MESSAGE_CREATE", message(number))

    assert taken_in(app) == {IntakeState.STORED: 11}
    assert db.session.scalar(select(func.count()).select_from(PostWaiting)) == 0


def test_relations_between_posts_that_come_later_are_kept(app, guild):
    store_event(guild, "MESSAGE_CREATE", message(2, **REPLY))
    taken_in(app)
    assert db.session.scalars(select(PostRelation)).all() == []

    store_event(guild, "MESSAGE_CREATE", message(1))
    taken_in(app)

    (relation,) = db.session.scalars(select(PostRelation))
    assert relation.kind is RelationKind.REPLY_TO

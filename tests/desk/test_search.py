"""The search field: how what is typed is read, and what it finds."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ally.db import db, use_account
from ally.desk import search_queries
from ally.desk.hits import Marker
from ally.desk.models import (
    Attachment,
    ConversationStatus,
    ConversationTag,
    MessageDirection,
    Note,
    Tag,
)
from ally.desk.search import By, Has, Is, Query, Wanted, Words, read
from ally.paging import THE_END
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    minutes_ago,
    save_for,
    save_in,
)

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def asked(written):
    return read(written, NOW)


# How it is read


def test_words_phrases_and_what_must_not_be_there():
    query = asked('Pump "return line" -e85 58')
    assert query.words == (
        Words("Pump"),
        Words("return line", is_phrase=True),
        Words("e85", is_excluded=True),
        Words("58", is_open=True),
    )
    assert query.hints == ()


def test_every_filter_and_its_opposite():
    query = asked('from:"Dana W" -to:ops@x.example is:open has:note tag:vip -channel:chat pump')
    assert query.wanted == (
        Wanted(By.FROM, "Dana W"),
        Wanted(By.TO, "ops@x.example", is_excluded=True),
        Wanted(Is.OPEN),
        Wanted(Has.NOTE),
        Wanted(By.TAG, "vip"),
        Wanted(By.CHANNEL, "chat", is_excluded=True),
    )
    assert query.words == (Words("pump", is_open=True),)


@pytest.mark.parametrize(
    ("written", "since", "until"),
    [
        ("on:2026-11-20", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),
        ("after:2026-11-20", datetime(2026, 11, 20, tzinfo=UTC), None),
        ("before:2026-11", None, datetime(2026, 11, 1, tzinfo=UTC)),
        ("on:2026-12", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("on:2025", datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("after:7d", NOW - 7 * DAY, None),
        ("before:12h", None, NOW - DAY / 2),
        ("on:today", datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)),
        (
            "after:2026-01-01 before:2026-02-01 after:2026-01-10",
            datetime(2026, 1, 10, tzinfo=UTC),
            datetime(2026, 2, 1, tzinfo=UTC),
        ),
    ],
)
def test_dates(written, since, until):
    query = asked(written)
    assert (query.since, query.until, query.hints) == (since, until, ())


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("frm:dana", "There is no filter “frm:”"),
        ("is:green", "“is:” knows open"),
        ("before:soon", "“before:” takes a day"),
        ("before:9999-12", None),
        ("after:9999y", None),
        ("from: dana", "right behind it"),
        ("🔧", "has no letters"),
        ("x" * 600, "Only the first 500"),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), "Only the first 25"),
    ],
)
def test_what_cannot_be_read_is_a_hint_and_no_error(written, hint):
    hints = asked(written).hints
    assert hint is None or hint in hints[0]


@pytest.mark.parametrize("written", ["", '"', "-", ":", 'from:"', "\x00", "((&|!:*", "%_'; --"])
def test_anything_can_be_typed(acme, ada, written):
    make_message(make_conversation(acme))
    assert search_queries.find(asked(written), ada).rows is not None


def test_an_address_on_the_web_is_no_filter():
    assert asked("https://example.com/x").hints == ()


# What it finds


def found(ada, written):
    return [row.id for row in search_queries.find(asked(written), ada).rows]


@pytest.fixture
def talks(acme):
    """Three conversations, the first the latest."""
    channel = make_channel(acme)
    told = [
        ("Dana Whitfield", "dana@example.com", "Fuel pump for a 347", "Would the 255 pump do?"),
        ("Luis Ortega", "luis@ortega.example", "Hose for E85", "PTFE-lined, or a rubber pump?"),
        ("渡辺健二", "kenji@jp.example", "配送について", "日本への配送について質問があります。"),
    ]
    made = []
    for number, (name, email, subject, body) in enumerate(told):
        at = minutes_ago(10 * (number + 1))
        talk = make_conversation(
            acme,
            channel,
            subject=subject,
            customer_name=name,
            customer_email=email,
            last_message_at=at,
        )
        make_message(talk, body, sent_at=at)
        made.append(talk)
    return made


@pytest.mark.parametrize(
    ("written", "which"),
    [
        ("pump", [0, 1]),
        ("pum", [0, 1]),
        ("PUMP dana", [0]),
        ("pump hose", [1]),
        ('"255 pump"', [0]),
        ('"pump 255"', []),
        ("pump -rubber", [0]),
        ("-pump", [2]),
        ("ptfe-lined", [1]),
        ("日本", [2]),
        ("配送について", [2]),
        ("本日", []),
        ("from:dana", [0]),
        ("from:ortega.example", [1]),
        ("from:luis@ortega.example pump", [1]),
        ("from:255", []),
        ("-from:dana", [1, 2]),
        ("subject:pump", [0]),
        ("-subject:pump pump", [1]),
        ("subject:255", []),
        ("example.com", [0]),
        ("after:15h", [0, 1, 2]),
        ("before:15h", []),
    ],
)
def test_conversations_by_what_is_in_them(ada, talks, written, which):
    assert found(ada, written.replace("15h", "3000d") if "before" in written else written) == [
        talks[number].id for number in which
    ]


def test_conversations_by_what_was_done_with_them(acme, ada, ben, talks):
    first, second, third = talks
    first.assignee_id, second.assignee_id = ada.id, ben.id
    second.snoozed_until, third.status = minutes_ago(-60), ConversationStatus.CLOSED
    third.reference = "ABCDE-FGHJK"
    make_draft(first)
    tag = save_in(acme, Tag(account_id=acme.id, name="VIP"))
    tagging = {"account_id": acme.id, "tag_id": tag.id}
    save_in(acme, ConversationTag(conversation_id=third.id, **tagging))

    for written, which in {
        "is:open": [first],
        "is:mine": [first],
        "is:snoozed": [second],
        "is:closed": [third],
        "is:waiting": [first],
        "-is:waiting": [second, third],
        "is:unassigned": [],
        "assigned:me": [first],
        "assigned:ben": [second],
        "assigned:nobody": [third],
        "-assigned:me": [second, third],
        "tag:vip": [third],
        "-tag:vip": [first, second],
        "#abcde-fghjk": [third],
        "channel:email": [first, second, third],
        "channel:supp pump": [first, second],
        "channel:chat": [],
        "is:spam": [],
    }.items():
        assert found(ada, written) == [one.id for one in which], written


def test_what_has_files_notes_and_other_recipients(acme, ada, talks):
    first, second, third = talks
    message = make_message(first, "See the file.", metadata_={"to": [["Ops", "ops@acme.example"]]})
    file = {"file_name": "a.pdf", "mime_type": "application/pdf", "size_bytes": 1, "file_url": "a"}
    save_for(first, Attachment(account_id=acme.id, message_id=message.id, **file))
    note = {"account_id": acme.id, "author_id": ada.id, "body": "She is a wholesale customer."}
    save_for(second, Note(conversation_id=second.id, **note))

    assert found(ada, "has:attachment") == [first.id]
    assert found(ada, "has:note") == [second.id]
    assert found(ada, "to:ops@") == [first.id]
    assert found(ada, "-has:attachment") == [second.id, third.id]
    assert found(ada, "wholesale") == [second.id]
    (row,) = search_queries.find(asked("wholesale"), ada).rows
    assert (row.noted, row.hit) == (True, "She is a wholesale customer.")


def test_spam_and_what_was_merged_stay_out(acme, ada):
    spam = make_conversation(acme, is_spam=True, status=ConversationStatus.CLOSED)
    make_message(spam, "A pump for you.")

    assert found(ada, "pump") == []
    assert found(ada, "is:spam pump") == [spam.id]


def test_words_that_are_none_find_nothing(ada, talks):
    assert found(ada, "🔧") == []


def test_nothing_of_another_account_is_found(acme, ada, talks):
    globex = make_account("Globex")
    theirs = make_conversation(globex, subject="A pump")
    make_message(theirs, "pump")
    gina = make_user(globex, "Gina")

    assert found(ada, "pump") == [talks[0].id, talks[1].id]
    use_account(globex.id)
    assert found(gina, "pump") == [theirs.id]
    assert found(gina, "luis") == []


@pytest.mark.parametrize("written", ["pump", "is:open", "-hose", "to:nobody"])
def test_pages_follow_each_other_without_gap_or_overlap(acme, ada, written):
    channel = make_channel(acme)
    made = [make_conversation(acme, channel, last_message_at=minutes_ago(n)) for n in range(5)]
    for one in made:
        make_message(one, "A pump.", metadata_={"to": [[None, "nobody@acme.example"]]})

    seen, before = [], ""
    while before is not None:
        page = search_queries.find(asked(written), ada, before, most=2)
        seen += [row.id for row in page.rows]
        before = page.next

    assert seen == [one.id for one in made]


def test_a_search_says_when_it_has_not_looked_at_everything(acme, ada, monkeypatch):
    monkeypatch.setattr(search_queries, "MOST_LOOKED_AT", 3)
    channel = make_channel(acme)
    made = [make_conversation(acme, channel, last_message_at=minutes_ago(n)) for n in range(5)]
    make_message(made[4], "A hose.", metadata_={"to": [[None, "last@acme.example"]]})
    for one in reversed(made):
        make_message(one, "A pump.")

    page = search_queries.find(asked("pump"), ada)
    assert ([row.id for row in page.rows], page.is_bounded) == ([one.id for one in made[:3]], True)
    page = search_queries.find(asked("to:last@"), ada)
    assert ([*page.rows], page.is_bounded, page.next) == ([], True, None)
    page = search_queries.find(asked("to:last@"), ada, page.further)
    assert ([row.id for row in page.rows], page.is_bounded) == ([made[4].id], False)


def test_a_search_that_takes_too_long_is_given_up(ada, talks, monkeypatch):
    monkeypatch.setattr(search_queries, "PATIENCE", 1)
    monkeypatch.setitem(
        search_queries.STATES, Is.OPEN, "c.status = 'open' AND pg_sleep(1) IS NOT NULL"
    )

    with pytest.raises(search_queries.TooSlow, match="takes too long"):
        search_queries.find(asked("pump is:open"), ada)

    assert db.session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("written", ["is:open is:closed", "-is:open", "is:mine -is:mine"])
def test_filters_that_contradict_each_other_have_their_time_too(ada, talks, written, monkeypatch):
    monkeypatch.setattr(search_queries, "PATIENCE", 1)
    monkeypatch.setitem(search_queries.STATES, Is.OPEN, "pg_sleep(1) IS NOT NULL")
    monkeypatch.setitem(search_queries.STATES, Is.MINE, "pg_sleep(1) IS NOT NULL")

    with pytest.raises(search_queries.TooSlow):
        search_queries.find(asked(written), ada)


MANY = """
    INSERT INTO message (account_id, conversation_id, direction, subject, body_text)
    SELECT :account_id, :conversation_id, 'inbound', 'Pump ' || n, 'word' || n
      FROM generate_series(1, 3000) n
"""
PLAN = "EXPLAIN SELECT * FROM ({body}) found"


@pytest.fixture
def many(acme):
    """Three thousand messages, each with a word of its own and one that all have."""
    talk = make_conversation(acme)
    db.session.execute(text(MANY), {"account_id": acme.id, "conversation_id": talk.id})
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    # What a worker of Postgres does before long: bring new words into the index, and count.
    db.session.execute(text("SELECT gin_clean_pending_list('ix_message_search')"))
    db.session.execute(text("ANALYZE message"))
    yield
    db.session.execute(text("SET LOCAL ROLE app_rw"))


@pytest.mark.parametrize(
    ("words", "way"),
    [("'word2999'", "ix_message_search"), ("'pump'", "Index Scan Backward")],
)
def test_rare_words_go_by_their_index_and_common_ones_from_the_newest(many, words, way):
    """As the owner of the function sees it: row-level security alone would forbid the first."""
    body = db.session.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'find_messages'"))
    body = body[body.index("SELECT") : body.rindex(";\nEND")]
    body = body.replace("@@ query", f"@@ $${words}$$::tsquery").replace("LIMIT most", "LIMIT 99")
    plan = "\n".join(db.session.scalars(text(PLAN.format(body=body))).all())
    assert way in plan, plan


MANY_TALKS = """
    INSERT INTO conversation (account_id, channel_id, external_id, status, assignee_id,
                              snoozed_until, is_quarantined, is_spam, last_message_at)
    SELECT :account_id, :channel_id, n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END,
           CASE WHEN n % 100 = 0 THEN CAST(:user_id AS uuid) END,
           CASE WHEN n % 100 = 2 THEN CAST(:now AS timestamptz) END,
           n % 100 = 4, n % 100 = 5, CAST(:now AS timestamptz) - n * interval '1 minute'
      FROM generate_series(1, 3000) n
"""


@pytest.fixture
def many_talks(acme, ada):
    values = {"account_id": acme.id, "channel_id": make_channel(acme).id, "user_id": ada.id}
    db.session.execute(text(MANY_TALKS), {**values, "now": NOW})
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(text("ANALYZE conversation"))
    db.session.execute(text("SET LOCAL ROLE app_rw"))


@pytest.mark.parametrize(
    ("written", "index"),
    [
        ("is:open", "ix_conversation_account_id_status_last_message_at_id"),
        ("is:closed", "ix_conversation_account_id_status_last_message_at_id"),
        ("is:mine", "ix_conversation_assigned"),
        ("is:snoozed", "ix_conversation_snoozed"),
        ("is:quarantined", "ix_conversation_quarantined"),
        ("is:spam", "ix_conversation_spam"),
        ("is:undelivered", "ix_delivery_undelivered"),
        ("is:undelivered", "ix_delivery_returned"),
    ],
)
def test_every_list_goes_by_an_index(acme, ada, many_talks, written, index):
    asking = search_queries.Asking(asked(written), ada)
    values = dict(zip(("before_at", "before_id"), THE_END, strict=True))
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    statement = asking.statement()
    plan = db.session.scalars(
        text("EXPLAIN " + statement), {**asking.values, **values, "limit": 51}
    ).all()
    assert index in "\n".join(plan)


# How it is shown


@pytest.mark.parametrize(
    ("written", "told", "shown"),
    [
        ("pump", "A Pump & pumps", "A <mark>Pump</mark> &amp; <mark>pumps</mark>"),
        ('"pump"', "A pump, pumps", "A <mark>pump</mark>, pumps"),
        ("<b>", "<b>x</b>", "&lt;<mark>b</mark>&gt;x&lt;/<mark>b</mark>&gt;"),
        ("ptfe-lined", "PTFE lined", "<mark>PTFE lined</mark>"),
        ("本へ", "日本への", "日<mark>本へ</mark>の"),
        ("from:dana", "Dana W", "<mark>Dana</mark> W"),
        ("-pump", "pump", "pump"),
        ("", "a & b", "a &amp; b"),
    ],
)
def test_hits_are_marked_and_escaped(written, told, shown):
    assert str(Marker(asked(written))(told)) == shown


def test_an_empty_query_marks_nothing():
    assert str(Marker(Query())("pump")) == "pump"


def test_the_excerpt_stands_around_the_hit(acme, ada):
    talk = make_conversation(acme)
    make_message(talk, "x " * 500 + "the needle here" + " y" * 500)
    make_message(talk, "Nothing.", direction=MessageDirection.OUTBOUND)

    (row,) = search_queries.find(asked("needle"), ada).rows

    assert "the needle here" in row.hit
    assert len(row.hit) <= 240
    drawn = str(Marker(asked("needle")).excerpt(row.hit, row.is_cut))
    assert drawn.startswith("…x x")
    assert "the <mark>needle</mark> here y" in drawn

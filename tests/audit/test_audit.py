"""The Audit page: filters, pages, its links, and the state of the chain."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from ally.accounts.models import Role
from ally.audit import checking, jobs, queries
from ally.audit.queries import Filters
from ally.db import db
from ally.errors import Conflict
from ally.events import chain, reading, trail
from ally.events.models import ChainCheck, Event
from ally.events.reading import Order
from ally.jobs import runs
from ally.jobs.models import JobRun
from ally.notifications.models import Notification, NotificationType
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    sign_in,
)
from tests.forms import SWAP, token_in

UTC_ZONE = ZoneInfo("UTC")
SOMETHING = "0190f3a0-0000-7000-8000-000000000000"


@pytest.fixture
def told(draft, ada, ben):
    """Five things of which the account tells, by four."""
    trail.record(draft, "draft.written", sources="3 sources", seconds="0.4")
    trail.record(draft, "message.received", actor_name="Dana Whitfield")
    trail.record(draft, "draft.claimed", by=ada)
    trail.record(draft, "draft.rejected", by=ada, reason="tone")
    trail.record(draft, "draft.undone", by=ben)
    trail.seal()
    db.session.commit()
    return draft


def actions(acme, **asked):
    page = queries.events(acme.id, Filters(**asked), UTC_ZONE, "", "")
    return [event.action for event in page.events]


def as_owner(statement):
    db.session.execute(text("SET LOCAL ROLE app_owner"))
    db.session.execute(text(statement))
    db.session.execute(text("SET LOCAL ROLE app_rw"))
    db.session.expire_all()


def test_the_newest_comes_first(acme, told):
    assert actions(acme)[:2] == ["draft.undone", "draft.rejected"]


def test_it_is_narrowed_by_who(acme, told, ada):
    assert actions(acme, who=str(ada.id)) == ["draft.rejected", "draft.claimed"]
    assert actions(acme, who=queries.ALLY) == ["draft.written"]
    assert actions(acme, who=queries.OUTSIDE) == ["message.received"]


def test_it_is_narrowed_by_what(acme, told):
    assert actions(acme, what="draft.claimed") == ["draft.claimed"]
    topic = ["draft.undone", "draft.rejected", "draft.claimed", "draft.written"]
    assert actions(acme, what="draft") == topic
    assert actions(acme, what="channel") == []


def test_it_is_narrowed_by_days_of_the_reader(acme, told):
    as_owner("UPDATE event SET at = '2026-03-01T23:30:00Z' WHERE action = 'draft.claimed'")
    assert actions(acme, since="2026-03-01", until="2026-03-01") == ["draft.claimed"]
    vienna = ZoneInfo("Europe/Vienna")  # there it was half past midnight
    page = queries.events(acme.id, Filters(until="2026-03-01"), vienna, "", "")
    assert [event.action for event in page.events] == []
    assert len(actions(acme, since="no day", until="9999-12-31")) == 5


def test_it_is_narrowed_to_one_thing(acme, told):
    other = make_draft(make_conversation(acme))
    trail.record(other, "draft.written", sources="1", seconds="1")
    db.session.commit()
    assert len(actions(acme, about=str(told.id))) == 5
    assert len(actions(acme, about=str(told.conversation_id))) == 5
    assert actions(acme, about=f" {other.id} ") == ["draft.written"]
    assert actions(acme, about="no id") == []


@pytest.mark.parametrize("asked", [{}, {"what": "draft"}])
def test_pages_follow_each_other_both_ways(acme, told, monkeypatch, asked):
    whole = actions(acme, **asked)
    monkeypatch.setattr(queries, "LENGTH", 2)
    found, after = [], ""
    while after is not None:
        page = queries.events(acme.id, Filters(**asked), UTC_ZONE, after, "")
        found += [event.action for event in page.events]
        before, after = page.before, page.after
    assert found == whole
    back = queries.events(acme.id, Filters(**asked), UTC_ZONE, "", before)
    end = len(whole) - len(page.events)
    assert [event.action for event in back.events] == whole[end - 2 : end]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "ix_event_account_id_at_id"),
        ({"what": "draft"}, "ix_event_account_id_action_at_id"),
        ({"what": "draft.claimed"}, "ix_event_account_id_action_at_id"),
        ({"who": SOMETHING}, "ix_event_account_id_actor_id_at_id"),
        (
            {"about": SOMETHING},
            "ix_event_account_id_timeline_id_at_id",
        ),
    ],
)
def test_every_filter_goes_by_an_index(acme, told, asked, index):
    add_events(acme, 20_000)
    each = queries.alternatives(acme.id, Filters(**asked), UTC_ZONE)
    statement = reading.asked(each, None, Order.NEWEST, 51)
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = "\n".join(db.session.scalars(text(f"EXPLAIN {compiled}".replace(":", "\\:"))).all())
    assert index in plan


def add_events(acme, count):
    """So many that a plan matters: by many people, about many things."""
    many = """
        INSERT INTO event (account_id, timeline_id, subject_type, subject_id, action, actor_name,
                           at, particulars)
        SELECT :account_id, md5((n % 500)::text)::uuid, 'draft', md5(n::text)::uuid,
               (ARRAY['message.received', 'channel.tested', 'note.written'])[n % 3 + 1], 'Dana',
               clock_timestamp() - n * interval '1 minute', '{}'
          FROM generate_series(1, :count) n"""
    db.session.execute(text(many), {"account_id": acme.id, "count": count})
    as_owner("ANALYZE event")


def test_every_line_leads_to_where_it_is_told(desk, acme, told):
    page = desk.get("/audit?what=draft.claimed").text
    link = re.search(r'href="(/conversations/[^"#]+)#(event-[^"]+)"', page)
    timeline = desk.get(link[1].replace("&amp;", "&")).text
    first = timeline.split("<li id=")[1]
    assert link[2] in first


def test_a_channel_is_linked_for_those_who_may_open_it(client, acme, ada):
    channel = make_channel(acme)
    trail.record(channel, "channel.tested", by=ada)
    db.session.commit()
    assert f"/settings/channels/{channel.id}" not in sign_in(client, ada).get("/audit").text
    admin = make_user(acme, "Root", Role.ADMIN)
    assert f"/settings/channels/{channel.id}" in sign_in(client, admin).get("/audit").text


@pytest.mark.parametrize(
    "query", ["who=nonsense", "what=nonsense", "what=nonsense.at_all", "since=x&until=y", "after=~"]
)
def test_what_is_nonsense_is_answered_all_the_same(desk, told, query):
    assert desk.get(f"/audit?{query}").status_code == 200


def test_another_accounts_events_are_nowhere(acme, told):
    globex = make_account("Globex")
    foreign = make_draft(make_conversation(globex))
    act_for(globex)
    trail.record(foreign, "draft.failed", reason="secret")
    db.session.commit()
    act_for(acme)
    assert "draft.failed" not in actions(acme)
    assert actions(acme, about=str(foreign.id)) == []
    assert queries.events(globex.id, Filters(), UTC_ZONE, "", "").events == []


def test_the_chain_is_checked_on_from_where_it_was_whole(acme, told, monkeypatch):
    monkeypatch.setattr(chain, "BATCH", 2)
    assert checking.check_on(acme.id).links == 5
    trail.record(told, "draft.claimed")
    trail.seal()

    read = []
    follow = chain.follow
    monkeypatch.setattr(chain, "follow", lambda *place: read.append(place[1]) or follow(*place))
    found = checking.check_on(acme.id)

    assert (found.links, found.problem, read) == (6, None, [5])
    assert db.session.scalars(select(ChainCheck.seq)).one() == 6


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE event SET actor_name = 'Eve' WHERE seq = 7", "What event number 7 says"),
        ("DELETE FROM event WHERE seq = 6", "number 6 is missing"),
        ("DELETE FROM event WHERE seq > 5", "after number 5 are missing"),
        ("UPDATE event SET hash = 'x' WHERE seq = 5", "number 5 is not as it was checked"),
        ("DELETE FROM event WHERE seq = 5", "number 5 is not as it was checked"),
    ],
)
def test_what_was_changed_since_is_found_and_admins_are_told_once(
    acme, told, ada, tampering, problem
):
    admin = make_user(acme, "Root", Role.ADMIN)
    checking.check_on(acme.id)
    for _ in range(3):
        trail.record(told, "draft.claimed", by=ada)
    trail.seal()
    as_owner(tampering)

    assert problem in checking.check_on(acme.id).problem
    assert problem in checking.check_on(acme.id).problem
    told_to = db.session.scalars(
        select(Notification.user_id).where(Notification.type == NotificationType.CHAIN_BROKEN)
    ).all()
    assert told_to == [admin.id]


def test_what_was_changed_before_is_found_at_night(acme, told):
    checking.check_on(acme.id)
    as_owner("UPDATE event SET particulars = '{}' WHERE seq = 4")
    assert checking.check_on(acme.id).problem is None
    assert "What event number 4 says" in checking.check_all(acme.id).problem
    assert db.session.get_one(ChainCheck, acme.id, populate_existing=True).seq == 3


def test_a_check_that_was_asked_for_tells_how_far_it_is(acme, told, ada, monkeypatch):
    monkeypatch.setattr(chain, "BATCH", 2)
    run = checking.ask(ada)
    with pytest.raises(Conflict, match="under way already"):
        checking.ask(ada)
    seen = []
    progress = runs.progress
    monkeypatch.setattr(runs, "progress", lambda run, n: seen.append(n) or progress(run, n))

    jobs.check(str(run.id))

    assert seen == sorted(seen)
    assert len(seen) >= 3
    done = db.session.get_one(JobRun, run.id, populate_existing=True)
    assert (done.status, done.progress, done.metrics["events"]) == ("succeeded", 100, 5)


def test_the_page_says_how_far_the_chain_is_whole(desk, acme, told):
    assert "Not checked yet" in desk.get("/audit").text
    checking.check_on(acme.id)
    db.session.commit()
    assert "Whole up to event 5, checked just now." in desk.get("/audit").text
    as_owner("DELETE FROM event WHERE seq = 2")
    checking.check_all(acme.id)
    db.session.commit()
    page = desk.get("/audit").text
    assert "Event number 2 is missing." in page
    assert "Whole up to event 1." in page


def test_a_check_is_asked_for_on_the_page(desk, told):
    token = token_in(desk.get("/audit").text)
    answer = desk.post("/audit/check", data={"csrf_token": token}, headers=SWAP)
    assert 'hx-get="/audit/chain"' in answer.text
    assert "Checking" in desk.get("/audit/chain").text
    assert desk.post("/audit/check", data={"csrf_token": token}).status_code == 409


def test_without_script_the_check_leads_back(desk, told):
    token = token_in(desk.get("/audit").text)
    assert desk.post("/audit/check", data={"csrf_token": token}).location == "/audit"


def test_an_event_of_an_unknown_action_is_shown_by_its_name(desk, acme, told):
    event = Event(
        account_id=acme.id,
        timeline_id=told.id,
        subject_type="thing",
        subject_id=told.id,
        action="thing.happened",
        actor_name="Ally",
        particulars={},
        at=datetime.now(UTC) + timedelta(seconds=1),
    )
    db.session.add(event)
    db.session.commit()
    assert "thing.happened" in desk.get("/audit").text

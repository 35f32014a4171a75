"""The questions of the desk's pages: their answers, their order, and what they cost."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from ally.accounts.models import Role
from ally.db import db
from ally.desk import places, queries, threads
from ally.desk.models import MessageDirection
from ally.paging import THE_BEGINNING
from ally.review import claims
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    minutes_ago,
    sign_in,
)
from tests.rewards.factories import make_campaign, make_running


def make_waiting(acme, minutes, channel=None, **fields):
    conversation = make_conversation(acme, channel, last_message_at=minutes_ago(minutes))
    trigger = make_message(conversation, "Hello.\n> quoted", metadata_={"quoted_from": 7})
    return make_draft(conversation, trigger=trigger, created_at=minutes_ago(minutes), **fields)


def test_the_longest_waiting_comes_first(acme, ada):
    middle, last, first = (make_waiting(acme, minutes) for minutes in (20, 10, 30))
    make_waiting(acme, 40, status=DraftStatus.SENT)

    rows = queries.waiting(acme.id, ada.id).rows

    assert [row.id for row in rows] == [first.id, middle.id, last.id]
    assert rows[0].snippet == "Hello.\n"


def test_the_queue_tells_what_each_rests_on_and_who_holds_it(acme, ada, ben):
    sentences = [
        {"start": 0, "end": 3, "source": 1},
        {"start": 3, "end": 6, "source": 1},
        {"start": 6, "end": 9, "source": 2},
        {"start": 9, "end": 12, "source": None},
    ]
    draft = make_waiting(acme, 30, payload={"sentences": sentences})
    make_waiting(acme, 20, text="", payload={"problem": "The writer did not answer."})
    claims.claim(lock_draft(acme.id, draft.id), ben)

    first, second = queries.waiting(acme.id, ada.id).rows

    assert (first.grounded, first.holder, first.is_empty) == (2, "Ben Okri", False)
    assert (second.grounded, second.holder, second.is_empty) == (0, None, True)


def test_mine_and_unclaimed_part_the_queue(acme, ada, ben):
    mine, theirs, free = (make_waiting(acme, minutes) for minutes in (30, 20, 10))
    claims.claim(lock_draft(acme.id, mine.id), ada)
    claims.claim(lock_draft(acme.id, theirs.id), ben)

    def ids(tab):
        return [row.id for row in queries.waiting(acme.id, ada.id, tab).rows]

    assert ids("all") == [mine.id, theirs.id, free.id]
    assert ids("mine") == [mine.id]
    assert ids("unclaimed") == [free.id]
    counted = queries.badges(acme.id, ada.id)
    assert (counted.waiting, counted.mine, counted.held) == (3, 1, 2)


def test_the_rail_counts_batches_and_running_campaigns(acme, ada):
    ida = make_user(acme, "Ida Admin", role=Role.ADMIN)
    make_running(ida)
    make_campaign(ida)
    db.session.add(
        Draft(
            account_id=acme.id,
            kind="payout_batch",
            model_key="pro_rata",
            prompt_version="1",
            suggested_text="A batch",
        )
    )
    db.session.flush()
    counted = queries.badges(acme.id, ada.id)
    assert (counted.batches, counted.running, counted.waiting) == (1, 1, 0)


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/epochs/1", "/campaigns"),
        ("/campaigns/1/exports", "/campaigns"),
        ("/batches/1", "/payouts"),
        ("/settings/account", "/settings/channels"),
        ("/scores-of-old", None),
    ],
)
def test_a_page_belongs_to_one_place_of_the_rail(path, marked):
    every = (*places.FIRST, *places.COMMUNITY, *places.OPERATIONS)
    assert [place.path for place in every if place.holds(path)] == ([marked] if marked else [])


def test_a_snoozed_draft_is_out_of_the_queue_and_listed_by_when_it_comes_back(acme, ada, ben):
    now = minutes_ago(0)
    waits = make_waiting(acme, 10)
    later = make_waiting(acme, 40, snoozed_until=now + timedelta(hours=2))
    sooner = make_waiting(acme, 30, snoozed_until=now + timedelta(hours=1))
    claims.claim(lock_draft(acme.id, later.id), ben)

    assert [row.id for row in queries.waiting(acme.id, ada.id).rows] == [waits.id]
    asleep = queries.waiting(acme.id, ada.id, "snoozed").rows
    assert [row.id for row in asleep] == [sooner.id, later.id]
    counted = queries.badges(acme.id, ada.id)
    assert (counted.waiting, counted.snoozed, counted.held) == (1, 2, 0)
    assert counted.oldest == waits.created_at


def test_pages_of_the_queue_follow_each_other_without_gap_or_overlap(acme, ada, monkeypatch):
    drafts = [make_waiting(acme, 100 - number) for number in range(5)]
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)

    seen, after = [], ""
    while after is not None:
        page = queries.waiting(acme.id, ada.id, after=after)
        seen += [row.id for row in page.rows]
        after = page.next

    assert seen == [draft.id for draft in drafts]


def test_pages_of_what_is_snoozed_follow_each_other_by_when_it_comes_back(acme, ada, monkeypatch):
    now = minutes_ago(0)
    drafts = [make_waiting(acme, n, snoozed_until=now + timedelta(hours=n)) for n in (1, 2, 3)]
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)

    first = queries.waiting(acme.id, ada.id, "snoozed")
    second = queries.waiting(acme.id, ada.id, "snoozed", first.next)

    assert [row.id for row in [*first.rows, *second.rows]] == [draft.id for draft in drafts]


def test_the_queue_goes_by_its_index(acme, ada):
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    after_at, after_id = THE_BEGINNING
    asked = {"account_id": acme.id, "user_id": ada.id, "after_at": after_at, "after_id": after_id}
    asked |= {"now": minutes_ago(0), "limit": 51}
    for tab, index in (("all", "ix_draft_waiting"), ("snoozed", "ix_draft_snoozed")):
        plan = db.session.scalars(text("EXPLAIN " + queries.TABS[tab].text), asked).all()
        assert index in "\n".join(plan)


@pytest.mark.parametrize("place", ["nonsense", "~", "2026-01-01T00:00:00Z~x", "x~y~z"])
def test_an_unreadable_place_begins_at_the_beginning(acme, ada, place):
    draft = make_waiting(acme, 10)
    assert [row.id for row in queries.waiting(acme.id, ada.id, after=place).rows] == [draft.id]


def test_a_thread_folds_what_is_older(acme):
    conversation = make_conversation(acme)
    for number in range(6):
        make_message(conversation, f"Number {number}", sent_at=minutes_ago(60 - number))

    thread = threads.thread_of(conversation)

    assert thread.older_letters == 3
    assert [letter.own for letter in thread.recent] == ["Number 3", "Number 4", "Number 5"]


def test_a_long_thread_leads_to_its_earlier_letters(acme, monkeypatch):
    monkeypatch.setattr(threads, "LETTERS", 2)
    conversation = make_conversation(acme)
    for number in range(3):
        make_message(conversation, f"Number {number}", sent_at=minutes_ago(60 - number))

    newest = threads.thread_of(conversation)
    earlier = threads.thread_of(conversation, before=newest.earlier)

    assert [letter.own for letter in newest.recent] == ["Number 1", "Number 2"]
    assert [letter.own for letter in earlier.recent] == ["Number 0"]
    assert earlier.earlier is None


def test_a_letter_is_cut_where_nobody_reads_on(acme):
    conversation = make_conversation(acme)
    make_message(conversation, "x" * (threads.LONGEST_BODY + 1))
    (letter,) = threads.thread_of(conversation).recent
    assert letter.is_cut
    assert len(letter.own) == threads.LONGEST_BODY


def test_another_accounts_rows_are_nowhere(acme, ada):
    globex = make_account("Globex")
    gina = make_user(globex, "Gina")
    draft = make_draft(make_conversation(globex))
    act_for(acme)

    assert queries.waiting(acme.id, ada.id).rows == []
    assert queries.waiting(globex.id, gina.id).rows == []
    assert queries.news_of(acme.id, draft.id) is None


def test_news_tell_of_a_newer_message_and_of_a_newer_draft(acme):
    draft = make_waiting(acme, 10)
    assert queries.news_of(acme.id, draft.id).wrote_again is False

    conversation = queries.find_conversation(acme.id, draft.conversation_id)
    again = make_message(conversation, "One more thing.")
    assert queries.news_of(acme.id, draft.id).wrote_again is True

    draft.status = DraftStatus.SUPERSEDED
    db.session.commit()
    newer = make_draft(conversation, trigger=again)
    assert queries.news_of(acme.id, draft.id).newer == newer.id


@contextmanager
def statements():
    """The statements that are sent to Postgres meanwhile, savepoints aside."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        if "SAVEPOINT" not in statement:
            sent.append(statement)

    connection = db.engines[None]
    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


# On the page of a place one marks what leads there in the feed as read.
PAGES = {
    "/review": 16,  # two of them for the files of the reply, and for what an agent should decide
    # and two for the notes and for what can be done
    "/review/waiting": 4,
    "/conversations": 5,  # with the views, and the colleagues and tags that its acts offer
    "/conversations?q=pump": 11,  # in a savepoint, with its own time and a count of searches
    "/conversations/{conversation}": 12,
    "/conversations/{conversation}/timeline": 8,
    "/outgoing": 4,
    "/jobs": 5,
    "/learning": 8,
    "/notifications": 4,
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_costs_as_many_statements_with_thirty_rows_as_with_three(client, acme, ada, path):
    channel = make_channel(acme)
    first = make_waiting(acme, 500, channel)
    path = path.format(conversation=first.conversation_id)
    sign_in(client, ada)

    def cost():
        with statements() as sent:
            assert client.get(path).status_code == 200
        return len(sent)

    add_rows(acme, channel, first, 3)
    client.get(path)  # some answers are kept for a minute, and not asked for again
    few = cost()
    add_rows(acme, channel, first, 30)

    assert cost() == few
    most = PAGES[path.replace(str(first.conversation_id), "{conversation}")]
    assert few <= most


def add_rows(acme, channel, first, count):
    conversation = queries.find_conversation(acme.id, first.conversation_id)
    for number in range(count):
        make_waiting(acme, number, channel)
        make_message(conversation, direction=MessageDirection.OUTBOUND)

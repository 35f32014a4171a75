"""The order in which a person goes through the queue."""

from datetime import timedelta

import pytest

from ally import clock
from ally.desk import likeness, queries, queue
from ally.review import claims, decisions
from ally.review.digest import digest_of, parts
from ally.review.models import ActionType, DraftAction, RejectionReason
from ally.review.queries import lock_draft
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    minutes_ago,
    save_in,
    sign_in,
)


@pytest.fixture
def waiting(acme):
    """Five drafts, the longest waiting first."""
    channel = make_channel(acme)
    return [make_waiting(acme, channel, 50 - number) for number in range(5)]


def make_waiting(acme, channel, minutes, **fields):
    at = minutes_ago(minutes)
    conversation = make_conversation(acme, channel, last_message_at=at)
    return make_draft(conversation, created_at=at, **fields)


def after(draft, by, tab="all"):
    return queue.next_after(draft, by, tab, queries.waiting(by.account_id, by.id, tab))


def test_after_each_draft_comes_the_next_and_after_the_last_the_first(acme, ada, waiting):
    assert after(waiting[0], ada) == queue.Next(waiting[1].id, began_again=False)
    assert after(waiting[4], ada) == queue.Next(waiting[0].id, began_again=True)


def test_far_down_the_queue_the_next_one_is_found_too(acme, ada, waiting, monkeypatch):
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)
    assert after(waiting[3], ada).draft_id == waiting[4].id


def test_what_somebody_else_holds_is_passed_over_while_there_is_another(acme, ada, ben, waiting):
    for draft in waiting[1:3]:
        claims.claim(lock_draft(acme.id, draft.id), ben)
    claims.claim(lock_draft(acme.id, waiting[3].id), ada)

    assert after(waiting[0], ada).draft_id == waiting[3].id
    claims.claim(lock_draft(acme.id, waiting[4].id), ben)
    assert after(waiting[3], ada) == queue.Next(waiting[0].id, began_again=True)


def test_the_only_draft_is_followed_by_none(acme, ada):
    draft = make_waiting(acme, make_channel(acme), 10)
    assert after(draft, ada) == queue.Next(None, began_again=False)


def test_skipping_opens_the_next_and_decides_nothing(client, acme, ada, waiting):
    sign_in(client, ada)
    path = f"/review/{waiting[1].id}/next"

    answer = client.get(path, headers={"HX-Request": "true"})

    assert answer.headers["HX-Push-Url"] == f"/review/{waiting[2].id}"
    assert f'data-draft="{waiting[2].id}"' in answer.text
    assert "Skipped." in answer.text
    assert client.get(path).headers["Location"] == f"/review/{waiting[2].id}"
    assert queries.badges(acme.id, ada.id).waiting == 5


def test_another_accounts_draft_is_not_skipped(client, acme, ada):
    theirs = make_draft(make_conversation(make_account("Globex")))
    act_for(acme)
    assert sign_in(client, ada).get(f"/review/{theirs.id}/next").status_code == 404


def test_more_rows_begin_after_the_place(client, acme, ada, waiting, monkeypatch):
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)
    sign_in(client, ada)
    place = queries.waiting(acme.id, ada.id).next

    more = client.get("/review/rows", query_string={"after": place}, headers={"HX-Request": "true"})

    assert [f"row-{draft.id}" in more.text for draft in waiting] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert "<html" not in more.text
    assert "<html" in client.get("/review/rows", query_string={"after": place}).text


def test_a_draft_far_down_opens_with_its_part_of_the_queue(client, acme, ada, waiting, monkeypatch):
    monkeypatch.setattr(queries, "QUEUE_LENGTH", 2)
    page = sign_in(client, ada).get(f"/review/{waiting[3].id}").text
    assert [f"row-{draft.id}" in page for draft in waiting] == [False, False, False, True, True]
    assert "From the beginning" in page


def test_the_end_of_the_queue_tells_what_is_left(client, acme, ada):
    channel = make_channel(acme)
    make_waiting(acme, channel, 10, snoozed_until=clock.now() + timedelta(hours=1))
    draft = make_waiting(acme, channel, 10)
    decide(acme, draft, ada)

    page = sign_in(client, ada).get("/review").text

    assert "Nothing waits for you" in page
    assert "You decided on 1 draft today." in page
    assert "1 draft is snoozed" in page


def decide(acme, draft, by):
    held = lock_draft(acme.id, draft.id)
    decisions.reject(held, by, seen=digest_of(parts(held)), reason=RejectionReason.TONE)


def test_shares_of_decisions_on_drafts_like_this(acme, ada, monkeypatch):
    channel = make_channel(acme)
    kinds = [ActionType.APPROVE] * 6 + [ActionType.EDIT] * 3 + [ActionType.REJECT]
    for kind in kinds:
        decided(acme, channel, ada, kind)
    decided(acme, channel, ada, ActionType.REJECT, prompt_version="another")
    decided(acme, channel, ada, ActionType.REJECT, created_at=clock.now() - timedelta(days=91))

    found = likeness.decisions_like(make_waiting(acme, channel, 1))

    assert found.all == 10
    assert [found.share(kind) for kind in ("approve", "edit", "reject")] == [60, 30, 10]


def test_the_shares_are_kept_for_a_minute_and_for_one_account(acme, ada, monkeypatch):
    channel = make_channel(acme)
    draft = make_waiting(acme, channel, 1)
    assert likeness.decisions_like(draft).all == 0
    decided(acme, channel, ada, ActionType.APPROVE)
    assert likeness.decisions_like(draft).all == 0

    now = clock.now() + likeness.KEPT
    monkeypatch.setattr(clock, "now", lambda: now)
    assert likeness.decisions_like(draft).all == 1
    globex = make_account("Globex")
    make_user(globex, "Gina")
    act_for(globex)
    assert likeness.decisions_like(make_draft(make_conversation(globex))).all == 0


def decided(acme, channel, by, kind, prompt_version="2026-11-20", **fields):
    draft = make_draft(
        make_conversation(acme, channel), prompt_version=prompt_version, status="sent"
    )
    reason = RejectionReason.TONE if kind is ActionType.REJECT else None
    action = DraftAction(
        account_id=acme.id, draft_id=draft.id, user_id=by.id, type=kind, reason=reason, **fields
    )
    return save_in(acme, action)

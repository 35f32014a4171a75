"""Conversations and drafts put off until a time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.db import db
from ally.desk import asking, assigning, closing, drafting, snoozing
from ally.desk.models import ConversationStatus, MessageDirection
from ally.errors import Conflict, Invalid
from ally.jobs.worker import drain
from ally.notifications.models import Notification, NotificationType
from ally.review import claims, decisions
from ally.review import snoozing as gate
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from tests.desk.arriving import actions, arrive, letter
from tests.desk.test_sweep import later, lose_jobs
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
)
from tests.forms import SWAP, post

VIENNA = ZoneInfo("Europe/Vienna")


def in_an_hour():
    return clock.now() + timedelta(hours=1)


def told():
    return db.session.scalars(
        select(Notification).where(Notification.type == NotificationType.SNOOZE_ENDED)
    ).all()


# --- the gate's own


def test_a_draft_and_its_conversation_are_put_off_together(acme, ada, draft, conversation):
    until = in_an_hour()
    gate.snooze(lock_draft(acme.id, draft.id), ada, until)

    assert draft.snoozed_until == conversation.snoozed_until == until
    assert actions(conversation) == ["draft.snoozed"]


def test_nobody_holds_a_draft_that_is_snoozed(acme, ada, draft):
    claims.claim(draft, by=ada)
    gate.snooze(lock_draft(acme.id, draft.id), ada, in_an_hour())
    assert claims.holder_of(draft) is None


def test_a_draft_that_somebody_else_holds_stays(acme, ada, ben, draft, conversation):
    claims.claim(draft, by=ben)
    with pytest.raises(claims.HeldByAnother):
        snoozing.snooze(conversation, ada, in_an_hour())


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=366)])
def test_a_time_that_makes_no_sense_is_refused(ada, draft, conversation, away):
    with pytest.raises(Invalid):
        snoozing.snooze(conversation, ada, clock.now() + away)


def test_a_decided_draft_is_not_put_off(acme, ada, draft):
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    with pytest.raises(decisions.AlreadyDecided):
        gate.snooze(lock_draft(acme.id, draft.id), ada, in_an_hour())


def test_a_decision_ends_the_snooze(acme, ada, draft, conversation):
    gate.snooze(lock_draft(acme.id, draft.id), ada, in_an_hour())
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))

    assert (draft.snoozed_until, conversation.snoozed_until) == (None, None)


def test_what_is_taken_back_is_not_snoozed(acme, ada, draft, conversation):
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    snoozing.snooze(conversation, ada, in_an_hour())
    decisions.undo(lock_draft(acme.id, draft.id), ada)

    assert draft.is_pending
    assert (draft.snoozed_until, conversation.snoozed_until) == (None, None)


# --- the times that are offered


def at(words):
    return datetime.fromisoformat(words).replace(tzinfo=VIENNA)


@pytest.mark.parametrize(
    ("now", "later_", "tomorrow", "monday"),
    [
        ("2026-11-26T14:30", "2026-11-26T17:30", "2026-11-27T08:00", "2026-11-30T08:00"),
        ("2026-11-29T23:30", "2026-11-30T02:30", "2026-11-30T08:00", "2026-11-30T08:00"),
        ("2026-11-30T07:00", "2026-11-30T10:00", "2026-12-01T08:00", "2026-12-07T08:00"),
        # The clocks go back in the night: three hours later it is only two on the wall.
        ("2026-10-25T01:30", "2026-10-25T03:30", "2026-10-26T08:00", "2026-10-26T08:00"),
    ],
)
def test_the_times_are_the_readers(now, later_, tomorrow, monday):
    offered = {choice.name: choice.at for choice in gate.choices(at(now))}
    assert offered == {"later": at(later_), "tomorrow": at(tomorrow), "monday": at(monday)}
    assert all(choice.at.tzinfo is VIENNA for choice in gate.choices(at(now)))


def test_a_time_of_ones_own_is_read_in_the_readers_zone():
    chosen = gate.moment_chosen("", "2026-12-24T18:15", at("2026-11-26T14:30"))
    assert chosen == at("2026-12-24T18:15")


@pytest.mark.parametrize("written", ["", "soon", "2026-13-01T00:00", "0001-01-01T00:00"])
def test_what_is_no_time_is_refused(ada, conversation, written):
    def snooze():
        until = gate.moment_chosen("", written, at("2026-11-26T14:30"))
        snoozing.snooze(conversation, ada, until)

    with pytest.raises(Invalid):
        snooze()


# --- waking


def test_what_is_due_wakes_once_and_tells_whose_it_is(
    app, ada, ben, draft, conversation, monkeypatch
):
    assigning.assign(conversation, ben, by=ben)
    snoozing.snooze(conversation, ada, in_an_hour())
    drain(app)
    assert conversation.snoozed_until is not None

    later(monkeypatch, timedelta(hours=1, seconds=1))
    drain(app)
    snoozing.wake_due()

    assert (db.session.get(Draft, draft.id).snoozed_until, conversation.snoozed_until) == (
        None,
    ) * 2
    assert [line.user_id for line in told()] == [ben.id]
    assert actions(conversation)[-1] == "conversation.woken_in_time"


def test_a_lost_job_is_made_good_by_the_sweep(ada, draft, conversation, monkeypatch):
    snoozing.snooze(conversation, ada, in_an_hour())
    lose_jobs()
    later(monkeypatch, timedelta(hours=2))
    snoozing.wake_due()

    assert conversation.snoozed_until is None
    assert [line.user_id for line in told()] == [ada.id]  # who snoozed what is nobody's


def test_what_was_snoozed_again_sleeps_on(app, ada, conversation, monkeypatch):
    snoozing.snooze(conversation, ada, in_an_hour())
    snoozing.snooze(conversation, ada, clock.now() + timedelta(days=1))
    later(monkeypatch, timedelta(hours=2))
    drain(app)

    assert conversation.snoozed_until is not None
    assert told() == []


def test_the_sweep_goes_by_its_index(acme):
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = db.session.scalars(
        text(
            "EXPLAIN SELECT id FROM conversation WHERE account_id = :id AND snoozed_until <= :now"
            " ORDER BY snoozed_until, id LIMIT 100 FOR UPDATE SKIP LOCKED"
        ),
        {"id": acme.id, "now": clock.now()},
    ).all()
    assert "ix_conversation_snoozed" in "\n".join(plan)


def test_the_customer_wakes_it_and_the_new_draft_is_there_at_once(acme, ada, monkeypatch):
    conversation = make_conversation(acme, make_channel(acme))
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    draft = make_draft(conversation)
    snoozing.snooze(conversation, ada, in_an_hour())
    outcome = arrive(conversation.channel, letter("Hello?", in_reply_to=[ours.external_id]))
    drafting.write_draft(message_id=str(outcome.message_id))

    assert conversation.snoozed_until is None
    assert "conversation.woken_by_customer" in actions(conversation)
    assert db.session.get(Draft, draft.id).status is DraftStatus.SUPERSEDED
    (newer,) = db.session.scalars(select(Draft).where(Draft.status == DraftStatus.PENDING))
    assert newer.snoozed_until is None


def test_a_draft_that_was_still_being_written_sleeps_with_its_conversation(ada, conversation):
    message = make_message(conversation)
    snoozing.snooze(conversation, ada, in_an_hour())
    drafting.write_draft(message_id=str(message.id))

    (draft,) = db.session.scalars(select(Draft))
    assert draft.snoozed_until == conversation.snoozed_until


def test_who_asks_for_a_draft_wants_it_now(ada, conversation):
    message = make_message(conversation)
    snoozing.snooze(conversation, ada, in_an_hour())
    asking.ask(message, by=ada)
    assert conversation.snoozed_until is None


def test_it_is_woken_by_hand_once(ada, draft, conversation):
    snoozing.snooze(conversation, ada, in_an_hour())
    snoozing.wake(conversation, by=ada)

    assert (draft.snoozed_until, conversation.snoozed_until) == (None, None)
    with pytest.raises(Conflict, match="not snoozed"):
        snoozing.wake(conversation, by=ada)


def test_what_is_closed_is_not_put_off(ada, conversation):
    closing.close(conversation, by=ada)
    with pytest.raises(Conflict, match="Reopen it"):
        snoozing.snooze(conversation, ada, in_an_hour())


def test_closing_ends_a_snooze(ada, conversation):
    snoozing.snooze(conversation, ada, in_an_hour())
    closing.close(conversation, by=ada)

    assert conversation.snoozed_until is None
    assert conversation.status is ConversationStatus.CLOSED


# --- routes


def test_at_the_gate_the_next_draft_opens(desk, acme, draft, conversation):
    following = make_draft(make_conversation(acme))
    path = f"/conversations/{conversation.id}/snooze"
    swapped = post(desk, path, headers=SWAP, until="later", draft=draft.id)

    assert swapped.headers["HX-Push-Url"] == f"/review/{following.id}"
    assert f'data-draft="{following.id}"' in swapped.text


def test_on_its_own_page_it_is_drawn_again(desk, conversation):
    path = f"/conversations/{conversation.id}"
    assert post(desk, f"{path}/snooze", headers=SWAP, until="later").headers["HX-Refresh"]
    assert "Snoozed until" in desk.get(path).text
    woken = post(desk, f"{path}/waking")
    assert (woken.status_code, woken.location) == (303, path)
    assert post(desk, f"{path}/waking").status_code == 409
    assert post(desk, f"{path}/snooze", until="", at="yesterday").status_code == 422


def test_a_draft_has_its_own_address_for_it(desk, acme, draft):
    following = make_draft(make_conversation(acme))
    plain = post(desk, f"/drafts/{draft.id}/snooze", until="tomorrow")

    assert (plain.status_code, plain.location) == (303, f"/review/{following.id}")
    db.session.refresh(draft)
    assert draft.snoozed_until > clock.now()
    assert post(desk, f"/drafts/{draft.id}/waking", headers=SWAP).status_code == 200
    db.session.refresh(draft)
    assert draft.snoozed_until is None


def test_another_accounts_sleep_on(desk, acme):
    theirs = make_draft(make_conversation(make_account("Globex")))
    act_for(acme)
    for path in (f"/drafts/{theirs.id}", f"/conversations/{theirs.conversation_id}"):
        assert post(desk, f"{path}/snooze", until="later").status_code == 404
        assert post(desk, f"{path}/waking").status_code == 404

"""The Outgoing page: what waits, what failed, and what an agent does about it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally import clock
from ally.channels.models import Delivery, DeliveryStatus, ReportKind
from ally.db import db
from ally.desk import sendings
from ally.events import trail
from ally.review import decisions
from ally.review.digest import seen
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_user,
    minutes_ago,
)
from tests.forms import SWAP, post


def approved(acme, channel, by, *, in_days=0, **fields):
    """The sending of a reply that was approved, changed to what the test is about."""
    draft = make_draft(make_conversation(acme, channel))
    at = clock.now() + timedelta(days=in_days) if in_days else None
    action = decisions.approve(draft, by, seen=seen(draft), send_at=at)
    delivery = db.session.scalars(select(Delivery).where(Delivery.action_id == action.id)).one()
    for name, value in fields.items():
        setattr(delivery, name, value)
    db.session.commit()
    return delivery


def failed(acme, channel, by, minutes=1):
    status, answer = DeliveryStatus.REJECTED, "550 no such user"
    return approved(
        acme, channel, by, status=status, answer=answer, updated_at=minutes_ago(minutes)
    )


def ids(acme, show):
    return [row.id for row in sendings.outgoing(acme.id, show).page.rows]


def test_what_goes_out_first_comes_first(acme, ada, channel):
    last, first = (approved(acme, channel, ada, in_days=days) for days in (3, 1))
    assert ids(acme, "queued") == [first.id, last.id]


def test_the_newest_failure_comes_first_and_what_was_seen_is_gone(acme, ada, channel):
    older, newer = (failed(acme, channel, ada, minutes) for minutes in (20, 10))
    bounced = approved(
        acme,
        channel,
        ada,
        status=DeliveryStatus.ACCEPTED,
        accepted_at=minutes_ago(60),
        reported=ReportKind.BOUNCED,
        updated_at=minutes_ago(15),
    )
    approved(acme, channel, ada, status=DeliveryStatus.REJECTED, acknowledged_at=minutes_ago(1))
    assert ids(acme, "failed") == [newer.id, bounced.id, older.id]


def test_pages_follow_each_other(acme, ada, channel, monkeypatch):
    monkeypatch.setattr(sendings, "PAGE_LENGTH", 2)
    made = [failed(acme, channel, ada, minutes).id for minutes in range(1, 6)]
    found, after = [], ""
    while after is not None:
        page = sendings.outgoing(acme.id, "failed", after).page
        found += [row.id for row in page.rows]
        after = page.next
    assert found == made


def test_the_page_opens_with_what_most_needs_somebody(acme, ada, channel):
    assert sendings.outgoing(acme.id).show == "queued"
    approved(acme, channel, ada, status=DeliveryStatus.UNKNOWN)
    assert sendings.outgoing(acme.id).show == "unknown"
    failed(acme, channel, ada)
    assert sendings.outgoing(acme.id, "nonsense").show == "failed"


def test_failures_are_counted_in_red_on_every_page(acme, ada, channel, desk):
    failed(acme, channel, ada)
    approved(acme, channel, ada, status=DeliveryStatus.UNKNOWN)
    page = desk.get("/conversations").text
    assert re.search(r'class="count num stop" id="count-outgoing">2<', page)


def test_an_open_page_is_answered_only_when_something_changed(acme, ada, channel, desk):
    failed(acme, channel, ada)
    tag = re.search(r"tag=(\w+)", desk.get("/outgoing?show=failed").text)[1]
    assert desk.get(f"/outgoing?show=failed&tag={tag}", headers=SWAP).status_code == 304
    failed(acme, channel, ada)
    assert "550" in desk.get(f"/outgoing?show=failed&tag={tag}", headers=SWAP).text


def test_one_that_waits_is_sent_at_once(acme, ada, channel, desk):
    delivery = approved(acme, channel, ada, in_days=3)
    answer = post(desk, f"/deliveries/{delivery.id}/now?from=outgoing&show=queued")
    db.session.refresh(delivery)
    assert answer.location == "/outgoing?show=queued"
    assert delivery.not_before <= clock.now()
    asked = "SELECT count(*) FROM procrastinate_jobs WHERE args->>'delivery_id' = :id"
    assert db.session.scalar(text(asked), {"id": str(delivery.id)}) == 2  # then, and now
    assert "delivery.hastened" in [event.action for event in trail.timeline(delivery)]


def test_one_that_waits_is_taken_back_in_its_place(acme, ada, channel, desk):
    delivery = approved(acme, channel, ada, in_days=3)
    path = f"/deliveries/{delivery.id}/cancellation"
    answer = post(desk, f"{path}?from=outgoing&show=queued", headers=SWAP)
    assert 'id="outgoing"' in answer.text
    assert "Nothing waits to go out" in answer.text
    db.session.refresh(delivery)
    assert delivery.status is DeliveryStatus.CANCELLED
    assert post(desk, path).status_code == 409


def test_in_its_conversation_an_act_answers_with_the_sending(acme, ada, channel, desk):
    delivery = approved(acme, channel, ada, in_days=3)
    page = desk.get(f"/conversations/{delivery.conversation_id}").text
    assert f'hx-post="/deliveries/{delivery.id}/cancellation"' in page
    answer = post(desk, f"/deliveries/{delivery.id}/cancellation", headers=SWAP)
    assert f'id="sending-{delivery.id}"' in answer.text
    assert "Taken back" in answer.text


def test_a_failure_is_tried_again_or_seen(acme, ada, channel, desk):
    again, given_up = (failed(acme, channel, ada) for _ in range(2))
    post(desk, f"/deliveries/{again.id}/retry?from=outgoing&show=failed")
    post(desk, f"/deliveries/{given_up.id}/acknowledgement?from=outgoing&show=failed")
    assert ids(acme, "failed") == []
    assert ids(acme, "queued") == [again.id]


def test_a_doubtful_one_is_said_to_have_been_sent(acme, ada, channel, desk):
    delivery = approved(acme, channel, ada, status=DeliveryStatus.UNKNOWN)
    answer = post(desk, f"/deliveries/{delivery.id}/settlement?from=outgoing&show=unknown")
    assert (answer.status_code, ids(acme, "unknown")) == (303, [])


@pytest.mark.parametrize("act", ["now", "cancellation"])
def test_what_has_begun_is_refused_in_words(acme, ada, channel, desk, act):
    delivery = approved(
        acme, channel, ada, status=DeliveryStatus.ACCEPTED, accepted_at=minutes_ago(1)
    )
    answer = post(desk, f"/deliveries/{delivery.id}/{act}", headers=SWAP)
    assert answer.status_code == 409
    assert "has already been sent" in answer.text


@pytest.mark.parametrize("act", ["now", "cancellation", "settlement", "retry", "acknowledgement"])
def test_another_accounts_sending_is_nowhere(acme, ada, desk, act):
    globex = make_account("Globex")
    act_for(globex)
    delivery = approved(globex, make_channel(globex), make_user(globex, "Gina"), in_days=1)
    act_for(acme)
    assert post(desk, f"/deliveries/{delivery.id}/{act}").status_code == 404
    assert ids(acme, "queued") == []


@pytest.mark.parametrize(
    ("show", "index"),
    [
        ("failed", "ix_delivery_failed"),
        ("unknown", "ix_delivery_unknown"),
        ("queued", "ix_delivery_due"),
    ],
)
def test_every_tab_goes_by_an_index(acme, show, index):
    statement, _, (at, row_id) = sendings.TABS[show]
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    asked = {"account_id": acme.id, "at": at, "id": row_id, "limit": 51}
    plan = db.session.scalars(text("EXPLAIN " + statement.text), asked).all()
    assert index in "\n".join(plan)


def test_after_it_was_taken_back_the_draft_waits(acme, ada, channel, desk):
    delivery = approved(acme, channel, ada, in_days=3)
    post(desk, f"/deliveries/{delivery.id}/cancellation")
    page = desk.get("/review").text
    assert "Draft under review" in page

"""A conversation's timeline: narrowed, in pages, undone where it is told, and taken out whole."""

import base64
import hashlib
import json
import re
import zlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from ally import clock
from ally.channels import outbox
from ally.channels.adapters import Kind, Outcome
from ally.channels.models import Delivery
from ally.db import db
from ally.desk import story
from ally.desk.models import Message
from ally.desk.replies import conversation_of
from ally.events import exporting, topics, trail, verify_export
from ally.events.reading import Order
from ally.events.sentences import SENTENCES
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import RejectionReason
from tests.factories import (
    act_for,
    make_account,
    make_conversation,
)
from tests.forms import token_in


@pytest.fixture
def told(draft, ada, ben):
    """Claimed, rejected, undone, approved with changes and sent."""
    trail.record(draft, "draft.claimed", by=ada)
    reason = RejectionReason.TONE
    decisions.reject(draft, ada, seen=seen(draft), reason=reason, notes="Too curt, „sehr“ 👎")
    decisions.undo(draft, ben)
    decisions.approve(draft, ada, seen=seen(draft), text="Hi Dana,\n\nthe 255 is enough.")
    delivery = db.session.scalars(select(Delivery)).one()
    delivery.not_before = clock.now() - timedelta(seconds=1)
    db.session.flush()
    outbox.claim(delivery.id, "worker")
    outcome = Outcome(Kind.ACCEPTED, "250 queued as 4F2")
    outbox.note_outcome(delivery.id, 1, "worker", outcome)
    trail.seal()
    db.session.commit()
    return conversation_of(draft)


def actions(page):
    return [one.event.action for one in page.told]


def test_everything_is_told_in_order(told):
    oldest = actions(story.story_of(told))
    assert oldest == [
        "draft.claimed",
        "draft.rejected",
        "draft.undone",
        "draft.edited",
        "delivery.accepted",
    ]
    assert actions(story.story_of(told, order=Order.NEWEST)) == oldest[::-1]


@pytest.mark.parametrize(
    ("show", "shown"),
    [
        ("decisions", ["draft.rejected", "draft.undone", "draft.edited"]),
        ("sending", ["delivery.accepted"]),
        ("desk", ["draft.claimed"]),
        ("messages", []),
    ],
)
def test_it_is_narrowed_to_a_kind(told, show, shown):
    assert actions(story.story_of(told, show=show)) == shown


def test_every_action_is_of_one_kind():
    sorted_out = [action for kind in topics.KINDS for action in topics.actions_of_kind(kind)]
    assert sorted(sorted_out) == sorted(SENTENCES)


@pytest.mark.parametrize("order", Order)
def test_pages_follow_each_other_both_ways(told, order):
    whole = actions(story.story_of(told, order=order))
    pages, after = [], ""
    while after is not None:
        page = story.story_of(told, order=order, after=after, length=2)
        pages.append(page)
        after = page.after
    assert [actions(page) for page in pages] == [whole[:2], whole[2:4], whole[4:]]

    back, before = [], pages[-1].before
    while before is not None:
        page = story.story_of(told, order=order, before=before, length=2)
        back.append(actions(page))
        before = page.before
    assert back == [whole[2:4], whole[:2]]
    assert pages[0].before is None


def test_what_was_taken_back_is_struck_and_says_by_whom(desk, told):
    page = desk.get(f"/conversations/{told.id}/timeline").text
    (rejected,) = re.findall(r"<li[^>]*draft-rejected undone.*?</li>", page, re.S)
    assert "Taken back by Ben Okri" in rejected
    assert "Too curt, „sehr“" in rejected
    assert 'class="struck"' in rejected


def test_what_can_be_undone_is_undone_from_there(desk, draft, ada):
    decisions.approve(draft, ada, seen=seen(draft), send_at=clock.now() + timedelta(days=1))
    db.session.commit()
    path = f"/conversations/{draft.conversation_id}/timeline"
    page = desk.get(path).text
    assert f'action="/drafts/{draft.id}/undo"' in page
    assert "To go out" in page
    form = {"csrf_token": token_in(page)}
    assert desk.post(f"/drafts/{draft.id}/undo", data=form).status_code == 303
    assert f'action="/drafts/{draft.id}/undo"' not in desk.get(path).text


def test_what_was_sent_cannot_be_undone_there(desk, told):
    assert "/undo" not in desk.get(f"/conversations/{told.id}/timeline").text


def test_paper_has_everything_unfolded_and_nothing_to_press(desk, told):
    page = desk.get(f"/conversations/{told.id}/timeline/print?order=newest").text
    assert page.count("<details open") == 2
    assert "250 queued as 4F2" in page
    assert "<form" not in page.split("<ol")[1]


@pytest.mark.parametrize("page", ["timeline", "timeline/print", "timeline.json"])
def test_another_accounts_is_nowhere(desk, acme, page):
    globex = make_account("Globex")
    foreign = make_conversation(globex)
    act_for(acme)
    assert desk.get(f"/conversations/{foreign.id}/{page}").status_code == 404


def export(desk, conversation):
    answer = desk.get(f"/conversations/{conversation.id}/timeline.json", buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return answer.get_data()


def test_an_export_can_be_checked_without_ally(desk, told, monkeypatch):
    """By code of its own, after `docs/exports.md`: neither Ally's nor the script's."""
    monkeypatch.setattr(exporting, "BATCH", 2)  # its pieces join up
    document = json.loads(export(desk, told))

    assert document["format"] == "ally.timeline/1"
    events = {event["action"]: event for event in document["events"]}
    assert document["count"] == len(document["events"]) == 5
    for event in document["events"]:
        assert event["hash"] == rehashed(event)
    edited = events["draft.edited"]["decision"]
    assert replayed(edited["draft_text"], edited["diff"]) == edited["final_text"]
    assert edited["final_text"].startswith("Hi Dana")
    assert events["draft.rejected"]["decision"]["undone_by"] == "Ben Okri"
    receipt = events["delivery.accepted"]["delivery"]
    assert receipt["answer"] == "250 queued as 4F2"
    assert receipt["body_digest"] == sha(receipt_text(receipt).encode())
    assert [attempt["outcome"] for attempt in receipt["attempts"]] == ["accepted"]


def sha(content):
    return hashlib.sha256(content).hexdigest()


def rehashed(event):
    said = f"{event['actor_name']}\n{event['particulars']}".encode()
    assert event["content_digest"] == sha(bytes.fromhex(event["salt"]) + said)
    lines = f"""{event["account_id"]}
{event["number"]}
{event["id"]}
{event["timeline_id"]}
{event["subject_type"]}
{event["subject_id"]}
{event["action"]}
{event["actor_id"] or "-"}
{event["at_microseconds"]}
{event["content_digest"]}"""
    return sha(bytes.fromhex(event["previous_hash"]) + lines.encode())


def replayed(draft, record):
    assert sha(draft.encode()) == record["from"]
    packed = record.get("packed")
    ops = record["ops"] if packed is None else json.loads(zlib.decompress(base64.b64decode(packed)))
    made, at = "", 0
    for kind, what in ops:
        if kind == "=":
            made, at = made + draft[at : at + what], at + what
        elif kind == "-":
            assert draft[at : at + len(what)] == what
            at += len(what)
        else:
            made += what
    assert sha(made.encode()) == record["to"]
    return made


def receipt_text(receipt):
    found = select(Message.body_text).where(Message.external_id == receipt["message_id"])
    return db.session.scalars(found).one()


def test_the_script_checks_a_timeline_and_finds_a_change(desk, told, tmp_path):
    file = tmp_path / "timeline.json"
    file.write_bytes(export(desk, told))
    assert "as it was recorded" in verify_export.verify(str(file))

    file.write_text(file.read_text().replace("Ada Lovelace", "Eve Lovelace", 1))
    with pytest.raises(verify_export.Wrong, match="What event number 1 says was changed"):
        verify_export.verify(str(file))


def test_an_old_event_without_a_particular_is_still_told(draft, desk):
    trail.record(draft, "draft.held_back")
    db.session.commit()
    page = desk.get(f"/conversations/{draft.conversation_id}/timeline").text
    assert "held back what – had approved for later, since –" in page

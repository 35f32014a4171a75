"""Notes of colleagues to each other, and whom they name."""

import pytest
from sqlalchemy import select

from ally.accounts import users
from ally.channels.models import Delivery
from ally.db import db
from ally.desk import drafting, merging, notes, noting, threads
from ally.desk.models import Mention, Note
from ally.desk.naming import named_in
from ally.errors import Conflict, Invalid, NotAllowed, NotFound
from ally.events import trail
from ally.notifications.models import Notification, NotificationType
from ally.review import decisions
from ally.review.digest import seen
from ally.review.queries import lock_draft
from tests.desk.test_outgoing import read, words
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    minutes_ago,
)
from tests.forms import SWAP, post

SECRET = "He is lying about the pump"


@pytest.fixture
def conversation(acme):
    return make_conversation(acme, make_channel(acme, metadata_={"quotes_history": True}))


@pytest.fixture
def mira(acme):
    return make_user(acme, "Mira Okafor", email="mira@acme.example")


def told():
    lines = db.session.scalars(
        select(Notification).where(Notification.type == NotificationType.MENTION)
    ).all()
    return {line.user_id: line.payload["url"] for line in lines}


@pytest.mark.parametrize(
    "body",
    [
        "@Mira, look",
        "ask @mira okafor.",
        "(@mira@acme.example)",
        "@MIRA\nOKAFOR",
        "for @Mira and @Mira Okafor",
    ],
)
def test_a_colleague_is_named_by_name_or_address(mira, ben, body):
    assert named_in(body, [ben, mira]) == [mira]


@pytest.mark.parametrize("body", ["mira", "@Miranda", "dana@mira.example", "@mira@x.example", "@"])
def test_nobody_is_named_by_accident(mira, body):
    assert named_in(body, [mira]) == []


def test_the_longest_name_counts_and_a_shared_one_names_all(acme, mira):
    other = make_user(acme, "Mira Stone")
    assert named_in("@Mira Stone", [mira, other]) == [other]
    assert set(named_in("@Mira", [mira, other])) == {mira, other}


def test_who_is_named_is_told_once_with_the_way_to_the_note(conversation, ada, mira):
    note = noting.add(conversation, "@Mira please, @ada too", by=ada)
    noting.change(note, "@Mira please look", by=ada)

    assert told() == {mira.id: f"/conversations/{conversation.id}#note-{note.id}"}
    assert db.session.scalars(select(Mention.user_id)).all() == [mira.id]
    assert [str(event) for event in trail.timeline(conversation)] == [
        "Ada Lovelace wrote a note",
        "Ada Lovelace changed a note",
    ]


def test_who_has_left_is_not_named(conversation, ada, mira):
    users.deactivate(mira)
    noting.add(conversation, "@Mira please", by=ada)
    assert told() == {}


def test_a_note_is_deleted_and_its_bodywith_it(conversation, ada, mira):
    note = noting.add(conversation, f"{SECRET} @Mira", by=ada)
    noting.remove(note, by=ada)
    db.session.commit()

    assert db.session.scalars(select(Note)).all() == []
    assert db.session.scalars(select(Mention)).all() == []
    assert SECRET not in repr([event.particulars for event in trail.timeline(conversation)])
    with pytest.raises(NotFound):
        noting.remove(note, by=ada)


def test_only_its_author_changes_a_note(conversation, ada, ben):
    note = noting.add(conversation, "Mine", by=ada)
    for act in (lambda: noting.change(note, "Ours", by=ben), lambda: noting.remove(note, by=ben)):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 10_001, "a\x00b"])
def test_a_note_has_some_bodyand_not_too_many(conversation, ada, body):
    with pytest.raises(Invalid):
        noting.add(conversation, body, by=ada)


def test_a_note_is_no_bodyof_a_reply_and_of_no_writer(acme, conversation, ada):
    """Neither what a writer is asked, nor what goes out, holds a word of it."""
    message = make_message(conversation, "Which pump?")
    noting.add(conversation, SECRET, by=ada)
    draft = make_draft(conversation, trigger=message)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))

    assert SECRET not in repr(drafting.question_of(message))
    (delivery,) = db.session.scalars(select(Delivery))
    for kind in ("plain", "html"):
        said = words(read(delivery), kind)
        assert "Which pump?" in said
        assert SECRET not in said


def test_notes_stand_in_the_order_of_time_with_their_links(conversation, ada):
    make_message(conversation, "Before", sent_at=minutes_ago(5))
    note = noting.add(conversation, "See <https://a.example/x(1)>, and\n<b>", by=ada)
    make_message(conversation, "After")
    entries = threads.thread_of(conversation).recent

    kinds = [type(entry).__name__ for entry in entries]
    assert kinds == ["Letter", "Shown", "Letter"]
    assert entries[1].words == (
        'See &lt;<a class="linked" href="https://a.example/x(1)" target="_blank"'
        ' rel="noopener noreferrer">https://a.example/x(1)</a>&gt;, and\n&lt;b&gt;'
    )
    assert notes.linked("javascript:alert(1)") == "javascript:alert(1)"
    assert note.author_id == ada.id


def test_notes_go_along_when_conversations_are_merged(acme, conversation, ada):
    noting.add(conversation, "Old note", by=ada)
    into = make_conversation(acme, conversation.channel)
    merging.merge(conversation, into, by=ada)

    assert db.session.scalars(select(Note.conversation_id)).all() == [into.id]
    with pytest.raises(Conflict, match="merged into another"):
        noting.add(conversation, "New note", by=ada)


def test_routes_swap_and_redirect(desk, conversation, ada):
    path = f"/conversations/{conversation.id}"
    swapped = post(desk, f"{path}/notes", headers=SWAP, body="First\r\nline")
    note = db.session.scalars(select(Note)).one()
    assert note.body == "First\nline"
    assert f'id="note-{note.id}"' in swapped.text
    assert 'hx-target="#thread" hx-swap="beforeend"' in swapped.text
    changed = post(desk, f"/notes/{note.id}/change", headers=SWAP, body="Other words")
    assert "Other words" in changed.text
    plain = post(desk, f"/notes/{note.id}/change", body="Others yet")
    assert plain.location == f"{path}#note-{note.id}"
    assert "Others yet" in desk.get(path).text
    assert post(desk, f"/notes/{note.id}/removal").location == path
    assert "Others yet" not in desk.get(path).text


def test_a_note_stands_on_both_pages_and_a_colleague_cannot_change_it(desk, conversation, ben):
    draft = make_draft(conversation)
    note = noting.add(conversation, "Look at the photo", by=ben)
    db.session.commit()
    for path in (f"/review/{draft.id}", f"/conversations/{conversation.id}"):
        page = desk.get(path).text
        assert f'id="note-{note.id}"' in page
        assert f"/notes/{note.id}/change" not in page
    assert post(desk, f"/notes/{note.id}/change", body="x").status_code == 403


def test_another_accounts_notes_do_not_exist(desk, acme):
    globex = make_account("Globex")
    gina, theirs = make_user(globex, "Gina"), make_conversation(globex)
    act_for(globex)
    note = noting.add(theirs, SECRET, by=gina)
    db.session.commit()
    act_for(acme)
    assert post(desk, f"/conversations/{theirs.id}/notes", body="x").status_code == 404
    assert post(desk, f"/notes/{note.id}/change", body="x").status_code == 404
    assert post(desk, f"/notes/{note.id}/removal").status_code == 404

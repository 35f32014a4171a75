"""The labels of a decision are kept with it, shown, and corrected."""

import pytest
from sqlalchemy import select

from ally.db import db
from ally.errors import Conflict, NotFound
from ally.events import trail
from ally.review import decisions, labelling
from ally.review.digest import seen
from ally.review.models import EditKind, EditLabel
from tests.factories import (
    act_for,
    make_account,
    make_conversation,
    make_draft,
    make_user,
    sign_in,
)
from tests.forms import SWAP, post

TEXT = "Hi Dana,\n\nThe 255 lph pump is enough. It holds 58 psi.\n\nBest regards,\nAcme"
EDITED = "Dear Dana,\n\nThe 340 lph pump is enough.\n\nBest regards,\nAcme"


@pytest.fixture
def draft(acme):
    return make_draft(make_conversation(acme), TEXT)


@pytest.fixture
def edit(draft, ada):
    action = decisions.approve(draft, by=ada, seen=seen(draft), text=EDITED)
    db.session.commit()
    return action


def kinds_of(action):
    labels = labelling.labels_of(action.account_id, [action]).get(action.id)
    return [one.kind.value for one in labels.changes] if labels else []


def test_an_edit_keeps_a_label_for_each_change(edit):
    assert kinds_of(edit) == ["greeting", "fact", "removal"]
    labels = labelling.labels_of(edit.account_id, [edit])[edit.id]
    assert [one.change.added for one in labels.changes] == ["Dear", "340", ""]
    assert all(one.by_rule for one in labels.changes)


def test_an_approval_as_drafted_has_no_labels(draft, ada):
    action = decisions.approve(draft, by=ada, seen=seen(draft))
    assert kinds_of(action) == []


def test_a_person_says_what_a_change_is_about(edit, draft, ben):
    found = labelling.lock_label(edit.account_id, edit.id, 1)

    labelling.relabel(found, EditKind.CAVEAT, by=ben)
    db.session.commit()

    assert kinds_of(edit) == ["greeting", "caveat", "removal"]
    told = [str(event) for event in trail.timeline(draft)]
    assert told[-1] == "Ben Okri said that change 2 is about caveat, and not fact"


def test_agreeing_with_the_rule_is_no_event_and_counts_as_said(edit, draft, ada):
    labelling.relabel(labelling.lock_label(edit.account_id, edit.id, 1), EditKind.FACT, by=ada)
    db.session.commit()

    labels = labelling.labels_of(edit.account_id, [edit])[edit.id]
    assert [one.by_rule for one in labels.changes] == [True, False, True]
    assert [event.action for event in trail.timeline(draft)] == ["draft.edited"]


def test_the_labels_of_a_decision_that_was_taken_back_count_no_more(edit, draft, ada):
    decisions.undo(draft, ada)
    db.session.commit()

    assert db.session.scalars(select(EditLabel)).all() != []
    assert kinds_of(edit) == []
    with pytest.raises(Conflict, match="taken back"):
        labelling.lock_label(edit.account_id, edit.id, 1)


def test_the_next_decision_has_labels_of_its_own(edit, draft, ada):
    decisions.undo(draft, ada)
    again = decisions.approve(draft, by=ada, seen=seen(draft), text=TEXT.replace("58", "60"))
    assert kinds_of(again) == ["fact"]


def test_there_is_no_label_where_there_is_no_change(edit):
    with pytest.raises(NotFound):
        labelling.lock_label(edit.account_id, edit.id, 3)


def test_a_long_edit_is_labelled_and_drawn_in_part(acme, ada, client):
    draft = make_draft(make_conversation(acme), "\n".join(f"alpha {n}" for n in range(900)))
    text = "\n".join(f"beta {n}" for n in range(900))
    action = decisions.approve(draft, by=ada, seen=seen(draft), text=text)
    db.session.commit()

    labels = labelling.labels_of(acme.id, [action])[action.id]
    assert (len(labels.changes), labels.more) == (labelling.MOST_SHOWN, 860)
    page = sign_in(client, ada).get(f"/review/{draft.id}").text
    assert "860 more changes" in page


def test_the_route_labels_and_swaps_or_redirects(client, edit, ada):
    sign_in(client, ada)
    path = f"/actions/{edit.id}/labels/1"

    swapped = post(client, path, headers=SWAP, kind="tone")
    plain = post(client, path, kind="caveat")

    assert f'id="labels-{edit.id}"' in swapped.text
    assert plain.status_code == 303
    assert kinds_of(edit) == ["greeting", "caveat", "removal"]


def test_an_unknown_kind_is_refused(client, edit, ada):
    answer = post(sign_in(client, ada), f"/actions/{edit.id}/labels/1", kind="mood")
    assert answer.status_code == 422
    assert "Choose what the change is about." in answer.text


def test_another_accounts_change_is_not_found(client, edit):
    globex = make_account("Globex")
    act_for(globex)
    gina = sign_in(client, make_user(globex, "Gina"))
    answer = post(gina, f"/actions/{edit.id}/labels/1", kind="tone")
    assert answer.status_code == 404


def test_the_labels_stand_with_the_decided_draft_and_in_the_timeline(client, edit, draft, ada):
    sign_in(client, ada)
    decided = client.get(f"/review/{draft.id}").text
    timeline = client.get(f"/conversations/{draft.conversation_id}/timeline").text
    for page in (decided, timeline):
        assert page.count("data-labels") == 3

"""Whose a conversation is."""

import re
from html import unescape

import pytest
from sqlalchemy import select

from ally.accounts import users
from ally.db import db
from ally.desk import assigning, merging
from ally.errors import Conflict, Invalid
from ally.notifications.models import Notification, NotificationType
from ally.review import claims, presence
from ally.review.models import Claim, Presence
from tests.desk.arriving import told
from tests.factories import act_for, make_account, make_conversation, make_draft, make_user
from tests.forms import SWAP, post


def notified(user):
    return db.session.scalars(select(Notification).where(Notification.user_id == user.id)).all()


def test_a_colleague_is_told_of_what_is_now_theirs(conversation, ada, ben):
    assigning.assign(conversation, ben, by=ada)

    assert conversation.assignee_id == ben.id
    (line,) = notified(ben)
    assert line.type is NotificationType.ASSIGNED
    assert line.payload["url"] == f"/conversations/{conversation.id}"
    assert told(conversation) == ["Ada Lovelace assigned this to Ben Okri"]


def test_nobody_is_told_of_what_they_did_themselves(conversation, ada):
    assigning.assign(conversation, ada, by=ada)
    assigning.assign(conversation, ada, by=ada)

    assert notified(ada) == []
    assert told(conversation) == ["Ada Lovelace took this on"]


def test_it_can_be_nobodys_again(conversation, ada, ben):
    assigning.assign(conversation, ben, by=ada)
    assigning.unassign(conversation, by=ada)
    assigning.unassign(conversation, by=ada)

    assert conversation.assignee_id is None
    assert told(conversation)[1:] == [
        "Ada Lovelace took this from Ben Okri, so that it is nobody's"
    ]


def test_who_has_left_cannot_be_chosen(acme, ben):
    users.deactivate(ben)
    with pytest.raises(Invalid, match="Choose somebody else"):
        assigning.find_colleague(acme.id, ben.id)


def test_who_is_shut_out_holds_nothing_and_is_nowhere(acme, conversation, ada, ben):
    draft = make_draft(conversation)
    claims.claim(draft, by=ben)
    assigning.assign(conversation, ben, by=ada)
    here = {(conversation.id, ben.id): True}
    presence.note(db.session.connection(), acme.id, here)
    users.deactivate(ben, by=ada)

    assert claims.holder_of(draft) is None
    assert conversation.assignee_id is None
    assert db.session.scalars(select(Presence)).all() == []
    assert told(conversation)[-2:] == [
        "Ada Lovelace ended the claim of Ben Okri, who was shut out",
        "Ada Lovelace took this from Ben Okri, so that it is nobody's",
    ]


def test_an_operator_takes_nothing_from_anybody_else(acme, conversation, ada, ben):
    assigning.assign(conversation, ada, by=ada)
    claims.claim(make_draft(conversation), by=ada)
    users.deactivate(ben)

    assert conversation.assignee_id == ada.id
    assert len(db.session.scalars(select(Claim)).all()) == 1


def test_what_was_merged_is_nobodys_to_give(acme, conversation, ada, ben):
    into = make_conversation(acme, conversation.channel)
    merging.merge(conversation, into, by=ada)

    with pytest.raises(Conflict, match="merged into another"):
        assigning.assign(conversation, ben, by=ada)


def test_who_looked_at_something_else_reads_whose_it_is_now(conversation, ada, ben):
    assigning.assign(conversation, ben, by=ada)
    with pytest.raises(Conflict, match="this is Ben Okri's now"):
        assigning.refuse_if_moved(conversation, seen=None)


def test_the_route_swaps_and_redirects(desk, conversation, ada, ben):
    path = f"/conversations/{conversation.id}/assignment"
    swapped = post(desk, path, headers=SWAP, to=ben.id, seen="")
    plain = post(desk, path, to="", seen=ben.id)

    assert 'id="work"' in swapped.text
    assert "Ben Okri" in swapped.text
    assert "Assigned to Ben Okri." in swapped.text
    assert (plain.status_code, plain.location) == (303, f"/conversations/{conversation.id}")
    refused = post(desk, path, to=ada.id, seen=ben.id)
    assert refused.status_code == 409


def test_a_foreign_user_is_nobody_here(desk, acme, conversation):
    gina = make_user(make_account("Globex"), "Gina")
    act_for(acme)
    path = f"/conversations/{conversation.id}/assignment"
    for to in (gina.id, "nonsense"):
        assert post(desk, path, to=to).status_code == 422


def test_another_accounts_conversation_does_not_exist(desk, acme, ada):
    theirs = make_conversation(make_account("Globex"))
    act_for(acme)
    answer = post(desk, f"/conversations/{theirs.id}/assignment", to=ada.id)
    assert answer.status_code == 404


def test_the_line_in_the_feed_names_who_and_what(desk, conversation, ada, ben):
    assigning.assign(conversation, ada, by=ben)
    db.session.commit()
    assert "Ben Okri assigned this to you: Which pump for 450 hp?" in unescape(
        re.sub("<[^>]+>", "", desk.get("/notifications").text)
    )

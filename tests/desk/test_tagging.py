"""The words that conversations are sorted by."""

import pytest
from sqlalchemy import func, select

from ally.db import db
from ally.desk import merging, tagging
from ally.desk.models import Tag
from ally.errors import Conflict, Invalid
from ally.events import trail
from tests.factories import (
    act_for,
    make_account,
    make_conversation,
    make_draft,
    make_message,
)
from tests.forms import SWAP, post


def names_on(conversation):
    db.session.flush()
    db.session.expire(conversation)
    return [tag.name for tag in conversation.tags]


def test_a_tag_is_one_whatever_its_case(acme, conversation, ada):
    other = make_conversation(acme)
    first = tagging.add(conversation, "  Warranty   claim ", by=ada)
    again = tagging.add(other, "WARRANTY CLAIM", by=ada)
    tagging.add(conversation, "warranty claim", by=ada)

    assert first.id == again.id
    assert names_on(conversation) == names_on(other) == ["Warranty claim"]
    assert [str(event) for event in trail.timeline(conversation)] == [
        "Ada Lovelace put the tag “Warranty claim” on this"
    ]


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\x00b"])
def test_a_tag_has_a_short_name(conversation, ada, name):
    with pytest.raises(Invalid):
        tagging.add(conversation, name, by=ada)


def test_a_conversation_has_twenty_at_most(conversation, ada):
    for number in range(20):
        tagging.add(conversation, f"tag {number}", by=ada)
    with pytest.raises(Invalid, match="at most 20"):
        tagging.add(conversation, "one more", by=ada)
    tagging.add(conversation, "TAG 3", by=ada)  # is there


def test_it_is_taken_off_once(conversation, ada):
    tag = tagging.add(conversation, "Warranty", by=ada)
    tagging.remove(conversation, tag, by=ada)

    assert names_on(conversation) == []
    with pytest.raises(Conflict):
        tagging.remove(conversation, tag, by=ada)


def test_what_is_merged_has_the_tags_of_both_and_whose_the_other_was(acme, conversation, ada, ben):
    into = make_conversation(acme, conversation.channel, assignee_id=ben.id)
    conversation.assignee_id = ada.id
    for one, names in ((conversation, ("a", "both")), (into, ("both", "c"))):
        for name in names:
            tagging.add(one, name, by=ada)
    merging.merge(conversation, into, by=ada)

    assert names_on(into) == ["a", "both", "c"]
    assert names_on(conversation) == []
    assert into.assignee_id == ben.id
    with pytest.raises(Conflict, match="merged into another"):
        tagging.add(conversation, "late", by=ada)


def test_what_is_split_off_has_the_same_assignee_and_no_tags(conversation, ada):
    make_message(conversation)
    second = make_message(conversation)
    conversation.assignee_id = ada.id
    tagging.add(conversation, "Warranty", by=ada)
    parted = merging.split(second, by=ada)

    assert parted.assignee_id == ada.id
    assert (names_on(conversation), names_on(parted)) == (["Warranty"], [])


def test_routes_swap_and_redirect(desk, conversation):
    draft, path = make_draft(conversation), f"/conversations/{conversation.id}"
    swapped = post(desk, f"{path}/tags", headers=SWAP, name="Warranty", draft=draft.id)
    tag = db.session.scalars(select(Tag)).one()
    assert f'action="{path}/tags/{tag.id}/removal"' in swapped.text
    assert "Warranty" in desk.get(f"/review/{draft.id}").text
    assert '<option value="Warranty">' in desk.get(path).text  # offered
    removed = post(desk, f"{path}/tags/{tag.id}/removal", draft=draft.id)
    assert (removed.status_code, removed.location) == (303, f"/review/{draft.id}")
    assert post(desk, f"{path}/tags", name="").status_code == 422


def test_another_accounts_tags_do_not_exist(desk, acme, conversation, ada):
    globex = make_account("Globex")
    theirs = make_conversation(globex)
    act_for(globex)
    tag = Tag(account_id=globex.id, name="Theirs")
    db.session.add(tag)
    db.session.commit()
    act_for(acme)
    assert post(desk, f"/conversations/{theirs.id}/tags", name="x").status_code == 404
    path = f"/conversations/{conversation.id}/tags/{tag.id}/removal"
    assert post(desk, path).status_code == 404
    tagging.add(conversation, "theirs", by=ada)  # makes their own
    assert db.session.scalar(select(func.count()).select_from(Tag)) == 1

"""One act on many conversations: what is done, what is left, and what is said of it."""

import re

import pytest
from sqlalchemy import func, select

from ally import clock
from ally.db import db
from ally.desk import bulk, list_routes
from ally.desk.bulk import ActName, Asked
from ally.desk.models import Conversation, ConversationStatus
from ally.errors import Invalid
from ally.events.models import Event
from ally.review import claims
from ally.review.queries import lock_draft
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    minutes_ago,
    sign_in,
)
from tests.forms import SWAP, post


@pytest.fixture
def talks(acme):
    channel = make_channel(acme)
    return [
        make_conversation(acme, channel, customer_name=f"Name {n}", last_message_at=minutes_ago(n))
        for n in range(3)
    ]


def done_to(talks, ada, **asked):
    act = bulk.act_of(Asked(**asked), ada, clock.now())
    outcome = bulk.act_on_each([talk.id for talk in talks], act, ada)
    db.session.expire_all()
    return outcome


def test_all_are_assigned_and_each_says_so(talks, ada, ben):
    outcome = done_to(talks, ada, act="assign", to=str(ben.id))

    assert list(outcome.done) == [talk.id for talk in talks]
    assert [talk.assignee_id for talk in talks] == [ben.id] * 3
    told = select(func.count()).select_from(Event).filter_by(action="conversation.assigned")
    assert db.session.scalar(told) == 3
    done_to(talks, ada, act="assign", to="me")
    assert [talk.assignee_id for talk in talks] == [ada.id] * 3
    done_to(talks, ada, act="assign", to="")
    assert [talk.assignee_id for talk in talks] == [None] * 3


def test_all_are_snoozed_tagged_closed_and_reopened(talks, ada):
    done_to(talks, ada, act="snooze", until="tomorrow")
    assert all(talk.snoozed_until > clock.now() for talk in talks)
    done_to(talks, ada, act="tag", tag="VIP")
    assert [[tag.name for tag in talk.tags] for talk in talks] == [["VIP"]] * 3
    done_to(talks, ada, act="close")
    assert [(talk.status, talk.snoozed_until) for talk in talks] == [("closed", None)] * 3
    done_to(talks, ada, act="reopen")
    assert [talk.status for talk in talks] == ["open"] * 3
    done_to(talks, ada, act="spam")
    assert [(talk.status, talk.is_spam) for talk in talks] == [("closed", True)] * 3


def test_what_is_refused_is_named_and_leaves_the_others_as_they_are(acme, talks, ada, ben):
    talks[0].status = ConversationStatus.CLOSED
    claims.claim(lock_draft(acme.id, make_draft(talks[1]).id), ben)
    db.session.commit()

    outcome = done_to(talks, ada, act="close")

    assert list(outcome.done) == [talks[2].id]
    assert [one.name for one in outcome.refused] == [
        "Name 0, Which pump for 450 hp?",
        "Name 1, Which pump for 450 hp?",
    ]
    assert "closed already" in outcome.refused[0].why
    assert "Ben Okri has held this draft" in outcome.refused[1].why
    assert talks[1].status is ConversationStatus.OPEN


def test_another_accounts_are_refused_among_ours(talks, ada):
    theirs = make_conversation(make_account("Globex"))
    their_id = theirs.id
    outcome = done_to([*talks, theirs], ada, act="close")
    assert [(one.id, one.name) for one in outcome.refused] == [(their_id, "")]
    assert len(outcome.done) == 3


@pytest.mark.parametrize(
    "asked",
    [
        {"act": ""},
        {"act": "burn"},
        {"act": "assign", "to": "nobody I know"},
        {"act": "assign", "to": "01234567-89ab-cdef-0123-456789abcdef"},
        {"act": "snooze", "until": "never"},
        {"act": "tag", "tag": " "},
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(talks, ada, asked):
    with pytest.raises(Invalid):
        done_to(talks, ada, **asked)


@pytest.mark.parametrize("count", [0, 201])
def test_there_is_an_end_to_many(ada, count):
    ids = [Conversation().id] * count
    with pytest.raises(Invalid):
        bulk.act_on_each(ids, lambda _: None, ada)


def test_every_act_has_its_maker_and_its_words(ada):
    assert set(bulk.MAKERS) == set(ActName)
    assert all(list_routes.words_for(Asked(act=name), 3) for name in ActName)


# Through the front door


def test_a_swap_draws_the_list_again_and_says_what_was_done(client, talks, ada):
    desk = sign_in(client, ada)
    ids = [str(talk.id) for talk in talks[:2]]
    answer = post(desk, "/conversations/acts", headers=SWAP, act="close", ids=ids, q="is:open").text
    assert "2 closed." in answer
    assert [str(talk.id) in answer for talk in talks] == [False, False, True]
    assert "<html" not in answer


def test_without_script_the_list_tells_it_once(client, talks, ada):
    desk = sign_in(client, ada)
    talks[0].status = ConversationStatus.CLOSED
    db.session.commit()
    ids = [str(talk.id) for talk in talks]

    answer = post(desk, "/conversations/acts", act="close", ids=ids, q="is:open")

    assert answer.status_code == 303
    assert answer.location == "/conversations?q=is%3Aopen&before="
    page = desk.get(answer.location).text
    assert re.search("2 closed\\..*1 was left as it is:.*closed already", page, re.S)
    assert "2 closed" not in desk.get(answer.location).text


@pytest.mark.parametrize("form", [{"ids": []}, {"ids": ["x"]}])
def test_a_form_without_conversations_is_refused(client, ada, form):
    answer = post(sign_in(client, ada), "/conversations/acts", act="close", **form)
    assert answer.status_code == 422


def test_the_bar_offers_colleagues_and_times(client, talks, ada, ben):
    page = sign_in(client, ada).get("/conversations").text
    assert f'<option value="{ben.id}">Ben Okri</option>' in page
    assert page.count('name="ids"') == 3

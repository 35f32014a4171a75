"""What Ally does by itself with each kind of mail, and where it stops."""

import pytest
from sqlalchemy import select

from ally.channels.mail.parsed import Category
from ally.channels.models import ChannelType
from ally.db import db
from ally.desk import asking, drafting, limits, queries, search_queries, sweep
from ally.desk.models import Conversation, ConversationStatus, MessageDirection
from ally.desk.search import Is, Query, Wanted
from ally.errors import Conflict
from ally.notifications.models import Notification
from ally.notifications.words import title_of
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus, RejectionReason
from ally.review.queries import lock_draft
from tests.desk.arriving import (
    arrive,
    conversation_of,
    count,
    drafts_asked_for,
    flags_of,
    letter,
    message_of,
    told,
)
from tests.desk.test_sweep import lose_jobs
from tests.factories import (
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    minutes_ago,
    sign_in,
)
from tests.forms import SWAP, post

NOT_ORDINARY = [category for category in Category if category is not Category.ORDINARY]
NO_ANSWERS = [category for category in NOT_ORDINARY if category is not Category.LIST]


@pytest.fixture
def channel(acme):
    return make_channel(acme, metadata_={"automatic_acts_per_thread": 2})


@pytest.fixture
def conversation(acme, channel):
    return make_conversation(acme, channel, subject="Pump")


@pytest.fixture
def ours(conversation):
    return make_message(conversation, direction=MessageDirection.OUTBOUND)


def write_drafts():
    """Do what was asked for, as the worker does."""
    asked = db.session.execute(
        db.text("SELECT args FROM procrastinate_jobs WHERE task_name = 'desk.write_draft'")
    ).scalars()
    for job in list(asked):
        job.pop("account_id")
        drafting.write_draft(**job)
    lose_jobs()
    db.session.expire_all()


def waiting():
    return db.session.scalars(db.select(Draft).where(Draft.status == DraftStatus.PENDING)).all()


# --- kinds


def test_an_ordinary_mail_gets_a_draft_also_when_no_program_may_answer_it(channel):
    outcome = arrive(channel, letter(may_answer=False))

    assert drafts_asked_for() == [str(outcome.message_id)]


@pytest.mark.parametrize("category", NOT_ORDINARY)
def test_no_other_kind_gets_a_draft_by_itself(channel, conversation, ours, category):
    draft = make_draft(conversation)
    new = arrive(channel, letter(category=category))
    joined = arrive(channel, letter(category=category, in_reply_to=[ours.external_id]))

    assert joined.conversation_id == conversation.id
    for outcome in (new, joined):
        assert message_of(outcome).category is category
        assert message_of(outcome).metadata_["auto_submitted"] is True
    assert drafts_asked_for() == []
    assert db.session.get_one(Draft, draft.id).is_pending
    assert count(Notification) == 0


@pytest.mark.parametrize("category", [one for one in NO_ANSWERS if one is not Category.SPAM])
def test_what_no_person_wrote_opens_nothing_again(channel, conversation, ours, category):
    conversation.status = ConversationStatus.CLOSED
    db.session.commit()
    arrive(channel, letter(category=category, in_reply_to=[ours.external_id]))

    assert conversation.status is ConversationStatus.CLOSED


def test_what_a_person_wrote_through_a_list_opens_the_conversation_again(
    channel, conversation, ours
):
    conversation.status = ConversationStatus.CLOSED
    db.session.commit()
    arrive(channel, letter(category=Category.LIST, in_reply_to=[ours.external_id]))

    assert conversation.status is ConversationStatus.OPEN


def test_an_automatic_answer_is_no_news_for_who_reads_the_draft(acme, channel, conversation, ours):
    draft = make_draft(conversation)
    away = letter(category=Category.OUT_OF_OFFICE, in_reply_to=[ours.external_id])
    arrive(channel, away)
    assert queries.news_of(acme.id, draft.id).wrote_again is False

    arrive(channel, letter(in_reply_to=[ours.external_id]))
    assert queries.news_of(acme.id, draft.id).wrote_again is False  # it is superseded instead


# --- spam


@pytest.fixture
def junk(channel):
    return conversation_of(arrive(channel, letter(category=Category.SPAM)))


def listed(user, kind):
    query = Query(wanted=(Wanted(kind),))
    return [row.id for row in search_queries.find(query, user).rows]


def test_spam_is_kept_apart(acme, ada, junk):
    assert (junk.status, junk.is_spam) == (ConversationStatus.CLOSED, True)
    assert count(Notification) == 0
    shown = {kind: listed(ada, kind) for kind in Is}
    assert {kind: rows for kind, rows in shown.items() if rows} == {Is.SPAM: [junk.id]}


def test_what_is_no_spam_is_brought_back_and_drafted(client, ada, junk):
    browser = sign_in(client, ada)
    assert "This is no spam" in browser.get(f"/conversations/{junk.id}").text
    assert "Spam" in browser.get("/conversations?show=spam").text

    answer = post(browser, f"/conversations/{junk.id}/inbox")

    assert answer.location == f"/conversations/{junk.id}"
    db.session.expire_all()
    assert (junk.status, junk.is_spam) == (ConversationStatus.OPEN, False)
    write_drafts()
    assert [draft.conversation_id for draft in waiting()] == [junk.id]
    with pytest.raises(Conflict):
        asking.take_out_of_spam(junk, by=ada)


def test_a_persons_mail_brings_a_spam_thread_back(channel, junk):
    message = junk.messages[0]
    arrive(channel, letter("It was me", in_reply_to=[message.external_id]))

    assert (junk.status, junk.is_spam) == (ConversationStatus.OPEN, False)


def test_a_reply_that_is_called_spam_is_not_lost(channel, acme, ada, client):
    ours = conversation_of(arrive(channel, letter()))
    ours.status = ConversationStatus.CLOSED
    db.session.commit()
    named = [ours.messages[0].external_id]

    outcomes = [
        arrive(channel, letter("Thanks", in_reply_to=named, category=Category.SPAM))
        for _ in range(2)
    ]

    assert [flags_of(outcome) for outcome in outcomes] == [["called_spam"], ["called_spam"]]
    assert (ours.status, ours.is_spam) == (ConversationStatus.OPEN, False)
    (line,) = db.session.scalars(select(Notification)).all()
    assert title_of(line.payload, line.type) == "No draft: Pump"
    browser = sign_in(client, ada)
    page = browser.get(f"/conversations/{ours.id}").text
    assert "was called spam by a mail server" in page

    post(browser, f"/messages/{message_of(outcomes[1]).id}/draft")

    db.session.expire_all()
    assert [flags_of(outcome) for outcome in outcomes] == [["called_spam"], []]


def test_an_act_draws_the_page_again_where_it_was_done(client, ada, junk):
    browser = sign_in(client, ada)
    path = f"/conversations/{junk.id}/inbox"
    answer = post(browser, path, headers=SWAP)
    assert (answer.status_code, answer.headers["HX-Refresh"], answer.text) == (200, "true", "")

    refused = post(browser, path, headers=SWAP)
    assert refused.status_code == 409
    assert refused.headers["HX-Retarget"] == "#notice"


def test_a_split_leads_to_the_new_conversation(channel, client, ada):
    first = arrive(channel, letter())
    named = [message_of(first).external_id]
    later = message_of(arrive(channel, letter("Also", in_reply_to=named)))

    answer = post(sign_in(client, ada), f"/messages/{later.id}/split", headers=SWAP)

    db.session.expire_all()
    assert answer.headers["HX-Redirect"] == f"/conversations/{later.conversation_id}"
    assert later.conversation_id != conversation_of(first).id


def test_more_spam_in_a_spam_thread_is_no_news(channel, junk):
    again = letter(in_reply_to=[junk.messages[0].external_id], category=Category.SPAM)
    outcome = arrive(channel, again)
    assert flags_of(outcome) == []
    assert (junk.status, junk.is_spam) == (ConversationStatus.CLOSED, True)
    assert count(Notification) == 0


# --- limits


def answers(channel, ours, count_):
    """The outcomes of as many mails of the customer, each drafted as the worker does."""
    outcomes = []
    for number in range(count_):
        outcomes.append(arrive(channel, letter(f"{number}", in_reply_to=[ours.external_id])))
        write_drafts()
    return outcomes


def test_ally_drafts_so_often_in_a_thread_until_a_person_acts(acme, ada, channel, ours):
    outcomes = answers(channel, ours, 4)

    assert count(Draft) == 2
    assert [flags_of(outcome) for outcome in outcomes] == [[], [], ["too_many"], ["too_many"]]
    (draft,) = waiting()  # so that the conversation stays in the queue
    assert draft.trigger_message_id == outcomes[1].message_id
    assert queries.news_of(acme.id, draft.id).wrote_again is True

    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    db.session.commit()
    (again,) = answers(channel, ours, 1)
    assert flags_of(again) == []
    assert len(waiting()) == 1


def test_none_at_all_where_an_admin_wants_none(acme):
    channel = make_channel(acme, metadata_={"automatic_acts_per_thread": 0})
    assert flags_of(arrive(channel, letter())) == ["too_many"]
    assert drafts_asked_for() == []


def test_lines_of_a_chat_are_drafted_as_they_come(acme):
    chat = make_channel(acme, type=ChannelType.CHAT)
    for _ in range(5):
        outcome = arrive(chat, letter(), thread="t1")
        write_drafts()

    assert flags_of(outcome) == []
    assert count(Draft) == 5


def test_one_sender_gets_so_many_drafts_in_an_hour(channel, monkeypatch):
    monkeypatch.setattr(limits, "MAILS_PER_HOUR", 3)
    outcomes = [arrive(channel, letter(sender="Loop@example.com")) for _ in range(5)]
    other = arrive(channel, letter(sender="ben@example.com"))

    assert [flags_of(one) for one in outcomes] == [[], [], [], ["too_many"], ["too_many"]]
    assert flags_of(other) == []
    assert len(drafts_asked_for()) == 4


def test_the_sweep_leaves_what_is_drafted_by_hand(acme, channel, conversation):
    make_message(conversation, metadata_={"by_hand": True}, sent_at=minutes_ago(5))
    conversation.last_message_at = minutes_ago(5)
    db.session.commit()
    sweep.sweep_drafts()

    assert drafts_asked_for() == []


def test_a_message_that_gets_none_does_not_cost_the_one_before_its_draft(channel, conversation):
    drafted = make_message(conversation)
    make_message(conversation, metadata_={"by_hand": True})

    drafting.write_draft(str(drafted.id))
    assert [draft.trigger_message_id for draft in waiting()] == [drafted.id]


def test_a_colleagues_answer_costs_the_message_before_its_draft(channel, ada, conversation, ours):
    message = make_message(conversation)
    arrive(channel, letter("Done", in_reply_to=[message.external_id]), is_ours=True)

    drafting.write_draft(str(message.id))
    assert waiting() == []


# --- by hand


@pytest.mark.parametrize("category", [one for one in Category if one is not Category.SPAM])
def test_an_agent_has_any_message_drafted(client, ada, channel, category):
    outcome = arrive(channel, letter(category=category))
    lose_jobs()
    browser = sign_in(client, ada)
    assert "Write a draft" in browser.get(f"/conversations/{outcome.conversation_id}").text

    answer = post(browser, f"/messages/{outcome.message_id}/draft")

    assert answer.location == f"/conversations/{outcome.conversation_id}"
    write_drafts()
    (draft,) = waiting()
    assert draft.trigger_message_id == outcome.message_id
    assert draft.metadata_["asked_by"] == str(ada.id)
    assert "Ada Lovelace asked for a draft" in told(conversation_of(outcome))


def test_asking_settles_the_notice_and_takes_the_older_drafts_place(ada, channel, ours):
    *_, last = answers(channel, ours, 3)
    asking.ask(message_of(last), by=ada)
    write_drafts()

    assert flags_of(last) == []
    assert [draft.trigger_message_id for draft in waiting()] == [last.message_id]


def test_a_rejected_draft_can_be_asked_for_again(acme, ada, conversation):
    draft = make_draft(conversation)
    message_id = draft.trigger_message_id
    decisions.reject(
        lock_draft(acme.id, draft.id), ada, seen=seen(draft), reason=RejectionReason.TONE
    )
    db.session.commit()
    message = queries.find_message(acme.id, message_id)
    asking.ask(message, by=ada)
    write_drafts()

    assert [again.trigger_message_id for again in waiting()] == [message_id]
    assert draft.trigger_message_id is None
    with pytest.raises(Conflict, match="waits already"):
        asking.ask(message, by=ada)


def test_a_quarantined_mail_can_be_answered_by_hand(acme, ada):
    unread = make_message(make_conversation(acme, is_quarantined=True))
    asking.ask(unread, by=ada)
    write_drafts()

    (draft,) = waiting()
    assert draft.problem == "This mail could not be read. Please write this reply by hand."


def test_our_own_message_and_spam_are_not_drafted(ada, ours, junk):
    with pytest.raises(Conflict, match="is from us"):
        asking.ask(ours, by=ada)
    with pytest.raises(Conflict, match="in the spam"):
        asking.ask(junk.messages[0], by=ada)


def test_asking_twice_writes_once(ada, conversation):
    message = make_message(conversation)
    for _ in range(2):
        asking.ask(message, by=ada)
    write_drafts()

    assert count(Draft) == 1
    assert count(Conversation) == 1

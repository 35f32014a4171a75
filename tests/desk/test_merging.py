"""Conversations merged and split, and where mail goes afterwards."""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from ally import clock
from ally.accounts.models import Account, User
from ally.channels.incoming import Incoming
from ally.channels.mail import ids
from ally.channels.models import Delivery, DeliveryStatus, EventsRaw
from ally.db import db, use_account
from ally.desk import drafting, flags, intake, merging, pending
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.queries import find_conversation
from ally.errors import Conflict, NotFound
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from tests.desk.arriving import (
    arrive,
    conversation_of,
    count,
    event_in,
    flags_of,
    letter,
    message_of,
    told,
)
from tests.factories import (
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
    minutes_ago,
)
from tests.forms import SWAP, post


@pytest.fixture
def first(acme, channel):
    return make_conversation(acme, channel, subject="Pump", reference=ids.new_reference())


@pytest.fixture
def second(acme, channel):
    return make_conversation(acme, channel, subject="The pump again", status="closed")


def ours_in(conversation, **fields):
    return make_message(
        conversation,
        direction=MessageDirection.OUTBOUND,
        reply_token=ids.new_reply_token(),
        **fields,
    )


def jobs(name="desk.write_draft"):
    return db.session.scalars(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = :name"), {"name": name}
    ).all()


def again():
    db.session.commit()
    db.session.expire_all()


# --- merge


def test_a_merge_moves_everything_and_says_so_on_both(acme, ada, first, second):
    draft = make_draft(first)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    theirs = make_message(second)
    merging.merge(first, second, by=ada)
    again()

    assert (first.status, first.merged_into_id) == (ConversationStatus.CLOSED, second.id)
    assert second.status is ConversationStatus.OPEN
    assert count(Message, Message.conversation_id == first.id) == 0
    assert count(Message, Message.conversation_id == second.id) == 3
    for table in (Draft, Delivery):
        assert db.session.scalars(db.select(table)).one().conversation_id == second.id
    assert told(first)[-1] == "Ada Lovelace merged this conversation into “The pump again”"
    assert told(second) == ["Ada Lovelace merged the conversation “Pump” into this one"]
    assert theirs.conversation_id == second.id


def test_drafts_that_wait_are_set_aside_and_one_is_written_anew(ada, first, second):
    drafts = [make_draft(first), make_draft(second)]
    newest = max(draft.trigger_message_id for draft in drafts)
    merging.merge(first, second, by=ada)
    again()

    assert [draft.status for draft in drafts] == [DraftStatus.SUPERSEDED] * 2
    assert [job["message_id"] for job in jobs()] == [str(newest)]
    drafting.write_draft(**{k: v for k, v in jobs()[0].items() if k != "account_id"})
    (waiting,) = db.session.scalars(
        db.select(Draft).where(Draft.status == DraftStatus.PENDING)
    ).all()
    assert waiting.conversation_id == second.id
    assert waiting.trigger_message_id == newest


def test_a_superseded_draft_says_why_to_whoever_decides_on_it(acme, ada, first, second):
    draft = make_draft(first)
    before = seen(draft)
    merging.merge(first, second, by=ada)
    with pytest.raises(Conflict, match="since Ada Lovelace merged two conversations"):
        decisions.approve(lock_draft(acme.id, draft.id), ada, seen=before)


def test_what_goes_out_later_is_held_back_and_written_anew(acme, ada, first, second):
    draft = make_draft(first)
    tomorrow = clock.now() + timedelta(days=1)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft), send_at=tomorrow)
    trigger = draft.trigger_message_id
    merging.merge(first, second, by=ada)
    again()

    assert db.session.scalars(db.select(Delivery.status)).all() == [DeliveryStatus.CANCELLED]
    assert draft.status is DraftStatus.SUPERSEDED
    assert [job["message_id"] for job in jobs()] == [str(trigger)]


def test_a_merge_without_drafts_asks_for_none(ada, first, second):
    make_message(first)
    merging.merge(first, second, by=ada)
    assert jobs() == []


def test_mail_for_the_merged_one_goes_where_its_messages_went(ada, channel, first, second):
    ours = ours_in(first)
    thread = arrive(channel, letter(), thread="t1")
    third = conversation_of(thread)
    merging.merge(first, second, by=ada)
    merging.merge(second, third, by=ada)
    again()
    by = {
        "id": letter(in_reply_to=[ours.external_id]),
        "token": letter(to=[["", ids.address_with(ours.reply_token, "s@acme.example")]]),
        "reference": letter(subject=f"Re: Pump #{first.reference}"),
    }

    for trace, mail in by.items():
        assert arrive(channel, mail).conversation_id == third.id, trace
    assert arrive(channel, letter(), thread="t1").conversation_id == third.id


def test_a_thread_of_the_provider_that_was_merged_away_goes_along(ada, channel, second):
    thread = conversation_of(arrive(channel, letter(), thread="t1"))
    merging.merge(thread, second, by=ada)
    again()

    assert arrive(channel, letter(), thread="t1").conversation_id == second.id
    arrive(channel, None, thread="t1", closes=True)
    assert second.status is ConversationStatus.CLOSED


def test_what_cannot_be_merged_is_refused(acme, ada, first, second):
    elsewhere = make_conversation(acme)
    unread = make_conversation(acme, first.channel, is_quarantined=True)
    for into, why in [
        (first, "the same conversation"),
        (elsewhere, "different channels"),
        (unread, "cannot be read"),
    ]:
        with pytest.raises(Conflict, match=why):
            merging.merge(first, into, by=ada)
    merging.merge(first, second, by=ada)
    with pytest.raises(Conflict, match="merged already"):
        merging.merge(first, second, by=ada)
    with pytest.raises(Conflict, match="merged already"):
        merging.merge(second, first, by=ada)


def test_a_thread_that_the_provider_keeps_stays_as_it_is(acme, ada):
    slack = make_channel(acme, platform="slack")
    thread = conversation_of(arrive(slack, letter(), thread="C1:1"))
    second = arrive(slack, letter(), thread="C1:1")
    other = conversation_of(arrive(slack, letter(), thread="C1:2"))
    with pytest.raises(Conflict, match="thread of its own"):
        merging.merge(thread, other, by=ada)
    with pytest.raises(Conflict, match="thread of its own"):
        merging.split(message_of(second), by=ada)


# --- split


def long_conversation(conversation):
    return [
        make_message(conversation, f"Number {number}", sent_at=minutes_ago(60 - number))
        for number in range(4)
    ]


def test_a_split_takes_the_message_and_those_after_it(ada, first):
    messages = long_conversation(first)
    parted = merging.split(messages[2], by=ada)
    again()

    assert [message.conversation_id for message in messages] == [first.id] * 2 + [parted.id] * 2
    assert parted.status is ConversationStatus.OPEN
    assert first.last_message_at == messages[1].sent_at
    assert parted.last_message_at == messages[3].sent_at
    assert told(first) == ["Ada Lovelace moved 2 messages from here to a new conversation, “Pump”"]
    assert told(parted) == [
        "Ada Lovelace began this conversation with 2 messages moved from “Pump”"
    ]
    assert [job["message_id"] for job in jobs()] == [str(messages[3].id)]


def test_a_split_takes_replies_and_their_sendings_along(acme, ada, first):
    make_message(first, sent_at=minutes_ago(60))
    draft = make_draft(first)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    db.session.commit()
    trigger = db.session.get_one(Message, draft.trigger_message_id)
    parted = merging.split(trigger, by=ada)
    again()

    for row in (draft, db.session.scalars(db.select(Delivery)).one()):
        assert row.conversation_id == parted.id


def test_mail_after_a_split_goes_to_the_right_one(ada, channel, first):
    kept, moved = ours_in(first, sent_at=minutes_ago(9)), make_message(first)
    answer = ours_in(first)
    parted = merging.split(moved, by=ada)
    again()

    assert arrive(channel, letter(in_reply_to=[kept.external_id])).conversation_id == first.id
    assert arrive(channel, letter(in_reply_to=[answer.external_id])).conversation_id == parted.id
    token = ids.address_with(answer.reply_token, "s@acme.example")
    assert arrive(channel, letter(to=[["", token]])).conversation_id == parted.id


def test_a_split_undoes_a_merge(ada, channel, first, second):
    make_message(second, sent_at=minutes_ago(9))
    message = make_message(first)
    merging.merge(first, second, by=ada)
    again()
    parted = merging.split(message, by=ada)
    again()

    assert message.conversation_id == parted.id
    assert arrive(channel, letter(in_reply_to=[message.external_id])).conversation_id == parted.id


def test_what_a_person_has_split_is_not_brought_together_by_later_mail(ada, channel):
    opened = arrive(channel, letter(message_id="c1@x"))
    answer = arrive(channel, letter("More", in_reply_to=["c2@x"], references=["c1@x", "c2@x"]))
    parted = merging.split(message_of(answer), by=ada)
    again()
    late = arrive(channel, letter("Between", message_id="c2@x", in_reply_to=["c1@x"]))

    assert late.conversation_id == opened.conversation_id
    assert message_of(answer).conversation_id == parted.id


def test_the_first_message_is_not_split_off(ada, first):
    message = make_message(first)
    with pytest.raises(Conflict, match="nothing would be left"):
        merging.split(message, by=ada)


def test_a_changed_subject_is_kept_or_split_once(ada, channel, first):
    ours = ours_in(first, sent_at=minutes_ago(5))
    kept = arrive(channel, letter(subject="My invoice", in_reply_to=[ours.external_id]))
    parted = arrive(channel, letter(subject="A new filter", in_reply_to=[ours.external_id]))
    flags.settle_for(message_of(kept), flags.Flag.CHANGED_SUBJECT, by=ada)
    merging.split(message_of(parted), by=ada)
    again()

    assert flags_of(kept) == flags_of(parted) == []
    assert conversation_of(parted).subject == "A new filter"
    assert "Ada Lovelace kept the message “My invoice” in this conversation" in told(first)
    with pytest.raises(Conflict, match="already dealt with"):
        flags.settle_for(message_of(kept), flags.Flag.CHANGED_SUBJECT, by=ada)


# --- on the page


def test_the_page_merges_by_choice_or_by_a_pasted_address(desk, first, second):
    third = make_conversation(
        db.session.get_one(Account, first.account_id), first.channel, subject="Third one"
    )
    page = desk.get(f"/conversations/{first.id}").text
    assert f'<option value="{second.id}">' in page
    found = desk.get(f"/conversations/{first.id}?find=third").text
    assert f'<option value="{second.id}">' not in found

    answer = post(desk, f"/conversations/{first.id}/merge", into=str(second.id))
    assert answer.location == f"/conversations/{second.id}"
    link = f"https://desk.example/conversations/{third.id}?before=x"
    answer = post(desk, f"/conversations/{second.id}/merge", link=link)
    assert answer.location == f"/conversations/{third.id}"
    assert "This conversation was merged." in desk.get(f"/conversations/{first.id}").text
    refused = post(desk, f"/conversations/{third.id}/merge", link="nonsense")
    assert refused.status_code == 422


def test_the_page_splits_and_settles(desk, channel, first):
    ours = ours_in(first, sent_at=minutes_ago(5))
    outcome = arrive(channel, letter(subject="My invoice", in_reply_to=[ours.external_id]))
    page = desk.get(f"/conversations/{first.id}").text
    assert "has another subject than this conversation" in page
    assert "Keep it here" in page
    assert "Start a new conversation" in page

    refused = post(desk, f"/messages/{outcome.message_id}/flags", flag="nonsense")
    assert refused.status_code == 422
    answer = post(desk, f"/messages/{outcome.message_id}/split")
    assert answer.location == f"/conversations/{message_of(outcome).conversation_id}"
    assert message_of(outcome).conversation_id != first.id
    again = post(desk, f"/messages/{outcome.message_id}/flags", flag="changed_subject")
    assert again.status_code == 409


def test_a_refused_act_is_told_in_place(desk, first):
    message = make_message(first)
    answer = post(desk, f"/messages/{message.id}/split", headers=SWAP)
    assert answer.status_code == 409
    assert "nothing would be left" in answer.text


def test_notices_stand_beside_the_draft_too(desk, channel, first):
    ours = ours_in(first, sent_at=minutes_ago(5))
    outcome = arrive(channel, letter(subject="My invoice", in_reply_to=[ours.external_id]))
    draft = make_draft(first, trigger=message_of(outcome))
    assert "has another subject" in desk.get(f"/review/{draft.id}").text


def test_the_page_says_whose_addresses_there_are(desk, channel):
    conversation = conversation_of(arrive(channel, letter()))
    post(desk, f"/conversations/{conversation.id}/addresses", email="dana@home.example")
    page = desk.get(f"/conversations/{conversation.id}").text
    assert "dana@home.example" in page
    gone = post(desk, f"/conversations/{conversation.id}/parting", email="dana@home.example")
    assert gone.status_code == 303
    page = desk.get(f"/conversations/{conversation.id}").text
    assert re.search(r"<bdi>dana@home.example", page) is None


def test_another_accounts_conversation_is_not_merged_into(desk, acme, first):
    globex = make_account("Globex")
    theirs = make_conversation(globex)
    theirs_id = theirs.id
    use_account(first.account_id)
    answer = post(desk, f"/conversations/{first.id}/merge", link=str(theirs_id))
    assert answer.status_code == 404


# --- at once, with real commits


@pytest.fixture
def shop(committed):
    """An application where commits are real, a channel, and who works there."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        yield committed, make_channel(account), make_user(account, "Ada Lovelace")
        db.session.remove()


def at_once(app, account_id, *works):
    """Do all of it at the same moment, each in a transaction of its own; what they raised."""
    barrier, raised = threading.Barrier(len(works)), []

    def run(work):
        with app.app_context():
            use_account(account_id)
            barrier.wait()
            try:
                work()
                db.session.commit()
            except Exception as error:
                db.session.rollback()
                raised.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    db.session.expire_all()
    return raised


def merging_of(one, other, user_id):
    def work():
        by = db.session.get_one(User, user_id)
        account_id = by.account_id
        merging.merge(
            find_conversation(account_id, one), find_conversation(account_id, other), by=by
        )

    return work


def arrival_of(channel, mail):
    event_id = event_in(channel).id

    def work():
        intake.take(db.session.get_one(EventsRaw, event_id), Incoming(mail=mail))

    return work


def test_mail_that_comes_while_its_conversation_is_merged_is_not_left_behind(shop):
    app, channel, ada = shop
    account = db.session.get_one(Account, channel.account_id)
    account_id, ada_id = account.id, ada.id
    for _ in range(5):
        one, other = make_conversation(account, channel), make_conversation(account, channel)
        ours, one_id, other_id = ours_in(one), one.id, other.id
        mails = [
            arrival_of(channel, letter(f"Mail {n}", in_reply_to=[ours.external_id]))
            for n in range(3)
        ]
        raised = at_once(app, account_id, merging_of(one_id, other_id, ada_id), *mails)

        assert raised == []
        assert count(Message, Message.conversation_id == one_id) == 0
        assert count(Message, Message.conversation_id == other_id) == 4


def test_two_merges_in_opposite_directions_at_once_are_one(shop):
    app, channel, ada = shop
    account = db.session.get_one(Account, channel.account_id)
    account_id, ada_id = account.id, ada.id
    for _ in range(5):
        pair = [make_conversation(account, channel).id for _ in range(2)]
        works = [merging_of(*pair, ada_id), merging_of(*reversed(pair), ada_id)]
        (refused,) = at_once(app, account_id, *works)

        assert isinstance(refused, Conflict | NotFound)
        which = Conversation.id.in_(pair), Conversation.merged_into_id.is_(None)
        assert count(Conversation, *which) == 1


def test_an_exchange_that_comes_all_at_once_is_one_conversation(shop):
    app, channel, _ = shop
    account = db.session.get_one(Account, channel.account_id)
    account_id = account.id
    for round_ in range(5):
        conversation = make_conversation(account, channel)
        ours, conversation_id = ours_in(conversation), conversation.id
        before = count(Conversation, Conversation.merged_into_id.is_(None))
        mails = [letter("One", message_id=f"{round_}-1@x", in_reply_to=[ours.external_id])]
        for n in range(2, 5):
            previous = [f"{round_}-{n - 1}@x"]
            mails.append(letter(f"No. {n}", message_id=f"{round_}-{n}@x", in_reply_to=previous))
        raised = at_once(app, account_id, *[arrival_of(channel, mail) for mail in mails])

        assert raised == []
        assert count(Conversation, Conversation.merged_into_id.is_(None)) == before
        assert count(Message, Message.conversation_id == conversation_id) == 5


def test_a_merged_conversation_is_held_where_it_went(acme, ada, first, second):
    merging.merge(first, second, by=ada)
    again()
    assert pending.hold_where_it_went(first.id).id == second.id

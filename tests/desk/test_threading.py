"""Which conversation a mail continues: by what we can verify, and by nothing else."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ally.accounts.models import Account
from ally.channels.mail import ids
from ally.channels.mail.parsed import Category
from ally.channels.models import Delivery
from ally.db import db, use_account
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.subjects import base_of, is_another
from ally.review.models import Draft, DraftStatus
from tests.desk.arriving import (
    AUTHSERV,
    arrive,
    authenticated,
    conversation_of,
    count,
    drafts_asked_for,
    flags_of,
    letter,
    message_of,
    told,
)
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
)


@pytest.fixture
def channel(acme):
    return make_channel(acme, metadata_={"authserv_id": AUTHSERV})


@pytest.fixture
def conversation(acme, channel):
    return make_conversation(acme, channel, subject="Pump", reference=ids.new_reference())


@pytest.fixture
def ours(conversation):
    """A reply of ours, with a token for the address of its answers."""
    return make_message(
        conversation, direction=MessageDirection.OUTBOUND, reply_token=ids.new_reply_token()
    )


def addressed(token):
    return ids.address_with(token, "support@acme.example")


# --- the provider's own thread


def test_the_providers_thread_is_one_conversation_whoever_writes(channel):
    first = arrive(channel, letter(subject=""), thread="t1")
    second = arrive(channel, letter(sender="ben@example.com", subject="Else"), thread="t1")
    other = arrive(channel, letter(), thread="t2")

    assert first.conversation_id == second.conversation_id != other.conversation_id
    assert conversation_of(first).external_id == "mail:t1"
    assert flags_of(second) == []


def test_the_same_thread_name_at_two_channels_is_two_conversations(acme, channel):
    elsewhere = make_channel(acme)
    here, there = arrive(channel, letter(), thread="1"), arrive(elsewhere, letter(), thread="1")
    again = arrive(elsewhere, letter(), thread="1")

    assert here.conversation_id != there.conversation_id == again.conversation_id


def test_a_provider_closes_and_opens_a_conversation(channel):
    outcome = arrive(channel, letter(), thread="t1")
    closing = arrive(channel, None, thread="t1", closes=True)
    assert closing.reason == "It carries no message."
    assert conversation_of(outcome).status is ConversationStatus.CLOSED
    arrive(channel, None, thread="t1", closes=False)
    assert conversation_of(outcome).status is ConversationStatus.OPEN
    assert told(conversation_of(outcome))[-2:] == [
        "The provider closed the conversation outside Ally",
        "The provider opened the conversation again outside Ally",
    ]


# --- tokens, ids and references


@pytest.mark.parametrize("where", ["to", "cc", "delivered_to"])
def test_a_reply_token_joins_whoever_writes_wherever_it_stands(channel, conversation, ours, where):
    address = addressed(ours.reply_token).upper()
    there = [address] if where == "delivered_to" else [["", address]]
    outcome = arrive(channel, letter(sender="boss@example.net", **{where: there}))

    assert outcome.conversation_id == conversation.id


def test_a_token_that_we_did_not_sign_joins_nothing(channel, conversation, ours):
    forged = (
        "a" + ours.reply_token[1:] if ours.reply_token[0] != "a" else "b" + ours.reply_token[1:]
    )
    outcome = arrive(channel, letter(to=[["", addressed(forged)]]))

    assert outcome.conversation_id != conversation.id


def test_a_token_of_ours_that_stands_for_no_message_joins_nothing(channel, conversation):
    outcome = arrive(channel, letter(to=[["", addressed(ids.new_reply_token())]]))

    assert outcome.conversation_id != conversation.id


def test_the_reference_in_the_subject_joins_when_nothing_else_is_left(channel, conversation):
    subject = f"AW: Pump [#{conversation.reference.lower()}]"
    outcome = arrive(channel, letter(sender="boss@example.net", subject=subject))

    assert outcome.conversation_id == conversation.id
    assert flags_of(outcome) == []


def test_a_token_weighs_more_than_an_id_and_an_id_more_than_a_reference(acme, channel, ours):
    second = make_conversation(acme, channel, reference=ids.new_reference())
    theirs = make_message(second, direction=MessageDirection.OUTBOUND)
    by_token = letter(to=[["", addressed(ours.reply_token)]], in_reply_to=[theirs.external_id])
    by_id = letter(in_reply_to=[ours.external_id], subject=f"Re: #{second.reference}")

    assert arrive(channel, by_token).conversation_id == ours.conversation_id
    assert arrive(channel, by_id).conversation_id == ours.conversation_id


@pytest.mark.parametrize("trace", ["token", "id", "reference"])
def test_nothing_crosses_the_channel_or_the_account(acme, channel, conversation, ours, trace):
    traces = {
        "token": {"to": [["", addressed(ours.reply_token)]]},
        "id": {"in_reply_to": [ours.external_id]},
        "reference": {"subject": f"Re: #{conversation.reference}"},
    }[trace]
    elsewhere = make_channel(acme)
    assert arrive(elsewhere, letter(**traces)).conversation_id != conversation.id

    globex = make_account("Globex")
    act_for(globex)
    outcome = arrive(make_channel(globex), letter(**traces))
    assert conversation_of(outcome).account_id == globex.id
    assert count(Message) == 1


def test_an_id_of_the_customer_joins_from_any_of_their_addresses(channel, acme, ada):
    from ally.desk import customers

    first = arrive(channel, letter(message_id="c1@mail.example"))
    customers.add_address(conversation_of(first), "dana@home.example", by=ada)
    from_home = letter(sender="Dana <Dana@home.example>", in_reply_to=["c1@mail.example"])
    stranger = letter(sender="eve@evil.example", in_reply_to=["c1@mail.example"])

    assert arrive(channel, from_home).conversation_id == first.conversation_id
    assert arrive(channel, stranger).conversation_id != first.conversation_id


def test_a_reply_to_does_not_make_a_stranger_the_customer(channel):
    first = arrive(channel, letter(message_id="c1@mail.example"))
    stranger = letter(
        sender="eve@evil.example",
        reply_to=[["", "dana@example.com"]],
        in_reply_to=["c1@mail.example"],
    )

    assert arrive(channel, stranger).conversation_id != first.conversation_id


@pytest.mark.parametrize("to", [["eve@evil.example"], ["dana@example.com", "eve@evil.example"]])
def test_an_id_of_the_customer_does_not_join_what_asks_for_answers_elsewhere(channel, to):
    first = arrive(channel, letter(message_id="c1@mail.example"))
    spoofed = letter(reply_to=[["", email] for email in to], in_reply_to=["c1@mail.example"])

    assert arrive(channel, spoofed).conversation_id != first.conversation_id


def test_a_customer_who_is_answered_elsewhere_goes_on_there(channel):
    office = [["Office", "office@example.com"]]
    first = arrive(channel, letter(message_id="c1@mail.example", reply_to=office))
    second = letter(reply_to=office, in_reply_to=["c1@mail.example"])
    third = letter(in_reply_to=["c1@mail.example"])

    assert arrive(channel, second).conversation_id == first.conversation_id
    assert arrive(channel, third).conversation_id == first.conversation_id


@pytest.mark.parametrize(
    ("sender", "to"),
    [("eve@evil.example", "dana@example.com"), ("dana@example.com", "eve@evil.example")],
    ids=["a stranger in the customer's name", "answered by a stranger"],
)
def test_a_strangers_mail_is_not_what_an_answer_has_overtaken(channel, sender, to):
    answer = arrive(channel, letter(references=["x@evil.example"]))
    late = letter(sender=sender, message_id="x@evil.example", reply_to=[["", to]])

    assert arrive(channel, late).conversation_id != answer.conversation_id


def test_a_stranger_with_a_token_does_not_bring_other_conversations_along(channel):
    first = arrive(channel, letter())
    token = ids.new_reply_token()
    make_message(conversation_of(first), direction=MessageDirection.OUTBOUND, reply_token=token)
    other = arrive(channel, letter(references=["x@evil.example"]))
    to = [["", addressed(token)]]
    came = arrive(channel, letter(sender="eve@evil.example", message_id="x@evil.example", to=to))

    assert came.conversation_id == first.conversation_id
    assert conversation_of(other).id == other.conversation_id != first.conversation_id


# --- what an agent is asked


def test_another_subject_in_an_old_thread_joins_and_asks(channel, conversation, ours):
    same = arrive(channel, letter(subject="WG: Re: PUMP ", in_reply_to=[ours.external_id]))
    other = arrive(channel, letter(subject="My invoice", in_reply_to=[ours.external_id]))
    away = arrive(
        channel,
        letter(
            subject="Out of office", in_reply_to=[ours.external_id], category=Category.OUT_OF_OFFICE
        ),
    )

    assert other.conversation_id == conversation.id
    assert [flags_of(one) for one in (same, other, away)] == [[], ["changed_subject"], []]


def test_the_same_id_with_other_words_is_kept_and_flagged(channel):
    first = arrive(channel, letter("Which pump?", message_id="1@x"))
    second = arrive(channel, letter("Which filter?", message_id="1@x"))
    third = arrive(channel, letter("Which filter?", message_id="1@x"))

    assert (flags_of(first), flags_of(second)) == ([], ["same_id"])
    assert second.conversation_id == first.conversation_id
    assert third.state == "duplicate"


def test_our_own_id_on_somebody_elses_words_gets_no_draft(channel, conversation, ours):
    outcome = arrive(channel, letter("Hello again", message_id=ours.external_id))

    assert outcome.conversation_id == conversation.id
    assert flags_of(outcome) == ["same_id"]
    assert drafts_asked_for() == []


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Pump",
        "RE[2]: Fwd: pump",
        "回复：Pump",
        "Antw: [EXT] Pump",
        "***SPAM*** Re: Pump!",
        "Pump",
    ],
)
def test_a_subject_is_what_is_left_without_its_prefixes(subject):
    assert base_of(subject) == "pump"


def test_a_subject_that_adds_to_the_old_one_is_no_other():
    assert not is_another("Broken (was: Pump)", ["Re: Pump"])
    assert not is_another("", ["Pump"])
    assert not is_another("Re: Filter", ["Pump", "Filter"])
    assert is_another("Invoice", ["Pump"])


# --- colleagues who answer outside


@pytest.fixture
def waiting(conversation):
    return make_draft(conversation)


def answer(ada, ours, **fields):
    return letter(
        "The left one.",
        sender=f"Ada <{ada.email}>",
        to=[["Dana", "dana@example.com"]],
        in_reply_to=[ours.external_id],
        **fields,
    )


def test_a_colleagues_answer_joins_as_ours_and_takes_the_drafts_place(
    channel, ada, ours, conversation, waiting
):
    outcome = arrive(channel, authenticated(answer(ada, ours)))

    message = message_of(outcome)
    assert message.conversation_id == conversation.id
    assert message.direction is MessageDirection.OUTBOUND
    assert db.session.get_one(Draft, waiting.id).status is DraftStatus.SUPERSEDED
    assert drafts_asked_for() == []
    assert told(conversation)[-2:] == [
        "Ada answered outside Ally",
        "Ally set the draft aside, since a colleague has answered outside Ally",
    ]


def test_what_the_provider_vouches_for_is_ours_without_proof(channel, ada, ours, waiting):
    mail = replace(answer(ada, ours), from_email="helper@partner.example")
    assert message_of(arrive(channel, mail, is_ours=True)).direction is MessageDirection.OUTBOUND


def test_an_older_answer_leaves_the_newer_messages_draft(channel, ada, ours, conversation, waiting):
    from tests.factories import minutes_ago

    arrive(channel, authenticated(answer(ada, ours, date=minutes_ago(30))))

    assert db.session.get_one(Draft, waiting.id).is_pending


@pytest.mark.parametrize("who", ["user", "channel"])
def test_who_merely_claims_to_be_us_proves_nothing(channel, ada, ours, conversation, waiting, who):
    conversation.status = ConversationStatus.CLOSED
    db.session.commit()
    sender = ada.email if who == "user" else channel.from_address.upper()
    outcome = arrive(channel, letter(sender=sender, in_reply_to=[ours.external_id]))

    message = message_of(outcome)
    assert message.is_inbound
    assert flags_of(outcome) == ["claims_to_be_us"]
    assert message.category is Category.ORDINARY
    assert drafts_asked_for() == []
    assert db.session.get_one(Draft, waiting.id).is_pending
    assert conversation_of(outcome).status is ConversationStatus.CLOSED


def test_another_servers_word_authenticates_nobody(channel, ada, ours):
    mail = authenticated(answer(ada, ours))
    foreign = replace(mail, verdicts=[replace(mail.verdicts[0], by="mx.evil.example")])

    assert flags_of(arrive(channel, foreign)) == ["claims_to_be_us"]


def test_a_colleague_who_begins_a_conversation_begins_it_with_the_recipient(channel, ada):
    mail = letter(
        sender=f"Ada <{ada.email}>",
        to=[["Dana", "dana@example.com"]],
        cc=[["", channel.from_address]],
    )
    outcome = arrive(channel, authenticated(mail))

    assert conversation_of(outcome).customer_email == "dana@example.com"
    assert drafts_asked_for() == []


def test_a_colleague_who_writes_to_us_alone_is_a_customer(channel, ada):
    mail = letter(sender=f"Ada <{ada.email}>", to=[["", channel.from_address]])
    outcome = arrive(channel, authenticated(mail))

    assert conversation_of(outcome).customer_email == ada.email
    assert drafts_asked_for() == [str(outcome.message_id)]


def test_a_colleagues_aside_in_a_customers_thread_is_no_answer(channel, ada, ours, waiting):
    mail = replace(answer(ada, ours), to=[["", channel.from_address]])
    outcome = arrive(channel, authenticated(mail))

    assert message_of(outcome).is_inbound
    assert drafts_asked_for() == []
    assert db.session.get_one(Draft, waiting.id).is_pending


def test_our_own_mail_that_comes_back_is_a_duplicate(acme, channel, ada, conversation):
    from ally.review import decisions
    from ally.review.digest import seen
    from ally.review.queries import lock_draft

    draft = make_draft(conversation)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    db.session.commit()
    sent = db.session.scalars(db.select(Delivery)).one()
    copy = letter(draft.suggested_text, sender=channel.from_address, message_id=sent.rfc_message_id)

    back = arrive(channel, copy)
    in_sent_folder = arrive(channel, replace(copy, body_text="Folded otherwise"), is_ours=True)
    forged = arrive(channel, replace(copy, body_text="Pay to this account"))

    assert (back.state, back.message_id) == ("duplicate", sent.message_id)
    assert in_sent_folder.message_id == sent.message_id
    assert forged.state == "stored"
    assert "same_id" in flags_of(forged)


# --- order, duplication and loss


def trace_sets():
    """What is left of a mail's headers: never nothing."""
    return st.sets(st.sampled_from(["token", "in_reply_to", "references"]), min_size=1)


@st.composite
def exchanges(draw):
    """Answers of one customer in any order, some twice, each with some of its headers left;
    the first of them keeps one that is ours."""
    length = draw(st.integers(2, 5))
    left = [draw(trace_sets()) for _ in range(length)]
    order = draw(st.permutations(range(length)))
    again = draw(st.lists(st.sampled_from(range(length)), max_size=3))
    return left, [*order, *again], draw(st.lists(st.booleans(), min_size=length, max_size=length))


def exchange_of(conversation, left, answered):
    """The customer's mails: each answers our last mail, or the customer's own one before."""
    ours = [
        make_message(
            conversation, direction=MessageDirection.OUTBOUND, reply_token=ids.new_reply_token()
        )
        for _ in left
    ]
    mails, chain, last_own = [], [], None
    for number, traces in enumerate(left):
        nearest = last_own if last_own and not answered[number] else ours[number].external_id
        if nearest == ours[number].external_id:
            chain.append(nearest)
        fields = {}
        if "token" in traces:
            fields["to"] = [["", addressed(ours[number].reply_token)]]
        if "in_reply_to" in traces:
            fields["in_reply_to"] = [nearest]
        if "references" in traces:
            # Programs shorten the chain: the last two are what is always left.
            fields["references"] = [*chain, nearest][-2:]
        mail = letter(f"Number {number}", **fields)
        mails.append(mail)
        last_own = mail.message_id
        chain.append(last_own)
    return mails


ONLY_THE_MAIL_BEFORE = [{"token"}, *[{"in_reply_to"}] * 3]


@settings(max_examples=40)
@given(exchange=exchanges())
@example(exchange=(ONLY_THE_MAIL_BEFORE, [2, 1, 3, 0], [True, False, False, False]))
@example(exchange=(ONLY_THE_MAIL_BEFORE, [3, 1, 2, 0], [True, False, False, False]))
def test_an_exchange_is_one_conversation_however_it_comes(app, exchange):
    left, order, answered = exchange
    with a_transaction_of_its_own(app):
        acme, globex = make_account("Acme"), make_account("Globex")
        globex_id = globex.id  # each account is out of sight of the other
        act_for(acme)
        channel = make_channel(acme)
        conversation_id = make_conversation(acme, channel, subject="Pump").id
        conversation = db.session.get_one(Conversation, conversation_id)
        mails = exchange_of(conversation, left, answered)
        for number in order:
            arrive(channel, mails[number])

        there = select(Message.conversation_id).distinct()
        assert count(Message, Message.direction == MessageDirection.INBOUND) == len(mails)
        assert db.session.scalars(there).all() == [conversation_id]
        assert count(Conversation, Conversation.merged_into_id.is_(None)) == 1

        use_account(globex_id)
        elsewhere = make_channel(db.session.get_one(Account, globex_id))
        for number in order:
            arrive(elsewhere, mails[number])
        assert count(Message) == len(mails)
        assert conversation_id not in db.session.scalars(there).all()


@contextmanager
def a_transaction_of_its_own(app):
    """As the fixture `rolled_back`, but for each example."""
    with app.app_context(), db.engine.connect() as connection:
        outer, engine = connection.begin(), db.engines[None]
        db.engines[None] = connection
        db.session.configure(join_transaction_mode="create_savepoint")
        try:
            yield
        finally:
            db.session.remove()
            db.engines[None] = engine
            outer.rollback()

"""Whose mail it is: the customer found behind forms, forwards and several addresses."""

import threading
from dataclasses import replace

import pytest

from ally.channels.mail.parsed import Category, Forward
from ally.channels.options import FromRule
from ally.db import db, use_account
from ally.desk import customers, drafting
from ally.desk.models import Conversation, Customer, CustomerAddress
from ally.desk.outgoing import recipients_of
from ally.desk.senders import Person, labelled, rule_for
from ally.errors import Conflict, Invalid
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
from tests.factories import act_for, make_account, make_channel, make_conversation

FORM = {"sender": "forms@shop.example", "customer_in": "body", "label": "E-mail:"}


def make_ruled(account, *rules):
    return make_channel(
        account, metadata_={"authserv_id": AUTHSERV, "from_rules": [dict(rule) for rule in rules]}
    )


@pytest.fixture
def channel(acme):
    return make_ruled(acme)


def customer_of(outcome):
    conversation = conversation_of(outcome)
    return conversation.customer_name, conversation.customer_email


# --- rows


def test_the_first_mail_of_an_address_makes_a_customer_and_later_ones_find_it(channel):
    first, second = arrive(channel, letter()), arrive(channel, letter(sender="DANA@example.com"))

    assert conversation_of(first).customer_id == conversation_of(second).customer_id is not None
    assert (count(Customer), count(CustomerAddress)) == (1, 1)
    (address,) = customers.addresses_of(conversation_of(first))
    assert address.email == "dana@example.com"


@pytest.mark.parametrize("category", [Category.BOUNCE, Category.RECEIPT, Category.SPAM])
def test_programs_and_spammers_are_no_customers(channel, category):
    outcome = arrive(channel, letter(sender="mailer-daemon@mx.example", category=category))

    assert conversation_of(outcome).customer_id is None
    assert count(Customer) == 0


def test_a_mail_without_a_sender_has_no_customer(channel):
    assert conversation_of(arrive(channel, letter(sender=""))).customer_id is None


# --- Reply-To


def test_one_reply_to_is_the_customer(channel):
    outcome = arrive(channel, letter(reply_to=[["Office", "office@example.com"]]))

    assert customer_of(outcome) == ("Office", "office@example.com")
    assert message_of(outcome).author_email == "dana@example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"reply_to": [["", "a@example.com"], ["", "b@example.com"]]},
        {"reply_to": [["", "list@lists.example"]], "category": Category.LIST},
        {"reply_to": [["", "no-reply@example.com"]]},
        {"reply_to": [["", "ours"]]},
    ],
    ids=["two", "a mailing list's", "one that nobody reads", "our own"],
)
def test_other_reply_tos_do_not_count(channel, fields):
    if fields["reply_to"] == [["", "ours"]]:
        fields = {"reply_to": [["", channel.from_address]]}
    assert customer_of(arrive(channel, letter(**fields)))[1] == "dana@example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"reply_to": [["", "list@lists.example"]], "category": Category.LIST},
        {"reply_to": [["", "no-reply@example.com"]]},
        {"reply_to": [["", "ours"]]},
        {"reply_to": [["", f"victim{n}@example.com"] for n in range(6)]},
    ],
    ids=["a mailing list's", "one that nobody reads", "our own", "a crowd's"],
)
def test_nor_is_an_answer_sent_there(channel, fields):
    if fields["reply_to"] == [["", "ours"]]:
        fields = {"reply_to": [["", channel.from_address]]}
    outcome = arrive(channel, letter(**fields))

    to = recipients_of(conversation_of(outcome), message_of(outcome))
    assert to == [("Dana", "dana@example.com")]


def test_a_few_who_are_to_be_answered_all_are(channel):
    outcome = arrive(channel, letter(reply_to=[["", "a@example.com"], ["", "b@example.com"]]))

    to = recipients_of(conversation_of(outcome), message_of(outcome))
    assert to == [(None, "a@example.com"), (None, "b@example.com")]


def test_a_list_that_writes_in_its_own_name_names_the_author_there(channel):
    address = "list@lists.example"
    mail = letter(
        sender=f"Dana by way of the list <{address}>",
        to=[["", address]],
        reply_to=[["Dana", "dana@example.com"]],
        category=Category.LIST,
    )
    outcome = arrive(channel, mail)

    to = recipients_of(conversation_of(outcome), message_of(outcome))
    assert to == [("Dana", "dana@example.com")]


def test_what_claims_to_be_ours_is_not_answered_elsewhere(channel, ada):
    mail = letter(sender=f"Ada <{ada.email}>", reply_to=[["Ada", "eve@evil.example"]])
    outcome = arrive(channel, mail)

    to = recipients_of(conversation_of(outcome), message_of(outcome))
    assert to == [("Ada", ada.email)]


# --- web forms


def test_a_form_that_names_one_of_us_is_no_customers(acme, ada):
    channel = make_ruled(acme, FORM)
    mail = letter(f"E-mail: {ada.email}\nPay this.", sender="Shop <forms@shop.example>")
    outcome = arrive(channel, mail)

    assert flags_of(outcome) == ["claims_to_be_us"]
    assert (count(Customer), drafts_asked_for()) == (0, [])


def test_a_forms_customer_is_found_in_the_text(acme):
    channel = make_ruled(acme, FORM | {"name_label": "Name"})
    text = "New message\nName: Dana Whitfield\nE-Mail:  dana@example.com\nWhich pump?"
    outcome = arrive(channel, letter(text, sender="Shop <forms@shop.example>"))

    message = message_of(outcome)
    assert customer_of(outcome) == ("Dana Whitfield", "dana@example.com")
    assert recipients_of(conversation_of(outcome), message) == [
        ("Dana Whitfield", "dana@example.com")
    ]
    assert message.metadata_["relayed_by"] == "forms@shop.example"
    assert drafts_asked_for() == [str(message.id)]


def test_a_forms_customer_is_found_in_the_reply_to_also_when_it_sends_as_us(acme):
    channel = make_ruled(acme, {"sender": "@acme.example"})
    mail = letter(sender=channel.from_address, reply_to=[["Dana", "dana@example.com"]])
    outcome = arrive(channel, mail)

    assert customer_of(outcome) == ("Dana", "dana@example.com")
    assert drafts_asked_for() == [str(outcome.message_id)]


def test_a_form_that_names_nobody_speaks_for_itself(acme):
    channel = make_ruled(acme, FORM)
    outcome = arrive(channel, letter("E-mail: none given", sender="forms@shop.example"))

    assert customer_of(outcome)[1] == "forms@shop.example"


def test_a_rule_for_an_address_comes_before_one_for_its_domain(acme):
    rules = [FromRule(sender="@shop.example"), FromRule(**FORM)]
    options = make_ruled(acme).options.model_copy(update={"from_rules": rules})

    assert rule_for(options, "Forms@Shop.example") == rules[1]
    assert rule_for(options, "else@shop.example") == rules[0]
    assert rule_for(options, "else@other.example") is None


def test_what_a_label_names_may_stand_on_the_next_line():
    assert labelled("Email\n\n dana@example.com \nx", "email") == "dana@example.com"
    assert labelled("E-mail: a@b.example", "E-mail") == "a@b.example"
    assert labelled("nothing", "E-mail:") == ""
    assert labelled("nothing", "") == ""


# --- what a colleague passes on


def passed_on(ada, author="Dana Whitfield <dana@example.com>"):
    forward = Forward("Can you take this?", author, "Which pump?", "Hello, which pump?\n\nDana")
    return letter(
        "Can you take this?\n\n---- Forwarded ----\n...",
        sender=f"Ada <{ada.email}>",
        subject="Fwd: Which pump?",
        forward=forward,
    )


def test_what_a_colleague_passes_on_is_its_authors_mail(channel, ada):
    outcome = arrive(channel, authenticated(passed_on(ada)))

    message = message_of(outcome)
    assert customer_of(outcome) == ("Dana Whitfield", "dana@example.com")
    assert message.body_text == "Hello, which pump?\n\nDana"
    assert message.subject == "Which pump?"
    assert message.metadata_["comment"] == "Can you take this?"
    assert message.metadata_["relayed_by"] == ada.email
    assert recipients_of(conversation_of(outcome), message)[0][1] == "dana@example.com"
    assert drafts_asked_for() == [str(message.id)]


def test_mere_headers_in_a_colleagues_answer_pass_nothing_on(channel, ada):
    mail = authenticated(passed_on(ada))
    doubtful = replace(mail, forward=replace(mail.forward, is_certain=False))
    answer = replace(
        doubtful, subject="Re: Which pump?", to=[["", "ben@example.com"]], message_id="other@x"
    )

    assert customer_of(arrive(channel, doubtful))[1] == "dana@example.com"
    assert customer_of(arrive(channel, answer))[1] == "ben@example.com"


def test_what_merely_claims_to_be_a_colleagues_passes_nothing_on(channel, ada):
    outcome = arrive(channel, passed_on(ada))

    assert customer_of(outcome)[1] == ada.email
    assert message_of(outcome).body_text.startswith("Can you take this?")
    assert drafts_asked_for() == []


def test_a_customer_who_passes_a_mail_on_stays_the_customer(channel, ada):
    mail = authenticated(replace(passed_on(ada), from_email="ben@example.com"))

    assert customer_of(arrive(channel, mail))[1] == "ben@example.com"


# --- what an agent says


@pytest.fixture
def conversation(channel):
    return conversation_of(arrive(channel, letter()))


def test_an_agent_adds_an_address(channel, conversation, ada):
    customers.add_address(conversation, " Dana <Dana@Home.example> ", by=ada)
    later = arrive(channel, letter(sender="dana@home.example", subject="Another"))

    assert conversation_of(later).customer_id == conversation.customer_id
    assert [other.subject for other in customers.others_of(conversation)] == ["Another"]
    assert [other.subject for other in customers.others_of(conversation, "ANOTH")] == ["Another"]
    assert customers.others_of(conversation, "%") == []
    assert told(conversation)[-1].endswith("the customer also writes from dana@home.example")


@pytest.mark.parametrize("written", ["", "nobody", "a@b.example, c@d.example", "x" * 400])
def test_only_an_address_is_added(conversation, ada, written):
    with pytest.raises(Invalid):
        customers.add_address(conversation, written, by=ada)


def test_an_address_of_ours_is_nobodys(channel, conversation, ada):
    with pytest.raises(Invalid, match="is an address of ours"):
        customers.add_address(conversation, channel.from_address, by=ada)


def test_an_address_that_is_there_is_not_added_again(conversation, ada):
    with pytest.raises(Conflict, match="belongs to this customer already"):
        customers.add_address(conversation, "dana@example.com", by=ada)


def test_two_customers_become_one_only_when_an_agent_says_so(channel, conversation, ada):
    other = conversation_of(arrive(channel, letter(sender="dana@home.example")))
    with pytest.raises(Conflict, match="belongs to another customer, with 1 conversation"):
        customers.add_address(conversation, "dana@home.example", by=ada)

    customers.add_address(conversation, "dana@home.example", by=ada, same="yes")
    db.session.commit()
    db.session.expire_all()

    assert other.customer_id == conversation.customer_id
    assert count(Customer) == 1
    assert len(customers.addresses_of(conversation)) == 2


def test_an_address_is_given_back(channel, conversation, ada):
    other = conversation_of(arrive(channel, letter(sender="dana@home.example")))
    customers.add_address(conversation, "dana@home.example", by=ada, same="yes")
    customers.part(conversation, "dana@home.example", by=ada)
    db.session.commit()
    db.session.expire_all()

    assert other.customer_id != conversation.customer_id
    with pytest.raises(Conflict, match="only address"):
        customers.part(conversation, "dana@example.com", by=ada)
    with pytest.raises(Conflict, match="does not belong"):
        customers.part(conversation, "dana@home.example", by=ada)


def test_a_conversation_from_before_customers_gets_one(acme, ada):
    old = make_conversation(acme)
    customers.add_address(old, "dana@home.example", by=ada)

    assert old.customer_id is not None
    assert len(customers.addresses_of(old)) == 2


def test_another_accounts_customers_are_others(acme, channel, conversation):
    acme_id, globex = acme.id, make_account("Globex")
    act_for(globex)
    theirs = arrive(make_channel(globex), letter())

    assert conversation_of(theirs).customer_id is not None
    assert count(Customer) == 1
    assert customers.known(acme_id, "dana@example.com") is None


def test_the_draft_greets_the_customer_and_not_the_form(acme):
    channel = make_ruled(acme, FORM | {"name_label": "Name"})
    text = "Name: Dana Whitfield\nE-mail: dana@example.com\nWhich pump?"
    message = message_of(arrive(channel, letter(text, sender="forms@shop.example")))

    assert drafting.question_of(message).customer_name == "Dana Whitfield"


def test_the_first_mails_of_a_customer_at_once_make_one_customer(committed):
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        account_id, found = account.id, []
        barrier = threading.Barrier(4)

        def work():
            with committed.app_context():
                use_account(account_id)
                barrier.wait()
                found.append(customers.customer_of(account_id, Person("Dana", "d@example.com")))
                db.session.commit()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        db.session.rollback()
        assert len(found) == 4
        assert len(set(found)) == 1
        assert (count(Customer), count(CustomerAddress), count(Conversation)) == (1, 1, 0)
        db.session.remove()

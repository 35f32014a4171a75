"""Answers that programs give: one to an address in a day, and never to each other."""

import pytest

from ally import clock
from ally.channels import automatic
from ally.channels.automatic import PER_ADDRESS, may_answer_automatically
from ally.channels.mail.compose import compose
from ally.channels.mail.parse import parse_mail
from tests.factories import act_for, make_account, make_channel, make_conversation


@pytest.fixture
def support(acme):
    return make_channel(acme, key="support")


def acknowledgement(channel, mail):
    """What a channel would answer by itself: the least careful program that still asks."""
    if not may_answer_automatically(channel, mail.from_email):
        return None
    letter = automatic.letter(
        channel,
        mail.from_email,
        subject="We have your message",
        text="Somebody will answer soon.",
        answers=mail.message_id,
        date=clock.now(),
    )
    return parse_mail(compose(letter))


def test_one_answer_in_a_day_goes_to_an_address(support, monkeypatch):
    assert may_answer_automatically(support, "dana@example.com")
    assert not may_answer_automatically(support, " Dana@Example.com")
    assert may_answer_automatically(support, "ben@example.com")

    tomorrow = clock.now() + PER_ADDRESS
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert may_answer_automatically(support, "dana@example.com")


def test_it_is_one_for_all_channels_of_an_account(acme, support):
    sales = make_channel(acme)

    assert may_answer_automatically(support, "dana@example.com")
    assert not may_answer_automatically(sales, "dana@example.com")

    globex = make_account("Globex")
    theirs = make_channel(globex)
    act_for(globex)
    assert may_answer_automatically(theirs, "dana@example.com")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@example.com",
        "MAILER-DAEMON@example.com",
        "postmaster@example.com",
        "no-reply@example.com",
        "noreply+1@example.com",
        "bounces+dana=x@example.com",
        "owner-list@example.com",
        "list-request@example.com",
    ],
)
def test_no_answer_goes_where_no_person_reads(support, address):
    assert not may_answer_automatically(support, address)


def test_no_answer_goes_to_ourselves(acme, support):
    sales = make_channel(acme)

    assert not may_answer_automatically(support, sales.from_address.upper())
    tagged = sales.from_address.replace("@", "+token@")
    assert not may_answer_automatically(support, tagged)


def test_a_thread_has_only_so_many_automatic_acts(acme):
    channel = make_channel(acme, metadata_={"automatic_acts_per_thread": 2})
    talk = make_conversation(acme, channel)
    answered = [
        may_answer_automatically(channel, f"{name}@example.com", conversation_id=talk.id)
        for name in "abcd"
    ]
    assert answered == [True, True, False, False]


def test_two_desks_wired_to_each_other_fall_silent(acme, support):
    globex = make_account("Globex")
    theirs = make_channel(globex, key="globex")
    mail = parse_mail(b"From: dana@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nHi\r\n")
    sent, (account, channel), other = [], (acme, support), (globex, theirs)

    # Each takes the other's answer for a person's: the worst that can happen.
    while mail is not None and len(sent) < 20:
        act_for(account)
        mail = acknowledgement(channel, mail)
        sent += [mail] if mail else []
        (account, channel), other = other, (account, channel)

    to = [mail.to[0][1] for mail in sent]
    assert to == ["dana@example.com", support.from_address, theirs.from_address]


def test_two_desks_that_look_at_the_marks_never_begin(acme, support):
    mail = parse_mail(b"From: dana@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nHi\r\n")

    answer = acknowledgement(support, mail)

    assert answer.is_automatic
    assert not answer.may_answer


def test_an_answer_holds_no_word_of_the_customers(support):
    mail = parse_mail(
        b"From: Buy pills at spam.example <dana@example.com>\r\nSubject: Buy pills\r\n"
        b"Message-ID: <1@example.com>\r\n\r\nBuy pills\r\n"
    )

    answer = acknowledgement(support, mail)

    said = f"{answer.subject} {answer.body_text} {answer.to} {answer.from_name}"
    assert "pills" not in said
    assert answer.in_reply_to == ["1@example.com"]

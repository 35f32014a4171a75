"""Whom a reply goes to, as its reviewer types it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.channels.mail import headers
from ally.channels.models import ChannelType
from ally.db import db
from ally.desk import envelopes
from ally.desk.models import Message
from ally.desk.replies import conversation_of
from ally.errors import Invalid
from ally.events import trail
from ally.language import force_locale
from ally.review.digest import moved, seen
from ally.review.models import ActionType
from tests.desk import test_outgoing as outgoing
from tests.desk.test_outgoing import read
from tests.factories import make_channel, make_conversation, make_draft, make_message, make_user


def approve(draft, by, **amended):
    return outgoing.approve(draft, by, amended=amended)


def test_copies_go_out_and_blind_ones_stand_nowhere_in_the_mail(draft, ada):
    message, delivery = approve(
        draft, ada, cc='"Fox, Sam" <sam@example.com>', bcc="boss@example.org"
    )

    assert delivery.recipients == ["dana@example.com", "sam@example.com", "boss@example.org"]
    assert read(delivery)["Cc"].addresses[0].display_name == "Fox, Sam"
    assert b"boss@" not in delivery.raw
    assert message.metadata_["cc"] == [["Fox, Sam", "sam@example.com"]]
    assert message.metadata_["bcc"] == [[None, "boss@example.org"]]


def test_whoever_is_named_twice_gets_one_mail(draft, ada):
    _, delivery = approve(draft, ada, cc="sam@example.com, SAM@example.com", bcc="sam@example.com")
    assert delivery.recipients == ["dana@example.com", "sam@example.com"]


def test_the_subject_goes_out_as_it_was_typed(draft, ada):
    message, delivery = approve(draft, ada, subject=" Your pump\r\nBcc: spy@example.com ")
    assert message.subject == read(delivery)["Subject"] == "Your pump Bcc: spy@example.com"
    assert delivery.recipients == ["dana@example.com"]


def test_the_trail_tells_what_was_changed_and_the_text_teaches_as_it_was(draft, ada):
    approve(draft, ada, cc="Sam <sam@example.com>", subject="Your pump")

    told = trail.timeline(draft)[-1]
    assert told.action == "draft.edited"
    assert told.particulars["cc"] == ["Sam <sam@example.com>"]
    assert told.particulars["retitled"] == "Your pump"
    db.session.expire_all()
    assert draft.decision.type is ActionType.APPROVE


def test_a_form_that_says_what_was_shown_changes_nothing(draft, ada):
    approve(draft, ada, cc="", bcc=" , ", subject="Re: Which pump for 450 hp?")
    assert trail.timeline(draft)[-1].action == "draft.approved"


def test_an_address_is_refused_in_the_readers_language(draft, ada):
    with force_locale("de"), pytest.raises(Invalid, match="kann keine Mail gesendet werden"):
        approve(draft, ada, cc="Kim")
    with force_locale("de"), pytest.raises(Invalid, match="kann keine Mail gesendet werden"):
        approve(draft, ada, cc="a@b@c")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("dana at example.com", "“dana at example.com” is not an address"),
        ("sam@example.com, Kim", "“Kim” is not an address"),
        ("a@b@c", "“a@b@c” is not an address"),
        ("sam@exam ple.com", "“sam@exam ple.com” is not an address"),
        ("Sam <sam(at)example.com>", "“sam\\(at\\)example.com” is not an address"),
        ("sam@example.com kim@example.com", "Put a comma between “sam@example.com”"),
        (", ".join(f"a{n}@example.com" for n in range(51)), "At most 50 people"),
        ("x" * 30_000, "At most 50 people"),
    ],
)
def test_what_cannot_be_written_to_is_named(draft, ada, typed, said):
    with pytest.raises(Invalid, match=said):
        approve(draft, ada, cc=typed)
    assert draft.is_pending


@pytest.mark.parametrize("subject", ["", " \r\n ", "x" * 501])
def test_a_subject_that_cannot_be_sent_is_refused(draft, ada, subject):
    with pytest.raises(Invalid, match="subject"):
        approve(draft, ada, subject=subject)


def test_a_chat_has_nobody_in_copy_and_no_subject(acme, ada):
    draft = make_draft(make_conversation(acme, make_channel(acme, type=ChannelType.CHAT)))
    with pytest.raises(Invalid, match="Nobody can be put in copy"):
        approve(draft, ada, cc="sam@example.com")
    with pytest.raises(Invalid, match="The subject cannot be changed"):
        approve(draft, ada, subject="Another")


# --- the others


def written_to(acme, channel=None, **people):
    channel = channel or make_channel(acme)
    talk = make_conversation(acme, channel)
    return make_draft(talk, trigger=make_message(talk, metadata_=people))


def others(draft):
    talk = conversation_of(draft)
    trigger = db.session.get_one(Message, draft.trigger_message_id)
    return [address for _, address in envelopes.others_of(talk, trigger)]


def test_the_others_are_who_got_it_but_us_and_whom_the_reply_goes_to(acme):
    channel, ours = make_channel(acme), make_channel(acme)
    colleague = make_user(acme, "Kim Ours", email="kim@acme.example")
    token = channel.from_address.replace("@", "+abc@")
    to = [["Us", channel.from_address], ["Sam", "sam@example.com"], [None, token]]
    cc = [
        ["Dana", "DANA@example.com"],
        [None, ours.from_address],
        [None, colleague.email],
        [None, "lee@example.org"],
        ["Sam again", "Sam@Example.com"],
        ["Nobody", ""],
    ]
    assert others(written_to(acme, channel, to=to, cc=cc)) == ["sam@example.com", "lee@example.org"]


def test_that_the_others_are_others_now_is_a_reason_to_look_again(acme):
    draft = written_to(acme, to=[["Sam", "sam@example.com"]])
    as_seen = seen(draft)
    make_channel(acme).from_address = "sam@example.com"
    db.session.flush()
    assert moved(draft, as_seen) == ["others"]


names = st.one_of(st.none(), st.text(max_size=30).map(headers.clean).filter(bool))
locals_ = st.text("abcz019._+-", min_size=1, max_size=12)
domains = st.text("abcz019-", min_size=1, max_size=12)
mailboxes = st.tuples(names, st.builds("{}@{}.example".format, locals_, domains))


@given(st.lists(mailboxes, max_size=8, unique_by=lambda mailbox: mailbox[1]))
def test_people_are_read_as_they_are_written(people):
    kept = [(name, address) for name, address in people if "@" not in (name or "")]
    found = envelopes.read_addresses(envelopes.written(kept))
    assert [address for _, address in found] == [address for _, address in kept]
    assert envelopes.read_addresses(envelopes.written(found)) == found


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(typed):
    try:
        people = envelopes.read_addresses(typed)
    except Invalid:
        return
    assert envelopes.read_addresses(envelopes.written(people)) == people

import threading
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select, text

from ally.accounts.models import Account
from ally.channels import files, webhooks
from ally.channels.mail import guard
from ally.channels.models import EventsRaw, IntakeOutcome, IntakeState
from ally.db import db, use_account
from ally.desk import intake
from ally.desk.models import (
    Attachment,
    Conversation,
    ConversationStatus,
    Message,
    MessageDirection,
)
from ally.events import trail
from ally.notifications.models import Notification, NotificationType
from ally.review.models import Draft, DraftStatus
from tests.factories import (
    act_for,
    make_account,
    make_channel,
    make_conversation,
    make_draft,
    make_message,
    make_user,
)


def mail(body="Which pump?", *, sender="Dana <dana@example.com>", id_="1@example.com", **headers):
    made = EmailMessage()
    made["From"], made["Subject"] = sender, headers.pop("subject", "Pump")
    if id_:
        made["Message-ID"] = f"<{id_}>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body)
    return made


def store(channel, raw):
    """The id of the event that the webhook makes of the mail."""
    raw = raw if isinstance(raw, bytes) else raw.as_bytes()
    caller = webhooks.Caller(channel.account_id, channel.id, channel.platform, ("secret",))
    event_id = webhooks.store_mail(caller, raw).event_id
    db.session.commit()
    return event_id


def receive(channel, raw):
    """What became of the mail."""
    event_id = store(channel, raw)
    intake.take_in(event_id=str(event_id))
    db.session.commit()
    db.session.expire_all()
    return db.session.get_one(IntakeOutcome, event_id)


def message_of(outcome):
    return db.session.get_one(Message, outcome.message_id)


def conversation_of(outcome):
    return db.session.get_one(Conversation, outcome.conversation_id)


def drafts_asked_for():
    args = text("SELECT args ->> 'message_id' FROM procrastinate_jobs WHERE task_name = :name")
    return db.session.scalars(args, {"name": "desk.write_draft"}).all()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def sentences(subject):
    return [(event.actor_name, event.action) for event in trail.timeline(subject)]


def test_a_mail_opens_a_conversation(channel):
    outcome = receive(channel, mail(To="Support <s@acme.example>", Cc="ben@example.com"))

    conversation, message = conversation_of(outcome), message_of(outcome)
    assert outcome.state == IntakeState.STORED
    assert (conversation.subject, conversation.customer_name) == ("Pump", "Dana")
    assert conversation.customer_email == "dana@example.com"
    assert conversation.channel_id == channel.id
    assert message.is_inbound
    assert (message.author_name, message.author_email) == ("Dana", "dana@example.com")
    assert (message.body_text, message.external_id) == ("Which pump?", "1@example.com")
    assert message.metadata_["to"] == [["Support", "s@acme.example"]]
    assert message.metadata_["cc"] == [["", "ben@example.com"]]
    assert message.event_id == outcome.event_id
    assert conversation.last_message_at == message.sent_at
    assert drafts_asked_for() == [str(message.id)]
    assert sentences(conversation) == [("Dana", "message.received")]


def test_a_customers_name_is_never_a_pattern(channel):
    outcome = receive(channel, mail(sender='"{reason.__class__} %s" <dana@example.com>'))

    (event,) = trail.timeline(conversation_of(outcome))
    assert str(event) == "{reason.__class__} %s wrote"


def test_an_event_is_taken_in_once(channel):
    outcome = receive(channel, mail())
    intake.take_in(event_id=str(outcome.event_id))

    assert (count(Message), count(IntakeOutcome), len(drafts_asked_for())) == (1, 1, 1)


def test_the_same_mail_by_another_way_is_a_duplicate(channel):
    first = receive(channel, mail(Received="from a by b"))
    second = receive(channel, mail(Received="from c by d"))

    assert second.state == IntakeState.DUPLICATE
    assert second.message_id == first.message_id
    assert (count(Message), count(Conversation), len(drafts_asked_for())) == (1, 1, 1)


def test_the_same_words_another_day_are_no_duplicate_without_an_id(channel):
    receive(channel, mail(id_=None, Date="Fri, 20 Nov 2026 10:00:00 +0000"))
    receive(channel, mail(id_=None, Date="Sat, 21 Nov 2026 10:00:00 +0000"))

    assert count(Message) == 2


def test_an_answer_to_our_mail_joins_whoever_sends_it(channel, acme):
    conversation = make_conversation(acme, channel)
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    outcome = receive(
        channel, mail(sender="ben@elsewhere.example", In_Reply_To=f"<{ours.external_id}>")
    )

    assert outcome.conversation_id == conversation.id


def test_an_answer_to_the_customers_own_mail_joins(channel, acme):
    conversation = make_conversation(acme, channel)
    theirs = make_message(conversation)
    references = f"<unknown@example.com>\r\n <{theirs.external_id}>"
    outcome = receive(channel, mail(sender="DANA@example.com").as_bytes().replace(
        b"Message-ID", f"References: {references}\r\nMessage-ID".encode()
    ))  # fmt: skip

    assert outcome.conversation_id == conversation.id


def test_a_stranger_who_knows_the_customers_id_does_not_join(channel, acme):
    conversation = make_conversation(acme, channel)
    theirs = make_message(conversation)
    outcome = receive(
        channel, mail(sender="eve@evil.example", In_Reply_To=f"<{theirs.external_id}>")
    )

    assert outcome.conversation_id != conversation.id


def test_the_nearest_ancestor_wins(channel, acme):
    first, second = make_conversation(acme, channel), make_conversation(acme, channel)
    far = make_message(first, direction=MessageDirection.OUTBOUND)
    near = make_message(second, direction=MessageDirection.OUTBOUND)
    chain = f"<{near.external_id}> <{far.external_id}>"
    outcome = receive(channel, mail(In_Reply_To=f"<{near.external_id}>", References=chain))

    assert outcome.conversation_id == second.id


def test_neither_a_subject_nor_an_unknown_id_joins(channel, acme):
    make_message(make_conversation(acme, channel, subject="Pump"))
    for number in range(2):
        receive(channel, mail(id_=f"{number}@x", subject="Re: Pump", In_Reply_To="<unknown@x>"))

    assert count(Conversation) == 3


def test_another_channels_conversation_is_not_joined(channel, acme):
    elsewhere = make_conversation(acme)
    ours = make_message(elsewhere, direction=MessageDirection.OUTBOUND)
    outcome = receive(channel, mail(In_Reply_To=f"<{ours.external_id}>"))

    assert outcome.conversation_id != elsewhere.id


def test_another_accounts_conversation_is_not_joined(channel, acme):
    globex = make_account("Globex")
    act_for(globex)
    theirs = make_message(make_conversation(globex), direction=MessageDirection.OUTBOUND)
    act_for(acme)
    outcome = receive(channel, mail(In_Reply_To=f"<{theirs.external_id}>"))

    assert conversation_of(outcome).account_id == acme.id


def test_one_id_from_two_senders_is_two_conversations(channel):
    first = receive(channel, mail())
    second = receive(channel, mail(sender="eve@evil.example"))

    assert second.state == IntakeState.STORED
    assert second.conversation_id != first.conversation_id


def test_one_id_with_two_texts_is_two_messages(channel):
    first = receive(channel, mail("Which pump?"))
    second = receive(channel, mail("Which filter?"))

    assert second.state == IntakeState.STORED
    assert second.conversation_id == first.conversation_id
    assert count(Message) == 2


def test_an_answer_that_overtakes_its_mail_is_joined_by_it(channel):
    answer = receive(channel, mail("More", id_="2@x", In_Reply_To="<1@x>"))
    late = receive(channel, mail("First", id_="1@x"))
    stranger = receive(channel, mail("Me too", id_="1@x", sender="eve@evil.example"))

    assert late.conversation_id == answer.conversation_id
    assert stranger.conversation_id != answer.conversation_id


def test_a_closed_conversation_opens_again(channel, acme):
    conversation = make_conversation(acme, channel, status=ConversationStatus.CLOSED)
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    outcome = receive(channel, mail(In_Reply_To=f"<{ours.external_id}>"))

    assert conversation_of(outcome).status is ConversationStatus.OPEN
    assert conversation_of(outcome).last_message_at == message_of(outcome).sent_at


def waiting_draft(acme, channel):
    conversation = make_conversation(acme, channel)
    draft = make_draft(conversation)
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    return draft, f"<{ours.external_id}>"


def test_a_waiting_draft_is_set_aside(channel, acme):
    draft, answered = waiting_draft(acme, channel)
    trigger = draft.trigger_message_id
    outcome = receive(channel, mail(In_Reply_To=answered))

    draft = db.session.get_one(Draft, draft.id)
    assert draft.status is DraftStatus.SUPERSEDED
    assert draft.trigger_message_id is None
    assert draft.metadata_["trigger_message_id"] == str(trigger)
    assert ("Ally", "draft.superseded") in sentences(conversation_of(outcome))


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"List_Id": "<x.example>"}, {"sender": "us"}],
    ids=["automatic", "a list", "our own address"],
)
def test_a_program_gets_no_draft_and_sets_none_aside(channel, acme, headers):
    draft, answered = waiting_draft(acme, channel)
    if "sender" in headers:
        headers = {"sender": channel.from_address.upper()}
    outcome = receive(channel, mail(In_Reply_To=answered, **headers))

    assert outcome.conversation_id == draft.conversation_id
    assert message_of(outcome).metadata_["auto_submitted"] is True
    assert drafts_asked_for() == []
    assert db.session.get_one(Draft, draft.id).is_pending


def test_files_are_stored(channel):
    made = mail()
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a/b.pdf")
    outcome = receive(channel, made)

    (file,) = message_of(outcome).attachments
    assert (file.file_name, file.mime_type, file.size_bytes) == ("a_b.pdf", "application/pdf", 4)
    assert files.read(file.file_url) == b"%PDF"


def test_html_is_stored_harmless_and_counted(channel):
    made = mail()
    made.add_alternative('<p onclick=x>Hi<img src="http://t.example/1.gif"></p>', subtype="html")
    message = message_of(receive(channel, made))

    assert message.body_html.strip() == '<p>Hi<img data-remote="http://t.example/1.gif"></p>'
    assert message.metadata_["remote_images"] == 1


def test_the_quoted_history_is_told_from_the_text(channel):
    text_ = "The left one.\n\n-- \nDana\n\nOn Fri, 20 Nov 2026, Support wrote:\n> Which one?\n"
    message = message_of(receive(channel, mail(text_)))

    assert [kind for kind, _, _ in message.metadata_["segments"]] == ["own", "signature", "quote"]
    assert message.own_text == "The left one."
    assert message.quoted_text.startswith("On Fri")


def test_a_mail_dated_in_the_future_arrives_now(channel):
    message = message_of(receive(channel, mail(Date="Fri, 31 Dec 9999 23:59:59 +0000")))

    assert message.sent_at.year < 3000
    assert message.metadata_["date"].startswith("9999")


@pytest.mark.parametrize("raw", [b"no mail at all", b"\xff\xfe\x00\x01" * 50, b"From: \r\n\r\nx"])
def test_a_mail_without_a_sender_is_a_conversation(channel, raw):
    outcome = receive(channel, raw)

    assert outcome.state == IntakeState.STORED
    assert conversation_of(outcome).customer_email is None
    assert conversation_of(outcome).customer == "Unknown sender"


def test_many_addresses_with_long_names_fit_their_column(channel):
    name = "é" * 190
    to = ",".join(f"{name} <a{n}@{'x' * 200}.example>" for n in range(190))
    outcome = receive(channel, f"From: a@b.c\r\nTo: {to}\r\n\r\nHi".encode())

    assert outcome.state == IntakeState.STORED
    assert len(message_of(outcome).metadata_["to"]) > 10


def test_long_ids_fit_their_index(channel):
    id_ = "".join(chr(0x4E00 + n % 20_000) for n in range(900))
    outcome = receive(channel, f"From: a@b.c\r\nMessage-ID: <{id_}>\r\n\r\nHi".encode())

    assert message_of(outcome).external_id == id_[:500]


UNREADABLE = (
    b"From: Dana <dana@example.com>\r\nSubject: =?utf-8?q?Pr=C3=BCfung?=\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 600
)


def test_what_cannot_be_read_waits_for_a_person(channel, acme):
    ada = make_user(acme, "Ada Lovelace")
    outcome = receive(channel, UNREADABLE)

    conversation, message = conversation_of(outcome), message_of(outcome)
    assert outcome.state == IntakeState.QUARANTINED
    assert outcome.reason == "It has more than 500 parts."
    assert conversation.is_quarantined
    assert (conversation.subject, conversation.customer_name) == ("Prüfung", "Dana")
    assert message.body_text == (
        "This mail could not be read. It has more than 500 parts. The original can be downloaded."
    )
    assert db.session.get_one(EventsRaw, message.event_id).body == UNREADABLE
    assert drafts_asked_for() == []
    (event,) = trail.timeline(conversation)
    assert str(event) == (
        "Dana sent a mail that could not be read in full: It has more than 500 parts."
    )
    (told,) = db.session.scalars(select(Notification)).all()
    assert (told.user_id, told.type) == (ada.id, NotificationType.MAIL_QUARANTINED)
    assert told.payload["url"] == f"/conversations/{conversation.id}"


def test_nobody_joins_a_quarantined_conversation(channel):
    raw = UNREADABLE.replace(b"Subject", b"Message-ID: <q@x>\r\nSubject")
    outcome = receive(channel, raw)
    answer = receive(channel, mail(In_Reply_To="<q@x>"))

    assert answer.conversation_id != outcome.conversation_id


# At once, with real commits


@pytest.fixture
def shop(committed):
    """A channel in a database where commits are real."""
    with committed.app_context():
        account = make_account("Acme")
        use_account(account.id)
        yield committed, make_channel(account)
        db.session.remove()
    guard.stop()


def take_in_at_once(shop, event_ids):
    """Each event by a worker of its own, all at the same moment; what they raised."""
    app, channel = shop
    barrier, raised = threading.Barrier(len(event_ids)), []

    def work(event_id):
        with app.app_context():
            use_account(channel.account_id)
            barrier.wait()
            try:
                intake.take_in(event_id=str(event_id))
                db.session.commit()
            except Exception as error:
                db.session.rollback()
                raised.append(error)

    threads = [threading.Thread(target=work, args=(event_id,)) for event_id in event_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    db.session.expire_all()
    return raised


WORKERS = 5  # as many as there are connections


def test_the_same_mail_by_many_ways_at_once_is_one_message(shop):
    for round_ in range(5):
        raws = [mail(id_=f"{round_}@x", Received=f"from {n}") for n in range(WORKERS - 1)]
        raised = take_in_at_once(shop, [store(shop[1], raw) for raw in raws])
        assert raised == []

    assert (count(Message), count(Conversation), count(IntakeOutcome)) == (5, 5, 20)
    assert len(drafts_asked_for()) == 5


def test_the_same_mail_without_an_id_at_once_is_one_message(shop):
    raws = [mail(id_=None, Received=f"from {n}") for n in range(WORKERS - 1)]

    assert take_in_at_once(shop, [store(shop[1], raw) for raw in raws]) == []
    assert (count(Message), count(Conversation)) == (1, 1)


def test_one_event_by_two_workers_at_once_is_one_message(shop):
    event_id = store(shop[1], mail())

    assert take_in_at_once(shop, [event_id, event_id]) == []
    assert (count(Message), count(Conversation), count(IntakeOutcome)) == (1, 1, 1)


def test_mails_of_one_new_thread_at_once_are_one_conversation(shop):
    for round_ in range(5):
        first = mail("First", id_=f"{round_}-1@x")
        second = mail("Second", id_=f"{round_}-2@x", References=f"<{round_}-1@x>")
        raised = take_in_at_once(shop, [store(shop[1], raw) for raw in (second, first)])
        assert raised == []

    assert (count(Message), count(Conversation)) == (10, 5)


def test_answers_in_one_thread_at_once_leave_one_draft_waiting(shop):
    acme = db.session.get_one(Account, shop[1].account_id)
    conversation = make_conversation(acme, shop[1])
    draft = make_draft(conversation)
    ours = make_message(conversation, direction=MessageDirection.OUTBOUND)
    raws = [
        mail(f"Answer {n}", id_=f"{n}@x", In_Reply_To=f"<{ours.external_id}>") for n in range(4)
    ]

    assert take_in_at_once(shop, [store(shop[1], raw) for raw in raws]) == []
    assert (count(Conversation), count(Attachment)) == (1, 0)
    assert count(Message) == 6
    assert db.session.get_one(Draft, draft.id).status is DraftStatus.SUPERSEDED
    actions = [action for _, action in sentences(conversation)]
    assert actions.count("message.received") == 4
    assert actions.count("draft.superseded") == 1

"""What goes out with an approved reply: signature, history, files, token, reference."""

import email
import email.policy
import re

import pytest
from sqlalchemy import select

from ally.channels import credentials, files
from ally.channels.credentials import SlackCredentials
from ally.channels.mail import ids
from ally.channels.models import ChannelType, Delivery, Platform
from ally.channels.senders import request
from ally.db import db
from ally.desk.models import Attachment, Conversation, Message
from ally.desk.outgoing import MOST_BYTES
from ally.desk.replies import conversation_of
from ally.errors import Invalid
from ally.review import decisions
from ally.review.digest import moved, seen
from tests.factories import make_channel, make_conversation, make_draft, make_message, sign_in

SIGNATURE = "Hot Rod AN\nMon to Fri, 9 to 5"


def draft_with(account, text="The 255 lph pump is enough.", subject="Which pump?", **options):
    channel = make_channel(account, metadata_=options)
    return make_draft(make_conversation(account, channel, subject=subject), text)


def approve(draft, by, **how):
    action = decisions.approve(draft, by=by, seen=seen(draft), **how)
    message = db.session.get_one(Message, action.message_id)
    delivery = db.session.scalars(select(Delivery).where(Delivery.action_id == action.id)).one()
    return message, delivery


def read(delivery):
    return email.message_from_bytes(delivery.raw, policy=email.policy.default)


def words(mail, kind="plain"):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n").rstrip("\n")


def attach(draft, name="pump.pdf", content=b"%PDF-1.7", type_="application/pdf", **fields):
    file = Attachment(
        account_id=draft.account_id,
        draft_id=draft.id,
        file_name=name,
        mime_type=type_,
        size_bytes=fields.pop("size_bytes", len(content)),
        file_url=fields.pop("file_url", None) or files.store(content),
    )
    db.session.add(file)
    db.session.flush()
    return file


def test_the_signature_follows_the_text_in_both_forms(acme, ada):
    message, delivery = approve(draft_with(acme, signature=SIGNATURE), ada)

    mail = read(delivery)
    assert words(mail) == f"The 255 lph pump is enough.\n\n-- \n{SIGNATURE}"
    assert "<p>-- </p>\n<p>Hot Rod AN<br>" in words(mail, "html")
    assert message.body_text == words(mail)
    kinds = {kind: message.body_text[a:b].strip() for kind, a, b in message.metadata_["segments"]}
    assert kinds == {"own": "The 255 lph pump is enough.", "signature": f"-- \n{SIGNATURE}"}


def test_what_is_approved_is_what_follows_too(acme, ada):
    draft = draft_with(acme, signature=SIGNATURE)
    as_seen = seen(draft)

    conversation_of(draft).channel.metadata_ = {"signature": "Globex"}

    assert moved(draft, as_seen) == ["signature"]
    with pytest.raises(decisions.MovedOn, match="the signature"):
        decisions.approve(draft, by=ada, seen=as_seen)


def test_history_is_quoted_where_the_channel_wants_it(acme, ada):
    draft = draft_with(acme, quotes_history=True)

    message, delivery = approve(draft, ada)

    own, quoted = words(read(delivery)).split("\n\n", 1)
    assert own == "The 255 lph pump is enough."
    assert re.fullmatch(
        r"On \d+ \w+ \d{4} at \d\d:\d\d UTC, Dana Whitfield wrote:\n"
        r"> Would the 255 lph pump hold 58 psi\?",
        quoted,
    )
    assert '<blockquote type="cite">' in words(read(delivery), "html")
    assert message.own_text == own
    assert message.body_text[message.metadata_["quoted_from"] :].strip() == quoted


def test_a_long_history_is_cut(acme, ada):
    channel = make_channel(acme, metadata_={"quotes_history": True})
    talk = make_conversation(acme, channel)
    draft = make_draft(talk, trigger=make_message(talk, text="word " * 20_000))

    message, _ = approve(draft, ada)

    assert 20_000 < len(message.body_text) < 25_000
    assert message.body_text.endswith("> […]")


def test_files_of_the_draft_go_along_and_stay_with_the_message(acme, ada):
    draft = draft_with(acme)
    attach(draft)
    attach(draft, 'Größe \' "x".txt', "Maße".encode(), "text/plain")

    message, delivery = approve(draft, ada)

    sent = [(f.get_filename(), f.get_content_type()) for f in read(delivery).iter_attachments()]
    assert sent == [("pump.pdf", "application/pdf"), ('Größe \' "x".txt', "text/plain")]
    contents = [f.get_payload(decode=True) for f in read(delivery).iter_attachments()]
    assert contents == [b"%PDF-1.7", "Maße".encode()]
    db.session.expire(message)
    assert [file.file_name for file in message.attachments] == [name for name, _ in sent]


def test_a_file_that_was_added_since_is_a_reason_to_look_again(acme, ada):
    draft = draft_with(acme)
    as_seen = seen(draft)
    attach(draft)

    with pytest.raises(decisions.MovedOn, match="the files"):
        decisions.approve(draft, by=ada, seen=as_seen)


def test_more_files_than_a_mail_holds_are_refused(acme, ada):
    draft = draft_with(acme)
    attach(draft, size_bytes=MOST_BYTES)
    attach(draft, "more.pdf")

    with pytest.raises(Invalid, match=r"The files have 18\.0 MB together, and 18 MB can be sent"):
        approve(draft, ada)


def test_a_file_that_is_gone_is_named(acme, ada):
    draft = draft_with(acme)
    attach(draft, file_url=f"file:{'0' * 64}")

    with pytest.raises(Invalid, match=r"pump\.pdf” is no longer in the store"):
        approve(draft, ada)


def test_answers_come_back_to_an_address_with_a_token(acme, ada):
    message, delivery = approve(draft_with(acme, reply_tokens=True), ada)

    reply_to = read(delivery)["Reply-To"].addresses[0].addr_spec
    assert ids.read_reply_token(reply_to) == message.reply_token is not None
    assert reply_to == ids.address_with(message.reply_token, delivery.sender)


def test_without_the_option_there_is_no_token(acme, ada):
    message, delivery = approve(draft_with(acme), ada)

    assert (message.reply_token, read(delivery)["Reply-To"]) == (None, None)


def test_the_subject_names_the_conversation_once(acme, ada):
    draft = draft_with(acme, subject_reference=True)
    reference = ids.reference_of(draft.conversation_id)

    message, delivery = approve(draft, ada)

    assert message.subject == read(delivery)["Subject"] == f"Re: Which pump? [#{reference}]"
    talk = conversation_of(draft)
    assert talk.reference == reference
    talk.subject = message.subject
    again, _ = approve(make_draft(talk), ada)
    assert again.subject == message.subject


def test_a_long_subject_leaves_room_for_the_reference(acme, ada):
    draft = draft_with(acme, subject="pump " * 200, subject_reference=True)

    _, delivery = approve(draft, ada)

    assert ids.references_in(read(delivery)["Subject"]) == [ids.reference_of(draft.conversation_id)]


def slack_draft(account, thread="C123ABC456:1700000000.000100", **fields):
    channel = make_channel(
        account,
        type=ChannelType.SLACK,
        platform=Platform.SLACK,
        credentials_sealed=credentials.seal(SlackCredentials(bot_token="xoxb-1")),
        **fields,
    )
    talk = make_conversation(account, channel, customer_email=None)
    talk.external_id = f"slack:{thread}"
    return make_draft(talk, trigger=make_message(talk, author_email=None))


def test_a_chat_is_answered_in_its_thread_without_any_address(acme, ada):
    draft = slack_draft(acme, metadata_={"reply_tokens": True, "quotes_history": True})

    message, delivery = approve(draft, ada, text="Yes.")

    post = request.read(delivery.raw)
    assert (post.path, post.json["text"]) == ("/api/chat.postMessage", "Yes.")
    assert (post.json["channel"], post.json["thread_ts"]) == ("C123ABC456", "1700000000.000100")
    assert delivery.recipients == ["Dana Whitfield"]
    assert message.reply_token is None


def test_a_thread_whose_name_another_channel_has_too_is_answered_by_its_own(acme, ada):
    draft = slack_draft(acme)
    talk = db.session.get_one(Conversation, draft.conversation_id)
    talk.external_id += f"@{talk.channel_id}"
    db.session.commit()

    _, delivery = approve(draft, ada, text="Yes.")

    assert request.read(delivery.raw).json["thread_ts"] == "1700000000.000100"


def test_a_chat_takes_no_files_where_it_cannot(acme, ada):
    draft = slack_draft(acme)
    attach(draft)

    with pytest.raises(Invalid, match="Files cannot be sent on this channel"):
        approve(draft, ada)


def test_a_chat_that_is_not_set_up_says_so(acme, ada):
    channel = make_channel(acme, type=ChannelType.CHAT, platform=Platform.INTERCOM)
    draft = make_draft(make_conversation(acme, channel))

    with pytest.raises(Invalid, match="Ask an admin to set it up"):
        approve(draft, ada)


def test_a_conversation_of_another_kind_has_no_thread_to_answer_in(acme, ada):
    with pytest.raises(Invalid, match="no thread of Slack"):
        approve(slack_draft(acme, thread="nonsense"), ada)


def test_the_review_shows_what_follows(acme, ada, client):
    draft = draft_with(acme, signature=SIGNATURE, quotes_history=True)
    attach(draft)

    page = sign_in(client, ada).get(f"/review/{draft.id}").get_data(as_text=True)

    tail = page[page.index("What follows the reply") :]
    assert "Mon to Fri, 9 to 5" in tail
    assert "Dana Whitfield wrote:" in tail
    assert "pump.pdf" in page[page.index("Files of the reply") :]


def test_the_review_of_a_chat_names_the_customer(acme, ada, client):
    page = sign_in(client, ada).get(f"/review/{slack_draft(acme).id}").get_data(as_text=True)

    assert "<dt>To</dt><dd>Dana Whitfield</dd>" in page


def test_another_sender_is_a_reason_to_look_again(acme, ada):
    draft = draft_with(acme)
    as_seen = seen(draft)
    conversation_of(draft).channel.from_address = "sales@acme.example"

    with pytest.raises(decisions.MovedOn, match="who it comes from"):
        decisions.approve(draft, by=ada, seen=as_seen)


def test_what_was_taken_back_goes_out_with_files_when_approved_again(acme, ada):
    draft = draft_with(acme, reply_tokens=True)
    attach(draft)
    first, _ = approve(draft, ada)
    decisions.undo(draft, by=ada)

    second, delivery = approve(draft, ada, text="Better.")

    assert first.reply_token != second.reply_token
    assert [f.get_filename() for f in read(delivery).iter_attachments()] == ["pump.pdf"]

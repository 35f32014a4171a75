"""What became of our replies: bounces, complaints and what providers tell."""

import pytest

from ally import clock
from ally.channels import health, outbox
from ally.channels.incoming import Report
from ally.channels.mail import ids
from ally.channels.mail.parsed import Bounced, Category
from ally.channels.models import Delivery, DeliveryReport, DeliveryStatus, ReportKind
from ally.db import db
from ally.desk import reports, search_queries
from ally.desk.models import Conversation, ConversationStatus, Message
from ally.desk.outgoing import recipients_of
from ally.desk.search import Is, Query, Wanted
from ally.errors import Conflict
from ally.notifications.models import Notification
from ally.notifications.words import title_of
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft
from ally.review.queries import lock_draft
from tests.desk.arriving import (
    arrive,
    conversation_of,
    count,
    drafts_asked_for,
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
    sign_in,
)
from tests.forms import post


@pytest.fixture
def channel(acme):
    return make_channel(acme, metadata_={"takes_opens": True})


@pytest.fixture
def delivery(acme, ada, channel):
    """A reply that a mail server has taken, in a conversation that was closed since."""
    conversation = make_conversation(acme, channel)
    draft = make_draft(conversation)
    decisions.approve(lock_draft(acme.id, draft.id), ada, seen=seen(draft))
    delivery = db.session.scalars(db.select(Delivery)).one()
    delivery.status, delivery.accepted_at = DeliveryStatus.ACCEPTED, clock.now()
    delivery.provider_id = "provider-1"
    conversation.status = ConversationStatus.CLOSED
    db.session.commit()
    return delivery


def bounce(returned, *, category=Category.BOUNCE, is_permanent=True, **fields):
    found = Bounced("dana@example.com", "5.1.1", "550", "userunknown", is_permanent, "No such user")
    return letter(
        "Your mail did not arrive.",
        sender="MAILER-DAEMON@mx.example",
        subject="Undelivered",
        category=category,
        bounces=[found],
        returned_ids=[returned] if returned else [],
        **fields,
    )


def report(kind, **fields):
    fields.setdefault("provider_id", "provider-1")
    fields.setdefault("at", clock.now())
    return Report(kind=kind, detail=fields.pop("detail", "550 no such user"), **fields)


def conversation_with(delivery):
    return db.session.get_one(Conversation, delivery.conversation_id)


def test_a_bounce_marks_the_delivery_and_opens_the_conversation_again(channel, ada, delivery):
    outcome = arrive(channel, bounce(delivery.rfc_message_id))

    assert outcome.conversation_id == delivery.conversation_id
    message = message_of(outcome)
    assert (message.category, message.is_inbound) == (Category.BOUNCE, True)
    assert delivery.reported is ReportKind.BOUNCED
    assert conversation_of(outcome).status is ConversationStatus.OPEN
    assert drafts_asked_for() == []
    assert recipients_of(conversation_of(outcome), message) == [
        ("Dana Whitfield", "dana@example.com")
    ]
    kept = db.session.scalars(db.select(DeliveryReport)).one()
    assert (kept.kind, kept.is_permanent, kept.detail) == (ReportKind.BOUNCED, True, "No such user")
    assert kept.event_id == outcome.event_id
    assert "The mail server returned the reply to dana@example.com: No such user" in told(
        conversation_with(delivery)
    )
    line = db.session.scalars(db.select(Notification)).one()
    assert title_of(line.payload, line.type) == "The reply to dana@example.com came back"


def test_a_bounce_is_known_by_the_token_of_its_address(channel, delivery):
    token = ids.new_reply_token()
    message = db.session.get_one(Message, delivery.message_id)
    db.session.execute(db.text("SET LOCAL ROLE app_owner"))
    db.session.execute(db.text("ALTER TABLE message NO FORCE ROW LEVEL SECURITY"))
    db.session.execute(db.update(Message).where(Message.id == message.id).values(reply_token=token))
    db.session.execute(db.text("ALTER TABLE message FORCE ROW LEVEL SECURITY"))
    db.session.execute(db.text("SET LOCAL ROLE app_rw"))
    mail = bounce(None, delivered_to=[ids.address_with(token, "support@acme.example")])

    assert arrive(channel, mail).conversation_id == delivery.conversation_id
    assert delivery.reported is ReportKind.BOUNCED


def test_a_bounce_is_known_by_what_it_answers_also_at_another_channel(acme, delivery):
    mail = bounce(None, in_reply_to=[delivery.rfc_message_id])

    assert arrive(make_channel(acme), mail).conversation_id == delivery.conversation_id


def test_a_forged_bounce_changes_nothing(channel, delivery):
    outcome = arrive(channel, bounce("0123456789abcdef0123456789abcdef@acme.example"))

    assert outcome.conversation_id != delivery.conversation_id
    assert delivery.reported is None
    assert conversation_with(delivery).status is ConversationStatus.CLOSED
    assert count(DeliveryReport) == count(Notification) == 0


def test_an_ordinary_mail_reports_nothing(channel, delivery):
    mail = bounce(delivery.rfc_message_id, category=Category.ORDINARY)
    arrive(channel, mail)

    assert delivery.reported is None


def test_another_accounts_delivery_is_not_reported_on(delivery):
    globex = make_account("Globex")
    act_for(globex)
    outcome = arrive(make_channel(globex), bounce(delivery.rfc_message_id))

    assert outcome.state == "stored"
    assert count(DeliveryReport) == 0


def test_a_delay_waits_and_opens_nothing(channel, delivery):
    arrive(channel, bounce(delivery.rfc_message_id, category=Category.DELAYED))

    assert delivery.reported is ReportKind.DELAYED
    assert conversation_with(delivery).status is ConversationStatus.CLOSED


def test_a_bounce_that_may_pass_is_told_and_opens_nothing(channel, ada, delivery):
    arrive(channel, bounce(delivery.rfc_message_id, is_permanent=False))

    assert delivery.reported is ReportKind.DELAYED
    assert conversation_with(delivery).status is ConversationStatus.CLOSED
    assert count(Notification) == 1


def test_the_weightiest_report_stands_in_any_order(channel, delivery):
    heavier = [
        ReportKind.OPENED,
        ReportKind.DELIVERED,
        ReportKind.DELAYED,
        ReportKind.BOUNCED,
        ReportKind.COMPLAINED,
    ]
    for kind in heavier:
        arrive(channel, None, reports=[report(kind, is_permanent=True)])
        assert delivery.reported is kind
    for kind in heavier:
        arrive(channel, None, reports=[report(kind, is_permanent=True)])
        assert delivery.reported is ReportKind.COMPLAINED


def test_the_same_report_is_told_once(channel, delivery):
    twice = report(ReportKind.BOUNCED, is_permanent=True)
    outcome = arrive(channel, None, reports=[twice, twice])
    arrive(channel, None, reports=[twice])
    for _ in range(2):
        arrive(channel, None, reports=[report(ReportKind.OPENED)])

    assert outcome.reason == "It reports on what became of a reply."
    assert count(DeliveryReport) == 2


def test_a_providers_id_counts_for_its_own_channel_alone(acme, delivery):
    elsewhere = arrive(make_channel(acme), None, reports=[report(ReportKind.BOUNCED)])

    assert elsewhere.reason == "It reports on nothing that we have sent."
    assert delivery.reported is None


def test_a_report_on_nothing_of_ours_is_settled(channel, delivery):
    unknown = report(ReportKind.BOUNCED, provider_id="someone-elses")
    outcome = arrive(channel, None, reports=[unknown])

    assert outcome.reason == "It reports on nothing that we have sent."
    assert delivery.reported is None


def test_openings_count_only_where_an_admin_wants_them(channel, delivery):
    channel.metadata_ = {}
    db.session.commit()
    arrive(channel, None, reports=[report(ReportKind.OPENED)])

    assert delivery.reported is None
    assert count(DeliveryReport) == 0


def test_a_delivery_is_found_by_its_message_id(channel, delivery):
    named = report(
        ReportKind.DELIVERED, provider_id=None, rfc_message_id=f"<{delivery.rfc_message_id}>"
    )
    arrive(channel, None, reports=[named])

    assert delivery.reported is ReportKind.DELIVERED


def listed(user, kind):
    query = Query(wanted=(Wanted(kind),))
    return [row.id for row in search_queries.find(query, user).rows]


def test_a_complaint_is_shown_and_told(channel, ada, delivery, client):
    arrive(channel, bounce(delivery.rfc_message_id, category=Category.COMPLAINT))

    assert delivery.reported is ReportKind.COMPLAINED
    page = sign_in(client, ada).get(f"/conversations/{delivery.conversation_id}").text
    assert "The recipient has reported this reply as spam." in page


def test_what_came_back_is_shown_until_somebody_has_seen_it(channel, ada, delivery, client):
    arrive(channel, bounce(delivery.rfc_message_id))
    browser = sign_in(client, ada)
    page = browser.get(f"/conversations/{delivery.conversation_id}").text
    assert "Came back" in page
    assert "No such user" in page
    assert len(listed(ada, Is.UNDELIVERED)) == 1

    answer = post(browser, f"/deliveries/{delivery.id}/acknowledgement")

    place = f"/conversations/{delivery.conversation_id}#message-{delivery.message_id}"
    assert answer.location == place
    db.session.expire_all()
    assert listed(ada, Is.UNDELIVERED) == []
    assert "Came back" in browser.get(f"/conversations/{delivery.conversation_id}").text
    with pytest.raises(Conflict):
        reports.acknowledge(delivery, by=ada)


def test_what_did_not_arrive_is_told_above_all_messages_and_in_the_lists(
    channel, acme, ada, delivery, client
):
    draft = make_draft(conversation_with(delivery))
    browser = sign_in(client, ada)
    pages = f"/conversations/{delivery.conversation_id}", f"/review/{draft.id}"
    assert not any("came back" in browser.get(page).text for page in pages)

    arrive(channel, bounce(delivery.rfc_message_id))

    for page in pages:
        assert "came back." in browser.get(page).text.partition('id="thread"')[0]
    assert "Undelivered" in browser.get("/conversations").text.partition('class="line"')[2]
    assert [line.undelivered for line in health.lines(acme.id)] == [1]

    reports.acknowledge(delivery, by=ada)
    db.session.commit()

    assert "came back." not in browser.get(pages[0]).text.partition('id="thread"')[0]
    assert "Undelivered" not in browser.get("/conversations").text.partition('class="line"')[2]
    assert [line.undelivered for line in health.lines(acme.id)] == [0]


def test_a_refused_reply_is_off_the_list_once_somebody_has_seen_it(ada, delivery):
    delivery.status, delivery.accepted_at = DeliveryStatus.REJECTED, None
    db.session.commit()
    assert len(listed(ada, Is.UNDELIVERED)) == 1

    reports.acknowledge(delivery, by=ada)
    db.session.commit()
    assert listed(ada, Is.UNDELIVERED) == []

    outbox.retry(delivery, by=ada)
    delivery.status = DeliveryStatus.REJECTED
    db.session.commit()
    assert len(listed(ada, Is.UNDELIVERED)) == 1


def test_an_unknown_outcome_cannot_be_waved_away(ada, delivery):
    delivery.status, delivery.accepted_at = DeliveryStatus.UNKNOWN, None
    db.session.commit()

    with pytest.raises(Conflict):
        reports.acknowledge(delivery, by=ada)


def test_a_bounce_leaves_the_draft_that_waits(channel, acme, ada, delivery):
    draft = make_draft(conversation_with(delivery))
    arrive(channel, bounce(delivery.rfc_message_id))

    assert db.session.get_one(Draft, draft.id).is_pending

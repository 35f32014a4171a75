from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ally.channels.mail.told import tell_apart
from ally.db import db
from ally.desk import drafting
from ally.desk.models import MessageDirection
from ally.events import trail
from ally.knowledge.models import DocumentKind
from ally.knowledge.writer import Written
from ally.language import worded
from ally.notifications.models import Notification, NotificationType
from ally.notifications.words import title_of
from ally.review.models import Draft, DraftStatus
from tests.desk.arriving import actions
from tests.factories import make_account, make_channel, make_conversation, make_draft, make_message
from tests.knowledge.conftest import golden, page, teach

ANSWER = "Hi Dana,\n\nThe pump holds 58 psi.\n\nBest regards,\nAcme"


class FakeWriter:
    """Writes the same answer to everybody, and keeps what it was asked."""

    def __init__(self, answer=ANSWER):
        self.answer, self.asked = answer, []

    def write(self, question):
        self.asked.append(question)
        start = self.answer.index("The pump")
        sentences = [
            {"start": 0, "end": 8, "source": None, "role": "frame"},
            {"start": start, "end": start + 22, "source": 1},
        ]
        return Written(self.answer, sentences, [{"number": 1}], "fake-1", "1", ["Look twice."])


class BrokenWriter:
    def write(self, question):
        raise ValueError("a secret of the machine")


class SlowWriter:
    def write(self, question):
        db.session.execute(text("SELECT pg_sleep(30)"))


@pytest.fixture
def writer():
    """A writer that always answers, in the place of the real one."""
    fake = FakeWriter()
    yield use(fake)
    drafting.use_writer(drafting.retrieval_writer)


def use(fake):
    drafting.use_writer(lambda account_id: fake)
    return fake


def write(message):
    drafting.write_draft(str(message.id))
    db.session.commit()
    return db.session.scalars(
        select(Draft).where(Draft.conversation_id == message.conversation_id).order_by(Draft.id)
    ).all()


def test_a_message_gets_a_draft_from_the_shops_knowledge(acme, ada):
    teach(
        acme,
        page("## Flow\n\nOur 255 lph pump delivers 225 lph at 58 psi."),
        golden("No, they do not.", title="Do AN flares need tape?"),
    )
    channel = make_channel(acme)
    message = make_message(
        make_conversation(acme, channel), "How much does the 255 lph pump deliver at 58 psi?"
    )

    (draft,) = write(message)

    assert draft.is_pending
    assert draft.trigger_message_id == message.id
    assert (draft.model_key, draft.grounded) == ("retrieval-1", 1)
    assert "Our 255 lph pump delivers 225 lph at 58 psi." in draft.suggested_text
    assert draft.suggested_text.endswith(f"Best regards,\n{channel.from_name}")
    assert "<p>" in draft.suggested_html
    assert draft.top_sources[0]["kind"] == DocumentKind.PAGE
    assert draft.metadata_["seconds"] >= 0


def test_a_draft_is_told_in_the_timeline_and_in_the_feed(acme, ada, ben, writer):
    message = make_message(make_conversation(acme, subject="Which pump?"))

    (draft,) = write(message)

    (event,) = trail.timeline(draft)
    assert str(event).startswith("Ally wrote a draft from 1 source in ")
    lines = db.session.scalars(select(Notification)).all()
    assert {line.user_id for line in lines} == {ada.id, ben.id}
    assert lines[0].type is NotificationType.DRAFT_READY
    assert title_of(lines[0].payload, lines[0].type) == "Draft ready: Which pump?"
    assert lines[0].payload["url"] == f"/review/{draft.id}"


def test_notes_are_kept_for_the_agent(acme, writer):
    (draft,) = write(make_message(make_conversation(acme)))

    assert draft.payload["notes"] == ["Look twice."]


def test_a_retried_job_does_nothing_twice(acme, writer):
    message = make_message(make_conversation(acme))
    write(message)

    assert len(write(message)) == 1
    assert len(writer.asked) == 1


def test_a_message_whose_draft_was_superseded_gets_no_second_one(acme, writer):
    conversation = make_conversation(acme)
    first = make_message(conversation)
    write(first)
    write(make_message(conversation, "And which filter?"))

    assert len(write(first)) == 2


def test_a_message_that_is_not_the_newest_gets_no_draft(acme, writer):
    conversation = make_conversation(acme)
    older = make_message(conversation)
    make_message(conversation, "And which filter?")

    assert write(older) == []


def test_an_automatic_answer_does_not_cost_the_customer_the_draft(acme, writer):
    conversation = make_conversation(acme)
    asked = make_message(conversation)
    make_message(conversation, "I am away.", metadata_={"auto_submitted": True})

    assert len(write(asked)) == 1


def test_a_newer_message_sets_the_waiting_draft_aside(acme, writer):
    conversation = make_conversation(acme)
    first = make_message(conversation)
    write(first)
    second = make_message(conversation, "And which filter?")

    old, new = write(second)

    assert (old.status, old.trigger_message_id) == (DraftStatus.SUPERSEDED, None)
    assert old.metadata_["trigger_message_id"] == str(first.id)
    assert (new.status, new.trigger_message_id) == (DraftStatus.PENDING, second.id)
    assert actions(conversation) == ["draft.written", "draft.superseded", "draft.written"]


def test_a_decided_draft_is_left_alone(acme, writer):
    conversation = make_conversation(acme)
    decided = make_draft(conversation, status=DraftStatus.SENT)

    write(make_message(conversation, "And which filter?"))

    assert decided.status is DraftStatus.SENT


@pytest.mark.parametrize("metadata", [{"auto_submitted": True}])
def test_a_machines_mail_gets_no_draft(acme, writer, metadata):
    assert write(make_message(make_conversation(acme), metadata_=metadata)) == []


def test_a_mail_that_could_not_be_read_gets_no_draft(acme, writer):
    assert write(make_message(make_conversation(acme, is_quarantined=True))) == []


def test_our_own_message_gets_no_draft(acme, writer):
    message = make_message(make_conversation(acme), direction=MessageDirection.OUTBOUND)

    assert write(message) == []


def test_a_message_that_is_gone_is_no_reason_to_fail(acme, writer):
    drafting.write_draft(str(acme.id))

    assert writer.asked == []


def test_a_failing_writer_leaves_the_conversation_in_the_queue(acme, ada):
    use(BrokenWriter())
    message = make_message(make_conversation(acme, subject="Which pump?"))

    (draft,) = write(message)

    assert draft.is_pending
    assert draft.suggested_text == ""
    assert (
        worded(draft.problem) == "The writer failed (ValueError). Please write this reply by hand."
    )
    assert actions(draft) == ["draft.failed"]
    (line,) = db.session.scalars(select(Notification)).all()
    assert line.type is NotificationType.DRAFT_FAILED
    assert title_of(line.payload, line.type) == "No draft: Which pump?"
    drafting.use_writer(drafting.retrieval_writer)


def test_a_writer_that_is_too_slow_is_stopped(acme, monkeypatch):
    monkeypatch.setattr(drafting, "TIME_LIMIT", timedelta(milliseconds=50))
    use(SlowWriter())

    (draft,) = write(make_message(make_conversation(acme)))

    assert worded(draft.problem).startswith("The writer failed")
    assert db.session.scalar(text("SHOW statement_timeout")) == "0"
    drafting.use_writer(drafting.retrieval_writer)


def test_the_limit_of_the_writer_ends_with_it(acme, writer):
    write(make_message(make_conversation(acme)))

    assert db.session.scalar(text("SHOW statement_timeout")) == "0"


def test_an_answer_that_comes_too_late_is_not_used(acme, writer, monkeypatch):
    monkeypatch.setattr(drafting, "monotonic", iter([0, 0, 31, 31]).__next__)

    (draft,) = write(make_message(make_conversation(acme)))

    assert draft.suggested_text == ""
    assert draft.problem == "The writer took longer than 30 seconds."


def test_the_writer_reads_all_that_is_unanswered_and_no_quotes(acme, writer):
    conversation = make_conversation(acme, subject="Which pump?")
    make_message(conversation, "An old question?")
    make_message(conversation, "An old answer.", direction=MessageDirection.OUTBOUND)
    make_message(conversation, "Which pump?")
    quoting = "And which filter?\n\n> An old answer."
    newest = make_message(conversation, quoting, metadata_={"quoted_from": 19})

    write(newest)

    (question,) = writer.asked
    assert question.text == "Which pump?\n\nAnd which filter?"
    assert question.customer_name == "Dana Whitfield"
    assert question.subject == "Which pump?"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "See below.\n\nOn 20 Nov 2026, Ada wrote:\n> Which one?\n\nThe left one.\n\n-- \nDana",
            "See below.\n\nThe left one.",
        ),
        (
            "Please help.\n\n--- Forwarded message ---\nFrom: a@x.example\nSubject: x\n\nToo loud.",
            "Please help.\n\n--- Forwarded message ---\nFrom: a@x.example\nSubject: x\n\nToo loud.",
        ),
        ("> all of it", "> all of it"),
    ],
)
def test_the_writer_reads_what_is_typed_and_what_is_passed_on(acme, writer, text, read):
    told = {"segments": tell_apart(text).segments}

    write(make_message(make_conversation(acme), text, metadata_=told))

    (question,) = writer.asked
    assert question.text == read


def test_another_accounts_message_is_not_seen(acme, writer):
    globex = make_account("Globex")
    message = make_message(make_conversation(globex))

    drafting.write_draft(str(message.id))

    assert writer.asked == []


def test_a_long_subject_is_cut_in_the_feed(acme, ada, writer):
    write(make_message(make_conversation(acme, subject="pump " * 100)))

    (line,) = db.session.scalars(select(Notification)).all()
    assert len(title_of(line.payload, line.type)) <= 140

"""Drafts for what customers write: gathered, written, stored, and put before the reviewers."""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, text

from ally import clock, marks
from ally.channels.mail.compose import html_of
from ally.channels.models import Channel
from ally.db import current_account_id, db
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.desk.pending import drafts_for, free, has_waiting, hold, stands, supersede_pending
from ally.errors import AllyError
from ally.events import trail
from ally.jobs.queue import job
from ally.knowledge.retrieval import PostgresIndex
from ally.knowledge.writer import Question, RetrievalWriter, Writer, Written
from ally.language import Fact, fact, named
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review.models import Draft, DraftStatus

TIME_LIMIT = timedelta(seconds=30)  # for one answer, retrieval and writing together
MOST_MESSAGES = 5  # of the customer's, since our last reply, that one answer looks at
TOO_SLOW = named("The writer took longer than 30 seconds.")
WRITER_FAILED = named("The writer failed (%(error)s). Please write this reply by hand.")
UNREADABLE = named("This mail could not be read. Please write this reply by hand.")
UNWRITTEN = "none"  # the model key and prompt version of a draft that no writer could write

logger = logging.getLogger(__name__)


class TooSlow(AllyError):
    """The writer took longer than it may."""


def retrieval_writer(account_id: UUID) -> Writer:
    return RetrievalWriter(PostgresIndex(account_id), account_id)


_make_writer: Callable[[UUID], Writer] = retrieval_writer


def use_writer(make: Callable[[UUID], Writer]) -> None:
    """Say, once at start-up, who writes an account's drafts; `retrieval_writer` unless told."""
    global _make_writer
    _make_writer = make


@job("desk.write_draft")
def write_draft(message_id: str, asked_by: str | None = None) -> None:
    """Write the draft that answers this message, unless it needs none or has one.

    `asked_by` is the user who asked for it by hand: then it is written for any message.
    """
    message = find_message(UUID(message_id))
    if message is None or not is_wanted(message, asked_by):
        return
    began = monotonic()
    written, problem = try_to_write(message)
    seconds = round(monotonic() - began, 3)
    # Held only now: a slow writer must not keep the customer's next mail waiting.
    conversation = hold(message.conversation_id)
    db.session.refresh(message)  # it may have been moved meanwhile
    if message.conversation_id != conversation.id:
        conversation = hold(message.conversation_id)
    if not is_wanted(message, asked_by):
        return
    supersede_pending(conversation)
    free(message)
    draft = store(message, written, problem, seconds, asked_by)
    tell(conversation, draft, seconds)


def is_wanted(message: Message, asked_by: str | None) -> bool:
    return needs_draft(message) if asked_by is None else not has_waiting(message)


def find_message(message_id: UUID) -> Message | None:
    return db.session.scalar(
        select(Message).where(Message.account_id == current_account_id(), Message.id == message_id)
    )


def needs_draft(message: Message) -> bool:
    """Whether this is a customer's newest message, by a person, readable, and not drafted yet."""
    return (
        message.is_inbound
        and not message.metadata_.get("auto_submitted")
        and not message.metadata_.get("by_hand")
        and not message.conversation.is_quarantined
        and message.conversation.status is ConversationStatus.OPEN
        and not has_newer(message)
        and not has_triggered(message)
    )


def has_newer(message: Message) -> bool:
    """Whether the customer has written again, or a colleague has answered outside Ally; by
    arrival, since a mail may claim any date.

    What gets no draft by itself, such as an automatic answer, must not cost this one its.
    """
    is_customers = and_(
        Message.direction == MessageDirection.INBOUND,
        Message.metadata_["auto_submitted"].as_boolean().is_not(True),
        Message.metadata_["by_hand"].as_boolean().is_not(True),
    )
    is_answer = and_(Message.direction == MessageDirection.OUTBOUND, Message.event_id.is_not(None))
    newer = exists().where(
        *in_conversation_of(message), Message.id > message.id, or_(is_customers, is_answer)
    )
    return bool(db.session.scalar(select(newer)))


def has_triggered(message: Message) -> bool:
    """Whether a draft was written for it before, even one that has been superseded since."""
    return bool(drafts_for(message))


Writing = Callable[[Writer, Question], Written | None]


def as_usual(writer: Writer, question: Question) -> Written | None:
    return writer.write(question)


def try_to_write(
    message: Message, instruction: str = "", writing: Writing = as_usual
) -> tuple[Written | None, Fact | None]:
    """What the writer wrote, or why it could not, in words for the agent.

    `writing` is how it is asked; where that gives nothing, both are None.
    """
    if message.conversation.is_quarantined:
        return None, UNREADABLE
    began = monotonic()
    try:
        # A savepoint, so that a failed query does not take the job's transaction along.
        with db.session.begin_nested():
            limit_statements(TIME_LIMIT)
            question = question_of(message, instruction)
            written = writing(_make_writer(message.account_id), question)
            refuse_late(monotonic() - began)
            lift_limit()
        return written, None
    except AllyError as refused:
        return None, str(refused)
    except Exception as error:  # whatever it is, the conversation must reach the queue
        name = type(error).__name__
        logger.error("the writer failed for message %s: %s", message.id, name)
        return None, fact(WRITER_FAILED, error=name)


def limit_statements(limit: timedelta) -> None:
    milliseconds = max(1, int(limit.total_seconds() * 1000))
    db.session.execute(text(f"SET LOCAL statement_timeout = {milliseconds:d}"))


def lift_limit() -> None:
    db.session.execute(text("SET LOCAL statement_timeout = DEFAULT"))


def refuse_late(seconds: float) -> None:
    if seconds > TIME_LIMIT.total_seconds():
        raise TooSlow(TOO_SLOW)


def question_of(message: Message, instruction: str = "") -> Question:
    conversation = message.conversation
    return Question(
        customer_name=conversation.customer_name,
        subject=message.subject or conversation.subject or "",
        text="\n\n".join(own.own_text for own in unanswered(message)),
        agent_signature=signature_of(conversation.channel),
        instruction=instruction,
    )


def unanswered(message: Message) -> list[Message]:
    """What the customer has written since our last reply up to this message, the first first."""
    last_reply = (
        select(Message.id)
        .where(
            *in_conversation_of(message), Message.direction == MessageDirection.OUTBOUND, stands()
        )
        .order_by(Message.id.desc())
        .limit(1)
    ).scalar_subquery()
    newest_first = db.session.scalars(
        select(Message)
        .where(
            *in_conversation_of(message),
            Message.direction == MessageDirection.INBOUND,
            Message.id <= message.id,
            or_(last_reply.is_(None), Message.id > last_reply),
        )
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
    ).all()
    return [*reversed(newest_first)] or [message]


def in_conversation_of(message: Message) -> tuple[Any, ...]:
    return (
        Message.account_id == message.account_id,
        Message.conversation_id == message.conversation_id,
    )


def signature_of(channel: Channel) -> str:
    return channel.from_name or channel.name


def store(
    message: Message,
    written: Written | None,
    problem: Fact | None,
    seconds: float,
    asked_by: str | None,
) -> Draft:
    noted = {"seconds": seconds, "written_at": clock.now().isoformat()}
    draft = Draft(
        account_id=message.account_id,
        kind="reply",
        conversation_id=message.conversation_id,
        trigger_message_id=message.id,
        model_key=written.model_key if written else UNWRITTEN,
        prompt_version=written.prompt_version if written else UNWRITTEN,
        status=DraftStatus.PENDING,
        suggested_text=written.text if written else "",
        suggested_html=html_of(written.text) if written else None,
        top_sources=written.sources if written else [],
        payload=payload_of(written, problem),
        snoozed_until=message.conversation.snoozed_until,
        metadata_=noted | ({"asked_by": asked_by} if asked_by else {}),
    )
    db.session.add(draft)
    db.session.flush()  # its id goes into the event and the notification
    return draft


def payload_of(written: Written | None, problem: Fact | None) -> dict[str, Any]:
    if written is None:
        return {"sentences": [], "notes": [], "problem": problem}
    return {"sentences": written.sentences, "notes": written.notes}


def tell(conversation: Conversation, draft: Draft, seconds: float) -> None:
    """Record what was written, and put it into everybody's feed."""
    if draft.problem:
        trail.record(draft, "draft.failed", reason=draft.problem)
        kind = NotificationType.DRAFT_FAILED
    else:
        sources = marks.plural(draft.grounded, "source")
        trail.record(draft, "draft.written", sources=sources, seconds=f"{seconds:.2f}")
        kind = NotificationType.DRAFT_READY
    feed.notify(
        conversation.account_id,
        kind,
        about=marks.shortened(conversation.subject or ""),
        url=f"/review/{draft.id}",
        draft_id=str(draft.id),
        conversation_id=str(conversation.id),
    )

"""The demo's conversations: who does what in each of them, and when."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.channels import files, outbox, webhooks
from ally.channels.adapters import Kind, Outcome
from ally.channels.models import Channel, Delivery, IntakeOutcome
from ally.channels.webhooks import Caller
from ally.db import db
from ally.demo import FOLDER, mails
from ally.desk import drafting, intake
from ally.desk.models import Attachment, Conversation, ConversationStatus, Message
from ally.errors import AllyError
from ally.knowledge.writer import Question, Written
from ally.review import claims, decisions, digest
from ally.review.models import Draft, DraftStatus, RejectionReason
from ally.review.queries import lock_draft

SMALL = 12
WORKER = "demo/1"
DRAFTED = timedelta(seconds=3)  # after the mail
DECIDED = timedelta(minutes=6)  # after the last mail, by default
CLAIM_LASTS = timedelta(days=30)
UNANSWERED = {"quarantined", "unasked"}  # states of mails that get no draft
CAME_BACK = timedelta(seconds=50)  # after the reply
BY_DANA = "\nDana\n"
REASONS = {
    "fuel-smell-in-house": RejectionReason.OTHER,
    "mechanical-pump-regulator": RejectionReason.WRONG_FACTS,
}
ANSWERS = {
    "failed_send": Outcome(Kind.REJECTED, "550 5.1.1 The mailbox does not exist"),
    "unknown_send": Outcome(Kind.UNKNOWN, "the connection broke before the server answered"),
}


@dataclass(frozen=True)
class Desk:
    """Where the stories play, and who works there."""

    channel: Channel
    agents: dict[str, User]

    def agent_of(self, text: str) -> User:
        """Who signed the text."""
        return self.agents["dana" if BY_DANA in text else "mike"]


@dataclass
class Story:
    """One conversation as it is told, and what has come of it so far."""

    desk: Desk
    told: dict[str, Any]
    message_ids: list[str] = field(default_factory=list)
    conversation_id: UUID | None = None

    @property
    def state(self) -> str:
        return str(self.told["state"])

    @property
    def customer(self) -> dict[str, str]:
        customer: dict[str, str] = self.told["customer"]
        return customer


Timed = tuple[datetime, Callable[[], object]]


def read() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((FOLDER / "conversations.json").read_text("utf-8"))
    return told


def few(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Twelve of them, as different in their states as can be."""
    seen: Counter[str] = Counter()
    first = [t for t in told if not seen[t["state"]] and not seen.update([t["state"]])]
    others = [t for t in told if t not in first]
    return (first + others)[:SMALL]


def acts(desk: Desk, told: list[dict[str, Any]], now: datetime) -> list[Timed]:
    """What happens in all conversations, and when; each conversation's in order."""
    return [timed for one in told for timed in acts_of(Story(desk, one), until=now)]


def acts_of(story: Story, until: datetime) -> Iterator[Timed]:
    last = until - timedelta(minutes=story.told["minutes_ago"])
    for message in story.told["messages"]:
        moment = last - timedelta(minutes=message["minutes_before"])
        if message["from"] == "customer":
            yield from acts_of_mail(story, message, moment)
        else:
            yield from acts_of_reply(story, message, moment)
    yield from acts_of_ending(story, last, until)


def acts_of_mail(story: Story, message: dict[str, Any], moment: datetime) -> Iterator[Timed]:
    yield moment, lambda: receive(story, message)
    if story.state not in UNANSWERED:
        yield moment + DRAFTED, lambda: draft(story)


def acts_of_reply(story: Story, message: dict[str, Any], moment: datetime) -> Iterator[Timed]:
    by = story.desk.agent_of(message["text"])
    yield moment - timedelta(minutes=2), lambda: claims.claim(held(story), by)
    yield moment, lambda: answer(story, by, message["text"], message.get("attachments", []))
    yield moment + sent_after(), lambda: deliver(story, outcome_of(moment))


def acts_of_ending(story: Story, last: datetime, until: datetime) -> Iterator[Timed]:
    """What became of the last mail, by the story's state."""
    agents, decided = story.desk.agents, min(last + DECIDED, until - timedelta(minutes=1))
    mike, dana = agents["mike"], agents["dana"]
    match story.state:
        case "claimed":
            yield decided, lambda: claim_for_long(story, dana)
        case "sent" | "failed_send" | "unknown_send" | "bounced" | "away":
            yield decided, lambda: answer(story, mike)
            outcome = ANSWERS.get(story.state) or outcome_of(decided)
            yield decided + sent_after(), lambda: deliver(story, outcome)
            yield from acts_of_echo(story, decided + sent_after() + CAME_BACK)
        case "edited":
            final = story.told["final"]
            by = story.desk.agent_of(final)
            yield decided - timedelta(minutes=3), lambda: claims.claim(held(story), by)
            yield decided, lambda: answer(story, by, final)
            yield decided + sent_after(), lambda: deliver(story, outcome_of(decided))
        case "rejected":
            yield decided, lambda: turn_down(story, dana)
        case "undone":
            yield decided, lambda: answer(story, mike)
            undone = decided + decisions.undo_window / 2
            yield undone, lambda: decisions.undo(held(story), mike)
        case "closed":
            yield decided, lambda: close(story, mike)


def acts_of_echo(story: Story, moment: datetime) -> Iterator[Timed]:
    """What a machine says to the reply."""
    if story.state == "bounced":
        yield moment, lambda: come_back(story)
    elif story.state == "away":
        yield moment, lambda: receive(story, story.told["reply"])


def sent_after() -> timedelta:
    return decisions.undo_window + timedelta(seconds=2)


def outcome_of(moment: datetime) -> Outcome:
    """What a mail server says when it takes a mail."""
    return Outcome(Kind.ACCEPTED, f"250 2.0.0 Ok: queued as {int(moment.timestamp()):X}")


# The acts.


def receive(story: Story, message: dict[str, Any]) -> None:
    """Have the mail come in as from a provider, and be taken in as by the worker."""
    outcome = take_in(story.desk.channel, raw_mail(story, message))
    story.conversation_id = outcome.conversation_id


def come_back(story: Story) -> None:
    """Have a mail server return the last reply."""
    channel, returned = story.desk.channel, story.message_ids[-1]
    to = channel.from_address or ""
    take_in(channel, mails.returned_mail(story.customer, returned, to=to, date=clock.now()))


def take_in(channel: Channel, raw: bytes) -> IntakeOutcome:
    # Secrets are checked at the door, not here.
    caller = Caller(channel.account_id, channel.id, channel.platform, secrets=())
    stored = webhooks.store_mail(caller, raw)
    intake.take_in(str(stored.event_id))
    db.session.flush()
    return db.session.get_one(IntakeOutcome, stored.event_id)


def raw_mail(story: Story, message: dict[str, Any]) -> bytes:
    to, now = story.desk.channel.from_address or "", clock.now()
    if story.state == "quarantined":
        return mails.unreadable_mail(story.customer, message["text"], to=to, date=now)
    domain = story.customer["email"].partition("@")[2]
    message_id = f"{story.told['key']}.{len(story.message_ids)}@{domain}"
    references = list(story.message_ids)
    story.message_ids.append(message_id)
    return mails.mail_of(
        story.customer,
        message,
        to=to,
        subject=story.told["subject"],
        message_id=message_id,
        references=references,
        date=now,
    )


def draft(story: Story) -> None:
    """Have the newest mail answered by the real writer, or by none where that is the story."""
    if story.state == "writer_failed":
        drafting.use_writer(lambda account_id: OutOfOrder())
    try:
        drafting.write_draft(str(newest_message(story).id))
    finally:
        drafting.use_writer(drafting.retrieval_writer)


class SilentModel(AllyError):
    """The model did not answer."""


class OutOfOrder:
    """A writer whose model does not answer."""

    def write(self, question: Question) -> Written:
        raise SilentModel("The model did not answer within 30 seconds. Nothing was written.")

    def write_other(self, question: Question, than: str) -> None:
        return None


def answer(
    story: Story, by: User, text: str | None = None, attachments: list[dict[str, str]] | None = None
) -> None:
    waiting = held(story)
    action = decisions.approve(waiting, by, seen=digest.seen(waiting), text=text)
    message = db.session.get_one(Message, action.message_id)
    for file in attachments or []:
        attach(message, file)
    story.message_ids.append(message.external_id or "")


def attach(message: Message, file: dict[str, str]) -> None:
    content = mails.content_of(file)
    db.session.add(
        Attachment(
            account_id=message.account_id,
            message_id=message.id,
            file_name=file["name"],
            mime_type=file["type"],
            size_bytes=len(content),
            file_url=files.store(content),
        )
    )


def deliver(story: Story, outcome: Outcome) -> None:
    """Have the outbox note what the mail server answered; nothing goes over any wire."""
    delivery = db.session.scalars(
        select(Delivery)
        .where(Delivery.conversation_id == story.conversation_id)
        .order_by(Delivery.id.desc())
        .limit(1)
    ).one()
    claimed = outbox.claim(delivery.id, WORKER)
    assert claimed is not None
    db.session.flush()
    outbox.note_outcome(claimed.id, claimed.attempts, WORKER, outcome)


def turn_down(story: Story, by: User) -> None:
    waiting = held(story)
    decisions.reject(
        waiting,
        by,
        seen=digest.seen(waiting),
        reason=REASONS.get(story.told["key"], RejectionReason.OTHER),
        notes=story.told["reason"],
    )


def close(story: Story, by: User) -> None:
    """The customer said thanks: no answer, and the conversation ends."""
    waiting = held(story)
    seen = digest.seen(waiting)
    decisions.reject(waiting, by, seen=seen, reason=RejectionReason.NOT_NEEDED)
    conversation = db.session.get_one(Conversation, story.conversation_id)
    conversation.status = ConversationStatus.CLOSED


def claim_for_long(story: Story, by: User) -> None:
    claim = claims.claim(held(story), by)
    claim.expires_at = clock.now() + CLAIM_LASTS


def held(story: Story) -> Draft:
    """The conversation's newest draft, held."""
    newest = db.session.scalars(
        select(Draft)
        .where(
            Draft.conversation_id == story.conversation_id,
            Draft.status != DraftStatus.SUPERSEDED,
        )
        .order_by(Draft.id.desc())
        .limit(1)
    ).one()
    return lock_draft(newest.account_id, newest.id)


def newest_message(story: Story) -> Message:
    return db.session.scalars(
        select(Message)
        .where(Message.conversation_id == story.conversation_id)
        .order_by(Message.id.desc())
        .limit(1)
    ).one()

"""Very many conversations, put into the tables in chunks, for a desk that has been busy."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from ally import clock
from ally.accounts.models import Role, User
from ally.channels.mail.compose import Letter, compose, html_of
from ally.channels.models import Channel, ChannelType, Delivery, DeliveryAttempt, DeliveryStatus
from ally.db import db
from ally.desk.models import Conversation, ConversationStatus, Message, MessageDirection
from ally.events.models import Event
from ally.knowledge import sentences
from ally.knowledge.frames import CLOSING, THANKS
from ally.knowledge.letter import Letter as Answer
from ally.knowledge.models import Passage, SourceDocument
from ally.knowledge.writer import MODEL_KEY, PROMPT_VERSION
from ally.review.diff import diff
from ally.review.models import (
    ActionType,
    Draft,
    DraftAction,
    DraftStatus,
    LearningSample,
    RejectionReason,
)

CONVERSATIONS = 10_000
PENDING_OF_TEN = 2  # of ten conversations so many wait
CHUNK = 100
NEWEST, OLDEST = timedelta(days=2), timedelta(days=400)  # ago
PREFIX = "bulk-"  # of the external ids, by which they are counted
SEED = 20261120

FIRST = ("Ana", "Ben", "Carl", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jon", "Kay", "Leo", "Mia")
LAST = ("Adams", "Boyd", "Cruz", "Diaz", "Evans", "Ford", "Gray", "Hale", "Irwin", "Klein", "Lopez")
CARS = (
    "1969 Camaro",
    "1971 Nova",
    "1956 Bel Air",
    "1979 C10",
    "1966 Mustang",
    "1964 GTO",
    "1932 roadster",
    "1985 Fox body",
)
OPENINGS = (
    "I am building a {car} and have a question about this: {topic}.",
    "Quick one for my {car}. {topic}, what do you recommend?",
    "Hello, {car} here. Could you tell me more about {topic}?",
    "My {car} goes on the road next week. What should I know about {topic}?",
)
THANKS_BACK = ("Thank you, that helps.", "Great, I will order today.", "Clear now, thanks a lot.")
FOLLOW_UPS = (
    "Thanks. One more thing about {topic}: does that hold for my {car} too?",
    "That helps. And what changes for {topic} when I go to E85?",
    "Understood. Is there anything else on {topic} that I should read?",
)


@dataclass(frozen=True)
class Shelf:
    """What answers are made from, and who gives them."""

    channel: Channel
    agents: list[User]
    passages: list[tuple[Passage, SourceDocument]]


class Rows:
    """Rows that wait to be inserted together, by their tables, in the order of the keys."""

    def __init__(self) -> None:
        self.by_model: dict[Any, list[dict[str, Any]]] = defaultdict(list)

    def add(self, model: Any, **values: Any) -> dict[str, Any]:
        self.by_model[model].append(values)
        return values

    def insert(self) -> None:
        for model in (
            Conversation,
            Message,
            Draft,
            DraftAction,
            LearningSample,
            Delivery,
            DeliveryAttempt,
            Event,
        ):
            if self.by_model[model]:
                db.session.execute(insert(model), self.by_model[model])


def count(account_id: UUID) -> int:
    """How many of them the account has."""
    query = select(func.count()).where(
        Conversation.account_id == account_id, Conversation.external_id.startswith(PREFIX)
    )
    return db.session.scalar(query) or 0


def fill(account_id: UUID, missing: int) -> Iterator[int]:
    """Make the missing ones, the oldest first, and say after each chunk how many it had."""
    shelf, already = shelf_of(account_id), CONVERSATIONS - missing
    chance = random.Random(SEED + already)  # noqa: S311  the same desk every time, no secret
    moments = moments_of(missing)
    for first in range(0, missing, CHUNK):
        rows = Rows()
        chunk = moments[first : first + CHUNK]
        for number, moment in enumerate(chunk, start=already + first):
            converse(Thread(rows, shelf, chance, number, moment))
        rows.insert()
        # Plans of the chain's trigger were made for a small table, and would read all of it.
        db.session.execute(text("DISCARD PLANS"))
        yield len(chunk)


def shelf_of(account_id: UUID) -> Shelf:
    mail = select(Channel).where(
        Channel.account_id == account_id, Channel.type == ChannelType.EMAIL
    )
    channel = db.session.scalars(mail).first()
    agents = db.session.scalars(
        select(User).where(User.account_id == account_id, User.role == Role.AGENT)
    )
    passages = db.session.execute(
        select(Passage, SourceDocument)
        .join(SourceDocument, SourceDocument.id == Passage.document_id)
        .where(Passage.account_id == account_id)
        .order_by(SourceDocument.source_url, Passage.position)
    )
    assert channel is not None
    return Shelf(channel, [*agents], [(passage, document) for passage, document in passages])


def moments_of(number: int) -> list[datetime]:
    """When the conversations begin: evenly over a year and more, the oldest first."""
    now, step = clock.now(), (OLDEST - NEWEST) / max(1, number)
    return [now - OLDEST + step * place for place in range(number)]


class Thread:
    """One conversation while its rows are made."""

    def __init__(
        self, rows: Rows, shelf: Shelf, chance: random.Random, number: int, moment: datetime
    ):
        self.rows, self.shelf, self.chance, self.number = rows, shelf, chance, number
        self.now = moment
        self.agent = chance.choice(shelf.agents)
        self.first, self.last = chance.choice(FIRST), chance.choice(LAST)
        self.email = f"{self.first}.{self.last}{number}@example.com".lower()
        self.car = chance.choice(CARS)
        self.passage, self.document = chance.choice(shelf.passages)
        self.topic = (self.document.title or self.passage.heading).rstrip("?")
        self.subject = f"{self.topic}, {self.car}"
        self.account_id, self.id = shelf.channel.account_id, self.new_id()

    @property
    def is_pending(self) -> bool:
        return self.number % 10 < PENDING_OF_TEN

    def later(self, most: timedelta) -> datetime:
        self.now += most * self.chance.uniform(0.1, 1)
        return self.now

    def new_id(self) -> UUID:
        """A UUIDv7 of the conversation's own time, so that ids sort as things happened."""
        self.now += timedelta(milliseconds=1)
        milliseconds = int(self.now.timestamp() * 1000)
        random_bits = self.chance.getrandbits(74)
        value = milliseconds << 80 | 0x7 << 76 | (random_bits >> 62) << 64
        return UUID(int=value | 0x2 << 62 | random_bits & ((1 << 62) - 1))

    def say(self, templates: tuple[str, ...]) -> str:
        return self.chance.choice(templates).format(topic=self.topic, car=self.car)


def converse(thread: Thread) -> None:
    """A mail, our reply, and a mail that waits for one or says thanks."""
    started = thread.now
    conversation = thread.rows.add(
        Conversation,
        id=thread.id,
        account_id=thread.account_id,
        channel_id=thread.shelf.channel.id,
        external_id=f"{PREFIX}{thread.number}",
        subject=thread.subject,
        status=ConversationStatus.OPEN,
        customer_email=thread.email,
        customer_name=f"{thread.first} {thread.last}",
        created_at=started,
    )
    question = receive(thread, thread.say(OPENINGS))
    reply(thread, propose(thread, question), question)
    thread.later(timedelta(days=1))
    if thread.is_pending:
        propose(thread, receive(thread, thread.say(FOLLOW_UPS)))
    else:
        turn_down(thread, propose(thread, receive(thread, thread.chance.choice(THANKS_BACK))))
        conversation["status"] = ConversationStatus.CLOSED
    conversation["last_message_at"] = conversation["updated_at"] = thread.now


def receive(thread: Thread, text: str) -> dict[str, Any]:
    return tell(
        thread,
        add_message(thread, MessageDirection.INBOUND, f"{text}\n\n{thread.first}"),
        "message",
        "message.received",
        actor_name=f"{thread.first} {thread.last}",
    )


def add_message(thread: Thread, direction: MessageDirection, text: str) -> dict[str, Any]:
    is_ours = direction is MessageDirection.OUTBOUND
    channel, message_id = thread.shelf.channel, thread.new_id()
    domain = "hotrodan.example" if is_ours else "example.com"
    return thread.rows.add(
        Message,
        id=message_id,
        account_id=thread.account_id,
        conversation_id=thread.id,
        external_id=f"{message_id.hex}@{domain}",
        direction=direction,
        author_name=channel.from_name if is_ours else f"{thread.first} {thread.last}",
        author_email=channel.from_address if is_ours else thread.email,
        subject=f"Re: {thread.subject}" if is_ours else thread.subject,
        body_text=text,
        body_html=html_of(text) if is_ours else None,
        sent_at=thread.now,
        metadata_={"to": [[None, thread.email if is_ours else channel.from_address]]},
    )


def propose(thread: Thread, message: dict[str, Any]) -> dict[str, Any]:
    """A draft from one passage, as the writer would have written it."""
    thread.later(timedelta(seconds=20))
    answer = answer_from(thread)
    draft = thread.rows.add(
        Draft,
        id=thread.new_id(),
        account_id=thread.account_id,
        kind="reply",
        conversation_id=thread.id,
        trigger_message_id=message["id"],
        model_key=MODEL_KEY,
        prompt_version=PROMPT_VERSION,
        status=DraftStatus.PENDING,
        suggested_text=answer.text,
        suggested_html=html_of(answer.text),
        top_sources=[source_of(thread)],
        payload={"sentences": answer.sentences, "notes": []},
        metadata_={"seconds": 0.1},
        created_at=thread.now,
        updated_at=thread.now,
    )
    return tell(thread, draft, "draft", "draft.written", sources="1 source", seconds="0.1")


def answer_from(thread: Thread) -> Answer:
    answer = Answer()
    answer.add([(f"Hi {thread.first},", None)])
    answer.add([(THANKS, None)])
    answer.add([(sentence, 1) for sentence in islice(sentences.split(thread.passage.text), 3)])
    answer.add([(CLOSING, None)])
    answer.add([(f"Best regards,\n{thread.shelf.channel.from_name}", None)])
    return answer


def source_of(thread: Thread) -> dict[str, Any]:
    passage, document = thread.passage, thread.document
    return {
        "number": 1,
        "document_id": str(document.id),
        "passage_id": str(passage.id),
        "title": document.title,
        "url": document.source_url,
        "kind": document.kind.value,
        "score": round(thread.chance.uniform(0.55, 0.85), 4),
        "excerpt": passage.text[:600],
        "indexed_at": document.indexed_at.isoformat(),
    }


def decide(thread: Thread, draft: dict[str, Any], **values: Any) -> dict[str, Any]:
    thread.later(timedelta(hours=2))
    return thread.rows.add(
        DraftAction,
        id=thread.new_id(),
        account_id=thread.account_id,
        draft_id=draft["id"],
        user_id=thread.agent.id,
        created_at=thread.now,
        **{"final_text": None, "final_html": None, "diff_json": None, "message_id": None}
        | {"sent_msg_id": None, "reason": None}
        | values,
    )


def reply(thread: Thread, draft: dict[str, Any], question: dict[str, Any]) -> None:
    """Approve the draft, every third time with a changed closing, and have it accepted."""
    suggested = draft["suggested_text"]
    is_edited = thread.number % 3 == 0
    final = suggested.replace(CLOSING, "Let us know how it goes.") if is_edited else suggested
    message = add_message(thread, MessageDirection.OUTBOUND, final)
    message["metadata_"]["references"] = [question["external_id"]]
    action = decide(
        thread,
        draft,
        type=ActionType.EDIT if is_edited else ActionType.APPROVE,
        final_text=final,
        final_html=message["body_html"],
        diff_json=diff(suggested, final),
        message_id=message["id"],
        sent_msg_id=message["external_id"],
    )
    message["sent_at"] = draft["updated_at"] = thread.now
    draft["status"] = DraftStatus.SENT
    thread.rows.add(
        LearningSample,
        id=thread.new_id(),
        account_id=thread.account_id,
        draft_id=draft["id"],
        action_id=action["id"],
        diff_json=action["diff_json"],
        created_at=thread.now,
    )
    did = "draft.edited" if is_edited else "draft.approved"
    tell(thread, draft, "draft", did, by=thread.agent, action_id=str(action["id"]))
    deliver(thread, message, action)


def deliver(thread: Thread, message: dict[str, Any], action: dict[str, Any]) -> None:
    """The delivery as the outbox leaves it behind; there is nothing left to send."""
    thread.later(timedelta(seconds=20))
    answer = f"250 2.0.0 Ok: queued as {thread.number:X}"
    delivery = thread.rows.add(
        Delivery,
        id=thread.new_id(),
        account_id=thread.account_id,
        action_id=action["id"],
        message_id=message["id"],
        conversation_id=thread.id,
        channel_id=thread.shelf.channel.id,
        rfc_message_id=message["external_id"],
        sender=message["author_email"],
        recipients=[thread.email],
        raw=compose(letter_of(thread, message)),
        body_digest=hashlib.sha256(message["body_text"].encode()).hexdigest(),
        status=DeliveryStatus.ACCEPTED,
        not_before=message["sent_at"],
        attempts=1,
        worker="demo/1",
        answer=answer,
        accepted_at=thread.now,
        created_at=message["sent_at"],
        updated_at=thread.now,
    )
    thread.rows.add(
        DeliveryAttempt,
        id=thread.new_id(),
        account_id=thread.account_id,
        delivery_id=delivery["id"],
        number=1,
        worker="demo/1",
        started_at=thread.now,
        finished_at=thread.now,
        outcome="accepted",
        answer=answer,
    )
    receipt = {"recipients": delivery["recipients"], "body_digest": delivery["body_digest"]}
    tell(thread, delivery, "delivery", "delivery.accepted", answer=answer, attempt=1, **receipt)


def letter_of(thread: Thread, message: dict[str, Any]) -> Letter:
    references = message["metadata_"]["references"]
    return Letter(
        from_name=message["author_name"],
        from_address=message["author_email"],
        to=[(f"{thread.first} {thread.last}", thread.email)],
        subject=message["subject"],
        text=message["body_text"],
        message_id=message["external_id"],
        in_reply_to=references[-1],
        references=references,
        date=message["sent_at"],
    )


def turn_down(thread: Thread, draft: dict[str, Any]) -> None:
    action = decide(thread, draft, type=ActionType.REJECT, reason=RejectionReason.NOT_NEEDED)
    draft["status"], draft["updated_at"] = DraftStatus.ARCHIVED, thread.now
    said = {"action_id": str(action["id"]), "reason": "no answer needed"}
    tell(thread, draft, "draft", "draft.rejected", by=thread.agent, **said)


def tell(
    thread: Thread,
    row: dict[str, Any],
    subject_type: str,
    action: str,
    *,
    by: User | None = None,
    actor_name: str = "Ally",
    **particulars: Any,
) -> dict[str, Any]:
    """Add the event, as the trail records it; the row again."""
    thread.rows.add(
        Event,
        id=thread.new_id(),
        account_id=thread.account_id,
        timeline_id=thread.id,
        subject_type=subject_type,
        subject_id=row["id"],
        action=action,
        actor_id=by.id if by else None,
        actor_name=by.display_name if by else actor_name,
        at=thread.now,
        particulars=particulars,
    )
    return row

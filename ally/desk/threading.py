"""Which conversation a mail continues.

In this order: the provider's own thread; a reply token that we signed, in an address it
was sent to; the ids that it answers, the nearest first; a short reference of ours in its
subject.  Nothing else joins, and a subject alone never does.

An id, token or reference that we gave out, which nobody can guess, joins whoever sends
it.  An id that a customer's program gave joins only that customer's mail, from any of
their addresses and answered at one of them: anybody can know it.  All of it stays within
the account and the channel, also for tokens: answers go out by the channel, and what was
written to another team's mailbox is that team's.  A conversation that was merged leads to
where its messages went.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text

from ally.channels.incoming import Incoming
from ally.channels.mail import ids
from ally.channels.mail.parsed import Parsed
from ally.channels.models import Channel, Platform
from ally.db import db
from ally.desk.customers import known
from ally.desk.models import Conversation, Message, MessageDirection
from ally.desk.storing import Arrival

MOST_ANCESTORS = 50  # ids of earlier mails that one mail is looked up by
MOST_TOKENS = 20
OVERTAKEN_WITHIN = timedelta(days=7)  # a mail comes no later than that after its answer
MOST_OVERTAKERS = 10

# Conversations that an answer to this mail has opened before it came: they begin with an
# answer, and one of their messages names it.  They are the author's own, unless a colleague
# wrote.  One that a person has parted from another bears another name, and stays.
OVERTAKERS = text("""
    SELECT c.id FROM conversation c
     WHERE c.account_id = :account_id AND c.channel_id = :channel_id
       AND c.customer_id = ANY(:customer_ids) AND c.last_message_at > :since
       AND c.external_id LIKE 'mail:%' AND c.merged_into_id IS NULL AND NOT c.is_quarantined
       AND (SELECT m.metadata->'references' <> '[]' FROM message m
             WHERE m.account_id = :account_id AND m.conversation_id = c.id
             ORDER BY m.id LIMIT 1)
       AND (:is_ours OR c.customer_id = :author_id OR EXISTS (SELECT 1 FROM message m
             WHERE m.account_id = :account_id AND m.conversation_id = c.id
               AND lower(m.author_email) = lower(:author_email)))
       AND EXISTS (SELECT 1 FROM message m
             WHERE m.account_id = :account_id AND m.conversation_id = c.id
               AND m.metadata->'references' ? :message_id)
     ORDER BY c.last_message_at, c.id LIMIT :limit
""")


@dataclass(frozen=True)
class Traces:
    """What a mail says of the thread it belongs to.  `ancestors` are ids, the nearest first."""

    thread: str | None = None
    tokens: list[str] = field(default_factory=list)
    ancestors: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    root: str | None = None

    @property
    def name(self) -> str | None:
        """What a conversation that begins with it is called; None when nothing names it."""
        return self.thread or (f"mail:{self.root}" if self.root else None)


def traces_of(channel: Channel, came: Incoming, mail: Parsed) -> Traces:
    return Traces(
        thread=f"{channel.platform}:{came.thread}" if came.thread else None,
        tokens=tokens_in(mail),
        ancestors=ancestors(mail),
        references=ids.references_in(mail.subject),
        root=next(iter([*mail.references, *mail.in_reply_to]), mail.message_id),
    )


def tokens_in(mail: Parsed) -> list[str]:
    """The reply tokens of ours in the addresses that it was sent to."""
    addresses = [*mail.delivered_to, *(email for _, email in [*mail.to, *mail.cc])]
    tokens = (ids.read_reply_token(address) for address in addresses)
    return list(dict.fromkeys(token for token in tokens if token))[:MOST_TOKENS]


def ancestors(mail: Parsed) -> list[str]:
    """The ids that the mail says it answers, the nearest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MOST_ANCESTORS]


def continued(arrival: Arrival, traces: Traces, named: list[Any]) -> UUID | None:
    """The conversation that the mail continues; it may have been merged into another.

    `named` are the messages whose ids the mail bears.
    """
    return (
        by_thread(arrival, traces)
        or by_token(arrival, traces)
        or by_ids(arrival, traces, named)
        or by_reference(arrival, traces)
    )


def by_thread(arrival: Arrival, traces: Traces) -> UUID | None:
    if traces.thread is None:
        return None
    names = [traces.thread, own_name(arrival, traces.thread)]
    return db.session.scalar(
        conversations_of(arrival).where(Conversation.external_id.in_(names)).limit(1)
    )


def own_name(arrival: Arrival, name: str) -> str:
    """The name with the channel's, for when another channel of the account has the same."""
    return f"{name}@{arrival.channel_id}"


def has_own_thread(conversation: Conversation) -> bool:
    """Whether the provider has a thread for it, into which every answer goes."""
    platform = conversation.channel.platform
    is_named = conversation.external_id.startswith(f"{platform}:")
    return platform is not Platform.MAIL and is_named


def by_token(arrival: Arrival, traces: Traces) -> UUID | None:
    if not traces.tokens:
        return None
    return db.session.scalar(
        conversations_of(arrival)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(
            Message.account_id == arrival.account_id,
            Message.reply_token.in_(traces.tokens),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def by_ids(arrival: Arrival, traces: Traces, named: list[Any]) -> UUID | None:
    people = people_of(arrival) if named else {}
    joining = [row for row in named if may_join(row, arrival, people)]
    if not joining:
        return None
    order = all_ids(arrival, traces)
    return min(joining, key=lambda row: order.index(row.external_id)).conversation_id


def messages_named(arrival: Arrival, traces: Traces) -> list[Any]:
    """The channel's messages whose ids the mail bears: of what it answers, and its own."""
    ids_ = all_ids(arrival, traces)
    return messages_with(arrival, ids_) if ids_ else []


def all_ids(arrival: Arrival, traces: Traces) -> list[str]:
    # Its own id comes last: a mail of ours that came back, or the same one in other words.
    return [*traces.ancestors, *([arrival.external_id] if arrival.external_id else [])]


def messages_with(arrival: Arrival, ids_: list[str]) -> list[Any]:
    """The channel's messages with these ids, the newest first, each with its customer."""
    rows = db.session.execute(
        select(
            Message.external_id,
            Message.direction,
            Message.author_email,
            Message.intake_digest,
            Conversation.id.label("conversation_id"),
            Conversation.customer_id,
            Conversation.customer_email,
        )
        .join(Conversation, Message.conversation_id == Conversation.id)
        .where(
            Message.account_id == arrival.account_id,
            Message.external_id.in_(ids_),
            Conversation.channel_id == arrival.channel_id,
            Conversation.is_quarantined.is_(False),
        )
        .order_by(Message.id.desc())
    )
    return list(rows)


def people_of(arrival: Arrival) -> dict[str, UUID | None]:
    """The addresses of who wrote it and of whom it asks to answer, each with its customer."""
    answered = [email for _, email in arrival.metadata.get("reply_to", [])]
    emails = [arrival.author_email or "", *answered]
    return {email: known(arrival.account_id, email) for email in dict.fromkeys(emails)}


def may_join(row: Any, arrival: Arrival, people: dict[str, UUID | None]) -> bool:
    """Whether the message's id joins: one of ours does, a customer's only for themselves.

    Their address as the sender proves little, so the answers must go to them too.
    """
    if row.direction is MessageDirection.OUTBOUND or arrival.is_ours:
        return True
    return all(
        (customer is not None and row.customer_id == customer)
        or is_same(row.customer_email, email)
        or is_same(row.author_email, email)
        for email, customer in people.items()
    )


def is_same(customer: str | None, sender: str | None) -> bool:
    return customer is not None and sender is not None and customer.lower() == sender.lower()


def by_reference(arrival: Arrival, traces: Traces) -> UUID | None:
    if not traces.references:
        return None
    return db.session.scalar(
        conversations_of(arrival)
        .where(Conversation.reference.in_(traces.references))
        .order_by(Conversation.id.desc())
        .limit(1)
    )


def overtaking(arrival: Arrival, joined: UUID | None = None) -> Sequence[UUID]:
    """The conversations that answers to the mail have opened before it, of its own customer
    and, for a colleague's, of the customer whose conversation it has joined."""
    customers = [arrival.customer_id, joined if arrival.is_ours else None]
    customers = [customer for customer in customers if customer]
    if arrival.external_id is None or not customers:
        return []
    return db.session.scalars(
        OVERTAKERS,
        {
            "account_id": arrival.account_id,
            "channel_id": arrival.channel_id,
            "customer_ids": customers,
            "is_ours": arrival.is_ours,
            "author_id": known(arrival.account_id, arrival.author_email),
            "author_email": arrival.author_email or "",
            "message_id": arrival.external_id,
            "since": arrival.sent_at - OVERTAKEN_WITHIN,
            "limit": MOST_OVERTAKERS,
        },
    ).all()


def earlier_subjects(arrival: Arrival, conversation: Conversation, traces: Traces) -> list[Any]:
    """The subjects that the mail may bear: the conversation's, and of what it answers there."""
    named = db.session.scalars(
        select(Message.subject).where(
            Message.account_id == arrival.account_id,
            Message.conversation_id == conversation.id,
            or_(*named_by(traces)),
        )
    ).all()
    return [conversation.subject, *named]


def named_by(traces: Traces) -> Iterator[ColumnElement[bool]]:
    yield Message.external_id.in_(traces.ancestors)
    yield Message.reply_token.in_(traces.tokens)


def conversations_of(arrival: Arrival) -> Any:
    return select(Conversation.id).where(
        Conversation.account_id == arrival.account_id,
        Conversation.channel_id == arrival.channel_id,
        Conversation.is_quarantined.is_(False),
    )

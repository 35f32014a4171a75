"""What became of our replies after a server had taken them: bounces, complaints, receipts.

A report is believed when it names one of our deliveries, since our ids cannot be guessed;
one that names nothing of ours changes nothing.  It says something of the delivery, and
has no other power.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.accounts.models import User
from ally.channels.incoming import Report
from ally.channels.mail import headers
from ally.channels.mail.parsed import Bounced, Category, Parsed
from ally.channels.models import (
    Delivery,
    DeliveryReport,
    DeliveryStatus,
    EventsRaw,
    ReportKind,
)
from ally.db import db
from ally.desk.models import Conversation, ConversationStatus, Message
from ally.desk.pending import hold
from ally.desk.threading import ancestors, tokens_in
from ally.errors import Conflict
from ally.events import trail
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType

# The weightiest says what became of a delivery.
WEIGHTS = {
    ReportKind.OPENED: 0,
    ReportKind.DELIVERED: 1,
    ReportKind.DELAYED: 2,
    ReportKind.BOUNCED: 3,
    ReportKind.COMPLAINED: 4,
}
KINDS = {
    Category.BOUNCE: ReportKind.BOUNCED,
    Category.DELAYED: ReportKind.DELAYED,
    Category.COMPLAINT: ReportKind.COMPLAINED,
}
MOST_NAMED = 20  # deliveries that one mail may be about
LONGEST_DETAIL = 300  # characters


def deliveries_named(account_id: UUID, mail: Parsed) -> Sequence[Delivery]:
    """Our deliveries that a bounce, delay or complaint is about; none for any other mail.

    They are named by the mail that is returned with it, else by the address that it came
    to, else by the ids that it answers.  Its channel does not matter: bounces often come
    back to another mailbox.
    """
    if mail.category not in KINDS:
        return []
    return (
        with_ids(account_id, mail.returned_ids)
        or with_tokens(account_id, tokens_in(mail))
        or with_ids(account_id, ancestors(mail))
    )


def with_ids(account_id: UUID, ids: list[str]) -> Sequence[Delivery]:
    if not ids:
        return []
    return db.session.scalars(
        select(Delivery)
        .where(Delivery.account_id == account_id, Delivery.rfc_message_id.in_(ids[:MOST_NAMED]))
        .order_by(Delivery.conversation_id, Delivery.id)
    ).all()


def with_tokens(account_id: UUID, tokens: list[str]) -> Sequence[Delivery]:
    if not tokens:
        return []
    return db.session.scalars(
        select(Delivery)
        .join(Message, Message.id == Delivery.message_id)
        .where(Message.account_id == account_id, Message.reply_token.in_(tokens[:MOST_NAMED]))
        .order_by(Delivery.conversation_id, Delivery.id)
    ).all()


def reports_in(mail: Parsed, delivery: Delivery, at: datetime) -> Iterator[Report]:
    """What the mail says of the delivery, for each recipient that it names."""
    kind = KINDS[mail.category]
    for bounced in mail.bounces or [Bounced("")]:
        yield Report(
            kind=kind,
            at=mail.date or at,
            detail=bounced.detail or f"{bounced.status} {bounced.reason}".strip() or mail.subject,
            rfc_message_id=delivery.rfc_message_id,
            recipient=bounced.address or None,
            # A bounce that leaves it open has not arrived either.
            is_permanent=kind is ReportKind.BOUNCED and bounced.is_permanent is not False,
        )


def note_all(event: EventsRaw, reports: Sequence[Report]) -> int:
    """Note what a provider reports; how many of the reports are about deliveries of ours."""
    named = [(find(event, report), report) for report in reports]
    about_ours = [(delivery, report) for delivery, report in named if delivery is not None]
    for delivery, report in sorted(about_ours, key=lambda one: one[0].conversation_id):
        note(delivery, report, event.id)
    return len(about_ours)


def find(event: EventsRaw, report: Report) -> Delivery | None:
    """The account's delivery that the report names.

    Our own ids cannot be guessed.  A provider's may be numbers, and mean something else
    at another provider, so they count for the channel's own deliveries alone.
    """
    deliveries = select(Delivery).where(Delivery.account_id == event.account_id).limit(1)
    if report.rfc_message_id:
        wanted = report.rfc_message_id.strip("<> ")
        found = db.session.scalar(deliveries.where(Delivery.rfc_message_id == wanted))
        if found is not None:
            return found
    if report.provider_id:
        return db.session.scalar(
            deliveries.where(
                Delivery.channel_id == event.channel_id,
                Delivery.provider_id == report.provider_id,
            )
        )
    return None


def note(delivery: Delivery, report: Report, event_id: UUID | None) -> None:
    """Keep the report, once, and let the delivery and its conversation show it."""
    if report.kind is ReportKind.OPENED and not delivery.channel.options.takes_opens:
        return
    conversation = hold_with_conversation(delivery)
    recipient = report.recipient or next(iter(delivery.recipients), "the customer")
    detail = headers.clean(report.detail)[:LONGEST_DETAIL] or "no reason was given"
    if not keep(delivery, report, event_id, recipient, detail):
        return
    action = f"delivery.{report.kind.value}"
    trail.record(delivery, action, actor_name="The mail server", recipient=recipient, detail=detail)
    weigh(delivery, report)
    if report.kind is ReportKind.BOUNCED and report.is_permanent:
        conversation.status = ConversationStatus.OPEN
        delivery.acknowledged_at = None
    tell(delivery, report, recipient)


def hold_with_conversation(delivery: Delivery) -> Conversation:
    """The delivery's conversation, held, and then the delivery: always in this order."""
    while True:
        conversation = hold(delivery.conversation_id)
        db.session.refresh(delivery, with_for_update=True)
        if delivery.conversation_id == conversation.id:
            return conversation


def keep(
    delivery: Delivery, report: Report, event_id: UUID | None, recipient: str, detail: str
) -> bool:
    """Whether the report is a new one."""
    # Somebody may open a mail every day; that they have is told once.
    at = "" if report.kind is ReportKind.OPENED else report.at.isoformat()
    said = [str(delivery.id), report.kind, report.is_permanent, recipient.lower(), at]
    row = db.session.scalar(
        insert(DeliveryReport)
        .values(
            account_id=delivery.account_id,
            delivery_id=delivery.id,
            event_id=event_id,
            digest=hashlib.sha256(json.dumps(said).encode()).digest(),
            kind=report.kind,
            is_permanent=report.is_permanent,
            recipient=recipient,
            detail=detail,
            at=report.at,
        )
        .on_conflict_do_nothing(index_elements=["account_id", "digest"])
        .returning(DeliveryReport.id)
    )
    return row is not None


def weigh(delivery: Delivery, report: Report) -> None:
    kind = report.kind
    if kind is ReportKind.BOUNCED and not report.is_permanent:
        kind = ReportKind.DELAYED
    if delivery.reported is None or WEIGHTS[kind] > WEIGHTS[delivery.reported]:
        delivery.reported = kind


def tell(delivery: Delivery, report: Report, recipient: str) -> None:
    """Put what an agent must hear into everybody's feed."""
    if report.kind is ReportKind.BOUNCED:
        failure = "returned" if report.is_permanent else "doubtful"
    elif report.kind is ReportKind.COMPLAINED:
        failure = "complained"
    else:
        return
    feed.notify(
        delivery.account_id,
        NotificationType.SEND_FAILED,
        failure=failure,
        whom=recipient,
        url=f"/conversations/{delivery.conversation_id}",
        conversation_id=str(delivery.conversation_id),
        delivery_id=str(delivery.id),
    )


def acknowledge(delivery: Delivery, by: User) -> None:
    """Note that `by` has seen that the reply came back or was refused.  Raises Conflict when it
    was not, or when somebody was faster."""
    db.session.refresh(delivery, with_for_update=True)
    failed = delivery.reported is ReportKind.BOUNCED or delivery.status is DeliveryStatus.REJECTED
    if not failed or delivery.acknowledged_at is not None:
        raise Conflict(_("There is nothing left to see about this reply."))
    delivery.acknowledged_at = clock.now()
    trail.record(delivery, "delivery.acknowledged", by=by)

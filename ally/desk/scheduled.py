"""Replies that were approved to go out later, while there is time to think again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from ally import clock, marks
from ally.accounts.models import User
from ally.channels import outbox
from ally.channels.models import Delivery, DeliveryStatus
from ally.db import db
from ally.desk.models import Conversation
from ally.desk.pending import set_aside, waiting_in
from ally.desk.queries import find_delivery
from ally.errors import Conflict
from ally.language import Fact, _
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review import decisions
from ally.review.models import Draft, DraftAction, DraftStatus
from ally.review.queries import lock_draft, standing_decision

CUSTOMER_SHOWN = 80  # characters of the name in a notification


def hold_back(conversation: Conversation, because: Fact) -> None:
    """Keep what is to go out later in the conversation from being sent, and tell everybody.

    Its draft waits again, unless another waits already.  The caller holds the conversation.
    """
    for draft_id in put_off_in(conversation):
        draft = lock_draft(conversation.account_id, draft_id)
        try:
            with db.session.begin_nested():
                decisions.hold_back(draft, because)
        except Conflict:  # a worker was faster
            continue
        put_back(draft, conversation, because)
        tell(conversation, because)


def take_back(account_id: UUID, delivery_id: UUID, by: User) -> Delivery:
    """Undo the decision that the sending is of, before it goes out.

    Raises NotFound, and Conflict when it has begun or was taken back already.
    """
    delivery = find_delivery(account_id, delivery_id)
    draft = lock_draft(account_id, draft_of(delivery))
    standing = standing_decision(draft)
    if standing is None or standing.id != delivery.action_id:
        outbox.refuse_begun(delivery)
        raise Conflict(_("This decision was taken back already."))
    decisions.undo(draft, by)
    return delivery


def draft_of(delivery: Delivery) -> UUID:
    return db.session.scalars(
        select(DraftAction.draft_id).where(
            DraftAction.account_id == delivery.account_id, DraftAction.id == delivery.action_id
        )
    ).one()


def put_off_in(conversation: Conversation) -> Sequence[UUID]:
    """The drafts whose replies wait for a time that a person chose."""
    return db.session.scalars(
        select(DraftAction.draft_id)
        .join(Delivery, Delivery.action_id == DraftAction.id)
        .where(
            Delivery.account_id == conversation.account_id,
            Delivery.conversation_id == conversation.id,
            Delivery.status == DeliveryStatus.QUEUED,
            Delivery.attempts == 0,
            Delivery.not_before > clock.now(),
            DraftAction.account_id == conversation.account_id,
            DraftAction.send_at.is_not(None),
            DraftAction.undone_at.is_(None),
        )
        .order_by(DraftAction.created_at)
    ).all()


def put_back(draft: Draft, conversation: Conversation, because: Fact) -> None:
    if waiting_in(conversation) is None:
        draft.status = DraftStatus.PENDING
    else:
        set_aside(draft, because)
    db.session.flush()  # one at most waits


def tell(conversation: Conversation, because: Fact) -> None:
    feed.notify(
        conversation.account_id,
        NotificationType.SENDING_HELD,
        reason=because,
        whom=marks.shortened(conversation.customer, CUSTOMER_SHOWN),
        url=f"/conversations/{conversation.id}",
        conversation_id=str(conversation.id),
    )

"""What the desk's pages show: named questions, each answered by one statement.

Those that count or fold on the way are written as SQL: Postgres does the work, and
nothing is built anew for a request.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, TextClause, select, text
from sqlalchemy.orm import contains_eager, joinedload

from ally import clock
from ally.channels.models import Delivery
from ally.channels.stuck import STUCK
from ally.db import db
from ally.desk.models import Attachment, Conversation, Message
from ally.errors import NotFound
from ally.language import _
from ally.paging import THE_BEGINNING, Page, page_of, place_of
from ally.review.models import Draft, DraftAction, DraftStatus

QUEUE_LENGTH = 50  # rows of the queue that are drawn at once
PAGE_LENGTH = 50  # rows of a list page
LATE_AFTER = timedelta(hours=2)
COUNTED = 1000  # a count goes no further; more than that reads "1000+"

# As the index of the queue says it: what is snoozed is out of the queue.
WAITS = "status = 'pending' AND snoozed_until IS NULL AND kind = 'reply'"

COUNTS = """
    SELECT w.waiting, w.oldest, c.mine, c.held, c.newest_claim,
           (SELECT count(*) FROM (SELECT 1 FROM notification
             WHERE account_id = :account_id AND user_id = :user_id AND read_at IS NULL
             LIMIT 100) unread) AS unread,
           {stuck} AS stuck,
           (SELECT count(*) FROM (SELECT 1 FROM draft
             WHERE account_id = :account_id AND status = 'pending' AND snoozed_until IS NOT NULL
               AND kind = 'reply' LIMIT :counted) asleep) AS snoozed,
           (SELECT count(*) FROM draft WHERE account_id = :account_id AND status = 'pending'
             AND kind = 'payout_batch') AS batches,
           (SELECT count(*) FROM campaign WHERE account_id = :account_id AND status = 'ACTIVE')
             AS running,
           (SELECT id FROM draft WHERE account_id = :account_id AND {waits}
             ORDER BY created_at DESC, id DESC LIMIT 1) AS newest
      FROM (SELECT count(*) AS waiting, min(created_at) AS oldest FROM
             (SELECT created_at FROM draft WHERE account_id = :account_id AND {waits}
               ORDER BY created_at, id LIMIT :counted) pending) w,
           (SELECT count(*) FILTER (WHERE claim.user_id = :user_id) AS mine, count(*) AS held,
                   max(claimed_at) AS newest_claim
              FROM claim JOIN draft ON draft.id = claim.draft_id AND {waits}
             WHERE claim.account_id = :account_id AND claim.expires_at > :now) c
"""
BADGES = text(COUNTS.format(waits=WAITS, stuck=STUCK))

WAITING = """
    SELECT d.id, d.created_at, d.snoozed_until, c.id AS timeline_id, c.subject,
           c.customer_name, c.customer_email,
           ch.type AS channel,
           left(m.body_text, least(160, (m.metadata->>'quoted_from')::int)) AS snippet,
           d.suggested_text = '' AS is_empty,
           (SELECT count(DISTINCT s->'source') FROM jsonb_array_elements(d.payload->'sentences') s
             WHERE s->>'source' IS NOT NULL) AS grounded,
           (SELECT count(*) FROM attachment a WHERE a.message_id = m.id) AS files,
           u.id AS holder_id, u.display_name AS holder
      FROM draft d
      JOIN conversation c ON c.id = d.conversation_id
      JOIN channel ch ON ch.id = c.channel_id
      LEFT JOIN message m ON m.id = d.trigger_message_id
      {claim} claim k ON k.draft_id = d.id AND k.expires_at > :now {mine}
      LEFT JOIN "user" u ON u.id = k.user_id
     WHERE d.account_id = :account_id AND d.status = 'pending' AND d.kind = 'reply'
       AND d.snoozed_until IS {asleep} AND (d.{by}, d.id) > (:after_at, :after_id) {unclaimed}
     ORDER BY d.{by}, d.id LIMIT :limit
"""


def tab(
    *,
    claim: str = "LEFT JOIN",
    mine: str = "",
    unclaimed: str = "",
    asleep: str = "NULL",
    by: str = "created_at",
) -> TextClause:
    return text(WAITING.format(claim=claim, mine=mine, unclaimed=unclaimed, asleep=asleep, by=by))


TABS = {
    "all": tab(),
    "mine": tab(claim="JOIN", mine="AND k.user_id = :user_id"),
    "unclaimed": tab(unclaimed="AND k.draft_id IS NULL"),
    "snoozed": tab(asleep="NOT NULL", by="snoozed_until"),
}
ORDERS = {"snoozed": "snoozed_until"}  # every other tab goes by `created_at`

CUSTOMER = text("""
    SELECT (SELECT count(*) FROM (SELECT 1 FROM conversation WHERE account_id = :account_id
             AND (customer_id = :customer_id OR customer_email = :email)
             LIMIT 100) known) AS conversations,
           (SELECT min(created_at) FROM conversation WHERE account_id = :account_id
             AND (customer_id = :customer_id OR customer_email = :email)) AS first_seen,
           (SELECT a.type FROM conversation c
              JOIN draft d ON d.conversation_id = c.id
              JOIN draft_action a ON a.draft_id = d.id AND a.undone_at IS NULL
             WHERE c.account_id = :account_id
               AND (c.customer_id = :customer_id OR c.customer_email = :email)
             ORDER BY a.created_at DESC LIMIT 1) AS last_reply
""")

# A reply `s` that may not have arrived, as long as nobody has said that they know; in two
# halves, each with an index of its own.
REFUSED = """s.account_id = :account_id AND s.status IN ('rejected', 'unknown')
       AND (s.status = 'unknown' OR s.acknowledged_at IS NULL)"""
RETURNED = """s.account_id = :account_id AND s.reported = 'bounced'
       AND s.acknowledged_at IS NULL"""

NEWS = text("""
    SELECT d.status, d.metadata->'set_aside' AS set_aside,
           EXISTS (SELECT 1 FROM message m WHERE m.account_id = :account_id
              AND m.conversation_id = d.conversation_id AND m.direction = 'inbound'
              AND (m.metadata->>'auto_submitted')::boolean IS NOT TRUE
              AND m.id > d.trigger_message_id)
             AS wrote_again,
           (SELECT n.id FROM draft n WHERE n.conversation_id = d.conversation_id
              AND n.status = 'pending' AND n.id <> d.id LIMIT 1) AS newer,
           (SELECT u.display_name FROM draft_action a JOIN "user" u ON u.id = a.user_id
             WHERE a.draft_id = d.id AND a.undone_at IS NULL) AS decided_by,
           (SELECT h.id FROM draft h JOIN draft_action a ON a.draft_id = h.id
             WHERE h.conversation_id = d.conversation_id AND h.account_id = :account_id
               AND a.undone_at IS NOT NULL AND a.undone_by_id IS NULL
               AND NOT EXISTS (SELECT 1 FROM draft_action l JOIN draft o ON o.id = l.draft_id
                    WHERE o.conversation_id = d.conversation_id AND l.created_at > a.undone_at)
             ORDER BY a.undone_at DESC LIMIT 1) AS held_back,
           (d.metadata #>> '{rewriting,until}')::timestamptz > :now
             AND d.metadata #>> '{rewriting,problem}' IS NULL AS is_rewriting,
           CASE WHEN (d.metadata #>> '{rewriting,until}')::timestamptz > :now
             THEN d.metadata #> '{rewriting,problem}' END AS rewrite_problem,
           (SELECT count(*) FROM draft_alternative v WHERE v.draft_id = d.id) AS versions,
           h.user_id AS holder_id, h.claimed_at, u.display_name AS holder
      FROM draft d
      LEFT JOIN claim h ON h.draft_id = d.id AND h.expires_at > :now
      LEFT JOIN "user" u ON u.id = h.user_id
     WHERE d.account_id = :account_id AND d.id = :draft_id
""")


def badges(account_id: UUID, user_id: UUID) -> Row[Any]:
    """What is counted: waiting (and the oldest), snoozed, mine, held by anybody, unread, batches
    of payouts that wait, campaigns that run, and replies that failed or may have."""
    return db.session.execute(
        BADGES,
        {
            "account_id": account_id,
            "user_id": user_id,
            "now": clock.now(),
            "counted": COUNTED,
        },
    ).one()


def waiting(account_id: UUID, user_id: UUID, tab: str = "all", after: str = "") -> Page:
    """The drafts that wait, the longest waiting first; `tab` is one of TABS.

    Those that are snoozed are listed apart, the next to come back first.
    """
    after_at, after_id = place_of(after) or THE_BEGINNING
    rows = db.session.execute(
        TABS.get(tab, TABS["all"]),
        {
            "account_id": account_id,
            "user_id": user_id,
            "now": clock.now(),
            "after_at": after_at,
            "after_id": after_id,
            "limit": QUEUE_LENGTH + 1,
        },
    ).all()
    return page_of(rows, QUEUE_LENGTH, ORDERS.get(tab, "created_at"))


def news_of(account_id: UUID, draft_id: UUID) -> Row[Any] | None:
    """What has become of a draft that somebody looks at.

    Its status, why it was set aside (unless by a new message), whether the customer wrote
    again, the draft that waits in its place, who decided on it, who holds it; whether it is
    being written again, why it could not be, and how many other versions it has.
    """
    return db.session.execute(
        NEWS, {"account_id": account_id, "draft_id": draft_id, "now": clock.now()}
    ).one_or_none()


def tag_of(*told: object) -> str:
    """A tag of what a page shows: it changes when any of that does, and every minute, for the
    ages."""
    minute = clock.now().strftime("%H:%M")
    return hashlib.sha256(repr((minute, *told)).encode()).hexdigest()[:24]


def moment(written: str | None) -> datetime | None:
    """A time that JSON holds, or None."""
    try:
        return datetime.fromisoformat(written) if written else None
    except ValueError:
        return None


def conversations_with(account_id: UUID, email: str, limit: int = 5) -> Any:
    """The newest conversations with the address."""
    return db.session.scalars(
        select(Conversation)
        .where(Conversation.account_id == account_id, Conversation.customer_email == email)
        .order_by(Conversation.created_at.desc())
        .limit(limit)
    ).all()


def find_conversation(account_id: UUID, conversation_id: UUID) -> Conversation:
    """The account's conversation, with its channel.  Raises NotFound."""
    return find_with_waiting_draft(account_id, conversation_id)[0]


def find_with_waiting_draft(
    account_id: UUID, conversation_id: UUID
) -> tuple[Conversation, UUID | None]:
    """The account's conversation, and the id of the draft that waits in it.  Raises NotFound."""
    waits = (
        select(Draft.id)
        .where(Draft.conversation_id == conversation_id, Draft.status == DraftStatus.PENDING)
        .scalar_subquery()
    )
    found = db.session.execute(
        select(Conversation, waits)
        .where(Conversation.account_id == account_id, Conversation.id == conversation_id)
        .options(joinedload(Conversation.channel))
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such conversation."))
    return found[0], found[1]


def find_with_conversation(account_id: UUID, draft_id: UUID) -> tuple[Draft, Conversation]:
    """The account's draft and its conversation, with its channel.  Raises NotFound."""
    found = db.session.execute(
        select(Draft, Conversation)
        .join(Conversation, Conversation.id == Draft.conversation_id)
        .where(Draft.account_id == account_id, Draft.id == draft_id)
        .options(joinedload(Conversation.channel))
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such draft."))
    return found[0], found[1]


def customer_facts(conversation: Conversation) -> Row[Any]:
    """How many conversations the customer has had, since when, and what the last reply was."""
    return db.session.execute(
        CUSTOMER,
        {
            "account_id": conversation.account_id,
            "customer_id": conversation.customer_id,
            "email": conversation.customer_email,
        },
    ).one()


def latest_undoable(account_id: UUID, user_id: UUID, since: datetime) -> DraftAction | None:
    """The user's newest decision since then that stands, with its draft."""
    return db.session.scalar(
        select(DraftAction)
        .join(DraftAction.draft)
        .where(
            DraftAction.account_id == account_id,
            DraftAction.user_id == user_id,
            DraftAction.created_at > since,
            DraftAction.undone_at.is_(None),
        )
        .order_by(DraftAction.created_at.desc())
        .limit(1)
        .options(contains_eager(DraftAction.draft).load_only(Draft.conversation_id))
    )


def customer_of(conversation_id: UUID) -> str:
    """What to call the customer of a conversation."""
    row = db.session.execute(
        select(Conversation.customer_name, Conversation.customer_email).where(
            Conversation.id == conversation_id
        )
    ).one()
    return row.customer_name or row.customer_email or "Unknown sender"


def find_message(account_id: UUID, message_id: UUID) -> Message:
    """The account's message.  Raises NotFound."""
    found = db.session.scalar(
        select(Message).where(Message.account_id == account_id, Message.id == message_id)
    )
    if found is None:
        raise NotFound(_("There is no such message."))
    return found


def find_attachment(account_id: UUID, attachment_id: UUID) -> Attachment:
    """The account's file.  Raises NotFound."""
    found = db.session.scalar(
        select(Attachment).where(
            Attachment.account_id == account_id, Attachment.id == attachment_id
        )
    )
    if found is None:
        raise NotFound(_("There is no such file."))
    return found


def conversation_of_file(attachment: Attachment) -> UUID | None:
    """The conversation that the file stands in, if it is a message's."""
    return db.session.scalar(
        select(Message.conversation_id).where(
            Message.account_id == attachment.account_id, Message.id == attachment.message_id
        )
    )


def lock_delivery(account_id: UUID, delivery_id: UUID) -> Delivery:
    """The account's delivery, held until the transaction ends.  Raises NotFound."""
    return found_delivery(sending(account_id, delivery_id).with_for_update())


def find_delivery(account_id: UUID, delivery_id: UUID) -> Delivery:
    """The account's delivery.  Raises NotFound."""
    return found_delivery(sending(account_id, delivery_id))


def sending(account_id: UUID, delivery_id: UUID) -> Select[Delivery]:
    return select(Delivery).where(Delivery.account_id == account_id, Delivery.id == delivery_id)


def found_delivery(asked: Select[Delivery]) -> Delivery:
    found = db.session.scalar(asked)
    if found is None:
        raise NotFound(_("There is no such sending."))
    return found


def merged_into(conversation: Conversation) -> Conversation | None:
    """The conversation that this one's messages have gone to."""
    if conversation.merged_into_id is None:
        return None
    return find_conversation(conversation.account_id, conversation.merged_into_id)

"""Drafts that say nearly the same, approved together, each as itself.

`comparing` says what is alike.  Only what stands in the queue now is compared: the
MOST_COMPARED that have waited longest, on one channel, with a text of LONGEST characters at
most, held by nobody else, not snoozed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row, select, text
from sqlalchemy.orm import joinedload

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.desk.comparing import Written, grouped
from ally.desk.differences import differences
from ally.desk.models import Conversation, Message
from ally.errors import NotFound
from ally.language import _
from ally.review.diff import operations
from ally.review.digest import digest_of, parts
from ally.review.kinds import kind_of
from ally.review.models import Draft

MOST_COMPARED = 500
LONGEST = 6_000  # characters: five hundred longer ones take minutes to compare
MOST_TOGETHER = 25  # that are approved at once: more is not read, only waved through
FEWEST = 2
KEPT = timedelta(seconds=10)
MOST_KEPT = 200  # accounts

_groups: dict[UUID, tuple[datetime, list[list[UUID]]]] = {}  # by account, with when it was found

COMPARED = text("""
    SELECT d.id, d.suggested_text, c.channel_id
      FROM draft d
      JOIN conversation c ON c.id = d.conversation_id
      LEFT JOIN claim k ON k.draft_id = d.id AND k.expires_at > :now AND k.user_id <> :user_id
     WHERE d.account_id = :account_id AND d.status = 'pending' AND d.snoozed_until IS NULL
       AND d.kind = 'reply' AND (:held_too OR k.draft_id IS NULL) AND btrim(d.suggested_text) <> ''
       AND length(d.suggested_text) <= :longest
     ORDER BY d.created_at, d.id LIMIT :most
""")
STILL_FREE = text("""
    SELECT d.id FROM draft d
      LEFT JOIN claim k ON k.draft_id = d.id AND k.expires_at > :now AND k.user_id <> :user_id
     WHERE d.account_id = :account_id AND d.id = ANY(:ids) AND d.status = 'pending'
       AND d.snoozed_until IS NULL AND k.draft_id IS NULL
""")
FLAGGED = text("""
    SELECT DISTINCT conversation_id FROM message
     WHERE account_id = :account_id AND conversation_id = ANY(:ids) AND metadata->'flags' <> '[]'
""")


@dataclass(frozen=True)
class Group:
    """Drafts that are alike, the longest waiting first, which the others are compared with."""

    ids: Sequence[UUID]

    @property
    def first(self) -> UUID:
        return self.ids[0]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Item:
    """One of the drafts as a reviewer sees it beside the others.

    `differs` shows where its text is not that of the first, "" where it is; `seen` is its
    own digest; `doubts` are why it is not ticked beforehand.
    """

    draft: Draft
    conversation: Conversation
    to: str
    others: str
    subject: str
    files: str
    differs: Markup
    seen: str
    doubts: Sequence[str]


def largest_group(by: User) -> Group | None:
    """The most drafts that are alike and wait for `by`; None when no two are.

    What is alike is found out once in KEPT for the whole account, however many ask; whether
    it still waits, and nobody else holds it, each time.
    """
    groups = groups_of(by)
    free = still_free([one for group in groups for one in group], by)
    left = [[one for one in group if one in free] for group in groups]
    best = max(left, key=len, default=[])
    return Group(best) if len(best) >= FEWEST else None


def groups_of(by: User) -> list[list[UUID]]:
    now = clock.now()
    known = _groups.get(by.account_id)
    if known is not None and now - known[0] < KEPT:
        return known[1]
    groups = [group for group in grouped(compared(by, held_too=True)) if len(group) >= FEWEST]
    if len(_groups) >= MOST_KEPT:
        _groups.clear()
    _groups[by.account_id] = (now, groups)
    return groups


def still_free(ids: Sequence[UUID], by: User) -> set[UUID]:
    values = {"ids": list(ids), "user_id": by.id, "account_id": by.account_id, "now": clock.now()}
    return set(db.session.scalars(STILL_FREE, values)) if ids else set()


def alike(draft_id: UUID, by: User) -> list[Item]:
    """The draft and those that are like it, MOST_TOGETHER at most, ready to be approved.

    Raises NotFound when the draft is not in the queue, or another account's.
    """
    rows = compared(by)
    first = next((row for row in rows if row.id == draft_id), None)
    if first is None:
        raise NotFound(_("This draft is no longer in the queue."))
    written = Written(rows)
    others = [row.id for row in rows if row is not first and written.are_alike(first, row)]
    return items([draft_id, *others][:MOST_TOGETHER], by)


def compared(by: User, *, held_too: bool = False) -> Sequence[Row[Any]]:
    return db.session.execute(
        COMPARED,
        {
            "account_id": by.account_id,
            "user_id": by.id,
            "now": clock.now(),
            "most": MOST_COMPARED,
            "longest": LONGEST,
            "held_too": held_too,
        },
    ).all()


def items(ids: Sequence[UUID], by: User) -> list[Item]:
    drafts = {draft.id: draft for draft in db.session.scalars(drafts_with(ids, by)).all()}
    ordered = [drafts[draft_id] for draft_id in ids if draft_id in drafts]
    conversations = load_what_is_shown(ordered)
    flagged = flagged_among(by.account_id, list(conversations))
    first = ordered[0].suggested_text if ordered else ""
    return [
        item(draft, conversations[draft.conversation_id], first, draft.conversation_id in flagged)
        for draft in ordered
        if draft.conversation_id
    ]


def drafts_with(ids: Sequence[UUID], by: User) -> Any:
    return select(Draft).where(Draft.account_id == by.account_id, Draft.id.in_(ids))


def load_what_is_shown(drafts: Sequence[Draft]) -> dict[UUID, Conversation]:
    """The drafts' conversations; with what else the digests look at, so that it is read once."""
    ids = [draft.conversation_id for draft in drafts]
    found = db.session.scalars(
        select(Conversation)
        .where(Conversation.id.in_(ids))
        .options(joinedload(Conversation.channel))
    ).all()
    triggers = [draft.trigger_message_id for draft in drafts]
    db.session.scalars(select(Message).where(Message.id.in_(triggers))).all()
    return {conversation.id: conversation for conversation in found}


def flagged_among(account_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    return set(db.session.scalars(FLAGGED, {"account_id": account_id, "ids": list(ids)}))


def item(draft: Draft, conversation: Conversation, first: str, is_flagged: bool) -> Item:
    covered = parts(draft)
    told = {
        name: kind_of(draft).described(draft, name, covered[name])
        for name in ("recipients", "others", "attachments")
    }
    return Item(
        draft=draft,
        conversation=conversation,
        to=told["recipients"],
        others=told["others"],
        subject=covered["subject"],
        files=told["attachments"],
        differs=differences(first, operations(first, draft.suggested_text)),
        seen=digest_of(covered),
        doubts=doubts_about(draft, is_flagged, has_recipient=bool(told["recipients"])),
    )


def doubts_about(draft: Draft, is_flagged: bool, *, has_recipient: bool) -> list[str]:
    """Why somebody should look at the draft by itself, in words."""
    payload = draft.payload or {}
    told = {
        _("no address is known"): not has_recipient,
        _("no source"): not draft.grounded,
        _("a sentence without a source"): any(map(is_unsupported, payload.get("sentences") or [])),
        _("a notice in the conversation"): is_flagged,
        _("a note about the draft"): bool(payload.get("notes")),
    }
    return [words for words, is_so in told.items() if is_so]


def is_unsupported(sentence: dict[str, Any]) -> bool:
    return sentence.get("source") is None and sentence.get("role") != "frame"

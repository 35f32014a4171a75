"""A draft as it lies open before a reviewer: its thread, its evidence, who holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row

from ally import clock, marks
from ally.accounts.models import User
from ally.channels.mail.compose import Quotation, markup_of
from ally.desk import queries
from ally.desk.envelopes import in_words, written
from ally.desk.flags import Notice, notices_in
from ally.desk.likeness import Decisions, decisions_like
from ally.desk.models import Conversation
from ally.desk.outgoing import (
    Address,
    adapter_of,
    quotation_of,
    recipients_of,
    reply_subject,
    sender_of,
    trigger_of,
)
from ally.desk.replies import letter_for
from ally.desk.threads import Thread, thread_of
from ally.desk.versions import Compared, compared
from ally.language import Fact
from ally.review import decisions
from ally.review.decisions import final_text
from ally.review.diff import Operation, diff, ops_of
from ally.review.digest import copy_of, digest_of, parts
from ally.review.kinds import kind_of
from ally.review.labelling import Labels, labels_of
from ally.review.models import ActionType, Draft, DraftAction
from ally.review.queries import held_back, standing_decision

NOTHING: Mapping[str, str] = MappingProxyType({})  # was typed beside the text


@dataclass(frozen=True)
class Source:
    """A source of the draft, with the words that the draft took from it."""

    number: int
    title: str
    excerpt: str
    kind: str
    score: float
    url: str | None
    indexed_at: Any
    words: frozenset[str]
    is_used: bool


@dataclass(frozen=True)
class Look:
    """A draft's text to be read: `text` is the reviewer's own, or None while it is unchanged."""

    draft: Draft
    text: str | None

    @property
    def is_edited(self) -> bool:
        return final_text(self.draft, self.text) != self.draft.suggested_text

    @property
    def changed(self) -> int:
        """How many stretches of the draft were changed."""
        ops = [kind for kind, _ in self.operations]
        return sum(kind != "=" and before in {"", "="} for before, kind in pairwise(["", *ops]))

    @property
    def mailed(self) -> Markup:
        """The reply as the customer's mail program shows it, with what follows it."""
        decisions.refuse_too_long(self.read)
        letter = letter_for(self.draft, final_text(self.draft, self.text))
        return Markup(markup_of(letter))  # noqa: S704  # every word is escaped where it is written

    @property
    def read(self) -> str:
        return self.draft.suggested_text if self.text is None else self.text

    @property
    def sentences(self) -> list[dict[str, Any]]:
        return (self.draft.payload or {}).get("sentences") or []

    @cached_property
    def operations(self) -> list[Operation]:
        """What turns the draft into the reviewer's text.

        Raises Invalid for a text that could not be sent either: comparing takes memory.
        """
        final = final_text(self.draft, self.text)
        decisions.refuse_too_long(final)
        return ops_of(diff(self.draft.suggested_text, final))


@dataclass(frozen=True)
class Opened:
    """Everything that the review page shows of one draft."""

    draft: Draft
    look: Look
    conversation: Conversation
    thread: Thread
    customer: Row[Any]
    to: Sequence[str]
    sender: str
    subject: str
    signature: str
    quotation: Quotation | None
    files: Sequence[dict[str, Any]]
    seen: str
    copy: str
    can_copy: bool
    can_retitle: bool
    can_enclose: bool
    others: Sequence[Address]
    typed: Mapping[str, str]
    decision: DraftAction | None
    newer: UUID | None
    notices: Sequence[Notice]

    @property
    def reply_all(self) -> str:
        """The others who got the message, for the field of copies."""
        return written(self.others)

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file["size"] for file in self.files)

    @property
    def notes(self) -> list[Fact]:
        return (self.draft.payload or {}).get("notes") or []

    @cached_property
    def versions(self) -> list[Compared]:
        """Its other versions, to be looked at beside it."""
        return compared(self.draft)

    @cached_property
    def labels(self) -> Labels | None:
        """What the standing decision changed, labelled; None when it changed nothing."""
        if self.decision is None or self.decision.type is not ActionType.EDIT:
            return None
        return labels_of(self.draft.account_id, [self.decision]).get(self.decision.id)

    @cached_property
    def decisions_like_this(self) -> Decisions | None:
        """How people decided on drafts like it; None for one that is written by hand."""
        return None if self.draft.is_by_hand else decisions_like(self.draft)

    @cached_property
    def sources(self) -> list[Source]:
        return [source_of(row, self.draft, self.look.sentences) for row in self.draft.top_sources]


@dataclass(frozen=True)
class Undoable:
    """The decision that the reviewer can still take back, and for how long.

    `milliseconds` are what is left of the undo window now; `later` is when the reply goes out,
    if that is after it.
    """

    draft_id: UUID
    customer: str
    is_rejection: bool
    until: datetime
    milliseconds: int
    later: datetime | None


def open_draft(
    account_id: UUID,
    draft_id: UUID,
    text: str | None = None,
    typed: Mapping[str, str] = NOTHING,
) -> Opened:
    """The account's draft with all that is shown beside it.

    `text` and `typed` (cc, bcc, subject) are the reviewer's own.  Raises NotFound.
    """
    draft, conversation = queries.find_with_conversation(account_id, draft_id)
    trigger = trigger_of(draft)  # kept, for the digest looks at it too
    decision = None if draft.is_pending else standing_decision(draft) or held_back(draft)
    current = draft if draft.is_pending else kind_of(draft).current(draft)
    covered, can = parts(draft), adapter_of(conversation).capabilities
    thread = thread_of(conversation)
    return Opened(
        draft=draft,
        look=Look(draft, None if text == draft.suggested_text else text),
        conversation=conversation,
        thread=thread,
        customer=queries.customer_facts(conversation),
        to=[in_words(address) for address in recipients_of(conversation, trigger)],
        sender=sender_in_words(conversation),
        subject=reply_subject(conversation),
        signature=conversation.channel.options.signature.strip("\n"),
        quotation=quotation_of(conversation, trigger),
        files=covered["attachments"],
        seen=digest_of(covered),
        copy=copy_of(covered),
        can_copy=can.addresses and can.cc,
        can_retitle=can.addresses and can.subject,
        can_enclose=can.attachments,
        others=[(name, address) for name, address in covered["others"]],
        typed=typed,
        decision=decision,
        newer=current.id if current.id != draft.id else None,
        notices=notices_in(conversation) if thread.has_flags else [],
    )


def sender_in_words(conversation: Conversation) -> str:
    """The sender as the customer's mail program shows it; "" when nobody is set."""
    sender, channel = sender_of(conversation), conversation.channel
    named = bool(sender) and sender == channel.from_address
    return in_words((channel.from_name, sender)) if named else sender


def source_of(row: dict[str, Any], draft: Draft, sentences: list[dict[str, Any]]) -> Source:
    said = " ".join(
        draft.suggested_text[s["start"] : s["end"]]
        for s in sentences
        if s.get("source") == row["number"]
    )
    return Source(
        number=row["number"],
        title=row.get("title") or "Untitled",
        excerpt=row.get("excerpt") or "",
        kind=row.get("kind") or "page",
        score=float(row.get("score") or 0),
        url=row.get("url"),
        indexed_at=queries.moment(row.get("indexed_at")),
        words=marks.telling_words(said),
        is_used=bool(said),
    )


def undoable_by(user: User) -> Undoable | None:
    """The user's last decision, while it can be taken back."""
    now = clock.now()
    action = queries.latest_undoable(user.account_id, user.id, now - decisions.undo_window)
    if action is None or action.draft.conversation_id is None:
        return None
    until = action.created_at + decisions.undo_window
    return Undoable(
        draft_id=action.draft_id,
        customer=queries.customer_of(action.draft.conversation_id),
        is_rejection=action.type is ActionType.REJECT,
        until=until,
        milliseconds=(until - now) // timedelta(milliseconds=1),
        later=action.send_at,
    )

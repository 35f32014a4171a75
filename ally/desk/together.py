"""Decisions made together: each in a savepoint of its own, by the gate's own verbs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation
from ally.desk.pending import hold_all
from ally.errors import AllyError
from ally.review import decisions
from ally.review.models import Draft, DraftAction
from ally.review.queries import lock_draft


@dataclass(frozen=True)
class Refused:
    """One that was left as it was: whose it is, and why, in a sentence."""

    id: UUID
    name: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What became of all: ids of what was done, and what was refused; in the order asked for."""

    done: Sequence[UUID]
    refused: Sequence[Refused]


@dataclass(frozen=True)
class Decided:
    """A draft that was decided on: `is_undoable` while its decision can be taken back."""

    id: UUID
    conversation_id: UUID
    customer: str
    subject: str
    is_undoable: bool
    is_waiting: bool


def approve_each(seen: Mapping[UUID, str], by: User) -> Outcome:
    """Approve each of the drafts as it was in its own `seen`.

    What has moved on, is held by somebody else or cannot be sent is refused by itself, and
    waits on.  Never raises for one of them.
    """

    def approve(draft_id: UUID) -> None:
        draft = lock_draft(by.account_id, draft_id)
        decisions.approve(draft, by, seen=seen[draft_id])

    hold_conversations(by, seen)
    return each(list(seen), approve, names_of_drafts(by, seen))


def undo_each(draft_ids: Sequence[UUID], by: User) -> Outcome:
    """Take the decision on each of the drafts back, as long as that can be done."""

    def undo(draft_id: UUID) -> None:
        decisions.undo(lock_draft(by.account_id, draft_id), by)

    hold_conversations(by, draft_ids)
    return each(draft_ids, undo, names_of_drafts(by, draft_ids))


def each(ids: Sequence[UUID], act: Callable[[UUID], object], names: Mapping[UUID, str]) -> Outcome:
    """Act on each; one that is refused leaves the others as they are."""
    refused: dict[UUID, str] = {}
    # In one order for everybody: two who act on the same ones wait, and do not lock each other.
    for one in sorted(set(ids)):
        try:
            with db.session.begin_nested():
                act(one)
        except AllyError as error:
            refused[one] = str(error)
    ordered = list(dict.fromkeys(ids))
    return Outcome(
        [one for one in ordered if one not in refused],
        [Refused(one, names.get(one, ""), refused[one]) for one in ordered if one in refused],
    )


def hold_conversations(by: User, draft_ids: Iterable[UUID]) -> None:
    """Hold the drafts' conversations, in the order in which everybody does."""
    hold_all(
        db.session.scalars(
            select(Conversation.id)
            .join(Draft, Draft.conversation_id == Conversation.id)
            .where(Draft.account_id == by.account_id, Draft.id.in_(list(draft_ids)))
        )
    )


def names_of_drafts(by: User, ids: Mapping[UUID, str] | Sequence[UUID]) -> dict[UUID, str]:
    rows = db.session.execute(
        select(Draft.id, Conversation.customer_name, Conversation.customer_email)
        .join(Conversation, Conversation.id == Draft.conversation_id)
        .where(Draft.account_id == by.account_id, Draft.id.in_(list(ids)))
    )
    return {row.id: row.customer_name or row.customer_email or "" for row in rows}


def decided_among(ids: Sequence[UUID], by: User) -> list[Decided]:
    """How the drafts stand now, in the order of `ids`; those that do not exist are left out."""
    since = clock.now() - decisions.undo_window
    undoable = select(DraftAction.draft_id).where(
        DraftAction.account_id == by.account_id,
        DraftAction.draft_id.in_(ids),
        DraftAction.undone_at.is_(None),
        DraftAction.created_at > since,
    )
    may = set(db.session.scalars(undoable))
    rows = db.session.execute(
        select(Draft, Conversation)
        .join(Conversation, Conversation.id == Draft.conversation_id)
        .where(Draft.account_id == by.account_id, Draft.id.in_(ids))
    )
    found = {
        draft.id: Decided(
            draft.id,
            talk.id,
            talk.customer,
            talk.subject or "",
            draft.id in may,
            draft.is_pending,
        )
        for draft, talk in rows
    }
    return [found[one] for one in ids if one in found]

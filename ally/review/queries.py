"""Named questions about drafts and decisions."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from ally.db import db
from ally.errors import NotFound
from ally.language import _
from ally.review.kinds import kind_of
from ally.review.models import Draft, DraftAction


def find_draft(account_id: UUID, draft_id: UUID, kind: str = "reply") -> Draft:
    """The account's draft of this kind.  Raises NotFound."""
    asked = drafts_of(account_id).where(Draft.id == draft_id, Draft.kind == kind)
    return found(db.session.scalar(asked))


def lock_draft(account_id: UUID, draft_id: UUID, kind: str = "reply") -> Draft:
    """The account's draft as it is now, held until the transaction ends.  Raises NotFound."""
    draft = find_draft(account_id, draft_id, kind)
    kind_of(draft).hold(draft)
    return found(
        db.session.scalar(
            drafts_of(account_id)
            .where(Draft.id == draft_id)
            .with_for_update(of=Draft)
            .execution_options(populate_existing=True)
        )
    )


def standing_decision(draft: Draft) -> DraftAction | None:
    """The decision that stands, with whoever made it."""
    return db.session.scalar(
        select(DraftAction)
        .where(
            DraftAction.account_id == draft.account_id,
            DraftAction.draft_id == draft.id,
            DraftAction.undone_at.is_(None),
        )
        .options(joinedload(DraftAction.user))
        .execution_options(populate_existing=True)
    )


def held_back(draft: Draft) -> DraftAction | None:
    """The newest approval of the draft that Ally itself took back, with whoever made it."""
    return db.session.scalar(
        taken_back(draft.account_id, draft.id)
        .where(DraftAction.undone_by_id.is_(None))
        .options(joinedload(DraftAction.user))
    )


def last_taken_back(account_id: UUID, draft_id: UUID) -> DraftAction | None:
    """The decision on the draft that was taken back last."""
    return db.session.scalar(taken_back(account_id, draft_id))


def taken_back(account_id: UUID, draft_id: UUID) -> Select[DraftAction]:
    return (
        select(DraftAction)
        .where(
            DraftAction.account_id == account_id,
            DraftAction.draft_id == draft_id,
            DraftAction.undone_at.is_not(None),
        )
        .order_by(DraftAction.undone_at.desc())
        .limit(1)
    )


def drafts_of(account_id: UUID) -> Select[Draft]:
    return select(Draft).where(Draft.account_id == account_id)


def found(draft: Draft | None) -> Draft:
    if draft is None:
        raise NotFound(_("There is no such draft."))
    return draft

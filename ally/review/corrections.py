"""The newest corrections: what people changed in drafts, as learning samples keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import contains_eager

from ally.db import db
from ally.paging import page_of, place_of
from ally.review import labelling
from ally.review.labelling import Labelled, Labels
from ally.review.labels import Change
from ally.review.models import ActionType, Draft, DraftAction, EditKind, LearningSample

LENGTH = 20  # corrections that are drawn at once
MOST_CHANGES = 3  # of one correction that are drawn
AROUND = 48  # letters of the draft that are drawn on either side of a change


@dataclass(frozen=True)
class Shown:
    """A change with the words around it on its line; without any for a greeting, which has a
    customer's name and teaches nothing."""

    kind: EditKind
    before: str
    dropped: str
    added: str
    after: str


@dataclass(frozen=True)
class Correction:
    draft_id: UUID
    at: datetime
    changes: Sequence[Shown]
    more: int


@dataclass(frozen=True)
class Corrections:
    """A page of corrections, the newest first, and the address part of the page after it."""

    shown: Sequence[Correction]
    next: str | None


def corrections(account_id: UUID, since: datetime, before: str) -> Corrections:
    """The account's corrections after `since`, from the place `before` on; in two statements."""
    rows = samples(account_id, since, before)
    page = page_of(rows, LENGTH, "created_at")
    labels = labelling.labels_of(account_id, [row.DraftAction for row in page.rows])
    found = [correction_from(row, labels.get(row.DraftAction.id)) for row in page.rows]
    return Corrections(found, page.next)


def samples(
    account_id: UUID, since: datetime, before: str
) -> Sequence[Row[UUID, datetime, DraftAction]]:
    order = tuple_(LearningSample.created_at, LearningSample.id)
    asked = (
        select(LearningSample.id, LearningSample.created_at, DraftAction)
        .join(DraftAction, DraftAction.id == LearningSample.action_id)
        .join(DraftAction.draft)
        .options(contains_eager(DraftAction.draft))
        .where(
            LearningSample.account_id == account_id,
            LearningSample.created_at > since,
            DraftAction.account_id == account_id,
            DraftAction.undone_at.is_(None),
            DraftAction.type == ActionType.EDIT,
            Draft.suggested_text != "",
        )
        .order_by(LearningSample.created_at.desc(), LearningSample.id.desc())
        .limit(LENGTH + 1)
    )
    place = place_of(before)
    return db.session.execute(asked.where(order < place) if place else asked).all()


def correction_from(row: Row[UUID, datetime, DraftAction], labels: Labels | None) -> Correction:
    told = labels.changes if labels else []
    text = row.DraftAction.draft.suggested_text
    return Correction(
        draft_id=row.DraftAction.draft_id,
        at=row.created_at,
        changes=[shown_in(text, labelled) for labelled in told[:MOST_CHANGES]],
        more=max(0, len(told) - MOST_CHANGES) + (labels.more if labels else 0),
    )


def shown_in(text: str, labelled: Labelled) -> Shown:
    change = labelled.change
    if labelled.kind is EditKind.GREETING:
        return Shown(labelled.kind, "", "", "", "")
    # White space at the ends of a change stands outside of it, and is drawn once.
    begun = any(words[:1].isspace() for words in (change.dropped, change.added))
    ended = any(words[-1:].isspace() for words in (change.dropped, change.added))
    return Shown(
        kind=labelled.kind,
        before=words_before(text, change) + " " * begun,
        dropped=change.dropped.strip(),
        added=change.added.strip(),
        after=" " * ended + words_after(text, change),
    )


def words_before(text: str, change: Change) -> str:
    """What stands before the change on its line, from the beginning of a word on."""
    start = max(0, change.start - AROUND)
    line = text[start : change.start].rpartition("\n")[2]
    if len(line) < AROUND:
        return line
    return "…" + line.partition(" ")[2]


def words_after(text: str, change: Change) -> str:
    """What stands after the change on its line, up to the end of a word."""
    end = change.start + len(change.dropped)
    line = text[end : end + AROUND].partition("\n")[0]
    if len(line) < AROUND:
        return line
    return line.rpartition(" ")[0] + "…"

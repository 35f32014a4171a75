"""The labels of a decision's changes: kept with it, shown, corrected by people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text

from ally.accounts.models import User
from ally.db import db
from ally.errors import Conflict, NotFound
from ally.events import trail
from ally.language import _, later
from ally.review.diff import ops_of
from ally.review.labels import Change, changes_in, label
from ally.review.models import Draft, DraftAction, EditKind, EditLabel

# One statement for however many changes: a decision waits for it.
KEEP = text("""
    INSERT INTO edit_label (account_id, action_id, position, kind)
    SELECT :account_id, :action_id, number - 1, kind
      FROM unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS told (kind, number)
""")
IN_WORDS = {
    EditKind.FACT: later("Fact"),
    EditKind.CAVEAT: later("Caveat"),
    EditKind.REMOVAL: later("Removal"),
    EditKind.TONE: later("Tone"),
    EditKind.GREETING: later("Greeting"),
    EditKind.FORMAT: later("Format"),
}
MOST_SHOWN = 40  # changes of one decision that are drawn


@dataclass(frozen=True)
class Labelled:
    """A change with what it is about; `by_rule` until a person has said so."""

    change: Change
    kind: EditKind
    by_rule: bool


@dataclass(frozen=True)
class Labels:
    """The changes of one decision, the first MOST_SHOWN of them, and how many `more` there are."""

    action_id: UUID
    draft_id: UUID
    changes: Sequence[Labelled]
    more: int

    @property
    def kinds(self) -> list[tuple[EditKind, object]]:
        """What a change can be about, in the order of the keys, with the words for it."""
        return [*IN_WORDS.items()]


def keep(draft: Draft, action: DraftAction) -> None:
    """Label what the decision changed, by the rules.  An approval as drafted has no changes."""
    if action.diff_json is None or action.final_text is None:
        return
    kinds = label(draft.suggested_text, action.final_text, ops_of(action.diff_json))
    if kinds:
        db.session.execute(
            KEEP,
            {
                "account_id": action.account_id,
                "action_id": action.id,
                "kinds": [kind.value for kind in kinds],
            },
        )


def relabel(found: EditLabel, kind: EditKind, by: User) -> None:
    """Say what the change is about; the rule's word counts no longer."""
    before, found.kind, found.user_id = found.kind, kind, by.id
    if before is kind:
        return
    trail.record(
        found.action.draft,
        "draft.relabelled",
        by=by,
        action_id=str(found.action_id),
        number=found.position + 1,
        before=before.value,
        after=kind.value,
    )


def lock_label(account_id: UUID, action_id: UUID, position: int) -> EditLabel:
    """The label of a change of the account's decision, held.

    Raises NotFound, and Conflict when the decision was taken back.
    """
    found = db.session.scalar(
        select(EditLabel)
        .where(
            EditLabel.account_id == account_id,
            EditLabel.action_id == action_id,
            EditLabel.position == position,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such change."))
    if found.action.undone_at is not None:
        raise Conflict(_("This decision was taken back, so its labels count no more."))
    return found


def labels_of(account_id: UUID, actions: Collection[DraftAction]) -> dict[UUID, Labels]:
    """The labels of the decisions that stand, by decision; the actions bring their drafts."""
    standing = {action.id: action for action in actions if action.undone_at is None}
    if not standing:
        return {}
    kinds: dict[UUID, list[EditLabel]] = {}
    for found in db.session.scalars(
        select(EditLabel)
        .where(
            EditLabel.account_id == account_id,
            EditLabel.action_id.in_(standing),
            EditLabel.position < MOST_SHOWN,
        )
        .order_by(EditLabel.action_id, EditLabel.position)
    ):
        kinds.setdefault(found.action_id, []).append(found)
    return {id_: labels_from(standing[id_], found) for id_, found in kinds.items()}


def labels_from(action: DraftAction, found: Sequence[EditLabel]) -> Labels:
    changes = changes_in(action.draft.suggested_text, ops_of(action.diff_json or {"ops": []}))
    told = [
        Labelled(changes[one.position], one.kind, by_rule=one.user_id is None)
        for one in found
        if one.position < len(changes)
    ]
    return Labels(action.id, action.draft_id, told, more=max(0, len(changes) - len(told)))

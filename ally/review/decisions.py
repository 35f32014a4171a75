"""What a person can do with a draft: approve it, with or without changes, reject it, undo that."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete

from ally import clock
from ally.accounts.models import User
from ally.db import db
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import Fact, _, local, named, worded
from ally.review import claims, labelling
from ally.review.diff import diff, refuse_unstorable
from ally.review.digest import moved
from ally.review.kinds import kind_of
from ally.review.models import (
    ActionType,
    Draft,
    DraftAction,
    DraftStatus,
    LearningSample,
    RejectionReason,
)
from ally.review.queries import standing_decision

AS_SHOWN: Mapping[str, str] = MappingProxyType({})  # nothing beside the text was changed
LONGEST_TEXT = 50_000  # bytes in UTF-8
LONGEST_NOTE = 2_000  # characters
DECIDED = {
    ActionType.APPROVE: named("%(name)s approved this draft at %(time)s"),
    ActionType.EDIT: named("%(name)s approved this draft at %(time)s"),
    ActionType.REJECT: named("%(name)s rejected this draft at %(time)s"),
}
REASONS_IN_WORDS = {
    RejectionReason.WRONG_FACTS: named("wrong facts"),
    RejectionReason.NOT_IN_SOURCES: named("not in the sources"),
    RejectionReason.TONE: named("tone"),
    RejectionReason.NOT_NEEDED: named("no answer needed"),
    RejectionReason.LANGUAGE: named("wrong language"),
    RejectionReason.OTHER: named("another reason"),
}
PARTS_IN_WORDS = {
    "draft": named("the draft"),
    "text": named("the text"),
    "sender": named("who it comes from"),
    "recipients": named("who it goes to"),
    "others": named("who else got the message"),
    "subject": named("the subject"),
    "attachments": named("the files"),
    "signature": named("the signature"),
    "history": named("what is quoted"),
    "newest_message": named("the customer's newest message"),
    "batch": named("the batch"),
}

# Set by the application from UNDO_SECONDS.
undo_window = timedelta(seconds=10)


def use_undo_window(seconds: int) -> None:
    """Say, once at start-up, how long a decision can be taken back."""
    global undo_window
    undo_window = timedelta(seconds=seconds)


class AlreadyDecided(Conflict):
    """Somebody was faster, or a newer draft has taken this one's place."""


class MovedOn(Conflict):
    """What was on the screen is no longer what would go out."""


def approve(
    draft: Draft,
    by: User,
    *,
    seen: str,
    text: str | None = None,
    amended: Mapping[str, str] = AS_SHOWN,
    send_at: datetime | None = None,
) -> DraftAction:
    """Send the draft, or `text` in its place, to whom it is for.

    `amended` is what the person changed beside the text, by the names of the draft's kind.

    The draft must be held (`lock_draft`), and as it was in `seen`.  The effect is
    queued in this transaction and waits for the undo window, and for `send_at`.
    Raises AlreadyDecided, MovedOn, HeldByAnother, Invalid.
    """
    kind = kind_of(draft)
    refuse_unless_decidable(draft, by, seen, kept=text)
    final = kind.final(draft, text)
    changed = final != draft.suggested_text
    action = new_action(draft, ActionType.EDIT if changed else ActionType.APPROVE, by)
    action.final_text, action.diff_json = final, diff(draft.suggested_text, final)
    action.send_at = send_at
    particulars = kind.prepare(draft, action, final, amended)
    decide(draft, action, DraftStatus.SENT)
    kind.apply(draft, action, final, not_before=undo_until(action))
    if kind.teaches and not draft.is_by_hand:
        learn(draft, action)
        labelling.keep(draft, action)
    did = "draft.edited" if changed or particulars else "draft.approved"
    particulars |= put_off(action)
    trail.record(draft, did, by=by, action_id=str(action.id), **particulars)
    return action


def put_off(action: DraftAction) -> dict[str, Any]:
    """What an event says of when the effect begins, if that is later than usual."""
    return {"send_at": action.send_at.astimezone(UTC).isoformat()} if action.send_at else {}


def reject(
    draft: Draft, by: User, *, seen: str, reason: RejectionReason, notes: str = ""
) -> DraftAction:
    """Turn the draft down.  Raises AlreadyDecided, MovedOn, HeldByAnother, Invalid."""
    refuse_unstorable(notes)
    refuse_unless_decidable(draft, by, seen, kept=None)
    action = new_action(draft, ActionType.REJECT, by)
    action.reason, action.notes = reason, notes.strip()[:LONGEST_NOTE] or None
    decide(draft, action, DraftStatus.ARCHIVED)
    words = REASONS_IN_WORDS[reason]
    trail.record(draft, "draft.rejected", by=by, action_id=str(action.id), reason=words)
    return action


def undo(draft: Draft, by: User) -> DraftAction:
    """Take the standing decision back: the draft waits again.  Returns what was decided.

    A rejection can be taken back within the undo window, an approval until its effect begins.
    Raises Conflict when there is none, when it is too late, or when a newer draft waits.
    """
    kind_of(draft).refuse_others(draft, by)
    action = standing_decision(draft)
    if action is None:
        raise Conflict(_("There is no decision to take back."))
    if not is_open(draft, action):
        raise Conflict(_("It is too late to undo: %(action)s.", action=decided_in_words(action)))
    if kind_of(draft).current(draft).id != draft.id:
        raise Conflict(_("A newer draft waits already, so this decision stands."))
    withdraw(draft, action, by)
    draft.status = DraftStatus.PENDING
    kind_of(draft).bring_back(draft, by)
    trail.record(draft, "draft.undone", by=by, action_id=str(action.id))
    return action


def hold_back(draft: Draft, because: Fact) -> DraftAction:
    """Keep the effect of the standing approval from beginning, since `because`.

    Ally does so itself; whether the draft waits again is the caller's to say.
    Raises Conflict when it has begun.
    """
    action = standing_decision(draft)
    if action is None:
        raise Conflict(_("There is no decision to take back."))
    withdraw(draft, action, None)
    trail.record(
        draft,
        "draft.held_back",
        action_id=str(action.id),
        approved_by=action.user.display_name,
        reason=because,
    )
    return action


def withdraw(draft: Draft, action: DraftAction, by: User | None) -> None:
    """Undo what the decision did; without `by` Ally has done so itself."""
    action.undone_at, action.undone_by_id = clock.now(), by.id if by else None
    db.session.execute(delete(LearningSample).where(LearningSample.action_id == action.id))
    db.session.flush()  # the decision no longer stands before its effect is taken back
    if action.type is not ActionType.REJECT:
        kind_of(draft).revert(draft, action, by)


def open_until(draft: Draft, action: DraftAction) -> datetime:
    """Until when this decision can be taken back.  Raises Conflict when its effect has begun."""
    if action.type is ActionType.REJECT:
        return undo_until(action)
    return kind_of(draft).due_at(draft, action)


def is_open(draft: Draft, action: DraftAction) -> bool:
    """Whether this decision can be taken back now.  Raises Conflict when its effect has begun."""
    return clock.now() < open_until(draft, action)


def undo_until(action: DraftAction) -> datetime:
    """Until when this decision can be taken back, when it is made: its effect begins then."""
    return max(action.created_at + undo_window, action.send_at or action.created_at)


def refuse_unless_decidable(draft: Draft, by: User, seen: str, kept: str | None) -> None:
    kind_of(draft).refuse_others(draft, by)
    refuse_unless_open(draft, by, kept)
    parts = moved(draft, seen)
    if parts:
        words = _(" and ").join(_(PARTS_IN_WORDS[part]) for part in parts)
        raise MovedOn(
            _("Since you looked, this has changed: %(words)s. Look again.", words=words), kept=kept
        )


def refuse_unless_open(draft: Draft, by: User, kept: str | None = None) -> None:
    """Raises AlreadyDecided, and HeldByAnother when somebody else holds the draft."""
    if not draft.is_pending:
        raise AlreadyDecided(why_not_pending(draft), kept=kept)
    claims.refuse_if_held(draft, by, kept)


def why_not_pending(draft: Draft) -> str:
    action = standing_decision(draft)
    if action is not None:
        return f"{decided_in_words(action)}."
    because = (draft.metadata_ or {}).get("set_aside")
    if because is not None:
        return _("This draft was set aside, since %(reason)s.", reason=worded(because))
    return _("The customer wrote again, and a newer draft has taken this one's place.")


def decided_in_words(action: DraftAction) -> str:
    time = f"{local(action.created_at):%H:%M}"
    return _(DECIDED[action.type], name=action.user.display_name, time=time)


def refuse_unsendable(text: str) -> None:
    if not text.strip():
        raise Invalid(_("Write a reply before you send it."))
    refuse_too_long(text)


def refuse_too_long(text: str) -> None:
    """Raise Invalid for more than LONGEST_TEXT, and for what cannot be stored."""
    refuse_unstorable(text)
    if len(text.encode()) > LONGEST_TEXT:
        raise Invalid(_("This reply is longer than 50 KB. Shorten it."))


def final_text(draft: Draft, text: str | None) -> str:
    """What goes out: the draft, unless `text` differs in more than the line ends of a form."""
    if text is None or with_lf(text) == with_lf(draft.suggested_text):
        return draft.suggested_text
    return with_lf(text)


def sendable_text(draft: Draft, text: str | None) -> str:
    """The same, of a reply.  Raises Invalid for what cannot go out."""
    final = final_text(draft, text)
    refuse_unsendable(final)
    return final


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def new_action(draft: Draft, type_: ActionType, by: User) -> DraftAction:
    return DraftAction(
        account_id=draft.account_id,
        draft_id=draft.id,
        user_id=by.id,
        type=type_,
        created_at=clock.now(),
    )


def decide(draft: Draft, action: DraftAction, status: DraftStatus) -> None:
    db.session.add(action)
    draft.status, draft.snoozed_until = status, None
    kind_of(draft).put_off(draft, None)
    claims.forget(draft)
    db.session.flush()  # its id goes into the effect and the event


def learn(draft: Draft, action: DraftAction) -> None:
    db.session.add(
        LearningSample(
            account_id=draft.account_id,
            draft_id=draft.id,
            action_id=action.id,
            diff_json=action.diff_json,
            created_at=action.created_at,
        )
    )

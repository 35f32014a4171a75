"""What a person does at the gate.  Each act answers with the desk as it is then."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from ally import web
from ally.accounts.access import this_user
from ally.errors import Conflict, Invalid
from ally.language import _, zone
from ally.review import claims, decisions, snoozing
from ally.review.form_routes import amended, moment_in_form, refuse_and_keep, refuse_unattached
from ally.review.later import send_time
from ally.review.models import ActionType, Draft, RejectionReason
from ally.review.queries import lock_draft

review_acts = Blueprint("review", __name__)

# What an answer is drawn from: the desk with a draft open, and the desk after a decision.
# Set by the floor above, which knows the queue's pages.
_desk_with: Callable[..., dict[str, Any]]
_desk_after: Callable[[Draft], dict[str, Any]]


class Approval(BaseModel):
    """What the form of an approval says; `text` only when the person has changed the draft.

    `send_at` is a choice of `later.send_time`, or empty; `send_on` the field beside it.
    """

    seen: str = ""
    text: str | None = None
    send_at: str = ""
    send_on: str = ""


class Rejection(BaseModel):
    seen: str = ""
    reason: RejectionReason
    notes: str = ""


@review_acts.post("/drafts/<uuid:draft_id>/approval")
def approve_draft(draft_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), Approval.model_validate(request.form.to_dict())
    send_at = send_time(form.send_at, form.send_on, zone())
    refuse_unattached()
    draft = lock_draft(user.account_id, draft_id)
    decisions.approve(
        draft, user, seen=form.seen, text=form.text, amended=amended(draft), send_at=send_at
    )
    return answer_elsewhere("review/approve_draft.swap.html", _desk_after(draft))


@review_acts.post("/drafts/<uuid:draft_id>/rejection")
def reject_draft(draft_id: UUID) -> ResponseReturnValue:
    user, form = this_user(), read_rejection()
    draft = lock_draft(user.account_id, draft_id)
    decisions.reject(draft, user, seen=form.seen, reason=form.reason, notes=form.notes)
    return answer_elsewhere("review/reject_draft.swap.html", _desk_after(draft))


@review_acts.post("/drafts/<uuid:draft_id>/undo")
def undo_decision(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    undone = decisions.undo(draft, user)
    # What was typed is not lost with the decision: it goes back into the editor.
    desk = _desk_with(draft_id, words_of=draft_id if undone.type is not ActionType.REJECT else None)
    return answer_elsewhere("review/undo_decision.swap.html", desk)


@review_acts.post("/drafts/<uuid:draft_id>/claim")
def claim_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    claims.claim(draft, user)
    return answer("review/claim_draft.swap.html", _desk_with(draft_id))


@review_acts.post("/drafts/<uuid:draft_id>/release")
def release_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    claims.release(draft, user)
    return answer("review/release_draft.swap.html", _desk_with(draft_id))


@review_acts.post("/drafts/<uuid:draft_id>/takeover")
def take_over_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    claims.take_over(draft, user, reason=request.form.get("reason", ""))
    return answer("review/take_over_draft.swap.html", _desk_with(draft_id))


@review_acts.post("/drafts/<uuid:draft_id>/snooze")
def snooze_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    snoozing.snooze(draft, user, moment_in_form())
    return answer_elsewhere("review/snooze_draft.swap.html", _desk_after(draft))


@review_acts.post("/drafts/<uuid:draft_id>/waking")
def wake_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    snoozing.wake(draft, by=user)
    return answer("review/wake_draft.swap.html", _desk_with(draft_id))


# What is refused is told with what has changed, and nothing that was typed is lost.
review_acts.register_error_handler(Conflict, refuse_and_keep)
review_acts.register_error_handler(Invalid, refuse_and_keep)


def draw_with(
    desk_with: Callable[..., dict[str, Any]], desk_after: Callable[[Draft], dict[str, Any]]
) -> None:
    """Say, once at start-up, what the answers are drawn from."""
    global _desk_with, _desk_after
    _desk_with, _desk_after = desk_with, desk_after


def answer(swap: str, desk: dict[str, Any]) -> ResponseReturnValue:
    """The desk's regions that changed for a swap, else a way to the page."""
    return web.swap_or_redirect(swap, to=address_of(desk), **desk)


def answer_elsewhere(swap: str, desk: dict[str, Any]) -> ResponseReturnValue:
    """The same for an act after which another draft lies open: the browser goes there."""
    response = make_response(answer(swap, desk))
    response.headers["HX-Push-Url"] = address_of(desk)
    return response


def address_of(desk: dict[str, Any]) -> str:
    path = f"/review/{desk['shown']}" if desk["shown"] else "/review"
    asked = {"tab": desk["tab"]} if desk["tab"] != "all" else {}
    if desk.get("words_of"):
        asked["words_of"] = desk["words_of"]
    return f"{path}?{urlencode(asked)}" if asked else path


def read_rejection() -> Rejection:
    try:
        return Rejection.model_validate(request.form.to_dict())
    except ValidationError:
        raise Invalid(_("Choose why you reject this draft.")) from None

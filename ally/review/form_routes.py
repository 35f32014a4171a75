"""What the form of a draft says, and how a refusal of it goes on from there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from ally import clock, web
from ally.accounts.access import this_user
from ally.db import db
from ally.errors import AllyError, Conflict, Invalid, NotFound
from ally.language import _, local
from ally.review import digest
from ally.review.kinds import kind_of
from ally.review.models import Draft
from ally.review.queries import find_draft
from ally.review.since import Own, Since, own_edit, since
from ally.review.snoozing import moment_chosen

NO_FILE = {"", "[object File]"}  # what a form says of files that nobody chose


def amended(draft: Draft) -> dict[str, str]:
    """What the form says beside the text, of what a draft of this kind lets people change."""
    return {name: request.form[name] for name in kind_of(draft).amendable if name in request.form}


def moment_in_form() -> datetime:
    """Until when the form snoozes a draft or a conversation.  Raises Invalid."""
    form = request.form
    return moment_chosen(form.get("until", ""), form.get("at", ""), local(clock.now()))


def own_in_form(draft: Draft) -> Own:
    """What of the form is the person's own, for the draft or for one that came before it."""
    copy = request.form.get("shown", "")
    return own_edit(request.form.get("text"), amended(draft), shown_draft(draft, copy), copy)


def shown_draft(draft: Draft, copy: str) -> Draft:
    """The draft that the form showed."""
    shown_id = digest.copied(copy).get("draft")
    if shown_id is None or shown_id == str(draft.id):
        return draft
    try:
        return find_draft(draft.account_id, UUID(shown_id))
    except NotFound:
        return draft


def since_form(draft: Draft, *, against_own: bool = False) -> Since:
    """What has changed since the form was drawn."""
    return since(
        draft,
        seen=request.form.get("seen", ""),
        copy=request.form.get("shown", ""),
        own=own_in_form(draft),
        against_own=against_own,
    )


def refuse_unattached() -> None:
    """Raises Invalid for files that were chosen and not attached."""
    chosen = request.form.get("files", "")
    if chosen not in NO_FILE:
        raise Invalid(_("“%(name)s” is not attached yet. Attach it, or take it out.", name=chosen))


def refuse_and_keep(error: AllyError) -> ResponseReturnValue:
    """Refuse, telling what has changed; what was typed goes on from there.

    A page that is open keeps what was typed itself; one without script gets a form with it.
    """
    db.session.rollback()  # first: the draft is held no longer, and looked at again
    try:
        draft = find_draft(this_user().account_id, (request.view_args or {})["draft_id"])
    except NotFound as unknown:
        return web.refuse(unknown)
    if "seen" not in request.form or (web.is_swap() and not isinstance(error, Conflict)):
        return refuse_and_lead_on(error, draft)
    told: dict[str, Any] = {"message": str(error), "since": since_form(draft)}
    if web.is_swap():
        aside = {"HX-Retarget": "#notice", "HX-Reswap": "outerHTML"}
        return render_template("review/_refusal.html", **told), error.status, aside
    return render_template("review/refusal.html", status=error.status, **told), error.status


def refuse_and_lead_on(error: AllyError, draft: Draft) -> ResponseReturnValue:
    current = kind_of(draft).current(draft)
    if isinstance(error, Conflict) and current.id != draft.id and current.is_pending:
        error.next_url = f"/review/{current.id}"
    return web.refuse(error)

"""Near-identical drafts, looked at and approved together."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.desk import alike, together
from ally.desk.together import Outcome
from ally.errors import Invalid
from ally.language import _
from ally.review import decisions
from ally.web import ids_in_form, is_swap

alike_pages = Blueprint("alike", __name__)


@alike_pages.get("/review/alike")
def largest() -> ResponseReturnValue:
    """How many are alike, for the queue; without htmx the way to them."""
    group = alike.largest_group(this_user())
    if is_swap():
        return render_template("desk/_alike_line.html", group=group)
    if group is None:
        return render_template("desk/alike.html", items=[], most=alike.MOST_TOGETHER)
    return redirect(f"/review/alike/{group.first}", 303)


@alike_pages.get("/review/alike/<uuid:draft_id>")
def show(draft_id: UUID) -> ResponseReturnValue:
    items = alike.alike(draft_id, this_user())
    return render_template("desk/alike.html", items=items, most=alike.MOST_TOGETHER)


@alike_pages.post("/review/alike/approvals")
def approve_ticked() -> ResponseReturnValue:
    user, ticked = this_user(), ids_in("ids")
    if not ticked:
        raise Invalid(_("Tick at least one draft."))
    seen = {draft_id: request.form.get(f"seen-{draft_id}", "") for draft_id in ticked}
    outcome = together.approve_each(seen, by=user)
    return told(outcome, outcome.done, words=_("%(count)s approved.", count=len(outcome.done)))


@alike_pages.post("/review/alike/undo")
def undo_ticked() -> ResponseReturnValue:
    user = this_user()
    outcome = together.undo_each(ids_in("ids"), by=user)
    words = _("%(count)s taken back.", count=len(outcome.done))
    return told(outcome, ids_in("all"), words=words)


def told(outcome: Outcome, shown: Any, words: str) -> ResponseReturnValue:
    page = {
        "refused": outcome.refused,
        "decided": together.decided_among(list(shown), this_user()),
        "undo_seconds": round(decisions.undo_window.total_seconds()),
        "words": words,
    }
    swap = "desk/approve_ticked.swap.html" if is_swap() else "desk/alike_decided.html"
    return render_template(swap, **page)


def ids_in(field: str) -> list[UUID]:
    """The ids that the form sends under this name, MOST_TOGETHER at most.  Raises Invalid."""
    if len(request.form.getlist(field)) > alike.MOST_TOGETHER:
        most = alike.MOST_TOGETHER
        raise Invalid(_("At most %(most)s drafts can be decided on together.", most=most))
    return ids_in_form(field)

"""Having a draft written again, and choosing between two versions of it."""

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.desk import rewriting, versions
from ally.desk.editor_routes import desk_with_form
from ally.desk.routes import desk, news_of, tab_asked_for
from ally.errors import Conflict, Invalid
from ally.language import _
from ally.review.form_routes import own_in_form, refuse_and_keep
from ally.review.models import Draft
from ally.review.queries import find_draft, lock_draft
from ally.web import is_swap

rewriting_acts = Blueprint("rewriting", __name__)
for refusal in (Conflict, Invalid):
    rewriting_acts.register_error_handler(refusal, refuse_and_keep)


@rewriting_acts.post("/drafts/<uuid:draft_id>/again")
def ask_again(draft_id: UUID) -> ResponseReturnValue:
    """The page with the form for an instruction open, and with what was typed so far."""
    draft = find_draft(this_user().account_id, draft_id)
    drawn = desk_with_form(draft) | {"asking": True}
    return render_template("desk/review.html", **drawn)


@rewriting_acts.post("/drafts/<uuid:draft_id>/rewriting")
def rewrite_draft(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    rewriting.ask_again(draft, user, request.form.get("instruction", ""))
    return being_written(draft)


@rewriting_acts.post("/drafts/<uuid:draft_id>/alternatives")
def write_version(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    rewriting.ask_version(draft, user)
    return being_written(draft)


@rewriting_acts.post("/drafts/<uuid:draft_id>/alternatives/<int:number>/choice")
def choose_version(draft_id: UUID, number: int) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    own = own_in_form(draft)
    newer = versions.choose(draft, number, by=user)
    drawn = desk(newer.id, beside=own.beside) | {"typed_before": own.text}
    return chosen(newer, drawn, keeps=own.text is not None or bool(own.beside))


def being_written(draft: Draft) -> ResponseReturnValue:
    """That it is being written; without script, the page with what was typed."""
    if is_swap():
        told = {"shown": draft.id, "news": news_of(draft.id), "tab": tab_asked_for()}
        return render_template("desk/rewrite_draft.swap.html", **told)
    if "text" in request.form:
        return render_template("desk/review.html", **desk_with_form(draft))
    return redirect(f"/review/{draft.id}", 303)


def chosen(newer: Draft, drawn: dict[str, Any], *, keeps: bool) -> ResponseReturnValue:
    """The newer draft; what was typed for the one before stands beside it."""
    to = f"/review/{newer.id}"
    if not is_swap():
        return render_template("desk/review.html", **drawn) if keeps else redirect(to, 303)
    words = _("The other version is open now.")
    swap = render_template("desk/choose_version.swap.html", words=words, **drawn)
    response = make_response(swap)
    response.headers["HX-Push-Url"] = to
    return response

"""Macros: their pages, and how one is put into a reply."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.desk import macros, queries
from ally.desk.editor_routes import time_chosen
from ally.desk.models import Conversation, Macro
from ally.desk.routes import desk
from ally.errors import Invalid
from ally.language import _
from ally.review.form_routes import own_in_form
from ally.web import is_swap

macro_pages = Blueprint("macros", __name__)


@macro_pages.get("/macros")
def list_macros() -> ResponseReturnValue:
    return render_template("macros/macros.html", macros=macros.all_of(this_user().account_id))


@macro_pages.get("/macros/new")
def new_macro() -> ResponseReturnValue:
    return form_page(None, "", "")


@macro_pages.post("/macros")
def create_macro() -> ResponseReturnValue:
    user, (name, body) = this_user(), typed()
    try:
        macro = macros.create(user.account_id, name, body, by=user)
    except Invalid as refused:
        return form_page(None, name, body, error=str(refused)), refused.status
    return back_to_list(_("“%(name)s” is there.", name=macro.name))


@macro_pages.get("/macros/<uuid:macro_id>")
def edit_macro(macro_id: UUID) -> ResponseReturnValue:
    macro = macros.find_macro(this_user().account_id, macro_id)
    return form_page(macro, macro.name, macro.body)


@macro_pages.post("/macros/<uuid:macro_id>")
def change_macro(macro_id: UUID) -> ResponseReturnValue:
    user, (name, body) = this_user(), typed()
    macro = macros.lock_macro(user.account_id, macro_id)
    try:
        macros.change(macro, name, body, by=user)
    except Invalid as refused:
        return form_page(macro, name, body, error=str(refused)), refused.status
    return back_to_list(_("“%(name)s” is saved.", name=macro.name))


@macro_pages.post("/macros/<uuid:macro_id>/deletion")
def delete_macro(macro_id: UUID) -> ResponseReturnValue:
    user = this_user()
    macro = macros.lock_macro(user.account_id, macro_id)
    macros.delete(macro, by=user)
    return back_to_list(_("“%(name)s” is deleted.", name=macro.name))


@macro_pages.post("/macros/preview")
def preview_macro() -> ResponseReturnValue:
    """The text as a sample customer would get it; nothing is kept."""
    name, body = typed()
    if is_swap():
        return render_template("macros/_sample.html", **sample_of(body))
    return form_page(None, name, body)


@macro_pages.post("/drafts/<uuid:draft_id>/macros")
def choose_macro(draft_id: UUID) -> ResponseReturnValue:
    """The macros to choose from for a reply, with what was typed into it so far."""
    user = this_user()
    draft = queries.find_with_conversation(user.account_id, draft_id)[0]
    found, text = macros.all_of(user.account_id), request.form.get("text")
    page = "macros/_choice.html" if is_swap() else "macros/choice.html"
    return render_template(page, draft=draft, macros=found, text=text)


@macro_pages.get("/drafts/<uuid:draft_id>/macros/<uuid:macro_id>")
def fill_macro(draft_id: UUID, macro_id: UUID) -> ResponseReturnValue:
    """The macro's text, filled in for the reply."""
    conversation = queries.find_with_conversation(this_user().account_id, draft_id)[1]
    return Response(filled(conversation, macro_id), mimetype="text/plain")


@macro_pages.post("/drafts/<uuid:draft_id>/macros/<uuid:macro_id>")
def add_macro(draft_id: UUID, macro_id: UUID) -> ResponseReturnValue:
    """The reply to be written on, with the macro's text below what was typed; nothing is kept."""
    draft, conversation = queries.find_with_conversation(this_user().account_id, draft_id)
    before = request.form.get("text")
    written = draft.suggested_text if before is None else before
    added = filled(conversation, macro_id)
    text = "\n\n".join(part for part in (written.rstrip(), added) if part)
    drawn = desk(draft_id, text, "write", own_in_form(draft).beside)
    return render_template("desk/review.html", **drawn | {"send_later": time_chosen()})


def filled(conversation: Conversation, macro_id: UUID) -> str:
    user = this_user()
    macro = macros.find_macro(user.account_id, macro_id)
    return macros.fill(macro.body, macros.values_for(conversation, user))


def typed() -> tuple[str, str]:
    return request.form.get("name", ""), request.form.get("body", "")


def form_page(macro: Macro | None, name: str, body: str, error: str | None = None) -> str:
    return render_template(
        "macros/macro.html", macro=macro, name=name, body=body, error=error, **sample_of(body)
    )


def sample_of(body: str) -> dict[str, Any]:
    """What the preview is drawn from; a text that cannot be saved says why."""
    try:
        macros.refuse_unknown_fields(body)
        problem = None
    except Invalid as refused:
        problem = str(refused)
    return {
        "sample": macros.fill(body, macros.SAMPLE),
        "problem": problem,
        "fields": macros.SAMPLE.items(),
    }


def back_to_list(said: str) -> ResponseReturnValue:
    flash(said)
    return redirect("/macros", 303)

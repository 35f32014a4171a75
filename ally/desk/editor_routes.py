"""The editor of a reply: its looks, its files, and what was typed, taken along."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import me, this_user
from ally.desk import enclosing, envelopes, opened
from ally.desk.enclosing import Upload
from ally.desk.outgoing import MOST_BYTES
from ally.desk.routes import desk, tab_asked_for
from ally.errors import Conflict, Invalid, TooLarge
from ally.review.form_routes import own_in_form, refuse_and_keep, shown_draft, since_form
from ally.review.models import Draft
from ally.review.queries import find_draft, lock_draft
from ally.web import is_swap, page_or_fragment

LONGEST_TIME = 40  # characters of a date and time in a form
FORM_BYTES = 1024 * 1024  # of what a form holds beside its files

editor_acts = Blueprint("editor", __name__)
for refusal in (Conflict, Invalid, TooLarge):
    editor_acts.register_error_handler(refusal, refuse_and_keep)


@editor_acts.url_value_preprocessor
def take_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Let signed-in people send files, before the form is read for its token."""
    if endpoint == "editor.attach_files" and me() is not None:
        request.max_content_length = MOST_BYTES + FORM_BYTES


@editor_acts.post("/drafts/<uuid:draft_id>/changes")
def changes(draft_id: UUID) -> ResponseReturnValue:
    return looked_at(draft_id, mode="changes")


@editor_acts.post("/drafts/<uuid:draft_id>/preview")
def preview(draft_id: UUID) -> ResponseReturnValue:
    return looked_at(draft_id, mode="preview")


@editor_acts.post("/drafts/<uuid:draft_id>/edit")
def edit(draft_id: UUID) -> ResponseReturnValue:
    """The draft as it is now, with what was typed for it, or for one that came before it.

    The files of the one before go along with the words.
    """
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    enclosing.take_along(shown_draft(draft, request.form.get("shown", "")), draft, by=user)
    response = make_response(
        page_or_fragment("desk/review.html", "desk/_review.html", **desk_with_form(draft))
    )
    response.headers["HX-Push-Url"] = f"/review/{draft_id}"
    return response


@editor_acts.app_context_processor
def limits() -> dict[str, Any]:
    return {"most_bytes": MOST_BYTES}


@editor_acts.post("/drafts/<uuid:draft_id>/comparison")
def comparison(draft_id: UUID) -> ResponseReturnValue:
    """What came while the page was open, against what was typed."""
    draft = find_draft(this_user().account_id, draft_id)
    told = since_form(draft, against_own=True)
    return page_or_fragment("review/comparison.html", "review/_comparison.html", since=told)


@editor_acts.post("/drafts/<uuid:draft_id>/files")
def attach_files(draft_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    enclosing.attach(draft, uploads(), by=user)
    return enclosed(draft, "desk/attach_files.swap.html")


@editor_acts.post("/drafts/<uuid:draft_id>/files/<uuid:attachment_id>/removal")
def remove_file(draft_id: UUID, attachment_id: UUID) -> ResponseReturnValue:
    user = this_user()
    draft = lock_draft(user.account_id, draft_id)
    enclosing.take_off(draft, attachment_id, by=user)
    return enclosed(draft, "desk/remove_file.swap.html")


def looked_at(draft_id: UUID, mode: str) -> ResponseReturnValue:
    """The draft with what the person typed, as its changes or as a letter; nothing is kept."""
    draft = find_draft(this_user().account_id, draft_id)
    if not is_swap():
        return render_template("desk/review.html", **desk_with_form(draft, mode))
    look = opened.Look(draft, request.form.get("text"))
    return render_template("desk/_look.html", look=look, mode=mode)


def enclosed(draft: Draft, swap: str) -> ResponseReturnValue:
    """The files alone, so that the editor stays as it is; without script, the page with all
    that was typed."""
    if not is_swap():
        return render_template("desk/review.html", **desk_with_form(draft))
    found = opened.open_draft(draft.account_id, draft.id)
    return render_template(swap, opened=found, tab=tab_asked_for())


def desk_with_form(draft: Draft, mode: str = "write") -> dict[str, Any]:
    """The desk with the draft open, and what the form says typed into it."""
    own = own_in_form(draft)
    beside = dict(own.beside)
    if "reply_all" in request.form:
        beside["cc"] = envelopes.with_all(beside.get("cc", ""), request.form["reply_all"])
    mode = "changes" if mode == "write" and own.text is None else mode
    return desk(draft.id, own.text, mode, beside) | {"send_later": time_chosen()}


def time_chosen() -> dict[str, str]:
    """When the form wants the reply sent, as it was chosen: `send_at` and `send_on`."""
    chosen = {name: request.form.get(name, "")[:LONGEST_TIME] for name in ("send_at", "send_on")}
    return {name: said for name, said in chosen.items() if said}


def uploads() -> Sequence[Upload]:
    return [
        Upload(file.filename, file.mimetype, file.stream.read())
        for file in request.files.getlist("files")
        if file.filename
    ]

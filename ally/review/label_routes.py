"""Saying what a change of a decision was about."""

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.errors import Invalid
from ally.language import _
from ally.review import labelling
from ally.review.models import EditKind
from ally.web import swap_or_redirect

label_acts = Blueprint("labels", __name__)


@label_acts.post("/actions/<uuid:action_id>/labels/<int:position>")
def relabel_change(action_id: UUID, position: int) -> ResponseReturnValue:
    user = this_user()
    found = labelling.lock_label(user.account_id, action_id, position)
    labelling.relabel(found, read_kind(), by=user)
    labels = labelling.labels_of(user.account_id, [found.action])[action_id]
    to = f"/review/{labels.draft_id}#labels-{action_id}"
    return swap_or_redirect("review/relabel_change.swap.html", to=to, labels=labels)


def read_kind() -> EditKind:
    try:
        return EditKind(request.form.get("kind", ""))
    except ValueError:
        raise Invalid(_("Choose what the change is about.")) from None

"""What an agent does with one conversation, at the gate or on its own page.

Each form says by `draft` that it stands beside that draft.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from ally.accounts.access import this_user
from ally.desk import assigning, closing, handwriting, noting, queries, snoozing, tagging
from ally.desk.conversation_routes import drawn_again
from ally.desk.models import Conversation
from ally.desk.notes import shown
from ally.desk.routes import desk_after
from ally.desk.work import Work, work_on
from ally.errors import Invalid
from ally.language import _
from ally.review.form_routes import moment_in_form
from ally.review.queries import find_draft
from ally.review.routes import address_of
from ally.web import is_swap, swap_or_redirect

work_acts = Blueprint("work", __name__)


class Assignment(BaseModel):
    """`to` and `seen` are users: whose it shall be, and whose it was on the screen; "" for
    nobody's.  Without `seen` it does not matter whose it was."""

    to: UUID | None
    seen: UUID | None = None

    @classmethod
    def read(cls) -> "Assignment":
        """Raises Invalid."""
        told = {name: request.form[name] or None for name in ("to", "seen") if name in request.form}
        try:
            return cls.model_validate(told)
        except ValidationError:
            raise Invalid(_("Choose who shall have this conversation.")) from None


@work_acts.app_context_processor
def offer_work() -> dict[str, Any]:
    """What the acts are drawn from; asked for where they are drawn."""
    return {"work_on": work_once}


def work_once(conversation: Conversation) -> Work:
    if "work" not in g:
        g.work = work_on(conversation)
    found: Work = g.work
    return found


@work_acts.post("/conversations/<uuid:conversation_id>/assignment")
def assign_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    form = Assignment.read()
    if "seen" in form.model_fields_set:
        assigning.refuse_if_moved(conversation, form.seen)
    if form.to is None:
        assigning.unassign(conversation, by=user)
        return done(conversation, "work/assign_conversation.swap.html", _("It is nobody's now."))
    to = assigning.find_colleague(user.account_id, form.to)
    assigning.assign(conversation, to, by=user)
    words = _("Assigned to %(name)s.", name=to.display_name)
    return done(conversation, "work/assign_conversation.swap.html", words)


@work_acts.post("/conversations/<uuid:conversation_id>/snooze")
def snooze_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    snoozing.snooze(conversation, user, moment_in_form())
    return put_away(conversation, _("Snoozed."))


@work_acts.post("/conversations/<uuid:conversation_id>/waking")
def wake_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    snoozing.wake(conversation, by=user)
    return done(conversation, "work/wake_conversation.swap.html", _("The snooze has ended."))


@work_acts.post("/conversations/<uuid:conversation_id>/closing")
def close_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    closing.close(conversation, by=user)
    return put_away(conversation, _("Closed."))


@work_acts.post("/conversations/<uuid:conversation_id>/reopening")
def reopen_conversation(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    closing.reopen(conversation, by=user)
    return done(conversation, "work/reopen_conversation.swap.html", _("Open again."))


@work_acts.post("/conversations/<uuid:conversation_id>/spam")
def put_into_spam(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    closing.put_into_spam(conversation, by=user)
    return put_away(conversation, _("Put into the spam."))


@work_acts.post("/conversations/<uuid:conversation_id>/tags")
def add_tag(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    tag = tagging.add(conversation, request.form.get("name", ""), by=user)
    words = _("Tagged “%(name)s”.", name=tag.name)
    return done(conversation, "work/add_tag.swap.html", words)


@work_acts.post("/conversations/<uuid:conversation_id>/tags/<uuid:tag_id>/removal")
def remove_tag(conversation_id: UUID, tag_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    tag = tagging.find_tag(user.account_id, tag_id)
    tagging.remove(conversation, tag, by=user)
    words = _("Took “%(name)s” off.", name=tag.name)
    return done(conversation, "work/remove_tag.swap.html", words)


@work_acts.post("/conversations/<uuid:conversation_id>/notes")
def add_note(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    note = noting.add(conversation, request.form.get("body", ""), by=user)
    swap, place = "work/add_note.swap.html", f"#note-{note.id}"
    return done(conversation, swap, _("Noted."), place, note=shown(note))


@work_acts.post("/notes/<uuid:note_id>/change")
def change_note(note_id: UUID) -> ResponseReturnValue:
    user = this_user()
    note = noting.find_note(user.account_id, note_id)
    noting.change(note, request.form.get("body", ""), by=user)
    conversation = queries.find_conversation(user.account_id, note.conversation_id)
    swap, place = "work/change_note.swap.html", f"#note-{note.id}"
    return done(conversation, swap, _("Changed."), place, note=shown(note))


@work_acts.post("/notes/<uuid:note_id>/removal")
def remove_note(note_id: UUID) -> ResponseReturnValue:
    user = this_user()
    note = noting.find_note(user.account_id, note_id)
    conversation = queries.find_conversation(user.account_id, note.conversation_id)
    noting.remove(note, by=user)
    return done(conversation, "work/remove_note.swap.html", _("Deleted."))


@work_acts.post("/conversations/<uuid:conversation_id>/replies")
def begin_reply(conversation_id: UUID) -> ResponseReturnValue:
    user = this_user()
    conversation = queries.find_conversation(user.account_id, conversation_id)
    path = f"/review/{handwriting.begin_reply(conversation, by=user).id}?edit=1"
    return ("", 200, {"HX-Redirect": path}) if is_swap() else redirect(path, 303)


def done(
    conversation: Conversation, swap: str, words: str, place: str = "", **beside: Any
) -> ResponseReturnValue:
    """The acts as they are now, where they stand; `words` are for a screen reader."""
    draft_id = draft_beside()
    page = f"/review/{draft_id}" if draft_id else f"/conversations/{conversation.id}"
    drawn = {"conversation": conversation, "draft_id": draft_id, "words": words, **beside}
    return swap_or_redirect(swap, to=f"{page}{place}", **drawn)


def put_away(conversation: Conversation, words: str) -> ResponseReturnValue:
    """At the gate the next draft, since this one waits no more; else the page as it is now."""
    draft_id = draft_beside()
    if draft_id is None:
        return drawn_again(conversation.id)
    desk = desk_after(find_draft(this_user().account_id, draft_id))
    answer = make_response(
        swap_or_redirect("work/put_away.swap.html", to=address_of(desk), words=words, **desk)
    )
    answer.headers["HX-Push-Url"] = address_of(desk)
    return answer


def draft_beside() -> UUID | None:
    return request.form.get("draft", type=UUID)

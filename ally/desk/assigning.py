"""Whose a conversation is."""

from uuid import UUID

from sqlalchemy import select

from ally import marks
from ally.accounts.models import User
from ally.accounts.users import OPERATOR
from ally.db import db
from ally.desk.models import Conversation
from ally.desk.pending import hold_to_change
from ally.errors import Conflict, Invalid
from ally.events import trail
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType


def assign(conversation: Conversation, to: User, by: User) -> None:
    """Make the conversation theirs, and tell them, unless they did it themselves.

    Nothing happens when it is theirs.  Raises Conflict when the conversation was merged.
    """
    held = hold_to_change(conversation.id)
    if held.assignee_id == to.id:
        return
    held.assignee_id = to.id
    if to.id == by.id:
        trail.record(held, "conversation.taken", by=by)
        return
    trail.record(held, "conversation.assigned", by=by, to=to.display_name)
    feed.notify(
        held.account_id,
        NotificationType.ASSIGNED,
        to=[to.id],
        by=by.display_name,
        about=marks.shortened(held.subject or ""),
        url=f"/conversations/{held.id}",
        conversation_id=str(held.id),
    )


def unassign(conversation: Conversation, by: User) -> None:
    """Make the conversation nobody's.  Raises Conflict when it was merged."""
    held = hold_to_change(conversation.id)
    if held.assignee_id is None:
        return
    before = db.session.get_one(User, held.assignee_id)
    held.assignee_id = None
    trail.record(held, "conversation.unassigned", by=by, before=before.display_name)


def let_go_of(user: User, by: User | None) -> None:
    """Make nobody's what is the user's, since `by`, or else an operator, has shut them out."""
    theirs = (
        select(Conversation)
        .where(Conversation.account_id == user.account_id, Conversation.assignee_id == user.id)
        .order_by(Conversation.id)
        .with_for_update()
    )
    for held in db.session.scalars(theirs).all():
        held.assignee_id, before = None, user.display_name
        trail.record(held, "conversation.unassigned", by=by, actor_name=OPERATOR, before=before)


def refuse_if_moved(conversation: Conversation, seen: UUID | None) -> None:
    """Raises Conflict when the conversation, which is held, is no longer whose it was on the
    screen."""
    held = hold_to_change(conversation.id)
    if held.assignee_id == seen:
        return
    holder = db.session.get(User, held.assignee_id) if held.assignee_id else None
    if holder is None:
        raise Conflict(_("Somebody was faster: this is nobody's now. Look again."))
    raise Conflict(
        _("Somebody was faster: this is %(name)s's now. Look again.", name=holder.display_name)
    )


def find_colleague(account_id: UUID, user_id: UUID) -> User:
    """The account's active user.  Raises Invalid: there may have been one a moment ago."""
    found = db.session.scalar(
        select(User).where(User.account_id == account_id, User.id == user_id, User.is_active)
    )
    if found is None:
        raise Invalid(_("Nobody of that name works here any more. Choose somebody else."))
    return found

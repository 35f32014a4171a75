"""Notes of colleagues to each other: never sent, never quoted, never read by a writer."""

from uuid import UUID

from sqlalchemy import delete, select, update

from ally import marks
from ally.accounts.models import User
from ally.db import db
from ally.desk.models import Conversation, Mention, Note
from ally.desk.naming import colleagues_of, named_in
from ally.desk.pending import hold_to_change
from ally.errors import Invalid, NotAllowed, NotFound
from ally.events import trail
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType
from ally.review.diff import refuse_unstorable

LONGEST = 10_000  # characters


def add(conversation: Conversation, body: str, by: User) -> Note:
    """Write a note, and tell the colleagues whom it names.

    Raises Invalid for no words or too many, Conflict when the conversation was merged.
    """
    words = words_of(body)
    held = hold_to_change(conversation.id)
    note = Note(account_id=held.account_id, conversation_id=held.id, author_id=by.id, body=words)
    db.session.add(note)
    db.session.flush()  # its id goes into the mentions and the event
    trail.record(note, "note.added", by=by)
    mention(note, held, by)
    return note


def change(note: Note, body: str, by: User) -> None:
    """Write the note anew; who was named before is not told again.

    Raises NotAllowed for somebody else's, Invalid as `add` does.
    """
    words = words_of(body)
    held = hold_to_change(note.conversation_id)
    note = find_note(note.account_id, note.id)  # as it is now
    refuse_unless_own(note, by)
    if words == note.body:
        return
    note.body = words
    trail.record(note, "note.changed", by=by)
    mention(note, held, by)


def remove(note: Note, by: User) -> None:
    """Delete the note; that there was one stays on the timeline.  Raises NotAllowed."""
    hold_to_change(note.conversation_id)
    note = find_note(note.account_id, note.id)  # it may be gone
    refuse_unless_own(note, by)
    trail.record(note, "note.removed", by=by)
    db.session.delete(note)


def bring_along(conversation: Conversation, into: Conversation) -> None:
    """Move the notes of one conversation to another."""
    db.session.execute(
        update(Note)
        .where(Note.account_id == conversation.account_id, Note.conversation_id == conversation.id)
        .values(conversation_id=into.id, updated_at=Note.updated_at)
    )


def find_note(account_id: UUID, note_id: UUID) -> Note:
    """The account's note.  Raises NotFound."""
    found = db.session.scalar(
        select(Note)
        .where(Note.account_id == account_id, Note.id == note_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such note."))
    return found


def words_of(body: str) -> str:
    refuse_unstorable(body)
    words = body.replace("\r\n", "\n").strip()
    if not words:
        raise Invalid(_("Write the note first."))
    if len(words) > LONGEST:
        raise Invalid(_("A note has at most %(most)s characters. Shorten it.", most=f"{LONGEST:,}"))
    return words


def refuse_unless_own(note: Note, by: User) -> None:
    if note.author_id != by.id:
        raise NotAllowed(_("Only who wrote a note may change or delete it."))


def mention(note: Note, conversation: Conversation, by: User) -> None:
    """Keep whom the note names now, and tell those who were not named before."""
    before = set(db.session.scalars(select(Mention.user_id).where(Mention.note_id == note.id)))
    named = {user.id: user for user in named_in(note.body, colleagues_of(note.account_id))}
    db.session.execute(
        delete(Mention).where(Mention.note_id == note.id, Mention.user_id.not_in(named))
    )
    for user_id in named.keys() - before:
        db.session.add(Mention(note_id=note.id, user_id=user_id, account_id=note.account_id))
        if user_id != by.id:
            tell(user_id, note, conversation, by)


def tell(user_id: UUID, note: Note, conversation: Conversation, by: User) -> None:
    feed.notify(
        note.account_id,
        NotificationType.MENTION,
        to=[user_id],
        by=by.display_name,
        about=marks.shortened(conversation.subject or ""),
        url=f"/conversations/{conversation.id}#note-{note.id}",
        conversation_id=str(conversation.id),
        note_id=str(note.id),
    )

"""The files that go along with a reply: put on and taken off while it waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from ally.accounts.models import User
from ally.channels import files
from ally.channels.mail.encode import UNKNOWN_TYPE, type_of
from ally.channels.mail.names import safe_name
from ally.db import db
from ally.desk.downloads import IMAGES, PDF
from ally.desk.models import Attachment
from ally.desk.outgoing import MOST_BYTES, adapter_of, files_of
from ally.desk.previews import shown_type
from ally.desk.replies import conversation_of
from ally.errors import Invalid, NotFound, TooLarge
from ally.events import trail
from ally.language import _
from ally.marks import size
from ally.review import claims
from ally.review.decisions import refuse_unless_open
from ally.review.models import Draft, DraftStatus

SHOWN_TYPES = {*IMAGES, PDF}  # told by the content alone
MOST_FILES = 50  # of one reply


@dataclass(frozen=True)
class Upload:
    """A file as a browser hands it over: its name and type are what somebody says of it."""

    name: str
    mime_type: str
    content: bytes


def attach(draft: Draft, uploads: Sequence[Upload], by: User) -> None:
    """Put the files on the reply, which must be held.

    Raises AlreadyDecided, HeldByAnother, TooLarge, and Invalid when there is none, or one is
    empty, or the channel takes none.
    """
    refuse_unless_open(draft, by)
    if not adapter_of(conversation_of(draft)).capabilities.attachments:
        raise Invalid(_("Files cannot be sent on this channel."))
    if not uploads:
        raise Invalid(_("Choose a file first."))
    before = files_of(draft)
    refuse_too_many(before, uploads)
    for number, upload in enumerate(uploads, start=len(before) + 1):
        added = attachment_of(draft, upload, number)
        db.session.add(added)
        db.session.flush()  # one after the other, as they were chosen
        trail.record(draft, "draft.file_added", by=by, name=added.file_name, size=added.size_bytes)


def take_off(draft: Draft, attachment_id: UUID, by: User) -> None:
    """Take a file off the reply, which must be held.  Raises NotFound, AlreadyDecided and
    HeldByAnother."""
    found = db.session.scalar(
        select(Attachment).where(
            Attachment.account_id == draft.account_id,
            Attachment.draft_id == draft.id,
            Attachment.id == attachment_id,
        )
    )
    if found is None:
        raise NotFound(_("This file is not on the reply."))
    refuse_unless_open(draft, by)
    db.session.delete(found)
    trail.record(draft, "draft.file_removed", by=by, name=found.file_name)
    db.session.flush()  # the answer shows those that are left


def take_along(before: Draft, draft: Draft, by: User) -> None:
    """Put the files of a draft that was set aside on the one in its place, which must be held.

    Nothing happens when the place is another's, or when the draft was decided on.
    """
    is_its_place = before.conversation_id == draft.conversation_id and before.id != draft.id
    was_set_aside = before.status is DraftStatus.SUPERSEDED and draft.is_pending
    if not (is_its_place and was_set_aside) or claims.other_holder(draft, by):
        return
    for file in files_of(before):
        file.draft_id = draft.id
        trail.record(draft, "draft.file_added", by=by, name=file.file_name, size=file.size_bytes)
    db.session.flush()  # the answer shows them


def refuse_too_many(before: Sequence[Attachment], uploads: Sequence[Upload]) -> None:
    if len(before) + len(uploads) > MOST_FILES:
        raise Invalid(_("At most %(most)d files can go along.", most=MOST_FILES))
    for upload in uploads:
        if not upload.content:
            raise Invalid(_("“%(name)s” is empty.", name=safe_name(upload.name, "", 1)))
    total = sum(file.size_bytes for file in before) + sum(len(file.content) for file in uploads)
    if total > MOST_BYTES:
        raise TooLarge(too_large(total))


def too_large(total: int) -> str:
    """Why that many bytes cannot be sent."""
    held, most = size(total), size(MOST_BYTES)
    return _("The files have %(held)s together, and %(most)s can be sent.", held=held, most=most)


def attachment_of(draft: Draft, upload: Upload, number: int) -> Attachment:
    told = upload.mime_type.split(";")[0].strip().lower()
    known = shown_type(upload.content)
    return Attachment(
        account_id=draft.account_id,
        draft_id=draft.id,
        file_name=safe_name(upload.name, told, number),
        mime_type=known if known != UNKNOWN_TYPE else type_beside(told),
        size_bytes=len(upload.content),
        file_url=files.store(upload.content),
    )


def type_beside(told: str) -> str:
    """What somebody says the file is, unless its content would have shown that."""
    return UNKNOWN_TYPE if told in SHOWN_TYPES else type_of(told)

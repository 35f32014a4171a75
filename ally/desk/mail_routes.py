"""Pages that show a mail itself: laid out, as it came, its files, on paper."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.channels import files
from ally.desk import downloads, frames, previews, queries
from ally.desk.original import original_of
from ally.desk.threads import printed
from ally.errors import NotAllowed, NotFound
from ally.language import _

# What a browser may want any of this for: to show it or to save it, and not as a part of
# a page's own works, such as a script, a style or a worker.
PURPOSES = {"document", "iframe", "frame", "image", "empty"}

mail_pages = Blueprint("mail", __name__)


@mail_pages.before_request
def refuse_misuse() -> None:
    """Raises NotAllowed for what came from outside and is asked for as a part of a page."""
    if request.headers.get("Sec-Fetch-Dest", "document") not in PURPOSES:
        raise NotAllowed(_("This can be looked at or saved, and used for nothing else."))


@mail_pages.get("/messages/<uuid:message_id>/frame")
def frame(message_id: UUID) -> ResponseReturnValue:
    message = queries.find_message(this_user().account_id, message_id)
    if not message.body_html:
        raise NotFound(_("This message has no HTML part."))
    own = previews.own_images(message)
    document, headers = frames.framed(message.body_html, own, images="images" in request.args)
    return document, 200, headers


@mail_pages.get("/messages/<uuid:message_id>/original")
def original(message_id: UUID) -> ResponseReturnValue:
    message = queries.find_message(this_user().account_id, message_id)
    conversation = queries.find_conversation(message.account_id, message.conversation_id)
    return render_template(
        "desk/original.html",
        message=message,
        conversation=conversation,
        original=original_of(message),
    )


@mail_pages.get("/messages/<uuid:message_id>/original.eml")
def original_file(message_id: UUID) -> ResponseReturnValue:
    found = original_of(queries.find_message(this_user().account_id, message_id))
    return found.content, 200, downloads.headers_of_original(found.name, found.kind)


@mail_pages.get("/attachments/<uuid:attachment_id>")
def attachment(attachment_id: UUID) -> ResponseReturnValue:
    found = queries.find_attachment(this_user().account_id, attachment_id)
    content = files.read(found.file_url)
    return content, 200, downloads.headers_of_file(found.file_name, content)


@mail_pages.get("/attachments/<uuid:attachment_id>/preview")
def preview(attachment_id: UUID) -> ResponseReturnValue:
    found = queries.find_attachment(this_user().account_id, attachment_id)
    return render_template(
        "desk/preview.html",
        attachment=found,
        preview=previews.preview_of(found),
        conversation_id=queries.conversation_of_file(found),
    )


@mail_pages.get("/attachments/<uuid:attachment_id>/inline")
def inline(attachment_id: UUID) -> ResponseReturnValue:
    found = queries.find_attachment(this_user().account_id, attachment_id)
    content, kind = previews.shown_content(found)
    return content, 200, downloads.headers_of_shown(found.file_name, kind)


@mail_pages.get("/conversations/<uuid:conversation_id>/print")
def print_conversation(conversation_id: UUID) -> ResponseReturnValue:
    found = queries.find_conversation(this_user().account_id, conversation_id)
    return render_template(
        "desk/print.html",
        conversation=found,
        printed=printed(found, request.args.get("before", "")),
        with_quotes="quotes" in request.args,
    )

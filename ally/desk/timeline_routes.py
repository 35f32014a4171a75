"""The timeline of a conversation: as a page, on paper, and as a file that proves itself."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.desk import queries, story, timeline_export
from ally.events import topics
from ally.events.reading import Order
from ally.web import streamed

timeline_pages = Blueprint("timelines", __name__)


@timeline_pages.get("/conversations/<uuid:conversation_id>/timeline")
def timeline(conversation_id: UUID) -> ResponseReturnValue:
    found = queries.find_conversation(this_user().account_id, conversation_id)
    told = story.story_of(found, **asked())
    return render_template("desk/timeline.html", conversation=found, story=told, kinds=topics.KINDS)


@timeline_pages.get("/conversations/<uuid:conversation_id>/timeline/print")
def print_timeline(conversation_id: UUID) -> ResponseReturnValue:
    found = queries.find_conversation(this_user().account_id, conversation_id)
    told = story.story_of(found, **asked(), length=story.PRINTED)
    return render_template(
        "desk/timeline_print.html", conversation=found, story=told, kinds=topics.KINDS
    )


@timeline_pages.get("/conversations/<uuid:conversation_id>/timeline.json")
def export_timeline(conversation_id: UUID) -> ResponseReturnValue:
    """The whole timeline, with all that proves it."""
    found = queries.find_conversation(this_user().account_id, conversation_id)
    return streamed(
        timeline_export.pieces_of(found),
        kind="application/json",
        name=f"timeline-{found.id}.json",
    )


def asked() -> dict[str, Any]:
    show = request.args.get("show", "all")
    return {
        "show": show if show in topics.KINDS else "all",
        "order": Order.NEWEST if request.args.get("order") == "newest" else Order.OLDEST,
        "after": request.args.get("after", ""),
        "before": request.args.get("before", ""),
    }

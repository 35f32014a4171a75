"""The desk's pages."""

from typing import Any
from uuid import UUID

from flask import Blueprint, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from ally import clock
from ally.accounts.access import this_user
from ally.channels import files, outbox
from ally.desk import downloads, opened, queries, story
from ally.errors import Invalid
from ally.review import diff
from ally.review import routes as review_routes
from ally.review.queries import find_draft
from ally.web import is_swap, page_or_fragment, swap_or_redirect

desk_pages = Blueprint("desk", __name__)


@desk_pages.app_context_processor
def rail() -> dict[str, Any]:
    """What every page's rail and the queue count, asked for once and only if drawn."""
    return {"badges": badges, "now": clock.now}


def badges() -> Any:
    if "badges" not in g:
        user = this_user()
        g.badges = queries.badges(user.account_id, user.id)
    return g.badges


@desk_pages.get("/review")
def queue() -> ResponseReturnValue:
    return page_or_fragment("desk/review.html", "desk/_review.html", **desk(None))


@desk_pages.get("/review/<uuid:draft_id>")
def review(draft_id: UUID) -> ResponseReturnValue:
    return page_or_fragment("desk/review.html", "desk/_review.html", **desk(draft_id))


def desk(draft_id: UUID | None, text: str | None = None, mode: str = "preview") -> dict[str, Any]:
    """What the review page is drawn from; without an id the draft that has waited longest."""
    user, tab = this_user(), request.args.get("tab", "all")
    page = queries.waiting(user.account_id, user.id, tab, request.args.get("after", ""))
    shown = draft_id or (page.rows[0].id if page.rows else None)
    return {
        "page": page,
        "tab": tab if tab in queries.TABS else "all",
        "opened": opened.open_draft(user.account_id, shown, text) if shown else None,
        "chosen": draft_id is not None,
        "mode": "write" if "edit" in request.args else mode,
        "rejecting": "reject" in request.args,
        "undoable": opened.undoable_by(user),
        "late_before": clock.now() - queries.LATE_AFTER,
        "pulse": pulse(shown),
    }


# The gate answers a decision with the desk's next draft; it may not know the desk.
review_routes.draw_with(desk)


@desk_pages.get("/review/waiting")
def waiting() -> ResponseReturnValue:
    """The queue again, for a page that is open; 304 as long as nothing has changed."""
    user, tab = this_user(), request.args.get("tab", "all")
    shown = request.args.get("open", type=UUID)
    tag = pulse(shown)
    if request.headers.get("If-None-Match") == tag:
        return "", 304
    return render_template(
        "desk/waiting.swap.html",
        page=queries.waiting(user.account_id, user.id, tab),
        tab=tab if tab in queries.TABS else "all",
        news=queries.news_of(user.account_id, shown) if shown else None,
        pulse=tag,
        late_before=clock.now() - queries.LATE_AFTER,
    )


def pulse(shown: UUID | None) -> str:
    """A tag that changes whenever the queue, or what is told about the shown draft, would."""
    counted = badges()
    user = this_user()
    news = queries.news_of(user.account_id, shown) if shown else None
    parts = (clock.now().strftime("%H%M"), *counted, *(news or ()))
    return f'"{hash_of(parts)}"'


@desk_pages.post("/drafts/<uuid:draft_id>/changes")
def draft_changes(draft_id: UUID) -> ResponseReturnValue:
    return draft_drawn(draft_id, mode="changes")


@desk_pages.post("/drafts/<uuid:draft_id>/preview")
def draft_preview(draft_id: UUID) -> ResponseReturnValue:
    return draft_drawn(draft_id, mode="preview")

"""The Notifications page."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ally.notifications import feed as lines
from ally.web import swap_or_redirect

PAGE_LENGTH = 50  # lines that are drawn at once

notification_pages = Blueprint("notifications", __name__)


@notification_pages.get("/notifications")
def feed() -> ResponseReturnValue:
    after = request.args.get("after", type=UUID)
    found = lines.feed_of(current_user.user, after=after, limit=PAGE_LENGTH + 1)
    shown = found[:PAGE_LENGTH]
    following = shown[-1].id if len(found) > PAGE_LENGTH else None
    return render_template("notifications/feed.html", lines=shown, following=following)


@notification_pages.post("/notifications/read")
@notification_pages.post("/notifications/<uuid:notification_id>/read")
def mark_read(notification_id: UUID | None = None) -> ResponseReturnValue:
    """One line with its id, all of them without."""
    lines.mark_read(current_user.user, notification_id)
    found = lines.feed_of(current_user.user, limit=PAGE_LENGTH)
    return swap_or_redirect("notifications/mark_read.swap.html", to="/notifications", lines=found)

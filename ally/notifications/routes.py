"""The Notifications page, what is new, and what each person wants to hear of."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ally.language import _
from ally.notifications import feed as lines
from ally.notifications.words import KINDS, title_of
from ally.web import page_or_fragment, swap_or_redirect

PAGE_LENGTH = 50  # lines that are drawn at once

notification_pages = Blueprint("notifications", __name__)


@notification_pages.get("/notifications")
def feed() -> ResponseReturnValue:
    after = request.args.get("after", type=UUID)
    found = lines.feed_of(current_user.user, after=after, limit=PAGE_LENGTH + 1)
    shown = found[:PAGE_LENGTH]
    following = shown[-1].id if len(found) > PAGE_LENGTH else None
    return page_or_fragment(
        "notifications/feed.html",
        "notifications/_feed.html",
        lines=shown,
        following=following,
        is_first=after is None,
    )


@notification_pages.get("/notifications/new")
def new_lines() -> ResponseReturnValue:
    """What has come since the line `after`, for a page that is open."""
    after = request.args.get("after", type=UUID)
    return render_template(
        "notifications/_new.html", lines=lines.lines_since(current_user.user, after)
    )


@notification_pages.post("/notifications/read")
@notification_pages.post("/notifications/<uuid:notification_id>/read")
def mark_read(notification_id: UUID | None = None) -> ResponseReturnValue:
    """One line with its id, all of them without."""
    lines.mark_read(current_user.user, notification_id)
    found = lines.feed_of(current_user.user, limit=PAGE_LENGTH)
    return swap_or_redirect(
        "notifications/mark_read.swap.html", to="/notifications", lines=found, is_first=True
    )


@notification_pages.get("/notifications/settings")
def wanted() -> ResponseReturnValue:
    return render_template("notifications/wanted.html", kinds=KINDS, said="")


@notification_pages.post("/notifications/settings")
def choose_wanted() -> ResponseReturnValue:
    chosen = request.form.getlist("kind")
    lines.mute(current_user.user, [kind for kind in KINDS if kind not in chosen])
    return swap_or_redirect(
        "notifications/choose_wanted.swap.html",
        to="/notifications/settings",
        kinds=KINDS,
        said=_("Saved."),
    )


@notification_pages.app_template_global()
def title_of_line(line: lines.Notification) -> str:
    return title_of(line.payload, line.type)

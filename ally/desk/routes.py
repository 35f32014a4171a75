"""The desk's pages."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ally import clock
from ally.accounts.access import this_user
from ally.desk import customers, flags, opened, queries
from ally.desk import keys as key_list
from ally.desk import places as rail_places
from ally.desk import queue as order
from ally.desk.opened import NOTHING
from ally.desk.replies import envelope_taken_back
from ally.desk.threads import thread_of
from ally.language import language, local, zone
from ally.notifications import feed
from ally.paging import Page
from ally.review import decisions
from ally.review import routes as gate
from ally.review.later import send_times
from ally.review.models import Draft
from ally.review.queries import find_draft, last_taken_back
from ally.web import has_page, is_swap, page_or_fragment

desk_pages = Blueprint("desk", __name__)


@desk_pages.get("/review")
def queue() -> ResponseReturnValue:
    return page_or_fragment("desk/review.html", "desk/_review.html", **desk(None))


@desk_pages.get("/review/<uuid:draft_id>")
def review(draft_id: UUID) -> ResponseReturnValue:
    words_of = request.args.get("words_of", type=UUID)
    text, beside = taken_back(words_of)
    draw = draft_open if is_swap() else desk
    drawn = draw(draft_id, text, beside=beside)
    return page_or_fragment("desk/review.html", "desk/_review.html", **drawn)


@desk_pages.get("/review/waiting")
def waiting() -> ResponseReturnValue:
    """The queue again, for a page that is open; 304 as long as nothing has changed."""
    shown = request.args.get("open", type=UUID)
    tag = pulse(shown)
    if request.args.get("tag") == tag:
        return "", 304
    page = waiting_page(request.args.get("after", ""))
    return render_template("desk/waiting.swap.html", **rows_of(page, shown))


@desk_pages.get("/review/rows")
def more_rows() -> ResponseReturnValue:
    """The rows after a place in the queue, for a page that already shows the ones before."""
    page = waiting_page(request.args.get("after", ""))
    shown = request.args.get("open", type=UUID)
    return page_or_fragment(
        "desk/review.html",
        "desk/_more_rows.html",
        **(rows_of(page, shown) if is_swap() else desk(None)),
    )


@desk_pages.get("/review/<uuid:draft_id>/next")
def next_draft(draft_id: UUID) -> ResponseReturnValue:
    """Go on to the draft after this one, which stays as it is."""
    draft = find_draft(this_user().account_id, draft_id)
    return gate.answer_elsewhere("desk/next_draft.swap.html", desk_after(draft))


@desk_pages.get("/conversations/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    found, draft_id = queries.find_with_waiting_draft(this_user().account_id, conversation_id)
    mark_read_at(f"/conversations/{conversation_id}")
    thread = thread_of(found, unfolded=20, before=request.args.get("before", ""))
    told = {"conversation": found, "thread": thread, "originals": True}
    if is_swap():
        beside = {
            "draft_id": request.args.get("draft", type=UUID),
            "acts": not found.merged_into_id,
        }
        return page_or_fragment("desk/conversation.html", "desk/_earlier.html", **told, **beside)
    find = request.args.get("find", "")[:200]
    return page_or_fragment(
        "desk/conversation.html",
        "desk/_earlier.html",
        **told,
        waiting_draft=draft_id,
        notices=flags.notices_in(found) if thread.has_flags else [],
        merged_into=queries.merged_into(found),
        addresses=customers.addresses_of(found),
        others=customers.others_of(found, find),
        find=find,
        merging="merge" in request.args,
    )


@desk_pages.get("/keys")
def keys() -> ResponseReturnValue:
    return render_template("desk/keys.html")


@desk_pages.app_context_processor
def rail() -> dict[str, Any]:
    """What every page's rail counts; asked for when it is drawn, once."""
    return {
        "badges": badges,
        "places": places,
        "key_sheet": key_list.sheet,
        "keys_and_commands": keys_and_commands,
        "conversations_with": conversations_with,
    }


def conversations_with(email: str) -> Any:
    """The newest conversations with this address, for a page of whoever else it belongs to."""
    return queries.conversations_with(this_user().account_id, email)


def keys_and_commands() -> Markup:
    """The sheet of keys and the palette, which change only with the reader's language and role."""
    user = this_user()
    return drawn_keys(language(), user.role, user.single_keys, has_page("/dev/outbox"))


@cache
def drawn_keys(*_of: object) -> Markup:
    return Markup(render_template("desk/_keys.html"))  # noqa: S704  # a template of ours


def places(which: str) -> list[rail_places.Place]:
    """The places of the rail that there are, and that the user may go to."""
    user = this_user()
    all_of = {
        "first": rail_places.FIRST,
        "community": rail_places.COMMUNITY,
        "operations": rail_places.OPERATIONS,
    }[which]
    return [place for place in all_of if has_page(place.path) and place.is_for(user)]


def badges() -> Any:
    if "badges" not in g:
        user = this_user()
        g.badges = queries.badges(user.account_id, user.id)
    return g.badges


def mark_read_at(place: str) -> None:
    """Mark what leads here as read, and count anew; without a question when nothing is unread."""
    if badges().unread:
        feed.mark_read_at(this_user(), place)
        del g.badges


def desk_with(draft_id: UUID, words_of: UUID | None = None) -> dict[str, Any]:
    """The desk with a draft open; with what was decided of the draft `words_of` and taken back."""
    text, beside = taken_back(words_of)
    return desk(draft_id, text, beside=beside) | {"words_of": words_of}


def taken_back(draft_id: UUID | None) -> tuple[str | None, Mapping[str, str]]:
    """The text and what else was typed for an approval of the draft that was taken back."""
    action = last_taken_back(this_user().account_id, draft_id) if draft_id else None
    if action is None or action.final_text is None:
        return None, NOTHING
    return action.final_text, envelope_taken_back(action)


def desk(
    draft_id: UUID | None,
    text: str | None = None,
    mode: str = "changes",
    beside: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """What the review page is drawn from; without an id, the draft that has waited longest."""
    after = request.args.get("after", "")
    page = waiting_page(after)
    shown = draft_id or (page.rows[0].id if page.rows else None)
    drawn = draft_open(shown, text, mode, beside)
    if not (after or is_swap()) and page.next and all(row.id != shown for row in page.rows):
        # Far down the queue: what is seen of it begins with the draft that lies open.
        after = order.before(drawn["opened"].draft, tab_asked_for())
        page = waiting_page(after)
    about = {"chosen": draft_id is not None, "undoable": opened.undoable_by(this_user())}
    return drawn | rows_of(page, shown) | about | {"after": after}


def desk_after(draft: Draft) -> dict[str, Any]:
    """The desk after a decision: the next draft of the queue, or the first when it was the last."""
    page = waiting_page()
    follows = order.next_after(draft, this_user(), tab_asked_for(), page)
    shown = follows.draft_id
    beside = {"undoable": opened.undoable_by(this_user()), "began_again": follows.began_again}
    return draft_open(shown) | rows_of(page, shown) | beside


# The gate answers an act with the desk as it is then, and may not know the desk itself.
gate.draw_with(desk_with, desk_after)


def draft_open(
    shown: UUID | None,
    text: str | None = None,
    mode: str = "changes",
    beside: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """What the columns of one draft are drawn from; of an empty desk without one."""
    user = this_user()
    if shown is not None:
        mark_read_at(f"/review/{shown}")
    return {
        "at_the_end": None if shown else order.at_the_end(user, start_of_today()),
        "opened": opened.open_draft(user.account_id, shown, text, beside) if shown else None,
        "shown": shown,
        "chosen": shown is not None,
        "tab": tab_asked_for(),
        "mode": "write" if "edit" in request.args else mode,
        "rejecting": "reject" in request.args,
        "news": news_of(shown),
        "undo_seconds": round(decisions.undo_window.total_seconds()),
        "send_times": send_times(zone()),
        "send_later": NOTHING,
        "reasons": decisions.REASONS_IN_WORDS.items(),
    }


def rows_of(page: Page, shown: UUID | None) -> dict[str, Any]:
    """What the queue is drawn from."""
    return {
        "after": request.args.get("after", ""),
        "waiting": page,
        "shown": shown,
        "tab": tab_asked_for(),
        "news": news_of(shown),
        "late_before": clock.now() - queries.LATE_AFTER,
        "tag": pulse(shown),
    }


def waiting_page(after: str = "") -> Page:
    user = this_user()
    return queries.waiting(user.account_id, user.id, tab_asked_for(), after)


def pulse(shown: UUID | None) -> str:
    """A tag that changes when the queue would, or the news of the draft that is shown."""
    return queries.tag_of(shown, *badges(), *(news_of(shown) or ()))


def news_of(shown: UUID | None) -> Any:
    if "news" not in g:
        g.news = queries.news_of(this_user().account_id, shown) if shown else None
    return g.news


def start_of_today() -> datetime:
    """When the reader's day began."""
    return local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)


def tab_asked_for() -> str:
    tab = request.args.get("tab", "all")
    return tab if tab in queries.TABS else "all"

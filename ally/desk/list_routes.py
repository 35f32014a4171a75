"""The list of conversations: what is searched for in it, and the views that are kept of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from ally import clock, throttle
from ally.accounts.access import this_user
from ally.desk import letters, search, search_queries, views
from ally.desk.hits import Marker
from ally.desk.search import By, Is, Query, Wanted
from ally.desk.search_queries import Found, TooSlow
from ally.language import local

conversation_lists = Blueprint("lists", __name__)

TABS = (Is.OPEN, Is.MINE, Is.UNASSIGNED, Is.SNOOZED, Is.CLOSED)
TROUBLES = (Is.QUARANTINED, Is.UNDELIVERED, Is.SPAM)
SUGGESTED = 5  # conversations, and as many customers
SEARCHES = 120  # of one person in a minute
SUGGESTIONS = 300  # of one person in a minute: nearly one for each letter typed
MINUTE = timedelta(minutes=1)


@conversation_lists.get("/conversations")
def conversations() -> ResponseReturnValue:
    return render_template("desk/conversations.html", **listed(asked_for()))


@conversation_lists.get("/search/suggestions")
def suggestions() -> ResponseReturnValue:
    """The best conversations and customers for what is typed, as a list of links."""
    user, query = this_user(), search.read(request.args.get("q", ""), local(clock.now()))
    rows: Sequence[Row[Any]] = []
    customers: Sequence[Row[Any]] = []
    if not query.is_empty:
        throttle.limit(f"suggestions:{user.id}", hits=SUGGESTIONS, per=MINUTE)
        rows = search_queries.find(query, user, most=SUGGESTED).rows
        customers = search_queries.customers(query, user, most=SUGGESTED)
    return render_template(
        "desk/_suggestions.html", rows=rows, customers=customers, query=query, mark=Marker(query)
    )


@conversation_lists.get("/views")
def saved_views() -> ResponseReturnValue:
    return render_template("desk/views.html", views=views.views_of(this_user()))


@conversation_lists.post("/views")
def save_view() -> ResponseReturnValue:
    user, form = this_user(), request.form
    save = views.save_for_everybody if form.get("everybody") else views.save_for_oneself
    view = save(user, form.get("name", ""), form.get("query", ""))
    return to_list(view.query)


@conversation_lists.post("/views/<uuid:view_id>/name")
def rename_view(view_id: UUID) -> ResponseReturnValue:
    view = views.find_view(this_user(), view_id)
    views.rename(view, request.form.get("name", ""))
    return redirect("/views", 303)


@conversation_lists.post("/views/<uuid:view_id>/removal")
def remove_view(view_id: UUID) -> ResponseReturnValue:
    views.remove(views.find_view(this_user(), view_id))
    return redirect("/views", 303)


def asked_for() -> Query:
    """What the address asks for: `q`, or one of the tabs by its older name, or what is open."""
    written = request.args.get("q", "")
    query = search.read(written, local(clock.now()))
    if not query.is_empty or query.hints:
        return query
    named = search.MEANT.get(request.args.get("show", ""), request.args.get("show", ""))
    kind = Is(named) if named in set(Is) else Is.OPEN
    return Query(written=f"is:{kind}", wanted=(Wanted(kind),))


def listed(query: Query) -> dict[str, Any]:
    """What the list is drawn from.  A search that was given up has `found` None."""
    user = this_user()
    if not search_queries.Asking(query, user).is_quick:
        throttle.limit(f"search:{user.id}", hits=SEARCHES, per=MINUTE)
    found: Found | None = None
    try:
        found = search_queries.find(query, user, request.args.get("before", ""))
    except TooSlow:
        pass
    return {
        "query": query,
        "found": found,
        "mark": Marker(query),
        "tabs": TABS,
        "troubles": TROUBLES,
        "views": views.views_of(user),
        "categories": letters.CATEGORIES,
        "most": search_queries.MOST_LOOKED_AT,
        "is_spam": query.asks(Is.SPAM),
        "has_filters": any(isinstance(one.kind, (Is, By)) for one in query.wanted),
    }


def to_list(query: str) -> ResponseReturnValue:
    return redirect("/conversations?" + urlencode({"q": query}), 303)

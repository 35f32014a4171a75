"""The list of conversations: what is searched for in it, and the views that are kept of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from ally import clock, throttle
from ally.accounts.access import this_user
from ally.desk import bulk, letters, search, search_queries, views
from ally.desk.bulk import ActName, Asked
from ally.desk.hits import Marker
from ally.desk.search import By, Is, Query, Wanted
from ally.desk.search_queries import Found, TooSlow
from ally.desk.together import Outcome
from ally.language import _, local
from ally.web import ids_in_form, is_swap

conversation_lists = Blueprint("lists", __name__)

MOST_TOLD = 8  # refusals that are told one by one
SUGGESTED = 5  # conversations, and as many customers
SEARCHES = 120  # of one person in a minute
SUGGESTIONS = 300  # of one person in a minute: nearly one for each letter typed
MINUTE = timedelta(minutes=1)


@conversation_lists.get("/conversations")
def conversations() -> ResponseReturnValue:
    query, before = asked_for(request.args.get("q", "")), request.args.get("before", "")
    return render_template("desk/conversations.html", **listed(query, before), report=kept_report())


@conversation_lists.post("/conversations/acts")
def act_on_each() -> ResponseReturnValue:
    user, form = this_user(), request.form
    asked = Asked(**{name: form.get(name, "") for name in ("act", "to", "until", "at", "tag")})
    act = bulk.act_of(asked, user, local(clock.now()))
    report = report_of(asked, bulk.act_on_each(ids_in_form("ids"), act, user))
    written, before = form.get("q", ""), form.get("before", "")
    if is_swap():
        drawn = listed(asked_for(written), before)
        return render_template("desk/act_on_each.swap.html", **drawn, report=report)
    session["report"] = asdict(report)
    return redirect("/conversations?" + urlencode({"q": written, "before": before}), 303)


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


@dataclass(frozen=True)
class Report:
    """What an act came to: in words, and the first of the `left` that were left as they were."""

    words: str
    left: int
    refused: list[dict[str, str]]


def report_of(asked: Asked, outcome: Outcome) -> Report:
    told = [
        {"id": str(one.id), "name": one.name[:80], "why": one.why[:160]}
        for one in outcome.refused[:MOST_TOLD]
    ]
    return Report(words_for(asked, len(outcome.done)), len(outcome.refused), told)


def words_for(asked: Asked, count: int) -> str:
    told = {
        ActName.ASSIGN: _("%(count)s assigned.", count=count)
        if asked.to
        else _("%(count)s are nobody's now.", count=count),
        ActName.SNOOZE: _("%(count)s snoozed.", count=count),
        ActName.CLOSE: _("%(count)s closed.", count=count),
        ActName.REOPEN: _("%(count)s reopened.", count=count),
        ActName.TAG: _("%(count)s tagged.", count=count),
        ActName.SPAM: _("%(count)s put into the spam.", count=count),
    }
    return told[ActName(asked.act)]


def kept_report() -> Report | None:
    """What the act before this page came to, told once."""
    kept = session.pop("report", None)
    return Report(**kept) if kept else None


def asked_for(written: str) -> Query:
    """What is asked for; one of the tabs by its older name, or what is open, for nothing."""
    query = search.read(written, local(clock.now()))
    if not query.is_empty or query.hints:
        return query
    named = search.MEANT.get(request.args.get("show", ""), request.args.get("show", ""))
    kind = Is(named) if named in set(Is) else Is.OPEN
    return Query(written=f"is:{kind}", wanted=(Wanted(kind),))


def listed(query: Query, before: str) -> dict[str, Any]:
    """What the list is drawn from.  A search that was given up has `found` None."""
    user = this_user()
    if not search_queries.is_quick(query):
        throttle.limit(f"search:{user.id}", hits=SEARCHES, per=MINUTE)
    found: Found | None = None
    try:
        found = search_queries.find(query, user, before)
    except TooSlow:
        pass
    return {
        "query": query,
        "before": before,
        "choices": bulk.choices_for(user, local(clock.now())),
        "found": found,
        "mark": Marker(query),
        "views": views.views_of(user),
        "categories": letters.CATEGORIES,
        "most": search_queries.MOST_LOOKED_AT,
        "is_spam": query.asks(Is.SPAM),
        "has_filters": any(isinstance(one.kind, (Is, By)) for one in query.wanted),
    }


def to_list(query: str) -> ResponseReturnValue:
    return redirect("/conversations?" + urlencode({"q": query}), 303)

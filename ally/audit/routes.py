"""The Audit page: who did what, when, and whether all of it is as it was recorded."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ally import clock
from ally.accounts.access import this_user
from ally.accounts.models import User
from ally.audit import checking, exports, queries
from ally.audit.account import Trail
from ally.audit.queries import Filters
from ally.errors import Invalid
from ally.events import chain, exporting, topics, trail
from ally.events.models import sentence_of
from ally.events.sentences import SENTENCES
from ally.language import _, zone
from ally.web import is_swap, streamed

audit_pages = Blueprint("audit", __name__)


@audit_pages.get("/audit")
def audit() -> ResponseReturnValue:
    account_id, filters = this_user().account_id, filters_in(request.args)
    after, before = request.args.get("after", ""), request.args.get("before", "")
    return render_template(
        "audit/audit.html",
        page=queries.events(account_id, filters, zone(), after, before),
        filters=filters,
        people=queries.people_of(account_id),
        topics=topics.topics(),
        actions={name: topics.actions_of_topic(name) for name in topics.topics()},
        sentences=SENTENCES,
        words_of=words_of,
        link_of=queries.link_of,
        is_for_admins=queries.is_for_admins,
        **chain_state(),
    )


def words_of(action: str) -> str:
    """How the action reads, with dots for what it was done to."""
    return sentence_of(action, {}).replace("–", "…").replace("“…”", "…")


@audit_pages.get("/audit/chain")
def chain_checked() -> ResponseReturnValue:
    """How far the chain was checked, for a page that waits for it."""
    return render_template("audit/_chain.html", **chain_state())


@audit_pages.post("/audit/check")
def check_chain() -> ResponseReturnValue:
    checking.ask(by=this_user())
    if is_swap():
        return render_template("audit/check_chain.swap.html", **chain_state())
    return redirect("/audit", 303)


@audit_pages.post("/audit/exports")
def export_audit() -> ResponseReturnValue:
    """The file, as it is made; that it was taken out is an event too, and in it."""
    user, filters, format = this_user(), filters_in(request.form), request.form.get("format", "")
    opening = opening_of(user, filters, format)
    conditions = queries.together(user.account_id, filters, zone())
    if format == "csv":
        return streamed(exports.as_csv(conditions), kind="text/csv", name="audit.csv")
    pieces = exports.as_jsonl(conditions, opening)
    return streamed(pieces, kind="application/jsonl", name="audit.jsonl")


def opening_of(user: User, filters: Filters, format: str) -> dict[str, Any]:
    """Note that it is taken out, and say up to where.  Raises Invalid for an unknown format."""
    if format not in exports.FORMATS:
        raise Invalid(_("Choose CSV or JSONL."))
    what = ", ".join(f"{name} {value}" for name, value in filters.asked.items()) or "all of it"
    subject = Trail(user.account_id, user.account_id)
    trail.record(subject, "audit.exported", by=user, what=what, format=exports.FORMATS[format])
    trail.seal()  # so that the head is known, and this event before it
    head = chain.head_of(user.account_id)
    return {
        "format": exports.FORMAT,
        "account_id": str(user.account_id),
        "exported_at": clock.now().isoformat(),
        "exported_by": user.display_name,
        "filters": filters.asked,
        "is_whole": not filters.asked,
        "head": {"number": head.seq, "hash": exporting.in_hex(head.hash)} if head else None,
    }


def chain_state() -> dict[str, Any]:
    account_id = this_user().account_id
    return {
        "check": checking.last_check(account_id),
        "under_way": checking.under_way(account_id),
        "newest": chain.length_of(account_id),
    }


def filters_in(asked: Mapping[str, str]) -> Filters:
    names = ("who", "what", "since", "until", "about")
    return Filters(**{name: asked.get(name, "").strip()[:100] for name in names})

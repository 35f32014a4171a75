"""The Knowledge page: the documents that drafts are written from, and their passages."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ally.accounts.access import this_user
from ally.jobs import runs
from ally.knowledge import queries
from ally.knowledge.ingest import KINDS
from ally.knowledge.models import DocumentKind

knowledge_pages = Blueprint("knowledge", __name__)

LONGEST_WORDS = 100  # characters
LARGEST_POSITION = 2**31 - 1  # of a Postgres integer


@knowledge_pages.get("/knowledge")
def documents() -> ResponseReturnValue:
    account_id = this_user().account_id
    kind = request.args.get("kind", type=DocumentKind)
    words = request.args.get("q", "").strip()[:LONGEST_WORDS]
    after = request.args.get("after", "")
    return render_template(
        "knowledge/documents.html",
        listed=queries.documents(account_id, kind, words, after),
        counts=queries.counts(account_id, words),
        kind=kind,
        words=words,
        after=after,
        runs=runs.newest_of(account_id, list(KINDS)),
        in_words=runs.IN_WORDS,
    )


@knowledge_pages.get("/knowledge/runs")
def newest_runs() -> ResponseReturnValue:
    """How the indexing gets on, for a page that waits for it."""
    found = runs.newest_of(this_user().account_id, list(KINDS))
    return render_template("knowledge/_runs.html", runs=found, in_words=runs.IN_WORDS)


@knowledge_pages.get("/knowledge/<uuid:document_id>")
def document(document_id: UUID) -> ResponseReturnValue:
    start = request.args.get("from", default=0, type=int)
    start = max(0, min(start, LARGEST_POSITION))
    opened = queries.opened(this_user().account_id, document_id, start)
    return render_template("knowledge/document.html", opened=opened, start=start)

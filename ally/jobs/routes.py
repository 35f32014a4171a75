"""The Jobs page."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ally.jobs import runs as job_runs
from ally.jobs.models import JobStatus, JobType
from ally.jobs.queue import enqueue
from ally.notifications import feed

PAGE_LENGTH = 50  # runs that are drawn at once
KNOWLEDGE = (JobType.CRAWL, JobType.INGEST_GOLDENS)

job_pages = Blueprint("jobs", __name__)

_readers: Callable[[], Sequence[Any]] = tuple


def show_readers(find: Callable[[], Sequence[Any]]) -> None:
    """Say, once at start-up, what tells how far each place that is read has been read.

    Each row has `IngestCheckpoint` and `channel`, the name of what is read.
    """
    global _readers
    _readers = find


@job_pages.get("/jobs")
def runs() -> ResponseReturnValue:
    feed.mark_read_at(current_user.user, "/jobs")
    type_ = request.args.get("type", type=JobType)
    status = request.args.get("status", type=JobStatus)
    found = job_runs.runs_of(
        current_user.user.account_id,
        type_,
        status,
        after=request.args.get("after", type=UUID),
        limit=PAGE_LENGTH + 1,
    )
    return render_template(
        "jobs/runs.html",
        runs=found[:PAGE_LENGTH],
        following=found[PAGE_LENGTH - 1].id if len(found) > PAGE_LENGTH else None,
        chosen={"type": type_, "status": status},
        types=job_runs.IN_WORDS,
        statuses=list(JobStatus),
        readers=_readers(),
    )


@job_pages.post("/jobs")
def start() -> ResponseReturnValue:
    """Take the knowledge in again: the pages and the goldens, each as a run of its own."""
    for type_ in KNOWLEDGE:
        run = job_runs.start(type_, by=current_user.user)
        enqueue("knowledge.ingest", run_id=str(run.id))
    return redirect("/jobs", 303)

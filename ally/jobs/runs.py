"""Long jobs that an operator watches: they start, get on, and end well or badly."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ally import clock
from ally.db import current_account_id, db
from ally.errors import NotFound
from ally.events import trail
from ally.jobs.models import JobRun, JobStatus, JobType
from ally.language import _, named
from ally.notifications import feed
from ally.notifications.models import NotificationType

LONGEST_ERROR = 2_000  # characters
IN_WORDS = {
    JobType.CRAWL: named("Reading the pages"),
    JobType.INGEST_GOLDENS: named("Taking in the goldens"),
    JobType.CORRECTIONS_SYNC: named("Learning from corrections"),
    JobType.CHAIN_CHECK: named("Checking the trail"),
    JobType.SCORING: named("Scoring the posts"),
}


def request(type_: JobType) -> JobRun:
    """A new run of the current account, which waits for the job that the caller enqueues."""
    run = JobRun(account_id=current_account_id(), type=type_, status=JobStatus.QUEUED, progress=0)
    db.session.add(run)
    db.session.flush()  # the job names it
    return run


def start(what: JobType | UUID | str, by: trail.Actor | None = None) -> JobRun:
    """The run, going on: the one of this id, or a new one of this type.  Raises NotFound."""
    run = request(what) if isinstance(what, JobType) else find_run(UUID(str(what)))
    run.status, run.started_at = JobStatus.RUNNING, clock.now()
    trail.record(run, "job.started", by=by, type=run.type.value)
    return run


def find_run(run_id: UUID) -> JobRun:
    """The current account's run.  Raises NotFound."""
    run = db.session.scalar(
        select(JobRun).where(JobRun.account_id == current_account_id(), JobRun.id == run_id)
    )
    if run is None:
        raise NotFound(_("There is no such run."))
    return run


def progress(run: JobRun, percent: int) -> None:
    """Note how far it got, from 0 to 100; others see it when the job's body commits."""
    run.progress = max(run.progress, min(percent, 100))


def succeed(run: JobRun, metrics: dict[str, Any] | None = None, **more: Any) -> None:
    run.status, run.progress = JobStatus.SUCCEEDED, 100
    run.metrics = {**(metrics or {}), **more}
    run.finished_at, run.error = clock.now(), None


def fail(run: JobRun, error: str) -> None:
    """Note why it failed, and tell everybody."""
    run.status, run.error = JobStatus.FAILED, error[:LONGEST_ERROR]
    run.finished_at = clock.now()
    feed.notify(
        run.account_id,
        NotificationType.JOB_FAILED,
        job=IN_WORDS[run.type],
        url="/jobs",
        run_id=str(run.id),
    )


def give_up(run_id: str) -> None:
    """Mark a run whose job failed at every try, unless it has said so itself."""
    run = find_run(UUID(run_id))
    if run.status in {JobStatus.QUEUED, JobStatus.RUNNING}:
        fail(run, "It failed at every try; the worker's log says where.")


def runs_of(
    account_id: UUID,
    type: JobType | None = None,
    status: JobStatus | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[JobRun]:
    """The account's runs, the newest first; the page that follows the run `after`."""
    runs = select(JobRun).where(JobRun.account_id == account_id)
    if type is not None:
        runs = runs.where(JobRun.type == type)
    if status is not None:
        runs = runs.where(JobRun.status == status)
    if after is not None:
        runs = runs.where(JobRun.id < after)
    return db.session.scalars(runs.order_by(JobRun.id.desc()).limit(limit)).all()


def newest_of(account_id: UUID, types: Sequence[JobType]) -> Sequence[JobRun]:
    """The newest run of each of these types, in their order; none for a type that never ran."""
    ids = [
        select(JobRun.id)
        .where(JobRun.account_id == account_id, JobRun.type == type)
        .order_by(JobRun.created_at.desc())
        .limit(1)
        .scalar_subquery()
        for type in types
    ]
    found = db.session.scalars(
        select(JobRun).where(JobRun.account_id == account_id, JobRun.id.in_(ids))
    ).all()
    return sorted(found, key=lambda run: types.index(run.type))

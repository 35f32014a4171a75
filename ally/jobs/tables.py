"""Procrastinate's own questions to its tables, asked in this session's transaction."""

from datetime import timedelta
from typing import Any

from procrastinate import jobs, sql
from procrastinate.retry import RetryDecision
from sqlalchemy import text

from ally import clock
from ally.db import db
from ally.jobs.queue import queue

MOST_HANDED_OUT = 100  # at once; the next are handed out right after
KEEP_DONE = timedelta(days=1)
KEEP_FAILED = timedelta(days=30)


def register_worker() -> int:
    return ask("register_worker")[0]["worker_id"]


def unregister_worker(worker_id: int) -> None:
    ask("unregister_worker", worker_id=worker_id)


def next_due_job(worker_id: int) -> jobs.Job | None:
    """The first job that is due by our clock, now held by this worker."""
    # The database compares with the time at which the transaction began, and in a
    # test that is before everything.
    db.session.execute(
        text(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL"
            " WHERE status = 'todo' AND scheduled_at <= :now"
        ),
        {"now": clock.now()},
    )
    ask("update_heartbeat", worker_id=worker_id)
    row = ask("fetch_job", queues=None, worker_id=worker_id)[0]
    return jobs.Job.from_row(row) if row["id"] else None


def hand_out() -> int:
    """Make jobs of what came in and waits, of all accounts; how many."""
    made: int = db.session.execute(
        text("SELECT hand_out_events(:most)"), {"most": MOST_HANDED_OUT}
    ).scalar_one()
    return made


def finish(job: jobs.Job, status: jobs.Status) -> None:
    ask("finish_job", job_id=job.id, status=status.value, delete_job=False)


def put_back(job: jobs.Job, decision: RetryDecision | None = None) -> None:
    """Have the job run again, now or when the decision says."""
    ask(
        "retry_job",
        job_id=job.id,
        retry_at=decision and decision.retry_at,
        new_priority=None,
        new_queue_name=None,
        new_lock=None,
    )


def stalled_jobs(silent_for: timedelta) -> list[jobs.Job]:
    """Jobs whose worker has not been heard of for so long, or is gone."""
    rows = ask(
        "select_stalled_jobs_by_heartbeat",
        queue=None,
        task_name=None,
        seconds_since_heartbeat=silent_for.total_seconds(),
    )
    return [jobs.Job.from_row(row) for row in rows]


def forget_old() -> None:
    """Delete jobs that ended a while ago; their last event says when."""
    for statuses, age in (
        (["succeeded"], KEEP_DONE),
        (["failed", "cancelled", "aborted"], KEEP_FAILED),
    ):
        db.session.execute(
            text(
                "DELETE FROM procrastinate_jobs job WHERE status::text = ANY(:statuses)"
                " AND NOT EXISTS (SELECT FROM procrastinate_events e"
                " WHERE e.job_id = job.id AND e.at >= clock_timestamp() - :age)"
                " AND NOT EXISTS (SELECT FROM procrastinate_periodic_defers d"
                " WHERE d.job_id = job.id)"
            ),
            {"statuses": statuses, "age": age},
        )


def ask(query: str, **arguments: Any) -> list[dict[str, Any]]:
    connection = db.session.connection().connection.driver_connection
    connector = queue.connector.get_sync_connector()
    return connector.execute_query_all_with_connection(
        connection, query=sql.queries[query], **arguments
    )

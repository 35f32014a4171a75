"""The worker: runs what is in the queue, each body in its own context, account and transaction.

A worker that loses Postgres ends with an error, and whatever started it starts
it again; nothing it was doing is lost, since its jobs are still in the queue.
"""

import asyncio
import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from flask import Flask, has_app_context
from procrastinate import jobs
from procrastinate.job_context import JobContext

from ally import throttle
from ally.db import current_account_id, db, use_account
from ally.jobs import runs, tables
from ally.jobs.queue import Body, Connector, job, queue, run_body, use_runner
from ally.settings import Settings, sqlalchemy_url

log = logging.getLogger(__name__)

# Every module that gives a job its body.
BODIES = (
    "ally.audit.jobs",
    "ally.channels.connection",
    "ally.channels.jobs",
    "ally.channels.subscriptions",
    "ally.community.scoring.scored",
    "ally.community.taking_in",
    "ally.desk.drafting",
    "ally.desk.rewriting",
    "ally.desk.intake",
    "ally.desk.snoozing",
    "ally.desk.sweep",
    "ally.jobs.worker",
    "ally.knowledge.ingest",
    "ally.ledger.jobs",
    "ally.review.jobs",
    "ally.rewards.hot_key",
    "ally.rewards.rolling",
    "ally.rewards.simulating",
    "ally.rewards.verifying",
    "ally.rewards.watching",
)
CONCURRENCY = 4
POLL_SECONDS = 1.0
HAND_OUT_SECONDS = 0.2  # between two looks at what came in: nobody rings, it costs the sender
HEARTBEAT_SECONDS = 5.0
SILENT_FOR = timedelta(seconds=30)  # after which a worker is taken for dead
GRACE_SECONDS = 8.0  # to finish what runs when asked to stop; the rest is run again by others
MOST_STALLS = 5  # a job that takes its worker down so often is not run again
OURS = str(Path(__file__).parent.parent)
LONGEST_WINDOW = timedelta(days=1)  # of any rate limit


def work(app: Flask) -> int:
    """Run jobs until SIGTERM or SIGINT; the exit status: 0 when asked to stop, else 1."""
    prepare(app)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    # Its report of a failed job quotes the error, which may quote a customer; ours does not.
    logging.getLogger("procrastinate.worker").addFilter(without_error)
    try:
        return asyncio.run(work_until_told(connector_of(app.config["ALLY"])))
    except (psycopg.Error, procrastinate.exceptions.ConnectorException) as error:
        log.error("the worker lost Postgres: %s", type(error).__name__)
        return 1


def drain(app: Flask) -> int:
    """Run every job that is due, one after the other, in this thread; how many ran.

    What the caller has not committed is committed first, or no job would see it.
    A body that raises is put back as a worker would, and then raises here.
    """
    prepare(app)
    account_id = current_account_id() if has_app_context() else None
    if has_app_context():
        db.session.commit()
    try:
        return run_due(app)
    finally:
        # Tests run in one transaction, whose account the jobs have changed.
        if has_app_context():
            db.session.expire_all()
            use_account(account_id)


def prepare(app: Flask) -> None:
    """Know every body, and how to run it."""
    for module in BODIES:
        import_module(module)
    use_runner(partial(run, app), given_up)


def run(app: Flask, body: Body, account_id: UUID | None, arguments: dict[str, Any]) -> None:
    """Run one body, and commit what it did; or roll back, and raise what it raised."""
    name, began = f"{body.__module__}.{body.__name__}", time.perf_counter()
    with app.app_context():
        use_account(account_id)
        try:
            body(**arguments)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            log.error("%s failed after %.3f s: %s", name, passed(began), where(error))
            raise
    log.info("%s took %.3f s", name, passed(began))


def passed(began: float) -> float:
    return time.perf_counter() - began


def where(error: Exception) -> str:
    """The error's type and the lines of ours that it came through.

    Not its text: that of the database quotes what was to be stored.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if OURS in frame.filename] or frames[-1:]
    lines = "".join(traceback.format_list(ours))
    return f"{type(error).__name__}\n{lines}"


def given_up(account_id: UUID | None, arguments: dict[str, Any]) -> None:
    """After the last try of a job that failed: its run, if it has one, says so."""
    if "run_id" not in arguments:
        return
    try:
        run_body(runs.give_up, account_id, {"run_id": arguments["run_id"]})
    except Exception as error:  # a run that is gone must not keep other jobs from being healed
        log.error("run %s was not marked as failed: %s", arguments["run_id"], type(error).__name__)


# The worker that waits


def connector_of(settings: Settings) -> "WatchedConnector":
    """How procrastinate reaches the database: few connections, as the application's role."""
    return WatchedConnector(
        conninfo=sqlalchemy_url(settings.database_url).replace("+psycopg", "", 1),
        kwargs={"options": "-c role=app_rw", "connect_timeout": 5},
        min_size=1,
        max_size=2,
        timeout=5,
    )


class WatchedConnector(Connector):
    """A connector that says when Postgres could not be reached.

    Procrastinate goes on without noting the end of a job then, and the job would
    stay taken for as long as this worker lives.
    """

    def __init__(self, **pool: Any):
        super().__init__(**pool)
        self.lost = asyncio.Event()

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        await self.watched(super().execute_query_async(query, **arguments))

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        return await self.watched(super().execute_query_one_async(query, **arguments))

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await self.watched(super().execute_query_all_async(query, **arguments))

    async def watched(self, asking: Any) -> Any:
        try:
            return await asking
        except procrastinate.exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.OperationalError):
                self.lost.set()
            raise


async def work_until_told(connector: WatchedConnector) -> int:
    """Work until a signal asks to stop (0), or until Postgres is lost (1)."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_soon, told)
    with queue.replace_connector(connector):
        async with queue.open_async():
            working = asyncio.create_task(queue.run_worker_async(**WORKER_OPTIONS))
            waits = [
                asyncio.create_task(wait)
                for wait in (told.wait(), connector.lost.wait(), hand_out_for_ever(connector))
            ]
            await asyncio.wait([working, *waits], return_when=asyncio.FIRST_COMPLETED)
            for task in (working, *waits):
                task.cancel()
            await asyncio.gather(working, *waits, return_exceptions=True)
    if told.is_set():
        return 0
    log.error("the worker lost Postgres")
    return 1


async def hand_out_for_ever(connector: WatchedConnector) -> None:
    """Make jobs of what comes in, for as long as there is Postgres; ends only by an error."""
    while True:
        handed_out = await connector.execute_query_one_async(
            "SELECT hand_out_events(%(most)s) AS made", most=tables.MOST_HANDED_OUT
        )
        if handed_out["made"] < tables.MOST_HANDED_OUT:
            await asyncio.sleep(HAND_OUT_SECONDS)


WORKER_OPTIONS: dict[str, Any] = {
    "concurrency": CONCURRENCY,
    "fetch_job_polling_interval": POLL_SECONDS,
    "update_heartbeat_interval": HEARTBEAT_SECONDS,
    "stalled_worker_timeout": SILENT_FOR.total_seconds(),
    "listen_notify": True,
    "install_signal_handlers": False,
}


def stop_soon(told: asyncio.Event) -> None:
    told.set()
    # A body in a thread cannot be cancelled; after the grace it ends with the process.
    end = threading.Timer(GRACE_SECONDS, os._exit, (0,))
    end.daemon = True
    end.start()


def without_error(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


# The worker that does what is due and returns


def run_due(app: Flask) -> int:
    worker_id = in_transaction(app, tables.register_worker)
    ran = 0
    try:
        while found := in_transaction(app, partial(next_job, worker_id)):
            run_job(app, found)
            ran += 1
    finally:
        in_transaction(app, partial(tables.unregister_worker, worker_id))
    return ran


def next_job(worker_id: int) -> jobs.Job | None:
    tables.hand_out()
    return tables.next_due_job(worker_id)


def run_job(app: Flask, found: jobs.Job) -> None:
    """Run one job, and note how it ended, as procrastinate's own worker does."""
    task = queue.tasks[found.task_name]
    context = JobContext(
        app=queue, job=found, start_timestamp=time.time(), abort_reason=lambda: None
    )
    try:
        task.func(context, **found.task_kwargs)
    except Exception as error:
        again = task.get_retry_exception(exception=error, job=found)
        note = (
            partial(tables.put_back, found, again.retry_decision)
            if again
            else partial(tables.finish, found, jobs.Status.FAILED)
        )
        in_transaction(app, note)
        raise
    in_transaction(app, partial(tables.finish, found, jobs.Status.SUCCEEDED))


def in_transaction(app: Flask, act: Callable[[], Any]) -> Any:
    with app.app_context():
        answer = act()
        db.session.commit()
        return answer


# The queue's own jobs


@job("jobs.heal", cron="* * * * * */20")
def heal() -> None:
    """Have others run what a dead worker had taken."""
    for stalled in tables.stalled_jobs(SILENT_FOR):
        if stalled.attempts < MOST_STALLS:
            tables.put_back(stalled)
        else:
            give_up(stalled)


def give_up(stalled: jobs.Job) -> None:
    log.error("%s has stopped its worker %d times", stalled.task_name, stalled.attempts)
    tables.finish(stalled, jobs.Status.FAILED)
    arguments = dict(stalled.task_kwargs)
    account_id = arguments.pop("account_id", None)
    given_up(UUID(str(account_id)) if account_id else None, arguments)


@job("jobs.forget_old", cron="17 * * * *")
def forget_old() -> None:
    """Delete what nobody will ask about: jobs that ended long ago, and stale rate counters."""
    tables.forget_old()
    throttle.forget_old(LONGEST_WINDOW)

"""The queue.  A job is asked for in the transaction of whatever made it necessary."""

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from sqlalchemy import text

from ally.db import current_account_id, db

Body = Callable[..., Any]
Runner = Callable[[Body, UUID | None, dict[str, Any]], None]
GivenUp = Callable[[UUID | None, dict[str, Any]], None]


class Connector(procrastinate.PsycopgConnector):
    """Procrastinate's own, but for one thing: whoever enqueues brings a connection along.

    An opened PsycopgConnector would use the worker's asynchronous one for it.
    """

    def get_sync_connector(self) -> BaseConnector:
        if self._sync_connector is None:
            self._sync_connector = SyncPsycopgConnector()
        return self._sync_connector


log = logging.getLogger(__name__)

queue = procrastinate.App(connector=Connector())

# How the worker runs a job's body; it wraps it in an application context, an
# account and a transaction.  Set by `jobs.worker`, called by every task.
_run: Runner
_given_up: GivenUp


def enqueue(
    name: str,
    *,
    at: datetime | None = None,
    lock: str | None = None,
    once: str | None = None,
    **arguments: str,
) -> None:
    """Ask for the named job, in this transaction and for this account, no sooner than `at`.

    Jobs with the same `lock` run one after the other; of those with the same `once` one waits
    at most, and asking for another does nothing.
    """
    account_id = current_account_id()
    # A job that waits already is told as an error, which takes no more than this with it.
    with suppress(AlreadyEnqueued), db.session.begin_nested() if once else nullcontext():
        connection = db.session.connection().connection.driver_connection
        queue.configure_task(
            name, connection=connection, schedule_at=at, lock=lock, queueing_lock=once
        ).defer(account_id=str(account_id) if account_id else None, **arguments)


def job(name: str, *, attempts: int = 5, cron: str | None = None) -> Callable[[Body], Body]:
    """Make a function the body of the named job: run for one account, in one transaction.

    A body that raises is tried again with growing pauses, `attempts` times in all.
    With `cron` it is run at those times too, for no account and without arguments.
    """

    def register(body: Body) -> Body:
        def run(
            context: procrastinate.JobContext,
            *,
            account_id: str | None = None,
            timestamp: int | None = None,
            **arguments: Any,
        ) -> None:
            account = UUID(account_id) if account_id else None
            try:
                run_body(body, account, arguments)
            except Exception:
                if context.job.attempts >= attempts - 1:
                    _given_up(account, arguments)
                raise

        retry = procrastinate.RetryStrategy(max_attempts=attempts - 1, exponential_wait=2)
        task = queue.task(
            name=name,
            retry=retry if attempts > 1 else False,
            pass_context=True,
            # One waits at most; who would wait behind it would do the same again.
            queueing_lock=name if cron else None,
        )(run)
        if cron:
            # Its decorator's type wants a timestamp by position; it is given by name.
            queue.periodic(cron=cron)(task)  # type: ignore[arg-type]
        return body

    return register


def run_body(body: Body, account_id: UUID | None, arguments: dict[str, Any]) -> None:
    _run(body, account_id, arguments)


def run_for_every_account(*bodies: Body) -> None:
    """Run the bodies for each account in turn; one that fails leaves the others their turn."""
    for account_id in db.session.scalars(text("SELECT account_ids()")).all():
        for body in bodies:
            try:
                run_body(body, account_id, {})
            except Exception as error:
                log.error("%s failed for %s: %s", body.__name__, account_id, type(error).__name__)


def use_runner(runner: Runner, given_up: GivenUp) -> None:
    """Say how bodies are run, and what is done after the last try of one that failed.

    The worker does so once, when it starts.
    """
    global _run, _given_up
    _run, _given_up = runner, given_up

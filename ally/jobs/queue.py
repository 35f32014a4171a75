"""The queue.  A job is asked for in the transaction of whatever made it necessary."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate

from ally.db import current_account_id, db

queue = procrastinate.App(connector=procrastinate.PsycopgConnector())

# How the worker runs a job's body; it wraps it in an application context,
# an account and a transaction.  Set by `jobs.worker`, called by every task.
Body = Callable[..., Any]
_run: Callable[[Body, UUID | None, dict[str, Any]], None]


def enqueue(
    name: str, *, at: datetime | None = None, lock: str | None = None, **arguments: str
) -> None:
    """Ask for the named job, in this transaction and for this account, no sooner than `at`.

    Jobs with the same `lock` run one after the other.
    """
    connection = db.session.connection().connection.driver_connection
    account_id = current_account_id()
    queue.configure_task(name, connection=connection, schedule_at=at, lock=lock).defer(
        account_id=account_id and str(account_id), **arguments
    )


def job(name: str, *, attempts: int = 5) -> Callable[[Body], Body]:
    """Make a function the body of the named job: run for one account, in one transaction.

    A body that raises is tried again with growing pauses, `attempts` times in all.
    """

    def register(body: Body) -> Body:
        def run(*, account_id: str | None = None, **arguments: Any) -> None:
            run_body(body, UUID(account_id) if account_id else None, arguments)

        retry = procrastinate.RetryStrategy(max_attempts=attempts - 1, exponential_wait=2)
        queue.task(name=name, retry=retry)(run)
        return body

    return register


def run_body(body: Body, account_id: UUID | None, arguments: dict[str, Any]) -> None:
    _run(body, account_id, arguments)


def use_runner(runner: Callable[[Body, UUID | None, dict[str, Any]], None]) -> None:
    """Say how bodies are run; the worker does so once, when it starts."""
    global _run
    _run = runner

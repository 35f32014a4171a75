"""What the worker does for the audit: it reads every trail on, and at night from its beginning."""

from uuid import UUID

from ally.audit import checking
from ally.db import current_account_id, db
from ally.events import chain
from ally.jobs import runs
from ally.jobs.queue import job, run_for_every_account


@job("audit.check")
def check(run_id: str) -> None:
    """Read the whole chain of the account, and say how far it got."""
    run = runs.start(run_id)
    account_id = run.account_id
    length = chain.length_of(account_id)

    def reached(number: int) -> None:
        runs.progress(run, round(99 * number / length) if length else 99)
        # Committed here, so that others see the progress, and no transaction reads for long.
        db.session.commit()

    found = checking.check_all(account_id, reached)
    told = {"problem": found.problem} if found.problem else {}
    runs.succeed(run, {"events": found.links}, **told)


@job("audit.check_on", cron="*/5 * * * *")
def check_on() -> None:
    run_for_every_account(check_account_on)


def check_account_on() -> None:
    checking.check_on(account_at_work())


@job("audit.check_all", cron="23 2 * * *")
def check_all() -> None:
    run_for_every_account(request_check)


def request_check() -> None:
    if checking.under_way(account_at_work()) is None:
        checking.request()


def account_at_work() -> UUID:
    account_id = current_account_id()
    assert account_id is not None
    return account_id

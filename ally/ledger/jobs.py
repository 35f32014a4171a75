"""What the worker does for the ledger: at night it reads every book again."""

from ally.jobs.queue import job, run_for_every_account
from ally.ledger import checking


@job("ledger.check_all", cron="41 2 * * *")
def check_all() -> None:
    run_for_every_account(check_books)


def check_books() -> None:
    checking.check()

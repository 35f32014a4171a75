"""What the gate does by the clock."""

from ally.jobs.queue import job, run_for_every_account
from ally.review import claims, presence


@job("review.forget_old", cron="*/5 * * * *")
def forget_old() -> None:
    """Drop who is no longer anywhere, and claims that have run out."""
    run_for_every_account(presence.forget_old, claims.forget_old)

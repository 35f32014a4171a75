"""How far an account's trail was read and found whole: read on bit by bit, and wholly at night."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ally import clock
from ally.accounts.models import Role, User
from ally.db import db
from ally.errors import Conflict
from ally.events import chain, trail
from ally.events.chain import Reached, Verdict
from ally.events.models import ChainCheck
from ally.jobs import runs
from ally.jobs.models import JobRun, JobStatus, JobType
from ally.jobs.queue import enqueue
from ally.language import _
from ally.notifications import feed
from ally.notifications.models import NotificationType


def check_on(account_id: UUID) -> Verdict:
    """Read on from where the chain was last found whole, and note what was found."""
    last = last_check(account_id)
    before = (last.seq, last.hash) if last else (0, b"")
    return note(account_id, chain.verify(account_id, *before))


def check_all(account_id: UUID, reached: Reached = chain.nothing) -> Verdict:
    """Read the chain from its first link, and note what was found.

    `reached` is called with the number of the last link of each batch.
    """
    return note(account_id, chain.verify(account_id, reached=reached))


def note(account_id: UUID, found: Verdict) -> Verdict:
    """Keep what was found; tell the admins of a chain that has just been found broken."""
    before = last_check(account_id)
    if found.problem and (before is None or before.problem is None):
        tell_admins(account_id, found.problem)
    values = {
        "seq": found.links,
        "hash": bytes.fromhex(found.head),
        "checked_at": clock.now(),
        "problem": found.problem,
    }
    noted = insert(ChainCheck).values(account_id=account_id, **values)
    db.session.execute(
        noted.on_conflict_do_update(index_elements=[ChainCheck.account_id], set_=values)
    )
    return found


def last_check(account_id: UUID) -> ChainCheck | None:
    return db.session.get(ChainCheck, account_id, populate_existing=True)


def tell_admins(account_id: UUID, problem: str) -> None:
    admins = db.session.scalars(
        select(User.id).where(User.account_id == account_id, User.role == Role.ADMIN)
    ).all()
    feed.notify(
        account_id,
        NotificationType.CHAIN_BROKEN,
        to=admins,
        reason=problem,
        url="/audit",
    )


def ask(by: User) -> JobRun:
    """Have the whole chain read.  Raises Conflict while one that was asked for goes on."""
    if under_way(by.account_id) is not None:
        raise Conflict(_("A check is under way already."))
    run = request()
    trail.record(run, "audit.check_asked", by=by)
    return run


def request() -> JobRun:
    """A check of the current account's whole chain, which waits for a worker."""
    run = runs.request(JobType.CHAIN_CHECK)
    enqueue("audit.check", run_id=str(run.id))
    return run


def under_way(account_id: UUID) -> JobRun | None:
    """The check that waits for a worker or goes on."""
    return db.session.scalar(
        select(JobRun)
        .where(
            JobRun.account_id == account_id,
            JobRun.type == JobType.CHAIN_CHECK,
            JobRun.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]),
        )
        .order_by(JobRun.created_at.desc())
        .limit(1)
    )

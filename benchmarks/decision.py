"""A decision, beside the seven rows that it writes, bare, in one fsynced commit."""

from collections.abc import Iterator
from itertools import count
from uuid import UUID

import psycopg
from sqlalchemy import select

from ally.accounts.models import User
from ally.db import db, use_account
from ally.review import decisions
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from benchmarks.measure import ROUNDS, WARM_UP, Result, compare
from benchmarks.world import DATABASE, World

CALLS = 20
# message, decision, delivery, event, learning sample, job, and the draft's new state
ROWS = 7


def decision(world: World, account_id: UUID) -> Iterator[Result]:
    with (
        world.app.app_context(),
        psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection,
    ):
        use_account(account_id)
        agent = db.session.scalars(select(User)).one()
        forms = iter(waiting_forms(account_id, ROUNDS * CALLS + WARM_UP))
        connection.execute("CREATE TABLE bare_decision (id int, text text)")
        numbers = count()

        def approve() -> None:
            draft_id, as_seen = next(forms)
            decisions.approve(lock_draft(account_id, draft_id), agent, seen=as_seen)
            db.session.commit()

        def write_rows() -> None:
            with connection.transaction():
                for _ in range(ROWS):
                    row = [next(numbers), "approved " * 40]
                    connection.execute("INSERT INTO bare_decision VALUES (%s, %s)", row)

        yield compare("approve a draft", approve, write_rows, goal="few", calls=CALLS)


def waiting_forms(account_id: UUID, number: int) -> list[tuple[UUID, str]]:
    """What the forms of that many waiting drafts carry."""
    drafts = db.session.scalars(
        select(Draft)
        .where(Draft.account_id == account_id, Draft.status == DraftStatus.PENDING)
        .order_by(Draft.created_at)
        .limit(number)
    ).all()
    forms = [(draft.id, seen(draft)) for draft in drafts]
    db.session.commit()
    return forms

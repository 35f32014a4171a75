"""A decision, beside one fsynced commit."""

from collections.abc import Iterator
from itertools import count
from uuid import UUID

import psycopg
from sqlalchemy import select

from ally.db import db, use_account
from ally.review.digest import seen
from ally.review.models import Draft, DraftStatus
from benchmarks.desk import browser, form_token
from benchmarks.measure import ROUNDS, WARM_UP, Result, compare
from benchmarks.world import World

CALLS = 20


def decision(world: World, account_id: UUID, token: str) -> Iterator[Result]:
    forms = iter(waiting_forms(world, account_id, ROUNDS * CALLS + WARM_UP))
    client, headers = browser(world, token), {"X-CSRFToken": form_token(world)}

    def approve() -> None:
        draft_id, as_seen = next(forms)
        path = f"/drafts/{draft_id}/approval"
        answer = client.post(path, data={"seen": as_seen}, headers=headers)
        assert answer.status_code == 303, answer.status_code

    with psycopg.connect(world.server.url_of("ally_bench"), autocommit=True) as connection:
        connection.execute("CREATE TABLE bare_decision (id int PRIMARY KEY, text text)")
        numbers = count()

        def commit() -> None:
            connection.execute(
                "INSERT INTO bare_decision VALUES (%s, %s)", [next(numbers), "approved " * 40]
            )

        yield compare("approve a draft", approve, commit, goal="at most 3", calls=CALLS)


def waiting_forms(world: World, account_id: UUID, number: int) -> list[tuple[UUID, str]]:
    """What the forms of that many waiting drafts carry."""
    with world.app.app_context():
        use_account(account_id)
        drafts = db.session.scalars(
            select(Draft)
            .where(Draft.account_id == account_id, Draft.status == DraftStatus.PENDING)
            .order_by(Draft.created_at)
            .limit(number)
        ).all()
        return [(draft.id, seen(draft)) for draft in drafts]

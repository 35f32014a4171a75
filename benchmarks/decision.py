"""Decisions, beside the rows that they write, bare, in one fsynced commit."""

from collections.abc import Iterator
from itertools import count
from uuid import UUID

import psycopg
from sqlalchemy import select

from ally.accounts.models import User
from ally.db import db, use_account
from ally.review import decisions
from ally.review.digest import copy_of, digest_of, parts
from ally.review.models import Draft, DraftStatus
from ally.review.queries import lock_draft
from benchmarks.desk import browser, form_token
from benchmarks.measure import ROUNDS, WARM_UP, Result, compare
from benchmarks.world import DATABASE, World

CALLS = 5
EACH = ROUNDS * CALLS + WARM_UP  # drafts that one row of the table takes
# message, decision, delivery, event, learning sample, job, the draft's new state and the
# conversation's; with an edit the labels of its two changes
ROWS = 8
ROWS_OF_AN_EDIT = 10


def decision(world: World, account: tuple[UUID, str]) -> Iterator[Result]:
    account_id, token = account
    with (
        world.app.app_context(),
        psycopg.connect(world.server.url_of(DATABASE), autocommit=True) as connection,
    ):
        use_account(account_id)
        agent = db.session.scalars(select(User).where(User.email == "bench@bench.example")).one()
        forms = iter(waiting_forms(account_id, 3 * EACH))
        connection.execute("CREATE TABLE bare_decision (id int, text text)")
        numbers = count()

        def approve() -> None:
            draft_id, form = next(forms)
            decisions.approve(lock_draft(account_id, draft_id), agent, seen=form["seen"])
            db.session.commit()

        def approve_edited() -> None:
            draft_id, form = next(forms)
            draft = lock_draft(account_id, draft_id)
            decisions.approve(draft, agent, seen=form["seen"], text=edited(draft.suggested_text))
            db.session.commit()

        def write(rows: int) -> None:
            with connection.transaction():
                for _ in range(rows):
                    row = [next(numbers), "approved " * 40]
                    connection.execute("INSERT INTO bare_decision VALUES (%s, %s)", row)

        yield compare(
            "approve a draft", approve, lambda: write(ROWS), goal="at most 3", calls=CALLS
        )
        yield compare(
            "approve with an edit, its labels, digest, delivery",
            approve_edited,
            lambda: write(ROWS_OF_AN_EDIT),
            goal="at most 3",
            calls=CALLS,
        )
        client, csrf = browser(world, token), form_token(world)

        def send_form() -> None:
            draft_id, form = next(forms)
            said = {**form, "csrf_token": csrf}
            asked = {"HX-Request": "true", "Sec-Fetch-Site": "same-origin"}
            answer = client.post(f"/drafts/{draft_id}/approval", data=said, headers=asked)
            assert answer.status_code == 200, answer.text

        yield compare(
            "the same by its form, answered with the next draft",
            send_form,
            lambda: write(ROWS_OF_AN_EDIT),
            goal="shown",
            calls=CALLS,
        )


def edited(text: str) -> str:
    """The text with a fact and a caveat changed."""
    return text.replace("255 lph", "340 lph", 1) + "Check the voltage at the pump first."


def waiting_forms(account_id: UUID, number: int) -> list[tuple[UUID, dict[str, str]]]:
    """What the forms of that many waiting drafts carry, with an edit."""
    drafts = db.session.scalars(
        select(Draft)
        .where(Draft.account_id == account_id, Draft.status == DraftStatus.PENDING)
        .order_by(Draft.created_at)
        .limit(number)
    ).all()
    forms = [(draft.id, form_of(draft)) for draft in drafts]
    db.session.commit()
    return forms


def form_of(draft: Draft) -> dict[str, str]:
    covered = parts(draft)
    return {
        "seen": digest_of(covered),
        "shown": copy_of(covered),
        "text": edited(draft.suggested_text),
    }

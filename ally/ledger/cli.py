"""`flask ledger`: prove that the books fit, here and elsewhere."""

import sys
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import text

from ally.db import as_account, db
from ally.ledger import checking

ledger = AppGroup("ledger", help="The books of campaigns.")


@ledger.command("verify")
def verify() -> None:
    """Replay every account's books; exit 1 if one does not fit."""
    broken = 0
    for account_id in accounts():
        with as_account(account_id):
            verdict = checking.verify(account_id)
        words = "; ".join(verdict.problems) or f"whole, {verdict.books} books"
        click.echo(f"{account_id}  {words}")
        broken += not verdict.is_whole
    if broken:
        sys.exit(1)


def accounts() -> list[UUID]:
    return list(db.session.scalars(text("SELECT account_ids()")).all())

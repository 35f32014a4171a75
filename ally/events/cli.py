"""`flask audit`: prove that nobody changed what was recorded."""

import sys

import click
from flask.cli import AppGroup
from sqlalchemy import text

from ally.db import as_account, db
from ally.events import chain

audit = AppGroup("audit", help="The trail of decisions.")


@audit.command("verify")
def verify() -> None:
    """Compute every account's chain again; exit 1 if one does not fit."""
    broken = 0
    for account_id in db.session.scalars(text("SELECT account_ids()")).all():
        with as_account(account_id):
            verdict = chain.verify(account_id)
        words = verdict.problem or f"whole, {verdict.links} events, head {verdict.head[:16] or '-'}"
        click.echo(f"{account_id}  {words}")
        broken += not verdict.is_whole
    if broken:
        sys.exit(1)

"""The commands of `flask`, one line for each group."""

from flask import Flask

from ally.accounts.cli import accounts, users
from ally.channels.cli import mail
from ally.channels.settings_cli import channels
from ally.checks import check
from ally.community.cli import ingest
from ally.demo.cli import seed
from ally.dev.cli import list_verbs, schema
from ally.events.cli import audit
from ally.jobs.cli import work
from ally.ledger.cli import ledger
from ally.rewards.cli import campaigns


def init_app(app: Flask) -> None:
    app.cli.add_command(accounts)
    app.cli.add_command(users)
    app.cli.add_command(check)
    app.cli.add_command(audit)
    app.cli.add_command(ledger)
    app.cli.add_command(campaigns)
    app.cli.add_command(schema)
    app.cli.add_command(list_verbs)
    app.cli.add_command(mail)
    app.cli.add_command(channels)
    app.cli.add_command(ingest)
    app.cli.add_command(seed)
    app.cli.add_command(work)

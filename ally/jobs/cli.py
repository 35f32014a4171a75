"""The worker's command."""

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from ally.jobs import worker


@click.command("work")
def work() -> None:
    """Run jobs until told to stop."""
    sys.exit(worker.work(app_of_command()))


@with_appcontext
def app_of_command():  # type: ignore[no-untyped-def]
    # Only asked for here: each job gets an application context of its own.
    return current_app._get_current_object()  # type: ignore[attr-defined]

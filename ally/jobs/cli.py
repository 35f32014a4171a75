"""The worker's command."""

import sys

import click
from flask.cli import ScriptInfo

from ally.jobs import worker


@click.command("work")
@click.pass_obj
def work(script: ScriptInfo) -> None:
    """Run jobs until told to stop."""
    sys.exit(worker.work(script.load_app()))

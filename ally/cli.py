"""The commands of `flask`, one line for each group."""

from flask import Flask

from ally.dev.cli import schema
from ally.events.cli import audit


def init_app(app: Flask) -> None:
    app.cli.add_command(audit)
    app.cli.add_command(schema)

"""Ally: everything automated waits at one human gate."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from ally.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The application: settings, extensions, then the packages in floor order."""
    # Imported here, so that the mail parser's subprocess, which imports
    # `ally.channels.mail`, starts without the web.
    from ally.assembly import assemble

    return assemble(settings)

"""Commands for those who build Ally."""

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from ally.dev import verbs
from ally.dev.schema import document


@click.command("schema")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the document is stale.")
@with_appcontext
def schema(check: bool) -> None:
    """Write docs/schema.md from the models."""
    path = document_at("schema.md")
    written = document()
    if not check:
        path.write_text(written)
        click.echo("Wrote docs/schema.md.")
    elif not path.exists() or path.read_text() != written:
        click.echo("docs/schema.md is stale: run `flask schema` and commit it.", err=True)
        sys.exit(1)


@click.command("verbs")
@with_appcontext
def list_verbs() -> None:
    """Write docs/persistence.md from the verbs."""
    document_at("persistence.md").write_text(verbs.document())
    click.echo("Wrote docs/persistence.md.")


def document_at(name: str) -> Path:
    return Path(current_app.root_path) / "docs" / name

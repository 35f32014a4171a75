"""`flask seed`: the demo desk."""

import click
from flask import current_app

from ally.db import db
from ally.demo import bulk
from ally.demo.seed import Filled, Size, fill
from ally.errors import AllyError


@click.command("seed")
@click.option(
    "--size",
    type=click.Choice([size.value for size in Size]),
    default=Size.DEFAULT.value,
    help="small: 12 conversations; default: 40; large: 10,000 more.",
)
def seed(size: str) -> None:
    """Fill the desk with demo data, once."""
    try:
        filled = fill(current_app.config["ALLY"], Size(size))
    except AllyError as refused:
        raise click.ClickException(str(refused)) from None
    db.session.commit()
    click.echo(in_words(filled))
    if size == Size.LARGE:
        fill_in_bulk(filled)


def in_words(filled: Filled) -> str:
    if not filled.conversations:
        return "The demo desk is there already. Nothing was changed."
    return f"Hot Rod AN: {filled.documents} documents, {filled.conversations} conversations."


def fill_in_bulk(filled: Filled) -> None:
    """Ten thousand conversations more, committed a chunk at a time."""
    missing = bulk.CONVERSATIONS - bulk.count(filled.account_id)
    if missing <= 0:
        click.echo("The 10,000 conversations are there already.")
        return
    with click.progressbar(length=missing, label="Conversations") as bar:
        for made in bulk.fill(filled.account_id, missing):
            db.session.commit()
            bar.update(made)

"""`flask channels`: the channels of an account, for the operator."""

import json
from datetime import timedelta
from typing import Any, TextIO
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select, text

from ally.accounts.models import Account
from ally.channels import forms, health, registry
from ally.channels.models import Platform
from ally.channels.platforms import PLATFORMS, SecretBy, webhook_url
from ally.channels.registry import Secret
from ally.db import as_account, db
from ally.errors import AllyError, Invalid, NotFound
from ally.web import settings

channels = AppGroup("channels", help="The channels that the desk serves.")
of_account = click.option("--account", help="The account's name or id, where there are several.")
from_file = click.option(
    "--secret-from",
    type=click.File(),
    help="A file with the secret that the provider made; - reads it from the input.",
)


@channels.command("list")
@of_account
def list_channels(account: str | None) -> None:
    """Print a line for each channel: its account, key, platform, address, and how it is."""
    for account_id, name in accounts_named(account):
        with as_account(account_id):
            for line in health.lines(account_id):
                click.echo("  ".join([name, line.key, line.platform, line.address, how(line)]))


@channels.command("create")
@click.argument("platform", type=click.Choice([platform.value for platform in PLATFORMS]))
@click.argument("name")
@click.argument("address")
@click.option("--key", default="", help="What stands in the webhook address; else from the name.")
@click.option(
    "--settings-from",
    type=click.File(),
    help="A JSON file of the form's other fields, such as host and password; - reads the input.",
)
@from_file
@of_account
def create(
    platform: str,
    name: str,
    address: str,
    key: str,
    settings_from: TextIO | None,
    secret_from: TextIO | None,
    account: str | None,
) -> None:
    """Add a channel, and print its secret this once."""
    typed = {"name": name, "external_id": address, "key": key}
    typed |= fields_in(settings_from) | secret_in(secret_from)
    kind, production = Platform(platform), settings().is_production
    try:
        account_id = the_account(account)
        with as_account(account_id):
            wanted, secret = forms.read_new(kind, typed, is_production=production)
            made = registry.create(account_id, kind, wanted, secret=secret, by=None)
            db.session.commit()
    except forms.Refused as refused:
        told = "; ".join(f"{field}: {words}" for field, words in refused.errors.items())
        raise click.ClickException(told) from None
    except AllyError as error:
        raise click.ClickException(str(error)) from None
    tell(made, f"{made.channel.name} is there: {made.channel.key}")


@channels.command("rotate")
@click.argument("key")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="How long the old secret counts beside the new one.",
)
@from_file
def rotate(key: str, overlap_hours: int, secret_from: TextIO | None) -> None:
    """Give the channel of this key a new secret, and print it this once."""
    try:
        with as_account(account_of(key)):
            channel = registry.lock_by_key(key)
            secret = forms.read_secret(channel.platform, secret_in(secret_from))
            overlap = timedelta(hours=overlap_hours)
            made = registry.rotate(channel, overlap=overlap, secret=secret, by=None)
            db.session.commit()
    except AllyError as error:
        raise click.ClickException(str(error)) from None
    until = made.channel.old_secret_until
    counts = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "no longer"
    tell(made, f"{made.channel.name} has a new secret; the old one counts {counts}.")


def tell(made: Secret, words: str) -> None:
    click.echo(words)
    if PLATFORMS[made.channel.platform].secret_by is SecretBy.US:
        click.echo(f"Secret, shown this once: {made.secret}")
    url = webhook_url(made.channel.platform, made.channel.key, settings().public_url)
    if url:
        click.echo(f"Webhook address: {url}")


def how(line: health.Line) -> str:
    if not line.is_active:
        return "off"
    return f"trouble: {line.last_error or 'a folder cannot be read'}" if line.is_troubled else "on"


def accounts_named(wanted: str | None) -> list[tuple[UUID, str]]:
    """(id, name) of the accounts of this name or id; of all of them without one."""
    found = []
    for account_id in db.session.scalars(text("SELECT account_ids()")).all():
        with as_account(account_id):
            name = db.session.scalars(select(Account.name).where(Account.id == account_id)).one()
        if wanted in {None, name, str(account_id)}:
            found.append((account_id, name))
    return found


def the_account(wanted: str | None) -> UUID:
    """The one account of this name or id.  Raises NotFound, Invalid."""
    found = accounts_named(wanted)
    if not found:
        raise NotFound("There is no such account.")
    if len(found) > 1:
        raise Invalid("There are several accounts: name one with --account.")
    return found[0][0]


def account_of(key: str) -> UUID:
    """The account that has the channel of this key.  Raises NotFound."""
    query = text("SELECT account_id FROM find_channel(:key)")
    account_id: UUID | None = db.session.scalar(query, {"key": key})
    if account_id is None:
        raise NotFound("There is no such channel.")
    return account_id


def fields_in(file: TextIO | None) -> dict[str, str]:
    """The fields of a JSON object, as a form would send them: what is false is left out."""
    try:
        told: Any = json.load(file) if file else {}
    except ValueError:
        raise click.ClickException("The file of the settings is not JSON.") from None
    if not isinstance(told, dict):
        raise click.ClickException("The file of the settings is not a JSON object.")
    return {str(name): str(value) for name, value in told.items() if value not in (False, None)}


def secret_in(file: TextIO | None) -> dict[str, str]:
    return {"secret": file.read().strip()} if file else {}

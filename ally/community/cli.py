"""`flask ingest discord`: Discord servers, read until stopped; and archives of other programs."""

import asyncio
import signal
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from sqlalchemy import select, text

from ally.channels.ingest_cli import ingest
from ally.channels.ingest_cli import until_stopped as stopped_by_signal
from ally.channels.models import Channel
from ally.community import archives
from ally.community.discord.servers import servers
from ally.community.telegram import polling
from ally.db import db, use_account
from ally.errors import AllyError


@ingest.command("discord")
@click.argument("channels", nargs=-1)
@click.option("--once", is_flag=True, help="Read what is new, and stop.")
def discord(channels: tuple[str, ...], once: bool) -> None:
    """Read the Discord servers of these channels, or of all, until stopped."""
    # Imported here, so that no other command waits for the library.
    from ally.community.discord import live

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    found = servers(app, channels)
    missing = set(channels) - {server.key for server in found}
    if missing:
        raise click.ClickException(
            f"No Discord server of this name is switched on: {min(missing)}."
        )
    click.echo(f"Reading {len(found)} server{'' if len(found) == 1 else 's'}.", err=True)
    if once:
        raise SystemExit(0 if asyncio.run(live.read_once(app, channels, say)) else 1)
    asyncio.run(until_stopped(app, channels))


@ingest.command("archive")
@click.argument("channel")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def archive(channel: str, file: Path) -> None:
    """Read an archive of Telegram Desktop or DiscordChatExporter into the channel of this key."""
    try:
        found = archives.read(file)
    except AllyError as wrong:
        raise click.ClickException(str(wrong)) from None
    known = find_by_key(channel)
    if known.platform is not found.platform:
        raise click.ClickException(f"This is an archive of {found.platform.value.capitalize()}.")
    found.enter(known)
    db.session.commit()
    new = 0
    with click.progressbar(length=len(found.messages), label=file.name, file=sys.stderr) as bar:
        for messages in archives.batches(found):
            new += sum(found.keep(known, message) for message in messages)
            db.session.commit()
            bar.update(len(messages))
    click.echo(f"{len(found.messages)} messages, {new} of them new.")


def find_by_key(key: str) -> Channel:
    for account_id in db.session.scalars(text("SELECT account_ids()")).all():
        use_account(account_id)
        asked = select(Channel).where(Channel.account_id == account_id, Channel.key == key)
        if (found := db.session.scalar(asked)) is not None:
            return found
    raise click.ClickException(f"There is no channel of this key: {key}.")


@ingest.command("telegram")
@click.argument("channels", nargs=-1)
@click.option("--once", is_flag=True, help="Fetch what is new, and stop.")
def telegram(channels: tuple[str, ...], once: bool) -> None:
    """Fetch the updates of these Telegram bots, or of all that have a token, until stopped."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    found = polling.bots(app, channels)
    missing = set(channels) - {bot.key for bot in found}
    if missing:
        raise click.ClickException(f"No bot with a token is switched on: {min(missing)}.")
    click.echo(f"Reading {len(found)} bot{'' if len(found) == 1 else 's'}.", err=True)
    if once:
        raise SystemExit(0 if all(fetch_once(app, bot) for bot in found) else 1)
    with stopped_by_signal() as over:
        polling.read_all(app, over, channels)


def fetch_once(app: Flask, bot: polling.Bot) -> bool:
    try:
        while polling.fetch(app, bot):
            pass
    except Exception as error:
        polling.note_error(app, bot, error)
        click.echo(f"{bot.key}: {polling.in_words(error)}", err=True)
        return False
    return True


async def until_stopped(app: Flask, channels: tuple[str, ...]) -> None:
    from ally.community.discord import live

    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await live.read_for_ever(app, over, channels, say)


def say(channel: str, read: int) -> None:
    """Tell a person at a terminal how far the reading has come."""
    if sys.stderr.isatty():
        click.echo(f"\r{channel}: {read} messages", nl=False, err=True)

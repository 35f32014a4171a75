"""`flask ingest discord`: Discord servers, read until stopped; and archives of other programs."""

import asyncio
import signal
import sys

import click
from flask import Flask, current_app

from ally.channels.ingest_cli import ingest
from ally.community.discord import live
from ally.community.discord.servers import servers


@ingest.command("discord")
@click.argument("channels", nargs=-1)
@click.option("--once", is_flag=True, help="Read what is new, and stop.")
def discord(channels: tuple[str, ...], once: bool) -> None:
    """Read the Discord servers of these channels, or of all, until stopped."""
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


async def until_stopped(app: Flask, channels: tuple[str, ...]) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await live.read_for_ever(app, over, channels, say)


def say(channel: str, read: int) -> None:
    """Tell a person at a terminal how far the reading has come."""
    if sys.stderr.isatty():
        click.echo(f"\r{channel}: {read} messages", nl=False, err=True)

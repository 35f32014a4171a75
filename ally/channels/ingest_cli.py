"""`flask ingest`: mail that Ally fetches, or that is delivered to it."""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup

from ally.channels import ingest as reading
from ally.channels import listener
from ally.web import settings

ingest = AppGroup("ingest", help="Mail that Ally fetches, or that is delivered to it.")
LOOPBACK = "127.0.0.1"
PORTS = {"smtp": 2525, "lmtp": 2424}
address = click.option("--listen", default="", help="HOST:PORT, this machine alone by default.")


@ingest.command("imap")
@click.argument("channels", nargs=-1)
@click.option("--everything", is_flag=True, help="Read also what was there before, once.")
@click.option("--once", is_flag=True, help="Read what is new, and stop.")
def imap(channels: tuple[str, ...], everything: bool, once: bool) -> None:
    """Read the mailboxes of these channels, or of all, until stopped."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    found = reading.mailboxes(app, channels)
    missing = set(channels) - {mailbox.key for mailbox in found}
    if missing:
        raise click.ClickException(f"No mailbox of this name is switched on: {min(missing)}.")
    click.echo(f"Reading {len(found)} mailbox{'' if len(found) == 1 else 'es'}.", err=True)
    if once:
        raise SystemExit(0 if all(read_once(app, box, everything) for box in found) else 1)
    with until_stopped() as over:
        reading.read_all(app, over, channels, everything=everything, say=say)


def read_once(app: object, mailbox: reading.Mailbox, everything: bool) -> bool:
    try:
        stored = reading.read_now(app, mailbox, everything=everything, say=say)  # type: ignore[arg-type]
    except Exception as error:
        reading.note_error(app, mailbox, error)  # type: ignore[arg-type]
        click.echo(f"{mailbox.key}: {reading.in_words(error)}", err=True)
        return False
    click.echo(f"{mailbox.key}: {stored} new", err=True)
    return True


def say(done: int, of: int) -> None:
    """Tell a person at a terminal how far a long reading has come."""
    if sys.stderr.isatty() and of > 1:
        click.echo(f"\r{done} of {of} mails", nl=done >= of, err=True)


@ingest.command("smtp")
@address
def smtp(listen: str) -> None:
    """Take mail by SMTP for the addresses of mail channels, until stopped."""
    serve("smtp", listen)


@ingest.command("lmtp")
@address
def lmtp(listen: str) -> None:
    """Take mail by LMTP, from a mail server of yours, until stopped."""
    serve("lmtp", listen)


def serve(speaks: str, listen: str) -> None:
    host, port = place_of(listen, PORTS[speaks])
    try:
        asyncio.run(serve_until_stopped(speaks, host, port))
    except OSError as error:
        raise click.ClickException(f"{host}:{port} cannot be used: {error.strerror}.") from None


def place_of(listen: str, usual: int) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not listen:
        return LOOPBACK, usual
    if not port.isdecimal() or int(port) > 65535:
        raise click.ClickException("Say where to listen as HOST:PORT, such as 127.0.0.1:2525.")
    return host.strip("[]") or LOOPBACK, int(port)


async def serve_until_stopped(speaks: str, host: str, port: int) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    largest = settings().max_mail_bytes
    server = await listener.serve(app, host=host, port=port, speaks=speaks, largest=largest)
    shown = ":".join(str(part) for part in server.sockets[0].getsockname()[:2])
    click.echo(f"Taking mail by {speaks.upper()} at {shown}.", err=True)
    async with server:
        await over.wait()


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    over = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: over.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield over
    for number, what in before.items():
        signal.signal(number, what)

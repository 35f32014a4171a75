"""A database of its own with a desk in it, the application on it, and mails to send."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from flask import Flask

from ally import clock, create_app
from ally.dev import postgres
from ally.dev.postgres import Server
from ally.settings import Settings

HOME = Path("var/bench").absolute()
SECRET = "bench-secret"
DATABASE = "ally_bench"


@dataclass(frozen=True)
class World:
    """Where everything is."""

    server: Server
    settings: Settings
    app: Flask

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be this application."""
        names = ("database_url", "database_url_owner", "secret_key", "public_url", "smtp_url")
        return os.environ | {
            **{name.upper(): str(getattr(self.settings, name)) for name in names},
            "ALLY_HOME": str(self.settings.ally_home),
            "OIDC_ISSUER": "http://127.0.0.1:9",
            "MAILS_PER_MINUTE": "1000000000",
        }


@contextlib.contextmanager
def world() -> Iterator[World]:
    with postgres.running(HOME / "postgres") as server:
        urls = server.fresh_database(DATABASE)
        settings = Settings(
            _env_file=None,
            secret_key="for-the-benchmark-only-and-long-enough",
            public_url="http://127.0.0.1",
            ally_home=HOME,
            smtp_url="smtp://127.0.0.1:9",
            oidc_issuer="http://127.0.0.1:9",
            oidc_client_id="ally",
            oidc_client_secret="secret",
            **urls,
        )
        app = create_app(settings)
        postgres.migrate(app)
        yield World(server, settings, app)
        server.drop_database(DATABASE)


@contextlib.contextmanager
def web_server(world: World, threads: int = 8) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The real server, as in production; its address and its process."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "app:app"),
        *("--port", str(port), "--blocking-threads", str(threads), "--log-level", "error"),
    ]
    process = subprocess.Popen(command, env=world.environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield f"127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(10)


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2)  # noqa: S310 (our own address)
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start.")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


NUMBER = b"4711047110"  # what is replaced in the one mail that all are made of


def mail(number: int) -> bytes:
    """An ordinary mail, unlike any other."""
    return ORDINARY.replace(NUMBER, b"%010d" % number)


def ordinary_mail() -> bytes:
    number = NUMBER.decode()
    made = EmailMessage()
    made["From"] = f"Customer {number} <customer{number}@example.com>"
    made["To"] = "support@hotrodan.example"
    made["Subject"] = f"Which pump for order {number}?"
    made["Date"] = format_datetime(clock.now())
    made["Message-ID"] = f"<bench-{number}-{os.getpid()}@example.com>"
    made.set_content(
        "Hello,\n\nwould the 255 lph in-tank pump hold 58 psi at this power,\n"
        "or should I take the 340? The tank is the stock one.\n\nThanks\n" * 3
    )
    made.add_alternative("<p>Hello,</p><p>would the <b>255 lph</b> pump hold 58 psi?</p>", "html")
    return made.as_bytes()


ORDINARY = ordinary_mail()

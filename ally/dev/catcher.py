"""A mail server for development: it keeps every mail as a file, and sends none on.

`python -m ally.dev.catcher FOLDER --port N`, or with a file that is told the port.
Recipients under two domains are refused, so that what follows can be seen.
"""

import argparse
import asyncio
import json
import os
import re
import secrets
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from ally.errors import NotFound

REFUSED_DOMAIN = "refused.example.net"
BUSY_DOMAIN = "busy.example.net"
NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.eml")
LARGEST_MAIL = 32 * 1024 * 1024  # bytes
MOST_LISTED = 200


@dataclass(frozen=True)
class Caught:
    """One mail that was caught, for a list: who, what and when."""

    name: str
    sender: str
    recipients: list[str]
    subject: str
    at: datetime


class Catcher:
    """What aiosmtpd asks at each verb."""

    def __init__(self, folder: Path):
        self.folder = folder

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2].lower()
        if domain == REFUSED_DOMAIN:
            return "550 5.1.1 No such mailbox here"
        if domain == BUSY_DOMAIN:
            return "451 4.3.0 This mailbox is busy, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        name = keep(self.folder, envelope)
        return f"250 2.0.0 Kept as {name.removesuffix('.eml')}"


def keep(folder: Path, envelope: Envelope) -> str:
    """Write the mail and its envelope; the mail's name, which appears last and whole."""
    at = datetime.now(UTC)
    name = f"{at:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.eml"
    aside = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "at": at.isoformat()}
    write(folder / name.replace(".eml", ".json"), json.dumps(aside).encode())
    content: Any = envelope.original_content
    write(folder / name, content)
    return name


def write(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(f"{path.suffix}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def list_mails(folder: Path) -> list[Caught]:
    """The mails that were caught, the newest first; 200 at most."""
    names = sorted((path.name for path in folder.glob("*.eml")), reverse=True)
    return [caught(folder, name) for name in names[:MOST_LISTED] if NAME.fullmatch(name)]


def read_mail(folder: Path, name: str) -> bytes:
    """One mail as it came.  Raises NotFound."""
    if not NAME.fullmatch(name) or not (folder / name).is_file():
        raise NotFound("There is no such mail.")
    return (folder / name).read_bytes()


def caught(folder: Path, name: str) -> Caught:
    aside = json.loads((folder / name.replace(".eml", ".json")).read_text())
    return Caught(
        name=name,
        sender=aside["from"],
        recipients=aside["to"],
        subject=subject_of(message_from_bytes((folder / name).read_bytes())),
        at=datetime.fromisoformat(aside["at"]),
    )


def subject_of(mail: Message) -> str:
    raw = re.sub(r"[\r\n]+", "", str(mail["Subject"] or ""))
    try:
        return str(make_header(decode_header(raw)))
    except (LookupError, ValueError):  # an unknown charset, or one that it was not written in
        return raw


async def serve(folder: Path, port: int, port_file: Path | None) -> None:
    """Catch mails until told to stop."""
    folder.mkdir(parents=True, exist_ok=True)
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(
            catcher, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="localhost"
        ),
        host="127.0.0.1",
        port=port,
    )
    if port_file:
        write(port_file, str(server.sockets[0].getsockname()[1]).encode())
    await told.wait()
    server.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("port_file", type=Path, nargs="?")
    options.add_argument("--port", type=int, default=0)
    asked = options.parse_args()
    asyncio.run(serve(asked.folder, asked.port, asked.port_file))
    os._exit(0)  # a client that has not hung up keeps nothing alive


if __name__ == "__main__":
    main()

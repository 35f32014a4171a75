"""The mail house where Postfix and Dovecot cannot be started: aiosmtpd, and our small IMAP server.

What is for a domain of `routes` is handed on by LMTP; what is for the desk's mailbox is
put there; everything else waits for the customer.
"""

import contextlib
import smtplib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from tests.channels import mailboxes
from tests.round_trip.mailhouse import free_port


@dataclass
class SmallHouse:
    routes: Mapping[str, int]
    imap: mailboxes.Mailboxes
    smtp_port: int = 0
    kept: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    @property
    def imaps_port(self) -> int:
        return self.imap.port

    @property
    def certificate(self) -> str:
        return self.imap.certificate

    @property
    def login(self) -> tuple[str, str]:
        return mailboxes.USER, mailboxes.PASSWORD

    def mails_of(self, user: str) -> list[bytes]:
        return self.kept[user]

    def keep(self, user: str, raw: bytes) -> None:
        self.kept[user].append(raw)

    def threads_of(self, user: str) -> int | None:
        """How many threads a mail program would show; None, since this server tells none."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        raw = envelope.original_content
        for address in envelope.rcpt_tos:
            port = self.routes.get(address.partition("@")[2])
            if port is not None:
                with smtplib.LMTP("127.0.0.1", port) as onwards:
                    onwards.sendmail(envelope.mail_from, [address], raw)
            elif address == mailboxes.USER:
                self.imap.deliver(raw)
            else:
                self.keep(address, raw)
        return "250 2.0.0 taken"


@contextlib.contextmanager
def running(folder: Path, routes: Mapping[str, int]) -> Iterator[SmallHouse]:
    with mailboxes.running(folder) as imap:
        house = SmallHouse(routes, imap)
        house.smtp_port = free_port()
        controller = Controller(house, hostname="127.0.0.1", port=house.smtp_port)
        controller.start()
        yield house
        controller.stop()

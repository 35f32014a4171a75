"""A mail server of our own, for those who point an MX, or their mail server, at Ally.

It takes mail for the addresses of mail channels alone, and says 250 only once the
mail is stored: whoever sends it keeps it until then.  It relays nothing.
Sources: RFC 5321 (SMTP), RFC 2033 (LMTP).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ally.channels import webhooks
from ally.channels.mail.headers import SURROGATES
from ally.channels.models import Platform
from ally.channels.webhooks import Caller
from ally.db import db, use_account

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 50  # of one mail
MOST_CONNECTIONS = 100  # at once
IDLE_SECONDS = 60  # after which a silent sender is let go
UNKNOWN = "550 5.1.1 There is no such mailbox here"
OFF = "450 4.2.1 This mailbox is switched off, try again later"
AWAY = "451 4.3.0 Ally cannot store mail just now, try again later"
CROWDED = "452 4.5.3 Too many recipients"
EMPTY = "554 5.6.0 The mail is empty"
TAKEN = "250 2.0.0 Stored"

FIND = "SELECT account_id, channel_id, is_active FROM find_channel_by_address(%(address)s)"


@dataclass(frozen=True)
class Place:
    """Where mail for one recipient is stored."""

    address: str
    caller: Caller


class Listener:
    """What aiosmtpd asks at each verb."""

    def __init__(self, app: Flask, *, answers_each: bool):
        self.app, self.answers_each = app, answers_each

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return CROWDED
        found = await self.apart(partial(find_place, address))
        if isinstance(found, str):
            return found
        envelope.rcpt_tos.append(address)
        places_of(envelope).append(found)
        return "250 2.1.5 This mailbox is ours"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        body, sender = envelope.original_content or b"", envelope.mail_from or ""
        places = places_of(envelope)
        answer = await self.apart(partial(store, places, sender, body))
        # LMTP wants an answer for each recipient; all are stored together, or none is.
        return "\r\n".join([answer] * len(places)) if self.answers_each else answer

    async def handle_exception(self, error: Exception) -> str:
        """Whatever it is, whoever sends the mail keeps it, and is told nothing of us."""
        log.error("a sender was let down: %s", type(error).__name__)
        return AWAY

    async def apart(self, call: Callable[[], Any]) -> Any:
        """The answer of a call that waits for the database, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(None, self.within, call)

    def within(self, call: Callable[[], Any]) -> Any:
        with self.app.app_context():
            try:
                answer = call()
                # Committed here: whoever sends the mail forgets it at our answer.
                db.session.commit()
                return answer
            except (SQLAlchemyError, psycopg.Error) as error:  # the driver is asked by itself too
                db.session.rollback()
                log.error("a mail could not be stored: %s", type(error).__name__)
                return AWAY


def places_of(envelope: Envelope) -> list[Place]:
    """The places that this mail's recipients have; the envelope ends with the mail."""
    found: list[Place] = envelope.__dict__.setdefault("ally_places", [])
    return found


def find_place(address: str) -> Place | str:
    """Where mail for this address goes, or why it is not taken.

    What stands behind a "+" in the address is its owner's own business.
    """
    if "\0" in address or not is_text(address):
        return UNKNOWN
    local, _, domain = address.rpartition("@")
    for wanted in dict.fromkeys((address, f"{local.partition('+')[0]}@{domain}")):
        row = webhooks.ask(FIND, {"address": wanted})
        if row is not None:
            account_id, channel_id, is_active = row
            place = Place(address, Caller(account_id, channel_id, Platform.MAIL, ()))
            return place if is_active else OFF
    return UNKNOWN


def is_text(address: str) -> bool:
    """Whether it came as UTF-8: what did not is held as halves of characters."""
    return not SURROGATES.search(address)


def store(places: list[Place], sender: str, body: bytes) -> str:
    """Keep the mail once for each channel that it is for, all in one transaction."""
    if not body.strip():
        return EMPTY
    recipients: dict[Any, list[str]] = {}
    callers = {place.caller.channel_id: place.caller for place in places}
    for place in places:
        recipients.setdefault(place.caller.channel_id, []).append(place.address)
    for channel_id, caller in callers.items():
        use_account(caller.account_id)
        webhooks.store_mail(
            caller,
            body,
            source="listener",
            envelope_from=sender,
            envelope_to=recipients[channel_id],
        )
    return TAKEN


async def serve(app: Flask, *, host: str, port: int, speaks: str, largest: int) -> asyncio.Server:
    """A server that listens; `speaks` is "smtp" or "lmtp", `largest` in bytes."""
    loop = asyncio.get_running_loop()
    kind = Lmtp if speaks == "lmtp" else Counted
    listener, open_now = Listener(app, answers_each=speaks == "lmtp"), set[SMTP]()

    def talk() -> SMTP:
        talking = kind(
            listener,
            data_size_limit=largest,
            enable_SMTPUTF8=True,
            ident="Ally",
            hostname="ally",
            timeout=IDLE_SECONDS,
            loop=loop,
        )
        talking.open_now = open_now
        return talking

    return await loop.create_server(talk, host, port)


class Counted(SMTP):
    """A conversation that is refused while too many others go on."""

    open_now: set[SMTP]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.open_now.add(self)
        super().connection_made(transport)
        if len(self.open_now) > MOST_CONNECTIONS:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.open_now.discard(self)
        super().connection_lost(error)


class Lmtp(Counted, LMTP):
    """The same, in LMTP."""

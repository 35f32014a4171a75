"""Reading every mailbox of every account, each in a thread of its own, until told to stop."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from ally.channels import checkpoints, imap
from ally.channels.imap import Folder, NotOffered, Say
from ally.channels.mail.headers import clean
from ally.channels.models import Channel, Platform
from ally.db import db, use_account
from ally.errors import AllyError, Invalid
from ally.web import settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between two looks for new channels, and at folders that tell nothing
FIRST_PAUSE = 5.0  # seconds after a failure, twice as long after each further one
LONGEST_PAUSE = 600.0
SIGN_IN_AGAIN = 25 * 60.0  # seconds; servers end connections that are older than 30 minutes


@dataclass(frozen=True)
class Mailbox:
    """A channel whose mailbox is read."""

    account_id: UUID
    channel_id: UUID
    key: str


def mailboxes(app: Flask, keys: tuple[str, ...] = ()) -> list[Mailbox]:
    """The mailboxes of all accounts that are switched on; of these keys alone, if any are given."""
    found = []
    with app.app_context():
        for account_id in db.session.scalars(text("SELECT account_ids()")).all():
            use_account(account_id)
            rows = db.session.execute(
                select(Channel.id, Channel.key).where(
                    Channel.account_id == account_id,
                    Channel.platform == Platform.IMAP,
                    Channel.is_active,
                )
            ).all()
            found += [Mailbox(account_id, id_, key) for id_, key in rows]
        db.session.rollback()
    return [mailbox for mailbox in found if not keys or mailbox.key in keys]


class Reader(threading.Thread):
    """Reads one mailbox until `over` is set."""

    def __init__(
        self, app: Flask, mailbox: Mailbox, over: threading.Event, *, everything: bool, say: Say
    ):
        super().__init__(name=f"mailbox {mailbox.key}", daemon=True)
        self.app, self.mailbox, self.over = app, mailbox, over
        self.everything, self.say = everything, say
        self.pause = FIRST_PAUSE

    def run(self) -> None:
        while not self.over.is_set():
            try:
                read_until(self.over, self.app, self.mailbox, self)
                self.pause = FIRST_PAUSE
            except Exception as error:  # whatever it was, the mailbox is asked again later
                log.warning("mailbox %s: %s", self.mailbox.key, in_words(error))
                note_error(self.app, self.mailbox, error)
                self.over.wait(self.pause)
                self.pause = min(self.pause * 2, LONGEST_PAUSE)


def read_until(over: threading.Event, app: Flask, mailbox: Mailbox, reader: Reader) -> None:
    """Sign in, read what is new, and wait for more, for as long as one connection should last."""
    with signed_in(app, mailbox) as connection:
        for _ in range(int(SIGN_IN_AGAIN / LOOK_SECONDS)):
            look_once(connection, mailbox, everything=reader.everything, say=reader.say)
            reader.everything, reader.pause = False, FIRST_PAUSE
            if not wait(connection, mailbox, over):
                return


def look_once(
    connection: IMAPClient, mailbox: Mailbox, *, everything: bool = False, say: Say
) -> int:
    """Store what is new in each of the mailbox's folders; how many mails they were."""
    channel = channel_of(mailbox)
    if channel is None:
        return 0
    largest = settings().max_mail_bytes
    return sum(
        imap.read_folder(
            connection, channel, folder, largest=largest, everything=everything, say=say
        )
        for folder in imap.folders_of(imap.wanted_of(channel))
    )


def read_now(app: Flask, mailbox: Mailbox, *, everything: bool = False, say: Say) -> int:
    """Sign in, store what is new, and leave; how many mails they were."""
    with signed_in(app, mailbox) as connection:
        return look_once(connection, mailbox, everything=everything, say=say)


def look_in(app: Flask, mailbox: Mailbox) -> None:
    """Sign in, see that every folder is there, and leave."""
    with signed_in(app, mailbox) as connection:
        channel = channel_of(mailbox)
        for folder in folders(channel) if channel else []:
            connection.select_folder(folder.name, readonly=True)


@contextmanager
def signed_in(app: Flask, mailbox: Mailbox) -> Iterator[IMAPClient]:
    """A connection to the mailbox, in a context of its own.

    Raises Invalid, IMAPClientError or OSError.
    """
    with app.app_context():
        channel = channel_of(mailbox)
        if channel is None:
            raise Invalid("This channel is switched off.")
        wanted = imap.wanted_of(channel)
        db.session.rollback()  # no transaction waits for a server
        connection = imap.connect(wanted)
        try:
            yield connection
        finally:
            leave(connection)


def wait(connection: IMAPClient, mailbox: Mailbox, over: threading.Event) -> bool:
    """Wait for news of the inbox; False when the reading is over."""
    channel = channel_of(mailbox)
    if over.is_set() or channel is None:
        return False
    inbox = imap.wanted_of(channel).inbox
    db.session.rollback()  # no transaction waits for a server
    connection.select_folder(inbox, readonly=True)
    try:
        imap.wait_for_mail(connection, seconds=LOOK_SECONDS, is_over=over.is_set)
    except NotOffered:
        over.wait(LOOK_SECONDS)
    return not over.is_set()


def channel_of(mailbox: Mailbox) -> Channel | None:
    """The channel as it is now; None when it was switched off."""
    use_account(mailbox.account_id)
    channel = db.session.scalar(
        select(Channel)
        .where(Channel.account_id == mailbox.account_id, Channel.id == mailbox.channel_id)
        .execution_options(populate_existing=True)
    )
    return channel if channel is not None and channel.is_active else None


def leave(connection: IMAPClient) -> None:
    try:
        connection.logout()
    except (IMAPClientError, OSError):
        connection.shutdown()


def note_error(app: Flask, mailbox: Mailbox, error: Exception) -> None:
    with app.app_context():
        try:
            channel = channel_of(mailbox)
            if channel is None:
                return
            for folder in folders(channel):
                checkpoints.record_error(channel, folder.name, in_words(error))
            # Committed here: the reader goes on, and the error must be seen meanwhile.
            db.session.commit()
        except SQLAlchemyError as again:
            db.session.rollback()
            log.error("mailbox %s: the error was not noted: %s", mailbox.key, type(again).__name__)


def folders(channel: Channel) -> list[Folder]:
    try:
        return imap.folders_of(imap.wanted_of(channel))
    except AllyError:
        return [Folder("INBOX", "inbox")]


def in_words(error: Exception) -> str:
    """What went wrong, in one line, for an admin."""
    if isinstance(error, TimeoutError):
        return "The mailbox did not answer in time."
    if isinstance(error, AllyError | IMAPClientError | OSError):
        said: Any = error.args[0] if error.args else ""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
        return clean(words)[:300] or type(error).__name__
    return f"The mailbox could not be read ({type(error).__name__})."


def known_mailboxes(app: Flask, keys: tuple[str, ...]) -> list[Mailbox]:
    """The mailboxes; none while the database is away, so that those that are read go on."""
    try:
        return mailboxes(app, keys)
    except SQLAlchemyError as error:
        log.error("the mailboxes could not be looked up: %s", type(error).__name__)
        return []


def read_all(
    app: Flask,
    over: threading.Event,
    keys: tuple[str, ...] = (),
    *,
    everything: bool = False,
    say: Say,
) -> None:
    """Read the mailboxes until `over` is set; those that are added later too."""
    readers: dict[UUID, Reader] = {}
    while not over.is_set():
        for mailbox in known_mailboxes(app, keys):
            known = readers.get(mailbox.channel_id)
            if known is None or not known.is_alive():
                reader = Reader(app, mailbox, over, everything=everything, say=say)
                readers[mailbox.channel_id] = reader
                reader.start()
        over.wait(LOOK_SECONDS)
    for reader in readers.values():
        reader.join(imap.STEP_SECONDS)

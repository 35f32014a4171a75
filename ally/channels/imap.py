"""Mailboxes that we read ourselves: new mails are stored, and the mailbox stays as it is.

Each folder has a checkpoint: the folder's UIDVALIDITY and the last UID that was stored,
advanced in the transaction that stores.  Where a server has numbered its mails anew,
all of the folder is read again, and what is known is recognised by its bytes.
Sources: RFC 3501 and 9051 (IMAP), RFC 2177 (IDLE).
"""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient

from ally.channels import checkpoints, credentials, webhooks
from ally.channels.credentials import ImapCredentials
from ally.channels.models import Channel
from ally.channels.senders import wire
from ally.channels.smtp_server import refuse_own_machine
from ally.channels.webhooks import Caller, Fact
from ally.db import db

STEP_SECONDS = 30  # that the server may take for one answer
AT_ONCE = 20  # mails in one transaction
BYTES_AT_ONCE = 10 * 1024 * 1024
LOOKED_AT = 500  # mails whose sizes are asked for together
Say = Callable[[int, int], None]


@dataclass(frozen=True)
class Folder:
    """A folder that is read.  What is in the Sent folder was written by a colleague."""

    name: str
    kind: str


@dataclass(frozen=True)
class Found:
    """A mail in the mailbox, before it is fetched."""

    uid: int
    size: int


def connect(wanted: ImapCredentials) -> IMAPClient:
    """A mailbox, signed in to over a verified connection.

    Raises IMAPClientError, OSError or ssl.SSLError, and OwnMachine in production.
    """
    trust = ssl.create_default_context()
    implicit = wanted.tls == "implicit"
    mailbox = IMAPClient(
        wanted.host,
        port=wanted.port,
        ssl=implicit,
        ssl_context=trust if implicit else None,
        timeout=STEP_SECONDS,
    )
    try:
        if not wire.is_loopback_allowed():
            refuse_own_machine(mailbox.socket())
        if not implicit:
            mailbox.starttls(trust)
        mailbox.login(wanted.user, wanted.password)
    except BaseException:
        mailbox.shutdown()
        raise
    return mailbox


def folders_of(wanted: ImapCredentials) -> list[Folder]:
    # What customers write must not be taken for ours, whatever was typed.
    is_apart = wanted.sent.lower() != wanted.inbox.lower()
    sent = [Folder(wanted.sent, "sent")] if wanted.sent and is_apart else []
    return [Folder(wanted.inbox, "inbox"), *sent]


def wanted_of(channel: Channel) -> ImapCredentials:
    """What the channel's mailbox asks for.  Raises Invalid."""
    return credentials.read(channel, ImapCredentials)


def read_folder(
    mailbox: IMAPClient,
    channel: Channel,
    folder: Folder,
    *,
    largest: int,
    everything: bool,
    say: Say,
) -> int:
    """Store what is new in the folder, a few mails at a time; how many they were.

    A folder that is read for the first time begins with the mails that come from then
    on, unless `everything` is asked for.  Commits after each step, so that whatever
    stops it, nothing is read twice or left out.
    """
    state = mailbox.select_folder(folder.name, readonly=True)
    if not state.get(b"UIDNEXT"):  # which servers should tell, and some do not
        state[b"UIDNEXT"] = max(mailbox.search(["ALL"]), default=0) + 1
    last = begin(channel, folder, state, everything=everything)
    new = [uid for uid in mailbox.search(["UID", f"{last + 1}:*"]) if uid > last]
    stored = 0
    for group in groups(mailbox, sorted(new), largest):
        stored += keep(mailbox, channel, folder, state[b"UIDVALIDITY"], group, largest)
        say(stored, len(new))
    finish(channel, folder)
    return stored


def begin(channel: Channel, folder: Folder, state: dict[bytes, Any], *, everything: bool) -> int:
    """The last UID that needs no reading."""
    checkpoint = checkpoints.hold_checkpoint(channel, folder.name)
    validity, cursor = state[b"UIDVALIDITY"], checkpoint.cursor
    if cursor.get("uidvalidity") == validity and not everything:
        last = int(cursor["uid"])
    elif cursor or everything:
        last = 0
    else:
        last = int(state[b"UIDNEXT"]) - 1
    checkpoints.advance(checkpoint, {"uidvalidity": validity, "uid": last})
    # Committed here: a mail that comes now must not be taken for one that was there before.
    db.session.commit()
    return last


def groups(mailbox: IMAPClient, uids: list[int], largest: int) -> Iterator[list[Found]]:
    """The mails in groups that are fetched and stored together."""
    group: list[Found] = []
    for start in range(0, len(uids), LOOKED_AT):
        sizes = mailbox.fetch(uids[start : start + LOOKED_AT], ["RFC822.SIZE"])
        for uid in sorted(sizes):
            found = Found(uid, int(sizes[uid][b"RFC822.SIZE"]))
            if group and (
                len(group) == AT_ONCE or weight([*group, found], largest) > BYTES_AT_ONCE
            ):
                yield group
                group = []
            group.append(found)
    if group:
        yield group


def weight(group: list[Found], largest: int) -> int:
    return sum(found.size for found in group if found.size <= largest)


def keep(
    mailbox: IMAPClient,
    channel: Channel,
    folder: Folder,
    validity: int,
    group: list[Found],
    largest: int,
) -> int:
    """Store the group and the place after it, in one transaction; how many were new."""
    read = dict(fetched(mailbox, group, largest))
    checkpoint = checkpoints.hold_checkpoint(channel, folder.name)
    caller = Caller(channel.account_id, channel.id, channel.platform, ())
    new, latest = 0, None
    for found in group:
        if found.uid not in read:  # somebody has deleted it meanwhile
            continue
        body, latest = read[found.uid]
        new += store(caller, folder, found, body, is_whole=found.size <= largest)
    checkpoints.advance(checkpoint, {"uidvalidity": validity, "uid": group[-1].uid}, latest)
    # Committed here: the mails and the place after them are saved together.
    db.session.commit()
    return new


def fetched(
    mailbox: IMAPClient, group: list[Found], largest: int
) -> Iterator[tuple[int, tuple[bytes, datetime | None]]]:
    """Each mail's bytes and when the server got it; of one that is too large its headers."""
    for is_whole, part in ((True, "BODY[]"), (False, "BODY[HEADER]")):
        uids = [found.uid for found in group if (found.size <= largest) is is_whole]
        if not uids:
            continue
        answer = mailbox.fetch(uids, [part.replace("BODY", "BODY.PEEK"), "INTERNALDATE"])
        for uid, said in answer.items():
            if uid in uids and said.get(part.encode()):
                arrived = said.get(b"INTERNALDATE")
                yield uid, (said[part.encode()], arrived and arrived.astimezone(UTC))


def store(caller: Caller, folder: Folder, found: Found, body: bytes, *, is_whole: bool) -> bool:
    """Keep one mail; whether it is new.  The same bytes by another way are the same mail."""
    known = {"folder": folder.kind, "uid": found.uid}
    if is_whole and body.strip():
        return webhooks.store_mail(caller, body, source="imap", **known).is_new
    if not is_whole:
        known |= {"is_too_large": True, "size": found.size}
    key = f"imap:{caller.channel_id}:{folder.name}:{found.uid}:{found.size}"
    return webhooks.store(caller, Fact(key, "mail", "message", known, body, "imap")).is_new


def finish(channel: Channel, folder: Folder) -> None:
    checkpoints.record_success(checkpoints.hold_checkpoint(channel, folder.name))
    db.session.commit()


def wait_for_mail(mailbox: IMAPClient, *, seconds: float, is_over: Callable[[], bool]) -> None:
    """Return when the server tells of something new, or after `seconds`, or when it is over."""
    step = 1.0
    if not mailbox.has_capability("IDLE"):
        raise NotOffered
    mailbox.idle()
    try:
        waited = 0.0
        while waited < seconds and not is_over():
            if mailbox.idle_check(timeout=step):
                return
            waited += step
    finally:
        mailbox.idle_done()


class NotOffered(Exception):
    """The server cannot tell of new mail: it is asked again from time to time."""

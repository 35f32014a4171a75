"""Whether a channel's servers let us in: signed in to, and left again with nothing sent.

Sources: RFC 3501 (IMAP), RFC 5321 (SMTP), and the API references of Zoho (OAuth 2.0
refresh), Intercom (GET /me) and Slack (auth.test).
"""

import imaplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import requests

from ally.channels import credentials, registry, smtp
from ally.channels.credentials import (
    ImapCredentials,
    IntercomCredentials,
    MailCredentials,
    SlackCredentials,
    ZohoCredentials,
)
from ally.channels.folders import quoted
from ally.channels.hosts import refuse_base_url
from ally.channels.mail.headers import clean
from ally.channels.models import Channel, Platform
from ally.channels.senders import intercom, slack, wire, zoho
from ally.channels.smtp_server import refuse_own_machine
from ally.channels.trial import CHECKED
from ally.db import current_account_id, db
from ally.errors import AllyError
from ally.events import trail
from ally.jobs.queue import job

PATIENCE = timedelta(seconds=20)
STEP_SECONDS = 10.0

# The desk's own mail server; set by the application from SMTP_URL.
_desk_url = ""


def use_desk_server(smtp_url: str) -> None:
    """Say, once at start-up, which server sends for channels without one of their own."""
    global _desk_url
    _desk_url = smtp_url


class Failed(Exception):
    """A server does not let us in; the text says why."""


@dataclass(frozen=True)
class Verdict:
    """`answer` is one line for an admin."""

    is_good: bool
    answer: str


@job("channels.check", attempts=1)
def check(channel_id: str) -> None:
    """Sign in at the servers of the channel, and note on its timeline how that went."""
    account_id = current_account_id()
    assert account_id is not None
    channel = registry.find_channel(account_id, UUID(channel_id))
    # Committed here: no transaction may wait for a server.
    db.session.commit()
    verdict = look(channel)
    trail.record(channel, CHECKED, answer=verdict.answer, is_good=verdict.is_good)


def look(channel: Channel) -> Verdict:
    """What the servers say, one after the other; the first that refuses ends it."""
    answers: list[str] = []
    try:
        for ask in asks_of(channel):
            answers.append(ask(channel))
    except (Failed, AllyError) as error:
        return Verdict(False, clean("; ".join([*answers, str(error)])))
    except Exception as error:  # an answer that nobody foresaw is a verdict too
        unread = f"the answer could not be read ({type(error).__name__})"
        return Verdict(False, clean("; ".join([*answers, unread])))
    return Verdict(True, clean("; ".join(answers)))


def asks_of(channel: Channel) -> list[Callable[[Channel], str]]:
    match channel.platform:
        case Platform.ZOHO_DESK | Platform.ZOHO_MAIL:
            return [ask_zoho]
        case Platform.INTERCOM:
            return [ask_intercom]
        case Platform.SLACK:
            return [ask_slack]
        case Platform.IMAP:
            return [ask_imap, ask_smtp]
        case _:
            return [ask_smtp]


def ask_smtp(channel: Channel) -> str:
    """Connect, greet, encrypt and sign in at the server that the channel sends by."""
    own = credentials.read(channel, MailCredentials).smtp_url
    url = own or _desk_url
    if not url:
        raise Failed("there is no mail server to send by: set SMTP_URL, or one for this channel")
    server = smtp.server_at(url)
    talk = smtp.Conversation(server, ssl.create_default_context(), STEP_SECONDS, PATIENCE)
    talk.keeps_out = bool(own) and not wire.is_loopback_allowed()
    try:
        talk.begin(channel.from_address or channel.external_id)
    except smtp.Refused as refusal:
        raise Failed(f"{server.host} refused us: {refusal.outcome.answer}") from None
    except Exception as error:  # whatever it is, it did not let us in
        raise Failed(f"{server.host}: {smtp.in_words(error)}") from None
    finally:
        talk.end()
    return f"{server.host} takes mail from us"


def ask_imap(channel: Channel) -> str:
    """Sign in, and look into the folders without changing anything."""
    wanted = credentials.read(channel, ImapCredentials)
    try:
        mailbox = connected(wanted)
        try:
            mailbox.login(wanted.user, wanted.password)
            return f"{wanted.host} lets us read {folders_read(mailbox, wanted)}"
        finally:
            mailbox.shutdown()
    except imaplib.IMAP4.error as error:
        raise Failed(f"{wanted.host} refused us: {said_by(error)}") from None
    except OSError as error:
        words = smtp.in_words(error).replace("the mail server", "the server")
        raise Failed(f"{wanted.host}: {words}") from None


def connected(wanted: ImapCredentials) -> imaplib.IMAP4:
    trust = ssl.create_default_context()
    place: dict[str, Any] = {"host": wanted.host, "port": wanted.port, "timeout": STEP_SECONDS}
    if wanted.tls == "implicit":
        mailbox: imaplib.IMAP4 = imaplib.IMAP4_SSL(**place, ssl_context=trust)
    else:
        mailbox = imaplib.IMAP4(**place)
    try:
        if not wire.is_loopback_allowed():
            refuse_own_machine(mailbox.sock)
        if wanted.tls != "implicit":
            mailbox.starttls(trust)
    except BaseException:
        mailbox.shutdown()
        raise
    return mailbox


def folders_read(mailbox: imaplib.IMAP4, wanted: ImapCredentials) -> str:
    """What is in the folders, in words.  Raises Failed for a folder that is not there."""
    told = []
    for folder in filter(None, (wanted.inbox, wanted.sent)):
        state, answer = mailbox.select(quoted(folder), readonly=True)
        if state != "OK":
            raise Failed(f"{wanted.host} has no folder “{folder}”: {said_by(*answer)}")
        told.append(f"{folder} ({int(answer[0] or 0)} mails)")
    return " and ".join(told)


def ask_zoho(channel: Channel) -> str:
    """Have the refresh token give an access token, which is then forgotten."""
    wanted = credentials.read(channel, ZohoCredentials)
    usual = f"https://accounts.{zoho.domain_of(wanted.region)}"
    form = {
        "grant_type": "refresh_token",
        "client_id": wanted.client_id,
        "client_secret": wanted.client_secret,
        "refresh_token": wanted.refresh_token,
    }
    told = called("POST", host_of(wanted.base_url, usual), "/oauth/v2/token", data=form)
    if not told.get("access_token"):
        raise Failed(f"Zoho refused us: {told.get('error') or 'it gave no access token'}")
    return "Zoho lets us in"


def ask_intercom(channel: Channel) -> str:
    wanted = credentials.read(channel, IntercomCredentials)
    host = host_of(wanted.base_url, f"https://{intercom.HOSTS[wanted.region]}")
    told = called("GET", host, "/me", headers=bearer(wanted.access_token))
    if told.get("type") != "admin":
        errors = told.get("errors") or [{}]
        raise Failed(f"Intercom refused us: {errors[0].get('message') or 'it did not say why'}")
    return f"Intercom knows us in the workspace {(told.get('app') or {}).get('name') or ''}".strip()


def ask_slack(channel: Channel) -> str:
    wanted = credentials.read(channel, SlackCredentials)
    host = host_of(wanted.base_url, f"https://{slack.HOST}")
    told = called("POST", host, "/api/auth.test", headers=bearer(wanted.bot_token))
    if told.get("ok") is not True:
        raise Failed(f"Slack refused us: {told.get('error') or 'it did not say why'}")
    return f"Slack knows us as {told.get('user')} in {told.get('team')}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def host_of(base_url: str, usual: str) -> str:
    """The provider's own address, or the stand-in on this machine."""
    if not base_url or not wire.is_loopback_allowed():
        return usual
    refuse_base_url(base_url)
    return base_url.rstrip("/")


def called(method: str, host: str, path: str, **more: Any) -> dict[str, Any]:
    """The JSON object that the provider answers.  Raises Failed."""
    try:
        answer = requests.request(
            method, host + path, timeout=STEP_SECONDS, allow_redirects=False, **more
        )
        told = answer.json()
    except requests.exceptions.Timeout:
        raise Failed("the provider did not answer in time") from None
    except requests.exceptions.JSONDecodeError:
        raise Failed(f"the provider answered {answer.status_code}, and nothing to read") from None
    except (requests.exceptions.RequestException, UnicodeError):
        raise Failed("the provider could not be reached") from None
    if not isinstance(told, dict):
        raise Failed(f"the provider answered {answer.status_code}, and nothing to read")
    return told


def said_by(*error: Any) -> str:
    """What an IMAP server said, in one line."""
    words = error[0].args[0] if isinstance(error[0], Exception) and error[0].args else error[0]
    return clean(words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words))

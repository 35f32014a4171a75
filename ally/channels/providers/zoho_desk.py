"""Zoho Desk: events of tickets as a JSON list, with a token that Zoho has signed.

The token says for which organisation and which webhook it is, and not for which body.
Where those are not known, the channel's secret in a header stands for it.
Source: "Desk webhook documentation", https://desk.zoho.com/support/WebhookDocument.do
"""

import re
import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ally import clock
from ally.channels.facts import Incoming
from ally.channels.mail.parsed import Unreadable
from ally.channels.models import EventsRaw
from ally.channels.providers import egress
from ally.channels.providers.call import (
    Call,
    Entry,
    Told,
    Unproved,
    digest_id,
    json_of,
    knows_secret,
    short_id,
    strict_json,
)
from ally.channels.providers.chat import left_at, listed_by, moment_of, written
from ally.channels.providers.echoes import is_echo
from ally.channels.providers.pieces import objects_of, text_of
from ally.channels.webhooks import SIGNATURE_WINDOW, Caller
from ally.errors import Malformed

TOKEN = "x-zdesk-jwt"  # noqa: S105 - the name of a header
PROOF = ("authorization", "x-ally-secret", TOKEN)
HOSTS = {
    "com": "desk.zoho.com",
    "eu": "desk.zoho.eu",
    "in": "desk.zoho.in",
    "au": "desk.zoho.com.au",
    "jp": "desk.zoho.jp",
    "ca": "desk.zohocloud.ca",
    "sa": "desk.zoho.sa",
    "cn": "desk.zoho.com.cn",
    "uk": "desk.zoho.uk",
}
KEYS = re.compile(r"https://desk\.zoho(?:cloud)?(?:\.[a-z]{2,3}){1,2}/\.well-known/jwks\.json")
KEYS_SECONDS = 3600.0  # for which keys are believed without being read again
PAUSE_SECONDS = 60.0  # between two readings, however many tokens name a key that is unknown
WRONG = "It has neither the channel's secret nor a token of Zoho Desk for this webhook."
MESSAGES = {"Ticket_Add", "Ticket_Thread_Add", "Ticket_Comment_Add"}

_keys: dict[str, tuple[float, KeySet]] = {}


def prove(caller: Caller, call: Call) -> Told:
    if not knows_secret(caller, call) and not has_token(caller, call.header(TOKEN)):
        raise Unproved(WRONG)
    events = json_of(call, list)
    return Told([entry(event, number, call.body) for number, event in enumerate(events)])


def entry(event: object, number: int, body: bytes) -> Entry:
    """A list may tell several things; each is stored by itself, and finds itself by its number."""
    told = event if isinstance(event, dict) else {}
    kind = text_of(told.get("eventType"))
    payload = told.get("payload")
    known = payload if isinstance(payload, dict) else {}
    notes = {"number": number}
    if (thread := thread_of(kind, known)) is not None:
        # A ticket is told with its first thread, which is told again by itself.
        return Entry(short_id(f"thread:{thread}"), notes=notes)
    if not kind or not known.get("id"):
        return Entry(f"{digest_id(body)}:{number}", notes=notes)
    return Entry(short_id(f"{kind}:{known['id']}:{told.get('eventTime')}"), notes=notes)


def thread_of(kind: str, payload: dict[str, Any]) -> str | None:
    first = payload.get("firstThread")
    if kind == "Ticket_Add" and isinstance(first, dict):
        return text_of(first.get("id")) or None
    return (text_of(payload.get("id")) or None) if kind == "Ticket_Thread_Add" else None


def has_token(caller: Caller, token: str) -> bool:
    """Whether Zoho has signed the token for this organisation and webhook.  Raises Unreachable."""
    org, webhook = caller.credentials.get("org_id"), caller.credentials.get("webhook_id")
    host = HOSTS.get(text_of(caller.credentials.get("region")).removeprefix("com.") or "com")
    if not token or not org or not webhook or host is None:
        return False
    claims = claims_of(token, host)
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    return (
        claims.get("iss") == f"orgId:{org}"
        and f"webhookId:{webhook}" in named
        and is_current(claims)
    )


def is_current(claims: dict[str, Any]) -> bool:
    now, apart = clock.now().timestamp(), SIGNATURE_WINDOW.total_seconds()
    ends, begins = claims.get("exp"), claims.get("iat")
    if isinstance(ends, int | float):
        return now <= ends + apart
    return isinstance(begins, int | float) and abs(now - begins) <= apart


def claims_of(token: str, host: str) -> dict[str, Any]:
    """What the token says, or nothing when it is not signed with a key of the host."""
    for read in (keys_of, keys_read_again):
        try:
            return dict(jwt.decode(token, read(host), algorithms=["RS256"]).claims)
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # the key may be a new one
    return {}


def keys_of(host: str) -> KeySet:
    read_at, keys = _keys.get(host, (0.0, None))
    if keys is None or time.monotonic() - read_at > KEYS_SECONDS:
        return read_keys(host)
    return keys


def keys_read_again(host: str) -> KeySet:
    read_at, keys = _keys[host]
    return read_keys(host) if time.monotonic() - read_at > PAUSE_SECONDS else keys


def read_keys(host: str) -> KeySet:
    raw = egress.fetch(f"https://{host}/.well-known/jwks.json", KEYS)
    try:
        keys = KeySet.import_key_set(strict_json(raw))
    except (JoseError, Malformed, ValueError, TypeError, KeyError):
        raise egress.Unreachable("The provider's keys could not be read just now.") from None
    _keys[host] = (time.monotonic(), keys)
    return keys


def forget_keys() -> None:
    _keys.clear()


def read(event: EventsRaw) -> Incoming:
    """The one event of the list that was stored.  Raises Unreadable."""
    listed, number = listed_by(event), event.payload.get("number", 0)
    told = listed[number] if number < len(listed) else None
    payload = told.get("payload") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(payload, dict):
        raise Unreadable("Zoho Desk sent an event without its ticket.")
    kind = text_of(told.get("eventType"))
    if kind == "Ticket_Update":
        return Incoming(thread=text_of(payload.get("id")) or None, closes=closes(told, payload))
    return message_of(event, kind, payload) if kind in MESSAGES else Incoming()


def closes(told: dict[str, Any], payload: dict[str, Any]) -> bool | None:
    """Whether the ticket was closed or opened by this; None when that stayed as it was."""
    before = told.get("prevState")
    was = text_of(before.get("statusType")) if isinstance(before, dict) else ""
    now = text_of(payload.get("statusType"))
    return None if not now or now == was else now.lower() == "closed"


def message_of(event: EventsRaw, kind: str, payload: dict[str, Any]) -> Incoming:
    if kind == "Ticket_Comment_Add" and payload.get("isPublic") is not True:
        return Incoming()  # a word among colleagues
    first = payload.get("firstThread")
    thread = first if kind == "Ticket_Add" and isinstance(first, dict) else payload
    ticket = text_of(payload.get("ticketId")) or text_of(payload.get("id"))
    author = author_of(thread, payload)
    is_ours = thread.get("direction") == "out" or author.get("type") == "AGENT"
    if is_ours and is_echo(event, text_of(thread.get("id"))):
        return Incoming(thread=ticket or None)
    content = text_of(thread.get("content")) or text_of(thread.get("description"))
    is_text = text_of(thread.get("contentType")).lower() in {"plaintext", "text/plain"}
    mail = written(
        message_id=f"zoho_desk:{text_of(thread.get('id')) or ticket}",
        name=author.get("name"),
        email=author.get("email"),
        text=content if is_text else None,
        marked=None if is_text else content,
        subject=text_of(thread.get("subject")) or text_of(payload.get("subject")),
        at=moment_of(thread.get("createdTime") or payload.get("createdTime")),
        notes=left_at("Zoho Desk", (f.get("name") for f in objects_of(thread.get("attachments")))),
    )
    return Incoming(mail=mail, thread=ticket or None, is_ours=is_ours)


def author_of(thread: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """Who wrote it, as name, email and type."""
    told = thread.get("author") or thread.get("commenter") or payload.get("contact")
    author = dict(told) if isinstance(told, dict) else {}
    names = (text_of(author.get("firstName")), text_of(author.get("lastName")))
    author.setdefault("name", " ".join(filter(None, names)))
    # A thread says the address once more, with its name around it.
    sent_from = text_of(thread.get("fromEmailAddress")).rpartition("<")[2].rstrip("> ")
    author["email"] = author.get("email") or sent_from or payload.get("email")
    return author

"""Intercom conversations: notifications as JSON, signed with the app's client secret.

Source: "Setting up webhooks" and "Webhook topics", https://developers.intercom.com/docs/webhooks
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from ally.channels.facts import Incoming
from ally.channels.mail.parsed import Parsed
from ally.channels.models import EventsRaw
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    digest_id,
    is_signed,
    json_of,
    short_id,
    told,
)
from ally.channels.providers.chat import left_at, moment_of, posted_by, unmarked, written
from ally.channels.providers.echoes import is_echo
from ally.channels.providers.pieces import objects_of, text_of
from ally.channels.webhooks import Caller

SIGNATURE = "x-hub-signature"
PROOF = (SIGNATURE,)
WRONG = "It is not signed with the client secret of the channel's Intercom app."
FIRST = {"conversation.user.created", "conversation.admin.single.created"}
REPLIES = {"conversation.user.replied", "conversation.admin.replied"}
CLOSES = {"conversation.admin.closed": True, "conversation.admin.opened": False}
COLLEAGUES = {"admin", "bot", "team"}


def prove(caller: Caller, call: Call) -> Told:
    if not is_signed(caller, call.header(SIGNATURE), lambda key: sign(key, call.body)):
        raise Unproved(WRONG)
    id_ = json_of(call).get("id")
    return told(short_id(id_) if id_ else digest_id(call.body))


def sign(key: bytes, body: bytes) -> bytes:
    """Intercom signs with SHA-1, and with nothing else."""
    return b"sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest().encode()


def read(event: EventsRaw) -> Incoming:
    posted = posted_by(event)
    topic = text_of(posted.get("topic"))
    data = posted.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    if not isinstance(item, dict) or not item.get("id"):
        return Incoming()  # such as the "ping" that tries the address
    nothing_said = Incoming(thread=str(item["id"]), closes=CLOSES.get(topic))
    said = part_of(topic, item)
    if said is None or not (text_of(said.get("body")) or objects_of(said.get("attachments"))):
        return nothing_said
    author = said.get("author")
    who = author if isinstance(author, dict) else {}
    is_ours = text_of(who.get("type")) in COLLEAGUES
    if is_ours and is_echo(event, text_of(said.get("id"))):
        return nothing_said
    return replace(nothing_said, mail=mail_of(item, said, who), is_ours=is_ours)


def mail_of(item: dict[str, Any], said: dict[str, Any], who: dict[str, Any]) -> Parsed:
    return written(
        message_id=f"intercom:{said.get('id')}",
        name=who.get("name"),
        email=who.get("email"),
        text=None,
        marked=text_of(said.get("body")),
        subject=unmarked(subject_of(item)),
        at=moment_of(said.get("created_at") or item.get("created_at")),
        notes=left_at("Intercom", (f.get("name") for f in objects_of(said.get("attachments")))),
    )


def part_of(topic: str, item: dict[str, Any]) -> dict[str, Any] | None:
    """What was said: the message that began the conversation, or the newest part of it."""
    if topic in FIRST:
        first = item.get("source") or item.get("conversation_message")
        return first if isinstance(first, dict) else None
    if topic not in REPLIES and topic not in CLOSES:
        return None  # notes, assignments and tags are theirs alone
    parts = item.get("conversation_parts")
    known = parts.get("conversation_parts") if isinstance(parts, dict) else parts
    said = [part for part in objects_of(known) if part.get("part_type") != "note"]
    return said[-1] if said else None


def subject_of(item: dict[str, Any]) -> str:
    source = item.get("source")
    told = text_of(source.get("subject")) if isinstance(source, dict) else ""
    return told or text_of(item.get("title"))

"""Slack's Events API: messages of channels, signed with the app's signing secret.

Source: "Verifying requests from Slack", https://docs.slack.dev/authentication/verifying-requests-from-slack
and "The Events API", https://docs.slack.dev/apis/events-api
"""

import hashlib
import hmac
import html
import re
from typing import Any

from ally.channels.facts import Incoming
from ally.channels.models import EventsRaw
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    digest_id,
    is_recent,
    is_signed,
    json_of,
    short_id,
    told,
)
from ally.channels.providers.chat import left_at, moment_of, posted_by, written
from ally.channels.providers.pieces import objects_of, text_of
from ally.channels.webhooks import Caller

SIGNATURE = "x-slack-signature"
TIMESTAMP = "x-slack-request-timestamp"
PROOF = (SIGNATURE,)
WRONG = "It is not signed with the channel's signing secret, or older than five minutes."
SAID = {"", "file_share", "thread_broadcast", "me_message"}  # other kinds tell of changes
LINK = re.compile(r"<([^<>|]{1,2000})(?:\|([^<>]{0,500}))?>")


def prove(caller: Caller, call: Call) -> Told:
    moment = call.header(TIMESTAMP)
    if not is_recent(moment):
        raise Unproved(WRONG)
    if not is_signed(caller, call.header(SIGNATURE), lambda key: sign(key, moment, call.body)):
        raise Unproved(WRONG)
    posted = json_of(call)
    if posted.get("type") == "url_verification":
        return Told([], answer={"challenge": text_of(posted.get("challenge"))})
    id_ = posted.get("event_id")
    return told(short_id(id_) if id_ else digest_id(call.body))


def sign(key: bytes, moment: str, body: bytes) -> bytes:
    signed = hmac.new(key, f"v0:{moment}:".encode(), hashlib.sha256)
    signed.update(body)
    return f"v0={signed.hexdigest()}".encode()


def read(event: EventsRaw) -> Incoming:
    posted = posted_by(event)
    told_of = posted.get("event")
    said = told_of if isinstance(told_of, dict) else {}
    if text_of(said.get("type")) not in {"message", "app_mention"} or is_of_a_program(posted, said):
        return Incoming()
    moment = text_of(said.get("ts"))
    where, user = text_of(said.get("channel")), text_of(said.get("user"))
    if not moment or not where or not user:
        return Incoming()
    files = objects_of(said.get("files"))
    mail = written(
        message_id=f"slack:{where}:{moment}",
        name=name_of(said) or user,
        email=None,
        text=plain(text_of(said.get("text"))),
        marked=None,
        at=moment_of(moment),
        notes=left_at("Slack", (file.get("name") for file in files)),
    )
    thread = f"{where}:{text_of(said.get('thread_ts')) or moment}"
    return Incoming(mail=mail, thread=thread, is_ours=is_of_a_colleague(posted, said))


def is_of_a_program(posted: dict[str, Any], said: dict[str, Any]) -> bool:
    """Whether a bot said it, ours above all: to answer it would be to answer ourselves."""
    is_ours = said.get("app_id") is not None and said.get("app_id") == posted.get("api_app_id")
    return bool(said.get("bot_id")) or is_ours or text_of(said.get("subtype")) not in SAID


def is_of_a_colleague(posted: dict[str, Any], said: dict[str, Any]) -> bool:
    """In a channel that is shared with a customer's workspace, who is of ours speaks for us."""
    if posted.get("is_ext_shared_channel") is not True:
        return False
    team = text_of(said.get("user_team")) or text_of(said.get("team"))
    return team != "" and team == posted.get("team_id")


def name_of(said: dict[str, Any]) -> str:
    profile = said.get("user_profile")
    told = profile if isinstance(profile, dict) else {}
    return text_of(told.get("real_name")) or text_of(told.get("display_name"))


def plain(text: str) -> str:
    """Slack's marks as a person reads them: links with their words, people by their id."""
    return html.unescape(LINK.sub(shown, text))


def shown(link: re.Match[str]) -> str:
    target, words = link[1], link[2]
    if target[0] in "@#!":
        mark = "#" if target[0] == "#" else "@"
        return f"{mark}{words or target[1:]}"
    return f"{words} ({target})" if words and words != target else target

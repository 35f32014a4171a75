"""Replies to conversations of Intercom, in the name of one teammate.

Sources: "Reply to a conversation", "Retrieve a conversation" and "Rate limiting" of
https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ally import clock
from ally.channels import credentials
from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.credentials import IntercomCredentials
from ally.channels.mail.compose import Letter, markup_of
from ally.channels.models import Channel, Delivery
from ally.channels.senders import alike, request
from ally.channels.senders.wire import Answer, Failed, Line, base_of, outcome_of
from ally.errors import Invalid

HOSTS = {
    "us": "api.intercom.io",
    "eu": "api.eu.intercom.io",
    "au": "api.au.intercom.io",
}
VERSION = "2.11"
THREAD = re.compile(r"[0-9]{1,40}", re.ASCII)
MOST_FILES = 10
CLOCKS_APART = timedelta(minutes=5)


class Intercom:
    capabilities = Capabilities(addresses=False, subject=False, cc=False, look_up=True)

    def __init__(self, own: IntercomCredentials):
        self.own = own
        self.base = base_of(own.base_url, f"https://{HOSTS[own.region]}", frozenset(HOSTS.values()))
        self.fields = {
            "Authorization": f"Bearer {own.access_token}",
            "Accept": "application/json",
            "Intercom-Version": VERSION,
        }

    @classmethod
    def of(cls, channel: Channel) -> "Intercom":
        return cls(credentials.read(channel, IntercomCredentials))

    def compose(self, letter: Letter) -> bytes:
        if not THREAD.fullmatch(letter.thread or ""):
            raise Invalid("This conversation is none of Intercom's, so no reply can be sent there.")
        if len(letter.enclosures) > MOST_FILES:
            raise Invalid(f"Intercom takes {MOST_FILES} files with a reply at most.")
        said: dict[str, Any] = {
            "message_type": "comment",
            "type": "admin",
            "admin_id": self.own.admin_id,
            "body": markup_of(letter),
        }
        if letter.enclosures:
            said["attachment_files"] = [
                {
                    "content_type": file.mime_type,
                    "data": base64.b64encode(file.content).decode(),
                    "name": file.file_name,
                }
                for file in letter.enclosures
            ]
        return request.write(f"/conversations/{letter.thread}/reply", said)

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        post = request.read(raw)
        try:
            answer = post.send(Line(within), self.base, self.fields)
        except Failed as failed:
            return failed.outcome
        if not answer.is_good:
            return refusal_of(answer)
        id_ = self.part_with(str(post.json["body"]), answer.json, since=None)
        words = f"{answer.status} part {id_}" if id_ else str(answer.status)
        return Outcome(Kind.ACCEPTED, words, provider_id=id_)

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        """Our teammate's reply with the same words, which was made after the decision."""
        post = request.read(delivery.raw)
        place = self.base + post.path.removesuffix("/reply")
        try:
            answer = Line(within).get(place, self.fields)
        except Failed:
            return None
        if not answer.is_good:
            return None
        since = delivery.created_at - CLOCKS_APART
        id_ = self.part_with(str(post.json["body"]), answer.json, since)
        if id_ is None:
            return Outcome(Kind.DEFERRED, "the conversation has no such reply")
        return Outcome(Kind.ACCEPTED, f"part {id_}", provider_id=id_)

    def part_with(self, body: str, conversation: Any, since: datetime | None) -> str | None:
        """The id of our newest reply with these words."""
        for part in reversed(parts_of(conversation)):
            author = part.get("author") or {}
            if (
                part.get("part_type") == "comment"
                and author.get("type") == "admin"
                and str(author.get("id")) == self.own.admin_id
                and (since is None or moment(part.get("created_at")) >= since)
                and alike.is_same(str(part.get("body") or ""), body)
            ):
                return str(part["id"])
        return None


def parts_of(conversation: Any) -> list[dict[str, Any]]:
    listed = conversation.get("conversation_parts") if isinstance(conversation, dict) else None
    parts = listed.get("conversation_parts") if isinstance(listed, dict) else None
    return [part for part in parts or [] if isinstance(part, dict)]


def refusal_of(answer: Answer) -> Outcome:
    """Intercom names a moment, rather than a pause, when its limit is reached."""
    outcome = outcome_of(answer)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.status != 429 or outcome.retry_after or not reset.isdigit():
        return outcome
    return replace(outcome, retry_after=max(moment(reset) - clock.now(), timedelta(0)))


def moment(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)

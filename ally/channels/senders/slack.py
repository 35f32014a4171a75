"""Replies in threads of Slack.

Sources: "chat.postMessage", "conversations.replies", "Message metadata" and "Rate limits"
of https://docs.slack.dev
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from ally.channels import credentials
from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.credentials import SlackCredentials
from ally.channels.mail.compose import Letter, text_of
from ally.channels.models import Channel, Delivery
from ally.channels.senders import request
from ally.channels.senders.wire import Answer, Failed, Line, base_of, outcome_of
from ally.errors import Invalid

HOST = "slack.com"
THREAD = re.compile(r"([A-Z0-9]{2,30})[:/]([0-9]{1,20}\.[0-9]{1,10})", re.ASCII)
LONGEST = 12_000  # characters; Slack cuts longer texts, and shows them badly long before
EVENT = "ally_reply"  # how our replies are marked, so that they can be looked up
PAGE, MOST_PAGES = 100, 10

# What an admin can mend: the token, the app's rights, or its place in the channel.
OF_SETTINGS = {
    "access_denied",
    "account_inactive",
    "ekm_access_denied",
    "invalid_auth",
    "missing_scope",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "no_permission",
    "org_login_required",
    "token_expired",
    "token_revoked",
}
FOR_NOW = {
    "message_limit_exceeded",
    "rate_limited",
    "ratelimited",
    "service_unavailable",
    "team_added_to_org",
}
# "It's possible some aspect of the operation succeeded before the error was raised."
UNCLEAR = {"fatal_error", "internal_error", "request_timeout"}


class Slack:
    """Slack drops no second copy by a promise of its own, so none is sent without a person."""

    capabilities = Capabilities(
        addresses=False, subject=False, cc=False, html=False, attachments=False, look_up=True
    )

    def __init__(self, own: SlackCredentials):
        self.base = base_of(own.base_url, f"https://{HOST}", frozenset({HOST}))
        self.fields = {"Authorization": f"Bearer {own.bot_token}"}

    @classmethod
    def of(cls, channel: Channel) -> "Slack":
        return cls(credentials.read(channel, SlackCredentials))

    def compose(self, letter: Letter) -> bytes:
        thread = THREAD.fullmatch(letter.thread or "")
        if thread is None:
            raise Invalid("This conversation is no thread of Slack, so no reply can be sent there.")
        text = escaped(text_of(letter))
        if len(text) > LONGEST:
            raise Invalid(f"Slack takes {LONGEST:,} characters at most. Shorten the reply.")
        said = {
            "channel": thread[1],
            "thread_ts": thread[2],
            "text": text,
            # What is sent is what was approved: no marks become bold, no links become cards.
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "client_msg_id": str(uuid5(NAMESPACE_URL, f"mid:{letter.message_id}")),
            "metadata": {"event_type": EVENT, "event_payload": {"id": letter.message_id}},
        }
        return request.write("/api/chat.postMessage", said)

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        try:
            answer = request.read(raw).send(Line(within), self.base, self.fields)
        except Failed as failed:
            return failed.outcome
        return outcome_said(answer) if answer.is_good else outcome_of(answer)

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        """The message of the thread that bears our mark."""
        line, asked, cursor = Line(within), request.read(delivery.raw).json, ""
        for _ in range(MOST_PAGES):
            page = self.page_of(line, asked, cursor)
            if page is None:
                return None
            for message in page.get("messages") or []:
                if is_marked(message, delivery.rfc_message_id):
                    ts = str(message.get("ts"))
                    return Outcome(Kind.ACCEPTED, f"message {ts}", provider_id=ts)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return Outcome(Kind.DEFERRED, "the thread has no such message")
        return None

    def page_of(self, line: Line, asked: dict[str, Any], cursor: str) -> dict[str, Any] | None:
        """One page of the thread; None when it cannot be read now."""
        query = {
            "channel": asked["channel"],
            "ts": asked["thread_ts"],
            "include_all_metadata": "true",
            "limit": str(PAGE),
            "cursor": cursor,
        }
        place = f"{self.base}/api/conversations.replies?{urlencode(query)}"
        try:
            answer = line.get(place, self.fields)
        except Failed:
            return None
        said = answer.json
        return said if answer.is_good and isinstance(said, dict) and said.get("ok") else None


def escaped(text: str) -> str:
    """The text without Slack's own marks: "<!channel>" must not call everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def outcome_said(answer: Answer) -> Outcome:
    """What Slack says in an answer of status 200."""
    said = answer.json if isinstance(answer.json, dict) else {}
    if said.get("ok") is True:
        ts = str(said.get("ts") or "")
        return Outcome(Kind.ACCEPTED, f"ok {ts}".strip(), provider_id=ts or None)
    error = str(said.get("error") or "")[:100]
    words = f"Slack says: {error}"
    if error in OF_SETTINGS:
        return Outcome(Kind.DEFERRED, words, needs_admin=True)
    if error in FOR_NOW:
        return Outcome(Kind.DEFERRED, words, retry_after=answer.retry_after)
    if error in UNCLEAR or not error:
        return Outcome(Kind.UNKNOWN, words if error else "Slack's answer could not be read")
    return Outcome(Kind.REJECTED, words)


def is_marked(message: Any, message_id: str) -> bool:
    mark = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(mark, dict) or mark.get("event_type") != EVENT:
        return False
    payload = mark.get("event_payload")
    return isinstance(payload, dict) and payload.get("id") == message_id

"""Replies to tickets of Zoho Desk, by mail, in its own thread.

Sources: "Send Email Reply", "List all threads" and "Get a thread" of
https://desk.zoho.com/DeskAPIDocument
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ally.channels import credentials
from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.credentials import ZohoDeskCredentials
from ally.channels.mail import headers
from ally.channels.mail.compose import Letter, markup_of
from ally.channels.models import Channel, Delivery
from ally.channels.senders import alike, request
from ally.channels.senders.wire import Failed, Line, outcome_of
from ally.channels.senders.zoho import Api
from ally.errors import Invalid

TICKET = re.compile(r"[0-9]{1,30}", re.ASCII)
CLOCKS_APART = timedelta(minutes=5)
MOST_THREADS = 20  # of a ticket, the newest, that a look-up reads


class ZohoDesk:
    """Answers to a ticket.  Desk sets the subject, and takes files only by uploads of its own."""

    capabilities = Capabilities(subject=False, attachments=False, look_up=True)

    def __init__(self, own: ZohoDeskCredentials):
        self.api = Api("desk", own)
        self.fields = {"orgId": own.org_id}

    @classmethod
    def of(cls, channel: Channel) -> "ZohoDesk":
        return cls(credentials.read(channel, ZohoDeskCredentials))

    def compose(self, letter: Letter) -> bytes:
        said = {
            "channel": "EMAIL",
            "fromEmailAddress": headers.checked_address(letter.from_address),
            "to": ", ".join(headers.checked_address(address) for _, address in letter.to),
            "contentType": "html",
            "content": markup_of(letter),
        }
        if letter.cc:
            said["cc"] = ", ".join(headers.checked_address(address) for _, address in letter.cc)
        if letter.bcc:
            said["bcc"] = ", ".join(headers.checked_address(address) for _, address in letter.bcc)
        return request.write(f"/api/v1/tickets/{ticket_of(letter)}/sendReply", said)

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        try:
            answer = self.api.post(Line(within), request.read(raw), self.fields)
        except Failed as failed:
            return failed.outcome
        if not answer.is_good:
            return outcome_of(answer)
        said = answer.json if isinstance(answer.json, dict) else {}
        id_, status = str(said.get("id") or ""), said.get("status")
        if status == "FAILED":
            return Outcome(Kind.REJECTED, "Zoho Desk could not send the reply", provider_id=id_)
        return Outcome(Kind.ACCEPTED, f"{answer.status} reply {id_}", provider_id=id_ or None)

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        """The outgoing thread with our words, which was made after the decision."""
        post, line = request.read(delivery.raw), Line(within)
        ticket = post.path.removesuffix("/sendReply")
        try:
            listed = self.api.get(
                line,
                f"{ticket}/threads?sortBy=-sendDateTime&limit={MOST_THREADS}",
                self.fields,
            )
            if not listed.is_good:
                return None
            since = delivery.created_at - CLOCKS_APART
            for thread in newer_replies(listed.json, since):
                if self.is_ours(line, ticket, thread, str(post.json["content"])):
                    return Outcome(Kind.ACCEPTED, f"reply {thread}", provider_id=thread)
        except Failed:
            return None
        return Outcome(Kind.DEFERRED, "the ticket has no such reply")

    def is_ours(self, line: Line, ticket: str, thread: str, content: str) -> bool:
        answer = self.api.get(line, f"{ticket}/threads/{thread}", self.fields)
        if not answer.is_good:
            raise Failed(outcome_of(answer))
        said = answer.json if isinstance(answer.json, dict) else {}
        return alike.words_in(str(said.get("content") or "")).startswith(alike.words_in(content))


def ticket_of(letter: Letter) -> str:
    if not TICKET.fullmatch(letter.thread or ""):
        raise Invalid("This conversation is no ticket of Zoho Desk, so no reply can be sent there.")
    return str(letter.thread)


def newer_replies(listed: Any, since: datetime) -> list[str]:
    """The ids of the replies that were sent since, the newest first."""
    threads = listed.get("data") if isinstance(listed, dict) else None
    return [
        str(thread["id"])
        for thread in threads or []
        if thread.get("direction") == "out"
        and thread.get("status") != "DRAFT"
        and TICKET.fullmatch(str(thread.get("id")))
        and moment(thread.get("createdTime")) >= since
    ]


def moment(said: Any) -> datetime:
    return datetime.fromisoformat(str(said).replace("Z", "+00:00"))

"""Mails by the API of Zoho Mail, which gives them Message-IDs of its own.

Sources: "Send an Email", "Get all folders" and "List Emails" of
https://www.zoho.com/mail/help/api/
"""

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ally.channels import credentials
from ally.channels.adapters import Capabilities, Kind, Outcome
from ally.channels.credentials import ZohoMailCredentials
from ally.channels.mail import headers
from ally.channels.mail.compose import Letter, markup_of, named_references
from ally.channels.models import Channel, Delivery
from ally.channels.senders import alike, request
from ally.channels.senders.wire import Failed, Line, outcome_of
from ally.channels.senders.zoho import Api

CLOCKS_APART = timedelta(minutes=5)
MOST_SENT = 100  # mails of the Sent folder, the newest, that a look-up reads
RFC_ID = re.compile(r"<([!-;=?-~]+)>")


class ZohoMail:
    """Mails from a mailbox at Zoho.  Files would have to be uploaded before the decision."""

    capabilities = Capabilities(attachments=False, look_up=True)

    def __init__(self, own: ZohoMailCredentials):
        self.api = Api("mail", own)
        self.account = f"/api/accounts/{quote(own.mail_account_id, safe='')}"

    @classmethod
    def of(cls, channel: Channel) -> "ZohoMail":
        return cls(credentials.read(channel, ZohoMailCredentials))

    def compose(self, letter: Letter) -> bytes:
        said = {
            "fromAddress": mailboxes([(letter.from_name, letter.from_address)]),
            "toAddress": mailboxes(letter.to),
            "subject": headers.clean(letter.subject),
            "content": markup_of(letter),
            "mailFormat": "html",
            "encoding": "UTF-8",
            "askReceipt": "no",
        }
        if letter.cc:
            said["ccAddress"] = mailboxes(letter.cc)
        if letter.bcc:
            said["bccAddress"] = mailboxes(letter.bcc)
        if letter.in_reply_to and headers.is_message_id(letter.in_reply_to):
            said["inReplyTo"] = f"<{letter.in_reply_to}>"
        if chain := named_references(letter.references):
            said["refHeader"] = " ".join(f"<{id_}>" for id_ in chain)
        return request.write(f"{self.account}/messages", said)

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, *, within: timedelta
    ) -> Outcome:
        try:
            answer = self.api.post(Line(within), request.read(raw), {})
        except Failed as failed:
            return failed.outcome
        if not answer.is_good:
            return outcome_of(answer)
        id_ = id_in(answer.json)
        return Outcome(
            Kind.ACCEPTED, f"{answer.status} mail {id_}".strip(), provider_id=id_ or None
        )

    def look_up(self, delivery: Delivery, *, within: timedelta) -> Outcome | None:
        """The mail of the Sent folder with our subject, recipient and words."""
        line, asked = Line(within), request.read(delivery.raw).json
        try:
            folder = self.sent_folder(line)
            if not folder:
                return None
            query = urlencode({"folderId": folder, "limit": MOST_SENT, "includeto": "true"})
            listed = self.api.get(line, f"{self.account}/messages/view?{query}", {})
            if not listed.is_good:
                return None
        except Failed:
            return None
        since = delivery.created_at - CLOCKS_APART
        for mail in rows_in(listed.json):
            if is_ours(mail, asked, delivery.recipients, since):
                id_ = str(mail.get("messageId") or "")
                return Outcome(Kind.ACCEPTED, f"mail {id_}", provider_id=id_ or None)
        return Outcome(Kind.DEFERRED, "the Sent folder has no such mail")

    def sent_folder(self, line: Line) -> str:
        answer = self.api.get(line, f"{self.account}/folders", {})
        if not answer.is_good:
            raise Failed(outcome_of(answer))
        folders = [row for row in rows_in(answer.json) if row.get("folderType") == "Sent"]
        return str(folders[0]["folderId"]) if folders else ""


def mailboxes(addresses: Sequence[tuple[str | None, str]]) -> str:
    """Addresses with their names, as a header has them, on one line."""
    words = [headers.plain_mailbox(name, address) for name, address in addresses]
    return ", ".join(words)


def rows_in(said: Any) -> list[dict[str, Any]]:
    rows = said.get("data") if isinstance(said, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def id_in(said: Any) -> str:
    """The Message-ID that Zoho gave the mail, or else Zoho's own name for it; "" for none."""
    given = said.get("data") if isinstance(said, dict) else None
    if not isinstance(given, dict):
        return ""
    found = RFC_ID.search(str(given.get("mailId") or ""))
    return found[1] if found else str(given.get("messageId") or "")


def is_ours(
    mail: dict[str, Any], asked: dict[str, Any], recipients: Sequence[str], since: datetime
) -> bool:
    """Whether a row of the list, which is HTML, is the mail that was asked for."""
    to = html.unescape(str(mail.get("toAddress") or "")).lower()
    return (
        moment(mail.get("sentDateInGMT")) >= since
        and html.unescape(str(mail.get("subject") or "")) == asked["subject"]
        and recipients[0].lower() in to
        and alike.begins(html.escape(html.unescape(str(mail.get("summary")))), asked["content"])
    )


def moment(milliseconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)

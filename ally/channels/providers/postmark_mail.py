"""A mail that Postmark posts as JSON, read.

Source: "Inbound webhook", https://postmarkapp.com/developer/webhooks/inbound-webhook
"""

import re
from typing import Any

from ally.channels.mail.parsed import Parsed
from ally.channels.providers.pieces import (
    header_lines,
    json_object,
    objects_of,
    spam_verdict,
    text_of,
    vouched,
)
from ally.channels.providers.rebuilt import Header, Piece, rebuild

BY = "Postmark"
BLANK_LINE = re.compile(r"\r?\n\r?\n")


def read(_content_type: str, body: bytes) -> Parsed:
    """What the mail says.  Raises Unreadable."""
    posted = json_object(body)
    headers = headers_of(posted)
    return vouched(
        raw_of(posted, headers),
        envelope_from=first(headers, "return-path"),
        delivered_to=[posted.get("OriginalRecipient")],
        reply_text=text_of(posted.get("StrippedTextReply")),
        verdicts=spam_verdict(
            BY, flag=first(headers, "x-spam-status"), score=first(headers, "x-spam-score")
        ),
    )


def headers_of(posted: dict[str, Any]) -> list[Header]:
    """Those that are listed, then those of the mail as it was sent, where it comes along."""
    listed = [
        (text_of(header.get("Name")), text_of(header.get("Value")))
        for header in objects_of(posted.get("Headers"))
    ]
    head = BLANK_LINE.split(text_of(posted.get("RawEmail")), maxsplit=1)[0]
    return listed + header_lines(head)


def first(headers: list[Header], name: str) -> str:
    """The first header of this name: Postmark puts its own above the sender's."""
    return next((value for known, value in headers if known.lower() == name), "")


def raw_of(posted: dict[str, Any], headers: list[Header]) -> bytes:
    """The mail as it was sent, where Postmark is set to include it; else made again."""
    if raw := text_of(posted.get("RawEmail")):
        return raw.encode("utf-8", "replace")
    text, html = text_of(posted.get("TextBody")), text_of(posted.get("HtmlBody"))
    return rebuild(
        [*addressed(posted), *headers],
        text or None,
        html or None,
        map(piece, objects_of(posted.get("Attachments"))),
    )


def addressed(posted: dict[str, Any]) -> list[Header]:
    """The headers that Postmark tells in fields of their own."""
    sender = posted.get("FromFull")
    people = {
        "From": [sender] if isinstance(sender, dict) else [],
        "To": objects_of(posted.get("ToFull")),
        "Cc": objects_of(posted.get("CcFull")),
    }
    found = [
        (name, ", ".join(map(mailbox, known)) or text_of(posted.get(name)))
        for name, known in people.items()
    ]
    found += [
        ("Reply-To", text_of(posted.get("ReplyTo"))),
        ("Subject", text_of(posted.get("Subject"))),
        ("Date", text_of(posted.get("Date"))),
    ]
    return [(name, value) for name, value in found if value]


def mailbox(person: dict[str, Any]) -> str:
    name = text_of(person.get("Name")).replace("\\", "\\\\").replace('"', '\\"')
    email = text_of(person.get("Email"))
    return f'"{name}" <{email}>' if name else f"<{email}>"


def piece(file: dict[str, Any]) -> Piece:
    # "Data" is what the test button of Postmark calls the content.
    content = text_of(file.get("Content")) or text_of(file.get("Data"))
    return Piece(
        text_of(file.get("Name")),
        text_of(file.get("ContentType")),
        content.encode("ascii", "replace"),
        text_of(file.get("ContentID")).removeprefix("cid:"),
        is_base64=True,
    )

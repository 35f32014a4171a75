"""A mail that Mailgun posts as a form, read: its parts in fields, or whole in `body-mime`.

Source: "Receive HTTP POST webhooks", https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store
"""

from ally.channels.mail.parsed import Parsed, Unreadable, Verdict
from ally.channels.mail.words import decode
from ally.channels.providers.forms import BrokenForm, FormPart, form_parts
from ally.channels.providers.pieces import loose_json, objects_of, spam_verdict, text_of, vouched
from ally.channels.providers.rebuilt import Header, Piece, rebuild

BY = "Mailgun"
# Mailgun posts these as fields too, which is all there is when it is told to store the mail.
TOLD_APART = ("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-Id", "In-Reply-To")
CHECKS = {"X-Mailgun-Spf": "spf", "X-Mailgun-Dkim-Check-Result": "dkim"}


def read(content_type: str, body: bytes) -> Parsed:
    """What the mail says.  Raises Unreadable."""
    try:
        parts = list(form_parts(content_type, body))
    except BrokenForm:
        raise Unreadable("The form that Mailgun posted is broken.") from None
    fields = {part.name: part.content for part in reversed(parts)}
    headers = headers_of(fields)
    raw = fields.get("body-mime") or rebuild(
        headers,
        text_or_none(fields, "body-plain"),
        text_or_none(fields, "body-html"),
        pieces(parts, fields),
    )
    return vouched(
        raw,
        envelope_from=text(fields, "sender"),
        delivered_to=text(fields, "recipient").split(","),
        reply_text=text(fields, "stripped-text"),
        verdicts=verdicts(headers),
        notes=left_behind(fields),
    )


def text(fields: dict[str, bytes], name: str) -> str:
    return decode(fields.get(name, b""), "utf-8")


def text_or_none(fields: dict[str, bytes], name: str) -> str | None:
    return text(fields, name) if name in fields else None


def headers_of(fields: dict[str, bytes]) -> list[Header]:
    listed = loose_json(fields.get("message-headers", b""))
    pairs = listed if isinstance(listed, list) else []
    headers = [
        (text_of(pair[0]), text_of(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    ]
    if headers:
        return headers
    # In lower case too, as Mailgun posts some of them.
    told = [(name, text(fields, name) or text(fields, name.lower())) for name in TOLD_APART]
    return [(name, value) for name, value in told if value]


def pieces(parts: list[FormPart], fields: dict[str, bytes]) -> list[Piece]:
    """The files, in the order in which Mailgun numbers them."""
    named = loose_json(fields.get("content-id-map", b"{}"))
    pairs = named.items() if isinstance(named, dict) else []
    content_ids = {text_of(file): id_ for id_, file in pairs}
    files = [part for part in parts if part.name.startswith("attachment-") and part.file_name]
    return [
        Piece(
            part.file_name or "",
            part.content_type,
            part.content,
            text_of(content_ids.get(part.name)).strip("<> "),
        )
        for part in files
    ]


def verdicts(headers: list[Header]) -> list[Verdict]:
    """What Mailgun found when it checked the mail."""
    known = {name.lower(): value for name, value in reversed(headers)}
    checked = [
        Verdict(method, known[name.lower()].strip().lower()[:40], by=BY)
        for name, method in CHECKS.items()
        if known.get(name.lower(), "").strip()
    ]
    return checked + spam_verdict(
        BY, flag=known.get("x-mailgun-sflag", ""), score=known.get("x-mailgun-sscore", "")
    )


def left_behind(fields: dict[str, bytes]) -> list[str]:
    """A note on files that Mailgun keeps, when its route is to store and not to forward."""
    stored = objects_of(loose_json(fields.get("attachments", b"")))
    names = ", ".join(text_of(file.get("name"))[:100] for file in stored[:20])
    return [f"Files of this mail are left at Mailgun: {names}."] if stored else []

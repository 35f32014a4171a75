"""A mail that SendGrid posts as a form, read: its parts in fields, or whole in `email`.

Each field is in the charset that `charsets` names for it.
Source: "Setting up the Inbound Parse Webhook", https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
"""

import re
from typing import Any

from ally.channels.mail.parsed import Parsed, Unreadable, Verdict
from ally.channels.mail.words import decode
from ally.channels.providers.forms import BrokenForm, FormPart, form_parts
from ally.channels.providers.pieces import header_lines, loose_json, text_of, vouched
from ally.channels.providers.rebuilt import Header, Piece, rebuild

BY = "SendGrid"
DKIM = re.compile(r"@?([\w.-]{1,253})\s*:\s*([a-z]{1,20})")
NUMBER = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,4})?")
TOLD_APART = ("from", "to", "cc", "subject")
SPAM_SCORE = 5.0  # from which SpamAssassin, which SendGrid asks, calls a mail spam


def read(content_type: str, body: bytes) -> Parsed:
    """What the mail says.  Raises Unreadable."""
    try:
        parts = list(form_parts(content_type, body))
    except BrokenForm:
        raise Unreadable("The form that SendGrid posted is broken.") from None
    form = Form(parts)
    envelope = form.json("envelope")
    recipients = envelope.get("to")
    return vouched(
        form.fields.get("email") or form.rebuilt(),
        envelope_from=text_of(envelope.get("from")),
        delivered_to=recipients if isinstance(recipients, list) else [recipients],
        verdicts=form.verdicts(),
    )


class Form:
    """The fields as bytes, and how each is read."""

    def __init__(self, parts: list[FormPart]):
        self.parts = parts
        self.fields = {part.name: part.content for part in reversed(parts)}
        self.charsets = self.json("charsets")

    def json(self, name: str) -> dict[str, Any]:
        read = loose_json(self.fields.get(name, b""))
        return read if isinstance(read, dict) else {}

    def text(self, name: str) -> str:
        return decode(self.fields.get(name, b""), text_of(self.charsets.get(name)) or "utf-8")

    def text_or_none(self, name: str) -> str | None:
        return self.text(name) if name in self.fields else None

    def rebuilt(self) -> bytes:
        return rebuild(
            self.headers(), self.text_or_none("text"), self.text_or_none("html"), self.pieces()
        )

    def headers(self) -> list[Header]:
        """The mail's own, and those that are in fields alone."""
        own = header_lines(self.text("headers"))
        known = {name.lower() for name, _ in own}
        told = [(name.title(), self.text(name)) for name in TOLD_APART if name not in known]
        return own + [(name, value) for name, value in told if value]

    def pieces(self) -> list[Piece]:
        files = [p for p in self.parts if p.name.startswith("attachment") and p.file_name]
        described = self.json("attachment-info")
        return [self.piece(part, described.get(part.name)) for part in files]

    def piece(self, part: FormPart, described: object) -> Piece:
        info = described if isinstance(described, dict) else {}
        return Piece(
            part.file_name or text_of(info.get("filename")),
            part.content_type or text_of(info.get("type")),
            part.content,
            text_of(info.get("content-id")).strip("<> "),
        )

    def verdicts(self) -> list[Verdict]:
        """What SendGrid found when it checked the mail."""
        found = []
        if spf := self.text("SPF").strip().lower()[:40]:
            found.append(Verdict("spf", spf, by=BY))
        found += [
            Verdict("dkim", result, domain=domain, by=BY)
            for domain, result in DKIM.findall(self.text("dkim")[:4096])
        ]
        score = self.text("spam_score").strip()
        if NUMBER.fullmatch(score):
            is_spam = "yes" if float(score) >= SPAM_SCORE else "no"
            found.append(Verdict("spam", is_spam, by=BY, detail=f"score {score}"))
        return found

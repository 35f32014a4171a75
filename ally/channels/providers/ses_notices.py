"""What Amazon SES says in its notifications: a mail that came, or what became of one of ours.

Source: "Notification contents for Amazon SES", https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
and "Contents of notifications for email receiving", https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ally.channels.facts import Incoming, Report
from ally.channels.mail import guard
from ally.channels.mail.parsed import Parsed, Unreadable, Verdict
from ally.channels.models import EventsRaw, ReportKind
from ally.channels.providers.chat import moment_of, posted_by, report
from ally.channels.providers.pieces import emails_of, json_object, objects_of, text_of
from ally.channels.providers.rebuilt import rebuild

BY = "Amazon SES"
CHECKS = {"spfVerdict": "spf", "dkimVerdict": "dkim", "dmarcVerdict": "dmarc"}
RESULTS = {"PASS": "pass", "FAIL": "fail", "GRAY": "none", "PROCESSING_FAILED": "temperror"}


def read(event: EventsRaw) -> Incoming:
    posted = posted_by(event)
    if posted.get("Type") != "Notification":
        return Incoming()
    notice = json_object(text_of(posted.get("Message")) or "{}")
    if notice.get("notificationType") == "Received":
        return Incoming(mail=mail_of(notice))
    return Incoming(reports=list(reports_of(event, notice)))


def mail_of(notice: dict[str, Any]) -> Parsed:
    """The mail that came, with what SES knows of it.  Raises Unreadable."""
    receipt, told = part(notice, "receipt"), part(notice, "mail")
    content = text_of(notice.get("content"))
    read = guard.parse(raw_of(content, part(receipt, "action"))) if content else head_of(notice)
    sender = emails_of([told.get("source")])
    recipients = emails_of(strings(receipt.get("recipients")) or strings(told.get("destination")))
    return replace(
        read,
        envelope_from=sender[0] if sender else read.envelope_from,
        delivered_to=list(dict.fromkeys([*recipients, *read.delivered_to])),
        verdicts=[*verdicts(receipt), *read.verdicts],
    )


def raw_of(content: str, action: dict[str, Any]) -> bytes:
    """The mail's bytes: SNS carries text, so SES may be told to write them in base64."""
    if action.get("encoding") != "BASE64":
        return content.encode("utf-8", "replace")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("Amazon SES sent it in base64 that is broken.") from None


def head_of(notice: dict[str, Any]) -> Parsed:
    """What is told of a mail that SES has put elsewhere: who wrote it, about what."""
    headers = [
        (text_of(header.get("name")), text_of(header.get("value")))
        for header in objects_of(part(notice, "mail").get("headers"))
    ]
    action = part(part(notice, "receipt"), "action")
    where = f" (S3 bucket {action['bucketName']})" if action.get("bucketName") else ""
    text = (
        f"Amazon SES keeps the text of this mail elsewhere{where[:100]} and has sent its head"
        " alone. Add an SNS action that includes the content to the receipt rule."
    )
    # A note of ours in place of what the customer wrote: no program may answer it.
    return replace(guard.parse(rebuild(headers, text, None)), may_answer=False, notes=[text])


def verdicts(receipt: dict[str, Any]) -> list[Verdict]:
    found = [
        Verdict(method, RESULTS[status], by=BY)
        for name, method in CHECKS.items()
        if (status := text_of(part(receipt, name).get("status"))) in RESULTS
    ]
    spam = text_of(part(receipt, "spamVerdict").get("status"))
    if spam in {"PASS", "FAIL"}:
        found.append(Verdict("spam", "yes" if spam == "FAIL" else "no", by=BY))
    return found


@dataclass(frozen=True)
class Kind:
    """Where a notification of this kind tells its recipients, and why."""

    kind: ReportKind
    part: str
    recipients: str
    reason: str = ""


KINDS = {
    "Bounce": Kind(ReportKind.BOUNCED, "bounce", "bouncedRecipients", "bounceSubType"),
    "Complaint": Kind(
        ReportKind.COMPLAINED, "complaint", "complainedRecipients", "complaintFeedbackType"
    ),
    "Delivery": Kind(ReportKind.DELIVERED, "delivery", "recipients", "smtpResponse"),
    "DeliveryDelay": Kind(ReportKind.DELAYED, "deliveryDelay", "delayedRecipients", "delayType"),
    "Open": Kind(ReportKind.OPENED, "open", ""),
}


def reports_of(event: EventsRaw, notice: dict[str, Any]) -> Iterator[Report]:
    """A report for each recipient that the notification names."""
    kind = KINDS.get(text_of(notice.get("notificationType")) or text_of(notice.get("eventType")))
    if kind is None:
        return
    told, happened = part(notice, "mail"), part(notice, kind.part)
    # An opening names nobody.
    for recipient in recipients_of(happened.get(kind.recipients)) or [{}]:
        yield report(
            kind.kind,
            event=event,
            at=moment_of(happened.get("timestamp")),
            detail=text_of(recipient.get("diagnosticCode")) or happened.get(kind.reason),
            rfc_message_id=message_id_of(told),
            provider_id=told.get("messageId"),
            recipient=recipient.get("emailAddress"),
            is_permanent=happened.get("bounceType") == "Permanent",
        )


def recipients_of(value: object) -> list[dict[str, Any]]:
    """The recipients, some of which are told by their address alone."""
    return [*objects_of(value), *({"emailAddress": address} for address in strings(value))]


def message_id_of(told: dict[str, Any]) -> str:
    """The Message-ID that we gave, where SES includes the headers."""
    named = [
        header.get("value")
        for header in objects_of(told.get("headers"))
        if text_of(header.get("name")).lower() == "message-id"
    ]
    return text_of(named[0]) if named else text_of(part(told, "commonHeaders").get("messageId"))


def part(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

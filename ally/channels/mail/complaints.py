"""Complaints: readers who pressed "this is spam", told by their providers (RFC 5965)."""

from ally.channels.mail.parsed import Bounced, Category
from ally.channels.mail.reports import ADDRESS, Report, Reports
from ally.channels.mail.returned import original_headers
from ally.channels.mail.senders import local_part
from ally.channels.mail.top import Top

MOST_RECIPIENTS = 20
LONGEST_DETAIL = 300  # characters
# Hotmail and Outlook.com send the mail itself, without a report, and name the reader in it.
OF_OUTLOOK = "x-hmxmroriginalrecipient"
READER_FIELDS = ("original-rcpt-to", "removal-recipient", "x-original-rcpt-to")
READER_HEADERS = (OF_OUTLOOK, "x-rcpt-to", "to")


def complaint(top: Top, found: Reports) -> Report | None:
    """The complaint that the mail is; None when it is none."""
    if found.feedback is not None and "feedback-type" in found.feedback:
        kind = found.feedback["feedback-type"].strip().lower()
        said = [found.feedback.get(name, "") for name in READER_FIELDS]
        return told(top, said, kind)
    if is_of_outlook(top):
        return told(top, [], "abuse")
    return None


def is_of_outlook(top: Top) -> bool:
    sender = top.sender()[1].lower()
    if not sender.endswith(("@hotmail.com", "@outlook.com")) or local_part(sender) != "staff":
        return False
    return any(OF_OUTLOOK in headers for headers in original_headers(top.root))


def told(top: Top, said: list[str], kind: str) -> Report:
    """Who complained: by the report, else by the mail that it gives back."""
    originals = list(original_headers(top.root))
    said = said if any(said) else headers_of(originals)
    addresses = dict.fromkeys(a for value in said for a in ADDRESS.findall(value[:4_000]))
    bounces = [
        Bounced(address[:320], reason="feedback", detail=kind[:LONGEST_DETAIL])
        for address in list(addresses)[:MOST_RECIPIENTS]
    ]
    return Report(
        Category.COMPLAINT, bounces or [Bounced("", reason="feedback", detail=kind[:300])]
    )


def headers_of(originals: list[dict[str, list[str]]]) -> list[str]:
    for name in READER_HEADERS:
        found = [value for headers in originals for value in headers.get(name, [])]
        if found:
            return found
    return []

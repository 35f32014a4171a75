"""Receipts: a reader's program tells that a mail was shown, or thrown away (RFC 8098)."""

from ally.channels.mail.parsed import Bounced, Category
from ally.channels.mail.reports import Report, Reports, address_of
from ally.channels.mail.top import Top

LONGEST_DETAIL = 300  # characters


def receipt(top: Top, found: Reports) -> Report | None:
    """The receipt that the mail is; None when it is none, or one that is passed on by a person."""
    if found.reading is None or "disposition" not in found.reading:
        return None
    if top.root.kind != "multipart/report" and not top.root.headers("auto-submitted"):
        return None
    told = found.reading["disposition"].rpartition(";")[2].strip().lower()
    address = address_of(found.reading)
    detail = told[:LONGEST_DETAIL]
    return Report(Category.RECEIPT, [Bounced(address, reason="delivered", detail=detail)])

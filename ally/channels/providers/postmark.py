"""Postmark: mails and reports as JSON.  It signs nothing; the channel's secret is in a header.

Source: "Webhooks overview", https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

import re

from ally.channels.facts import Incoming, Report
from ally.channels.models import EventsRaw, ReportKind
from ally.channels.providers.call import (
    Call,
    Told,
    Unproved,
    digest_id,
    json_of,
    knows_secret,
    short_id,
    told,
)
from ally.channels.providers.chat import moment_of, posted_by, report
from ally.channels.providers.packed import mail_in
from ally.channels.providers.pieces import text_of
from ally.channels.webhooks import WRONG_SECRET, Caller

PROOF = ("authorization", "x-ally-secret")
# Read without the rest, which may be 35 MB.  A quote inside of a text has a backslash
# before it, so what is found is a name.
MESSAGE_ID = re.compile(rb'[{,\s]"MessageID"\s*:\s*"([0-9A-Za-z-]{1,64})"')
RECORD_TYPE = re.compile(rb'[{,\s]"RecordType"\s*:\s*"[A-Za-z]{1,40}"')
TEST_ID = "00000000-0000-0000-0000-000000000000"  # of every press of the test button

PERMANENT = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated"}
# Answers of programs, and of people who were asked to confirm: nothing was undelivered.
NO_FAILURES = {"Unsubscribe", "Subscribe", "AutoResponder", "AddressChange", "OpenRelayTest"}
NO_FAILURES |= {"ChallengeVerification", "Unconfirmed"}


def prove(caller: Caller, call: Call) -> Told:
    if not knows_secret(caller, call):
        raise Unproved(WRONG_SECRET)
    if RECORD_TYPE.search(call.body):
        posted = json_of(call)
        own = posted.get("ID")
        named = short_id(f"{posted.get('RecordType')}:{own}") if own else digest_id(call.body)
        return told(named, "report")
    found = MESSAGE_ID.search(call.body)
    is_known = found is not None and found[1].decode() != TEST_ID
    return told(found[1].decode() if found and is_known else digest_id(call.body))


def read(event: EventsRaw) -> Incoming:
    if event.type == "message":
        return Incoming(mail=mail_in(event, "postmark"))
    found = report_of(event)
    return Incoming(reports=[found] if found else [])


def report_of(event: EventsRaw) -> Report | None:
    """What Postmark tells of a mail of ours; None when it is nothing that matters."""
    posted = posted_by(event)
    type_ = text_of(posted.get("Type"))
    kind = kind_of(text_of(posted.get("RecordType")), type_)
    if kind is None:
        return None
    times = (posted.get(name) for name in ("DeliveredAt", "BouncedAt", "ReceivedAt"))
    return report(
        kind,
        event=event,
        at=next(filter(None, map(moment_of, times)), None),
        detail=text_of(posted.get("Details")) or text_of(posted.get("Description")),
        provider_id=posted.get("MessageID"),
        recipient=posted.get("Recipient") or posted.get("Email"),
        is_permanent=kind is ReportKind.BOUNCED and type_ in PERMANENT,
    )


def kind_of(record: str, type_: str) -> ReportKind | None:
    if record in {"Delivery", "Open"}:
        return ReportKind.DELIVERED if record == "Delivery" else ReportKind.OPENED
    if record not in {"Bounce", "SpamComplaint"} or type_ in NO_FAILURES:
        return None
    if "SpamComplaint" in {record, type_}:
        return ReportKind.COMPLAINED
    return ReportKind.DELAYED if type_ == "Transient" else ReportKind.BOUNCED

"""Reports that programs write for programs: on delivery, on reading, on complaints.

Sources: RFC 3464 (delivery), RFC 6533 (the same with UTF-8), RFC 8098 (reading), RFC 5965
(complaints).  Their fields look like headers, in groups with blank lines between them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ally.channels.mail.leaves import MOST_READ, leaf_text, leaves
from ally.channels.mail.parsed import Bounced, Category
from ally.channels.mail.parts import Part
from ally.channels.mail.words import header_text

MOST_RECIPIENTS = 200
LONGEST_FIELD = 4_000  # characters

DELIVERY = {"message/delivery-status", "message/global-delivery-status"}
READING = {"message/disposition-notification", "message/global-disposition-notification"}
FEEDBACK = {"message/feedback-report"}
FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)", re.ASCII)
RECIPIENT_FIELDS = ("original-recipient", "final-recipient", "x-actual-recipient")
OF_RECIPIENT = {*RECIPIENT_FIELDS, "action", "status", "diagnostic-code"}
ADDRESS = re.compile(r"[^\s<>()\[\];:,\"'=@]+@[^\s<>()\[\];:,\"'=@]+")

Fields = dict[str, str]


@dataclass(frozen=True)
class Report:
    """What kind of report a mail is, and what it says of each recipient."""

    category: Category
    bounces: list[Bounced] = field(default_factory=list)


@dataclass
class Reports:
    """What the reports of a mail say: of the mail as a whole, and of each recipient."""

    delivery: list[Fields] = field(default_factory=list)
    recipients: list[Fields] = field(default_factory=list)
    reading: Fields | None = None
    feedback: Fields | None = None


def reports(root: Part) -> Reports:
    found = Reports()
    for leaf in leaves(root):
        if leaf.kind in DELIVERY:
            groups = list(field_groups(leaf_text(leaf)))
            found.delivery += [group for group in groups if not OF_RECIPIENT & set(group)]
            found.recipients += of_recipients(groups)
        elif leaf.kind in READING and found.reading is None:
            found.reading = merged(field_groups(leaf_text(leaf)))
        elif leaf.kind in FEEDBACK and found.feedback is None:
            found.feedback = merged(field_groups(leaf_text(leaf)))
    found.recipients = found.recipients[:MOST_RECIPIENTS]
    return found


def recipients_in_text(text: str) -> list[Fields]:
    """Fields of RFC 3464 that stand in a plain text, for want of a part of their own."""
    if "final-recipient" not in text[:MOST_READ].lower():
        return []
    return of_recipients(list(field_groups(text[:MOST_READ])))[:MOST_RECIPIENTS]


def field_groups(text: str) -> Iterator[Fields]:
    """The fields of each group by their names in lower case, unfolded; the first of each name."""
    group: Fields = {}
    name = ""
    for line in text.split("\n"):
        found = FIELD.match(line)
        if not line.strip():
            if group:
                yield group
            group, name = {}, ""
        elif line[0] in " \t" and name:
            group[name] = f"{group[name]} {line.strip()}"[:LONGEST_FIELD]
        elif found:
            if found[1].lower() in RECIPIENT_FIELDS and found[1].lower() in group:
                yield group  # the blank line between two recipients is missing
                group = {}
            name = found[1].lower()
            group.setdefault(name, found[2].strip()[:LONGEST_FIELD])
        else:
            name = ""
    if group:
        yield group


def of_recipients(groups: list[Fields]) -> list[Fields]:
    """The groups about a recipient; one that a blank line has torn apart is put together."""
    found: list[Fields] = []
    for group in groups:
        if not OF_RECIPIENT & set(group):
            continue
        if any(name in group for name in RECIPIENT_FIELDS) or not found:
            found.append(dict(group))
        elif not set(group) & set(found[-1]) & OF_RECIPIENT:
            found[-1] |= group
    return [group for group in found if any(name in group for name in RECIPIENT_FIELDS)]


def merged(groups: Iterator[Fields]) -> Fields:
    whole: Fields = {}
    for group in groups:
        whole = group | whole
    return whole


def address_of(fields: Fields) -> str:
    """The address that the mail was sent to, as far as the group tells; or ""."""
    said = [fields[name] for name in RECIPIENT_FIELDS if name in fields]
    found = (ADDRESS.search(value.partition(";")[2] or value) for value in said)
    return next((header_text(address[0]).strip(".") for address in found if address), "")

"""The mail that a report gives back: whose it was, and which."""

import re
from collections.abc import Iterator

from ally.channels.mail.addresses import addresses
from ally.channels.mail.bounce_text import capped_lines, returned_from
from ally.channels.mail.headers import clean
from ally.channels.mail.leaves import MOST_READ, leaf_text, leaves
from ally.channels.mail.parts import Part
from ally.channels.mail.reports import Fields, Reports

MOST_IDS = 20
LONGEST_ID = 500  # characters; an index must hold them
MOST_RECIPIENTS = 20
MAILS = {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers",
         "message/rfc822-headers", "text/rfc822"}  # fmt: skip
HEADER = re.compile(r"^[>|\s]{0,12}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]?:[ \t]*(.*)", re.ASCII)
# `Message-ID: <1@acme.example>` in the words of the report.
NAMED = re.compile(
    r"^[ \t>|*-]{0,12}(?:original )?message[- ]?id[ \t]{0,4}:[ \t]{0,4}(<[^<>\s]{1,500}>)",
    re.IGNORECASE | re.MULTILINE,
)
ID = re.compile(r"<([^<>\s]{1,500})>")


def returned_ids(root: Part, found: Reports, text: str) -> list[str]:
    """The Message-IDs of the mails that the report is about, without angle brackets."""
    stated = [fields.get(name, "") for fields in stated_fields(found) for name in STATED]
    headers = [value for block in blocks(root, text) for value in block.get("message-id", [])]
    named = [] if headers else NAMED.findall(text[:MOST_READ])
    ids = (clean(id_) for value in [*headers, *stated, *named] for id_ in ids_in(value))
    return list(dict.fromkeys(id_[:LONGEST_ID] for id_ in ids if id_))[:MOST_IDS]


STATED = ("original-message-id", "x-original-message-id")


def stated_fields(found: Reports) -> Iterator[Fields]:
    yield from found.delivery
    yield from found.recipients
    yield from (fields for fields in (found.reading, found.feedback) if fields)


def ids_in(value: str) -> list[str]:
    found = ID.findall(value)
    bare = value.strip()
    return found or ([bare] if "@" in bare and " " not in bare and len(bare) <= LONGEST_ID else [])


def original_recipients(root: Part, text: str) -> list[str]:
    """Whom the returned mail was for, by its own To."""
    said = [value for block in blocks(root, text) for value in block.get("to", [])]
    found = [email for value in said[:1] for _, email in addresses(value[:4_000])]
    return list(dict.fromkeys(email for email in found if email))[:MOST_RECIPIENTS]


def original_headers(root: Part) -> list[dict[str, list[str]]]:
    """The headers of each mail that is given back as a part of its own."""
    return [
        header_block(leaf_text(leaf).lstrip("\n").split("\n"))
        for leaf in leaves(root)
        if leaf.kind in MAILS
    ]


def blocks(root: Part, text: str) -> Iterator[dict[str, list[str]]]:
    """The headers of each returned mail: of the parts that hold one, else in the text."""
    inner = original_headers(root)
    yield from inner
    if not inner:
        lines = capped_lines(text)
        yield header_block(lines[returned_from(lines) :])


def header_block(lines: list[str]) -> dict[str, list[str]]:
    """The headers at the top of these lines, by their names in lower case.

    Words above them are passed over; after the first header a line that is none ends them.
    """
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in lines:
        header = HEADER.match(line)
        if header and (line[0] not in " \t" or not values):
            values = found.setdefault(header[1].lower(), [])
            values.append(header[2].strip())
        elif found and not line.strip():
            break
        elif values and line[:1] in {" ", "\t", ">", "|"}:
            values[-1] = f"{values[-1]} {line.strip()}"[:4_000]
    return found
